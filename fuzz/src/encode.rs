//! Requests into events and back: whatever a client sends, the event is JSON, and the adapter's side finds in it what was sent.

use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method};
use lambridge_event::{Context, Format, Request, decode_request, encode_request};

const CONTEXT: Context<'static> = Context {
    request_id: "id",
    time_ms: 1_783_711_146_671,
    source_ip: "203.0.113.7",
    protocol: "HTTP/1.1",
    domain_name: "shop.example.com",
    account_id: "123456789012",
    region: "eu-west-1",
    api_id: "api",
    stage: "$default",
    resource: None,
    path_parameters: &[],
    binary_media_types: None,
    target_group_arn: "arn",
};

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
    let mut headers = Vec::new();
    loop {
        let field = line(&mut rest);
        let Some(colon) = field.iter().position(|byte| *byte == b':') else { break };
        let (name, value) = (&field[..colon], &field[colon + 1..]);
        if headers.len() < 1000
            && HeaderName::from_bytes(name).is_ok()
            && HeaderValue::from_bytes(value).is_ok()
        {
            headers.push((name, value));
        }
    }
    let query = target.query().unwrap_or_default();
    let request =
        Request { method: method.as_str(), path: target.path(), query, headers: &headers, body: rest };
    for format in [Format::HttpV2, Format::RestV1, Format::Alb, Format::AlbMultiValue, Format::LatticeV2] {
        let mut event = Vec::new();
        encode_request(format, &request, &CONTEXT, &mut event);
        let found = decode_request(&event).expect("our own event is one");
        assert_eq!((&*found.method, &*found.body), (request.method, request.body), "{format:?}");
        if PathAndQuery::try_from(found.path.as_ref()).is_ok_and(|path| path.as_str() == request.path) {
            continue;
        }
        panic!("{format:?}: `{}` came back as `{}`", request.path, found.path);
    }
}

fn line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
    let (line, after) = rest.split_at(end);
    *rest = after.get(1..).unwrap_or_default();
    line
}
