//! What the environment says: the settings of the adapter, each with its older name and default.
//!
//! A value that cannot be read is a [`Warning`] and the default holds, because a function that starts with a default
//! answers. Where no default can be meant (the application is somewhere else, or a hook would be left out) it is a
//! [`Settings::fault`], which ends the init phase with its name.
//!
//! Source: the documentation of AWS Lambda Web Adapter 1.0, whose settings these are, and of Lambda's own variables.
//! [`TABLE`] has them all.

use std::time::Duration;

use http::HeaderName;

use crate::log::Level;
use crate::snapstart::Hooks;

mod endpoint;
mod parse;
mod read;
mod table;
mod variables;
mod warning;
pub use endpoint::{Endpoint, Speaks};
pub use parse::StatusSet;
pub use table::{Entry, TABLE};
pub use warning::Warning;

/// The adapter's settings, all of them read and checked.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The Runtime API; `None` outside Lambda.
    pub runtime_api: Option<Endpoint>,
    /// Where extensions register: never the proxy.
    pub extensions_api: Endpoint,
    /// The application.
    pub app: Endpoint,
    /// How to find out that the application is up.
    pub readiness: Readiness,
    /// End the init phase after so long, whether the application is up or not.
    pub async_init: Option<Duration>,
    /// Removed from the front of the path; starts with `/`, does not end with one.
    pub remove_base_path: Option<String>,
    /// Where events that are not HTTP are posted.
    pub pass_through_path: String,
    /// Where the events of WebSocket APIs are posted; without it they are passed through as any other.
    pub websocket_path: Option<String>,
    /// What the application does around a snapshot.
    pub snapstart: Hooks,
    /// This header's value becomes `authorization`.
    pub authorization_source: Option<HeaderName>,
    /// Answers with such a status are invocation errors.
    pub error_status_codes: StatusSet,
    /// How answers go back.
    pub invoke_mode: InvokeMode,
    /// Compress answers.
    pub compression: bool,
    /// How long a connection to the application may lie idle and be used again; zero: never.
    pub pool_idle_timeout: Duration,
    /// Invocations at once (Managed Instances).
    pub workers: usize,
    /// What Lambda says about the function.
    pub function: Function,
    /// Least severe level that is logged.
    pub log_level: Level,
    /// The application is one for Lambda Web Functions.
    pub web_function: bool,
    /// One JSON object a line.
    pub log_json: bool,
    /// A line for each invocation, whatever the level.
    pub access_log: bool,
    /// The namespace of the metrics; `None`: there are none.
    pub metrics: Option<String>,
    /// A value that cannot be read and has no default that could be meant: the function must not start.
    pub fault: Option<String>,
}

/// The readiness check.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// Where.
    pub endpoint: Endpoint,
    /// Path, with a query if wanted.
    pub path: String,
    /// How.
    pub protocol: Protocol,
    /// Which answers count as up.
    pub healthy: StatusSet,
    /// Then the init phase fails.
    pub timeout: Option<Duration>,
}

/// How readiness is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// GET, and a healthy status.
    Http,
    /// A connection that is accepted.
    Tcp,
}

/// `AWS_LWA_INVOKE_MODE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvokeMode {
    /// One payload.
    Buffered,
    /// A stream with the head in a prelude.
    ResponseStream,
}

/// What Lambda says about the function.
#[derive(Debug, Clone, Default)]
pub struct Function {
    /// `AWS_LAMBDA_FUNCTION_NAME`.
    pub name: String,
    /// `AWS_LAMBDA_FUNCTION_MEMORY_SIZE`.
    pub memory: u64,
    /// `AWS_LAMBDA_FUNCTION_VERSION`.
    pub version: String,
    /// `AWS_LAMBDA_LOG_STREAM_NAME`.
    pub log_stream: String,
    /// `AWS_LAMBDA_LOG_GROUP_NAME`.
    pub log_group: String,
}

impl Settings {
    /// Reads the environment. The first of two equal names wins, as with the C library.
    pub fn from_env(env: impl Iterator<Item = (String, String)>) -> (Settings, Vec<Warning>) {
        let mut vars = variables::Variables::new(env);
        let settings = read::settings(&mut vars);
        (settings, vars.warnings)
    }
}

#[cfg(test)]
mod tests;
