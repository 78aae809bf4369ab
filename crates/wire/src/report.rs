//! The platform's report at the end of an invocation's log: what it took, what is billed, what it used.
//!
//! `X-Amz-Log-Type: Tail` brings the last 4 KB of the log, of which the report is the last line, as text
//! (`REPORT RequestId: …\tDuration: 2.93 ms\tBilled Duration: 3 ms\t…`) or, with Lambda's JSON log format, as an object of type
//! `platform.report`. A function writes to the same log, so only what stands at its end is believed: the last line of either form.
//!
//! Times are in microseconds, memory in megabytes as AWS counts them. A field that is missing or makes no sense is absent, and
//! a report without its duration is none.
//!
//! Source: Lambda developer guide, "Log group names and formats", "Using JSON structured logs", Telemetry API schema
//! `platform.report`; the text form as recorded in many issues, with tabs between its parts.

use serde::Deserialize;

/// One invocation's report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Report {
    /// In the handler.
    pub duration_us: u64,
    /// What is paid for.
    pub billed_us: Option<u64>,
    /// The function's memory, in MB.
    pub memory_mb: Option<u64>,
    /// Of that, used by its instance so far.
    pub used_mb: Option<u64>,
    /// How long the instance took to start; present for its first invocation.
    pub init_us: Option<u64>,
    /// How long a snapshot took to come back; instead of the above.
    pub restore_us: Option<u64>,
}

impl Report {
    /// The report at the end of `log`.
    pub fn parse(log: &[u8]) -> Option<Self> {
        let lines = log.rsplit(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let last = lines.into_iter().find(|line| line.starts_with(b"REPORT ") || line.starts_with(b"{"))?;
        let last = std::str::from_utf8(last).ok()?;
        if last.starts_with('{') { of_json(last) } else { of_text(last) }
    }

    /// Whether the invocation waited for an instance to start.
    pub fn is_cold(&self) -> bool {
        self.init_us.is_some() || self.restore_us.is_some()
    }

    /// What is paid for by memory and time, in megabyte-milliseconds.
    pub fn billed_mb_ms(&self) -> u64 {
        let billed_ms = self.billed_us.unwrap_or_default() / 1000;
        billed_ms.saturating_mul(self.memory_mb.unwrap_or_default())
    }
}

fn of_text(line: &str) -> Option<Report> {
    let mut report = Report::default();
    let mut has_duration = false;
    for part in line.split('\t') {
        let Some((name, value)) = part.split_once(": ") else { continue };
        let (number, unit) = value.split_once(' ').unwrap_or((value, ""));
        match (name.trim(), unit.trim()) {
            ("Duration", "ms") => {
                report.duration_us = milliseconds(number)?;
                has_duration = true;
            }
            ("Billed Duration", "ms") => report.billed_us = milliseconds(number),
            ("Memory Size", "MB") => report.memory_mb = number.parse().ok(),
            ("Max Memory Used", "MB") => report.used_mb = number.parse().ok(),
            ("Init Duration", "ms") => report.init_us = milliseconds(number),
            ("Restore Duration", "ms") => report.restore_us = milliseconds(number),
            _ => {}
        }
    }
    has_duration.then_some(report)
}

/// `12`, `12.3`, `12.345`; finer digits are dropped.
fn milliseconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let mut micros = 0;
    for digit in fraction.bytes().chain(*b"000").take(3) {
        micros = micros * 10 + u64::from(digit - b'0');
    }
    whole.parse::<u64>().ok()?.checked_mul(1000)?.checked_add(micros)
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: String,
    record: Record,
}

