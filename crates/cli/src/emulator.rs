//! `lambridge emulator`: the emulator alone, for the functions of a configuration that have `run:`.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use lambridge_emulator::{Emulator, LogSink, Settings};
use lambridge_model::{Model, Run, Secret};

use crate::args::Serve;
use crate::gateway::{Ending, block_on, exit};
use crate::{bind, configuration, output};

/// Region of the emulated Lambda where no function names one.
pub const REGION: &str = "us-east-1";
/// Account of the emulated Lambda.
pub const ACCOUNT: &str = "000000000000";

pub fn run(options: &Serve) -> ExitCode {
    let Some((mut model, _)) = configuration::load_or_complain(&options.paths.config) else {
        return ExitCode::FAILURE;
    };
    bind::apply(&options.bind, &mut model);
    let served = block_on(async {
        let key_pairs = model.emulator.credentials.clone().into_iter().collect();
        let mut ending = Ending::listen()?;
        let emulator = start(settings(&model, model.emulator.address, key_pairs)?).await?;
        ending.told().await;
        emulator.shutdown().await;
        Ok(())
    });
    exit(served)
}

/// Starts an emulator and prints where it listens.
pub async fn start(settings: Settings) -> Result<Emulator, String> {
    let emulator = Emulator::start(settings).await.map_err(|error| error.to_string())?;
    output::say(&format!("emulator on http://{}", emulator.address()));
    for (function, address) in emulator.urls() {
        output::say(&format!("URL of `{function}`: http://{address}"));
    }
    Ok(emulator)
}

/// What the emulator needs to know of `model`.
pub fn settings(
    model: &Model,
    address: SocketAddr,
    key_pairs: Vec<(String, Secret)>,
) -> Result<Settings, String> {
    let this = this_program().map_err(|error| format!("cannot find this program: {error}"))?;
    let subcommand = |name: &str| vec![this.clone().into_os_string(), OsString::from(name)];
    let region = model.functions.values().find_map(|function| function.region.clone());
    Ok(Settings {
        address,
        region: region.unwrap_or_else(|| REGION.to_owned()),
        account_id: ACCOUNT.to_owned(),
        key_pairs,
        signed: model.emulator.credentials.is_some(),
        functions: local_functions(model),
        adapter: subcommand("adapter"),
        child_prefix: subcommand("exec-child"),
        guardian: subcommand("guard-children"),
        inherit: inherited(),
        log: LogSink(Arc::new(|function, instance, line| {
            output::complain(&format!("[{function}#{instance}] {line}"));
        })),
    })
}

/// How to start this program again.
///
/// By the time a child is started, the path may hold another version (an upgrade, a build) or nothing. The kernel's link
/// stays with the file that runs; whoever follows it is already the child, which is this program too. Source: proc(5).
pub fn this_program() -> io::Result<PathBuf> {
    let link = Path::new("/proc/self/exe");
    if link.exists() { Ok(link.to_owned()) } else { std::env::current_exe() }
}

/// Functions with `run:`, by the name they are invoked by.
fn local_functions(model: &Model) -> BTreeMap<String, Run> {
    let named =
        |function: &lambridge_model::Function| Some((function.name.name().to_owned(), function.run.clone()?));
    model.functions.values().filter_map(named).collect()
}

/// What children need to find their interpreters and libraries; everything else is Lambda's environment.
fn inherited() -> Vec<(OsString, OsString)> {
    const NAMES: [&str; 8] =
        ["PATH", "HOME", "USER", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH", "NODE_PATH", "JAVA_HOME"];
    NAMES.iter().filter_map(|name| Some((OsString::from(name), std::env::var_os(name)?))).collect()
}
