//! What must hold for everything that a decoder accepts, whatever the bytes were.
//!
//! The gateway's framing is no part of its public interface, so its two files are taken as they stand.

pub mod adapter;
pub mod encode;
pub mod wire;

#[path = "../../crates/gateway/src/head_guard/against_hyper.rs"]
mod against_hyper;
#[path = "../../crates/event/tests/codec/context.rs"]
mod context;
#[path = "../../crates/gateway/src/head_guard/framing.rs"]
mod framing;
mod problem;

use std::borrow::Cow;

use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method};
use lambridge_event::{
    Answer, BodyFirst, Format, Kind, begin_answer, decode_answer, decode_prelude, decode_request_or_message,
    encode_answer, encode_prelude,
};

/// What the `http` crate takes.
const LONGEST_TARGET: usize = (u16::MAX - 1) as usize;

/// An event that is accepted is a request that a request line and a header section can hold.
pub fn request(event: &[u8]) {
    let Ok(found) = decode_request_or_message(event) else { return };
    Method::from_bytes(found.method.as_bytes()).expect("a method is a token");
    let target = format!("{}?{}", found.path, found.query);
    // A longer one is refused where the request is built.
    if target.len() <= LONGEST_TARGET {
        PathAndQuery::try_from(target).expect("path and query fit a request line");
    }
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

/// An answer of an application is, for each kind of event, a Lambda answer from which the same comes back; and the same
/// bytes where its body comes in pieces, and the same members where the body comes first. Lines: status, headers; after an empty one the body. The first byte is the size
/// of the pieces.
pub fn application_answer(bytes: &[u8]) {
    let Some((&size, mut rest)) = bytes.split_first() else { return };
    let status = encode::line(&mut rest);
    let Some(status) = std::str::from_utf8(status).ok().and_then(|status| status.parse().ok()) else {
        return;
    };
    if !(100..=599).contains(&status) {
        return;
    }
    let headers = encode::fields(&mut rest);
    let headers =
        headers.into_iter().map(|(name, value)| (Cow::Borrowed(name), Cow::Borrowed(value))).collect();
    let sent = Answer { status, headers, body: Cow::Borrowed(rest) };
    for (kind, format) in [
        (Kind::HttpV2, Format::HttpV2),
        (Kind::RestV1, Format::RestV1),
        (Kind::Alb, Format::Alb),
        (Kind::AlbMultiValue, Format::AlbMultiValue),
        (Kind::LatticeV2, Format::LatticeV2),
    ] {
        let mut whole = Vec::new();
        encode_answer(kind, &sent, &mut whole);
        let found = decode_answer(format, &whole).expect("our own answer is one");
        assert_eq!((found.status, &found.body), (sent.status, &sent.body), "{kind:?}");
        carried(&found);
        let mut pieces = Vec::new();
        let mut body = begin_answer(kind, &sent, &mut pieces).expect("an HTTP client waits for it");
        for piece in rest.chunks(usize::from(size) + 1) {
            body.push(piece, &mut pieces);
        }
        body.finish(&mut pieces);
        assert_eq!(pieces, whole, "{kind:?}");
        let mut out = Vec::new();
        let Some(mut body) = BodyFirst::open(kind, &sent, &mut out) else { continue };
        for piece in rest.chunks(usize::from(size) + 1) {
            let length = out.len() + body.adds(piece.len());
            body.push(piece, &mut out);
            assert_eq!(out.len(), length, "{kind:?}");
        }
        body.close(&BodyFirst::ending(kind, &sent), &mut out);
        assert_eq!(decode_answer(format, &out).expect("it has the same members"), found, "{kind:?}");
    }
    let mut head = Vec::new();
    encode_prelude(&sent, &mut head);
    assert_eq!(decode_prelude(&head).expect("our own head is one").status, sent.status);
}

/// Any text is a model or has an error, whatever its dialect; messages can be printed, and a model is the same once it was
/// printed as a native document.
pub fn configuration(name: &str, bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let env = |name: &str| (name == "SET").then(|| "value".to_owned());
    let loaded = lambridge_config::load_text(name, text, &env);
    assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
    let _ = (loaded.diagnostics.render_text(), loaded.diagnostics.render_json());
    let Some(model) = loaded.model else { return };
    let printed = lambridge_config::print(&model, &mut |_, _, secret| secret.expose().to_owned());
    let again = lambridge_config::load_text("printed.yaml", &printed, &env);
    let problems = again.diagnostics.render_text();
    let again = again.model.unwrap_or_else(|| panic!("{problems}\n{printed}"));
    assert_eq!(again.without_places(), model.without_places(), "{printed}");
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
