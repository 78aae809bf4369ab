//! Pauses between attempts: 20 ms, doubled up to 1 s.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);

/// Counts failures in a row.
#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// No failure yet.
    pub fn new() -> Backoff {
        Backoff::default()
    }

    /// Failures in a row so far.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// It worked: the next pause is short again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts a failure and waits.
    pub async fn pause(&mut self) {
        let pause = (FIRST * 2u32.pow(self.failures.min(10))).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        tokio::time::sleep(pause).await;
    }
}
