//! The spans of a request: its own, and that of the call behind it.
//!
//! Attributes are those of OpenTelemetry's semantic conventions (HTTP, FaaS, AWS SDK), where they have a name for the fact;
//! ours begin with `lambridge.`. A span whose status is an error says in `error.type` the reason of the error table, or the
//! status that an application chose. Values of a query that are known to be secrets are not told.

use std::borrow::Cow;
use std::sync::Arc;

use http::header::{HOST, HeaderValue, USER_AGENT};
use http::request::Parts;
use http::{Method, Version};
use lambridge_model::{SpanId, TraceContext};
use lambridge_wire::name::FunctionName;
use lambridge_wire::report::Report;

use super::Telemetry;
use super::proto::Message;
use crate::metrics::Tally;
use crate::problem::Reason;
use crate::record::Facts;
use crate::secrets;

const SERVER: u64 = 2;
const CLIENT: u64 = 3;
const ERROR: u64 = 2;
const SAMPLED: u32 = 1;
/// It is known, and it is so. Source: `SpanFlags` of `trace.proto`.
const REMOTE: u32 = 0x300;

/// What a recorded request needs beside its facts.
#[derive(Debug)]
pub(crate) struct Recording {
    telemetry: Arc<Telemetry>,
    context: TraceContext,
    server: SpanId,
    call: SpanId,
    host: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
    version: Version,
    tls: bool,
    /// The pattern of the path that the route matched.
    pub(crate) pattern: Option<String>,
    /// AWS's name of the function.
    pub(crate) invoked: Option<String>,
    /// Where it was called last.
    pub(crate) region: Option<String>,
}

/// A finished request, on its way to the exporter.
#[derive(Debug)]
pub(crate) struct Recorded {
    recording: Recording,
    began_ns: u64,
    method: Method,
    target: Box<str>,
    client: Arc<str>,
    request_id: String,
    route: Option<Arc<Tally>>,
    function: Option<Arc<str>>,
    upstream: Option<Arc<str>>,
    lambda_request_id: Option<String>,
    status: u16,
    reason: Option<Reason>,
    attempts: u32,
    queue_us: u64,
    invoke_at_us: u64,
    invoke_us: u64,
    total_us: u64,
    report: Option<Report>,
    bytes_in: usize,
    bytes_out: usize,
}

impl Recording {
    pub(super) fn new(
        telemetry: Arc<Telemetry>,
        context: TraceContext,
        server: SpanId,
        call: SpanId,
        head: &Parts,
        tls: bool,
    ) -> Self {
        Self {
            telemetry,
            context,
            server,
            call,
            host: head.headers.get(HOST).cloned(),
            user_agent: head.headers.get(USER_AGENT).cloned(),
            version: head.version,
            tls,
            pattern: None,
            invoked: None,
            region: None,
        }
    }

    /// The request has ended with these facts.
    pub(crate) fn end(mut self, facts: &Facts) {
        if let Some(name) = &facts.invoked {
            // What is no name was refused before.
            self.invoked = name.parse::<FunctionName>().ok().map(|parsed| parsed.name().to_owned());
        }
        let telemetry = Arc::clone(&self.telemetry);
        telemetry.end(Box::new(Recorded {
            recording: self,
            began_ns: facts.time_ms.saturating_mul(1_000_000),
            method: facts.method.clone(),
            target: facts.target.clone(),
            client: Arc::clone(&facts.client),
            request_id: facts.request_id.clone(),
            route: facts.route.clone(),
            function: facts.function.clone(),
            upstream: facts.upstream.clone(),
            lambda_request_id: facts.lambda_request_id.clone(),
            status: facts.status,
            reason: facts.reason,
            attempts: facts.attempts,
            queue_us: facts.queue_us,
            invoke_at_us: facts.invoke_at_us,
            invoke_us: facts.invoke_us,
            total_us: facts.total_us,
            report: facts.report,
            bytes_in: facts.bytes_in,
            bytes_out: facts.bytes_out,
        }));
    }
}

