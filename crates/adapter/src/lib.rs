//! `lambda-adapter`: a Runtime API client that feeds a web application over HTTP.
//!
//! Lambda starts it as an extension; it takes the events that a runtime would take, turns each into a request to the
//! application beside it, and posts the application's answer.
//!
//! ```text
//! settings ─▶ register, wait until the application is up ─▶ worker: /next ─▶ exchange ─▶ /response or /error
//! ```
//!
//! * [`settings`]: the environment, read once
//! * `readiness`, `extension`, `snapstart`: what has to happen before the first event
//! * `worker`: the loop; Managed Instances have several
//! * `exchange`: one invocation, over `request` and `context` on the way in, `envelope` and `compression` on the way out
//! * `journal`: what is written down about each
//! * `runtime`, `app`: the two sides, over `link`, a kept connection (`http1` on a `socket`), or `h2c`
//! * `payload`, `stream`: what goes over them
//!
//! The rule of the house: no event, no answer and no failure of either side ends the process. It ends on SIGTERM, when
//! it cannot register, or when the Runtime API stays away.

use std::future::Future;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

mod app;
mod backoff;
mod compression;
mod context;
mod deadline;
mod envelope;
mod exchange;
mod extension;
mod h2c;
mod http1;
mod journal;
mod link;
pub mod log;
mod payload;
mod readiness;
mod request;
mod runtime;
pub mod settings;
mod snapstart;
mod socket;
mod spare;
mod stream;
mod web_function;
mod worker;

use backoff::Backoff;
use context::FunctionContext;
use exchange::Failure;
use log::Log;
use runtime::Client;
use settings::{Endpoint, Settings};
use spare::Spare;

/// Of the two seconds that Lambda gives a sandbox to end, for an answer under way.
const DRAIN: Duration = Duration::from_millis(1_500);

/// So many workers are replaced in the life of a sandbox; then a fresh one serves better.
const FAULTS: u32 = 32;

/// What all workers see.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) function: FunctionContext,
    pub(crate) log: Log,
    ready: watch::Sender<bool>,
    busy: AtomicUsize,
    stopping: AtomicBool,
    idle: Notify,
    warm: AtomicBool,
}

