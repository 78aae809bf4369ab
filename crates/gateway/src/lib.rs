//! The data plane: router, pipeline, listeners.
//!
//! The gateway does not know that files, dialects or Kubernetes exist; it serves a [`lambridge_model::Model`].

//!
//! A request's way: `listener` accepts and hands the bytes through `head_guard` to hyper; `pipeline` reads like
//! a list of its stages; `router`, `headers`, `retry`, `weights` and `problem` are the pure rules it
//! applies; `record` is written once at the end. `compile` makes the snapshot that a request holds to its end.

// The request path is one future, of futures within futures down to the socket: more of them than the compiler's
// usual bound on nested types.
#![recursion_limit = "256"]

mod access_log;
mod admin;
mod answer_body;
mod attended;
mod body;
mod budget;
mod calls;
mod canary;
mod compile;
mod connection;
mod directory;
mod drain;
mod edits;
mod entrance;
mod flow;
mod function;
mod head_guard;
mod headers;
mod inflow;
mod ledger;
mod listener;
mod metrics;
mod named;
mod pipeline;
mod problem;
mod random;
mod rate;
mod record;
mod redirect;
mod retry;
mod rewrite;
mod router;
mod script;
mod secrets;
mod telemetry;
mod template;
mod trace;
mod upstream;
mod weights;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use lambridge_invoke::Pool;
use lambridge_model::{Model, Origin};

use budget::Budget;
use compile::{Earlier, Snapshot, compile};
use drain::InFlight;
use listener::{Bound, Connections, Listening, Role};
use metrics::GatewayMetrics;
pub use router::{Explanation, Outcome, Probe, explain};
use telemetry::Telemetry;

/// Something in a model that only compiling finds: a bad regex, a certificate that does not load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where the value was written.
    pub origin: Origin,
    /// What is wrong.
    pub message: String,
}

/// Looks up a variable of the process's environment.
pub type Environment = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// Sees each finished request.
pub type Observer = Arc<dyn Fn(&Finished) + Send + Sync>;

/// Everything around the gateway that tests replace.
#[derive(Clone)]
pub struct Surroundings {
    /// The process's environment.
    pub env: Environment,
    /// Gets each finished access-log line, without line end; the default writes to standard output.
    pub access_log: Arc<dyn Fn(&str) + Send + Sync>,
    /// Sees each finished request (the page of `lambridge dev`). `None` costs nothing.
    pub observer: Option<Observer>,
}

impl Surroundings {
    /// The real process: its environment, and an access log on standard output behind a buffer that is written ten
    /// times a second and when the last clone is dropped.
    pub fn of_process() -> Self {
        Self {
            env: Arc::new(|name| std::env::var(name).ok()),
            access_log: access_log::output::to_standard_output(),
            observer: None,
        }
    }
}

impl std::fmt::Debug for Surroundings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Surroundings").finish_non_exhaustive()
    }
}

/// The facts of one finished request.
#[derive(Debug, Clone)]
pub struct Finished {
    /// `x-request-id`.
    pub request_id: String,
    /// AWS's id of the call, if there was one.
    pub lambda_request_id: Option<String>,
    /// The request line's method.
    pub method: String,
    /// Path and query as the client sent them.
    pub target: String,
    /// The client's header fields as received.
    pub headers: Vec<(String, String)>,
    /// Answer status.
    pub status: u16,
    /// Key of the route.
    pub route: Option<String>,
    /// Function key.
    pub function: Option<String>,
    /// Microseconds from head to the end of the answer's head.
    pub total_us: u64,
    /// Microseconds in the Invoke call.
    pub invoke_us: u64,
}

/// A running gateway. Dropping it stops accepting; [`Gateway::drain`] is the orderly end.
#[derive(Debug)]
pub struct Gateway {
    shared: Arc<Shared>,
    /// In the model's order, the admin address last. Never held across an await.
    listening: Mutex<Vec<Listening>>,
}

/// The gateway could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The model does not compile.
    #[error("the configuration does not compile")]
    Problems(Vec<Problem>),
    /// An address cannot be bound.
    #[error("cannot listen on {address}: {source}")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: std::io::Error,
    },
}

