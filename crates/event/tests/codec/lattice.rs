//! VPC Lattice: both versions of its events, and what goes back.

use std::borrow::Cow;

use lambridge_event::{Answer, Format, Kind, Received, Request, decode_request, encode_answer};
use serde_json::{Value, json};

use crate::sample::{self, CONTEXT, GET};

/// The kind, request line, header lines and body.
fn read(event: &Value) -> (Kind, String, Vec<String>, Vec<u8>) {
    let event = event.to_string();
    let Received { kind, method, path, query, headers, body, .. } =
        decode_request(event.as_bytes()).unwrap_or_else(|error| panic!("{event}: {error}"));
    let headers = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    (kind, format!("{method} {path}?{query}"), headers, body.into_owned())
}

/// An event with the members of `more` in place of its own.
fn with(event: &Value, more: &Value) -> Value {
    let mut event = event.clone();
    for (key, value) in more.as_object().unwrap() {
        event[key] = value.clone();
    }
    event
}

fn v1() -> Value {
    json!({
        "raw_path": "/api/product", "method": "POST", "body": "{}", "is_base64_encoded": false,
        "headers": {"accept": "*/*", "multi": "abcd, DEF"},
        "query_string_parameters": {"category": "a%20b", "tags": "tv"},
    })
}

fn v2() -> Value {
    json!({
        "version": "2.0", "path": "/health", "method": "GET", "body": "All is good", "isBase64Encoded": false,
        "headers": {"accept": ["*/*"], "multi": ["x", "y"], "host": "www.site.com"},
        "queryStringParameters": {"state": ["prod"], "multi": ["a%2F", "DEF"]},
        "requestContext": {"serviceNetworkArn": "arn:sn", "serviceArn": "arn:svc", "timeEpoch": "1724875399456789"},
    })
}

#[test]
fn version_1() {
    let headers = vec!["accept: */*".to_owned(), "multi: abcd, DEF".to_owned()];
    let line = "POST /api/product?category=a%20b&tags=tv".to_owned();
    assert_eq!(read(&v1()), (Kind::LatticeV1, line, headers, b"{}".to_vec()));
    // The query in the path is as the client sent it.
    let event = with(&v1(), &json!({"raw_path": "/a b?x=1&x=2&y"}));
    assert_eq!(read(&event).1, "POST /a%20b?x=1&x=2&y");
    let event = with(&v1(), &json!({"body": "//8=", "is_base64_encoded": true}));
    assert_eq!(read(&event).3, b"\xff\xff");
}

#[test]
fn version_2() {
    let headers = ["accept: */*", "host: www.site.com", "multi: x", "multi: y"].map(str::to_owned).to_vec();
    let line = "GET /health?multi=a%2F&multi=DEF&state=prod".to_owned();
    assert_eq!(read(&v2()), (Kind::LatticeV2, line, headers, b"All is good".to_vec()));
    let event = with(&v2(), &json!({"body": null, "queryStringParameters": null, "path": "/x?a=1"}));
    assert_eq!((read(&event).1, read(&event).3), ("GET /x?a=1".to_owned(), Vec::new()));
    let event = with(&v2(), &json!({"body": "QWxs", "isBase64Encoded": true}));
    assert_eq!(read(&event).3, b"All");
}

/// What the gateway writes, whole.
#[test]
fn written() {
    let headers =
        sample::fields(&[("Accept", b"*/*"), ("x-a", b"1"), ("X-A", b"2"), ("content-type", b"image/png")]);
    let request = Request {
        method: "PUT",
        path: "/a%20b",
        query: "x=1&y=a%2Bb&x=2&flag",
        headers: &headers,
        body: b"\xff\xff",
    };
    let event = sample::event(Format::LatticeV2, &request, &CONTEXT);
    let arn = |service: &str, resource: &str| format!("arn:aws:{service}:eu-west-1:123456789012:{resource}");
    assert_eq!(
        event,
        json!({
            "version": "2.0", "path": "/a%20b", "method": "PUT", "body": "//8=", "isBase64Encoded": true,
            "headers": {"accept": ["*/*"], "x-a": ["1", "2"], "content-type": ["image/png"]},
            "queryStringParameters": {"x": ["1", "2"], "y": ["a%2Bb"], "flag": [""]},
            "requestContext": {
                "serviceNetworkArn": arn("vpc-lattice", "servicenetwork/sn-00000000000000000"),
                "serviceArn": arn("vpc-lattice", "service/svc-00000000000000000"),
                "targetGroupArn": arn("vpc-lattice", "targetgroup/tg-00000000000000000"),
                "identity": {"sourceVpcArn": arn("ec2", "vpc/vpc-00000000000000000")},
                "region": "eu-west-1", "timeEpoch": "1783711146671000",
            },
        })
    );
    let event = sample::event(Format::LatticeV2, &GET, &CONTEXT);
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&Value::Null, &json!(false)));
    assert!(event.get("queryStringParameters").is_none());
}

#[test]
fn malformed() {
    for (event, message) in [
        (with(&v1(), &json!({"raw_path": 1})), "`raw_path` of the event: expected a string, found a number"),
        (with(&v1(), &json!({"method": "a b"})), "`method` of the event: `a b` is no method"),
        (
            with(&v1(), &json!({"is_base64_encoded": 1})),
            "`is_base64_encoded` of the event: expected a boolean, found a number",
        ),
        (with(&v2(), &json!({"body": "*", "isBase64Encoded": true})), "the event's body is not valid base64"),
    ] {
        assert_eq!(decode_request(event.to_string().as_bytes()).unwrap_err().to_string(), message);
        assert!(matches!(
            lambridge_event::kind(event.to_string().as_bytes()),
            Some(Kind::LatticeV1 | Kind::LatticeV2)
        ));
    }
}

#[test]
fn answers() {
    for kind in [Kind::LatticeV1, Kind::LatticeV2] {
        let field = |name: &'static str, value: &'static str| {
            (Cow::Borrowed(name.as_bytes()), Cow::Borrowed(value.as_bytes()))
        };
        let headers = vec![field("x-many", "1"), field("x-many", "2"), field("content-type", "text/plain")];
        let mut out = Vec::new();
        encode_answer(kind, &Answer { status: 200, headers, body: Cow::Borrowed(b"ok") }, &mut out);
        assert_eq!(
            serde_json::from_slice::<Value>(&out).unwrap(),
            json!({
                "statusCode": 200, "statusDescription": "200 OK", "body": "ok", "isBase64Encoded": false,
                "headers": {"x-many": "1, 2", "content-type": "text/plain"},
            })
        );
    }
}
