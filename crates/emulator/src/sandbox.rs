//! One life of an execution environment: its APIs on a port of their own, its processes, its end.
//!
//! ```text
//! launch ─▶ init ─▶ ready ⇄ invocation ─▶ end ─▶ ended
//!             └──────── failure ──────────▲
//! ```
//!
//! All that happens (a poll, an answer, an exit) changes the [`State`] under its lock and rings `changed`; whoever waits
//! looks again. Nothing waits without a deadline but the long polls of runtime and extensions, as the protocol wants, and
//! these end with the sandbox. Dropping a sandbox kills its processes.
//!
//! Source: Lambda developer guide, "Understanding the Lambda execution environment lifecycle".

mod entry;
mod image;
mod launch;
mod opt;
mod state;

pub(crate) use image::Image;
pub(crate) use state::{Delivery, Outcome, Registered, Side, State, Unanswerable};

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lambridge_wire::extensions::{Event, EventType, ShutdownReason};
use lambridge_wire::runtime::ErrorReport;
use lambridge_wire::telemetry::{Destination, Kind};
use rustix::process::Signal;
use tokio::net::unix::pipe::Receiver;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::context::Context;
use crate::identity::since_epoch;
use crate::log::Output;
use crate::process::Process;
use crate::telemetry::record::{self, Status};
use crate::telemetry::{self, Queue, Telemetry};

/// See the module.
#[derive(Debug)]
pub(crate) struct Sandbox {
    pub(crate) context: Arc<Context>,
    pub(crate) output: Arc<Output>,
    pub(crate) telemetry: Arc<Telemetry>,
    /// Whether the end of init has been told of.
    init_told: AtomicBool,
    begun: Instant,
    state: Mutex<State>,
    changed: watch::Sender<()>,
    parts: Mutex<Parts>,
}

/// What must be ended.
#[derive(Debug, Default)]
struct Parts {
    runtime: Option<Arc<Process>>,
    /// By name.
    extensions: Vec<(String, Arc<Process>)>,
    pipes: Vec<(Kind, Arc<Receiver>)>,
    tasks: Vec<JoinHandle<()>>,
}

impl Parts {
    fn processes(&self) -> impl Iterator<Item = &Arc<Process>> {
        self.runtime.iter().chain(self.extensions.iter().map(|(_, process)| process))
    }
}

impl Sandbox {
    /// Begins a life; `after` must have ended first, and then a `pause` passes. Init may take as long as `limit`.
    pub(crate) fn launch(
        context: &Arc<Context>,
        instance: usize,
        after: Option<Arc<Sandbox>>,
        pause: Duration,
        limit: Duration,
    ) -> Arc<Self> {
        let telemetry = Arc::new(Telemetry::new(context.run.concurrency > 1));
        let output = Output::new(&context.name, instance, context.log.clone(), Arc::clone(&telemetry));
        let sandbox = Arc::new(Self {
            output: Arc::new(output),
            telemetry,
            init_told: AtomicBool::new(false),
            begun: Instant::now(),
            context: Arc::clone(context),
            state: Mutex::new(State::new(context)),
            changed: watch::Sender::new(()),
            parts: Mutex::default(),
        });
        let launching = tokio::spawn(launch::launch(Arc::clone(&sandbox), after, pause, limit));
        context.lives.add(&sandbox);
        sandbox.parts().tasks.push(launching);
        sandbox
    }

    /// The state, to look at or to change; then [`Sandbox::ring`].
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes all that wait for a change.
    pub(crate) fn ring(&self) {
        self.changed.send_replace(());
    }

    /// Whether it can take an invocation at once.
    pub(crate) fn is_ready(&self) -> bool {
        self.state().is_ready()
    }

    /// Whether it can take no invocation any more.
    pub(crate) fn is_over(&self) -> bool {
        self.state().ended()
    }

    /// Whether one of its processes has begun to exit, although that may not be in the state yet.
    pub(crate) fn is_dying(&self) -> bool {
        let parts = self.parts();
        parts.processes().any(|process| process.is_dead())
    }

    /// Waits until it can take no invocation any more.
    pub(crate) async fn over(&self) {
        self.until(|state| state.ended().then_some(())).await;
    }

    /// Waits for the end of the init phase: whether it is ready.
    pub(crate) async fn initialized(&self) -> bool {
        self.until(|state| if state.ended() { Some(false) } else { state.is_ready().then_some(true) }).await
    }

    /// What an invocation gets that this sandbox could not finish.
    pub(crate) fn verdict(&self, request_id: &str) -> Outcome {
        let state = self.state();
        match (&state.failure, &state.exit) {
            (Some(report), _) => Outcome { payload: report.clone(), failed: true },
            (None, Some((error_type, message))) => Outcome::platform(request_id, error_type, message),
            (None, None) => Outcome::platform(request_id, "Sandbox.Failure", "the sandbox was ended"),
        }
    }

    /// Gives an invocation to the runtime, and its notice to the extensions that asked for it.
    pub(crate) fn dispatch(&self, delivery: Arc<Delivery>) -> oneshot::Receiver<Outcome> {
        let outcome = self.state().dispatch(delivery);
        self.ring();
        outcome
    }

    /// Waits until runtime and extensions ask for more. `false`: they will not.
    pub(crate) async fn settled(&self) -> bool {
        self.until(|state| if state.ended() { Some(false) } else { state.is_settled().then_some(true) }).await
    }

    /// Lines written since `mark`, those still in the pipe included.
    pub(crate) fn log_since(&self, mark: u64) -> Vec<u8> {
        self.drain();
        self.output.since(mark)
    }

