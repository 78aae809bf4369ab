//! A bound for one wait after another, over one timer that is never given back.
//!
//! A fresh timer for each wait makes the runtime wake itself up, a system call an invocation; moving a registered timer
//! further into the future costs nothing.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tokio::task::coop::unconstrained;
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
    ///
    /// One that always finds something to do uses up what the runtime lets a task do at a time. The timer is looked at all
    /// the same; it would never be heard otherwise.
    pub async fn bound<T>(&mut self, patience: Duration, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut set = false;
        poll_fn(|cx| {
            if let Poll::Ready(done) = future.as_mut().poll(cx) {
                return Poll::Ready(Some(done));
            }
            // What is done at once needs no clock.
            if !set {
                self.timer.as_mut().reset(Instant::now() + patience);
                set = true;
            }
            pin!(unconstrained(self.timer.as_mut())).poll(cx).map(|()| None)
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_always_has_something_to_do_is_bounded_too() {
        let busy = async {
            loop {
                tokio::task::coop::consume_budget().await;
            }
        };
        let bounded = tokio::time::timeout(Duration::from_secs(30), async {
            Deadline::new().bound(Duration::from_millis(1), busy).await
        });
        assert_eq!(bounded.await, Ok(None::<()>));
    }
}
