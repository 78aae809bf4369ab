//! What telemetry events say, one function each.
//!
//! Spans that the emulator does not measure (runtime and extension overhead) are left out, not made up; so is the memory
//! that was used, of which the function's size stands in the report, as in its text.
//!
//! Source: Lambda developer guide, "Lambda Telemetry API `Event` schema reference".

use std::time::Duration;

use lambridge_wire::telemetry::Kind;
use serde_json::{Value, json};

use crate::context::Context;

/// How something ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Status {
    Success,
    /// The function said so.
    Error(String),
    /// A process ended.
    Failure(String),
    Timeout,
}

impl Status {
    fn write(&self, record: &mut Value) {
        let (status, error_type) = match self {
            Self::Success => ("success", None),
            Self::Error(kind) => ("error", Some(kind.as_str())),
            Self::Failure(kind) => ("failure", Some(kind.as_str())),
            Self::Timeout => ("timeout", None),
        };
        record["status"] = status.into();
        if let Some(error_type) = error_type.filter(|kind| !kind.is_empty()) {
            record["errorType"] = error_type.into();
        }
    }
}

/// `function` and `extension`: a text, or the object that it is where logs are JSON.
pub(super) fn line(line: &str, json: bool) -> Value {
    match json.then(|| serde_json::from_str::<Value>(line)) {
        Some(Ok(value)) if value.is_object() => value,
        _ => line.into(),
    }
}

fn initialization(context: &Context) -> Value {
    let kind = if context.run.concurrency > 1 { "lambda-managed-instances" } else { "on-demand" };
    json!({ "initializationType": kind, "phase": "init" })
}

/// `platform.initStart`.
pub(crate) fn init_start(context: &Context, instance: &str) -> Value {
    let mut record = initialization(context);
    record["functionName"] = context.name.as_str().into();
    record["functionVersion"] = context.version.as_str().into();
    record["instanceId"] = instance.into();
    record["instanceMaxMemory"] = context.run.memory.into();
    record
}

/// `platform.initRuntimeDone`.
pub(crate) fn init_runtime_done(context: &Context, status: &Status) -> Value {
    let mut record = initialization(context);
    status.write(&mut record);
    record
}

/// `platform.initReport`.
pub(crate) fn init_report(context: &Context, status: &Status, took: Duration) -> Value {
    let mut record = init_runtime_done(context, status);
    record["metrics"] = json!({ "durationMs": milliseconds(took) });
    record
}

/// `platform.extension`.
pub(crate) fn extension(name: &str, state: &str, events: &[impl serde::Serialize]) -> Value {
    json!({ "name": name, "state": state, "events": events })
}

/// `platform.telemetrySubscription`.
pub(crate) fn subscription(name: &str, kinds: &[Kind]) -> Value {
    json!({ "name": name, "state": "Subscribed", "types": kinds })
}

/// `platform.start`.
pub(crate) fn start(request_id: &str, version: &str, trace: &str) -> Value {
    json!({ "requestId": request_id, "version": version, "tracing": tracing(trace) })
}

/// `platform.runtimeDone`. `produced` is the answer's length, where it is known.
pub(crate) fn runtime_done(
    request_id: &str,
    status: &Status,
    took: Duration,
    produced: Option<usize>,
    trace: &str,
) -> Value {
    let mut record = json!({
        "requestId": request_id,
        "metrics": { "durationMs": milliseconds(took) },
        "tracing": tracing(trace),
    });
    if let Some(produced) = produced {
        record["metrics"]["producedBytes"] = produced.into();
    }
    status.write(&mut record);
    record
}

/// `platform.report`. `init` is how long the invocation waited for it.
pub(crate) fn report(
    request_id: &str,
    status: &Status,
    took: Duration,
    memory: u32,
    init: Option<Duration>,
    trace: &str,
) -> Value {
    let mut record = json!({
        "requestId": request_id,
        "metrics": {
            "durationMs": milliseconds(took),
            "billedDurationMs": milliseconds(took).ceil(),
            "memorySizeMB": memory,
            "maxMemoryUsedMB": memory,
        },
        "tracing": tracing(trace),
    });
    if let Some(init) = init {
        record["metrics"]["initDurationMs"] = milliseconds(init).into();
    }
    status.write(&mut record);
    record
}

/// `platform.logsDropped`.
pub(super) fn logs_dropped(records: usize, bytes: usize) -> Value {
    json!({
        "droppedRecords": records,
        "droppedBytes": bytes,
        "reason": "the subscriber did not take them in time",
    })
}

fn tracing(value: &str) -> Value {
    json!({ "type": "X-Amzn-Trace-Id", "value": value })
}

/// To the microsecond.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_statuses() {
        for (text, expect) in [
            ("hello", json!("hello")),
            (r#"{"a":1}"#, json!({ "a": 1 })),
            ("[1]", json!("[1]")),
            ("3", json!("3")),
        ] {
            assert_eq!(line(text, true), expect);
            assert_eq!(line(text, false), text);
        }
        for (status, expect) in [
            (Status::Success, json!({ "status": "success" })),
            (Status::Error("E".to_owned()), json!({ "status": "error", "errorType": "E" })),
            (Status::Failure(String::new()), json!({ "status": "failure" })),
            (Status::Timeout, json!({ "status": "timeout" })),
        ] {
            let mut record = json!({});
            status.write(&mut record);
            assert_eq!(record, expect);
        }
        let done = runtime_done("r", &Status::Success, Duration::from_nanos(1_234_567), Some(5), "Root=1");
        assert_eq!(done["metrics"], json!({ "durationMs": 1.235, "producedBytes": 5 }));
        let report = report("r", &Status::Success, Duration::from_micros(1200), 128, None, "Root=1");
        assert_eq!(report["metrics"]["billedDurationMs"], 2.0);
    }
}