/// What every connection of a gateway shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) snapshot: ArcSwap<Snapshot>,
    pub(crate) surroundings: Surroundings,
    pub(crate) budget: Arc<Budget>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) in_flight: InFlight,
    pub(crate) metrics: GatewayMetrics,
    /// The configuration in effect as the admin's `/config` shows it.
    pub(crate) shown: ArcSwap<String>,
    pool: ArcSwap<Pool>,
    phase: AtomicU8,
}

/// The gateway serves.
const SERVING: u8 = 0;
/// It still serves, and tells probes that it would rather not.
const DRAINING: u8 = 1;
/// Time is up.
const CUT: u8 = 2;

impl Shared {
    pub(crate) fn is_ready(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == SERVING
    }

    /// Whether the drain's deadline has passed.
    pub(crate) fn is_cut(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == CUT
    }

    fn apply_limits(&self, model: &Model) {
        self.budget.set_max(model.limits.buffered_total);
        self.connections.set_max(model.limits.connections);
    }
}

/// Checks what only compiling finds, without starting anything.
pub fn check(model: &Model) -> Vec<Problem> {
    let pool = Pool::new(Arc::new(|_| None), model.connections);
    compile(model.clone(), &pool, Earlier::default()).err().unwrap_or_default()
}

impl Gateway {
    /// Compiles `model`, binds its listeners and serves them on the current tokio runtime.
    pub async fn start(model: Model, surroundings: Surroundings) -> Result<Gateway, StartError> {
        let pool = Pool::new(surroundings.env.clone(), model.connections);
        let mut snapshot = compile(model, &pool, Earlier::default()).map_err(StartError::Problems)?;
        let plan = plan(&snapshot, &mut [])?;
        snapshot.telemetry = Telemetry::of(&snapshot.model, &surroundings.env, &pool, None);
        let shared = Arc::new(Shared {
            snapshot: ArcSwap::from_pointee(snapshot),
            surroundings,
            budget: Arc::default(),
            connections: Arc::default(),
            in_flight: InFlight::default(),
            metrics: GatewayMetrics::default(),
            shown: ArcSwap::default(),
            pool: ArcSwap::from_pointee(pool),
            phase: AtomicU8::new(SERVING),
        });
        shared.apply_limits(&shared.snapshot.load().model);
        shared.metrics.loaded();
        if let Some(telemetry) = &shared.snapshot.load().telemetry {
            telemetry.report(&shared, &shared.pool.load());
        }
        let listening = open(plan, &shared);
        Ok(Gateway { shared, listening: Mutex::new(listening) })
    }

