//! Sources beside HTTP APIs and load balancers: VPC Lattice, WebSocket APIs, queues and streams.

use lambridge_testkit::Answer;

use crate::sandbox::*;

/// A Lattice service's event, version 1.
const LATTICE_V1: &str = r#"{"raw_path":"/a?x=1","method":"PUT","headers":{"host":"h.example","x-many":"1, 2"},"query_string_parameters":{"x":"1"},"body":"text","is_base64_encoded":false}"#;
/// The same, version 2.
const LATTICE_V2: &str = r#"{"version":"2.0","path":"/a","method":"PUT","headers":{"host":["h.example"],"x-many":["1","2"]},"queryStringParameters":{"x":["1"]},"body":"text","isBase64Encoded":false,"requestContext":{"serviceNetworkArn":"arn:sn","serviceArn":"arn:svc"}}"#;

fn socket(event: &str, more: &str) -> String {
    format!(
        r#"{{"requestContext":{{"routeKey":"$default","eventType":"{event}","connectionId":"C="}},"isBase64Encoded":false{more}}}"#
    )
}

#[tokio::test]
async fn lattice() {
    let sandbox = Sandbox::new();
    for (event, many, context) in
        [(LATTICE_V1, vec!["1, 2"], "null"), (LATTICE_V2, vec!["1", "2"], r#"{"serviceNetworkArn":"#)]
    {
        let (outcome, request) = sandbox.invoke(event).await;
        assert_eq!((request.method.as_str(), request.target.as_str()), ("PUT", "/a?x=1"));
        assert_eq!(
            (request.text().as_str(), request.header_all("x-many")),
            ("text", many.into_iter().map(String::from).collect())
        );
        assert!(request.header("x-amzn-request-context").unwrap().starts_with(context));
        assert_eq!((status(&outcome), body(&outcome).as_str()), (200, "hello"));
        assert_eq!(json(&outcome)["headers"]["content-type"], "text/plain");
        let outcome = sandbox.answer(event, Answer::reset()).await;
        assert_eq!(status(&outcome), 502);
        sandbox.still_works().await;
    }
}

#[tokio::test]
async fn sockets_without_a_path_are_passed_through() {
    let sandbox = Sandbox::new();
    for event in [socket("MESSAGE", r#","body":"{}""#), socket("MESSAGE", r#","body":5"#)] {
        let (outcome, request) = sandbox.invoke(event.clone()).await;
        assert_eq!((request.target.as_str(), request.text()), ("/events", event));
        assert_eq!(outcome.text(), "null");
    }
}

#[tokio::test]
async fn sockets_with_a_path_are_requests() {
    let sandbox = Sandbox::with(&[("AWS_LWA_WEBSOCKET_PATH", "/ws?by=api")]);
    let upgrade = r#","headers":{"Host":"h.example","Upgrade":"websocket","Sec-WebSocket-Protocol":"a"},"queryStringParameters":{"room":"1"}"#;
    let (outcome, request) = sandbox.invoke(socket("CONNECT", upgrade)).await;
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/ws?by=api&room=1"));
    assert_eq!((request.header("upgrade"), request.header_all("host")), (None, vec!["h.example".into()]));
    assert_eq!(request.header("sec-websocket-protocol").as_deref(), Some("a"));
    assert!(request.header("x-amzn-request-context").unwrap().contains(r#""eventType":"CONNECT""#));
    assert_eq!(status(&outcome), 200);
    for (message, base64, media, expect) in [
        (r#"{\"a\":1}"#, false, "application/json", &b"{\"a\":1}"[..]),
        ("hi", false, "text/plain; charset=utf-8", b"hi"),
        ("//8=", true, "application/octet-stream", b"\xff\xff"),
    ] {
        let event = socket("MESSAGE", &format!(r#","body":"{message}""#));
        let event = event.replace(r#""isBase64Encoded":false"#, &format!(r#""isBase64Encoded":{base64}"#));
        let (outcome, request) = sandbox.invoke(event).await;
        assert_eq!((request.target.as_str(), request.body.as_slice()), ("/ws?by=api", expect));
        assert_eq!(request.header("content-type").as_deref(), Some(media));
        assert_eq!(body(&outcome), "hello");
    }
    let refusal = Answer::new(403).header("sec-websocket-protocol", "a");
    let outcome = sandbox.answer(&socket("CONNECT", upgrade), refusal).await;
    assert_eq!((status(&outcome), &json(&outcome)["headers"]["sec-websocket-protocol"]), (403, &"a".into()));
    assert_eq!(status(&sandbox.answer(&socket("DISCONNECT", ""), Answer::reset()).await), 502);
    // Without a status to give, since nobody could be told: an authorizer is passed through as before.
    let authorizer = socket("CONNECT", r#","methodArn":"arn:x""#);
    assert_eq!(sandbox.invoke(authorizer).await.1.target, "/events");
    sandbox.still_works().await;
}

/// The application says which records of a batch failed, and the source reads just that.
#[tokio::test]
async fn partial_batches() {
    let sandbox = Sandbox::new();
    let report =
        r#"{ "batchItemFailures": [ {"itemIdentifier": "2"} ], "big": 12345678901234567890, "f": 1.50 }"#;
    for event in [
        r#"{"Records":[{"messageId":"1","eventSource":"aws:sqs","body":"x"},{"messageId":"2","eventSource":"aws:sqs","body":"y"}]}"#,
        r#"{"Records":[{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"2","data":"eA=="}}]}"#,
        r#"{"Records":[{"eventSource":"aws:dynamodb","dynamodb":{"SequenceNumber":"2","NewImage":{"n":{"N":"1.0"}}}}]}"#,
    ] {
        for media in ["application/json", "text/plain"] {
            let outcome = sandbox.answer(event, Answer::ok(report).header("content-type", media)).await;
            assert_eq!((outcome.answered, outcome.text().as_str()), (true, report));
            let request = sandbox.app.last().unwrap();
            assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/events"));
            assert_eq!(request.text(), event);
        }
        // What is no report must not be taken for one: `null` is that all went well, an error that none did.
        assert_eq!(sandbox.answer(event, Answer::new(204)).await.text(), "null");
        let outcome = sandbox.answer(event, Answer::close()).await;
        assert!(!outcome.answered);
    }
    sandbox.still_works().await;
}
