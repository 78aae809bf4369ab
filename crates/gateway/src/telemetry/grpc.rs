//! A gRPC call with one message each way, as far as a client of OTLP needs it.
//!
//! A message is framed by a byte that says whether it is compressed, and its length. How the call went is not in HTTP's status but
//! in `grpc-status`, behind the body, or in the head of an answer without one. What answers without it is no gRPC server but
//! something before it, and its HTTP status is all there is to go by.
//!
//! Sources: "gRPC over HTTP2"; "HTTP to gRPC Status Code Mapping"; OTLP specification, "OTLP/gRPC Response", and
//! `google/rpc/status.proto`, `error_details.proto`.

use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::Response;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, TE};
use percent_encoding::percent_decode;

use super::collector::{Sent, taken};
use super::proto::{self, Field};

/// Before each message.
const PREFIX: usize = 5;

/// What stands in the head beside what the operator wants there.
pub(super) fn headers(timeout: Duration, gzip: bool, headers: &mut HeaderMap) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(TE, HeaderValue::from_static("trailers"));
    if gzip {
        headers.insert(HeaderName::from_static("grpc-encoding"), HeaderValue::from_static("gzip"));
    }
    // Eight digits at most, which the bound of the setting keeps to.
    if let Ok(value) = HeaderValue::try_from(format!("{}m", timeout.as_millis())) {
        headers.insert(HeaderName::from_static("grpc-timeout"), value);
    }
}

/// `message` as it is sent; whether it is compressed.
pub(super) fn frame(message: &[u8], gzip: bool) -> Bytes {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(u8::from(gzip));
    // Batches are far below 4 GiB.
    framed.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
    framed.put_slice(message);
    framed.freeze()
}

/// How the call went.
pub(super) fn judge(answer: &Response<Vec<u8>>, trailers: &HeaderMap) -> Sent {
    let fields = if trailers.is_empty() { answer.headers() } else { trailers };
    let Some(code) = fields.get("grpc-status") else {
        let status = answer.status();
        let problem = format!("it answered {status} without a gRPC status");
        return if matches!(status.as_u16(), 429 | 502 | 503 | 504) {
            Sent::Again { problem, after: None }
        } else {
            Sent::Refused(problem)
        };
    };
    let code = code.to_str().ok().and_then(|code| code.parse::<u32>().ok()).unwrap_or(2);
    if code == 0 {
        return taken(answer.body().get(PREFIX..).unwrap_or_default());
    }
    let said = fields.get("grpc-message").map_or(&b""[..], HeaderValue::as_bytes);
    let problem = format!("it answered {}: {}", name(code), percent_decode(said).decode_utf8_lossy());
    let after = fields.get("grpc-status-details-bin").and_then(|details| retry_delay(details.as_bytes()));
    match code {
        // Exhausted is not for ever only if the collector names a time.
        8 if after.is_none() => Sent::Refused(problem),
        1 | 4 | 8 | 10 | 11 | 14 | 15 => Sent::Again { problem, after },
        _ => Sent::Refused(problem),
    }
}

/// The time that a `RetryInfo` names, among the details of a `Status`.
fn retry_delay(details: &[u8]) -> Option<Duration> {
    let unpadded = details.trim_ascii_end();
    let end = unpadded.iter().rposition(|byte| *byte != b'=').map_or(0, |last| last + 1);
    let status = base64_simd::STANDARD_NO_PAD.decode_to_vec(&unpadded[..end]).ok()?;
    let is_retry_info =
        |any: &&[u8]| proto::messages(any, 1).any(|name| name == b"type.googleapis.com/google.rpc.RetryInfo");
    let any = proto::messages(&status, 3).find(is_retry_info)?;
    let info = proto::messages(any, 2).next()?;
    let mut delay = Duration::ZERO;
    for (number, field) in proto::messages(info, 1).flat_map(proto::fields) {
        match (number, field) {
            (1, Field::Number(seconds)) => delay = delay.saturating_add(Duration::from_secs(seconds)),
            (2, Field::Number(nanos)) => delay = delay.saturating_add(Duration::from_nanos(nanos)),
            _ => {}
        }
    }
    Some(delay)
}

