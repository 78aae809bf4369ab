//! Every key of the native dialect, in one table: what is read, and what is refused and why.
//!
//! How a row is written says [`crate::table`].

use crate::table::{Key, Table, Unknown, no, yes};

/// The table of the dialect.
pub const TABLE: Table = Table { keys: KEYS, unknown: Unknown::Error, notes: &[] };

/// Its rows.
pub const KEYS: &[Key] = &[
    yes("lambridge", "the dialect and its version: `1`"),
    yes("listeners", "addresses to serve on; 127.0.0.1:8080 when there are none"),
    yes("listeners[].address", "address and port"),
    yes("listeners[].tls", "serves TLS"),
    yes("listeners[].tls.cert_file", "certificate chain in PEM, leaf first"),
    yes("listeners[].tls.key_file", "private key in PEM"),
    yes("listeners[].tls.client_ca_file", "clients must present a certificate signed by one of these"),
    yes("listeners[].errors", "whose error answers clients get where no route matches; `native` when absent"),
    yes("listeners[].errors: native", "`application/problem+json`"),
    yes("listeners[].errors: runway", "runway's"),
    yes("listeners[].errors: krakend", "KrakenD's"),
    yes("listeners[].errors: envoy", "Envoy's, for kgateway and Gloo"),
    yes("admin", "health, metrics and state"),
    yes("admin.address", "address and port"),
    yes("aws", "defaults for the functions of the same file"),
    yes("aws.region", "region"),
    yes("aws.endpoint", "base URL of the Lambda API"),
    yes("aws.credentials", "who calls; the AWS default chain when absent"),
    yes("aws.credentials.access_key_id", "key"),
    yes("aws.credentials.secret_access_key", "secret"),
    yes("aws.credentials.session_token", "token of temporary credentials"),
    yes("aws.credentials.profile", "profile of the shared AWS files"),
    yes("aws.credentials.assume_role", "role to assume, starting from the other keys or the default chain"),
    yes("aws.credentials.assume_role.arn", "the role's ARN"),
    yes("aws.credentials.assume_role.external_id", "for roles of third parties"),
    yes("aws.credentials.assume_role.session_name", "`lambridge` when absent"),
    yes("aws.credentials.assume_role.tags", "session tags"),
    yes("aws.credentials.assume_role.transitive_tags", "keys of those tags that go on to the next role"),
    yes("aws.credentials.assume_role.via", "roles that are assumed before it, in order"),
    yes("aws.credentials.assume_role.via[].arn", "the role's ARN"),
    yes("aws.credentials.assume_role.via[].external_id", "for roles of third parties"),
    yes("aws.credentials.assume_role.via[].session_name", "`lambridge` when absent"),
    yes("aws.credentials.assume_role.via[].tags", "session tags"),
    yes(
        "aws.credentials.assume_role.via[].transitive_tags",
        "keys of those tags that go on to the next role",
    ),
    yes("aws.connections", "connections to each Lambda endpoint"),
    yes("aws.connections.max", "at most so many; 1024 when absent"),
    yes("functions", "functions by key"),
    yes("functions.*.name", "name, name:qualifier, ARN or partial ARN; the key when absent"),
    yes("functions.*.qualifier", "version or alias"),
    yes("functions.*.region", "overrides `aws.region`"),
    yes("functions.*.endpoint", "overrides `aws.endpoint`"),
    yes("functions.*.credentials", "overrides `aws.credentials`"),
    yes("functions.*.credentials.access_key_id", "key"),
    yes("functions.*.credentials.secret_access_key", "secret"),
    yes("functions.*.credentials.session_token", "token of temporary credentials"),
    yes("functions.*.credentials.profile", "profile of the shared AWS files"),
    yes(
        "functions.*.credentials.assume_role",
        "role to assume, starting from the other keys or `aws.credentials`",
    ),
    yes("functions.*.credentials.assume_role.arn", "the role's ARN"),
    yes("functions.*.credentials.assume_role.external_id", "for roles of third parties"),
    yes("functions.*.credentials.assume_role.session_name", "`lambridge` when absent"),
    yes("functions.*.credentials.assume_role.tags", "session tags"),
    yes(
        "functions.*.credentials.assume_role.transitive_tags",
        "keys of those tags that go on to the next role",
    ),
    yes("functions.*.credentials.assume_role.via", "roles that are assumed before it, in order"),
    yes("functions.*.credentials.assume_role.via[].arn", "the role's ARN"),
    yes("functions.*.credentials.assume_role.via[].external_id", "for roles of third parties"),
    yes("functions.*.credentials.assume_role.via[].session_name", "`lambridge` when absent"),
    yes("functions.*.credentials.assume_role.via[].tags", "session tags"),
    yes(
        "functions.*.credentials.assume_role.via[].transitive_tags",
        "keys of those tags that go on to the next role",
    ),
    yes("functions.*.tenant_id", "whose instances serve a call, of a function with tenant isolation"),
    yes("functions.*.tenant_id.value", "the same for every call"),
    yes("functions.*.tenant_id.header", "a header; a request without it gets 400"),
    yes("functions.*.tenant_id.path", "a parameter of the route's path, or one that a script sets"),
    yes("functions.*.event", "the event the function is given; `http_v2` when absent"),
    yes("functions.*.event: http_v2", "API Gateway HTTP API 2.0, as function URLs send it"),
    yes("functions.*.event: rest_v1", "API Gateway REST API 1.0"),
    yes("functions.*.event: alb", "Application Load Balancer"),
    yes("functions.*.event: alb_multi_value", "Application Load Balancer with multi-value headers"),
    yes("functions.*.event: body", "the request's body"),
    yes("functions.*.event: lattice_v2", "VPC Lattice 2.0"),
    no("functions.*.event: websocket", "API Gateway WebSocket", "use `http_v2` for HTTP requests"),
    yes("functions.*.event: runway", "the payload of runway's Lambda backend"),
    yes("functions.*.event: krakend", "KrakenD's payload of a GET: the path's parameters"),
    no("functions.*.event: template", "an event written by a template", "use `http_v2` or `body`"),
    yes("functions.*.answer", "how the answer is read; `proxy` when absent"),
    yes("functions.*.answer: proxy", "by the rules of the event's own source"),
    yes("functions.*.answer: raw", "the payload is the body"),
    yes("functions.*.answer: gloo_alb", "as Gloo's `unwrapAsAlb`"),
    yes("functions.*.answer: gloo_api_gateway", "as Gloo's `unwrapAsApiGateway`"),
    yes("functions.*.answer: krakend", "an object, shaped and encoded as KrakenD does it"),
    yes("functions.*.krakend", "what `answer: krakend` does to the object, in this order"),
    yes("functions.*.krakend.target", "the object at this dotted path is the answer"),
    yes("functions.*.krakend.allow", "dotted paths that are kept"),
    yes("functions.*.krakend.deny", "dotted paths that are removed; not beside `allow`"),
    yes("functions.*.krakend.mapping", "new name by old name, at the top"),
    yes("functions.*.krakend.group", "puts the object below this key"),
    yes("functions.*.krakend.encoding", "how the client gets it; `json` when absent"),
    yes("functions.*.krakend.encoding: json", "the object"),
    yes("functions.*.krakend.encoding: json_collection", "the value of its key `collection`"),
    yes("functions.*.krakend.encoding: string", "the text of its key `content`"),
    yes("functions.*.krakend.encoding: no_op", "status and headers alone"),
    yes("functions.*.krakend.cache_ttl", "`Cache-Control` of complete answers; 0s when absent"),
    yes("functions.*.invoke", "the kind of call; `sync` when absent"),
    yes("functions.*.invoke: sync", "wait for the answer"),
    yes("functions.*.invoke: stream", "pass the answer on as it comes (InvokeWithResponseStream)"),
    yes("functions.*.invoke: async", "queue the event and answer 202"),
    yes("functions.*.invoke: dry_run", "check permissions only and answer 204"),
    yes("functions.*.discover", "call it only while ListFunctions names it; `false` when absent"),
    yes("functions.*.binary_media_types", "media types that are base64 in `rest_v1` events"),
    yes(
        "functions.*.timeout",
        "the whole call, queueing and retries included; up to the head with `invoke: stream`; 30s when absent",
    ),
    yes("functions.*.idle_timeout", "the longest pause within a streamed answer; 5m when absent"),
    yes("functions.*.retries", "what is tried again"),
    yes("functions.*.retries.max", "attempts after the first; 2 when absent"),
    yes("functions.*.retries.on", "which failures; `safe` when absent"),
    yes("functions.*.retries.on: safe", "what surely was not executed, throttles, idempotent requests"),
    yes("functions.*.retries.on: sdk", "as an AWS SDK: throttles, 5xx, broken connections"),
    no("functions.*.retries.budget", "a share of all calls that may be retries", "lower `retries.max`"),
    yes("functions.*.concurrency", "calls at once"),
    yes("functions.*.concurrency.max", "calls in flight; 1000 when absent"),
    yes("functions.*.concurrency.queue", "calls that wait beyond that; 1000 when absent"),
    yes("functions.*.concurrency.wait", "the longest wait; 2s when absent"),
    yes("functions.*.run", "how `lambridge dev` and `lambridge emulator` run it"),
    yes("functions.*.run.web", "a web application, behind the adapter"),
    yes("functions.*.run.command", "a Runtime API client"),
    yes("functions.*.run.dir", "working directory; this file's folder when absent"),
    yes(
        "functions.*.run.opt",
        "a folder that stands for `/opt`: its `extensions` are started, a wrapper is found in it",
    ),
    yes("functions.*.run.handler", "the handler as AWS is told it, in `_HANDLER`"),
    yes("functions.*.run.env", "variables beside AWS's own"),
    yes("functions.*.run.instances", "processes at most; 1 when absent"),
    yes("functions.*.run.timeout", "of one invocation; 30s when absent"),
    yes("functions.*.run.memory", "megabytes, as reported; 128 when absent"),
    yes("functions.*.run.queue", "calls that wait for a free instance; 100 when absent, 0 is 429 at once"),
    yes("functions.*.run.port", "fixes the web application's port; `instances` is then 1"),
    yes("functions.*.run.concurrency", "invocations an instance takes at once; 1 when absent"),
    yes("functions.*.run.versions", "published versions by number; what one leaves out is as above"),
    yes("functions.*.run.versions.*.web", "as `run.web`"),
    yes("functions.*.run.versions.*.command", "as `run.command`"),
    yes("functions.*.run.versions.*.dir", "as `run.dir`"),
    yes("functions.*.run.versions.*.opt", "as `run.opt`"),
    yes("functions.*.run.versions.*.handler", "as `run.handler`"),
    yes("functions.*.run.versions.*.env", "as `run.env`"),
    yes("functions.*.run.versions.*.instances", "as `run.instances`"),
    yes("functions.*.run.versions.*.timeout", "as `run.timeout`"),
    yes("functions.*.run.versions.*.memory", "as `run.memory`"),
    yes("functions.*.run.versions.*.queue", "as `run.queue`"),
    yes("functions.*.run.versions.*.port", "as `run.port`, but never taken from there"),
    yes("functions.*.run.versions.*.concurrency", "as `run.concurrency`"),
    yes("functions.*.run.aliases", "version by alias"),
    yes("functions.*.run.url", "a function URL of its own"),
    yes("functions.*.run.url.address", "address and port"),
    yes("functions.*.run.url.invoke_mode", "`buffered` when absent"),
    yes("functions.*.run.url.invoke_mode: buffered", "one whole answer"),
    yes("functions.*.run.url.invoke_mode: response_stream", "chunk by chunk"),
    yes("routes", "which request goes where"),
    yes("routes[].id", "unique; made from the match when absent"),
    yes("routes[].match", "what a request must be like"),
    yes("routes[].match.host", "name or `*.name`"),
    yes("routes[].match.path", "template: `/users/{id}`, `/files/{rest+}`"),
    yes("routes[].match.path_prefix", "whole segments"),
    yes("routes[].match.path_regex", "anchored at both ends"),
    yes("routes[].match.methods", "any of these"),
    yes("routes[].match.headers", "exact value by name"),
    yes("routes[].match.query", "exact value by name"),
    yes("routes[].function", "key of the function"),
    yes("routes[].functions", "weighted set of functions"),
    yes("routes[].functions[].name", "key of the function"),
    yes("routes[].functions[].weight", "share; 1 when absent, 0 gets nothing"),
    yes("routes[].static", "the same answer each time"),
    yes("routes[].static.status", "200 when absent"),
    yes("routes[].static.headers", "value, or list of values, by name"),
    yes("routes[].static.body", "text"),
    yes("routes[].listeners", "addresses of the listeners this route is limited to"),
    no("routes[].compose", "several calls merged into one answer", "route to one function"),
    no("routes[].upstream", "an HTTP service", "route to a function"),
    no(
        "routes[].redirect",
        "an answer that sends the client elsewhere",
        "use `static` with status 301 and `location`",
    ),
    yes(
        "routes[].function_from",
        "the function is named by the request: by one of `path`, `header`, `query`",
    ),
    yes("routes[].function_from.path", "a parameter of the path, or one that a script sets"),
    yes("routes[].function_from.header", "a header"),
    yes("routes[].function_from.query", "a query parameter"),
    yes("routes[].function_from.function", "key of the function that has every setting but the name"),
    yes("routes[].function_from.allow", "names that may be called; `*` stands for any characters"),
    yes("routes[].order", "asked before routes of the same host with a higher one; 0 when absent"),
    yes("routes[].scripts", "Lua 5.1 before the call, with KrakenD's objects"),
    yes("routes[].scripts.sources", "run first, in order"),
    yes("routes[].scripts.sources[].name", "for messages"),
    yes("routes[].scripts.sources[].text", "the code, or `${file:name.lua}`"),
    yes("routes[].scripts.pre", "code that runs before the call"),
    no("routes[].scripts.post", "Lua on the answer", "change the answer in the function"),
    yes("routes[].scripts.open_libs", "`string`, `math`, `os` and the like are there; `false` when absent"),
    yes("routes[].errors", "whose error answers clients get; `native` when absent"),
    yes("routes[].errors: native", "`application/problem+json`"),
    yes("routes[].errors: runway", "runway's"),
    yes("routes[].errors: krakend", "KrakenD's"),
    yes("routes[].errors: envoy", "Envoy's, for kgateway and Gloo"),
    yes("limits", "bounds on what clients may send"),
    yes("limits.head", "request line and headers; 64KiB when absent"),
    yes("limits.body", "one body; 6MiB when absent"),
    yes("limits.buffered_total", "all buffered bodies together; 512MiB when absent"),
    yes("limits.connections", "open client connections; 20000 when absent"),
    yes("limits.head_timeout", "from the first byte of a head to its end; 10s when absent"),
    yes("limits.body_timeout", "from the end of the head to the end of the body; 1m when absent"),
    yes("limits.idle", "between requests on a kept connection; 1m15s when absent"),
    yes("drain", "how the gateway ends"),
    yes("drain.delay", "listeners stay open this long; 0s when absent"),
    yes("drain.deadline", "requests have this long to finish; 30s when absent"),
    yes("log", "access log and messages"),
    yes("log.format", "`text` when absent"),
    yes("log.format: text", "for people"),
    yes("log.format: json", "for machines"),
    yes("log.level", "`info` when absent"),
    yes("log.level: off", "nothing"),
    yes("log.level: error", "failures"),
    yes("log.level: warn", "failures and warnings"),
    yes("log.level: info", "every request"),
    yes("log.level: debug", "more"),
    yes("trusted_proxies", "networks whose forwarding headers and request ids count"),
    yes("trace", "which trace a request belongs to: `traceparent` and `X-Amzn-Trace-Id`"),
    yes("trace.from", "whose fields count; `trusted` when absent"),
    yes("trace.from: trusted", "those of `trusted_proxies`"),
    yes("trace.from: anyone", "every client's"),
    yes("trace.generate", "begins a trace where a request brings none that counts; `false` when absent"),
    yes("emulator", "the local Lambda"),
    yes("emulator.address", "address and port; 127.0.0.1:9000 when absent"),
    yes("emulator.credentials", "the pair that calls must be signed with; any when absent"),
    yes("emulator.credentials.access_key_id", "key"),
    yes("emulator.credentials.secret_access_key", "secret"),
];

