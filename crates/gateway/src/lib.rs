//! The data plane: router, pipeline, listeners.
//!
//! The gateway does not know that files, dialects or Kubernetes exist; it serves a [`lambridge_model::Model`].

use std::net::SocketAddr;
use std::sync::Arc;

use lambridge_model::{Model, Origin};

/// Something in a model that only compiling finds: a bad regex, a certificate that does not load.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where the value was written.
    pub origin: Origin,
    /// What is wrong.
    pub message: String,
}

/// Everything around the gateway that tests replace.
#[derive(Clone)]
pub struct Surroundings {
    /// The process's environment.
    pub env: Arc<dyn Fn(&str) -> Option<String> + Send + Sync>,
    /// Gets each finished access-log line, without line end; the default writes to standard output.
    pub access_log: Arc<dyn Fn(&str) + Send + Sync>,
    /// Sees each finished request (the page of `lambridge dev`). `None` costs nothing.
    pub observer: Option<Arc<dyn Fn(&Finished) + Send + Sync>>,
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

/// A running gateway.
#[derive(Debug)]
pub struct Gateway {}

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

/// Checks what only compiling finds, without starting anything.
pub fn check(model: &Model) -> Vec<Problem> {
    let _ = model;
    todo!()
}

impl Gateway {
    /// Compiles `model`, binds its listeners and serves them on the current tokio runtime.
    pub async fn start(model: Model, surroundings: Surroundings) -> Result<Gateway, StartError> {
        let _ = (model, surroundings);
        todo!()
    }

    /// The bound addresses, in the model's order.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        todo!()
    }

    /// Serves `model` from now on. On an error everything stays as it was.
    pub async fn reload(&self, model: Model) -> Result<(), StartError> {
        let _ = model;
        todo!()
    }

    /// Stops accepting, finishes what is in flight within the model's deadline, and ends.
    pub async fn drain(self) {
        todo!()
    }
}