/// `ExportTraceServiceRequest`.
pub(super) fn request(batch: &[Recorded], resource: &[(String, String)]) -> Vec<u8> {
    let mut request = Message::default();
    request.message(1, |spans| {
        spans.message(1, |message| attributes(message, resource));
        spans.message(2, |scope| {
            scope.message(1, scope_of);
            for recorded in batch {
                scope.message(2, |span| recorded.server(span));
                if recorded.attempts > 0 {
                    scope.message(2, |span| recorded.call(span));
                }
            }
        });
    });
    request.into_bytes()
}

/// `Resource`.
pub(super) fn attributes(message: &mut Message, resource: &[(String, String)]) {
    for (name, value) in resource {
        message.text_attribute(1, name, value);
    }
}

/// `InstrumentationScope`.
pub(super) fn scope_of(scope: &mut Message) {
    scope.bytes(1, b"lambridge");
    scope.bytes(2, env!("CARGO_PKG_VERSION").as_bytes());
}

impl Recorded {
    fn server(&self, span: &mut Message) {
        let recording = &self.recording;
        let pattern = recording.pattern.as_deref();
        let method = if is_known(&self.method) { self.method.as_str() } else { "HTTP" };
        let name = pattern.map_or_else(|| method.to_owned(), |pattern| format!("{method} {pattern}"));
        let parent = recording.context.parent;
        self.frame(span, recording.server, parent, &name, SERVER, 0, self.total_us);
        let mut text = |name: &str, value: &str| span.text_attribute(9, name, value);
        if is_known(&self.method) {
            text("http.request.method", method);
        } else {
            text("http.request.method", "_OTHER");
            text("http.request.method_original", self.method.as_str());
        }
        text("url.scheme", if recording.tls { "https" } else { "http" });
        text("url.path", self.path());
        if let Some(query) = self.query() {
            text("url.query", &query);
        }
        let host = recording.host.as_ref().and_then(|host| host.to_str().ok());
        let (server, port) = host.map(address).unzip();
        if let Some(server) = server {
            text("server.address", server);
        }
        if let Some(agent) = recording.user_agent.as_ref().and_then(|agent| agent.to_str().ok()) {
            text("user_agent.original", agent);
        }
        text("client.address", &self.client);
        text(
            "network.protocol.version",
            match recording.version {
                Version::HTTP_10 => "1.0",
                Version::HTTP_2 => "2",
                _ => "1.1",
            },
        );
        if let Some(pattern) = pattern {
            text("http.route", pattern);
        }
        if let Some(route) = &self.route {
            text("lambridge.route", &route.id);
        }
        text("lambridge.request_id", &self.request_id);
        if let Some(port) = port.flatten() {
            span.number_attribute(9, "server.port", port.into());
        }
        // A client that went away before the head was sent was told no status.
        let is_gone = self.reason == Some(Reason::ClientGone);
        if !is_gone || self.status != Reason::ClientGone.status() {
            span.number_attribute(9, "http.response.status_code", u64::from(self.status));
        }
        span.number_attribute(9, "http.request.body.size", self.bytes_in as u64);
        span.number_attribute(9, "http.response.body.size", self.bytes_out as u64);
        let is_error = self.status >= 500 || self.reason.is_some_and(|reason| reason.status() >= 500);
        self.outcome(span, is_error || is_gone);
    }

    fn call(&self, span: &mut Message) {
        let recording = &self.recording;
        let name = if self.function.is_some() { "Lambda.Invoke" } else { self.method.as_str() };
        let (at, took) = (self.invoke_at_us, self.invoke_us);
        self.frame(span, recording.call, Some(recording.server), name, CLIENT, at, took);
        let mut text = |name: &str, value: &str| span.text_attribute(9, name, value);
        if let Some(function) = &self.function {
            text("rpc.system", "aws-api");
            text("rpc.service", "Lambda");
            text("rpc.method", "Invoke");
            text("faas.invoked_provider", "aws");
            text("lambridge.function", function);
        }
        if let Some(name) = &recording.invoked {
            text("faas.invoked_name", name);
        }
        if let Some(region) = &recording.region {
            text("faas.invoked_region", region);
            text("cloud.region", region);
        }
        if let Some(url) = &self.upstream {
            self.upstream(url, span);
        }
        let mut text = |name: &str, value: &str| span.text_attribute(9, name, value);
        if let Some(id) = &self.lambda_request_id {
            text("aws.request_id", id);
        }
        if let Some(report) = &self.report {
            span.bool_attribute(9, "faas.coldstart", report.is_cold());
        }
        if self.attempts > 1 {
            span.number_attribute(9, "lambridge.attempts", u64::from(self.attempts));
        }
        if self.queue_us > 0 {
            span.number_attribute(9, "lambridge.queue_us", self.queue_us);
        }
        // What became of the answer afterwards is not the call's affair.
        let after = [Reason::MalformedAnswer, Reason::ClientGone];
        let failed = self.reason.is_some_and(|reason| !after.contains(&reason) && reason.status() >= 500);
        self.outcome(span, failed);
    }

