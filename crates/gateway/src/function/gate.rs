//! The bound on a function's calls: so many at once, so many more that wait, and how long.
//!
//! With `adaptive` the bound follows what Lambda has to give, as AIMD does (additive increase, multiplicative decrease): a
//! throttle takes a part of it away, at most once for the calls that were in flight together, since they all were too
//! many for one reason; as many successes as the bound is high raise it by one, and only where the bound is what holds
//! calls back. A throttle for too many invocations at once takes away more than one for too many a second.
//! Latency says nothing here: a cold start looks like overload, and is none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lambridge_model::Concurrency;
use tokio::sync::{Semaphore, TryAcquireError};
use tokio::time::Instant;

use crate::problem::{Reason, Refusal};

/// What is left of the bound after a throttle for too many invocations at once.
const AT_ONCE: f64 = 0.7;
/// And after one for too many in a second, which fewer at once cure only by and by.
const A_SECOND: f64 = 0.9;

/// A semaphore with a bounded queue.
#[derive(Debug)]
pub(crate) struct Gate {
    running: Arc<Running>,
    max: usize,
    waiting: AtomicUsize,
    queue: usize,
    wait: Duration,
}

/// What a permit gives back to.
#[derive(Debug)]
struct Running {
    permits: Semaphore,
    in_flight: AtomicUsize,
    adaptive: Option<Adaptive>,
}

#[derive(Debug)]
struct Adaptive {
    min: f64,
    max: f64,
    bound: Mutex<Bound>,
    /// Permits to be taken away when they are given back; written under the lock.
    owed: AtomicUsize,
}

#[derive(Debug)]
struct Bound {
    limit: f64,
    lowered: Option<Instant>,
}

/// The right to call, given back when dropped.
#[derive(Debug)]
pub(crate) struct Permit(Arc<Running>);

impl Gate {
    pub(crate) fn new(settings: Concurrency) -> Self {
        let max = settings.max.min(Semaphore::MAX_PERMITS);
        let adaptive = settings.adaptive.map(|min| Adaptive {
            min: min.clamp(1, max) as f64,
            max: max as f64,
            bound: Mutex::new(Bound { limit: max as f64, lowered: None }),
            owed: AtomicUsize::new(0),
        });
        let running = Running { permits: Semaphore::new(max), in_flight: AtomicUsize::new(0), adaptive };
        let (queue, wait) = (settings.queue, settings.wait);
        Self { running: Arc::new(running), max, waiting: AtomicUsize::new(0), queue, wait }
    }

    /// A permit to call, now or after a bounded wait, which is `noted`.
    pub(crate) async fn enter(
        &self,
        deadline: Instant,
        noted: impl FnOnce(Duration),
    ) -> Result<Permit, Refusal> {
        match self.running.permits.try_acquire() {
            Ok(permit) => {
                permit.forget();
                return Ok(Permit::new(&self.running));
            }
            Err(TryAcquireError::Closed) => return Err(Reason::Draining.into()),
            Err(TryAcquireError::NoPermits) => {}
        }
        let overloaded = |detail: &str| Refusal::from(Reason::Overloaded).with_detail(detail);
        let _place = Place::take(self).ok_or_else(|| overloaded("the function's queue is full"))?;
        let began = Instant::now();
        let until = began.checked_add(self.wait).map_or(deadline, |end| end.min(deadline));
        let entered = tokio::time::timeout_at(until, self.running.permits.acquire()).await;
        noted(began.elapsed());
        match entered {
            Ok(Ok(permit)) => {
                permit.forget();
                Ok(Permit::new(&self.running))
            }
            Ok(Err(_closed)) => Err(Reason::Draining.into()),
            Err(_elapsed) => Err(overloaded("no call of the function ended in time")),
        }
    }

    /// Lambda took a call.
    pub(crate) fn worked(&self) {
        if let Some(adaptive) = &self.running.adaptive {
            adaptive.raise(&self.running);
        }
    }

    /// Lambda throttled a call that began at `began`, for AWS's `reason`.
    pub(crate) fn throttled(&self, reason: &str, began: Instant) {
        if let Some(adaptive) = &self.running.adaptive {
            let left = if reason.contains("RateLimit") { A_SECOND } else { AT_ONCE };
            adaptive.lower(&self.running, left, began);
        }
    }

    /// Calls that may hold a place at once, now.
    pub(crate) fn limit(&self) -> usize {
        let adaptive = self.running.adaptive.as_ref();
        adaptive.map_or(self.max, |adaptive| adaptive.bound().limit as usize)
    }

    /// Calls that hold a place.
    pub(crate) fn running(&self) -> usize {
        self.running.in_flight.load(Ordering::Relaxed)
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

    /// Refuses whoever still waits: the gateway ends.
    pub(crate) fn close(&self) {
        self.running.permits.close();
    }
}

impl Adaptive {
    fn bound(&self) -> MutexGuard<'_, Bound> {
        // A poisoned lock holds a whole bound: nothing in here panics between two writes.
        self.bound.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lower(&self, running: &Running, left: f64, began: Instant) {
        let mut bound = self.bound();
        if bound.lowered.is_some_and(|at| began <= at) {
            return;
        }
        // A bound that holds nothing back says nothing: what was in flight was too much.
        let used = (running.in_flight.load(Ordering::Relaxed) as f64).min(bound.limit);
        let next = (used * left).floor().clamp(self.min, bound.limit);
        let less = bound.limit.floor() - next.floor();
        *bound = Bound { limit: next, lowered: Some(Instant::now()) };
        let less = less as usize;
        let taken = running.permits.forget_permits(less);
        self.owed.fetch_add(less - taken, Ordering::Relaxed);
    }

