//! `lambridge gateway`: serve a configuration until SIGTERM, reloading it on change and on SIGHUP.

use std::io;
use std::net::SocketAddr;
use std::process::ExitCode;

use lambridge_gateway::{Gateway, StartError, Surroundings};
use lambridge_model::Model;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::args::Serve;
use crate::reload::Watch;
use crate::{bind, configuration, descriptors, output};

pub fn run(options: &Serve) -> ExitCode {
    let load = || {
        let (mut model, watched) = configuration::load_or_complain(&options.paths.config)?;
        bind::apply(&options.bind, &mut model);
        Some((model, watched))
    };
    let Some((model, watched)) = load() else { return ExitCode::FAILURE };
    descriptors::raise(model.limits.connections);
    // Before an address is printed: who has read it may change the file at once.
    let watch = Watch::new(&watched);
    let served = block_on(async {
        let mut signals = Signals::listen()?;
        let gateway = start(model, Surroundings::of_process()).await?;
        serve_until_told(&gateway, &mut signals, watch, load).await?;
        drain(gateway, &mut signals).await;
        Ok(())
    });
    exit(served)
}

/// Starts a gateway and prints where it listens.
pub async fn start(model: Model, surroundings: Surroundings) -> Result<Gateway, String> {
    let shown = model.clone();
    let gateway = Gateway::start(model, surroundings).await.map_err(|error| describe(&error))?;
    announce(&gateway, shown, &[]);
    Ok(gateway)
}

/// What the gateway serves now: its admin shows it, and each address that is not among `known` is printed.
fn announce(gateway: &Gateway, model: Model, known: &[SocketAddr]) {
    for (address, listener) in gateway.addresses().iter().zip(&model.listeners) {
        if !known.contains(address) {
            let scheme = if listener.tls.is_some() { "https" } else { "http" };
            output::say(&format!("listening on {scheme}://{address}"));
        }
    }
    if let Some(address) = gateway.admin_address() {
        if !known.contains(&address) {
            output::say(&format!("admin on http://{address}"));
        }
        gateway.show(configuration::shown(model));
    }
}

/// Serves until SIGTERM or SIGINT. `load` gives the next model, or nothing when the old one stays.
pub async fn serve_until_told<W>(
    gateway: &Gateway,
    signals: &mut Signals,
    mut watch: Watch,
    load: impl Fn() -> Option<(Model, W)>,
) -> Result<(), String> {
    loop {
        tokio::select! {
            () = signals.ending.told() => return Ok(()),
            _ = signals.hangup.recv() => {}
            () = watch.changed() => {}
        }
        let outcome = match load() {
            None => {
                gateway.reload_refused();
                Err("the configuration is wrong".to_owned())
            }
            Some((model, _)) => {
                let shown = model.clone();
                let known: Vec<SocketAddr> =
                    gateway.addresses().into_iter().chain(gateway.admin_address()).collect();
                let taken = gateway.reload(model).await.map_err(|error| describe(&error));
                taken.map(|()| announce(gateway, shown, &known))
            }
        };
        match outcome {
            Ok(()) => output::complain("configuration reloaded"),
            Err(why) => output::complain(&format!("reload rejected, the old configuration stays: {why}")),
        }
    }
}

/// Lets what is in flight finish. Whoever presses Ctrl-C once more does not want to wait for that.
pub async fn drain(gateway: Gateway, signals: &mut Signals) {
    tokio::select! {
        () = gateway.drain() => {}
        _ = signals.ending.interrupt.recv() => output::complain("not waiting for what is in flight"),
    }
}

/// What a serving process is told. Listened to before an address is printed: who has read it may send a signal at once,
/// and one that nobody listens to ends the process on the spot.
pub struct Signals {
    ending: Ending,
    hangup: Signal,
}

impl Signals {
    pub fn listen() -> Result<Self, String> {
        Ok(Self { ending: Ending::listen()?, hangup: listen(SignalKind::hangup())? })
    }
}

/// SIGTERM and SIGINT: what tells a process to end.
pub struct Ending {
    terminate: Signal,
    interrupt: Signal,
}

impl Ending {
    pub fn listen() -> Result<Self, String> {
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    /// Returns when one of them came.
    pub async fn told(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn listen(kind: SignalKind) -> Result<Signal, String> {
    signal(kind).map_err(|error| format!("cannot listen for signals: {error}"))
}

/// Runs `future` on this thread, and all that it spawns on others, one a core.
pub fn block_on<T>(future: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let started = if cores > 1 { many(future) } else { single(future) };
    started.map_err(|error| format!("cannot start the runtime: {error}"))?
}

fn many<T>(future: impl Future<Output = T>) -> io::Result<T> {
    Ok(Builder::new_multi_thread().enable_all().build()?.block_on(future))
}

/// On a single core tasks have no other thread to go to, and a scheduler that moves none costs less. It has a thread of its
/// own, as a worker would: reading a configuration anew, which is done on this one, must not hold up requests.
fn single<T>(future: impl Future<Output = T>) -> io::Result<T> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    let (running, ended) = oneshot::channel::<()>();
    let worker = std::thread::Builder::new().name("worker".to_owned());
    // It returns when `running` is dropped.
    let worker = worker.spawn(move || drop(runtime.block_on(ended)))?;
    let outcome = handle.block_on(future);
    drop(running);
    // The worker's panics are those of tasks, which the runtime has caught.
    let _ = worker.join();
    Ok(outcome)
}

/// The exit code, with the reason printed.
pub fn exit(outcome: Result<(), String>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            output::complain(&format!("lambridge: {message}"));
            ExitCode::FAILURE
        }
    }
}

fn describe(error: &StartError) -> String {
    match error {
        StartError::Problems(problems) => {
            problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>().join("; ")
        }
        StartError::Bind { .. } => error.to_string(),
    }
}
