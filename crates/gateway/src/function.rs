//! What a function has at run time: its client, and the gate that bounds its calls.
//!
//! `concurrency.max` calls run at once, `queue` more wait for `wait` at most; beyond either the request is refused
//! with 503 `overloaded`. The state is kept across reloads while the function's settings stay equal.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use lambridge_invoke::{ClientError, Lambda, Pool, Target};
use lambridge_model::{Function, Invocation};
use lambridge_wire::invoke::InvocationType;
use lambridge_wire::limits;
use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};
use tokio::time::Instant;

use crate::directory::{Directory, Entry};
use crate::metrics::FunctionMetrics;
use crate::problem::{Reason, Refusal};

/// One function of the running gateway.
#[derive(Debug)]
pub(crate) struct FunctionState {
    pub(crate) key: Arc<str>,
    /// Its `origin` is blank, so that a moved line does not count as a change.
    pub(crate) settings: Function,
    pub(crate) lambda: Lambda,
    pub(crate) target: Target,
    pub(crate) gate: Gate,
    pub(crate) metrics: Arc<FunctionMetrics>,
    /// For a function that is called only while it is listed.
    entry: Option<Entry>,
}

impl FunctionState {
    /// `others` may have the directory that this function is looked up in.
    pub(crate) fn new<'f>(
        key: &str,
        function: &Function,
        pool: &Pool,
        others: impl Iterator<Item = &'f Arc<FunctionState>>,
        metrics: Arc<FunctionMetrics>,
    ) -> Result<Self, ClientError> {
        let lambda = pool.client(function)?;
        let target = match function.invoke {
            Invocation::Stream => Lambda::stream_target(function),
            Invocation::Sync | Invocation::Async | Invocation::DryRun => Lambda::target(function),
        };
        let concurrency = function.concurrency;
        let gate = Gate::new(concurrency.max, concurrency.queue, concurrency.wait);
        let entry = Entry::new(function, &lambda, others.filter_map(|state| state.directory()));
        Ok(Self { key: key.into(), settings: function.without_place(), lambda, target, gate, metrics, entry })
    }

    /// Whether `function` of another model is this one.
    pub(crate) fn is(&self, key: &str, function: &Function) -> bool {
        *self.key == *key && self.settings == function.without_place()
    }

    fn directory(&self) -> Option<&Arc<Directory>> {
        self.entry.as_ref().map(|entry| &entry.directory)
    }

    /// Refuses a call of a function that Lambda does not list, where that matters.
    pub(crate) async fn is_listed(&self, deadline: Instant) -> Result<(), Refusal> {
        match &self.entry {
            Some(entry) => entry.check(deadline).await,
            None => Ok(()),
        }
    }

    pub(crate) fn kind(&self) -> InvocationType {
        match self.settings.invoke {
            Invocation::Sync | Invocation::Stream => InvocationType::RequestResponse,
            Invocation::Async => InvocationType::Event,
            Invocation::DryRun => InvocationType::DryRun,
        }
    }

    /// Whether a call goes on when its client goes. Lambda runs on regardless, and a buffered answer is short; a stream
    /// could go on for long with no one to read it.
    pub(crate) fn outlives_its_client(&self) -> bool {
        self.settings.invoke != Invocation::Stream
    }

    /// The largest event its kind of invocation takes.
    pub(crate) fn event_max(&self) -> usize {
        match self.settings.invoke {
            Invocation::Sync | Invocation::Stream | Invocation::DryRun => limits::SYNC_PAYLOAD,
            Invocation::Async => limits::ASYNC_PAYLOAD,
        }
    }
}

/// A semaphore with a bounded queue.
#[derive(Debug)]
pub(crate) struct Gate {
    running: Arc<Semaphore>,
    max: usize,
    waiting: AtomicUsize,
    queue: usize,
    wait: Duration,
}

impl Gate {
    fn new(max: usize, queue: usize, wait: Duration) -> Self {
        let max = max.min(Semaphore::MAX_PERMITS);
        Self { running: Arc::new(Semaphore::new(max)), max, waiting: AtomicUsize::new(0), queue, wait }
    }

