//! Function URLs, through real HTTP.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use lambridge_emulator::Emulator;
use lambridge_model::{Url, UrlMode};

use crate::support::{Answer, House, Plan, plan, request, send};

fn with_url(mode: &str) -> Plan {
    let mut plan = plan(mode);
    plan.run.url = Some(Url { address: (Ipv4Addr::LOCALHOST, 0).into(), mode: UrlMode::Buffered });
    plan
}

fn url(house: &House) -> SocketAddr {
    let urls = house.emulator.as_ref().map(Emulator::urls).unwrap();
    assert_eq!(urls[0].0, "f");
    urls[0].1
}

async fn ask(house: &House, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = request(target, headers, body.to_owned());
    *request.method_mut() = method.parse().unwrap();
    send(url(house), request).await
}

/// What the function says, and what its caller gets. The first nine rows are recorded from AWS: localstack,
/// `test_lambda_url_invocation`.
#[tokio::test]
async fn answers() {
    let house = with_url("plain").start().await;
    for (payload, status, kind, body) in [
        (r#"{"hello": "world"}"#, 200, "application/json", r#"{"hello":"world"}"#),
        (r#"{"statusCode": 200, "body": "body123"}"#, 200, "application/json", "body123"),
        (
            r#"{"statusCode": 200, "body": "{\"hello\": \"world\"}"}"#,
            200,
            "application/json",
            r#"{"hello": "world"}"#,
        ),
        (r#"["hello", 3, true]"#, 200, "application/json", r#"["hello",3,true]"#),
        (r#""hello""#, 200, "application/json", "hello"),
        ("3", 200, "application/json", "3"),
        ("3.1", 200, "application/json", "3.1"),
        ("true", 200, "application/json", "true"),
        (r#"{"statusCode": "418", "headers": {"content-type": "a/b"}, "body": "x"}"#, 418, "a/b", "x"),
        (r#"{"statusCode": 200, "isBase64Encoded": true, "body": "aGk="}"#, 200, "application/json", "hi"),
        (r#"{"statusCode": 200, "body": {}}"#, 502, "text/plain", "Internal Server Error"),
        (r#"{"statusCode": 1000}"#, 502, "text/plain", "Internal Server Error"),
        ("not json", 502, "text/plain", "Internal Server Error"),
    ] {
        let answer = ask(&house, "POST", "/say", &[("content-type", "text/plain")], payload).await;
        let found = (answer.status, answer.header("content-type"), answer.body.as_str());
        assert_eq!(found, (status, kind, body), "{payload}");
        assert_eq!(answer.header("content-length"), body.len().to_string(), "{payload}");
        assert_eq!(answer.header("x-amzn-requestid").len(), 36, "{payload}");
        assert!(answer.header("x-amzn-trace-id").starts_with("Root=1-"), "{payload}");
    }
    let cookies =
        r#"{"statusCode": 200, "cookies": ["a=1; Path=/", "b=2"], "headers": {"content-length": "9"}}"#;
    let answer = ask(&house, "POST", "/say", &[("content-type", "text/plain")], cookies).await;
    let set: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(set, ["a=1; Path=/", "b=2"]);
    assert_eq!(
        (answer.header("content-length"), answer.header("x-amzn-remapped-content-length")),
        ("0", "9")
    );
}

#[tokio::test]
async fn the_event() {
    let house = with_url("plain").start().await;
    let headers = [
        ("host", "shop.example.com:81"),
        ("cookie", "a=1; b=2"),
        ("x-forwarded-for", "192.0.2.1"),
        ("connection", "x-mine"),
        ("x-mine", "1"),
        ("x-many", "one"),
        ("x-many", "two"),
    ];
    let answer = ask(&house, "PUT", "/pa2%2Fth/1?x=1&x=2&y=a+b", &headers, "").await;
    let event = answer.json();
    let context = &event["requestContext"];
    for (found, expect) in [
        (&event["rawPath"], "/pa2%2Fth/1"),
        (&event["rawQueryString"], "x=1&x=2&y=a+b"),
        (&event["queryStringParameters"]["x"], "1,2"),
        (&event["routeKey"], "$default"),
        (&event["headers"]["x-many"], "one,two"),
        (&event["headers"]["x-forwarded-for"], "127.0.0.1"),
        (&event["headers"]["x-forwarded-proto"], "http"),
        (&event["headers"]["x-forwarded-port"], &url(&house).port().to_string()),
        (&event["cookies"][1], "b=2"),
        (&context["domainName"], "shop.example.com"),
        (&context["accountId"], "anonymous"),
        (&context["http"]["method"], "PUT"),
        (&context["http"]["path"], "/pa2/th/1"),
        (&context["http"]["sourceIp"], "127.0.0.1"),
        (&context["requestId"], answer.header("x-amzn-requestid")),
    ] {
        assert_eq!(found, expect, "{event}");
    }
    assert_eq!(context["apiId"].as_str().unwrap().len(), 32);
    assert!(event["headers"].get("x-mine").is_none() && event.get("body").is_none(), "{event}");
    let id = answer.header("x-amzn-requestid");
    assert!(house.emulator.as_ref().unwrap().recorded(id).is_some());
}

#[tokio::test]
async fn failures() {
    let mut plan = with_url("plain");
    plan.run.timeout = Duration::from_secs(2);
    let house = plan.start().await;
    for what in ["raise", "hang", "flood"] {
        let answer = ask(&house, "GET", &format!("/{what}"), &[], "").await;
        assert_eq!((answer.status, answer.body.as_str()), (502, "Internal Server Error"), "{what}");
    }
    let answer = ask(&house, "POST", "/say", &[], &"x".repeat(6_291_557)).await;
    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (413, "RequestTooLargeException"));
    let mut none = with_url("plain");
    none.run.instances = 0;
    none.run.queue = 0;
    let answer = ask(&none.start().await, "GET", "/", &[], "").await;
    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (429, "TooManyRequestsException"));
}
