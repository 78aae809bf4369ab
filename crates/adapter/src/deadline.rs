//! A bound for one wait after another, over one timer that is never given back.
//!
//! A fresh timer for each wait makes the runtime wake itself up, a system call an invocation; moving a registered timer
//! further into the future costs nothing.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

/// The timer. It belongs to one task.
#[derive(Debug)]
pub struct Deadline {
    timer: Pin<Box<Sleep>>,
}

impl Deadline {
    /// Has to be made inside a runtime.
    pub fn new() -> Deadline {
        Deadline { timer: Box::pin(sleep(Duration::ZERO)) }
    }

    /// What `future` gives within `patience`, or `None`.
    pub async fn bound<T>(&mut self, patience: Duration, future: impl Future<Output = T>) -> Option<T> {
        self.timer.as_mut().reset(Instant::now() + patience);
        tokio::select! {
            biased;
            done = future => Some(done),
            () = self.timer.as_mut() => None,
        }
    }
}
