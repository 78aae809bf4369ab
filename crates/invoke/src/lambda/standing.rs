//! How a client stands towards AWS: which region and endpoint it calls, whether that answers, and as whom.
//!
//! Asked by an operator, never by a request. The identity is what STS says to GetCallerIdentity, which every identity may ask
//! and which changes nothing; Lambda itself is not called, only connected to, TLS included. An error says what an
//! operator can act on; keys and tokens are in none.

use std::fmt;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_sts::config::retry::RetryConfig;
use tokio::time::{Instant, timeout_at};

use super::Lambda;
use crate::credentials::sts_config;

/// What was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Or why there is none.
    pub region: Result<String, String>,
    /// Scheme, host and path of Lambda's API; absent without a region.
    pub endpoint: Option<String>,
    /// Whether a connection to it can be made.
    pub reached: Result<(), String>,
    /// Who calls, or why nobody does.
    pub identity: Result<Identity, String>,
}

/// An identity of AWS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// `arn:aws:sts::123456789012:assumed-role/NAME/SESSION` and the like.
    pub arn: String,
    /// Twelve digits.
    pub account: String,
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.arn)
    }
}

impl Standing {
    /// Region, endpoint and identity are there.
    pub fn is_good(&self) -> bool {
        self.region.is_ok() && self.reached.is_ok() && self.identity.is_ok()
    }
}

impl Lambda {
    /// Finds out how this client stands, until `deadline`.
    pub async fn standing(&self, deadline: Instant) -> Standing {
        let late = |_| "no answer in time".to_owned();
        let region = timeout_at(deadline, self.inner.region()).await.map_err(late);
        let region = match region.and_then(|found| found.map_err(|error| error.to_string())) {
            Ok(region) => region,
            Err(message) => {
                let unknown = || "without a region there is none".to_owned();
                return Standing {
                    region: Err(message),
                    endpoint: None,
                    reached: Err(unknown()),
                    identity: Err(unknown()),
                };
            }
        };
        let reached = async {
            let connections = self.inner.connections(region).await.map_err(|error| error.to_string())?;
            let endpoint = connections.endpoint().to_string();
            let reached = timeout_at(deadline, connections.try_connect()).await.map_err(late);
            Ok((endpoint, reached.and_then(|done| done)))
        };
        let identity = timeout_at(deadline, self.identity(region));
        let (reached, identity) = tokio::join!(reached, identity);
        let (endpoint, reached) = match reached {
            Ok((endpoint, reached)) => (Some(endpoint), reached),
            Err(message) => (None, Err(message)),
        };
        Standing {
            region: Ok(region.to_owned()),
            endpoint,
            reached,
            identity: identity.map_err(late).and_then(|found| found),
        }
    }

    async fn identity(&self, region: &str) -> Result<Identity, String> {
        let lease = self.inner.store.get(region).await?;
        let keys = SharedCredentialsProvider::new(lease.keys.to_sdk());
        let config = sts_config(keys, region.to_owned(), &self.inner.env, self.inner.asked).await;
        let config =
            aws_sdk_sts::config::Builder::from(&config).retry_config(RetryConfig::disabled()).build();
        let asked = aws_sdk_sts::Client::from_conf(config).get_caller_identity().send().await;
        let found = asked.map_err(|error| format!("STS: {}", crate::chain(&error)))?;
        Ok(Identity {
            arn: found.arn.ok_or("STS answered without an identity")?,
            account: found.account.unwrap_or_default(),
        })
    }
}
