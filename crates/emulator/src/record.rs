//! The last invocations, for the page of `lambridge dev`.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::Recorded;

/// Invocations kept.
const KEPT: usize = 256;
/// Bytes of an event kept.
pub(crate) const EVENT: usize = 64 * 1024;

/// A ring of [`Recorded`].
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<VecDeque<Recorded>>);

impl Recorder {
    /// Adds one; the oldest goes.
    pub(crate) fn add(&self, recorded: Recorded) {
        let mut ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == KEPT {
            ring.pop_front();
        }
        ring.push_back(recorded);
    }

    /// The newest with this request id.
    pub(crate) fn find(&self, request_id: &str) -> Option<Recorded> {
        let ring = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        ring.iter().rev().find(|recorded| recorded.request_id == request_id).cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_goes() {
        let recorder = Recorder::default();
        for number in 0..=KEPT {
            let recorded = Recorded {
                request_id: number.to_string(),
                function: String::new(),
                event: Vec::new(),
                queued_us: 0,
                run_us: 0,
                cold: false,
            };
            recorder.add(recorded);
        }
        assert!(recorder.find("0").is_none());
        assert!(recorder.find("1").is_some());
        assert!(recorder.find("256").is_some());
    }
}
