//! What is written down about an invocation, once, when its answer is posted.
//!
//! * A line of the log: for a failure always, for the others with DEBUG.
//! * `AWS_LWA_ACCESS_LOG`: a line for each invocation, a JSON object whatever the log's format, so that a query can count
//!   on its fields. No query, no header and no address is in it: those can hold secrets.
//! * `AWS_LWA_METRICS_NAMESPACE`: a line for each invocation in CloudWatch's embedded metric format, from which CloudWatch
//!   makes metrics without a call of its API: `Invocations`, `Duration`, `Errors`, `ColdStart`, by function.
//!
//! The lines of an invocation go out with one call, after its answer: nobody waits for them, and the sandbox is not yet
//! frozen.
//!
//! Source: "Embedded metric format specification" of the CloudWatch user guide.

use std::fmt::Write as _;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use http::{Method, Uri};
use lambridge_event::Kind;
use lambridge_wire::runtime as wire;

use crate::Shared;
use crate::exchange::Failure;
use crate::log::{Level, quoted};
use crate::runtime::{ApiError, Delivery};

/// What became of an invocation, collected on its way.
#[derive(Debug)]
pub struct Facts {
    start: Instant,
    /// The event's source; `None` when it cannot be told.
    pub kind: Option<Kind>,
    /// What the application was asked; `None` when the event is no request.
    pub asked: Option<(Method, Uri)>,
    /// Of the application.
    pub status: u16,
    /// Header fields that could not go along.
    pub dropped_fields: usize,
    /// Why there is no answer of the application.
    pub failure: Option<Failure>,
}

impl Facts {
    /// An invocation begins.
    pub fn new() -> Facts {
        Facts { start: Instant::now(), kind: None, asked: None, status: 0, dropped_fields: 0, failure: None }
    }

    fn method(&self) -> &str {
        self.asked.as_ref().map_or("", |(method, _)| method.as_str())
    }

    /// Without the query.
    fn path(&self) -> &str {
        self.asked.as_ref().map_or("", |(_, target)| target.path())
    }

    /// What the client gets: the application's status, or that of the failure.
    fn status(&self) -> u16 {
        self.failure.as_ref().map_or(self.status, |failure| failure.status().as_u16())
    }
}

/// One invocation, as its lines show it.
struct Entry<'a> {
    facts: &'a Facts,
    request_id: &'a str,
    trace_id: &'a str,
    reason: &'static str,
    time_ms: u128,
    took: Duration,
    cold: bool,
}

/// Writes it all.
pub(crate) fn record(facts: &Facts, posted: Result<(), ApiError>, delivery: &Delivery, shared: &Shared) {
    let reason = match (&facts.failure, &posted) {
        (Some(failure), _) => failure.reason(),
        (None, Err(ApiError::BrokeOff(_))) => "broke_off",
        (None, Err(_)) => "not_posted",
        (None, Ok(())) => "ok",
    };
    let entry = Entry {
        facts,
        request_id: delivery.request_id().unwrap_or_default(),
        trace_id: delivery.text(wire::TRACE_ID).unwrap_or_default(),
        reason,
        time_ms: SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis(),
        took: facts.start.elapsed(),
        cold: shared.is_first(),
    };
    let level = if reason == "ok" { Level::Debug } else { Level::Error };
    if shared.log.takes(level) {
        for message in [facts.failure.as_ref().map(Failure::to_string), posted.err().map(|e| e.to_string())]
            .into_iter()
            .flatten()
        {
            entry.log(level, &message, shared);
        }
        if reason == "ok" {
            entry.log(level, "invocation", shared);
        }
    }
    let mut lines = String::new();
    if shared.settings.access_log {
        entry.access(&mut lines);
    }
    if let Some(namespace) = &shared.settings.metrics {
        entry.metrics(namespace, &shared.settings.function.name, &mut lines);
    }
    shared.log.write(&lines);
}