    /// A permit to call, now or after a bounded wait, which is `noted`.
    pub(crate) async fn enter(
        &self,
        deadline: Instant,
        noted: impl FnOnce(Duration),
    ) -> Result<SemaphorePermit<'_>, Refusal> {
        match self.running.try_acquire() {
            Ok(permit) => return Ok(permit),
            Err(TryAcquireError::Closed) => return Err(Reason::Draining.into()),
            Err(TryAcquireError::NoPermits) => {}
        }
        let overloaded = |detail: &str| Refusal::from(Reason::Overloaded).with_detail(detail);
        let _place = Place::take(self).ok_or_else(|| overloaded("the function's queue is full"))?;
        let began = Instant::now();
        let until = began.checked_add(self.wait).map_or(deadline, |end| end.min(deadline));
        let entered = tokio::time::timeout_at(until, self.running.acquire()).await;
        noted(began.elapsed());
        match entered {
            Ok(Ok(permit)) => Ok(permit),
            Ok(Err(_closed)) => Err(Reason::Draining.into()),
            Err(_elapsed) => Err(overloaded("no call of the function ended in time")),
        }
    }

    /// Calls that hold a place.
    pub(crate) fn running(&self) -> usize {
        self.max.saturating_sub(self.running.available_permits())
    }

    /// Calls that may hold one at once.
    pub(crate) fn limit(&self) -> usize {
        self.max
    }

    /// Calls that wait for one.
    pub(crate) fn waiting(&self) -> usize {
        // Who finds the queue full is counted for a moment too.
        self.waiting.load(Ordering::Relaxed).min(self.queue)
    }

    /// Calls that may wait at once.
    pub(crate) fn queue(&self) -> usize {
        self.queue
    }

    /// Keeps a permit of this gate beyond the request's future.
    pub(crate) fn hold(&self, permit: SemaphorePermit<'_>) -> Held {
        permit.forget();
        Held(Arc::clone(&self.running))
    }

    /// Refuses whoever still waits: the gateway ends.
    pub(crate) fn close(&self) {
        self.running.close();
    }
}

/// A permit of a streamed answer, given back when dropped.
pub(crate) struct Held(Arc<Semaphore>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.add_permits(1);
    }
}

/// A place in the queue, given back on every way out.
struct Place<'a>(&'a Gate);

impl<'a> Place<'a> {
    fn take(gate: &'a Gate) -> Option<Self> {
        let before = gate.waiting.fetch_add(1, Ordering::Relaxed);
        let place = Self(gate);
        (before < gate.queue).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The function named `key` of an earlier snapshot, if its settings are the same.
pub(crate) fn kept<'a>(
    earlier: impl IntoIterator<Item = &'a Arc<FunctionState>>,
    key: &str,
    function: &Function,
) -> Option<Arc<FunctionState>> {
    earlier.into_iter().find(|state| state.is(key, function)).cloned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::Instant;

    use super::Gate;
    use crate::problem::Reason;

    fn far() -> Instant {
        Instant::now() + Duration::from_secs(3600)
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_places_come_back() {
        let gate = Gate::new(1, 1, Duration::from_secs(3600));
        let running = gate.enter(far(), drop).await.unwrap();
        let mut waiting = Box::pin(gate.enter(far(), drop));
        assert!(futures_pending(&mut waiting).await, "the second waits");
        assert_eq!(gate.enter(far(), drop).await.unwrap_err().reason, Reason::Overloaded);
        drop(waiting);
        let mut waiting = Box::pin(gate.enter(far(), drop));
        assert!(futures_pending(&mut waiting).await, "a given-up place is free again");
        drop(running);
        assert!(waiting.await.is_ok());
    }

    #[tokio::test]
    async fn waiting_ends() {
        let gate = Gate::new(1, 1, Duration::from_millis(1));
        let _running = gate.enter(far(), drop).await.unwrap();
        assert_eq!(gate.enter(far(), drop).await.unwrap_err().reason, Reason::Overloaded);
        let none = Gate::new(1, 0, Duration::from_secs(3600));
        let _running = none.enter(far(), drop).await.unwrap();
        assert_eq!(none.enter(far(), drop).await.unwrap_err().reason, Reason::Overloaded);
    }

    #[tokio::test]
    async fn a_closed_gate_drains() {
        let gate = Gate::new(1, 1, Duration::from_secs(3600));
        gate.close();
        assert_eq!(gate.enter(far(), drop).await.unwrap_err().reason, Reason::Draining);
    }

    /// Polls once.
    async fn futures_pending<F: Future + Unpin>(future: &mut F) -> bool {
        std::future::poll_fn(|cx| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())
        })
        .await
    }
}
