//! `check --aws`: every source of credentials in a configuration, asked once for each region and endpoint it is used at.
//!
//! STS says who it is, and a connection is made to Lambda's endpoint; no function is called. Nothing printed is a secret: a
//! source is named by where it comes from, and an identity by its ARN.

use std::sync::Arc;
use std::time::Duration;

use lambridge_invoke::{Pool, Standing};
use lambridge_model::{Credentials, Function, Model};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::gateway;

/// For all of them together.
const PATIENCE: Duration = Duration::from_secs(30);

/// Credentials as they are used at one place.
#[derive(Debug)]
pub struct Source {
    /// Keys of the functions that are called so.
    pub functions: Vec<String>,
    credentials: String,
    pub standing: Standing,
}

/// Asks for each source of `model`, all at once.
pub fn ask(model: &Model) -> Result<Vec<Source>, String> {
    let mut wanted: Vec<(Vec<String>, Function)> = Vec::new();
    for (key, function) in &model.functions {
        for function in function.places() {
            let like = |known: &Function| {
                known.credentials == function.credentials
                    && region(known) == region(&function)
                    && known.endpoint == function.endpoint
                    && known.variant == function.variant
            };
            match wanted.iter_mut().find(|(_, known)| like(known)) {
                Some((keys, _)) if keys.contains(key) => {}
                Some((keys, _)) => keys.push(key.clone()),
                None => wanted.push((vec![key.clone()], function)),
            }
        }
    }
    gateway::block_on(async {
        let pool = Pool::new(Arc::new(|name| std::env::var(name).ok()), model.connections);
        let deadline = Instant::now() + PATIENCE;
        let mut asked = Vec::with_capacity(wanted.len());
        for (functions, function) in wanted {
            let lambda = pool.client(&function).map_err(|error| error.to_string())?;
            // Boxed: an SDK's call is a large future.
            let standing = tokio::spawn(async move { Box::pin(lambda.standing(deadline)).await });
            asked.push((functions, describe(&function.credentials), standing));
        }
        let mut found = Vec::with_capacity(asked.len());
        for (functions, credentials, standing) in asked {
            let standing = standing.await.map_err(|_| "the check ended unexpectedly".to_owned())?;
            found.push(Source { functions, credentials, standing });
        }
        Ok(found)
    })
}

fn region(function: &Function) -> Option<&str> {
    function.region.as_deref().or_else(|| function.name.region())
}

fn describe(credentials: &Credentials) -> String {
    match credentials {
        Credentials::Default => "the AWS default chain".to_owned(),
        Credentials::Static { .. } => "keys in the configuration".to_owned(),
        Credentials::Profile(name) => format!("profile `{name}`"),
        Credentials::AssumeRole(role) => format!("role {}, assumed by {}", role.arn, describe(&role.base)),
    }
}

impl Source {
    pub fn to_text(&self) -> String {
        let Standing { region, endpoint, reached, identity } = &self.standing;
        let said = |result: &Result<String, String>| match result {
            Ok(text) => text.clone(),
            Err(message) => format!("error: {message}"),
        };
        let endpoint = endpoint.as_deref().unwrap_or("none");
        let lambda = match reached {
            Ok(()) => format!("{endpoint}, reached"),
            Err(message) => format!("{endpoint}, error: {message}"),
        };
        let identity = said(&identity.as_ref().map(ToString::to_string).map_err(Clone::clone));
        let rows = [
            ("functions", self.functions.join(", ")),
            ("credentials", self.credentials.clone()),
            ("identity", identity),
            ("region", said(region)),
            ("lambda", lambda),
        ];
        rows.iter().map(|(name, text)| format!("{name:<12}{text}\n")).collect()
    }

    /// With `error` beside what could not be found out.
    pub fn to_json(&self) -> Value {
        let Standing { region, endpoint, reached, identity } = &self.standing;
        json!({
            "functions": self.functions,
            "credentials": self.credentials,
            "region": region.as_ref().ok(),
            "region_error": region.as_ref().err(),
            "endpoint": endpoint,
            "reached": reached.is_ok(),
            "endpoint_error": reached.as_ref().err(),
            "arn": identity.as_ref().ok().map(|identity| &identity.arn),
            "account": identity.as_ref().ok().map(|identity| &identity.account),
            "identity_error": identity.as_ref().err(),
            "ok": self.standing.is_good(),
        })
    }
}
