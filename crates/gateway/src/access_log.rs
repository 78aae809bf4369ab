//! One line a request, as text or JSON.
//!
//! Text: time, client, method, target, status, reason, then `key=value` pairs. JSON: one object with the same names.
//! `docs/operations.md` has a table of them, which a test holds to what is written.
//! Everything that comes from a client or a function is escaped, so that a line is always one line. No header of the
//! client's is in it, and of the query no value that is known to be a secret ([`secrets`]). The line is built in a buffer that
//! each thread keeps; where it goes is [`output`]'s affair.

pub(crate) mod output;

use std::cell::{Cell, RefCell};
use std::fmt::Write as _;

use lambridge_model::LogFormat;
use lambridge_wire::report::Report;

use crate::record::Facts;
use crate::secrets;

thread_local! {
    static LINE: RefCell<String> = const { RefCell::new(String::new()) };
    /// The last second and its text.
    static SECOND: Cell<(u64, [u8; 19])> = const { Cell::new((u64::MAX, [0; 19])) };
}

/// Formats `facts` and hands the line to `sink`.
pub(crate) fn write(format: LogFormat, facts: &Facts, sink: &dyn Fn(&str)) {
    LINE.with(|line| {
        // A sink that logs would come here twice; it gets a line of its own.
        let mut own = String::new();
        let mut kept = line.try_borrow_mut();
        let line = kept.as_deref_mut().unwrap_or(&mut own);
        line.clear();
        match format {
            LogFormat::Text => text(facts, line),
            LogFormat::Json => json(facts, line),
        }
        sink(line);
    });
}

fn text(facts: &Facts, line: &mut String) {
    push_time(facts.time_ms, line);
    for part in [&*facts.client, facts.method.as_str()] {
        line.push(' ');
        line.push_str(if part.is_empty() { "-" } else { part });
    }
    line.push(' ');
    push_printable(&secrets::told(&facts.target), line);
    line.push(' ');
    push_number(u64::from(facts.status), line);
    pairs(facts, &mut |name, value| {
        line.push(' ');
        line.push_str(name);
        line.push('=');
        match value {
            Value::Text(text) if !text.is_empty() && !text.contains([' ', '"', '=']) => {
                push_printable(text, line)
            }
            Value::Text(text) => {
                line.push('"');
                push_escaped(text, line);
                line.push('"');
            }
            Value::Number(number) => push_number(number, line),
        }
    });
}

fn json(facts: &Facts, line: &mut String) {
    line.push_str(r#"{"time":""#);
    push_time(facts.time_ms, line);
    line.push_str(r#"","client":""#);
    push_escaped(&facts.client, line);
    line.push_str(r#"","method":""#);
    push_escaped(facts.method.as_str(), line);
    line.push_str(r#"","target":""#);
    push_escaped(&secrets::told(&facts.target), line);
    line.push_str(r#"","status":"#);
    push_number(u64::from(facts.status), line);
    pairs(facts, &mut |name, value| {
        line.push_str(",\"");
        line.push_str(name);
        line.push_str("\":");
        match value {
            Value::Text(text) => {
                line.push('"');
                push_escaped(text, line);
                line.push('"');
            }
            Value::Number(number) => push_number(number, line),
        }
    });
    line.push('}');
}

enum Value<'a> {
    Text(&'a str),
    Number(u64),
}

/// What both formats say after the status.
fn pairs(facts: &Facts, put: &mut dyn FnMut(&str, Value<'_>)) {
    if let Some(reason) = facts.reason {
        put("reason", Value::Text(reason.name()));
    }
    put("request_id", Value::Text(&facts.request_id));
    if let Some(context) = &facts.trace.context {
        put("trace_id", Value::Text(&context.trace.to_string()));
    }
    let texts = [
        ("lambda_request_id", facts.lambda_request_id.as_deref()),
        ("route", facts.route.as_ref().map(|route| &*route.id)),
        ("function", facts.function.as_deref()),
        ("invoked", facts.invoked.as_deref()),
        ("region", facts.region.as_deref()),
        ("upstream", facts.upstream.as_deref()),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            put(name, Value::Text(value));
        }
    }
    put("total_us", Value::Number(facts.total_us));
    if facts.queue_us > 0 {
        put("queue_us", Value::Number(facts.queue_us));
    }
    if facts.attempts > 0 {
        put("invoke_us", Value::Number(facts.invoke_us));
    }
    if facts.attempts > 1 {
        put("attempts", Value::Number(u64::from(facts.attempts)));
    }
    if let Some(report) = &facts.report {
        reported(report, put);
    }
    put("bytes_in", Value::Number(facts.bytes_in as u64));
    put("bytes_out", Value::Number(facts.bytes_out as u64));
    if let Some(detail) = &facts.detail {
        put("detail", Value::Text(detail));
    }
}

/// What the function's own log said of the call.
fn reported(report: &Report, put: &mut dyn FnMut(&str, Value<'_>)) {
    let numbers = [
        ("init_us", report.init_us.or(report.restore_us)),
        ("billed_ms", report.billed_us.map(|us| us / 1000)),
        ("memory_used_mb", report.used_mb),
    ];
    for (name, value) in numbers {
        if let Some(value) = value {
            put(name, Value::Number(value));
        }
    }
}

/// `2026-11-21T14:36:12.345Z`; the text of the second is kept.
fn push_time(time_ms: u64, line: &mut String) {
    let second = time_ms / 1000;
    let (kept, mut text) = SECOND.get();
    if kept != second {
        let written = jiff::Timestamp::from_second(i64::try_from(second).unwrap_or_default())
            .map(|at| at.to_string())
            .unwrap_or_default();
        if let Some(whole) = written.as_bytes().first_chunk::<19>() {
            text = *whole;
            SECOND.set((second, text));
        }
    }
    line.push_str(std::str::from_utf8(&text).unwrap_or_default());
    let ms = (time_ms % 1000) as u16;
    line.push('.');
    for digit in [ms / 100, ms / 10 % 10, ms % 10] {
        line.push(char::from(b'0' + digit as u8));
    }
    line.push('Z');
}

fn push_number(number: u64, line: &mut String) {
    // Writing to a `String` cannot fail.
    let _ = write!(line, "{number}");
}

/// As it is, but for what would break a line or a terminal.
fn push_printable(text: &str, line: &mut String) {
    for part in text.chars() {
        if part.is_control() { line.push('?') } else { line.push(part) }
    }
}

/// For inside a JSON string.
fn push_escaped(text: &str, line: &mut String) {
    for part in text.chars() {
        match part {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            control if control.is_control() => {
                let _ = write!(line, "\\u{:04x}", u32::from(control));
            }
            plain => line.push(plain),
        }
    }
}