/// As gRPC's documents write it.
fn name(code: u32) -> &'static str {
    const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];
    NAMES.get(code as usize).copied().unwrap_or("UNKNOWN")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderMap, Response};

    use super::super::proto::Message;
    use super::{Sent, frame, judge};

    fn map(fields: &[(&'static str, &str)]) -> HeaderMap {
        fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    /// HTTP's status, fields of the head, those behind the body.
    #[track_caller]
    fn check(status: u16, head: &[(&'static str, &str)], trailers: &[(&'static str, &str)], expect: &Sent) {
        let mut answer = Response::new(frame(b"", false).to_vec());
        *answer.status_mut() = status.try_into().unwrap();
        *answer.headers_mut() = map(head);
        assert_eq!(judge(&answer, &map(trailers)), *expect, "{status} {head:?} {trailers:?}");
    }

    /// A `Status` with a `RetryInfo` of 1.5 s, as a server sends it.
    fn details() -> String {
        let mut status = Message::default();
        status.varint(1, 14);
        status.message(3, |any| any.bytes(1, b"type.googleapis.com/google.rpc.Help"));
        status.message(3, |any| {
            any.bytes(1, b"type.googleapis.com/google.rpc.RetryInfo");
            any.message(2, |info| {
                info.message(1, |delay| {
                    delay.varint(1, 1);
                    delay.varint(2, 500_000_000);
                });
            });
        });
        base64_simd::STANDARD.encode_to_string(status.into_bytes())
    }

    #[test]
    fn a_frame_has_its_length() {
        assert_eq!(&frame(b"ab", false)[..], b"\0\0\0\0\x02ab");
        assert_eq!(&frame(b"ab", true)[..], b"\x01\0\0\0\x02ab");
    }

    #[test]
    fn how_calls_end() {
        let taken = Sent::Taken { rejected: 0, why: String::new() };
        let refused = |problem: &str| Sent::Refused(format!("it answered {problem}"));
        let again = |problem: &str, ms: Option<u64>| Sent::Again {
            problem: format!("it answered {problem}"),
            after: ms.map(Duration::from_millis),
        };
        check(200, &[], &[("grpc-status", "0")], &taken);
        check(200, &[("grpc-status", "0")], &[], &taken);
        let message = ("grpc-message", "bad%20thing");
        check(200, &[("grpc-status", "3"), message], &[], &refused("INVALID_ARGUMENT: bad thing"));
        check(200, &[], &[("grpc-status", "12")], &refused("UNIMPLEMENTED: "));
        check(200, &[], &[("grpc-status", "99")], &refused("UNKNOWN: "));
        check(200, &[], &[("grpc-status", "x")], &refused("UNKNOWN: "));
        for (code, name) in [
            ("1", "CANCELLED"),
            ("4", "DEADLINE_EXCEEDED"),
            ("10", "ABORTED"),
            ("11", "OUT_OF_RANGE"),
            ("14", "UNAVAILABLE"),
            ("15", "DATA_LOSS"),
        ] {
            check(200, &[], &[("grpc-status", code)], &again(&format!("{name}: "), None));
        }
        // Exhausted, for ever or for a while; with padding and without.
        check(200, &[], &[("grpc-status", "8")], &refused("RESOURCE_EXHAUSTED: "));
        let details = details();
        for details in [details.as_str(), details.trim_end_matches('=')] {
            let fields = [("grpc-status", "8"), ("grpc-status-details-bin", details)];
            check(200, &[], &fields, &again("RESOURCE_EXHAUSTED: ", Some(1500)));
        }
        let junk = [("grpc-status", "14"), ("grpc-status-details-bin", "!")];
        check(200, &[], &junk, &again("UNAVAILABLE: ", None));
        // Something else than a gRPC server.
        check(200, &[], &[], &refused("200 OK without a gRPC status"));
        check(404, &[], &[], &refused("404 Not Found without a gRPC status"));
        check(503, &[], &[], &again("503 Service Unavailable without a gRPC status", None));
    }
}
