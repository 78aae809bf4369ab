//! One signal's way to the collector: one request at a time, a few tries, over HTTP or gRPC.
//!
//! What the collector asks to be sent again, and what did not reach it, is tried twice more: after the time that it names,
//! else after one second, then two. What it refuses is not. Of what it takes it may say that it threw a part away. A failure
//! is one line when it begins, and one when it is over. At the gateway's end there is no second try.
//!
//! Source: OTLP specification, "OTLP/HTTP Response" and "OTLP/gRPC Response"; gRPC's part is in `grpc`.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, Response, Uri};
use lambridge_invoke::{Payload, Pool, Service};
use lambridge_model::{ConnectionSettings, OtlpProtocol, Protocol};

use super::proto::{self, Field};
use super::settings::Destination;
use super::{Ending, grpc, say};

const TRIES: u32 = 3;
/// Before the second try; doubled before the third.
const PAUSE: Duration = Duration::from_secs(1);
/// A collector that wants to be left alone for longer is asked after this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Of an answer; what is longer says nothing that is of use.
const READ: usize = 64 << 10;

/// Where one signal goes.
pub(super) struct Collector {
    /// What is sent, for the operator: `traces` or `metrics`.
    signal: &'static str,
    service: Service,
    protocol: OtlpProtocol,
    gzip: bool,
    target: Uri,
    headers: HeaderMap,
    timeout: Duration,
    ending: Ending,
    /// The last request went well.
    well: bool,
}

/// What came of one try.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The message was taken, but for so many of its spans or data points; what the collector says to that.
    Taken { rejected: u64, why: String },
    /// Not now; after how long, if the collector says so.
    Again { problem: String, after: Option<Duration> },
    /// Not ever.
    Refused(String),
}

impl Collector {
    pub(super) fn new(
        signal: &'static str,
        destination: &Destination,
        pool: &Pool,
        ending: Ending,
    ) -> Result<Self, String> {
        let Destination { url, protocol, timeout, gzip, .. } = destination;
        // Path and query stand in the request; the connection knows scheme and host.
        let parsed: Uri = url.parse().map_err(|_| format!("`{url}` is not a URL"))?;
        let (Some(scheme), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else {
            return Err(format!("`{url}` is not a URL with a host"));
        };
        let version = match protocol {
            OtlpProtocol::Http => Protocol::Http1,
            OtlpProtocol::Grpc => Protocol::Http2,
        };
        let connections = ConnectionSettings { max: 1, protocol: version };
        let service = pool.service(&format!("{scheme}://{authority}"), None, connections);
        let service = service.map_err(|error| format!("`{url}`: {error}"))?;
        let target = parsed.path_and_query().map_or("/", |target| target.as_str());
        let target = target.parse().map_err(|_| format!("`{url}` is not a URL"))?;
        let mut headers = HeaderMap::new();
        headers
            .insert(USER_AGENT, HeaderValue::from_static(concat!("lambridge/", env!("CARGO_PKG_VERSION"))));
        for (name, value) in &destination.headers {
            let wrong = |_| format!("the header `{name}` cannot be sent");
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong(()))?;
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| wrong(()))?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        headers.insert(HOST, service.host().clone());
        match protocol {
            OtlpProtocol::Http => {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
                if *gzip {
                    headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
                }
            }
            OtlpProtocol::Grpc => grpc::headers(*timeout, *gzip, &mut headers),
        }
        let (protocol, timeout, gzip) = (*protocol, *timeout, *gzip);
        Ok(Self { signal, service, protocol, gzip, target, headers, timeout, ending, well: true })
    }

    /// How many of the spans or data points in `message` the collector threw away; `None` where it took nothing.
    pub(super) async fn send(&mut self, message: Vec<u8>) -> Option<u64> {
        let message = if self.gzip { compressed(&message) } else { message };
        let body = match self.protocol {
            OtlpProtocol::Http => Bytes::from(message),
            OtlpProtocol::Grpc => grpc::frame(&message, self.gzip),
        };
        let mut attempt = 1;
        let problem = loop {
            let tried = tokio::time::timeout(self.timeout, self.try_once(body.clone())).await;
            let late = |_| Sent::Again { problem: "it did not answer in time".to_owned(), after: None };
            match tried.unwrap_or_else(late) {
                Sent::Taken { rejected, why } => {
                    self.taken(rejected, &why);
                    return Some(rejected);
                }
                Sent::Refused(problem) => break problem,
                Sent::Again { problem, after } => {
                    let pause = after.map_or(PAUSE * attempt, |after| after.min(LONGEST_PAUSE));
                    if attempt == TRIES || self.ending.comes_within(pause).await {
                        break problem;
                    }
                }
            }
            attempt += 1;
        };
        if self.well {
            say(&format!("the collector takes no {}: {}", self.signal, shown(&problem)));
        }
        self.well = false;
        None
    }

