//! Log lines on standard output, as Lambda collects them: text, or one JSON object a line.
//!
//! An object has a `timestamp`, for Lambda takes the level of one without for INFO, and then drops errors where only those
//! are wanted.
//!
//! Source: "Advanced logging controls" and "Log-level filtering" of the Lambda developer guide. Written whole with one call, so that lines of
//! several processes on the same pipe do not mix.

use std::io::Write;

use jiff::Timestamp;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Everything.
    Trace,
    /// One line an invocation.
    Debug,
    /// What an operator wants to see once.
    Info,
    /// Something is off, and the adapter goes on.
    Warn,
    /// An invocation, or the adapter, failed.
    Error,
    /// Only what ends the process.
    Fatal,
}

impl Level {
    /// Reads a level's name, any case.
    pub fn parse(name: &str) -> Option<Level> {
        Some(match name.to_ascii_uppercase().as_str() {
            "TRACE" => Level::Trace,
            "DEBUG" => Level::Debug,
            "INFO" => Level::Info,
            "WARN" => Level::Warn,
            "ERROR" => Level::Error,
            "FATAL" => Level::Fatal,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Level::Trace => "TRACE",
            Level::Debug => "DEBUG",
            Level::Info => "INFO",
            Level::Warn => "WARN",
            Level::Error => "ERROR",
            Level::Fatal => "FATAL",
        }
    }
}

/// Where lines go.
#[derive(Debug, Clone, Copy)]
pub struct Log {
    level: Level,
    json: bool,
}

impl Log {
    /// Lines of `level` and worse.
    pub fn new(level: Level, json: bool) -> Log {
        Log { level, json }
    }

    /// Whether a line of `level` would be written.
    pub fn takes(self, level: Level) -> bool {
        level >= self.level
    }

    /// Writes a line; `fields` are names and values beside the message.
    pub fn line(self, level: Level, message: &str, fields: &[(&str, &str)]) {
        if !self.takes(level) {
            return;
        }
        let line = if self.json {
            json(Timestamp::now(), level, message, fields)
        } else {
            text(level, message, fields)
        };
        // There is nobody to tell that the log cannot be written.
        let _ = std::io::stdout().lock().write_all(line.as_bytes());
    }

    /// Writes lines that are lines already, whatever the level.
    pub fn write(self, lines: &str) {
        if !lines.is_empty() {
            let _ = std::io::stdout().lock().write_all(lines.as_bytes());
        }
    }

    /// Something is off.
    pub fn warn(self, message: &str) {
        self.line(Level::Warn, message, &[]);
    }

    /// Something failed.
    pub fn error(self, message: &str) {
        self.line(Level::Error, message, &[]);
    }

    /// Worth seeing once.
    pub fn info(self, message: &str) {
        self.line(Level::Info, message, &[]);
    }
}

fn text(level: Level, message: &str, fields: &[(&str, &str)]) -> String {
    let mut line = format!("{:>5} lambda_adapter: {message}", level.name());
    for (name, value) in fields {
        line.push(' ');
        line.push_str(name);
        line.push('=');
        line.push_str(value);
    }
    // A line break in a value must not look like a second line.
    line = line.replace(['\n', '\r'], " ");
    line.push('\n');
    line
}

fn json(time: Timestamp, level: Level, message: &str, fields: &[(&str, &str)]) -> String {
    let (level, message) = (level.name(), quoted(message));
    let mut line = format!("{{\"timestamp\":\"{time:.3}\",\"level\":\"{level}\",\"message\":{message}");
    for (name, value) in fields {
        line.push_str(&format!(",{}:{}", quoted(name), quoted(value)));
    }
    line.push_str("}\n");
    line
}

/// A JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        assert_eq!(text(Level::Warn, "a\nb", &[("k", "v")]), " WARN lambda_adapter: a b k=v\n");
        let time = Timestamp::from_millisecond(1_783_711_144_830).unwrap();
        assert_eq!(
            json(time, Level::Info, "a\"b", &[("k", "v")]),
            "{\"timestamp\":\"2026-07-10T19:19:04.830Z\",\"level\":\"INFO\",\"message\":\"a\\\"b\",\"k\":\"v\"}\n"
        );
        assert!(!Log::new(Level::Warn, false).takes(Level::Info));
    }
}