    /// What a call of an HTTP service says beside.
    fn upstream(&self, url: &str, span: &mut Message) {
        let mut text = |name: &str, value: &str| span.text_attribute(9, name, value);
        text("http.request.method", if is_known(&self.method) { self.method.as_str() } else { "_OTHER" });
        let query = self.query().map(|query| format!("?{query}")).unwrap_or_default();
        text("url.full", &format!("{url}{}{query}", self.path()));
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (server, port) = address(rest.split('/').next().unwrap_or(rest));
        text("server.address", server);
        let port = port.unwrap_or(if scheme == "https" { 443 } else { 80 });
        span.number_attribute(9, "server.port", port.into());
        if self.reason.is_none() {
            span.number_attribute(9, "http.response.status_code", u64::from(self.status));
        }
        if self.attempts > 1 {
            span.number_attribute(9, "http.request.resend_count", u64::from(self.attempts - 1));
        }
    }

    fn path(&self) -> &str {
        self.target.split_once('?').map_or(&*self.target, |(path, _)| path)
    }

    /// The query that may be told.
    fn query(&self) -> Option<Cow<'_, str>> {
        let (_, query) = self.target.split_once('?').filter(|(_, query)| !query.is_empty())?;
        Some(secrets::hidden(query).map_or(Cow::Borrowed(query), Cow::Owned))
    }

    /// Ids, name, kind, times.
    #[expect(clippy::too_many_arguments, reason = "the fields of a span that every span has")]
    fn frame(
        &self,
        span: &mut Message,
        id: SpanId,
        parent: Option<SpanId>,
        name: &str,
        kind: u64,
        at_us: u64,
        took_us: u64,
    ) {
        let begin = self.began_ns.saturating_add(at_us.saturating_mul(1000));
        span.bytes(1, &self.recording.context.trace.to_bytes());
        span.bytes(2, &id.to_bytes());
        if let Some(parent) = parent {
            span.bytes(4, &parent.to_bytes());
        }
        span.bytes(5, name.as_bytes());
        span.varint(6, kind);
        span.fixed64(7, begin);
        span.fixed64(8, begin.saturating_add(took_us.saturating_mul(1000)));
        // W3C's flags, and whether the parent is another process's.
        span.fixed32(16, if kind == SERVER && parent.is_some() { SAMPLED | REMOTE } else { SAMPLED });
    }

    fn outcome(&self, span: &mut Message, is_error: bool) {
        if !is_error {
            return;
        }
        let status = self.status.to_string();
        span.text_attribute(9, "error.type", self.reason.map_or(&status, |reason| reason.name()));
        span.message(15, |status| status.varint(3, ERROR));
    }
}

/// A host and its port, where it has one.
fn address(host: &str) -> (&str, Option<u16>) {
    let name = crate::router::without_port(host);
    (name, host[name.len()..].strip_prefix(':').and_then(|port| port.parse().ok()))
}

/// Methods that the conventions know.
fn is_known(method: &Method) -> bool {
    matches!(
        *method,
        Method::GET
            | Method::HEAD
            | Method::POST
            | Method::PUT
            | Method::DELETE
            | Method::CONNECT
            | Method::OPTIONS
            | Method::TRACE
            | Method::PATCH
    )
}