/// Runs the adapter with the given environment until the sandbox ends. Never panics on input.
pub fn run(env: impl Iterator<Item = (String, String)>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(serve(env, terminated())),
        Err(error) => {
            Log::new(log::Level::Info, false).error(&format!("cannot start: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// As [`run`], inside a running tokio, until `stop` is ready.
pub async fn serve(env: impl Iterator<Item = (String, String)>, stop: impl Future<Output = ()>) -> ExitCode {
    let (settings, warnings) = Settings::from_env(env);
    let log = Log::new(settings.log_level, settings.log_json);
    for warning in warnings {
        log.warn(&warning.to_string());
    }
    serve_with(settings, stop).await
}

/// As [`serve`], with settings at hand.
pub async fn serve_with(settings: Settings, stop: impl Future<Output = ()>) -> ExitCode {
    let log = Log::new(settings.log_level, settings.log_json);
    let Some(api) = settings.runtime_api.clone() else {
        // Outside Lambda the application serves its clients itself, and the adapter must not be in the way.
        log.info("AWS_LAMBDA_RUNTIME_API is not set: this is not Lambda, there is nothing to do");
        return ExitCode::SUCCESS;
    };
    let shared = Arc::new(Shared {
        function: FunctionContext::new(&settings.function),
        settings,
        log,
        ready: watch::Sender::new(false),
        busy: AtomicUsize::new(0),
        stopping: AtomicBool::new(false),
        idle: Notify::new(),
        warm: AtomicBool::new(false),
    });
    let mut running = pin!(start(api, shared.clone()));
    tokio::select! {
        code = &mut running => code,
        () = stop => tokio::select! {
            code = running => code,
            code = shared.drain() => code,
        },
    }
}

/// The start-up order, and then the loop.
async fn start(api: Endpoint, shared: Arc<Shared>) -> ExitCode {
    let log = shared.log;
    let registered = extension::register(&shared.settings.extensions_api, log);
    let (registered, up) = tokio::join!(registered, shared.up());
    let registered = registered.map_err(|error| ("Runtime.RegistrationFailed", error.to_string()));
    if let Err((error_type, message)) = registered.and(up) {
        log.error(&message);
        if let Ok(mut client) = Client::new(api, Spare::one_of(1)) {
            let _ = client.fail_init(error_type, &message).await;
        }
        return ExitCode::FAILURE;
    }
    if let Err(error) = snapstart::pass(&api, &shared).await {
        log.error(&error.to_string());
        return ExitCode::FAILURE;
    }
    let workers = shared.settings.workers;
    keep(workers, log, || worker::work(api.clone(), shared.clone())).await
}

/// Keeps so many workers at work, until one ends: that is when the Runtime API is gone, which it is for all of them. One
/// that met a fault of ours is replaced; its invocation is lost, the others are not.
async fn keep<F>(count: usize, log: Log, work: impl Fn() -> F) -> ExitCode
where
    F: Future<Output = ExitCode> + Send + 'static,
{
    let mut workers = JoinSet::new();
    // Even a single worker is a task of its own: waking the future that blocks on the runtime costs a system call.
    for _ in 0..count {
        workers.spawn(work());
    }
    let mut backoff = Backoff::new();
    loop {
        match workers.join_next().await {
            Some(Ok(code)) => return code,
            Some(Err(fault)) if backoff.failures() < FAULTS => {
                log.error(&format!("a worker ended, another takes its place: {fault}"));
                backoff.pause().await;
                workers.spawn(work());
            }
            _ => return ExitCode::FAILURE,
        }
    }
}

impl Shared {
    /// Waits for the application, as long as the init phase should.
    async fn up(self: &Arc<Self>) -> Result<(), (&'static str, String)> {
        if let Some(fault) = &self.settings.fault {
            return Err(("Function.InvalidSetting", fault.clone()));
        }
        let shared = self.clone();
        let mut wait = tokio::spawn(async move {
            readiness::wait(&shared.settings.readiness, shared.log).await;
            shared.ready.send_replace(true);
        });
        let Some(bound) = self.settings.async_init.or(self.settings.readiness.timeout) else {
            let _ = wait.await;
            return Ok(());
        };
        match tokio::time::timeout(bound, &mut wait).await {
            Err(_) if self.settings.async_init.is_some() => {
                self.log.info("app is not ready yet, init ends and the first invocation waits for it");
                Ok(())
            }
            Err(_) => {
                Err(("Function.AppNotReady", format!("the application was not ready within {bound:?}")))
            }
            Ok(_) => Ok(()),
        }
    }

    /// Returns when the application has been up once.
    pub(crate) async fn ready(&self) {
        if !*self.ready.borrow() {
            let _ = self.ready.subscribe().wait_for(|ready| *ready).await;
        }
    }

    /// Why there is no answer in time.
    pub(crate) fn late(&self, waited: Duration) -> Failure {
        if *self.ready.borrow() { Failure::Late(waited) } else { Failure::NotReady(waited) }
    }

    /// Lets the invocations under way finish, within what Lambda leaves.
    async fn drain(&self) -> ExitCode {
        self.stopping.store(true, Ordering::Relaxed);
        if self.busy.load(Ordering::Relaxed) > 0 {
            let _ = tokio::time::timeout(DRAIN, self.idle.notified()).await;
        }
        ExitCode::SUCCESS
    }

    /// An invocation begins; it ends with what is returned, in whatever way.
    pub(crate) fn begin(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::Relaxed);
        Busy(self)
    }

    /// Whether this is the first invocation of the sandbox; the second time it is not.
    pub(crate) fn is_first(&self) -> bool {
        !self.warm.swap(true, Ordering::Relaxed)
    }

    /// Whether no further event should be taken.
    pub(crate) fn stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}

/// An invocation under way.
pub(crate) struct Busy<'a>(&'a Shared);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        let Busy(shared) = self;
        if shared.busy.fetch_sub(1, Ordering::Relaxed) == 1 && shared.stopping() {
            shared.idle.notify_one();
        }
    }
}

/// Ready on SIGTERM.
async fn terminated() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            terminate.recv().await;
        }
        // Without the handler the signal ends the process, as it would have anyway.
        Err(_) => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU32;

    use super::*;

    #[tokio::test]
    async fn a_worker_that_fails_is_replaced() {
        let check = async |faults: u32, expect: (u32, ExitCode)| {
            let begun = Arc::new(AtomicU32::new(0));
            let code = keep(1, Log::new(log::Level::Fatal, false), || {
                let (begun, faults) = (begun.clone(), faults);
                async move {
                    assert!(begun.fetch_add(1, Ordering::Relaxed) >= faults, "a fault of ours");
                    ExitCode::SUCCESS
                }
            })
            .await;
            let found = (begun.load(Ordering::Relaxed), code);
            assert_eq!(format!("{found:?}"), format!("{expect:?}"));
        };
        check(0, (1, ExitCode::SUCCESS)).await;
        check(2, (3, ExitCode::SUCCESS)).await;
    }
}
