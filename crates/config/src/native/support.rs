//! Every key of the native dialect, in one table: what is read, and what is refused and why.
//!
//! How a row is written says [`crate::table`].

use crate::table::{Key, Table, Unknown, no, yes};

/// The table of the dialect.
pub const TABLE: Table = Table { keys: KEYS, unknown: Unknown::Error, notes: &[] };

/// Its rows.
pub const KEYS: &[Key] = &[
    yes("lambridge", "the dialect and its version").number(1, 1).required(),
    yes("listeners", "addresses to serve on").absent("one on `127.0.0.1:8080`"),
    yes("listeners[].address", "address and port").text("address").required(),
    yes("listeners[].tls", "serves TLS"),
    yes("listeners[].tls.cert_file", "certificate chain in PEM, leaf first").text("file").required(),
    yes("listeners[].tls.key_file", "private key in PEM").text("file").required(),
    yes("listeners[].tls.client_ca_file", "clients must present a certificate signed by one of these")
        .text("file"),
    yes("listeners[].http2", "where HTTP/2 is spoken beside HTTP/1.1").default("auto"),
    yes("listeners[].http2: auto", "over TLS, where the client chooses it (ALPN)"),
    yes("listeners[].http2: cleartext", "without TLS too, by clients that know (RFC 9113 section 3.3)"),
    yes("listeners[].http2: off", "nowhere"),
    yes("listeners[].hosts", "hosts that may be asked for, names or `*.name`; others get 421")
        .list("host")
        .absent("any"),
    yes(
        "listeners[].https_redirect",
        "sends requests that came without TLS to the same host and path with it; `{}` is every default",
    )
    .absent("no redirect"),
    yes("listeners[].https_redirect.port", "of the listener there").number(1, 65535).default("443"),
    yes("listeners[].https_redirect.status", "301, 302, 303, 307 or 308").number(300, 399).default("302"),
    yes("listeners[].errors", "whose error answers clients get where no route matches").default("native"),
    yes("listeners[].errors: native", "`application/problem+json`"),
    yes("listeners[].errors: runway", "runway's"),
    yes("listeners[].errors: krakend", "KrakenD's"),
    yes("listeners[].errors: envoy", "Envoy's, for kgateway and Gloo"),
    yes("admin", "health, metrics and state"),
    yes("admin.address", "address and port").text("address").required(),
    yes("aws", "defaults for the functions of the same file"),
    yes("aws.region", "region of the functions")
        .text("region")
        .absent("`AWS_REGION`, the profile's, the instance's"),
    yes("aws.endpoint", "base URL of the Lambda API")
        .text("URL")
        .absent("the environment's, the profile's, the region's own"),
    yes("aws.use_fips", "the region's FIPS endpoint, with validated cryptography; not beside `endpoint`")
        .bool()
        .absent("`AWS_USE_FIPS_ENDPOINT`, the profile's"),
    yes("aws.use_dualstack", "the region's endpoint with IPv6; not beside `endpoint`")
        .bool()
        .absent("`AWS_USE_DUALSTACK_ENDPOINT`, the profile's"),
    yes("aws.credentials", "who calls").absent("the AWS default chain"),
    yes("aws.credentials.access_key_id", "key"),
    yes("aws.credentials.secret_access_key", "secret").text("secret"),
    yes("aws.credentials.session_token", "token of temporary credentials").text("secret"),
    yes("aws.credentials.profile", "profile of the shared AWS files"),
    yes("aws.credentials.assume_role", "role to assume, starting from the other keys or the default chain"),
    yes("aws.credentials.assume_role.arn", "the role's ARN").text("ARN").required(),
    yes("aws.credentials.assume_role.external_id", "for roles of third parties"),
    yes("aws.credentials.assume_role.session_name", "what the session is called").default("lambridge"),
    yes("aws.credentials.assume_role.tags", "session tags").map("text"),
    yes("aws.credentials.assume_role.transitive_tags", "keys of those tags that go on to the next role")
        .list("text"),
    yes("aws.credentials.assume_role.via", "roles that are assumed before it, in order"),
    yes("aws.credentials.assume_role.via[].arn", "the role's ARN").text("ARN").required(),
    yes("aws.credentials.assume_role.via[].external_id", "for roles of third parties"),
    yes("aws.credentials.assume_role.via[].session_name", "what the session is called").default("lambridge"),
    yes("aws.credentials.assume_role.via[].tags", "session tags").map("text"),
    yes(
        "aws.credentials.assume_role.via[].transitive_tags",
        "keys of those tags that go on to the next role",
    )
    .list("text"),
    yes("aws.prices", "what calls cost, for `log_tail`"),
    yes("aws.prices.gb_second", "US dollars for a gigabyte of memory for a second")
        .price()
        .default("0.0000166667"),
    yes("aws.prices.request", "US dollars for a call").price().default("0.0000002"),
    yes("aws.connections", "connections to each Lambda endpoint"),
    yes("aws.connections.max", "at most so many").number(1, 1_000_000).default("1024"),
    yes("aws.connections.protocol", "what is spoken over them").default("http1"),
    yes("aws.connections.protocol: http1", "HTTP/1.1: a connection for each call in flight"),
    yes("aws.connections.protocol: http2", "HTTP/2: many calls share a connection"),
    yes("aws.connections.protocol: auto", "what the server chooses where TLS lets it, else HTTP/1.1"),
    yes("functions", "functions by key"),
    yes("functions.*.name", "name, name:qualifier, ARN or partial ARN").absent("the key"),
    yes("functions.*.qualifier", "version or alias"),
    yes("functions.*.region", "as `aws.region`").text("region").absent("`aws.region`"),
    yes("functions.*.endpoint", "as `aws.endpoint`").text("URL").absent("`aws.endpoint`"),
    yes("functions.*.use_fips", "as `aws.use_fips`").bool().absent("`aws.use_fips`"),
    yes("functions.*.use_dualstack", "as `aws.use_dualstack`").bool().absent("`aws.use_dualstack`"),
    yes("functions.*.credentials", "who calls").absent("`aws.credentials`"),
    yes("functions.*.credentials.access_key_id", "key"),
    yes("functions.*.credentials.secret_access_key", "secret").text("secret"),
    yes("functions.*.credentials.session_token", "token of temporary credentials").text("secret"),
    yes("functions.*.credentials.profile", "profile of the shared AWS files"),
    yes(
        "functions.*.credentials.assume_role",
        "role to assume, starting from the other keys or `aws.credentials`",
    ),
    yes("functions.*.credentials.assume_role.arn", "the role's ARN").text("ARN").required(),
    yes("functions.*.credentials.assume_role.external_id", "for roles of third parties"),
    yes("functions.*.credentials.assume_role.session_name", "what the session is called")
        .default("lambridge"),
    yes("functions.*.credentials.assume_role.tags", "session tags").map("text"),
    yes(
        "functions.*.credentials.assume_role.transitive_tags",
        "keys of those tags that go on to the next role",
    )
    .list("text"),
    yes("functions.*.credentials.assume_role.via", "roles that are assumed before it, in order"),
    yes("functions.*.credentials.assume_role.via[].arn", "the role's ARN").text("ARN").required(),
    yes("functions.*.credentials.assume_role.via[].external_id", "for roles of third parties"),
    yes("functions.*.credentials.assume_role.via[].session_name", "what the session is called")
        .default("lambridge"),
    yes("functions.*.credentials.assume_role.via[].tags", "session tags").map("text"),
    yes(
        "functions.*.credentials.assume_role.via[].transitive_tags",
        "keys of those tags that go on to the next role",
    )
    .list("text"),
    yes("functions.*.tenant_id", "whose instances serve a call, of a function with tenant isolation"),
    yes("functions.*.tenant_id.value", "the same for every call"),
    yes("functions.*.tenant_id.header", "a header; a request without it gets 400"),
    yes("functions.*.tenant_id.path", "a parameter of the route's path, or one that a script sets"),
    yes("functions.*.event", "the event the function is given").default("http_v2"),
    yes("functions.*.event: http_v2", "API Gateway HTTP API 2.0, as function URLs send it"),
    yes("functions.*.event: rest_v1", "API Gateway REST API 1.0"),
    yes("functions.*.event: alb", "Application Load Balancer"),
    yes("functions.*.event: alb_multi_value", "Application Load Balancer with multi-value headers"),
    yes("functions.*.event: body", "the request's body"),
    yes("functions.*.event: lattice_v2", "VPC Lattice 2.0"),
    no("functions.*.event: websocket", "API Gateway WebSocket", "use `http_v2` for HTTP requests"),
    yes("functions.*.event: runway", "the payload of runway's Lambda backend"),
    yes("functions.*.event: krakend", "KrakenD's payload of a GET: the path's parameters"),
    yes("functions.*.event: template", "JSON that `template` writes"),
    yes("functions.*.template", "of `event: template`: JSON with `{{ … }}`, see the page on templates"),
    yes("functions.*.answer", "how the answer is read").default("proxy"),
    yes("functions.*.answer: proxy", "by the rules of the event's own source"),
    yes("functions.*.answer: raw", "the payload is the body"),
    yes("functions.*.answer: gloo_alb", "as Gloo's `unwrapAsAlb`"),
    yes("functions.*.answer: gloo_api_gateway", "as Gloo's `unwrapAsApiGateway`"),
    yes("functions.*.answer: krakend", "an object, shaped and encoded as KrakenD does it"),
    yes("functions.*.krakend", "what `answer: krakend` does to the object, in this order"),
    yes("functions.*.krakend.target", "the object at this dotted path is the answer"),
    yes("functions.*.krakend.allow", "dotted paths that are kept").list("text"),
    yes("functions.*.krakend.deny", "dotted paths that are removed; not beside `allow`").list("text"),
    yes("functions.*.krakend.mapping", "new name by old name, at the top").map("text"),
    yes("functions.*.krakend.group", "puts the object below this key"),
    yes("functions.*.krakend.encoding", "how the client gets it").default("json"),
    yes("functions.*.krakend.encoding: json", "the object"),
    yes("functions.*.krakend.encoding: json_collection", "the value of its key `collection`"),
    yes("functions.*.krakend.encoding: string", "the text of its key `content`"),
    yes("functions.*.krakend.encoding: no_op", "status and headers alone"),
    yes("functions.*.krakend.cache_ttl", "`Cache-Control` of complete answers")
        .duration("0s", "8760h")
        .default("0s"),
    yes("functions.*.invoke", "the kind of call").default("sync"),
    yes("functions.*.invoke: sync", "wait for the answer"),
    yes("functions.*.invoke: stream", "pass the answer on as it comes (InvokeWithResponseStream)"),
    yes("functions.*.invoke: async", "queue the event and answer 202"),
    yes("functions.*.invoke: dry_run", "check permissions only and answer 204"),
    yes("functions.*.discover", "call it only while ListFunctions names it").bool(),
    yes("functions.*.binary_media_types", "media types that are base64 in `rest_v1` events")
        .list("media type")
        .absent("what is no text"),
    yes(
        "functions.*.timeout",
        "the whole call, queueing and retries included; up to the head with `invoke: stream`",
    )
    .duration("1ms", "1h")
    .default("30s"),
    yes("functions.*.idle_timeout", "the longest pause within a streamed answer")
        .duration("1ms", "1h")
        .default("5m"),
    yes("functions.*.log_tail", "asks for each call's log report: cold starts, memory, cost").bool(),
    yes("functions.*.prices", "what the function's calls cost, for `log_tail`").absent("`aws.prices`"),
    yes("functions.*.prices.gb_second", "US dollars for a gigabyte of memory for a second")
        .price()
        .absent("`aws.prices.gb_second`"),
    yes("functions.*.prices.request", "US dollars for a call").price().absent("`aws.prices.request`"),
    yes("functions.*.retries", "what is tried again"),
    yes("functions.*.retries.max", "attempts after the first").number(0, 10).default("2"),
    yes("functions.*.retries.on", "which failures").default("safe"),
    yes("functions.*.retries.on: safe", "what surely was not executed, throttles, idempotent requests"),
    yes("functions.*.retries.on: sdk", "as an AWS SDK: throttles, 5xx, broken connections"),
    yes("functions.*.retries.budget", "how many retries there may be among all calls"),
    yes("functions.*.retries.budget.ratio", "of the calls").share().default("20%"),
    yes("functions.*.retries.budget.min_per_second", "and so many each second")
        .number(0, 1_000_000)
        .default("3"),
    yes("functions.*.concurrency", "calls at once"),
    yes("functions.*.concurrency.max", "calls in flight").number(1, 1_000_000).default("1000"),
    yes("functions.*.concurrency.queue", "calls that wait beyond that").number(0, 1_000_000).default("1000"),
    yes("functions.*.concurrency.wait", "the longest wait").duration("0s", "1h").default("2s"),
    yes(
        "functions.*.concurrency.adaptive",
        "Lambda's throttles lower the calls in flight, successes raise them again",
    )
    .bool(),
    yes("functions.*.concurrency.min", "not below this, with `adaptive`").number(1, 1_000_000).default("1"),
    yes("functions.*.breaker", "leaves a function alone that fails; `{}` is every default").absent("never"),
    yes("functions.*.breaker.errors", "opens when so many calls fail").share().default("50%"),
    yes("functions.*.breaker.over", "of those in this time").duration("100ms", "1h").default("10s"),
    yes("functions.*.breaker.min_calls", "if there were so many").number(1, 1_000_000).default("20"),
    yes("functions.*.breaker.open", "until one call is let through again")
        .duration("1ms", "1h")
        .default("5s"),
    yes("functions.*.breaker.function_errors", "errors of the function itself count").bool(),
    yes(
        "functions.*.attempt_timeout",
        "how long a place may take, of an idempotent request, before the next of `failover`",
    )
    .duration("1ms", "1h")
    .absent("`timeout`"),
    yes("functions.*.failover", "where it is called instead, in order"),
    yes("functions.*.failover[].region", "region").text("region").required(),
    yes("functions.*.failover[].endpoint", "base URL of the Lambda API there")
        .text("URL")
        .absent("the region's own"),
    yes("functions.*.failover[].name", "its name there").absent("the same in that region"),
    yes("functions.*.failover[].credentials", "who calls there").absent("the function's own"),
    yes("functions.*.failover[].credentials.access_key_id", "key"),
    yes("functions.*.failover[].credentials.secret_access_key", "secret").text("secret"),
    yes("functions.*.failover[].credentials.session_token", "token of temporary credentials").text("secret"),
    yes("functions.*.failover[].credentials.profile", "profile of the shared AWS files"),
    yes(
        "functions.*.failover[].credentials.assume_role",
        "role to assume, starting from the other keys or `aws.credentials`",
    ),
    yes("functions.*.failover[].credentials.assume_role.arn", "the role's ARN").text("ARN").required(),
    yes("functions.*.failover[].credentials.assume_role.external_id", "for roles of third parties"),
    yes("functions.*.failover[].credentials.assume_role.session_name", "what the session is called")
        .default("lambridge"),
    yes("functions.*.failover[].credentials.assume_role.tags", "session tags").map("text"),
    yes(
        "functions.*.failover[].credentials.assume_role.transitive_tags",
        "keys of those tags that go on to the next role",
    )
    .list("text"),
    yes("functions.*.failover[].credentials.assume_role.via", "roles that are assumed before it, in order"),
    yes("functions.*.failover[].credentials.assume_role.via[].arn", "the role's ARN").text("ARN").required(),
    yes("functions.*.failover[].credentials.assume_role.via[].external_id", "for roles of third parties"),
    yes("functions.*.failover[].credentials.assume_role.via[].session_name", "what the session is called")
        .default("lambridge"),
    yes("functions.*.failover[].credentials.assume_role.via[].tags", "session tags").map("text"),
    yes(
        "functions.*.failover[].credentials.assume_role.via[].transitive_tags",
        "keys of those tags that go on to the next role",
    )
    .list("text"),
    yes("functions.*.run", "how `lambridge dev` and `lambridge emulator` run it"),
    yes("functions.*.run.web", "a web application, behind the adapter"),
    yes("functions.*.run.command", "a Runtime API client"),
    yes("functions.*.run.dir", "working directory").text("folder").absent("this file's folder"),
    yes(
        "functions.*.run.opt",
        "a folder that stands for `/opt`: its `extensions` are started, a wrapper is found in it",
    )
    .text("folder"),
    yes(
        "functions.*.run.image",
        "a container image, unpacked: its root or an OCI bundle; stands in the place of `dir` and `opt`",
    )
    .text("folder"),
    yes("functions.*.run.handler", "the handler as AWS is told it, in `_HANDLER`"),
    yes("functions.*.run.env", "variables beside AWS's own").map("text"),
    yes("functions.*.run.instances", "processes at most").number(1, 1000).default("1"),
    yes("functions.*.run.timeout", "of one invocation").duration("1ms", "15m").default("30s"),
    yes("functions.*.run.memory", "megabytes, as reported").number(1, 32768).default("128"),
    yes("functions.*.run.queue", "calls that wait for a free instance; 0 is 429 at once")
        .number(0, 1_000_000)
        .default("100"),
    yes("functions.*.run.port", "fixes the web application's port; `instances` is then 1").number(1, 65535),
    yes("functions.*.run.concurrency", "invocations an instance takes at once").number(1, 1000).default("1"),
    yes("functions.*.run.versions", "published versions by number; what one leaves out is as above"),
    yes("functions.*.run.versions.*.web", "as `run.web`"),
    yes("functions.*.run.versions.*.command", "as `run.command`"),
    yes("functions.*.run.versions.*.dir", "as `run.dir`").text("folder"),
    yes("functions.*.run.versions.*.opt", "as `run.opt`").text("folder"),
    yes("functions.*.run.versions.*.image", "as `run.image`").text("folder"),
    yes("functions.*.run.versions.*.handler", "as `run.handler`"),
    yes("functions.*.run.versions.*.env", "as `run.env`").map("text"),
    yes("functions.*.run.versions.*.instances", "as `run.instances`").number(1, 1000),
    yes("functions.*.run.versions.*.timeout", "as `run.timeout`").duration("1ms", "15m"),
    yes("functions.*.run.versions.*.memory", "as `run.memory`").number(1, 32768),
    yes("functions.*.run.versions.*.queue", "as `run.queue`").number(0, 1_000_000),
    yes("functions.*.run.versions.*.port", "as `run.port`, but never taken from there").number(1, 65535),
    yes("functions.*.run.versions.*.concurrency", "as `run.concurrency`").number(1, 1000),
    yes("functions.*.run.aliases", "version by alias").map("version"),
    yes("functions.*.run.url", "a function URL of its own"),
    yes("functions.*.run.url.address", "address and port").text("address").required(),
    yes("functions.*.run.url.invoke_mode", "how the answer comes").default("buffered"),
    yes("functions.*.run.url.invoke_mode: buffered", "one whole answer"),
    yes("functions.*.run.url.invoke_mode: response_stream", "chunk by chunk"),
    yes("functions.*.run.url.auth_type", "who may call").default("none"),
    yes("functions.*.run.url.auth_type: none", "anyone may call"),
    yes(
        "functions.*.run.url.auth_type: aws_iam",
        "whoever signs, with the emulator's credentials if it has any",
    ),
    yes("functions.*.run.url.cors", "pages of other origins may call it, as far as this says"),
    yes("functions.*.run.url.cors.allow_credentials", "with cookies").bool(),
    yes("functions.*.run.url.cors.allow_headers", "request headers; `*` for all").list("header"),
    yes("functions.*.run.url.cors.allow_methods", "methods; `*` for all").list("method"),
    yes("functions.*.run.url.cors.allow_origins", "origins, as `https://example.com`; `*` for all")
        .list("origin")
        .required(),
    yes("functions.*.run.url.cors.expose_headers", "headers that a page may read; `*` for all")
        .list("header"),
    yes("functions.*.run.url.cors.max_age", "for how long a browser may remember it")
        .duration("0s", "24h")
        .default("0s"),
    yes("routes", "which request goes where"),
    yes("routes[].id", "unique").absent("made from the match"),
    yes("routes[].match", "what a request must be like"),
    yes("routes[].match.host", "name or `*.name`").text("host"),
    yes("routes[].match.path", "template: `/users/{id}`, `/files/{rest+}`").text("template"),
    yes("routes[].match.path_prefix", "whole segments"),
    yes("routes[].match.path_regex", "anchored at both ends").text("regex"),
    yes("routes[].match.methods", "any of these").list("method"),
    yes("routes[].match.headers", "exact value by name, or `{ regex }`, or `{ present }`; all of these")
        .map("text"),
    yes("routes[].match.headers.*.regex", "a pattern, anchored at both ends").text("regex"),
    yes("routes[].match.headers.*.present", "`true`: there with any value; `false`: not there")
        .bool()
        .absent("no matter"),
    yes("routes[].match.query", "the same by the parameter's name; the first of a name counts").map("text"),
    yes("routes[].match.query.*.regex", "a pattern, anchored at both ends").text("regex"),
    yes("routes[].match.query.*.present", "`true`: there with any value; `false`: not there")
        .bool()
        .absent("no matter"),
    yes("routes[].function", "key of the function"),
    yes("routes[].functions", "weighted set of functions"),
    yes("routes[].functions[].name", "key of the function").required(),
    yes("routes[].functions[].weight", "share; 0 gets nothing").number(0, 1_000_000).default("1"),
    yes("routes[].sticky", "requests of one client go to one of `functions`: by `header` or by `cookie`"),
    yes("routes[].sticky.header", "a header that names the client; without it the weights are drawn")
        .text("header"),
    yes("routes[].sticky.cookie", "a cookie, which the gateway gives where there is none"),
    yes("routes[].sticky.max_age", "how long a client keeps the cookie")
        .duration("1s", "8760h")
        .default("24h"),
    yes("routes[].override", "a request may name one of `functions` itself"),
    yes("routes[].override.header", "a header with the function's key or qualifier")
        .text("header")
        .required(),
    yes("routes[].rollback", "takes the share of one of `functions` away when it fails too often"),
    yes("routes[].rollback.function", "its key").required(),
    yes("routes[].rollback.errors", "share of its calls that may fail, as `5%`").share(),
    yes("routes[].rollback.over", "of the last so long").duration("1s", "1h").default("1m"),
    yes("routes[].rollback.min_calls", "fewer calls say nothing").number(1, 1_000_000).default("20"),
    yes("routes[].static", "the same answer each time"),
    yes("routes[].static.status", "its status").number(200, 599).default("200"),
    yes("routes[].static.headers", "value, or list of values, by name").map_of_lists("text"),
    yes("routes[].static.body", "text"),
    yes("routes[].listeners", "addresses of the listeners this route is limited to").list("address"),
    no("routes[].compose", "several calls merged into one answer", "route to one function"),
    yes("routes[].upstream", "an HTTP service; requests and answers pass as they come"),
    yes("routes[].upstream.url", "where it is: `http://` or `https://`, host, perhaps port and a path")
        .text("URL"),
    yes("routes[].upstream.endpoints", "several addresses of it"),
    yes("routes[].upstream.endpoints[].url", "as `upstream.url`").text("URL").required(),
    yes("routes[].upstream.endpoints[].weight", "share; 0 gets nothing").number(0, 1_000_000).default("1"),
    yes("routes[].upstream.host", "which `Host` it is told").default("preserve"),
    yes("routes[].upstream.host: preserve", "the client's"),
    yes("routes[].upstream.host: upstream", "that of its URL; the client's stands in `X-Forwarded-Host`"),
    yes("routes[].upstream.timeout", "from the request's last byte to the answer's head")
        .duration("1ms", "1h")
        .default("30s"),
    yes("routes[].upstream.idle_timeout", "the longest pause within the answer")
        .duration("1ms", "24h")
        .default("5m"),
    yes("routes[].upstream.connections", "connections to each endpoint"),
    yes("routes[].upstream.connections.max", "at most so many").number(1, 1_000_000).default("1024"),
    yes("routes[].upstream.ca_file", "certificates that are trusted in place of the system's").text("file"),
    yes("routes[].redirect", "an answer that sends the client elsewhere"),
    yes("routes[].redirect.scheme", "of the address the client is sent to").absent("the client's"),
    yes("routes[].redirect.scheme: http", "plain"),
    yes("routes[].redirect.scheme: https", "over TLS"),
    yes("routes[].redirect.host", "of that address").absent("the client's"),
    yes("routes[].redirect.port", "of that address")
        .number(1, 65535)
        .absent("the client's, or that of another `scheme`"),
    yes("routes[].redirect.path", "as `rewrite.path`"),
    yes("routes[].redirect.prefix", "as `rewrite.prefix`"),
    yes("routes[].redirect.status", "301, 302, 303, 307 or 308").number(300, 399).default("302"),
    yes("routes[].rewrite", "what the target is told instead of what the client asked for"),
    yes("routes[].rewrite.path", "the whole path; `{id}` stands for what the match has there"),
    yes("routes[].rewrite.prefix", "in place of the prefix that matched"),
    yes("routes[].rewrite.host", "the `Host`"),
    yes("routes[].request_headers", "changes of the request's headers: removed, then set, then added"),
    yes("routes[].request_headers.set", "value by name, in place of all of that name").map("text"),
    yes("routes[].request_headers.add", "value, or list of values, by name").map_of_lists("text"),
    yes("routes[].request_headers.remove", "names").list("header"),
    yes("routes[].answer_headers", "changes of the target's answer"),
    yes("routes[].answer_headers.set", "value by name, in place of all of that name").map("text"),
    yes("routes[].answer_headers.add", "value, or list of values, by name").map_of_lists("text"),
    yes("routes[].answer_headers.remove", "names").list("header"),
    yes("routes[].rate_limit", "how often one may ask: a token bucket for each client; beyond it 429"),
    yes("routes[].rate_limit.rate", "requests in each period").number(1, 1_000_000).required(),
    yes("routes[].rate_limit.period", "how long a period is").duration("1ms", "24h").default("1s"),
    yes("routes[].rate_limit.burst", "requests at once").number(1, 1_000_000).absent("`rate`"),
    yes("routes[].rate_limit.by", "how clients are told apart").default("ip"),
    yes("routes[].rate_limit.by: ip", "by address; of IPv6 the network of 64 bits counts"),
    yes("routes[].rate_limit.by: route", "not at all: one bucket for all"),
    yes("routes[].rate_limit.header", "by this header; by address where it is missing").text("header"),
    yes("routes[].rate_limit.cookie", "by this cookie; by address where it is missing"),
    yes("routes[].limits", "bounds of this route"),
    yes("routes[].limits.body", "one body").size("0", "1024GiB").absent("`limits.body`"),
    yes(
        "routes[].function_from",
        "the function is named by the request: by one of `path`, `header`, `query`",
    ),
    yes("routes[].function_from.path", "a parameter of the path, or one that a script sets"),
    yes("routes[].function_from.header", "a header").text("header"),
    yes("routes[].function_from.query", "a query parameter"),
    yes("routes[].function_from.function", "key of the function that has every setting but the name")
        .required(),
    yes("routes[].function_from.allow", "names that may be called; `*` stands for any characters")
        .list("text")
        .required(),
    yes("routes[].order", "asked before routes of the same host with a higher one")
        .number(0, 1_000_000)
        .default("0"),
    yes("routes[].scripts", "Lua 5.1 before the call, with KrakenD's objects"),
    yes("routes[].scripts.sources", "run first, in order"),
    yes("routes[].scripts.sources[].name", "for messages").required(),
    yes("routes[].scripts.sources[].text", "the code, or `${file:name.lua}`").required(),
    yes("routes[].scripts.pre", "code that runs before the call"),
    no("routes[].scripts.post", "Lua on the answer", "change the answer in the function"),
    yes("routes[].scripts.open_libs", "`string`, `math`, `os` and the like are there").bool(),
    yes("routes[].errors", "whose error answers clients get").default("native"),
    yes("routes[].errors: native", "`application/problem+json`"),
    yes("routes[].errors: runway", "runway's"),
    yes("routes[].errors: krakend", "KrakenD's"),
    yes("routes[].errors: envoy", "Envoy's, for kgateway and Gloo"),
    yes("limits", "bounds on what clients may send"),
    yes("limits.head", "request line and headers").size("1KiB", "1MiB").default("64KiB"),
    yes("limits.body", "one body").size("0", "1GiB").default("6MiB"),
    yes("limits.buffered_total", "all bodies in memory together, answers until their clients have taken them; above it 503 `overloaded`").size("1MiB", "1024GiB").default("512MiB"),
    yes("limits.connections", "open client connections; `gateway` complains where these are more than its descriptors").number(1, 1_000_000).default("20000"),
    yes("limits.head_timeout", "from the first byte of a head to its end")
        .duration("1s", "10m")
        .default("10s"),
    yes("limits.body_timeout", "from the end of the head to the end of the body")
        .duration("1s", "1h")
        .default("1m"),
    yes("limits.idle", "between requests on a kept connection").duration("1s", "1h").default("1m15s"),
    yes("drain", "how the gateway ends"),
    yes("drain.delay", "listeners stay open this long").duration("0s", "1h").default("0s"),
    yes("drain.deadline", "requests have this long to finish").duration("0s", "1h").default("30s"),
    yes("log", "access log and messages"),
    yes("log.format", "how a line looks").default("text"),
    yes("log.format: text", "for people"),
    yes("log.format: json", "for machines"),
    yes("log.level", "what is logged").default("info"),
    yes("log.level: off", "nothing"),
    yes("log.level: error", "failures"),
    yes("log.level: warn", "failures and warnings"),
    yes("log.level: info", "every request"),
    yes("log.level: debug", "more"),
    yes("trusted_proxies", "networks whose forwarding headers and request ids count").list("network"),
    yes("trace", "which trace a request belongs to: `traceparent` and `X-Amzn-Trace-Id`"),
    yes("trace.from", "whose fields count").default("trusted"),
    yes("trace.from: trusted", "those of `trusted_proxies`"),
    yes("trace.from: anyone", "every client's"),
    yes("trace.generate", "begins a trace where a request brings none that counts").bool(),
    yes("telemetry", "traces and metrics for a collector"),
    yes("telemetry.otlp", "OpenTelemetry's protocol; what is absent comes from its standard variables"),
    yes("telemetry.otlp.endpoint", "base URL of the collector")
        .text("URL")
        .absent("`OTEL_EXPORTER_OTLP_ENDPOINT`, else `http://localhost:4318`, over gRPC `http://localhost:4317`"),
    yes("telemetry.otlp.headers", "sent with each request; values are secrets").map("secret"),
    yes("telemetry.otlp.protocol", "how it is sent")
        .absent("`OTEL_EXPORTER_OTLP_PROTOCOL`, else `http/protobuf`"),
    yes("telemetry.otlp.protocol: http/protobuf", "over HTTP/1.1"),
    yes("telemetry.otlp.protocol: grpc", "over gRPC"),
    yes("telemetry.otlp.sample", "share of the traces that begin here, as `10%`").share().absent("all"),
    yes("telemetry.otlp.traces", "sends spans").bool().default("true"),
    yes("telemetry.otlp.metrics", "sends metrics").bool().default("true"),
    yes("emulator", "the local Lambda"),
    yes("emulator.address", "address and port").text("address").default("127.0.0.1:9000"),
    yes("emulator.credentials", "the pair that calls must be signed with").absent("any"),
    yes("emulator.credentials.access_key_id", "key").required(),
    yes("emulator.credentials.secret_access_key", "secret").text("secret").required(),
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
        let everything = concat!(
            include_str!("../../tests/golden/native/everything/input.yaml"),
            include_str!("../../tests/golden/native/run/input.yaml"),
        );
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
