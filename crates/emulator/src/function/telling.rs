//! What telemetry hears of an invocation: its start, the end of the runtime's part, and its report.

use std::time::Duration;

use lambridge_wire::telemetry::Kind;
use tokio::time::Instant;

use super::Call;
use crate::sandbox::{Outcome, Sandbox};
use crate::telemetry::record::{self, Status};

/// What telemetry hears of an invocation.
pub(super) struct Telling<'a> {
    pub(super) call: &'a Call,
    pub(super) sandbox: &'a Sandbox,
    pub(super) started: Instant,
    pub(super) init: Option<Duration>,
}

impl Telling<'_> {
    pub(super) fn start(&self) {
        let version = &self.sandbox.context.version;
        self.tell("platform.start", || record::start(&self.call.request_id, version, &self.call.trace_id));
    }

    /// The runtime's part is over.
    pub(super) fn runtime_done(&self, outcome: &Outcome, answered: bool, timed_out: bool) -> Status {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Report {
            error_type: String,
        }
        let kind = || serde_json::from_slice::<Report>(&outcome.payload).map(|report| report.error_type);
        let status = match (timed_out, outcome.failed, answered) {
            (true, ..) => Status::Timeout,
            (false, false, _) => Status::Success,
            (false, true, true) => Status::Error(kind().unwrap_or_default()),
            (false, true, false) => Status::Failure(kind().unwrap_or_default()),
        };
        let (id, trace) = (&self.call.request_id, &self.call.trace_id);
        // A stream has gone by, and was not counted.
        let produced = Some(outcome.payload.len()).filter(|length| *length > 0 || self.call.sink.is_none());
        self.tell("platform.runtimeDone", || {
            record::runtime_done(id, &status, self.started.elapsed(), produced, trace)
        });
        status
    }

    /// The extensions' part is over, too.
    pub(super) fn report(&self, status: &Status) {
        let (id, trace) = (&self.call.request_id, &self.call.trace_id);
        let memory = self.sandbox.context.run.memory;
        self.tell("platform.report", || {
            record::report(id, status, self.started.elapsed(), memory, self.init, trace)
        });
    }

    fn tell(&self, name: &str, record: impl FnOnce() -> serde_json::Value) {
        self.sandbox.telemetry.publish(Kind::Platform, name, record);
    }
}
