//! One version of a function: its instances, the line before them, and the run of an invocation.
//!
//! A place is the right to one invocation on one instance; there are `instances` × `concurrency` of them. A call takes a
//! place of a warm instance, else one of an instance that must be started, else it waits its turn, else it is throttled.
//! Whoever stops waiting leaves the line. Once it has a place the run goes on without its caller, as Lambda does, and the
//! place is held until the instance asks for more: the caller has its answer before.
//!
//! Init has its own ten seconds. If it fails, it is tried once more, now within the function's timeout ("suppressed
//! init"), and a second failure is the invocation's result. A timeout ends an on-demand instance, not a managed one.
//!
//! Source: Lambda developer guide, "Understanding the Lambda execution environment lifecycle"; recorded answers
//! (localstack, `test_lambda_invoke_with_timeout`, `test_lambda_runtime_exit`, `test_reserved_concurrency`).

mod report;
mod telling;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use lambridge_wire::extensions::ShutdownReason;
use lambridge_wire::runtime::Invocation;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError, oneshot};
use tokio::time::{Instant, timeout_at};

use self::report::Report;
use self::telling::Telling;
use crate::Recorded;
use crate::context::Context;
use crate::identity::{since_epoch, uuid};
use crate::record::{EVENT, Recorder};
use crate::sandbox::{Delivery, Outcome, Sandbox};
use crate::stream::{self, Running, Sink};
use crate::telemetry::record::Status;

/// Pause before the third start after two that failed; it doubles up to [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_millis(100);
/// See [`PAUSE`].
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Debug)]
pub(crate) struct Function {
    pub(crate) context: Arc<Context>,
    places: Arc<Semaphore>,
    free: Mutex<Vec<usize>>,
    instances: Vec<Mutex<Instance>>,
    waiting: AtomicUsize,
    /// Places whose caller has its answer already.
    settling: AtomicUsize,
    recorder: Arc<Recorder>,
}

#[derive(Debug, Default)]
struct Instance {
    sandbox: Option<Arc<Sandbox>>,
    /// Starts in a row that failed.
    failures: u32,
}

/// One invocation as its caller wants it.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) request_id: String,
    pub(crate) event: Bytes,
    /// With the qualifier if the caller gave one.
    pub(crate) arn: String,
    pub(crate) trace_id: String,
    pub(crate) client_context: Option<String>,
    pub(crate) cognito_identity: Option<String>,
    pub(crate) tenant_id: Option<String>,
    pub(crate) log_tail: bool,
    /// Where the answer goes as it comes; one that comes whole is in the outcome all the same.
    pub(crate) sink: Option<Sink>,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) outcome: Outcome,
    pub(crate) log_tail: Option<Vec<u8>>,
}

/// All instances are busy and the line is full.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Throttled;

impl Function {
    pub(crate) fn new(context: Context, recorder: Arc<Recorder>) -> Arc<Self> {
        // A fixed port has room for one.
        let instances = if context.run.port.is_some() { 1 } else { context.run.instances };
        let concurrency = context.run.concurrency.max(1);
        let free: Vec<usize> =
            (0..instances).rev().flat_map(|index| std::iter::repeat_n(index, concurrency)).collect();
        Arc::new(Self {
            context: Arc::new(context),
            places: Arc::new(Semaphore::new(free.len())),
            free: Mutex::new(free),
            instances: (0..instances).map(|_| Mutex::default()).collect(),
            waiting: AtomicUsize::new(0),
            settling: AtomicUsize::new(0),
            recorder,
        })
    }

    /// Runs `call`; dropped before it has a place, it never runs.
    pub(crate) async fn invoke(self: &Arc<Self>, call: Call) -> Result<Done, Throttled> {
        let request_id = call.request_id.clone();
        let answer = self.begin(call).await?;
        Ok(answer.await.unwrap_or_else(|_| Done::lost(&request_id)))
    }

    /// As [`Function::invoke`], and does not wait for the answer, which comes in pieces where the runtime streams it.
    pub(crate) async fn stream(self: &Arc<Self>, mut call: Call) -> Result<Running, Throttled> {
        let request_id = call.request_id.clone();
        let (sink, pieces) = stream::channel();
        call.sink = Some(sink);
        let done = self.begin(call).await?;
        Ok(Running::new(request_id, pieces, done))
    }

