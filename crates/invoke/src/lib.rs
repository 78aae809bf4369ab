//! Lambda's API: Invoke, buffered and streamed, ListFunctions and ListAliases over a pooled, signed HTTP client; and
//! plain HTTP services over the same pool ([`Service`]).
//!
//! One [`Lambda`] serves one (region, endpoint, credentials) combination; [`Pool`] hands them out and survives
//! reloads. An [`InvokeError`] always says whether the function may have run. Nothing is tried twice in here but a request
//! of which no byte was sent: retries are the caller's decision.
//!
//! Region and endpoint come from the function's own settings, then from what its ARN names, then from the environment; only
//! a region that none of them gives is looked for in the shared files and the instance's metadata, at the first call.

mod answer;
mod connection;
mod credentials;
mod draft;
mod endpoint;
mod lambda;
mod list;
mod outcome;
mod service;
mod sign;
mod streamed;

pub use connection::{BodyError, Coming, Payload};
pub use lambda::{Call, Lambda, Target};
pub use list::{Listed, ListedAlias};
pub use outcome::{Executed, InvokeError, Invoked};
pub use service::{Received, Service, ServiceError};
pub use streamed::{StreamError, Streamed};

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use lambridge_model::{Credentials, Function};

use crate::connection::{Connections, Tls};
use crate::endpoint::Endpoint;

/// Looks a variable of the environment up.
pub type Env = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// All clients of a process, keyed by the settings they depend on, so that functions with equal settings share
/// connections and credentials, across reloads.
#[derive(Clone)]
pub struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    env: Env,
    connections_max: usize,
    tls: Arc<Tls>,
    /// By region and endpoint; few credentials share both.
    clients: Mutex<HashMap<Place, Vec<(Credentials, Lambda)>>>,
    /// HTTP services in use, by what their connections depend on.
    services: Mutex<HashMap<ServiceKey, Weak<Connections>>>,
}

/// URL, certificate authorities in PEM, connections at most.
type ServiceKey = (String, Option<Vec<u8>>, usize);

/// Region, and endpoint where it is not the region's own.
type Place = (Option<String>, Option<String>);

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("connections_max", &self.shared.connections_max).finish_non_exhaustive()
    }
}

impl Pool {
    /// `env` gives `AWS_ENDPOINT_URL_LAMBDA`, `AWS_ENDPOINT_URL`, `AWS_REGION`; each client opens at most
    /// `connections_max` connections.
    pub fn new(env: Env, connections_max: usize) -> Self {
        let (tls, clients, services) = (Arc::default(), Mutex::default(), Mutex::default());
        Self { shared: Arc::new(Shared { env, connections_max, tls, clients, services }) }
    }

    /// The client for `function`; the same one for equal settings. Does no I/O.
    pub fn client(&self, function: &Function) -> Result<Lambda, ClientError> {
        let place = self.place(function);
        // A poisoned lock holds a whole map: each change is one call.
        let mut clients = self.shared.clients.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let known = clients.get(&place).into_iter().flatten();
        if let Some((_, client)) =
            known.into_iter().find(|(credentials, _)| *credentials == function.credentials)
        {
            return Ok(client.clone());
        }
        let (region, endpoint) = place.clone();
        let credentials = function.credentials.clone();
        let client = Lambda::new(&self.shared, region, endpoint, credentials.clone())?;
        // What no one but this map holds is left from an earlier configuration.
        clients.retain(|_, list| {
            list.retain(|(_, client)| client.is_shared());
            !list.is_empty()
        });
        clients.entry(place).or_default().push((credentials, client.clone()));
        Ok(client)
    }

    /// The HTTP service at `url`, with at most `max` connections; the same connections for equal settings while
    /// someone holds them. `authorities` are certificates in PEM that are trusted in place of the system's. Does no I/O.
    pub fn service(&self, url: &str, authorities: Option<&[u8]>, max: usize) -> Result<Service, ClientError> {
        let key = (url.to_owned(), authorities.map(<[u8]>::to_vec), max);
        let mut services = self.shared.services.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(known) = services.get(&key).and_then(Weak::upgrade) {
            return Ok(Service::over(known));
        }
        let endpoint = Endpoint::parse(url)?;
        let tls = match authorities {
            None => Arc::clone(&self.shared.tls),
            Some(pem) => {
                let trusting = Tls::trusting(pem);
                Arc::new(trusting.map_err(|reason| ClientError::BadAuthorities { reason })?)
            }
        };
        let connections = Arc::new(Connections::new(endpoint, tls, max));
        services.retain(|_, connections| connections.strong_count() > 0);
        services.insert(key, Arc::downgrade(&connections));
        Ok(Service::over(connections))
    }

    fn place(&self, function: &Function) -> Place {
        let env = |name: &str| (self.shared.env)(name).filter(|value| !value.trim().is_empty());
        let region = function
            .region
            .clone()
            .or_else(|| function.name.region().map(str::to_owned))
            .or_else(|| env("AWS_REGION"))
            .or_else(|| env("AWS_DEFAULT_REGION"));
        let endpoint = function
            .endpoint
            .clone()
            .or_else(|| env("AWS_ENDPOINT_URL_LAMBDA"))
            .or_else(|| env("AWS_ENDPOINT_URL"));
        (region, endpoint)
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
    /// The certificates that a service's own is checked by cannot be read.
    #[error("the certificate authorities cannot be used: {reason}")]
    BadAuthorities {
        /// What is wrong.
        reason: String,
    },
}

/// An error and its causes in one line, of bounded length.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause.filter(|_| text.len() < 1024) {
        let next = error.to_string();
        // Some errors repeat their cause already.
        if !text.ends_with(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
