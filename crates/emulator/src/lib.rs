//! Lambda on one machine: the Invoke API in front, Runtime and Extensions API behind, child processes between.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;

use lambridge_model::{Run, Secret};

/// What an emulator runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The Invoke API's address; port 0 takes a free one.
    pub address: SocketAddr,
    /// Default `us-east-1`.
    pub region: String,
    /// Default `000000000000`.
    pub account_id: String,
    /// Accepted key pairs; empty: signatures are not checked.
    pub key_pairs: Vec<(String, Secret)>,
    /// By function name.
    pub functions: BTreeMap<String, Run>,
    /// How the web adapter is started, e.g. `[/path/lambridge, adapter]`.
    pub adapter: Vec<OsString>,
    /// Put before every child's command so that it dies with us, e.g. `[/path/lambridge, exec-child]`. May be empty.
    pub child_prefix: Vec<OsString>,
    /// Environment that children inherit beside AWS's variables (`PATH`, `HOME`, …).
    pub inherit: Vec<(OsString, OsString)>,
    /// Gets each line of output of a child: function name, instance, line. Default writes to standard error.
    pub log: LogSink,
}

/// Where lines of output go.
#[derive(Clone)]
pub struct LogSink(pub Arc<dyn Fn(&str, usize, &str) + Send + Sync>);

impl std::fmt::Debug for LogSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogSink")
    }
}

/// One invocation as the emulator saw it, kept in a bounded ring for the page of `lambridge dev`.
#[derive(Debug, Clone)]
pub struct Recorded {
    /// Request id of the invocation.
    pub request_id: String,
    /// Function name.
    pub function: String,
    /// The event, at most 64 KiB of it.
    pub event: Vec<u8>,
    /// Microseconds from arrival to an instance taking it.
    pub queued_us: u64,
    /// Microseconds the instance took.
    pub run_us: u64,
    /// Whether an instance had to be started for it.
    pub cold: bool,
}

/// A running emulator.
#[derive(Debug)]
pub struct Emulator {}

/// The emulator could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

impl Emulator {
    /// Binds and serves on the current tokio runtime. Instances start at their first invocation.
    pub async fn start(settings: Settings) -> Result<Emulator, StartError> {
        let _ = settings;
        todo!()
    }

    /// The Invoke API's address.
    pub fn address(&self) -> SocketAddr {
        todo!()
    }

    /// The invocation with this request id, if it is still in the ring (the last 256).
    pub fn recorded(&self, request_id: &str) -> Option<Recorded> {
        let _ = request_id;
        todo!()
    }

    /// A cheap handle for [`Emulator::recorded`] that does not keep the emulator alive.
    pub fn recorder(&self) -> Arc<dyn Fn(&str) -> Option<Recorded> + Send + Sync> {
        todo!()
    }

    /// Starts one instance of each function ahead of its first invocation.
    pub fn warm(&self) {
        todo!()
    }

    /// Tells every instance to end, gives it its shutdown budget, kills what is left.
    pub async fn shutdown(self) {
        todo!()
    }
}