    /// Reads what is still in the pipes.
    fn drain(&self) {
        let pipes = self.parts().pipes.clone();
        pipes.iter().for_each(|(kind, pipe)| self.output.drain(*kind, pipe));
    }

    /// Tells, once, how init ended; from now on nobody can subscribe.
    pub(crate) fn init_over(&self, status: &Status) {
        if self.init_told.swap(true, Ordering::SeqCst) {
            return;
        }
        let (context, tell) = (&self.context, &self.telemetry);
        tell.publish(Kind::Platform, "platform.initRuntimeDone", || {
            record::init_runtime_done(context, status)
        });
        for extension in &self.state().extensions {
            let state = if extension.side.polled { "Ready" } else { "Registered" };
            tell.publish(Kind::Platform, "platform.extension", || {
                record::extension(&extension.name, state, &extension.events)
            });
        }
        let took = self.begun.elapsed();
        tell.publish(Kind::Platform, "platform.initReport", || record::init_report(context, status, took));
        tell.settle();
    }

    /// Delivers telemetry to a subscriber until the sandbox ends.
    pub(crate) fn deliver(&self, queue: Arc<Queue>, destination: Destination) {
        self.parts().tasks.push(tokio::spawn(telemetry::deliver(queue, destination)));
    }

    /// Ends it within the budgets of the lifecycle: none without extensions, half a second with internal ones only, two
    /// seconds with an external one. Three tenths of that are the runtime's, from SIGTERM to SIGKILL; then the extensions
    /// that asked for `SHUTDOWN` have the rest, and those that did not are killed. So it goes whatever the reason.
    ///
    /// Source: Lambda developer guide, "Shutdown phase"; the runtime interface emulator, which has the shares.
    pub(crate) async fn end(&self, reason: ShutdownReason) {
        let (runtime, extensions) = {
            let parts = self.parts();
            (parts.runtime.clone(), parts.extensions.clone())
        };
        let Some(budget) = self.begin_end(!extensions.is_empty()) else {
            return self.ended().await;
        };
        let now = Instant::now();
        let signal = |signal| {
            if let Some(runtime) = &runtime {
                runtime.signal(signal);
            }
        };
        let gone = |state: &mut State| state.runtime_gone.then_some(());
        if !budget.is_zero() {
            signal(Signal::TERM);
            drop(timeout_at(now + budget * 3 / 10, self.until(gone)).await);
        }
        signal(Signal::KILL);
        if !extensions.is_empty() {
            // It is dead in a moment, and an extension may look.
            drop(timeout_at(now + budget, self.until(gone)).await);
            self.drain();
            self.telemetry.flush();
            let deadline_ms = (since_epoch() + budget).as_millis() as u64;
            let (told, deaf): (Vec<_>, Vec<_>) = {
                let mut state = self.state();
                state.notify(EventType::Shutdown, &|| Event::Shutdown {
                    shutdown_reason: reason,
                    deadline_ms,
                });
                extensions.iter().partition(|(name, _)| state.listens(name, EventType::Shutdown))
            };
            self.ring();
            let kill = |some: &[&(String, Arc<Process>)]| {
                some.iter().for_each(|(_, process)| process.signal(Signal::KILL));
            };
            kill(&deaf);
            if !told.is_empty() {
                let gone = |state: &mut State| (state.extensions_running == 0).then_some(());
                drop(timeout_at(now + budget, self.until(gone)).await);
                kill(&told);
            }
        }
        self.ended().await;
        self.close();
    }

    /// Takes no more work from now on. The time there is to end, or `None` if someone ends it already.
    fn begin_end(&self, external: bool) -> Option<Duration> {
        let timing = &self.context.timing;
        let mut state = self.state();
        if std::mem::replace(&mut state.ending, true) {
            return None;
        }
        Some(match (external, state.extensions.is_empty()) {
            (true, _) => timing.shutdown_external,
            (false, false) => timing.shutdown_internal,
            (false, true) => Duration::ZERO,
        })
    }

    /// Waits until no process is left. Those were killed, so it is soon.
    pub(crate) async fn ended(&self) {
        let all_gone = self.until(|state| (state.ending && state.is_empty()).then_some(()));
        drop(tokio::time::timeout(Duration::from_secs(5), all_gone).await);
    }

    /// Kills at once, without waiting.
    pub(crate) fn kill(&self) {
        self.state().ending = true;
        let parts = self.parts();
        parts.processes().for_each(|process| process.signal(Signal::KILL));
        drop(parts);
        self.close();
    }

    /// Ends all that the sandbox still does; open invocations learn that it is over.
    fn close(&self) {
        let mut state = self.state();
        state.ending = true;
        state.drop_open();
        drop(state);
        let mut parts = self.parts();
        parts.tasks.drain(..).for_each(|task| task.abort());
        drop(parts);
        self.ring();
    }

    /// A failure of the platform's own, in the init phase or later.
    pub(crate) fn fail(&self, error_type: &str, message: &str) {
        let report = ErrorReport::new(error_type, message).to_json();
        let mut state = self.state();
        state.fail(report.into());
        drop(state);
        self.ring();
    }

    fn parts(&self) -> MutexGuard<'_, Parts> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until `look` finds something in the state.
    pub(crate) async fn until<T>(&self, mut look: impl FnMut(&mut State) -> Option<T>) -> T {
        let mut changes = self.changed.subscribe();
        loop {
            if let Some(found) = look(&mut self.state()) {
                return found;
            }
            // The sender lives as long as `self`.
            drop(changes.changed().await);
        }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.kill();
    }
}
