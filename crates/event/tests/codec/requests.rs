//! Events, format by format: what a request becomes, what an event is taken for, and what is refused.

use lambridge_event::{Context, Format, Kind, Request, decode_request};
use serde_json::{Value, json};

use crate::sample::{self, CONTEXT, GET};

fn check(event: &str, kind: Kind, request_line: &str, body: &[u8]) {
    let received = decode_request(event.as_bytes()).unwrap_or_else(|error| panic!("{event}: {error}"));
    let query = if received.query.is_empty() { String::new() } else { format!("?{}", received.query) };
    let line = format!("{} {}{query}", received.method, received.path);
    assert_eq!((received.kind, &*line, &*received.body), (kind, request_line, body), "{event}");
}

fn check_error(event: &str, message: &str) {
    assert_eq!(decode_request(event.as_bytes()).unwrap_err().to_string(), message, "{event}");
}

#[test]
fn kinds() {
    let other = |event: &str| check(event, Kind::Other, "POST /", event.as_bytes());
    other("null");
    other(" [1, 2] ");
    other("\"text\"");
    other("{}");
    other(r#"{"Records":[{"eventSource":"aws:sqs","body":"x"}]}"#);
    other(r#"{"httpMethod":"GET","path":"/"}"#);
    other(r#"{"httpMethod":"GET","requestContext":{}}"#);
    // Authorizers and WebSockets look much like requests.
    other(r#"{"type":"REQUEST","methodArn":"arn:x","httpMethod":"GET","path":"/","requestContext":{}}"#);
    other(r#"{"version":"2.0","routeArn":"arn:x","rawPath":"/","requestContext":{"http":{"method":"GET"}}}"#);
    other(r#"{"httpMethod":"GET","path":"/","requestContext":{"connectionId":"x","eventType":"CONNECT"}}"#);
    other(r#"{"method":"GET","path":"/","requestContext":{}}"#);
    other(r#"{"method":"GET","raw_path":"/","requestContext":{}}"#);
    other(r#"{"raw_path":"/"}"#);

    let lattice = r#"{"version":"2.0","path":"/a","method":"GET","requestContext":{"serviceArn":"arn:x"}}"#;
    check(lattice, Kind::LatticeV2, "GET /a", b"");
    check(r#"{"raw_path":"/a?x=1","method":"PUT","body":"b"}"#, Kind::LatticeV1, "PUT /a?x=1", b"b");
    check(r#"{"rawPath":"/a","requestContext":{"http":{"method":"PUT"}}}"#, Kind::HttpV2, "PUT /a", b"");
    check(r#"{"path":"/a","requestContext":{"http":{"method":"GET"}}}"#, Kind::HttpV2, "GET /a", b"");
    check(r#"{"httpMethod":"GET","path":"/a","requestContext":{}}"#, Kind::RestV1, "GET /a", b"");
    check(
        r#"{"httpMethod":"GET","path":"/a","resource":"/{x}","requestContext":null}"#,
        Kind::RestV1,
        "GET /a",
        b"",
    );
    let alb = r#"{"httpMethod":"GET","path":"/a","requestContext":{"elb":{}},"#;
    check(&format!("{alb}\"headers\":{{}}}}"), Kind::Alb, "GET /a", b"");
    check(&format!("{alb}\"multiValueHeaders\":{{}}}}"), Kind::AlbMultiValue, "GET /a", b"");
    check(&format!("{alb}\"headers\":null,\"multiValueHeaders\":{{}}}}"), Kind::AlbMultiValue, "GET /a", b"");
    // An escaped key is the same key.
    check(r#"{"http\u004dethod":"GET","path":"/a","requestContext":{}}"#, Kind::RestV1, "GET /a", b"");
}

fn v2(keys: &str) -> String {
    format!(r#"{{"version":"2.0","requestContext":{{"http":{{"method":"GET"}}}}{keys}}}"#)
}

fn rest(keys: &str) -> String {
    format!(r#"{{"httpMethod":"GET","path":"/","resource":"/"{keys}}}"#)
}

fn alb(keys: &str) -> String {
    format!(r#"{{"httpMethod":"GET","path":"/","requestContext":{{"elb":{{}}}}{keys}}}"#)
}

#[test]
fn bodies() {
    for event in [&v2 as &dyn Fn(&str) -> String, &rest, &alb] {
        let body = |keys: &str| decode_request(event(keys).as_bytes()).unwrap().body.into_owned();
        assert_eq!(body(""), b"");
        assert_eq!(body(r#","body":null"#), b"");
        assert_eq!(body(r#","body":"","isBase64Encoded":true"#), b"");
        assert_eq!(body(r#","body":"a\nb""#), b"a\nb");
        assert_eq!(body(r#","body":"//8=","isBase64Encoded":true"#), b"\xff\xff");
        assert_eq!(body(r#","isBase64Encoded":true,"body":"\/\/8=""#), b"\xff\xff");
        check_error(&event(r#","body":"*","isBase64Encoded":true"#), "the event's body is not valid base64");
        check_error(&event(r#","body":{}"#), "`body` of the event: expected a string, found an object");
        check_error(
            &event(r#","isBase64Encoded":"x""#),
            "`isBase64Encoded` of the event: expected a boolean, found a string",
        );
    }
}

#[test]
fn paths_and_queries() {
    let line = |event: String, expect: &str| {
        let received = decode_request(event.as_bytes()).unwrap();
        assert_eq!(format!("{}?{}", received.path, received.query), expect, "{event}");
    };
    line(v2(r#","rawPath":"/space value","rawQueryString":"a=b c&d=%zz""#), "/space%20value?a=b%20c&d=%25zz");
    line(v2(r#","rawPath":"","rawQueryString":"a+b""#), "/?a+b");
    line(v2(r#","rawPath":"/a\r\nb""#), "/a%0D%0Ab?");
    line(v2(r#","rawPath":"*""#), "*?");
    line(v2(r#","rawPath":"*","rawQueryString":"a""#), "/*?a");
    line(v2(r#","queryStringParameters":{"a b":"c&d"}"#), "/?a%20b=c%26d");
    line(
        rest(r#","queryStringParameters":{"a":"2"},"multiValueQueryStringParameters":{"a":["1","2"]}"#),
        "/?a=1&a=2",
    );
    line(
        rest(r#","queryStringParameters":{"a+":"b=c"},"multiValueQueryStringParameters":null"#),
        "/?a%2B=b%3Dc",
    );
    line(alb(r#","queryStringParameters":{"a%2B":"b+c","flag":""}"#), "/?a%2B=b+c&flag=");
    line(alb(r#","multiValueQueryStringParameters":{"a":["1","2"]}"#), "/?a=1&a=2");
    line(alb(r#","queryStringParameters":null"#), "/?");
}

#[test]
fn headers() {
    let list = |event: String| -> Vec<String> {
        let received = decode_request(event.as_bytes()).unwrap();
        received.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect()
    };
    assert_eq!(
        list(v2(r#","headers":{"a":"1,2","cookie":"x=1"},"cookies":["x=1","y=2"]"#)),
        ["a: 1,2", "cookie: x=1; y=2"]
    );
    assert_eq!(list(v2(r#","headers":{"cookie":"x=1"},"cookies":null"#)), ["cookie: x=1"]);
    assert_eq!(list(v2(r#","headers":{"cookie":"x=1"},"cookies":[]"#)), ["cookie: x=1"]);
    assert_eq!(list(rest(r#","headers":{"A":"2"},"multiValueHeaders":{"A":["1","2"]}"#)), ["A: 1", "A: 2"]);
    assert_eq!(list(rest(r#","headers":{"A":"2","B":null},"multiValueHeaders":null"#)), ["A: 2"]);
    // What HTTP cannot carry does not reach the app, and does not cost the request.
    assert_eq!(list(alb(r#","headers":{"a b":"1","c":"x\r\nevil: 1","d":"\u00e9"}"#)), ["d: é"]);
    assert_eq!(list(v2(r#","cookies":["a=1","b\r\nc","d=2"]"#)), ["cookie: a=1; d=2"]);
}

#[test]
fn malformed() {
    check_error("", "the event is not JSON: the text ends early at byte 0");
    check_error("{", "the event is not JSON: expected a key at byte 1");
    check_error(r#"{"a":1}x"#, "the event is not JSON: something follows the value at byte 7");
    check_error(&v2(r#","rawPath":1"#), "`rawPath` of the event: expected a string, found a number");
    check_error(
        &v2(r#","rawQueryString":[]"#),
        "`rawQueryString` of the event: expected a string, found an array",
    );
    check_error(&v2(r#","headers":"x""#), "`headers` of the event: expected an object, found a string");
    check_error(&v2(r#","headers":{"a":1}"#), "`headers` of the event: expected strings, found a number");
    check_error(&v2(r#","cookies":"x""#), "`cookies` of the event: expected a list, found a string");
    check_error(&v2(r#","cookies":[1]"#), "`cookies` of the event: expected strings, found a number");
    check_error(
        r#"{"requestContext":{"http":{"method":"GE T"}}}"#,
        "`requestContext.http.method` of the event: `GE T` is no method",
    );
    check_error(
        r#"{"requestContext":{"http":{}}}"#,
        "`requestContext.http.method` of the event: `` is no method",
    );
    check_error(
        r#"{"httpMethod":1,"path":"/","resource":"/"}"#,
        "`httpMethod` of the event: expected a string, found a number",
    );
    check_error(
        &rest(r#","multiValueHeaders":{"a":[{}]}"#),
        "`multiValueHeaders` of the event: expected strings in the lists, found an object",
    );
    let many: Vec<String> = (0..1025).map(|at| format!(r#""h{at}":"""#)).collect();
    check_error(
        &alb(&format!(r#","headers":{{{}}}"#, many.join(","))),
        "`headers` of the event: more than 1024 values",
    );
    assert!(decode_request("[".repeat(2_000_000).as_bytes()).is_err());
    assert!(decode_request(b"\xff").is_err());
}

#[test]
fn request_context_is_handed_on() {
    let event = r#"{"requestContext": {"http" : {"method":"GET"}, "x": [1]} }"#;
    let received = decode_request(event.as_bytes()).unwrap();
    assert_eq!(received.request_context, Some(r#"{"http" : {"method":"GET"}, "x": [1]}"#));
    assert_eq!(decode_request(b"{}").unwrap().request_context, None);
}

#[test]
fn template_routes() {
    let context = Context {
        resource: Some("/users/{id}/{rest+}"),
        path_parameters: &[("id", "a%20b"), ("rest", "x%2Fy/")],
        stage: "live",
        ..CONTEXT
    };
    let request = Request { path: "/users/a%20b/x%2Fy/", ..GET };
    let v2 = sample::event(Format::HttpV2, &request, &context);
    assert_eq!(v2["routeKey"], "GET /users/{id}/{rest+}");
    assert_eq!(v2["requestContext"]["routeKey"], "GET /users/{id}/{rest+}");
    assert_eq!(v2["pathParameters"], json!({"id": "a b", "rest": "x/y/"}));
    let rest = sample::event(Format::RestV1, &request, &context);
    assert_eq!(rest["resource"], "/users/{id}/{rest+}");
    assert_eq!(rest["pathParameters"], json!({"id": "a%20b", "rest": "x%2Fy"}));
    assert_eq!(rest["requestContext"]["path"], "/live/users/a%20b/x%2Fy/");
    assert_eq!(rest["requestContext"]["resourcePath"], "/users/{id}/{rest+}");
}

#[test]
fn what_is_absent() {
    let v2 = sample::event(Format::HttpV2, &GET, &CONTEXT);
    let keys: Vec<&String> = v2.as_object().unwrap().keys().collect();
    assert_eq!(
        keys,
        ["headers", "isBase64Encoded", "rawPath", "rawQueryString", "requestContext", "routeKey", "version"]
    );
    let rest = sample::event(Format::RestV1, &GET, &CONTEXT);
    for key in [
        "headers",
        "multiValueHeaders",
        "queryStringParameters",
        "multiValueQueryStringParameters",
        "pathParameters",
        "stageVariables",
        "body",
    ] {
        assert_eq!(rest.get(key), Some(&Value::Null), "{key}");
    }
    assert_eq!(rest["resource"], "/");
    let alb = sample::event(Format::Alb, &GET, &CONTEXT);
    assert_eq!((&alb["queryStringParameters"], &alb["body"]), (&json!({}), &json!("")));
    assert!(alb.get("multiValueHeaders").is_none() && alb.get("multiValueQueryStringParameters").is_none());
}

#[test]
fn prefixes() {
    for (domain, expect) in [
        ("shop.example.com", "shop"),
        ("localhost", "api"),
        ("127.0.0.1", "api"),
        ("::1", "api"),
        ("", "api"),
    ] {
        let context = Context { domain_name: domain, ..CONTEXT };
        assert_eq!(sample::event(Format::HttpV2, &GET, &context)["requestContext"]["domainPrefix"], expect);
    }
}

#[test]
fn request_bodies() {
    let event = |format, media: &str, body: &[u8], types: Option<&[String]>| {
        let headers = sample::fields(&[("content-type", media.as_bytes())]);
        let context = Context { binary_media_types: types, ..CONTEXT };
        let event = sample::event(format, &Request { headers: &headers, body, ..GET }, &context);
        json!([event["body"], event["isBase64Encoded"]])
    };
    let form = "application/x-www-form-urlencoded";
    assert_eq!(event(Format::HttpV2, form, b"a=b", None), json!(["YT1i", true]));
    assert_eq!(event(Format::Alb, form, b"a=b", None), json!(["YT1i", true]));
    assert_eq!(event(Format::RestV1, form, b"a=b", None), json!(["a=b", false]));
    assert_eq!(event(Format::RestV1, "text/plain", b"\xff", None), json!(["/w==", true]));
    let types = ["image/png".to_owned()];
    assert_eq!(event(Format::RestV1, "image/png", b"\xff", Some(&types)), json!(["/w==", true]));
    // AWS's own rule loses what is no text; it is there for those who rely on it.
    assert_eq!(event(Format::RestV1, "image/gif", b"\xff", Some(&types)), json!(["\u{fffd}", false]));
}

#[test]
fn raw_body_is_the_event() {
    assert_eq!(sample::encode(Format::Body, &Request { body: b"[1]", ..GET }, &CONTEXT), b"[1]");
}

#[test]
fn odd_header_bytes() {
    let headers = sample::fields(&[("x", b"caf\xe9"), ("X", "λ".as_bytes()), ("y", b"\"\\\t")]);
    let event = sample::event(Format::HttpV2, &Request { headers: &headers, ..GET }, &CONTEXT);
    assert_eq!(event["headers"], json!({"x": "café,λ", "y": "\"\\\t"}));
}
