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
use crate::endpoint::{Endpoint, Variant};

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
    /// Where it is not the region's own.
    endpoint: Option<String>,
    variant: Variant,
    /// As the configuration has it: STS is asked at the same.
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
        let endpoint = function
            .endpoint
            .clone()
            .or_else(|| env("AWS_ENDPOINT_URL_LAMBDA"))
            .or_else(|| env("AWS_ENDPOINT_URL"));
        let asked = function.variant;
        let EndpointVariant { fips, dualstack } = asked;
        if endpoint.is_some() {
            // Asked for by the environment, they are for AWS's own endpoints, which this one is not.
            return match (fips, dualstack) {
                (Some(true), _) => Err(ClientError::NoVariant { key: "use_fips" }),
                (_, Some(true)) => Err(ClientError::NoVariant { key: "use_dualstack" }),
                _ => Ok(Place { region, endpoint, variant: Variant::default(), asked }),
            };
        }
        let is_set = |name: &str| env(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        let variant = Variant {
            fips: fips.unwrap_or_else(|| is_set("AWS_USE_FIPS_ENDPOINT")),
            dualstack: dualstack.unwrap_or_else(|| is_set("AWS_USE_DUALSTACK_ENDPOINT")),
        };
        Ok(Place { region, endpoint, variant, asked })
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lambridge_model::{ConnectionSettings, EndpointVariant, Function};

    use super::Pool;

    /// Which endpoint a function of eu-west-1 is called at: its own, its variant, the environment.
    #[track_caller]
    fn check(endpoint: Option<&str>, variant: (Option<bool>, Option<bool>), env: &str, expect: &str) {
        let env: Vec<(String, String)> = env
            .split_whitespace()
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let find =
            move |name: &str| env.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let function = Function {
            region: Some("eu-west-1".to_owned()),
            endpoint: endpoint.map(str::to_owned),
            variant: EndpointVariant { fips: variant.0, dualstack: variant.1 },
            ..Function::new("f".parse().unwrap())
        };
        let found = match Pool::new(Arc::new(find), ConnectionSettings::default()).client(&function) {
            Ok(client) => format!("{client:?}"),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expect), "{expect} in {found}");
    }

    #[test]
    fn endpoints() {
        let none = (None, None);
        check(None, none, "", "\"lambda.eu-west-1.amazonaws.com\"");
        check(None, (Some(true), None), "", "\"lambda-fips.eu-west-1.amazonaws.com\"");
        check(None, (Some(true), Some(true)), "", "\"lambda-fips.eu-west-1.api.aws\"");
        let both = "AWS_USE_FIPS_ENDPOINT=true AWS_USE_DUALSTACK_ENDPOINT=TRUE";
        check(None, none, both, "\"lambda-fips.eu-west-1.api.aws\"");
        check(None, (Some(false), None), both, "\"lambda.eu-west-1.api.aws\"");
        check(None, none, "AWS_USE_FIPS_ENDPOINT=1", "\"lambda.eu-west-1.amazonaws.com\"");
        check(Some("http://h:1"), none, both, "\"h:1\"");
        check(None, none, "AWS_USE_FIPS_ENDPOINT=true AWS_ENDPOINT_URL=http://h:2", "\"h:2\"");
        check(Some("http://h:1"), (Some(true), None), "", "`use_fips` does not go with");
        check(None, (None, Some(true)), "AWS_ENDPOINT_URL=http://h:2", "`use_dualstack` does not go with");
    }
}
