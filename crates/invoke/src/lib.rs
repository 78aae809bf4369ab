//! Lambda's API: Invoke, buffered and streamed, ListFunctions and ListAliases over a pooled, signed HTTP client; and
//! plain HTTP services over the same pool ([`Service`]).
//!
//! One [`Lambda`] serves one (region, endpoint, credentials) combination; [`Pool`] hands them out and survives
//! reloads. An [`InvokeError`] always says whether the function may have run. Nothing is tried twice in here but a request
//! of which no byte was sent: retries are the caller's decision.
//!
//! Region and endpoint come from the function's own settings, then from what its ARN names, then from the environment; what
//! none of them gives is looked for in the shared files, a region in the instance's metadata as well, at the first call.

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
pub use lambda::{Call, Identity, Lambda, Standing, Target};
pub use list::{Listed, ListedAlias};
pub use outcome::{Executed, InvokeError, Invoked};
pub use service::{Received, Service, ServiceError};
pub use streamed::{StreamError, Streamed};

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, Weak};

use lambridge_model::{ConnectionSettings, Credentials, EndpointVariant, Function};

use crate::connection::{Connections, Tls};
use crate::endpoint::{Endpoint, told};

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
    connections: ConnectionSettings,
    tls: Arc<Tls>,
    /// By region and endpoint; few credentials share both.
    clients: Mutex<HashMap<Place, Vec<(Credentials, Lambda)>>>,
    /// HTTP services in use, by what their connections depend on.
    services: Mutex<HashMap<ServiceKey, Weak<Connections>>>,
}

/// URL, certificate authorities in PEM, connections.
type ServiceKey = (String, Option<Vec<u8>>, ConnectionSettings);

/// Where Lambda is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    region: Option<String>,
    /// As the configuration has it.
    endpoint: Option<String>,
    /// The same; STS is asked at it, too.
    asked: EndpointVariant,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("connections", &self.shared.connections).finish_non_exhaustive()
    }
}

impl Pool {
    /// `env` gives `AWS_ENDPOINT_URL_LAMBDA`, `AWS_ENDPOINT_URL`, `AWS_REGION` and the like; `connections` are
    /// those of each client.
    pub fn new(env: Env, connections: ConnectionSettings) -> Self {
        let (tls, clients, services) = (Arc::default(), Mutex::default(), Mutex::default());
        Self { shared: Arc::new(Shared { env, connections, tls, clients, services }) }
    }

    /// The client for `function`; the same one for equal settings. Does no I/O.
    pub fn client(&self, function: &Function) -> Result<Lambda, ClientError> {
        let place = self.place(function)?;
        // A poisoned lock holds a whole map: each change is one call.
        let mut clients = self.shared.clients.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let known = clients.get(&place).into_iter().flatten();
        if let Some((_, client)) =
            known.into_iter().find(|(credentials, _)| *credentials == function.credentials)
        {
            return Ok(client.clone());
        }
        let credentials = function.credentials.clone();
        let client = Lambda::new(&self.shared, place.clone(), credentials.clone())?;
        // What no one but this map holds is left from an earlier configuration.
        clients.retain(|_, list| {
            list.retain(|(_, client)| client.is_shared());
            !list.is_empty()
        });
        clients.entry(place).or_default().push((credentials, client.clone()));
        Ok(client)
    }

    /// The HTTP service at `url`; the same connections for equal settings while someone holds them. `authorities` are
    /// certificates in PEM that are trusted in place of the system's. Does no I/O.
    pub fn service(
        &self,
        url: &str,
        authorities: Option<&[u8]>,
        connections: ConnectionSettings,
    ) -> Result<Service, ClientError> {
        let key = (url.to_owned(), authorities.map(<[u8]>::to_vec), connections);
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
        let connections = Arc::new(Connections::new(endpoint, tls, connections));
        services.retain(|_, connections| connections.strong_count() > 0);
        services.insert(key, Arc::downgrade(&connections));
        Ok(Service::over(connections))
    }

    fn place(&self, function: &Function) -> Result<Place, ClientError> {
        let env = |name: &str| (self.shared.env)(name).filter(|value| !value.trim().is_empty());
        let region = function
            .region
            .clone()
            .or_else(|| function.name.region().map(str::to_owned))
            .or_else(|| env("AWS_REGION"))
            .or_else(|| env("AWS_DEFAULT_REGION"));
        let (endpoint, asked) = (function.endpoint.clone(), function.variant);
        if endpoint.is_some() {
            told::has_no_variant(asked)?;
        }
        // One that is no URL is told at once, though the shared files may say that it does not count.
        if let Some(url) = told::by_environment(&self.shared.env, "LAMBDA").filter(|_| endpoint.is_none()) {
            Endpoint::parse(&url)?;
        }
        Ok(Place { region, endpoint, asked })
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
    /// An endpoint is given, and a variant of AWS's own asked for.
    #[error("`{key}` does not go with an endpoint of one's own")]
    NoVariant {
        /// The configuration's key.
        key: &'static str,
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
