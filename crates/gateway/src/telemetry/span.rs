//! The spans of a request: its own, and that of the call behind it.
//!
//! Attributes are those of OpenTelemetry's semantic conventions, where they have a name for the fact; ours begin with
//! `lambridge.`. A span whose status is an error says in `error.type` the reason of the error table.

use std::sync::Arc;

use http::header::{HOST, HeaderValue, USER_AGENT};
use http::request::Parts;
use http::{Method, Version};
use lambridge_model::{SpanId, TraceContext};
use lambridge_wire::report::Report;

use super::Telemetry;
use super::proto::Message;
use crate::metrics::Tally;
use crate::problem::Reason;
use crate::record::Facts;

const SERVER: u64 = 2;
const CLIENT: u64 = 3;
const ERROR: u64 = 2;

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
    /// AWS's name of the function, and its region.
    pub(crate) invoked: Option<(String, Option<String>)>,
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
    region: Option<Arc<str>>,
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
        }
    }

    /// The request has ended with these facts.
    pub(crate) fn end(self, facts: &Facts) {
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
            region: facts.region.clone(),
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
        let (path, query) = self.target.split_once('?').unwrap_or((&self.target, ""));
        text("url.path", path);
        if !query.is_empty() {
            text("url.query", query);
        }
        if let Some(host) = recording.host.as_ref().and_then(|host| host.to_str().ok()) {
            text("server.address", crate::router::without_port(host));
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
        span.number_attribute(9, "http.response.status_code", u64::from(self.status));
        span.number_attribute(9, "http.request.body.size", self.bytes_in as u64);
        span.number_attribute(9, "http.response.body.size", self.bytes_out as u64);
        let is_error = self.status >= 500 || self.reason.is_some_and(|reason| reason.status() >= 500);
        self.outcome(span, is_error);
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
        } else {
            text("http.request.method", if is_known(&self.method) { self.method.as_str() } else { "_OTHER" });
        }
        if let Some((name, region)) = &recording.invoked {
            text("faas.invoked_name", name);
            if let Some(region) = self.region.as_deref().or(region.as_deref()) {
                text("faas.invoked_region", region);
            }
        }
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
        // Sampled; W3C's flags.
        span.fixed32(16, 1);
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
