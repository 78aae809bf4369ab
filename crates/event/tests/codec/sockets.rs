//! WebSocket APIs: their three events as requests, and what goes back.

use std::borrow::Cow;

use lambridge_event::{Answer, Kind, decode_request, decode_request_or_message, encode_answer};
use serde_json::{Value, json};

fn event(kind: &str, more: &Value) -> String {
    let mut event = json!({
        "requestContext": {"routeKey": "$default", "eventType": kind, "connectionId": "AAAA1234="},
        "isBase64Encoded": false,
    });
    for (key, value) in more.as_object().unwrap() {
        event[key] = value.clone();
    }
    event.to_string()
}

fn check(event: &str, query: &str, headers: &[&str], body: &[u8]) {
    let received = decode_request_or_message(event.as_bytes()).unwrap();
    let lines: Vec<String> =
        received.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    assert_eq!(
        (received.kind, &*received.method, &*received.path),
        (Kind::WebSocket, "POST", "/"),
        "{event}"
    );
    assert_eq!((&*received.query, &*received.body), (query, body), "{event}");
    assert_eq!(lines, headers);
    assert!(received.request_context.unwrap().contains("AAAA1234="));
    // Unless asked for as requests they are passed through whole.
    let whole = decode_request(event.as_bytes()).unwrap();
    assert_eq!((whole.kind, &*whole.body), (Kind::Other, event.as_bytes()));
}

#[test]
fn events() {
    let upgrade = json!({
        "headers": {"Host": "h", "Sec-WebSocket-Protocol": "a"},
        "multiValueHeaders": {"Host": ["h"], "Sec-WebSocket-Protocol": ["a", "b"]},
        "queryStringParameters": {"x": "2"}, "multiValueQueryStringParameters": {"x": ["1 ", "2"]},
    });
    let lines = ["Host: h", "Sec-WebSocket-Protocol: a", "Sec-WebSocket-Protocol: b"];
    check(&event("CONNECT", &upgrade), "x=1%20&x=2", &lines, b"");
    check(&event("MESSAGE", &json!({"body": "{\"a\":1}"})), "", &[], b"{\"a\":1}");
    check(&event("MESSAGE", &json!({"body": "//8=", "isBase64Encoded": true})), "", &[], b"\xff\xff");
    check(&event("DISCONNECT", &json!({"headers": {"Host": "h"}})), "", &["Host: h"], b"");
}

#[test]
fn what_only_looks_like_one() {
    let authorizer = event("CONNECT", &json!({"type": "REQUEST", "methodArn": "arn:x"}));
    for other in [authorizer, event("PING", &json!({}))] {
        assert_eq!(decode_request_or_message(other.as_bytes()).unwrap().kind, Kind::Other, "{other}");
    }
}

#[test]
fn answers() {
    let headers = vec![(Cow::Borrowed(&b"sec-websocket-protocol"[..]), Cow::Borrowed(&b"a"[..]))];
    let mut out = Vec::new();
    encode_answer(Kind::WebSocket, &Answer { status: 200, headers, body: Cow::Borrowed(b"\xff") }, &mut out);
    assert_eq!(
        serde_json::from_slice::<Value>(&out).unwrap(),
        json!({
            "statusCode": 200, "headers": {"sec-websocket-protocol": "a"},
            "body": "/w==", "isBase64Encoded": true,
        })
    );
}