    /// The bound addresses, in the model's order.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.locals(Role::Gateway)
    }

    /// The bound admin address, if the model has one.
    pub fn admin_address(&self) -> Option<SocketAddr> {
        self.locals(Role::Admin).first().copied()
    }

    fn locals(&self, role: Role) -> Vec<SocketAddr> {
        let listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        listening.iter().filter(|listening| listening.role == role).map(|listening| listening.local).collect()
    }

    /// Serves `model` from now on. On an error everything stays as it was.
    pub async fn reload(&self, model: Model) -> Result<(), StartError> {
        let taken = self.replace(model);
        self.shared.metrics.reloaded(taken.is_ok());
        taken
    }

    /// Sets what the admin's `/config` shows: the configuration in effect, without secrets. The gateway knows no
    /// configuration format, so who made the model says it.
    pub fn show(&self, configuration: String) {
        self.shared.shown.store(Arc::new(configuration));
    }

    /// Counts a configuration that was refused before it was a model.
    pub fn reload_refused(&self) {
        self.shared.metrics.reloaded(false);
    }

    fn replace(&self, model: Model) -> Result<(), StartError> {
        let mut listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
        let earlier = self.shared.snapshot.load_full();
        let fresh = (model.connections != earlier.model.connections)
            .then(|| Pool::new(self.shared.surroundings.env.clone(), model.connections));
        // Functions of another pool would keep the old bound on connections.
        let other_pool = fresh.is_some();
        let pool = fresh.map_or_else(|| self.shared.pool.load_full(), Arc::new);
        let before = Earlier { functions: &earlier.functions, routes: &earlier.routes, other_pool };
        let mut snapshot = compile(model, &pool, before).map_err(StartError::Problems)?;
        let mut open_now: Vec<Option<Listening>> = listening.drain(..).map(Some).collect();
        let plan = match plan(&snapshot, &mut open_now) {
            Ok(plan) => plan,
            Err(error) => {
                listening.extend(open_now.into_iter().flatten());
                return Err(error);
            }
        };
        let recording = earlier.telemetry.as_ref();
        snapshot.telemetry = Telemetry::of(&snapshot.model, &self.shared.surroundings.env, &pool, recording);
        if let Some(telemetry) = &snapshot.telemetry
            && recording.is_none_or(|earlier| !Arc::ptr_eq(earlier, telemetry))
        {
            telemetry.report(&self.shared, &pool);
        }
        self.shared.pool.store(pool);
        self.shared.apply_limits(&snapshot.model);
        self.shared.snapshot.store(Arc::new(snapshot));
        // What the plan left in `open_now` is no longer in the model: dropping it stops it.
        *listening = open(plan, &self.shared);
        Ok(())
    }

    /// Stops accepting, finishes what is in flight within the model's deadline, and ends.
    pub async fn drain(self) {
        let drain = self.shared.snapshot.load().model.drain.clone();
        self.shared.phase.store(DRAINING, Ordering::Relaxed);
        // Load balancers learn of it before connections are refused.
        tokio::time::sleep(drain.delay).await;
        // Probes are answered to the end: a gateway that drains is alive.
        let is_admin = |listening: &Listening| listening.role == Role::Admin;
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).retain(is_admin);
        if tokio::time::timeout(drain.deadline, self.shared.in_flight.none()).await.is_err() {
            self.cut().await;
        }
        if let Some(telemetry) = &self.shared.snapshot.load_full().telemetry {
            telemetry.flush().await;
        }
    }

    /// The drain's time is up.
    async fn cut(&self) {
        // Who still waits in a queue is told so; who waits for a call ends with the process.
        self.shared.phase.store(CUT, Ordering::Relaxed);
        for function in &self.shared.snapshot.load().functions {
            function.gate.close();
        }
        let _ = tokio::time::timeout(Duration::from_secs(1), self.shared.in_flight.none()).await;
    }
}

/// How an address of the model comes to be served.
enum Step {
    Keep(Listening, Option<Arc<rustls::ServerConfig>>),
    Open(Bound, Option<Arc<rustls::ServerConfig>>),
}

/// Finds each address of the snapshot among those that are open, binds the others. Binds before it takes: on an
/// error `open_now` is as it was.
fn plan(snapshot: &Snapshot, open_now: &mut [Option<Listening>]) -> Result<Vec<Step>, StartError> {
    let gateway = compile::addresses(&snapshot.model).into_iter().zip(snapshot.tls.iter().cloned());
    let wanted = gateway.map(|(address, tls)| (Role::Gateway, address, tls));
    let admin = snapshot.model.admin.as_ref().map(|admin| (Role::Admin, admin.address, None));
    let mut claimed = vec![false; open_now.len()];
    let mut found = Vec::new();
    for (role, address, tls) in wanted.chain(admin) {
        let at = open_now.iter().zip(&claimed).position(|(open, claimed)| {
            !claimed && open.as_ref().is_some_and(|open| open.role == role && open.configured == address)
        });
        let bound = match at {
            Some(at) => {
                claimed[at] = true;
                None
            }
            None => Some(listener::bind(role, address)?),
        };
        found.push((at, bound, tls));
    }
    let steps = found.into_iter().filter_map(|(at, bound, tls)| match (at, bound) {
        (_, Some(bound)) => Some(Step::Open(bound, tls)),
        (Some(at), None) => open_now[at].take().map(|kept| Step::Keep(kept, tls)),
        (None, None) => None,
    });
    Ok(steps.collect())
}

/// Carries a plan out; nothing in it can fail.
fn open(plan: Vec<Step>, shared: &Arc<Shared>) -> Vec<Listening> {
    plan.into_iter()
        .map(|step| match step {
            Step::Keep(listening, tls) => {
                listening.tls.store(tls);
                listening
            }
            Step::Open(bound, tls) => bound.serve(shared.clone(), tls),
        })
        .collect()
}
