//! The Telemetry API: how an extension asks for the logs and the platform's own events of its sandbox.
//!
//! A subscription names kinds of events, a listener of the extension's own, and how events are to be gathered on their way
//! there. Bounds that are not kept are refused with a text that names them; what is left out has Lambda's defaults.
//!
//! Source: Lambda developer guide, "Lambda Telemetry API reference".

use serde::{Deserialize, Serialize};

/// PUT: subscribe.
pub const SUBSCRIBE: &str = "/2022-07-01/telemetry";
/// PUT: its predecessor, the Logs API, whose events have other shapes.
pub const SUBSCRIBE_LOGS: &str = "/2020-08-15/logs";
/// The sandbox, as its own processes name it.
pub const HOSTS: [&str; 4] = ["sandbox.localdomain", "sandbox", "localhost", "127.0.0.1"];
/// Versions of the events.
const SCHEMAS: [&str; 3] = ["2022-07-01", "2022-12-13", "2025-01-29"];

/// Kinds of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// What the platform says.
    Platform,
    /// What the function prints.
    Function,
    /// What extensions print.
    Extension,
}

/// What an extension asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// At least one.
    pub kinds: Vec<Kind>,
    /// How events are gathered.
    pub buffering: Buffering,
    /// Where they go.
    pub destination: Destination,
}

/// Events go out when there are so many, when they are so large, or when the first has waited so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Buffering {
    /// 1,000 to 10,000; 10,000.
    pub max_items: usize,
    /// 262,144 to 1,048,576; 262,144.
    pub max_bytes: usize,
    /// 25 to 30,000; 1,000.
    pub timeout_ms: u64,
}

impl Default for Buffering {
    fn default() -> Self {
        Self { max_items: 10_000, max_bytes: 262_144, timeout_ms: 1000 }
    }
}

/// A listener within the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// JSON arrays, each in a POST or a PUT.
    Http {
        /// Port of a listener on one of [`HOSTS`].
        port: u16,
        /// `Host`, as the extension wrote it.
        authority: String,
        /// With its query.
        path: String,
        /// `PUT` instead of `POST`.
        put: bool,
    },
    /// One object a line.
    Tcp {
        /// Port.
        port: u16,
    },
}

/// Why a subscription is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SubscriptionError(String);

