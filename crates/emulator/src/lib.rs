//! Lambda on one machine: the Invoke API and function URLs in front, Runtime and Extensions API behind, child processes between.

mod api;
mod context;
mod environment;
mod exec;
mod extensions_api;
mod function;
mod guardian;
mod http;
mod identity;
mod log;
mod process;
mod record;
mod runtime_api;
mod sandbox;
mod service;
mod signature;
mod stream;
mod telemetry;
mod url;

pub use exec::exec_child;
pub use guardian::guard_children;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lambridge_model::{Run, Secret};
use lambridge_wire::extensions::ShutdownReason;

use crate::service::Service;

/// What an emulator runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The Invoke API's address; port 0 takes a free one.
    pub address: SocketAddr,
    /// Default `us-east-1`.
    pub region: String,
    /// Default `000000000000`.
    pub account_id: String,
    /// Known key pairs: whoever names one must have signed with it.
    pub key_pairs: Vec<(String, Secret)>,
    /// Refuse what none of them signed.
    pub signed: bool,
    /// By function name.
    pub functions: BTreeMap<String, Run>,
    /// How the web adapter is started, e.g. `[/path/lambridge, adapter]`.
    pub adapter: Vec<OsString>,
    /// Put before every child's command so that it dies with us, e.g. `[/path/lambridge, exec-child]`. May be empty.
    pub child_prefix: Vec<OsString>,
    /// How the process is started that kills what children have started, when we were killed ourselves, e.g.
    /// `[/path/lambridge, guard-children]`. May be empty.
    pub guardian: Vec<OsString>,
    /// Environment that children inherit beside AWS's variables (`PATH`, `HOME`, …).
    pub inherit: Vec<(OsString, OsString)>,
    /// Gets each line of output of a child: function name, instance, line. Default writes to standard error.
    pub log: LogSink,
}

/// Where lines of output go.
#[derive(Clone)]
#[expect(clippy::type_complexity, reason = "a name for the closure would say no more than its arguments")]
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

/// How long things may take. The defaults are Lambda's own, but for the pauses between tries of an asynchronous
/// invocation, which last minutes there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// The init phase. Default 10 s. Source: Lambda developer guide, execution environment lifecycle.
    pub init: Duration,
    /// From SIGTERM to the last SIGKILL where only internal extensions registered. Default 500 ms.
    pub shutdown_internal: Duration,
    /// The same with an external extension, which a web app always has. Default 2 s.
    pub shutdown_external: Duration,
    /// Pauses before the second and the third try of an asynchronous invocation that failed. Default 1 s, 2 s.
    pub async_retries: Vec<Duration>,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            init: Duration::from_secs(10),
            shutdown_internal: Duration::from_millis(500),
            shutdown_external: Duration::from_secs(2),
            async_retries: vec![Duration::from_secs(1), Duration::from_secs(2)],
        }
    }
}

/// A running emulator. Dropping it kills every child.
#[derive(Debug)]
pub struct Emulator {
    address: SocketAddr,
    service: Arc<Service>,
    urls: Vec<(String, SocketAddr)>,
    /// One task a listener.
    serving: Serving,
}

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
    /// The process that kills what children have started cannot be started.
    #[error("cannot start the guardian of children: {0}")]
    Guardian(std::io::Error),
    /// No thread can be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
}

/// Connections to the Invoke API at once.
const CONNECTIONS: usize = 10_000;
/// For a request's head, and between requests: a little more than clients keep a connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(120);
/// Longest of all shutdowns; what is left is then killed.
const SHUTDOWN: Duration = Duration::from_secs(5);

impl Emulator {
    /// Binds and serves on the current tokio runtime. Instances start at their first invocation.
    pub async fn start(settings: Settings) -> Result<Emulator, StartError> {
        Self::start_with(settings, Timing::default()).await
    }

    /// As [`Emulator::start`], with other times than Lambda's.
    pub async fn start_with(settings: Settings, timing: Timing) -> Result<Emulator, StartError> {
        let (listener, address) = bind(settings.address).await?;
        let guardian = guardian::Guardian::start(&settings.guardian).map_err(StartError::Guardian)?;
        let spawner = process::Spawner::start(guardian).map_err(StartError::Thread)?;
        let service = Arc::new(Service::new(settings, timing, spawner));
        let terms = http::Terms { connections: CONNECTIONS, head_timeout: Some(HEAD_TIMEOUT) };
        let (mut urls, mut serving) = (Vec::new(), Serving(Vec::new()));
        for function in service.all() {
            let Some(url) = &function.context.run.url else { continue };
            let (listener, address) = bind(url.address).await?;
            urls.push((function.context.name.clone(), address));
            let (service, function) = (Arc::clone(&service), Arc::clone(function));
            let handler =
                move |request, ends| url::answer(Arc::clone(&service), Arc::clone(&function), request, ends);
            serving.0.push(tokio::spawn(http::serve(listener, terms, handler)));
        }
        let handler = {
            let service = Arc::clone(&service);
            move |request, ends: http::Ends| api::answer(Arc::clone(&service), request, ends.local)
        };
        serving.0.push(tokio::spawn(http::serve(listener, terms, handler)));
        urls.sort();
        Ok(Self { address, service, urls, serving })
    }

    /// The function URLs, by name of the function.
    pub fn urls(&self) -> &[(String, SocketAddr)] {
        &self.urls
    }

    /// The Invoke API's address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The invocation with this request id, if it is still in the ring (the last 256).
    pub fn recorded(&self, request_id: &str) -> Option<Recorded> {
        self.service.recorder.find(request_id)
    }

    /// A cheap handle for [`Emulator::recorded`] that does not keep the emulator alive.
    #[expect(
        clippy::type_complexity,
        reason = "the contract with the gateway's admin, which knows no emulator"
    )]
    pub fn recorder(&self) -> Arc<dyn Fn(&str) -> Option<Recorded> + Send + Sync> {
        let recorder = Arc::clone(&self.service.recorder);
        Arc::new(move |request_id| recorder.find(request_id))
    }

    /// Starts one instance of each function ahead of its first invocation.
    pub fn warm(&self) {
        self.service.warm();
    }

    /// Tells every instance to end, gives it its shutdown budget, kills what is left.
    pub async fn shutdown(mut self) {
        drop(std::mem::take(&mut self.serving));
        self.service.lives.close();
        let endings: Vec<_> = self
            .service
            .lives
            .all()
            .into_iter()
            .map(|sandbox| tokio::spawn(async move { sandbox.end(ShutdownReason::Spindown).await }))
            .collect();
        let all = async {
            for ending in endings {
                // A task that panicked leaves its sandbox to the drop below.
                drop(ending.await);
            }
        };
        drop(tokio::time::timeout(SHUTDOWN, all).await);
    }
}

/// Listeners, which close when this is dropped.
#[derive(Debug, Default)]
struct Serving(Vec<tokio::task::JoinHandle<()>>);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.iter().for_each(|task| task.abort());
    }
}

async fn bind(address: SocketAddr) -> Result<(tokio::net::TcpListener, SocketAddr), StartError> {
    let failed = |source| StartError::Bind { address, source };
    let listener = tokio::net::TcpListener::bind(address).await.map_err(failed)?;
    let bound = listener.local_addr().map_err(failed)?;
    Ok((listener, bound))
}

impl Drop for Emulator {
    fn drop(&mut self) {
        self.service.lives.close();
        self.service.lives.all().iter().for_each(|sandbox| sandbox.kill());
    }
}
