//! Requests into events and back: whatever a client sends, the event is JSON, and the adapter's side finds in it what was sent.

use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method};
use lambridge_event::{Format, Request, decode_request, encode_request};

use crate::context::CONTEXT;

/// Each format that has a way back. Lines: method, target, headers; after an empty one the body.
pub fn round_trip(bytes: &[u8]) {
    let mut rest = bytes;
    let (method, target) = (line(&mut rest), line(&mut rest));
    let (Ok(method), Ok(target)) = (Method::from_bytes(method), PathAndQuery::try_from(target)) else {
        return;
    };
    if !target.path().starts_with('/') {
        return;
    }
    let headers = fields(&mut rest);
    let query = target.query().unwrap_or_default();
    let request =
        Request { method: method.as_str(), path: target.path(), query, headers: &headers, body: rest };
    for format in [Format::HttpV2, Format::RestV1, Format::Alb, Format::AlbMultiValue, Format::LatticeV2] {
        let mut event = Vec::new();
        encode_request(format, &request, &CONTEXT, &mut event);
        let found = decode_request(&event).expect("our own event is one");
        assert_eq!((&*found.method, &*found.body), (request.method, request.body), "{format:?}");
        assert!(PathAndQuery::try_from(found.path.as_ref()).is_ok(), "{format:?}: `{}`", found.path);
        let same = [request.path, &escaped(request.path)].contains(&&*found.path);
        assert!(same, "{format:?}: `{}` came back as `{}`", request.path, found.path);
    }
}

/// The path with everything escaped that no path holds, a `%` that begins no escape among it: decoders take it for one that some
/// front door has decoded.
fn escaped(path: &str) -> String {
    let mut out = String::new();
    for (at, character) in path.char_indices() {
        if !character.is_ascii_graphic() || matches!(character, '#' | '<' | '>' | '?' | '`') {
            let mut bytes = [0; 4];
            character.encode_utf8(&mut bytes).bytes().for_each(|byte| out.push_str(&format!("%{byte:02X}")));
            continue;
        }
        out.push(character);
        let digits = path.as_bytes().get(at + 1..at + 3);
        if character == '%' && !digits.is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit)) {
            out.push_str("25");
        }
    }
    out
}

/// Header fields that HTTP can carry, up to an empty line.
pub(crate) fn fields<'a>(rest: &mut &'a [u8]) -> Vec<(&'a [u8], &'a [u8])> {
    let mut headers = Vec::new();
    loop {
        let field = line(rest);
        let Some(colon) = field.iter().position(|byte| *byte == b':') else { break };
        let (name, value) = (&field[..colon], &field[colon + 1..]);
        if headers.len() < 1000
            && HeaderName::from_bytes(name).is_ok()
            && HeaderValue::from_bytes(value).is_ok()
        {
            headers.push((name, value));
        }
    }
    headers
}

pub(crate) fn line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (line, after) = rest.split_at(end);
    *rest = after.get(1..).unwrap_or_default();
    line
}
