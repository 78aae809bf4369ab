//! The start of a sandbox: listen, start the processes, watch over init and over their ends.

use std::ffi::OsString;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::sync::{Arc, Weak};
use std::time::Duration;

use lambridge_model::Program;
use lambridge_wire::extensions::ShutdownReason;
use lambridge_wire::telemetry::Kind;
use tokio::net::TcpListener;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};

use super::entry::{Extension, Refusal, extensions, runtime};
use super::image::{self, Image};
use super::{Sandbox, State};
use crate::context::Context;
use crate::environment::{Place, Role, variables};
use crate::http::{Terms, serve};
use crate::identity;
use crate::process::{Process, ending};
use crate::telemetry::record::{self, Status};

/// Connections a sandbox's processes may have at once; a Managed Instance polls on one for each invocation.
const CONNECTIONS: usize = 1024;

/// Runs until the sandbox is initialized or has failed and ended.
pub(super) async fn launch(
    sandbox: Arc<Sandbox>,
    after: Option<Arc<Sandbox>>,
    pause: Duration,
    limit: Duration,
) {
    if let Some(previous) = after {
        // Two lives of one instance would meet on a fixed port.
        previous.ended().await;
    }
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    match start(&sandbox).await {
        Ok(()) => match tokio::time::timeout(limit, sandbox.initialized()).await {
            Ok(true) => return sandbox.init_over(&Status::Success),
            Ok(false) => {
                let exit = sandbox.state().exit.as_ref().map_or("", |(error_type, _)| error_type).to_owned();
                sandbox.init_over(&Status::Failure(exit));
            }
            Err(_) => {
                sandbox.init_over(&Status::Timeout);
                let message = format!("Init timed out after {:.2} seconds", limit.as_secs_f64());
                sandbox.output.say(&message);
                sandbox.fail("Sandbox.Timedout", &message);
            }
        },
        Err((error_type, message)) => {
            sandbox.init_over(&Status::Failure(error_type.to_owned()));
            sandbox.output.say(&format!("{error_type}: {message}"));
            sandbox.fail(error_type, &message);
        }
    }
    sandbox.end(ShutdownReason::Failure).await;
}

async fn start(sandbox: &Arc<Sandbox>) -> Result<(), Refusal> {
    let context = &sandbox.context;
    if context.lives.is_closed() {
        return Err(("Sandbox.Failure", "the emulator is ending".to_owned()));
    }
    let failure = |error: io::Error| ("Sandbox.Failure", error.to_string());
    if !context.run.dir.as_os_str().is_empty() && !context.run.dir.is_dir() {
        return Err((
            "Runtime.InvalidWorkingDir",
            format!("`{}` is not a folder", context.run.dir.display()),
        ));
    }
    let image = context.run.image.as_deref().map(image::open).transpose();
    let image = image.map_err(|message| ("Runtime.InvalidEntrypoint", message))?;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(failure)?;
    let place = Place {
        api: listener.local_addr().map_err(failure)?,
        app_port: match context.run.program {
            Program::Web(_) => Some(app_port(context).map_err(failure)?),
            Program::Command(_) | Program::Packed => None,
        },
        log_stream: log_stream(&context.version),
    };
    let terms = Terms { connections: CONNECTIONS, head_timeout: None };
    let owner = Arc::downgrade(sandbox);
    let apis = serve(listener, terms, move |request, _| answer(Weak::clone(&owner), request));
    sandbox.parts().tasks.push(tokio::spawn(apis));

    sandbox
        .telemetry
        .publish(Kind::Platform, "platform.initStart", || record::init_start(context, &place.log_stream));
    let extensions = extensions(context, image.as_ref())?;
    let theirs =
        if extensions.is_empty() { None } else { Some(pipe(sandbox, Kind::Extension).map_err(failure)?) };
    sandbox.state().external = extensions.iter().map(|extension| extension.name.clone()).collect();
    for Extension { name, words, inside } in extensions {
        let image = image.as_ref().filter(|_| inside);
        let Some(writer) = &theirs else { break };
        let command = command(context, &place, Role::Extension, image, &words, writer).map_err(failure)?;
        let (process, child) = context
            .spawner
            .spawn(command)
            .await
            .map_err(|error| ("Extension.LaunchError", cannot_start(&words, &error)))?;
        sandbox.parts().extensions.push((name, Arc::clone(&process)));
        sandbox.state().extensions_running += 1;
        tokio::spawn(watch(Arc::downgrade(sandbox), process, child, extension_ended));
    }
    let words = runtime(context, image.as_ref())?;
    let writer = pipe(sandbox, Kind::Function).map_err(failure)?;
    let command =
        command(context, &place, Role::Runtime, image.as_ref(), &words, &writer).map_err(failure)?;
    let (process, child) = context
        .spawner
        .spawn(command)
        .await
        .map_err(|error| ("Runtime.InvalidEntrypoint", cannot_start(&words, &error)))?;
    sandbox.parts().runtime = Some(Arc::clone(&process));
    sandbox.state().runtime_gone = false;
    tokio::spawn(watch(Arc::downgrade(sandbox), process, child, runtime_ended));
    if context.lives.is_closed() {
        // The emulator ended while this was being started.
        sandbox.kill();
    }
    Ok(())
}