    async fn begin(self: &Arc<Self>, call: Call) -> Result<oneshot::Receiver<Done>, Throttled> {
        let arrived = Instant::now();
        let place = self.place().await?;
        let (done, answer) = oneshot::channel();
        tokio::spawn(run(place, call, arrived, done));
        Ok(answer)
    }

    /// Starts an instance ahead of its first invocation.
    pub(crate) fn warm(self: &Arc<Self>) {
        if !self.instances.is_empty() {
            drop(self.sandbox(0, self.context.timing.init));
        }
    }

    async fn place(self: &Arc<Self>) -> Result<Place, Throttled> {
        let permit = match Arc::clone(&self.places).try_acquire_owned() {
            Ok(permit) => permit,
            Err(TryAcquireError::Closed) => return Err(Throttled),
            Err(TryAcquireError::NoPermits) => {
                let line = Count::enter(self, |function| &function.waiting);
                // An instance that has answered is as good as free, even to those who may not wait.
                let soon_free = self.settling.load(Ordering::SeqCst);
                if self.waiting.load(Ordering::SeqCst) > self.context.run.queue + soon_free {
                    return Err(Throttled);
                }
                let permit = Arc::clone(&self.places).acquire_owned().await.map_err(|_| Throttled)?;
                drop(line);
                permit
            }
        };
        let mut free = self.free();
        let warm = free.iter().rposition(|&index| self.is_warm(index));
        let chosen = warm.or_else(|| free.len().checked_sub(1)).ok_or(Throttled)?;
        let index = free.remove(chosen);
        drop(free);
        Ok(Place { function: Arc::clone(self), index, _permit: permit })
    }

    fn is_warm(&self, index: usize) -> bool {
        self.instance(index).is_some_and(|instance| instance.sandbox.as_ref().is_some_and(|s| s.is_ready()))
    }

    /// The living sandbox of an instance, or a new one.
    fn sandbox(&self, index: usize, limit: Duration) -> Option<Arc<Sandbox>> {
        let mut instance = self.instance(index)?;
        if let Some(sandbox) = instance.sandbox.as_ref().filter(|sandbox| !sandbox.is_over()) {
            return Some(Arc::clone(sandbox));
        }
        let previous = instance.sandbox.take();
        if let Some(spent) = previous.clone() {
            let initialized = spent.state().is_initialized();
            instance.failures = if initialized { 0 } else { instance.failures.saturating_add(1) };
            tokio::spawn(async move { spent.end(ShutdownReason::Failure).await });
        }
        let pause = match instance.failures {
            0 | 1 => Duration::ZERO,
            many => (PAUSE * 2u32.saturating_pow((many - 2).min(8))).min(LONGEST_PAUSE),
        };
        let sandbox = Sandbox::launch(&self.context, index, previous, pause, limit);
        instance.sandbox = Some(Arc::clone(&sandbox));
        Some(sandbox)
    }

    fn instance(&self, index: usize) -> Option<MutexGuard<'_, Instance>> {
        self.instances.get(index).map(|one| one.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn free(&self) -> MutexGuard<'_, Vec<usize>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to one invocation on one instance.
struct Place {
    function: Arc<Function>,
    index: usize,
    /// Given back after the index is.
    _permit: OwnedSemaphorePermit,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.function.free().push(self.index);
    }
}

/// Counts up, and down when dropped.
struct Count<'a>(&'a AtomicUsize);

impl<'a> Count<'a> {
    fn enter(function: &'a Function, counter: fn(&Function) -> &AtomicUsize) -> Self {
        let counter = counter(function);
        counter.fetch_add(1, Ordering::SeqCst);
        Self(counter)
    }
}

