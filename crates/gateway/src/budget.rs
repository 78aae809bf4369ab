//! The memory of all buffered bodies together (`limits.buffered_total`).
//!
//! Bytes are reserved before they are read, and given back when the request ends. What a function has answered is
//! counted too, until its client has taken it, but never refused for it: the function has run, and throwing its answer away
//! helps nobody. So clients that ask for much and take nothing cost others a 503, not the process its memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

use crate::problem::{Reason, Refusal};

/// Shorter answers are in the system's own buffers as soon as they are written.
const LONG: usize = 16 << 10;

/// Shared by all requests of a gateway, across reloads.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    used: AtomicUsize,
    max: AtomicUsize,
}

impl Budget {
    pub(crate) fn set_max(&self, max: usize) {
        self.max.store(max, Ordering::Relaxed);
    }

    /// Bytes that all requests hold.
    pub(crate) fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    /// An empty share, to grow.
    pub(crate) fn share(self: &Arc<Self>) -> Share {
        Share { budget: self.clone(), bytes: 0 }
    }
}

/// What one request holds.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Share {
    /// Reserves `bytes` more, or refuses with 503. Of none it is asked whether there is any room.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        let (used, max) = (&self.budget.used, self.budget.max.load(Ordering::Relaxed));
        let before =
            if bytes > 0 { used.fetch_add(bytes, Ordering::Relaxed) } else { used.load(Ordering::Relaxed) };
        if before.saturating_add(bytes) > max {
            if bytes > 0 {
                used.fetch_sub(bytes, Ordering::Relaxed);
            }
            return Err(Refusal::from(Reason::Overloaded)
                .with_detail("limits.buffered_total is used up")
                .closing());
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Counts `bytes` that are already there.
    pub(crate) fn count(&mut self, bytes: usize) {
        self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
    }

    /// An answer's bytes, which count in place of all else until the last of them is gone.
    pub(crate) fn hold(self, bytes: Bytes) -> Bytes {
        if bytes.len() < LONG {
            return bytes;
        }
        let mut share = self.budget.share();
        share.count(bytes.len());
        Bytes::from_owner(Held { bytes, _share: share })
    }
}

/// Bytes with their share.
struct Held {
    bytes: Bytes,
    _share: Share,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;

    use super::{Budget, LONG};

    #[test]
    fn shares_are_bounded_together_and_given_back() {
        let budget = Arc::new(Budget::default());
        budget.set_max(10);
        let mut first = budget.share();
        let mut second = budget.share();
        assert!(first.grow(6).is_ok());
        assert!(second.grow(5).is_err());
        assert!(second.grow(4).is_ok());
        assert!(first.grow(1).is_err());
        drop(first);
        assert!(second.grow(6).is_ok());
        assert!(budget.share().grow(0).is_ok(), "full is not too full");
        second.count(100);
        assert!(budget.share().grow(0).is_err());
        drop(second);
        assert!(budget.share().grow(10).is_ok());
        assert!(budget.share().grow(usize::MAX).is_err());
    }
    #[test]
    fn answers_count_until_they_are_gone() {
        let budget = Arc::new(Budget::default());
        let mut share = budget.share();
        share.count(1 << 20);
        let mut answer = share.hold(Bytes::from(vec![0; 2 * LONG]));
        assert_eq!(budget.used(), 2 * LONG, "and the request no more");
        let piece = answer.split_to(LONG);
        drop(answer);
        assert_eq!(budget.used(), 2 * LONG);
        drop(piece);
        assert_eq!(budget.used(), 0);
        let short = budget.share().hold(Bytes::from_static(b"ok"));
        assert_eq!((budget.used(), &short[..]), (0, &b"ok"[..]));
    }
}
