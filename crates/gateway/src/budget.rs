//! The memory of all buffered bodies together (`limits.buffered_total`).
//!
//! Bytes are reserved before they are read, and given back when the request ends. What a function has answered is
//! counted too, but never refused for it: the function has run, and throwing its answer away helps nobody.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::problem::{Reason, Refusal};

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
    /// Reserves `bytes` more, or refuses with 503.
    pub(crate) fn grow(&mut self, bytes: usize) -> Result<(), Refusal> {
        if bytes == 0 {
            return Ok(());
        }
        let max = self.budget.max.load(Ordering::Relaxed);
        let before = self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        if before.saturating_add(bytes) > max {
            self.budget.used.fetch_sub(bytes, Ordering::Relaxed);
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

    use super::Budget;

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
        second.count(100);
        drop(second);
        assert!(budget.share().grow(10).is_ok());
        assert!(budget.share().grow(usize::MAX).is_err());
    }
}
