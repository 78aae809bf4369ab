//! Where the functions of a route are called: at which endpoint, signed for which region.
//!
//! Found as calls find it, from the configuration, the environment and AWS's shared files. Nothing is asked over a network:
//! a region that only an instance's metadata knows is unknown here.

use std::sync::Arc;

use lambridge_invoke::{InvokeError, Pool};
use lambridge_model::{Function, Model, Route, Target};
use serde_json::{Value, json};

use crate::gateway;

/// A function at one of its places.
#[derive(Debug)]
pub struct Place {
    /// Its key in the configuration.
    pub key: String,
    function: Function,
    /// The region, and the URL of Lambda's API there; or why there is none.
    found: Result<(String, String), String>,
}

/// Of each function that `route` may call, in the route's order.
pub fn of(model: &Model, route: &Route) -> Result<Vec<Place>, String> {
    let keys: Vec<&String> = match &route.target {
        Target::Functions(shares) => shares.iter().map(|share| &share.function).collect(),
        Target::FunctionFrom(from) => vec![&from.function],
        Target::Upstream(_) | Target::Redirect(_) | Target::Static(_) => return Ok(Vec::new()),
    };
    let env = |name: &str| match name {
        "AWS_EC2_METADATA_DISABLED" => Some("true".to_owned()),
        _ => std::env::var(name).ok(),
    };
    let pool = Pool::new(Arc::new(env), model.connections);
    gateway::block_on(async {
        let mut places = Vec::new();
        for (key, function) in keys.into_iter().filter_map(|key| model.functions.get_key_value(key)) {
            for function in function.places() {
                let found = find(&pool, &function).await;
                places.push(Place { key: key.clone(), function, found });
            }
        }
        Ok(places)
    })
}

async fn find(pool: &Pool, function: &Function) -> Result<(String, String), String> {
    let lambda = pool.client(function).map_err(|error| error.to_string())?;
    match lambda.place().await {
        Ok((region, endpoint)) => Ok((region.to_owned(), endpoint)),
        // No call was made that could tell more.
        Err(InvokeError::Unreachable { message, .. }) => Err(message),
        Err(error) => Err(error.to_string()),
    }
}

impl Place {
    pub fn to_text(&self) -> String {
        let mut words = vec![self.function.name.to_string()];
        words.extend(self.function.qualifier.as_ref().map(|qualifier| format!("qualifier {qualifier}")));
        words.push(format!("event {}", self.function.event.name()));
        words.push(match &self.found {
            Ok((region, endpoint)) => format!("at {endpoint}, signed for {region}"),
            Err(message) => format!("at no known endpoint: {message}"),
        });
        words.join(", ")
    }

    pub fn to_json(&self) -> Value {
        let (region, endpoint) = self.found.as_ref().ok().cloned().unzip();
        json!({
            "function": self.key,
            "name": self.function.name.to_string(),
            "endpoint": endpoint,
            "region": region,
            "error": self.found.as_ref().err(),
        })
    }
}
