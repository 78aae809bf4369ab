//! The log of one invocation, as `X-Amz-Log-Result` gives it: what the function printed, between the platform's lines.
//!
//! Source: recorded answers (localstack, `test_lambda_invoke_log_type`); Lambda developer guide, "View function logs".

use std::time::Duration;

use lambridge_wire::limits::LOG_TAIL;

use super::Call;
use crate::context::Context;

/// The platform's own lines around a function's.
pub(super) struct Report<'a> {
    pub(super) call: &'a Call,
    pub(super) context: &'a Context,
    pub(super) timed_out: bool,
    pub(super) init: Option<Duration>,
}

impl Report<'_> {
    /// The last 4 KB of `START`, output, `END`, `REPORT`.
    pub(super) fn tail(&self, output: &[u8], took: Duration) -> Vec<u8> {
        let id = &self.call.request_id;
        let took = took.as_secs_f64() * 1000.0;
        let memory = self.context.run.memory;
        let mut text = format!("START RequestId: {id} Version: {}\n", self.context.version).into_bytes();
        text.extend_from_slice(output);
        if text.last() != Some(&b'\n') {
            text.push(b'\n');
        }
        if self.timed_out {
            let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
            let limit = self.context.run.timeout.as_secs_f64();
            text.extend_from_slice(
                format!("{now} {id} Task timed out after {limit:.2} seconds\n\n").as_bytes(),
            );
        }
        text.extend_from_slice(format!("END RequestId: {id}\n").as_bytes());
        // What is used is not measured: the processes are the user's own, and so is the machine.
        let report = format!(
            "REPORT RequestId: {id}\tDuration: {took:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {memory} MB\tMax Memory Used: {memory} MB\t",
            took.ceil()
        );
        text.extend_from_slice(report.as_bytes());
        if let Some(init) = self.init {
            text.extend_from_slice(
                format!("Init Duration: {:.2} ms\t", init.as_secs_f64() * 1000.0).as_bytes(),
            );
        }
        text.push(b'\n');
        text.split_off(text.len().saturating_sub(LOG_TAIL))
    }
}