impl Entry<'_> {
    fn log(&self, level: Level, message: &str, shared: &Shared) {
        let Entry { facts, request_id, reason, took, .. } = self;
        let (status, dropped) = (facts.status().to_string(), facts.dropped_fields.to_string());
        let took = took.as_millis().to_string();
        let asked = [("method", facts.method()), ("path", facts.path())];
        let fields: Vec<(&str, &str)> = [("requestId", *request_id)]
            .into_iter()
            .chain(asked.into_iter().filter(|(_, value)| !value.is_empty()))
            .chain([("status", &*status), ("reason", reason), ("droppedFields", &dropped)])
            .chain([("durationMs", &*took)])
            .collect();
        shared.log.line(level, message, &fields);
    }

    fn access(&self, out: &mut String) {
        let Entry { facts, request_id, trace_id, reason, time_ms, took, cold } = self;
        let source = facts.kind.map_or("unknown", source);
        let (path, method, trace_id) = (quoted(facts.path()), quoted(facts.method()), quoted(trace_id));
        // Writing to a string does not fail.
        let _ = writeln!(
            out,
            "{{\"type\":\"access\",\"time\":{time_ms},\"requestId\":{},\"traceId\":{trace_id},\"source\":\"{source}\",\
             \"method\":{method},\"path\":{path},\"status\":{},\"reason\":\"{reason}\",\"durationMs\":{:.3},\"coldStart\":{cold}}}",
            quoted(request_id),
            facts.status(),
            took.as_secs_f64() * 1e3,
        );
    }

    fn metrics(&self, namespace: &str, function: &str, out: &mut String) {
        let errors = u8::from(self.reason != "ok" || self.facts.status() >= 500);
        let _ = writeln!(
            out,
            "{{\"_aws\":{{\"Timestamp\":{},\"CloudWatchMetrics\":[{{\"Namespace\":{},\"Dimensions\":[[\"FunctionName\"]],\
             \"Metrics\":[{{\"Name\":\"Invocations\",\"Unit\":\"Count\"}},{{\"Name\":\"Duration\",\"Unit\":\"Milliseconds\"}},\
             {{\"Name\":\"Errors\",\"Unit\":\"Count\"}},{{\"Name\":\"ColdStart\",\"Unit\":\"Count\"}}]}}]}},\
             \"FunctionName\":{},\"Invocations\":1,\"Duration\":{:.3},\"Errors\":{errors},\"ColdStart\":{},\
             \"requestId\":{},\"status\":{}}}",
            self.time_ms,
            quoted(namespace),
            quoted(function),
            self.took.as_secs_f64() * 1e3,
            u8::from(self.cold),
            quoted(self.request_id),
            self.facts.status(),
        );
    }
}

/// Where an event came from, in the words of the formats.
fn source(kind: Kind) -> &'static str {
    match kind {
        Kind::HttpV2 => "http_v2",
        Kind::RestV1 => "rest_v1",
        Kind::Alb => "alb",
        Kind::AlbMultiValue => "alb_multi_value",
        Kind::LatticeV1 => "lattice_v1",
        Kind::LatticeV2 => "lattice_v2",
        Kind::WebSocket => "websocket",
        Kind::Other => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(facts: &Facts) -> Entry<'_> {
        Entry {
            facts,
            request_id: "id",
            trace_id: "Root=1",
            reason: "ok",
            time_ms: 5,
            took: Duration::from_micros(1_500),
            cold: true,
        }
    }

    #[test]
    fn an_access_line() {
        let facts = Facts {
            kind: Some(Kind::HttpV2),
            asked: Some((Method::GET, Uri::from_static("/a'b?secret"))),
            status: 200,
            ..Facts::new()
        };
        let mut line = String::new();
        entry(&facts).access(&mut line);
        assert_eq!(
            line,
            "{\"type\":\"access\",\"time\":5,\"requestId\":\"id\",\"traceId\":\"Root=1\",\"source\":\"http_v2\",\
             \"method\":\"GET\",\"path\":\"/a'b\",\"status\":200,\"reason\":\"ok\",\"durationMs\":1.500,\"coldStart\":true}\n"
        );
    }

    /// By the schema of the specification: every metric named is a number at the top, every dimension a string there.
    #[test]
    fn a_line_of_metrics() {
        let facts = Facts { status: 503, ..Facts::new() };
        let mut line = String::new();
        entry(&facts).metrics("My/App", "f", &mut line);
        assert!(line.ends_with("}\n") && line.lines().count() == 1);
        let root: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(root["_aws"]["Timestamp"], 5);
        let directive = &root["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(directive["Namespace"], "My/App");
        assert_eq!(directive["Dimensions"], serde_json::json!([["FunctionName"]]));
        assert_eq!(root["FunctionName"], "f");
        let values: Vec<_> = directive["Metrics"]
            .as_array()
            .unwrap()
            .iter()
            .map(|metric| (metric["Name"].as_str().unwrap(), metric["Unit"].as_str().unwrap()))
            .map(|(name, unit)| (name, unit, root[name].as_f64().unwrap()))
            .collect();
        assert_eq!(
            values,
            [
                ("Invocations", "Count", 1.0),
                ("Duration", "Milliseconds", 1.5),
                ("Errors", "Count", 1.0),
                ("ColdStart", "Count", 1.0)
            ]
        );
    }
}