    fn taken(&mut self, rejected: u64, why: &str) {
        let signal = self.signal;
        let is_well = rejected == 0;
        if is_well && !self.well {
            say(&format!("the collector takes {signal} again"));
        } else if !is_well && self.well {
            say(&format!("the collector threw {rejected} {signal} away: {}", shown(why)));
        }
        self.well = is_well;
    }

    async fn try_once(&self, body: Bytes) -> Sent {
        let mut request = Request::new(Payload::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = self.headers.clone();
        let again = |problem: String| Sent::Again { problem, after: None };
        let answer = match self.service.send(request, self.timeout).await {
            Ok(answer) => answer,
            Err(error) => return again(error.to_string()),
        };
        let (head, mut body) = answer.into_parts();
        let mut read = Vec::new();
        while let Some(piece) = body.next().await {
            match piece {
                Ok(piece) if read.len() + piece.len() <= READ => read.extend_from_slice(&piece),
                Ok(_) => break,
                Err(error) => return again(error.to_string()),
            }
        }
        let answer = Response::from_parts(head, read);
        match self.protocol {
            OtlpProtocol::Http => judge(&answer),
            OtlpProtocol::Grpc => grpc::judge(&answer, body.trailers()),
        }
    }
}

/// In gzip's frame. The quickest level takes most of what there is: the same names, again and again.
fn compressed(message: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::with_capacity(message.len() / 4), Compression::fast());
    // Writing to memory does not fail.
    let _ = encoder.write_all(message);
    encoder.finish().unwrap_or_default()
}

/// OTLP over HTTP.
fn judge(answer: &Response<Vec<u8>>) -> Sent {
    let status = answer.status();
    if status.is_success() {
        return taken(answer.body());
    }
    let problem = format!("it answered {status}");
    if matches!(status.as_u16(), 429 | 502 | 503 | 504) {
        let after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Sent::Again { problem, after: after.map(Duration::from_secs) }
    } else {
        Sent::Refused(problem)
    }
}

/// What an `Export…ServiceResponse` says; those of all signals have the same numbers.
pub(super) fn taken(response: &[u8]) -> Sent {
    let (mut rejected, mut why) = (0, String::new());
    for partial in proto::messages(response, 1) {
        for (number, field) in proto::fields(partial) {
            match (number, field) {
                (1, Field::Number(number)) => rejected = number,
                (2, Field::Bytes(text)) => why = String::from_utf8_lossy(text).into_owned(),
                _ => {}
            }
        }
    }
    Sent::Taken { rejected, why }
}

/// What someone else says, fit for one line of a terminal.
fn shown(text: &str) -> String {
    text.chars().map(|part| if part.is_control() { ' ' } else { part }).take(300).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Response;

    use super::super::proto::Message;
    use super::{Sent, judge, shown};

    #[track_caller]
    fn check(status: u16, header: Option<&str>, body: &[u8], expect: Sent) {
        let mut answer = Response::new(body.to_vec());
        *answer.status_mut() = status.try_into().unwrap();
        if let Some(value) = header {
            answer.headers_mut().insert("retry-after", value.parse().unwrap());
        }
        assert_eq!(judge(&answer), expect, "{status}");
    }

    #[test]
    fn answers_over_http() {
        let taken = |rejected, why: &str| Sent::Taken { rejected, why: why.to_owned() };
        let again = |problem: &str, after: Option<u64>| {
            let problem = format!("it answered {problem}");
            Sent::Again { problem, after: after.map(Duration::from_secs) }
        };
        check(200, None, b"", taken(0, ""));
        check(204, None, b"not protobuf", taken(0, ""));
        let mut partial = Message::default();
        partial.message(1, |partial| {
            partial.varint(1, 3);
            partial.bytes(2, b"too old");
        });
        check(200, None, &partial.into_bytes(), taken(3, "too old"));
        check(503, Some("7"), b"", again("503 Service Unavailable", Some(7)));
        check(503, Some("tomorrow"), b"", again("503 Service Unavailable", None));
        check(429, None, b"", again("429 Too Many Requests", None));
        check(500, Some("7"), b"", Sent::Refused("it answered 500 Internal Server Error".to_owned()));
        check(302, None, b"", Sent::Refused("it answered 302 Found".to_owned()));
    }

    #[test]
    fn what_it_says_is_one_line() {
        assert_eq!(shown("a\r\nb\u{1b}[0m"), "a  b [0m");
        assert_eq!(shown(&"x".repeat(1000)).len(), 300);
    }
}
