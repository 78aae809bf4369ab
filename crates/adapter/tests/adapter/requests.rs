//! What the application gets for each kind of event.

use crate::sandbox::*;
use lambridge_testkit::Invocation;

#[tokio::test]
async fn a_function_url() {
    let sandbox = Sandbox::new();
    let (outcome, request) =
        sandbox.deliver(Invocation::new(V2).header("Lambda-Runtime-Trace-Id", "Root=1-2-3")).await;
    assert!(outcome.answered);
    assert_eq!((status(&outcome), body(&outcome).as_str()), (200, "hello"));
    assert_eq!((request.method.as_str(), request.target.as_str()), ("GET", "/a%20b?x=1&x=2"));
    assert_eq!(request.header("host").as_deref(), Some("h.example"));
    assert_eq!(request.header_all("cookie"), ["a=1; b=2"]);
    assert_eq!(request.header_all("x-amzn-trace-id"), ["Root=1-2-3"]);
    assert_eq!(request.header("content-length"), None);
    assert_eq!(request.header("transfer-encoding"), None);
    let context = request.header("x-amzn-request-context").unwrap();
    assert!(context.starts_with(r#"{"accountId":"anonymous""#), "{context}");
    let lambda = request.header("x-amzn-lambda-context").unwrap();
    let lambda: serde_json::Value = serde_json::from_str(&lambda).unwrap();
    assert_eq!(lambda["env_config"]["memory"], 128);
    assert_eq!(lambda["invoked_function_arn"], "arn:aws:lambda:us-east-1:123456789012:function:f");
}

#[tokio::test]
async fn a_rest_api() {
    let sandbox = Sandbox::new();
    let (outcome, request) = sandbox.invoke(REST).await;
    assert_eq!(status(&outcome), 200);
    assert!(json(&outcome)["multiValueHeaders"].is_object(), "{}", outcome.text());
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/a?x=1&x=2"));
    assert_eq!(request.header_all("x-twice"), ["1", "2"]);
    assert_eq!(request.header_all("host"), ["h.example"]);
    assert_eq!(
        (request.text().as_str(), request.header_all("content-length")),
        ("text", vec!["4".to_owned()])
    );
}

#[tokio::test]
async fn load_balancers() {
    let sandbox = Sandbox::new();
    let (outcome, request) = sandbox.invoke(ALB).await;
    assert_eq!(json(&outcome)["statusDescription"], "200 OK");
    assert_eq!((request.target.as_str(), request.header_all("x-once")), ("/a?x=1", vec!["1".to_owned()]));
    let (outcome, request) = sandbox.invoke(ALB_MULTI).await;
    assert!(json(&outcome)["multiValueHeaders"]["content-type"].is_array(), "{}", outcome.text());
    assert_eq!(request.target, "/a?x=1&x=2");
    assert_eq!(request.header_all("x-twice"), ["1", "2"]);
}

#[tokio::test]
async fn other_events_are_posted_whole() {
    let sandbox = Sandbox::with(&[("AWS_LWA_PASS_THROUGH_PATH", "/in?source=queue")]);
    for event in [SQS, "[1,2]", "\"text\"", "null", "{}"] {
        let (outcome, request) = sandbox.invoke(event).await;
        assert!(outcome.answered);
        // `hello` is no JSON.
        assert_eq!(outcome.text(), "null");
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/in?source=queue"));
        assert_eq!(request.header("content-type").as_deref(), Some("application/json"));
        assert_eq!(request.header("x-amzn-request-context").as_deref(), Some("null"));
        assert_eq!(request.header("host"), Some(sandbox.app.address().to_string()));
        assert_eq!(request.text(), event);
    }
    let outcome = sandbox
        .answer(SQS, lambridge_testkit::Answer::new(500).body(r#"{"batchItemFailures":[1.50]}"#))
        .await;
    assert!(outcome.answered);
    assert_eq!(outcome.text(), r#"{"batchItemFailures":[1.50]}"#);
}

#[tokio::test]
async fn bodies_and_methods() {
    let sandbox = Sandbox::new();
    let (_, request) = sandbox.invoke(v2("POST", "/", "AP+AgQ==", true)).await;
    assert_eq!(request.body, [0, 0xff, 0x80, 0x81]);
    assert_eq!(request.header_all("content-length"), ["4"]);
    let (_, request) = sandbox.invoke(v2("PUT", "/", "", false)).await;
    assert_eq!(request.header_all("content-length"), ["0"]);
    let (_, request) = sandbox.invoke(v2("GET", "/", "", false)).await;
    assert_eq!(request.header("content-length"), None);
    let (_, request) = sandbox.invoke(v2("PROPFIND", "/", "", false)).await;
    assert_eq!(request.method, "PROPFIND");
    let (outcome, _) = sandbox.invoke(v2("HEAD", "/", "", false)).await;
    assert_eq!((status(&outcome), body(&outcome).as_str()), (200, ""));
    sandbox.still_works().await;
}

#[tokio::test]
async fn settings_shape_the_request() {
    let sandbox =
        Sandbox::with(&[("AWS_LWA_REMOVE_BASE_PATH", "/api"), ("AWS_LWA_AUTHORIZATION_SOURCE", "X-Token")]);
    for (path, expect) in [("/api/x", "/x"), ("/api", "/"), ("/apix", "/apix"), ("/api/api", "/api")] {
        let (_, request) = sandbox.invoke(v2("GET", path, "", false)).await;
        assert_eq!(request.target, expect);
    }
    let event = v2("GET", "/", "", false)
        .replace(r#""headers":{"#, r#""headers":{"authorization":"SigV4","x-token":"Bearer t","#);
    let (_, request) = sandbox.invoke(event).await;
    assert_eq!(
        (request.header_all("authorization"), request.header("x-token")),
        (vec!["Bearer t".into()], None)
    );
}

#[tokio::test]
async fn hostile_fields_cost_themselves_only() {
    let sandbox = Sandbox::new();
    let event = v2("GET", "/", "", false).replace(
        r#""headers":{"#,
        r#""headers":{"a(b)":"1","x-break":"1\r\ninjected: 1","x-amz-tenant-id":"forged","x-amzn-lambda-context":"forged","connection":"close, x-hop","x-hop":"1","transfer-encoding":"chunked","expect":"100-continue","x-fine":"é","#,
    );
    let (outcome, request) = sandbox.invoke(event).await;
    assert_eq!(status(&outcome), 200);
    for gone in [
        "a(b)",
        "x-break",
        "injected",
        "x-amz-tenant-id",
        "connection",
        "x-hop",
        "transfer-encoding",
        "expect",
    ] {
        assert_eq!(request.header(gone), None, "{gone}");
    }
    assert_eq!(request.header_all("x-fine"), ["é"]);
    assert_eq!(request.header_all("x-amzn-lambda-context").len(), 1);
    let tenant = Invocation::new(V2).header("Lambda-Runtime-Aws-Tenant-Id", "blue");
    assert_eq!(sandbox.deliver(tenant).await.1.header_all("x-amz-tenant-id"), ["blue"]);
}

#[tokio::test]
async fn odd_deliveries_are_served() {
    let sandbox = Sandbox::new();
    let (outcome, _) = sandbox.deliver(Invocation::bare(V2)).await;
    assert_eq!(status(&outcome), 200);
    let odd = Invocation::new(V2)
        .header("Lambda-Runtime-Deadline-Ms", "600000")
        .header("Lambda-Runtime-Client-Context", "{broken")
        .header("Lambda-Runtime-Cognito-Identity", "")
        .header("Lambda-Runtime-Trace-Id", "")
        .header("Lambda-Runtime-Invocation-Id", "nonce");
    let (outcome, request) = sandbox.deliver(odd).await;
    assert_eq!(status(&outcome), 200);
    assert_eq!(outcome.request.header_all("lambda-runtime-invocation-id"), ["nonce"]);
    assert!(request.header("x-amzn-lambda-context").unwrap().contains(r#""client_context":null"#));
}

#[tokio::test]
async fn over_a_unix_socket() {
    use std::io::{Read as _, Write as _};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        while let Ok((mut stream, _)) = listener.accept() {
            let mut head = Vec::new();
            let mut byte = [0];
            while !head.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut byte), Ok(1)) {
                head.push(byte[0]);
            }
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello");
        }
    });
    for protocol in ["http", "tcp"] {
        let runtime = lambridge_testkit::FakeRuntime::start();
        let host = format!("unix:{}", path.display());
        let more = [("AWS_LWA_HOST", host.as_str()), ("AWS_LWA_READINESS_CHECK_PROTOCOL", protocol)];
        let nowhere = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
        let _adapter = Adapter::start(env(&runtime, nowhere, &more));
        for _ in 0..2 {
            assert_eq!(body(&runtime.invoke(Invocation::new(V2)).await), "hello");
        }
    }
}