#[cfg(test)]
mod tests {
    use super::{KEYS, TABLE};
    use crate::table::{Key, Support, check};

    #[test]
    fn the_table_is_whole() {
        check(&TABLE);
    }

    #[test]
    fn every_key_stands_in_a_golden_folder() {
        let everything = include_str!("../../tests/golden/native/everything/input.yaml");
        let refused = include_str!("../../tests/golden/native/refused/input.yaml");
        let word = |key: &&Key| key.support == Support::Yes && key.path.contains(':');
        for key in KEYS.iter().filter(|key| !word(key)) {
            let name = key.path.rsplit(['.', ' ']).next().unwrap();
            let text = if key.support == Support::Yes { everything } else { refused };
            let found = text.split(|c: char| !(c.is_alphanumeric() || c == '_')).any(|word| word == name);
            assert!(found, "{}", key.path);
        }
    }

    #[test]
    fn lookups() {
        assert!(TABLE.find("aws", "region").is_some());
        assert!(TABLE.find("", "aws").is_some());
        assert!(TABLE.find("aws", "connections.max").is_none());
        assert!(matches!(TABLE.find("routes[]", "compose").unwrap().support, Support::Refused { .. }));
        let tls: Vec<&str> = TABLE.children("listeners[].tls").map(|(name, _)| name).collect();
        assert_eq!(tls, ["cert_file", "key_file", "client_ca_file"]);
        let words: Vec<&str> = TABLE.words("functions.*.answer").map(|(word, _)| word).collect();
        assert_eq!(words[..2], ["proxy", "raw"]);
        assert_eq!(TABLE.elsewhere("path_prefix"), Some("routes[].match.path_prefix"));
        assert_eq!(TABLE.elsewhere("address"), None);
    }
}