    fn raise(&self, running: &Running) {
        let mut bound = self.bound();
        let in_flight = running.in_flight.load(Ordering::Relaxed) as f64;
        if bound.limit >= self.max || in_flight * 2.0 < bound.limit {
            return;
        }
        let before = bound.limit.floor();
        bound.limit = (bound.limit + 1.0 / bound.limit).min(self.max);
        if bound.limit.floor() > before && !self.take_owed() {
            running.permits.add_permits(1);
        }
    }

    /// Whether one permit less is owed now.
    fn take_owed(&self) -> bool {
        let less = |owed: usize| owed.checked_sub(1);
        self.owed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).is_ok()
    }
}

impl Permit {
    fn new(running: &Arc<Running>) -> Self {
        running.in_flight.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(running))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        if !self.0.adaptive.as_ref().is_some_and(Adaptive::take_owed) {
            self.0.permits.add_permits(1);
        }
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lambridge_model::Concurrency;
    use tokio::time::Instant;

    use super::{Gate, Permit};
    use crate::problem::Reason;

    const LONG: Duration = Duration::from_secs(3600);

    fn far() -> Instant {
        Instant::now() + LONG
    }

    fn gate(max: usize, queue: usize, wait: Duration) -> Gate {
        Gate::new(Concurrency { max, queue, wait, adaptive: None })
    }

    fn adaptive(max: usize, min: usize) -> Gate {
        Gate::new(Concurrency { max, queue: 1, wait: LONG, adaptive: Some(min) })
    }

    async fn fill(gate: &Gate, count: usize) -> Vec<Permit> {
        let mut permits = Vec::new();
        for _ in 0..count {
            permits.push(gate.enter(far(), drop).await.unwrap());
        }
        permits
    }

    #[tokio::test]
    async fn the_queue_is_bounded_and_places_come_back() {
        let gate = gate(1, 1, LONG);
        let running = gate.enter(far(), drop).await.unwrap();
        let mut waiting = Box::pin(gate.enter(far(), drop));
        assert!(is_pending(&mut waiting).await, "the second waits");
        assert_eq!((gate.running(), gate.waiting(), gate.limit()), (1, 1, 1));
        assert_eq!(gate.enter(far(), drop).await.unwrap_err().reason, Reason::Overloaded);
        drop(waiting);
        let mut waiting = Box::pin(gate.enter(far(), drop));
        assert!(is_pending(&mut waiting).await, "a given-up place is free again");
        drop(running);
        assert!(waiting.await.is_ok());
    }

    #[tokio::test]
    async fn waiting_ends() {
        let short = gate(1, 1, Duration::from_millis(1));
        let _running = short.enter(far(), drop).await.unwrap();
        assert_eq!(short.enter(far(), drop).await.unwrap_err().reason, Reason::Overloaded);
        let none = gate(1, 0, LONG);
        let _running = none.enter(far(), drop).await.unwrap();
        assert_eq!(none.enter(far(), drop).await.unwrap_err().reason, Reason::Overloaded);
    }

    #[tokio::test]
    async fn a_closed_gate_drains() {
        let gate = gate(1, 1, LONG);
        gate.close();
        assert_eq!(gate.enter(far(), drop).await.unwrap_err().reason, Reason::Draining);
    }

    #[tokio::test]
    async fn a_throttle_lowers_the_bound_once_for_its_time() {
        let gate = adaptive(100, 2);
        let mut permits = fill(&gate, 20).await;
        let began = Instant::now();
        (0..20).for_each(|_| gate.throttled("ReservedFunctionConcurrentInvocationLimitExceeded", began));
        assert_eq!(gate.limit(), 14, "seven tenths of what was in flight");
        gate.throttled("CallerRateLimitExceeded", Instant::now());
        assert_eq!(gate.limit(), 12);
        // What is held above the bound is not given out again.
        let mut waiting = Box::pin(gate.enter(far(), drop));
        assert!(is_pending(&mut waiting).await);
        permits.truncate(12);
        assert!(is_pending(&mut waiting).await);
        permits.truncate(11);
        assert!(waiting.await.is_ok());
    }

    #[tokio::test]
    async fn it_never_leaves_its_bounds() {
        let gate = adaptive(3, 2);
        for _ in 0..9 {
            gate.throttled("", Instant::now());
            assert_eq!(gate.limit(), 2);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let permits = fill(&gate, 2).await;
        (0..1000).for_each(|_| gate.worked());
        assert_eq!(gate.limit(), 3);
        let more = gate.enter(far(), drop).await.unwrap();
        let mut waiting = Box::pin(gate.enter(far(), drop));
        assert!(is_pending(&mut waiting).await, "three and no more");
        drop((permits, more));
        assert!(waiting.await.is_ok());
    }

    #[tokio::test]
    async fn successes_raise_it_slowly_and_only_under_load() {
        let gate = adaptive(1000, 1);
        let permits = fill(&gate, 100).await;
        gate.throttled("", Instant::now());
        assert_eq!(gate.limit(), 70);
        (0..70).for_each(|_| gate.worked());
        assert_eq!(gate.limit(), 70);
        (0..2).for_each(|_| gate.worked());
        assert_eq!(gate.limit(), 71);
        drop(permits);
        (0..1000).for_each(|_| gate.worked());
        assert_eq!(gate.limit(), 71, "nothing is held back");
    }

    /// Polls once.
    async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
        std::future::poll_fn(|cx| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(cx).is_pending())
        })
        .await
    }
}
