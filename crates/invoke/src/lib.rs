//! Lambda's API: Invoke over a pooled, signed HTTP client.
//!
//! One [`Lambda`] serves one (region, endpoint, credentials) combination; [`Pool`] hands them out and survives
//! reloads. An [`InvokeError`] always says whether the function may have run.

mod outcome;

pub use outcome::{Executed, InvokeError, Invoked};

use std::sync::Arc;

use bytes::Bytes;
use lambridge_model::Function;
use lambridge_wire::invoke::InvocationType;
use tokio::time::Instant;

/// All clients of a process, keyed by the settings they depend on, so that functions with equal settings share
/// connections and credentials, across reloads.
#[derive(Debug, Clone)]
pub struct Pool {}

impl Pool {
    /// `env` gives `AWS_ENDPOINT_URL_LAMBDA`, `AWS_ENDPOINT_URL`, `AWS_REGION`.
    pub fn new(env: Arc<dyn Fn(&str) -> Option<String> + Send + Sync>, connections_max: usize) -> Self {
        let _ = (env, connections_max);
        todo!()
    }

    /// The client for `function`; the same one for equal settings. Does no I/O.
    pub fn client(&self, function: &Function) -> Result<Lambda, ClientError> {
        let _ = function;
        todo!()
    }
}

/// A function's settings lead to no client.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ClientError {
    /// The endpoint is no http or https URL.
    #[error("`{endpoint}` is not an http or https URL")]
    BadEndpoint {
        /// As configured.
        endpoint: String,
    },
}

/// A client of one Lambda endpoint. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Lambda {}

/// One call.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// Encoded path and query of the call, made once per function by [`Lambda::target`].
    pub target: &'a Target,
    /// The kind.
    pub kind: InvocationType,
    /// The event.
    pub payload: Bytes,
    /// Ask for the last 4 KB of log.
    pub log_tail: bool,
    /// `X-Amzn-Trace-Id` to pass on.
    pub trace_id: Option<&'a str>,
    /// Everything, connection included, ends here.
    pub deadline: Instant,
}

/// Which function of the endpoint, ready to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `/2015-03-31/functions/…/invocations?Qualifier=…`, percent-encoded.
    pub path_and_query: String,
}

impl Lambda {
    /// Precomputes the request target of `function`.
    pub fn target(function: &Function) -> Target {
        let _ = function;
        todo!()
    }

    /// Sends one signed Invoke. No hidden retries.
    pub async fn invoke(&self, call: Call<'_>) -> Result<Invoked, InvokeError> {
        let _ = call;
        todo!()
    }
}
