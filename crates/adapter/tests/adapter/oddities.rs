//! Events and answers that have killed, corrupted or hung an adapter: each is served, or costs itself alone.

use std::time::{Duration, Instant};

use lambridge_testkit::{Answer, Invocation};

use crate::sandbox::*;

#[tokio::test]
async fn queries_and_hosts_that_no_parser_takes() {
    let sandbox = Sandbox::new();
    for (query, expect) in [
        (r#"q=\"a b\"<c>"#, "/?q=%22a%20b%22%3Cc%3E"),
        ("a#b", "/?a%23b"),
        ("a=%zz&b=%", "/?a=%25zz&b=%25"),
        ("ä=ö", "/?%C3%A4=%C3%B6"),
        (r"a=\u0000\r\n", "/?a=%00%0D%0A"),
        ("b=2&a=1&b=1&flag", "/?b=2&a=1&b=1&flag"),
    ] {
        let event = v2("GET", "/", "", false)
            .replace(r#""rawQueryString":"""#, &format!(r#""rawQueryString":"{query}""#));
        let (outcome, request) = sandbox.invoke(event).await;
        assert_eq!((status(&outcome), request.target.as_str()), (200, expect), "{query}");
    }
    for host in ["foo.123", "a^b", "h:99999", "[::1", "", "h.example/..", "h@x"] {
        for event in [ALB, V2, REST] {
            let (outcome, _) = sandbox.invoke(event.replace("h.example", host)).await;
            assert_eq!(status(&outcome), 200, "{host}");
        }
    }
    let many = r#"{"b":["2","1"],"a":["1"],"c":[""]}"#;
    let event = REST.replace(r#"{"x":["1","2"]}"#, many);
    assert_eq!(sandbox.invoke(event).await.1.target, "/a?b=2&b=1&a=1&c=");
}

/// A request stays one, whatever its context holds: it must not turn up on the pass-through path.
#[tokio::test]
async fn contexts_of_unexpected_types() {
    let sandbox = Sandbox::new();
    for (from, to) in [
        (
            r#""accountId":"anonymous""#,
            r#""accountId":5,"authorizer":{"jwt":{"claims":{"exp":1,"aud":["a"]}}}"#,
        ),
        (r#""requestId":"r""#, r#""requestId":null,"timeEpoch":"soon""#),
        (r#""isBase64Encoded":false"#, r#""isBase64Encoded":null,"path":"/other""#),
        (r#""cookies":["a=1","b=2"]"#, r#""cookies":null,"stageVariables":[]"#),
    ] {
        let event = V2.replace(from, to);
        assert_ne!(event, V2);
        let (outcome, request) = sandbox.invoke(event).await;
        assert_eq!((status(&outcome), request.target.as_str()), (200, "/a%20b?x=1&x=2"), "{to}");
    }
}

#[tokio::test]
async fn events_of_http_that_cannot_be_read_are_told_to_the_client() {
    let sandbox = Sandbox::new();
    for event in [
        v2("POST", "/", "!!!!", true),
        v2("BAD METHOD", "/", "", false),
        v2("GET", "/", "", false).replace(r#""rawPath":"/""#, r#""rawPath":5"#),
        REST.replace(r#""body":"text""#, r#""body":{}"#),
    ] {
        let (outcome, _) = sandbox.invoke(event).await;
        assert_eq!(status(&outcome), 400, "{}", outcome.text());
        assert!(body(&outcome).contains("bad_request"));
        sandbox.still_works().await;
    }
}

#[tokio::test]
async fn answers_of_other_shapes() {
    let sandbox = Sandbox::new();
    for raw in [
        "HTTP/1.0 200 OK\r\n\r\nhello",
        "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n",
    ] {
        let outcome = sandbox.answer(V2, Answer::raw(raw)).await;
        assert_eq!((status(&outcome), body(&outcome).as_str()), (200, "hello"), "{raw}");
        assert!(json(&outcome)["headers"].get("x-trailer").is_none());
        sandbox.still_works().await;
    }
    let huge = format!("HTTP/1.1 200 OK\r\nX-Huge: {}\r\n\r\n", "x".repeat(600_000));
    for raw in [
        "HTTP/1.1 99 Low\r\n\r\n",
        "HTTP/1.1 1000 High\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-",
        "HTTP/2 200\r\n\r\n",
        huge.as_str(),
    ] {
        let outcome = sandbox.answer(V2, Answer::raw(raw)).await;
        assert_eq!(status(&outcome), 502, "{:.60}: {}", raw, outcome.text());
        sandbox.still_works().await;
    }
}

#[tokio::test]
async fn many_headers() {
    let sandbox = Sandbox::new();
    let answer =
        |count: usize| (0..count).fold(Answer::ok("x"), |answer, n| answer.header(&format!("x-{n}"), "v"));
    for count in [101, 400] {
        let outcome = sandbox.answer(V2, answer(count)).await;
        assert_eq!(
            (status(&outcome), &json(&outcome)["headers"][format!("x-{}", count - 1)]),
            (200, &"v".into())
        );
    }
    assert_eq!(status(&sandbox.answer(V2, answer(600)).await), 502);
    sandbox.still_works().await;
}

#[tokio::test]
async fn streamed_heads_with_any_bytes() {
    let sandbox = Sandbox::with(&[("AWS_LWA_INVOKE_MODE", "response_stream")]);
    let answer = Answer::ok("x").header("x-utf8", "é").header("x-latin1", b"\xe9");
    let outcome = sandbox.answer(V2, answer).await;
    let end = outcome.request.body.windows(8).position(|w| w == [0; 8]).unwrap();
    let prelude: serde_json::Value = serde_json::from_slice(&outcome.request.body[..end]).unwrap();
    assert_eq!(prelude["headers"]["x-utf8"], "é");
    assert!(prelude["headers"]["x-latin1"].is_string(), "{prelude}");
    let raw = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Trailer: 1\r\n\r\n";
    let outcome = sandbox.answer(V2, Answer::raw(raw)).await;
    assert!(outcome.request.body.ends_with(b"hello") && outcome.request.trailers.is_empty());
}

/// Six failures in a row cost at least the pauses between them: no busy loop.
#[tokio::test]
async fn a_runtime_api_that_fails_is_asked_ever_more_slowly() {
    let sandbox = Sandbox::new();
    sandbox.still_works().await;
    let start = Instant::now();
    for _ in 0..6 {
        sandbox.runtime.fail_next(Answer::new(500));
    }
    sandbox.still_works().await;
    // The first of them may have been taken before the clock started.
    assert!(start.elapsed() >= Duration::from_millis(20 + 40 + 80 + 160 + 320), "{:?}", start.elapsed());
}

#[tokio::test]
async fn contexts_of_callers() {
    let sandbox = Sandbox::new();
    for context in [r#"{"custom":{"a":{"b":[1]}},"new":true}"#, "[]", "5", "{", "\u{e9}", "null"] {
        let invocation = Invocation::new(V2)
            .header("Lambda-Runtime-Client-Context", context)
            .header("Lambda-Runtime-Cognito-Identity", context);
        let (outcome, request) = sandbox.deliver(invocation).await;
        assert_eq!(status(&outcome), 200, "{context}");
        let header = request.header("x-amzn-lambda-context").unwrap();
        let parsed: serde_json::Value = serde_json::from_str(&header).unwrap();
        let expect = serde_json::from_str(context).unwrap_or(serde_json::Value::Null);
        assert_eq!((&parsed["client_context"], &parsed["identity"]), (&expect, &expect));
    }
}
