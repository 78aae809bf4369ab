//! The facts of one request, collected along the pipeline and written once, at its end.
//!
//! A record that is dropped unwritten belongs to a client that went away: hyper dropped the request's future.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::HeaderValue;
use http::request::Parts;
use lambridge_model::{Errors, LogLevel};
use lambridge_wire::report::Report;

use crate::calls::Calls;
use crate::canary::Rollback;
use crate::connection::Connection;
use crate::edits::Edits;
use crate::function::FunctionState;
use crate::metrics::{Finished as Measured, Tally};
use crate::problem::Reason;
use crate::rate::Standing;
use crate::telemetry::Recording;
use crate::trace::Trace;
use crate::{Finished, access_log, headers, random};

/// What the log, the observer and the answer say about a request.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) request_id: String,
    pub(crate) time_ms: u64,
    pub(crate) trace: Trace,
    /// Of a request whose spans are sent.
    pub(crate) recording: Option<Box<Recording>>,
    pub(crate) started: Instant,
    pub(crate) client: Arc<str>,
    pub(crate) method: http::Method,
    /// Path and query as sent; a copy, so that the buffer they were read into is not held.
    pub(crate) target: Box<str>,
    /// Only for an observer.
    observed_headers: Vec<(String, String)>,
    /// Whose error answers this request gets.
    pub(crate) errors: Errors,
    pub(crate) route: Option<Arc<Tally>>,
    pub(crate) function: Option<Arc<str>>,
    /// As the request named it, where it did.
    pub(crate) invoked: Option<Box<str>>,
    /// URL of the HTTP service that was asked last.
    pub(crate) upstream: Option<Arc<str>>,
    /// The rollback rule of that function.
    pub(crate) watch: Option<Arc<Rollback>>,
    /// What the client is known by from now on.
    pub(crate) set_cookie: Option<HeaderValue>,
    /// Where it was called last, for a function that may be called elsewhere.
    pub(crate) region: Option<Arc<str>>,
    pub(crate) lambda_request_id: Option<String>,
    pub(crate) status: u16,
    pub(crate) reason: Option<Reason>,
    pub(crate) detail: Option<String>,
    pub(crate) attempts: u32,
    /// In the function's queue.
    pub(crate) queue_us: u64,
    /// Of the route: what it changes of its target's answer.
    pub(crate) edits: Option<Arc<Edits>>,
    /// Of the client, where the route counts its requests.
    pub(crate) standing: Option<Standing>,
    /// When the call began, after the request.
    pub(crate) invoke_at_us: u64,
    pub(crate) invoke_us: u64,
    /// What the function's log says of the call.
    pub(crate) report: Option<Report>,
    pub(crate) total_us: u64,
    pub(crate) bytes_in: usize,
    pub(crate) bytes_out: usize,
}

impl Facts {
    /// The counts of the route, where it calls functions.
    pub(crate) fn calls(&self) -> Option<&Calls> {
        self.route.as_ref()?.calls.as_deref()
    }

    /// What the request says about its function: whether it failed; nothing where it was not called, or where the
    /// failure is not its own.
    fn verdict(&self) -> Option<bool> {
        let not_its_own = [
            Reason::CircuitOpen,
            Reason::Throttled,
            Reason::Overloaded,
            Reason::Draining,
            Reason::ClientGone,
        ];
        let is_its_own = self.reason.is_none_or(|reason| !not_its_own.contains(&reason));
        (self.attempts > 0 && is_its_own).then(|| self.is_failure())
    }

    /// The call had to wait for a place.
    pub(crate) fn queued(&mut self, function: &FunctionState, waited: Duration) {
        self.queue_us = micros_of(waited);
        function.metrics.waited(waited);
    }

    /// Also an answer that broke off: the client saw its status, and not the reason.
    fn is_failure(&self) -> bool {
        self.status >= 500 || self.reason.is_some_and(|reason| reason.status() >= 500)
    }
}

/// A request's facts and where they go.
#[derive(Debug)]
pub(crate) struct Record {
    connection: Arc<Connection>,
    pub(crate) facts: Facts,
    written: bool,
    /// Its answer is streamed: the exchange on the connection ends with it.
    streamed: bool,
}

