//! The long names that namespaces had before KrakenD 2, which KrakenD still reads: `github.com/devopsfaith/krakend-lambda`
//! is `backend/lambda`.
//!
//! Source: the table in `cmd/krakend-ce/main.go` of krakend-ce 2.13.8 (Apache-2.0). Some of the names begin with
//! `github_com`; either form is taken here for all of them.

use crate::document::{Node, Value};

/// What follows `github.com/`, and the short name.
const NAMES: &[(&str, &str)] = &[
    ("devopsfaith/krakend/transport/http/server/handler", "plugin/http-server"),
    ("devopsfaith/krakend/transport/http/client/executor", "plugin/http-client"),
    ("devopsfaith/krakend/transport/http/client/graphql", "backend/graphql"),
    ("devopsfaith/krakend/proxy/plugin", "plugin/req-resp-modifier"),
    ("devopsfaith/krakend/proxy", "proxy"),
    ("luraproject/lura/router/gin", "router"),
    ("devopsfaith/krakend-ratelimit/juju/router", "qos/ratelimit/router"),
    ("devopsfaith/krakend-ratelimit/juju/proxy", "qos/ratelimit/proxy"),
    ("devopsfaith/krakend-httpcache", "qos/http-cache"),
    ("devopsfaith/krakend-circuitbreaker/gobreaker", "qos/circuit-breaker"),
    ("devopsfaith/krakend-oauth2-clientcredentials", "auth/client-credentials"),
    ("devopsfaith/krakend-jose/validator", "auth/validator"),
    ("devopsfaith/krakend-jose/signer", "auth/signer"),
    ("devopsfaith/bloomfilter", "auth/revoker"),
    ("devopsfaith/krakend-botdetector", "security/bot-detector"),
    ("devopsfaith/krakend-httpsecure", "security/http"),
    ("devopsfaith/krakend-cors", "security/cors"),
    ("devopsfaith/krakend-cel", "validation/cel"),
    ("devopsfaith/krakend-jsonschema", "validation/json-schema"),
    ("devopsfaith/krakend-amqp/consume", "backend/amqp/consumer"),
    ("devopsfaith/krakend-amqp/produce", "backend/amqp/producer"),
    ("devopsfaith/krakend-lambda", "backend/lambda"),
    ("devopsfaith/krakend-pubsub/publisher", "backend/pubsub/publisher"),
    ("devopsfaith/krakend-pubsub/subscriber", "backend/pubsub/subscriber"),
    ("devopsfaith/krakend/http", "backend/http"),
    ("devopsfaith/krakend-gelf", "telemetry/gelf"),
    ("devopsfaith/krakend-gologging", "telemetry/logging"),
    ("devopsfaith/krakend-logstash", "telemetry/logstash"),
    ("devopsfaith/krakend-metrics", "telemetry/metrics"),
    ("devopsfaith/krakend-influx", "telemetry/influx"),
    ("letgoapp/krakend-influx", "telemetry/influx"),
    ("Jozefiel/krakend-influx2", "telemetry/influx2"),
    ("devopsfaith/krakend-opencensus", "telemetry/opencensus"),
    ("devopsfaith/krakend-lua/router", "modifier/lua-endpoint"),
    ("devopsfaith/krakend-lua/proxy", "modifier/lua-proxy"),
    ("devopsfaith/krakend-lua/proxy/backend", "modifier/lua-backend"),
    ("devopsfaith/krakend-martian", "modifier/martian"),
];

/// The document with short names only. Places stay those of the long names.
pub fn shorten(node: &Node) -> Node {
    let mut node = node.clone();
    walk(&mut node, false);
    node
}

fn walk(node: &mut Node, namespaces: bool) {
    match &mut node.value {
        Value::Scalar(_) => {}
        Value::List(items) => items.iter_mut().for_each(|item| walk(item, false)),
        Value::Map(entries) => {
            for (key, value) in entries {
                let rest = ["github.com/", "github_com/"].iter().find_map(|host| key.text.strip_prefix(host));
                let short = rest.and_then(|rest| NAMES.iter().find(|(long, _)| *long == rest));
                if let Some((_, short)) = short.filter(|_| namespaces) {
                    key.text = (*short).to_owned();
                }
                walk(value, key.text == "extra_config");
            }
        }
    }
}
