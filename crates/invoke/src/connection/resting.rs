//! Connections that rest: the last used is the first to be used again, and what rested too long is closed.
//!
//! Those of Lambda's calls and those of HTTP services are of two kinds, and each kind has a shelf. A connection at rest
//! is driven by no one; it is polled once before it is used again, and dropped if the server has closed it meanwhile.
//! How long it has rested is counted in rounds of the task that closes what is old, so that a call need not look at the
//! clock.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, MutexGuard, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use super::{Connection, Connections, Http1};

/// A connection that rested longer is closed. Shorter than what load balancers and AWS's front door allow.
pub(super) const IDLE: Duration = Duration::from_secs(50);
/// Rounds in that time.
const ROUNDS: u32 = 4;

/// All that rest.
#[derive(Debug, Default)]
pub(crate) struct Resting {
    services: Shelf<Connection>,
    calls: Shelf<Http1>,
    /// A task that closes what rested too long is running.
    swept: bool,
}

/// Connections of one kind and the rounds that they have rested, the last used at the back.
#[derive(Debug)]
pub(crate) struct Shelf<C>(VecDeque<(u32, C)>);

impl<C> Default for Shelf<C> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

/// A connection that can be used more than once, by one at a time.
pub(crate) trait Rests: Sized {
    /// Whether another request may follow the last one.
    fn is_at_rest(&self) -> bool;

    /// Polls once: whether it is open still, and ready for a request.
    fn poll_usable(&mut self, cx: &mut Context<'_>) -> bool;

    /// Where its kind rests.
    fn shelf(resting: &mut Resting) -> &mut Shelf<Self>;
}

impl Rests for Connection {
    fn is_at_rest(&self) -> bool {
        self.is_ready()
    }

    fn poll_usable(&mut self, cx: &mut Context<'_>) -> bool {
        self.settle(cx);
        self.is_ready()
    }

    fn shelf(resting: &mut Resting) -> &mut Shelf<Self> {
        &mut resting.services
    }
}

impl Rests for Http1 {
    fn is_at_rest(&self) -> bool {
        Http1::is_at_rest(self)
    }

    fn poll_usable(&mut self, cx: &mut Context<'_>) -> bool {
        Http1::poll_usable(self, cx)
    }

    fn shelf(resting: &mut Resting) -> &mut Shelf<Self> {
        &mut resting.calls
    }
}

impl Connections {
    /// The last used connection of its kind that is still open.
    pub(super) async fn take<C: Rests>(&self) -> Option<C> {
        loop {
            let (_, mut connection) = C::shelf(&mut self.resting()).0.pop_back()?;
            if poll_fn(|cx| Poll::Ready(connection.poll_usable(cx))).await {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection whose last answer has ended well; any other is closed.
    pub(crate) fn rest<C: Rests>(self: &Arc<Self>, connection: C) {
        if connection.is_at_rest() {
            let mut resting = self.resting();
            C::shelf(&mut resting).0.push_back((0, connection));
            self.sweep_later(&mut resting);
        }
    }

    pub(super) fn sweep_later(self: &Arc<Self>, resting: &mut Resting) {
        if !std::mem::replace(&mut resting.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    pub(super) fn resting(&self) -> MutexGuard<'_, Resting> {
        // A poisoned lock holds whole lists: each change is one call.
        self.resting.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Closes what rested too long, until nothing rests.
async fn sweep(connections: Weak<Connections>) {
    loop {
        tokio::time::sleep(IDLE / ROUNDS).await;
        let Some(connections) = connections.upgrade() else { return };
        let mut resting = connections.resting();
        let rest = [resting.services.sweep(), resting.calls.sweep(), connections.links.sweep()];
        if !rest.contains(&true) {
            resting.swept = false;
            return;
        }
    }
}

impl<C> Shelf<C> {
    /// Closes what rested too long; whether any is left.
    fn sweep(&mut self) -> bool {
        self.0.retain_mut(|(rounds, _)| {
            *rounds += 1;
            *rounds < ROUNDS
        });
        !self.0.is_empty()
    }
}