/// What the processes of one kind write to.
fn pipe(sandbox: &Sandbox, kind: Kind) -> io::Result<io::PipeWriter> {
    let (pipe, writer) = io::pipe()?;
    let pipe = Arc::new(Receiver::from_owned_fd(OwnedFd::from(pipe))?);
    sandbox.parts().pipes.push((kind, Arc::clone(&pipe)));
    let output = Arc::clone(&sandbox.output);
    // Not among the sandbox's tasks: it ends with the last writer, and the last words of a dead child are worth reading.
    tokio::spawn(async move { output.follow(kind, pipe).await });
    Ok(writer)
}

/// One request of a process of this sandbox.
async fn answer(
    sandbox: Weak<Sandbox>,
    request: http::Request<hyper::body::Incoming>,
) -> crate::http::Answer {
    let Some(sandbox) = sandbox.upgrade() else { return crate::http::json(500, "") };
    if request.uri().path().starts_with("/2018-06-01/") {
        return crate::runtime_api::answer(&sandbox, request).await;
    }
    crate::extensions_api::answer(&sandbox, request).await
}

fn cannot_start(words: &[OsString], error: &io::Error) -> String {
    format!(
        "cannot start `{}`: {error}",
        words.first().map(|word| word.to_string_lossy()).unwrap_or_default()
    )
}

fn command(
    context: &Context,
    place: &Place,
    role: Role,
    image: Option<&Image>,
    words: &[OsString],
    output: &io::PipeWriter,
) -> io::Result<Command> {
    if image.is_some() && context.child_prefix.is_empty() {
        return Err(io::Error::other("nothing is configured that enters an image"));
    }
    let mut line = context.child_prefix.iter().chain(words);
    let program = line.next().ok_or_else(|| io::Error::other("no program"))?;
    let mut command = Command::new(program);
    command.args(line).env_clear().envs(variables(context, place, role, image));
    if !context.run.dir.as_os_str().is_empty() {
        command.current_dir(&context.run.dir);
    }
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output.try_clone()?);
    Ok(command)
}

/// A port that is free now. Another process may take it first; the app's init then fails and is tried again.
fn app_port(context: &Context) -> io::Result<u16> {
    match context.run.port {
        Some(port) => Ok(port),
        None => Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port()),
    }
}

fn log_stream(version: &str) -> String {
    let today = jiff::Timestamp::now().strftime("%Y/%m/%d");
    format!("{today}/[{version}]{}", identity::hex::<16>())
}

async fn watch(
    sandbox: Weak<Sandbox>,
    process: Arc<Process>,
    child: Child,
    tell: fn(&mut State, Option<String>),
) {
    let status = process.wait(child).await;
    let Some(sandbox) = sandbox.upgrade() else { return };
    let unasked = {
        let mut state = sandbox.state();
        let known = state.ending || state.exit.is_some();
        tell(&mut state, status.map_or_else(|error| Some(error.to_string()), ending));
        state.exit.clone().filter(|_| !known)
    };
    if let Some((error_type, message)) = unasked {
        // A process that says nothing itself would otherwise be gone without a word.
        sandbox.drain();
        sandbox.output.say(&format!("{error_type}: {message}"));
    }
    sandbox.ring();
    // The others need not wait for the next invocation to learn of it. A sandbox that is being ended goes on with that.
    sandbox.end(ShutdownReason::Failure).await;
}

fn runtime_ended(state: &mut State, how: Option<String>) {
    let message = match how {
        Some(how) => format!("Runtime exited with error: {how}"),
        None => "Runtime exited without providing a reason".to_owned(),
    };
    state.runtime_gone = true;
    ended(state, "Runtime.ExitError", message);
}

fn extension_ended(state: &mut State, how: Option<String>) {
    state.extensions_running = state.extensions_running.saturating_sub(1);
    ended(state, "Extension.Crash", how.unwrap_or_else(|| "exit code 0".to_owned()));
}

fn ended(state: &mut State, error_type: &'static str, message: String) {
    if !state.ending {
        state.exit.get_or_insert((error_type, message));
    }
    state.drop_open();
}
