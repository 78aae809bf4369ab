//! `lambridge gateway`: serve a configuration until SIGTERM, reloading it on change and on SIGHUP.

use std::io;
use std::process::ExitCode;

use lambridge_gateway::{Gateway, StartError, Surroundings};
use lambridge_model::Model;
use tokio::signal::unix::{Signal, SignalKind, signal};

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
    let served = block_on(async {
        let mut signals = Signals::listen()?;
        let gateway = start(model, Surroundings::of_process()).await?;
        serve_until_told(&gateway, &mut signals, Watch::new(&watched), load).await?;
        drain(gateway, &mut signals).await;
        Ok(())
    });
    exit(served)
}

/// Starts a gateway and prints where it listens.
pub async fn start(model: Model, surroundings: Surroundings) -> Result<Gateway, String> {
    let tls: Vec<bool> = model.listeners.iter().map(|listener| listener.tls.is_some()).collect();
    let shown = model.clone();
    let gateway = Gateway::start(model, surroundings).await.map_err(|error| describe(&error))?;
    for (address, tls) in gateway.addresses().into_iter().zip(tls) {
        output::say(&format!("listening on {}://{address}", if tls { "https" } else { "http" }));
    }
    if let Some(address) = gateway.admin_address() {
        output::say(&format!("admin on http://{address}"));
        gateway.show(configuration::shown(shown));
    }
    Ok(gateway)
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
                let taken = gateway.reload(model).await.map_err(|error| describe(&error));
                taken.map(|()| gateway.show(configuration::shown(shown)))
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

/// Runs `future` on a multi-thread runtime, one worker a core.
pub fn block_on<T>(future: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error: io::Error| format!("cannot start the runtime: {error}"))?;
    runtime.block_on(future)
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
