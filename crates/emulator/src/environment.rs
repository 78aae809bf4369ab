//! The environment of a child: what AWS sets, as far as it means something on this machine.
//!
//! Later entries win: what is inherited, then AWS's variables, then the function's own, then what the sandbox itself needs
//! and nobody may change. Left out on purpose: `LD_LIBRARY_PATH`, which would mix AWS's libraries' order into this system;
//! `AWS_EXECUTION_ENV`, which OS-only runtimes lack, too. `PATH` and `HOME` are the inherited ones if there are any. A folder
//! in the place of `/opt` has its `bin` in `PATH`, last as on Lambda. In an image nothing is inherited; the image's own
//! variables stand in that place.
//!
//! Source: environments recorded from real functions (localstack, `test_lambda_init_environment`); Lambda developer
//! guide, "Defined runtime environment variables".

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;

use crate::context::Context;
use crate::sandbox::Image;

/// For whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The process in the place of the runtime.
    Runtime,
    /// An external extension.
    Extension,
}

/// What differs from sandbox to sandbox.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// Of the Runtime and Extensions API.
    pub(crate) api: SocketAddr,
    /// The web application's, if there is one.
    pub(crate) app_port: Option<u16>,
    /// `2026/07/10/[$LATEST]0123…`.
    pub(crate) log_stream: String,
}

/// `PATH` in an image that sets none. Source: an environment recorded from a real function.
const IMAGE_PATH: &str = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin";

/// What an external extension does not get. Source: Extensions API guide, "Environment variables".
const RUNTIME_ONLY: [&str; 7] = [
    "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_XRAY_CONTEXT_MISSING",
    "LAMBDA_RUNTIME_DIR",
    "LAMBDA_TASK_ROOT",
    "_HANDLER",
];

/// What a web function's application does not get. Source: as below.
const NOT_FOR_WEB_FUNCTIONS: [&str; 5] = [
    "AWS_LAMBDA_FUNCTION_NAME",
    "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME",
    "AWS_LWA_PORT",
    "PORT",
];

/// Whether the function turns the adapter's mode on.
fn is_web_function(env: &BTreeMap<String, String>) -> bool {
    let word = env.get("AWS_LWA_WEB_FUNCTION").map(String::as_str).unwrap_or_default();
    ["true", "1", "yes", "on"].iter().any(|yes| word.trim().eq_ignore_ascii_case(yes))
}

/// The environment of Lambda Web Functions, except that the application should listen on the loopback alone: on AWS all
/// addresses are within the sandbox, here they are this machine's. There is no metadata API.
/// Source: "Lambda Web Functions" of the Lambda developer guide, 2026.
fn web_function(port: u16, role: Role, all: &mut BTreeMap<OsString, OsString>) {
    all.insert("AWS_LAMBDA_HTTP_ENDPOINT".into(), format!("127.0.0.1:{port}").into());
    if role == Role::Runtime {
        all.insert("AWS_LAMBDA_INITIALIZATION_TYPE".into(), "native-http".into());
        all.retain(|name, _| !NOT_FOR_WEB_FUNCTIONS.iter().any(|gone| name == gone));
    }
}

/// The variables of one process.
pub(crate) fn variables(
    context: &Context,
    place: &Place,
    role: Role,
    image: Option<&Image>,
) -> BTreeMap<OsString, OsString> {
    let run = &context.run;
    // Absolute, since a child that starts in that folder would look for a relative one below it.
    let directory = std::path::absolute(&run.dir).unwrap_or_else(|_| run.dir.clone()).display().to_string();
    let (task, directory) = image.map_or((&*directory, &*directory), |image| ("/var/task", &image.directory));
    let managed = run.concurrency > 1;
    let mut all: BTreeMap<OsString, OsString> = BTreeMap::new();
    let mut set = |name: &str, value: &str| drop(all.insert(name.into(), value.into()));

    set("PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin");
    for (name, value) in [
        ("AWS_ACCESS_KEY_ID", "LAMBRIDGELOCAL000000"),
        ("AWS_SECRET_ACCESS_KEY", "local"),
        ("AWS_SESSION_TOKEN", "local"),
        ("AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"),
        ("AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1:2000"),
        ("_AWS_XRAY_DAEMON_ADDRESS", "127.0.0.1"),
        ("_AWS_XRAY_DAEMON_PORT", "2000"),
        ("LANG", "en_US.UTF-8"),
        ("LAMBDA_RUNTIME_DIR", "/var/runtime"),
        ("LAMBDA_TASK_ROOT", task),
        ("PWD", directory),
        ("TZ", ":UTC"),
        ("_HANDLER", context.handler()),
        ("AWS_REGION", &context.region),
        ("AWS_DEFAULT_REGION", &context.region),
        ("AWS_LAMBDA_LOG_FORMAT", if managed { "JSON" } else { "Text" }),
    ] {
        set(name, value);
    }
    if managed {
        set("AWS_LAMBDA_LOG_LEVEL", "INFO");
    }
    match image {
        // What this machine has at those paths, the image has not.
        Some(image) => {
            all.insert("PATH".into(), IMAGE_PATH.into());
            all.extend(image.env.iter().map(|(name, value)| (name.into(), value.into())));
        }
        None => all.extend(context.inherit.iter().cloned()),
    }
    all.extend(run.env.iter().map(|(name, value)| (name.into(), value.into())));

    if let Some(bin) = run.opt.as_ref().and_then(|opt| std::path::absolute(opt.join("bin")).ok())
        && let Some(path) = all.get_mut(OsStr::new("PATH"))
    {
        path.push(":");
        path.push(bin);
    }

    let mut fix = |name: &str, value: &str| drop(all.insert(name.into(), value.into()));
    fix("AWS_LAMBDA_RUNTIME_API", &place.api.to_string());
    fix("AWS_LAMBDA_FUNCTION_NAME", &context.name);
    fix("AWS_LAMBDA_FUNCTION_VERSION", &context.version);
    fix("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &run.memory.to_string());
    fix("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{}", context.name));
    fix("AWS_LAMBDA_LOG_STREAM_NAME", &place.log_stream);
    let kind = if managed { "lambda-managed-instances" } else { "on-demand" };
    fix("AWS_LAMBDA_INITIALIZATION_TYPE", kind);
    if managed {
        fix("AWS_LAMBDA_MAX_CONCURRENCY", &run.concurrency.to_string());
    }
    match place.app_port {
        Some(port) if is_web_function(&run.env) => web_function(port, role, &mut all),
        Some(port) => {
            fix("PORT", &port.to_string());
            fix("AWS_LWA_PORT", &port.to_string());
        }
        None => {}
    }
    if role == Role::Extension {
        all.retain(|name, _| {
            let text = name.to_string_lossy();
            !RUNTIME_ONLY.contains(&text.as_ref()) && !text.starts_with('_')
        });
    }
    // What is said to our own step before the program is not the configuration's to say.
    for name in [crate::exec::PARENT, crate::exec::ROOT, crate::exec::DIRECTORY] {
        all.remove(OsStr::new(name));
    }
    if let Some(image) = image {
        all.insert(crate::exec::ROOT.into(), image.root.clone().into());
        all.insert(crate::exec::DIRECTORY.into(), image.directory.clone().into());
    }
    if !context.child_prefix.is_empty() {
        all.insert(crate::exec::PARENT.into(), std::process::id().to_string().into());
    }
    all
}