impl Drop for Count<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The whole life of an invocation that has its place.
async fn run(place: Place, call: Call, arrived: Instant, done: oneshot::Sender<Done>) {
    let function = Arc::clone(&place.function);
    let timeout = function.context.run.timeout;
    let managed = function.context.run.concurrency > 1;
    let taken = Instant::now();
    let prepared = prepare(&function, place.index).await;
    let cold = prepared.init.is_some();
    let started = prepared.second.unwrap_or_else(Instant::now);
    let deadline = started + timeout;

    let sandbox = prepared.sandbox;
    if prepared.ready {
        sandbox.init_over(&Status::Success);
    }
    let mark = sandbox.output.mark();
    let telling = Telling { call: &call, sandbox: &sandbox, started, init: prepared.init };
    telling.start();
    let outcome = if prepared.ready {
        let delivery = Arc::new(delivery(&call, deadline));
        timeout_at(deadline, sandbox.dispatch(delivery)).await.map(Result::ok)
    } else if sandbox.is_over() {
        Ok(None)
    } else {
        // Init itself went over the function's timeout.
        timeout_at(deadline, std::future::pending::<Option<Outcome>>()).await
    };
    let timed_out = outcome.is_err();
    let answered = matches!(outcome, Ok(Some(_)));
    let outcome = match outcome {
        Ok(Some(outcome)) => outcome,
        Ok(None) => sandbox.verdict(&call.request_id),
        Err(_) => {
            sandbox.state().expire(&call.request_id);
            let message = format!("Task timed out after {:.2} seconds", timeout.as_secs_f64());
            Outcome::platform(&call.request_id, "Sandbox.Timedout", &message)
        }
    };
    let status = telling.runtime_done(&outcome, answered, timed_out);
    let log_tail = call.log_tail.then(|| {
        let report = Report { call: &call, context: &function.context, timed_out, init: prepared.init };
        report.tail(&sandbox.log_since(mark), started.elapsed())
    });
    function.recorder.add(Recorded {
        request_id: call.request_id.clone(),
        function: function.context.name.clone(),
        event: call.event.get(..EVENT).unwrap_or(&call.event).to_vec(),
        queued_us: micros(taken - arrived),
        run_us: micros(taken.elapsed()),
        cold,
    });
    let settling = Count::enter(&function, |function| &function.settling);
    // The caller may have gone; the function ran all the same.
    drop(done.send(Done { outcome, log_tail }));

    if !managed {
        let settled = !timed_out && timeout_at(deadline, sandbox.settled()).await.is_ok();
        telling.report(&status);
        if !settled {
            sandbox.end(ShutdownReason::Timeout).await;
        }
    } else {
        telling.report(&status);
    }
    drop(place);
    drop(settling);
}

/// A sandbox for an invocation.
struct Prepared {
    sandbox: Arc<Sandbox>,
    ready: bool,
    /// When a second init began, which is part of the invocation and has its time.
    second: Option<Instant>,
    /// How long the first init took, if the invocation waited for it.
    init: Option<Duration>,
}

async fn prepare(function: &Function, index: usize) -> Prepared {
    let begun = Instant::now();
    let init = function.context.timing.init;
    let mut sandbox = function.sandbox(index, init).expect("a place has an instance");
    if sandbox.is_ready() && sandbox.is_dying() {
        // It died since its last invocation, and this one is not to learn of it.
        drop(tokio::time::timeout(init, sandbox.over()).await);
        sandbox = function.sandbox(index, init).expect("a place has an instance");
    }
    if sandbox.is_ready() {
        return Prepared { sandbox, ready: true, second: None, init: None };
    }
    if sandbox.initialized().await {
        return Prepared { sandbox, ready: true, second: None, init: Some(begun.elapsed()) };
    }
    let timeout = function.context.run.timeout;
    let (init, second) = (begun.elapsed(), Instant::now());
    // Its own limit lies behind the invocation's, whose timeout it must not hide.
    let sandbox = function.sandbox(index, timeout * 2).expect("a place has an instance");
    let ready = timeout_at(second + timeout, sandbox.initialized()).await.unwrap_or(false);
    Prepared { sandbox, ready, second: Some(second), init: Some(init) }
}

fn delivery(call: &Call, deadline: Instant) -> Delivery {
    let left = deadline.saturating_duration_since(Instant::now());
    let deadline_ms = u64::try_from((since_epoch() + left).as_millis()).unwrap_or(u64::MAX);
    let head = Invocation {
        request_id: call.request_id.clone(),
        deadline_ms: Some(deadline_ms),
        function_arn: Some(call.arn.clone()),
        trace_id: Some(call.trace_id.clone()),
        client_context: call.client_context.clone(),
        cognito_identity: call.cognito_identity.clone(),
        tenant_id: call.tenant_id.clone(),
        invocation_id: Some(uuid()),
    };
    Delivery { head, event: call.event.clone(), sink: call.sink.clone() }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