#[derive(Deserialize)]
struct Record {
    metrics: Metrics,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metrics {
    duration_ms: f64,
    billed_duration_ms: Option<f64>,
    #[serde(rename = "memorySizeMB")]
    memory_size_mb: Option<u64>,
    #[serde(rename = "maxMemoryUsedMB")]
    max_memory_used_mb: Option<u64>,
    init_duration_ms: Option<f64>,
    restore_duration_ms: Option<f64>,
}

fn of_json(line: &str) -> Option<Report> {
    let event: Event = serde_json::from_str(line).ok()?;
    if event.kind != "platform.report" {
        return None;
    }
    // Casting to an integer saturates, and takes what is no number for 0.
    let micros = |ms: f64| (ms.max(0.0) * 1000.0).round() as u64;
    let metrics = event.record.metrics;
    Some(Report {
        duration_us: micros(metrics.duration_ms),
        billed_us: metrics.billed_duration_ms.map(micros),
        memory_mb: metrics.memory_size_mb,
        used_mb: metrics.max_memory_used_mb,
        init_us: metrics.init_duration_ms.map(micros),
        restore_us: metrics.restore_duration_ms.map(micros),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Report;

    fn check(log: &str, expect: Option<Report>) {
        assert_eq!(Report::parse(log.as_bytes()), expect, "{log}");
    }

    const WARM: Report = Report {
        duration_us: 2_930,
        billed_us: Some(3_000),
        memory_mb: Some(128),
        used_mb: Some(65),
        init_us: None,
        restore_us: None,
    };

    #[test]
    fn reports_as_text() {
        let id = "REPORT RequestId: 8f5d\tDuration: 2.93 ms\tBilled Duration: 3 ms\tMemory Size: 128 MB\tMax Memory Used: 65 MB\t";
        check(&format!("START\nhello\nEND RequestId: 8f5d\n{id}\n"), Some(WARM));
        check(&format!("{id}Init Duration: 154.26 ms\t\n"), Some(Report { init_us: Some(154_260), ..WARM }));
        check(
            &format!("{id}Restore Duration: 474.16 ms\tBilled Restore Duration: 480 ms\t\n"),
            Some(Report { restore_us: Some(474_160), ..WARM }),
        );
        check(&format!("{id}XRAY TraceId: 1-5\tSegmentId: 6\tSampled: true\t\n\n"), Some(WARM));
        // Cut off at the front, and more after it.
        check(&format!("{id}Status: timeout\nsome more\n"), Some(WARM));
        // What a function writes before its end is not believed.
        check(&format!("REPORT RequestId: x\tDuration: 9.00 ms\t\n{id}\n"), Some(WARM));
        for wrong in [
            "",
            "REPORT ",
            "REPORT RequestId: x\tBilled Duration: 3 ms",
            "REPORT RequestId: x\tDuration: -1 ms",
            "REPORT RequestId: x\tDuration: 1.x ms",
            "\n\nhello",
        ] {
            check(wrong, None);
        }
        let huge = format!("REPORT RequestId: x\tDuration: {} ms", u64::MAX);
        check(&huge, None);
    }

    #[test]
    fn reports_as_json() {
        let metrics = r#"{"durationMs":2.93,"billedDurationMs":3,"memorySizeMB":128,"maxMemoryUsedMB":65"#;
        let line = |metrics: &str| {
            format!(
                r#"{{"time":"t","type":"platform.report","record":{{"requestId":"r","metrics":{metrics},"status":"success"}}}}"#
            )
        };
        check(&format!("{{\"level\":\"INFO\"}}\n{}\n", line(&format!("{metrics}}}"))), Some(WARM));
        let cold = line(&format!(r#"{metrics},"initDurationMs":154.26}}"#));
        check(&cold, Some(Report { init_us: Some(154_260), ..WARM }));
        check(r#"{"type":"platform.start","record":{"metrics":{"durationMs":1}}}"#, None);
        check(r#"{"message":"of the function"}"#, None);
        check(&line(r#"{"durationMs":-1e300}"#), Some(Report::default()));
    }

    #[test]
    fn what_is_billed() {
        assert_eq!(WARM.billed_mb_ms(), 384);
        let most = Report { billed_us: Some(u64::MAX), memory_mb: Some(u64::MAX), ..WARM };
        assert_eq!(most.billed_mb_ms(), u64::MAX);
    }

    proptest! {
        #[test]
        fn any_log_is_read_or_not(log in prop::collection::vec(any::<u8>(), 0..200), report in any::<bool>()) {
            let log = if report { [b"REPORT RequestId: x\tDuration: 1.5 ms\t", &log[..]].concat() } else { log };
            let _ = Report::parse(&log);
        }
    }
}
