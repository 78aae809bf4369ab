//! What must hold for everything that a decoder accepts, whatever the bytes were.
//!
//! The gateway's framing is no part of its public interface, so its two files are taken as they stand.

pub mod adapter;
pub mod encode;
pub mod wire;

#[path = "../../crates/gateway/src/head_guard/against_hyper.rs"]
mod against_hyper;
#[path = "../../crates/gateway/src/head_guard/framing.rs"]
mod framing;
mod problem;

use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method};
use lambridge_event::{
    Answer, Format, Kind, decode_answer, decode_prelude, decode_request_or_message, encode_answer,
    encode_prelude,
};

/// An event that is accepted is a request that a request line and a header section can hold.
pub fn request(event: &[u8]) {
    let Ok(found) = decode_request_or_message(event) else { return };
    Method::from_bytes(found.method.as_bytes()).expect("a method is a token");
    PathAndQuery::try_from(format!("{}?{}", found.path, found.query))
        .expect("path and query fit a request line");
    for (name, value) in &found.headers {
        HeaderName::try_from(&**name).expect("a header name is a token");
        HeaderValue::from_bytes(value.as_bytes()).expect("a header value has no control characters");
    }
}

/// An answer that is accepted is an answer that HTTP can carry, and is the same after another round.
pub fn answer(format: Format, payload: &[u8]) {
    let Ok(found) = decode_answer(format, payload) else { return };
    carried(&found);
    let kind = match format {
        Format::HttpV2 => Kind::HttpV2,
        Format::RestV1 => Kind::RestV1,
        Format::Alb => Kind::Alb,
        Format::AlbMultiValue => Kind::AlbMultiValue,
        Format::LatticeV2 => Kind::LatticeV2,
        Format::Body | Format::Runway | Format::Krakend => return,
    };
    let mut out = Vec::new();
    encode_answer(kind, &found, &mut out);
    let again = decode_answer(format, &out).expect("what we encode is accepted");
    assert_eq!((again.status, &again.body), (found.status, &found.body));
}

/// Any text is a model or has an error, whatever its dialect; messages can be printed.
pub fn configuration(name: &str, bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let env = |name: &str| (name == "SET").then(|| "value".to_owned());
    let loaded = lambridge_config::load_text(name, text, &env);
    assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
    let _ = (loaded.diagnostics.render_text(), loaded.diagnostics.render_json());
}

/// What the gateway's head guard lets through is to hyper what it is to the guard.
pub fn head_guard(bytes: &[u8]) {
    against_hyper::agree(bytes);
}

/// As [`answer`], for the head of a streamed one.
pub fn prelude(bytes: &[u8]) {
    let Ok(found) = decode_prelude(bytes) else { return };
    carried(&found);
    let mut out = Vec::new();
    encode_prelude(&found, &mut out);
    assert_eq!(decode_prelude(&out).expect("what we encode is accepted").status, found.status);
}

fn carried(answer: &Answer<'_>) {
    assert!((100..=999).contains(&answer.status));
    for (name, value) in &answer.headers {
        HeaderName::from_bytes(name).expect("a header name is a token");
        HeaderValue::from_bytes(value).expect("a header value has no control characters");
    }
}
