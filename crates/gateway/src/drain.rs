//! Waiting for what is in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Counts connections and finished-without-a-client calls.
#[derive(Debug, Default)]
pub(crate) struct InFlight(Arc<Count>);

#[derive(Debug, Default)]
struct Count {
    tokens: AtomicUsize,
    none: Notify,
}

/// Something in flight, as long as it lives.
#[derive(Debug)]
pub(crate) struct Token(Arc<Count>);

impl InFlight {
    pub(crate) fn token(&self) -> Token {
        self.0.tokens.fetch_add(1, Ordering::AcqRel);
        Token(self.0.clone())
    }

    /// Returns when nothing is in flight.
    pub(crate) async fn none(&self) {
        loop {
            let mut none = std::pin::pin!(self.0.none.notified());
            none.as_mut().enable();
            if self.0.tokens.load(Ordering::Acquire) == 0 {
                return;
            }
            none.await;
        }
    }
}

impl Drop for Token {
    fn drop(&mut self) {
        if self.0.tokens.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.0.none.notify_waiters();
        }
    }
}