impl Subscription {
    /// Reads the body of a subscription.
    pub fn parse(body: &[u8]) -> Result<Self, SubscriptionError> {
        let asked: Asked = serde_json::from_slice(body)
            .map_err(|error| SubscriptionError(format!("the body is not a subscription: {error}")))?;
        let schema = asked.schema_version;
        require(schema.as_deref().is_none_or(|schema| SCHEMAS.contains(&schema)), || {
            format!("schemaVersion `{}` is none of {}", schema.unwrap_or_default(), SCHEMAS.join(", "))
        })?;
        require(!asked.types.is_empty(), || "types is empty".to_owned())?;
        let Buffering { max_items, max_bytes, timeout_ms } = asked.buffering;
        within("maxItems", max_items as u64, 1000, 10_000)?;
        within("maxBytes", max_bytes as u64, 262_144, 1_048_576)?;
        within("timeoutMs", timeout_ms, 25, 30_000)?;
        let destination = destination(&asked.destination)?;
        Ok(Self { kinds: asked.types, buffering: asked.buffering, destination })
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    schema_version: Option<String>,
    types: Vec<Kind>,
    #[serde(default)]
    buffering: Buffering,
    destination: Place,
}

#[derive(Deserialize)]
struct Place {
    protocol: String,
    #[serde(rename = "URI")]
    uri: Option<String>,
    method: Option<String>,
    port: Option<u16>,
}

fn destination(place: &Place) -> Result<Destination, SubscriptionError> {
    match place.protocol.as_str() {
        "TCP" => match place.port {
            Some(port @ 1..) => Ok(Destination::Tcp { port }),
            _ => Err(SubscriptionError("destination.port is missing".to_owned())),
        },
        "HTTP" => {
            let uri = place.uri.as_deref().unwrap_or_default();
            let wrong = || {
                SubscriptionError(format!(
                    "destination.URI `{uri}` is not http://sandbox.localdomain:PORT/PATH"
                ))
            };
            let rest = uri.strip_prefix("http://").ok_or_else(wrong)?;
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let (host, port) = authority.split_once(':').ok_or_else(wrong)?;
            let port = port.parse().ok().filter(|port| *port > 0).ok_or_else(wrong)?;
            let plain = path.bytes().all(|byte| byte.is_ascii_graphic());
            require(HOSTS.contains(&host) && plain, || wrong().0)?;
            let method = place.method.as_deref().unwrap_or("POST");
            require(["POST", "PUT"].contains(&method), || {
                format!("destination.method `{method}` is neither POST nor PUT")
            })?;
            let path = if path.is_empty() { "/" } else { path };
            Ok(Destination::Http {
                port,
                authority: authority.to_owned(),
                path: path.to_owned(),
                put: method == "PUT",
            })
        }
        other => Err(SubscriptionError(format!("destination.protocol `{other}` is neither HTTP nor TCP"))),
    }
}

fn within(name: &str, value: u64, least: u64, most: u64) -> Result<(), SubscriptionError> {
    require((least..=most).contains(&value), || format!("buffering.{name} is not between {least} and {most}"))
}

fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), SubscriptionError> {
    if holds { Ok(()) } else { Err(SubscriptionError(otherwise())) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expect: Result<Subscription, &str>) {
        let found = Subscription::parse(body.as_bytes()).map_err(|error| error.to_string());
        match expect {
            Ok(subscription) => assert_eq!(found, Ok(subscription), "{body}"),
            Err(part) => {
                let text = found.unwrap_err();
                assert!(text.contains(part), "{body}: {text}");
            }
        }
    }

    fn http(port: u16, authority: &str, path: &str, put: bool) -> Destination {
        Destination::Http { port, authority: authority.to_owned(), path: path.to_owned(), put }
    }

    #[test]
    fn subscriptions() {
        check(
            r#"{"schemaVersion":"2022-12-13","types":["platform","function","extension"],"buffering":{"maxItems":1000,"maxBytes":262144,"timeoutMs":100},"destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:8080"}}"#,
            Ok(Subscription {
                kinds: vec![Kind::Platform, Kind::Function, Kind::Extension],
                buffering: Buffering { max_items: 1000, max_bytes: 262_144, timeout_ms: 100 },
                destination: http(8080, "sandbox.localdomain:8080", "/", false),
            }),
        );
        check(
            r#"{"types":["function"],"destination":{"protocol":"HTTP","URI":"http://sandbox:1/a?b","method":"PUT"},"more":1}"#,
            Ok(Subscription {
                kinds: vec![Kind::Function],
                buffering: Buffering::default(),
                destination: http(1, "sandbox:1", "/a?b", true),
            }),
        );
        check(
            r#"{"types":["function"],"buffering":{"timeoutMs":25},"destination":{"protocol":"TCP","port":9}}"#,
            Ok(Subscription {
                kinds: vec![Kind::Function],
                buffering: Buffering { timeout_ms: 25, ..Buffering::default() },
                destination: Destination::Tcp { port: 9 },
            }),
        );
    }

    #[test]
    fn refusals() {
        let with = |types: &str, buffering: &str, destination: &str| {
            format!(r#"{{"types":[{types}],"buffering":{{{buffering}}},"destination":{{{destination}}}}}"#)
        };
        let tcp = r#""protocol":"TCP","port":9"#;
        let one = r#""function""#;
        check("{", Err("is not a subscription"));
        check(&with("", "", tcp), Err("types is empty"));
        check(&with(r#""logs""#, "", tcp), Err("is not a subscription"));
        check(&with(one, r#""maxItems":999"#, tcp), Err("maxItems is not between 1000 and 10000"));
        check(&with(one, r#""maxBytes":1048577"#, tcp), Err("maxBytes"));
        check(&with(one, r#""timeoutMs":24"#, tcp), Err("timeoutMs"));
        check(&with(one, "", r#""protocol":"TCP""#), Err("port is missing"));
        check(&with(one, "", r#""protocol":"UDP""#), Err("neither HTTP nor TCP"));
        for uri in [
            "",
            "https://sandbox:1",
            "http://sandbox",
            "http://example.com:80/",
            "http://sandbox:0",
            "http://sandbox:1/ a",
        ] {
            check(&with(one, "", &format!(r#""protocol":"HTTP","URI":"{uri}""#)), Err("destination.URI"));
        }
        let old = r#"{"schemaVersion":"2020-08-15","types":["function"],"destination":{"protocol":"TCP","port":9}}"#;
        check(old, Err("schemaVersion `2020-08-15`"));
    }
}