impl Record {
    /// `request_id` is a trusted proxy's, if there is one.
    pub(crate) fn begin(connection: Arc<Connection>, head: &Parts) -> Self {
        let observed_headers = match &connection.shared.surroundings.observer {
            None => Vec::new(),
            Some(_) => head
                .headers
                .iter()
                .map(|(name, value)| {
                    (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
                })
                .collect(),
        };
        let time = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let facts = Facts {
            request_id: String::new(),
            time_ms: u64::try_from(time.as_millis()).unwrap_or_default(),
            trace: Trace::default(),
            recording: None,
            started: Instant::now(),
            client: connection.ends.peer().clone(),
            method: head.method.clone(),
            target: head.uri.path_and_query().map_or("-", |target| target.as_str()).into(),
            observed_headers,
            errors: Errors::Native,
            route: None,
            function: None,
            invoked: None,
            upstream: None,
            watch: None,
            set_cookie: None,
            region: None,
            lambda_request_id: None,
            status: 0,
            reason: None,
            detail: None,
            attempts: 0,
            queue_us: 0,
            edits: None,
            standing: None,
            invoke_at_us: 0,
            invoke_us: 0,
            report: None,
            total_us: 0,
            bytes_in: 0,
            bytes_out: 0,
        };
        Self { connection, facts, written: false, streamed: false }
    }

    /// Writes the record. `status` and the counts are in the facts by now.
    pub(crate) fn write(&mut self) {
        self.written = true;
        if self.streamed {
            self.connection.exchange.end();
            self.connection.exchange.ended.store(true, Ordering::Relaxed);
        }
        let shared = &self.connection.shared;
        self.facts.total_us = micros(self.facts.started);
        let metrics = self.facts.route.as_ref().map_or(&shared.metrics.unrouted, |route| &route.metrics);
        metrics.count(Measured {
            method: &self.facts.method,
            status: self.facts.status,
            reason: self.facts.reason,
            took_us: self.facts.total_us,
            bytes_in: self.facts.bytes_in,
            bytes_out: self.facts.bytes_out,
        });
        if let Some(watch) = &self.facts.watch
            && let Some(failed) = self.facts.verdict()
        {
            watch.note(failed, self.facts.started + Duration::from_micros(self.facts.total_us));
        }
        let log = shared.snapshot.load().model.log;
        if log.level >= LogLevel::Info || (log.level >= LogLevel::Error && self.facts.is_failure()) {
            access_log::write(log.format, &self.facts, &*shared.surroundings.access_log);
        }
        if let Some(recording) = self.facts.recording.take() {
            recording.end(&self.facts);
        }
        if let Some(observer) = &shared.surroundings.observer {
            observer(&self.finished());
        }
    }

    /// The head is out; an answer of unknown length follows.
    pub(crate) fn stream(mut self) -> Self {
        self.streamed = true;
        self
    }

    /// The answer had begun and will not end.
    pub(crate) fn break_off(&mut self, reason: Reason, detail: Option<String>) {
        self.facts.reason = Some(reason);
        self.facts.detail = detail;
        if let Some(calls) = self.facts.calls() {
            calls.error();
        }
    }

    fn finished(&self) -> Finished {
        let facts = &self.facts;
        Finished {
            request_id: facts.request_id.clone(),
            lambda_request_id: facts.lambda_request_id.clone(),
            method: facts.method.to_string(),
            target: facts.target.to_string(),
            headers: facts.observed_headers.clone(),
            status: facts.status,
            route: facts.route.as_ref().map(|route| route.id.to_string()),
            function: facts.function.as_deref().map(str::to_owned),
            total_us: facts.total_us,
            invoke_us: facts.invoke_us,
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.written {
            // The end of a drain leaves the client without an answer; otherwise it is the client that has left.
            let is_cut = self.connection.shared.is_cut();
            let reason = if is_cut { Reason::Draining } else { Reason::ClientGone };
            self.facts.reason = Some(reason);
            // A status that the client has seen stays.
            if self.facts.status == 0 {
                self.facts.status = reason.status();
            }
            self.write();
        }
    }
}

/// Microseconds since `start`.
pub(crate) fn micros(start: Instant) -> u64 {
    micros_of(start.elapsed())
}

/// A time in microseconds.
pub(crate) fn micros_of(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Our id, or a trusted proxy's if it is well formed.
pub(crate) fn request_id(head: &Parts, trusted: bool) -> String {
    if trusted
        && let Some(theirs) = head.headers.get("x-request-id")
        && headers::is_well_formed_id(theirs.as_bytes())
        && let Ok(text) = theirs.to_str()
    {
        return text.to_owned();
    }
    new_id(random::draw(), random::draw())
}

/// A version 4 UUID of 128 random bits.
pub(crate) fn new_id(high: u64, low: u64) -> String {
    let bits = (u128::from(high) << 64) | u128::from(low);
    let bits = (bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62);
    let digit = |four: u8| four + if four < 10 { b'0' } else { b'a' - 10 };
    let mut id = [b'-'; 36];
    // Where the digits of each byte stand between the dashes.
    let places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
    for (byte, place) in bits.to_be_bytes().into_iter().zip(places) {
        id[place] = digit(byte >> 4);
        id[place + 1] = digit(byte & 15);
    }
    String::from_utf8(id.to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #[test]
    fn ids_are_uuids() {
        assert_eq!(super::new_id(0, 0), "00000000-0000-4000-8000-000000000000");
        assert_eq!(super::new_id(u64::MAX, u64::MAX), "ffffffff-ffff-4fff-bfff-ffffffffffff");
    }
}
