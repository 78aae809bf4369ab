//! What goes back to Lambda for each answer of the application.

use std::time::Duration;

use crate::sandbox::*;
use lambridge_testkit::Answer;

#[tokio::test]
async fn statuses_pass() {
    let sandbox = Sandbox::new();
    for code in [200, 201, 204, 301, 302, 304, 400, 404, 418, 500, 503] {
        let answer = Answer::new(code).header("location", "/elsewhere");
        let outcome = sandbox.answer(V2, answer).await;
        assert!(outcome.answered);
        assert_eq!((status(&outcome), body(&outcome).as_str()), (u64::from(code), ""), "{code}");
        assert_eq!(json(&outcome)["headers"]["location"], "/elsewhere");
    }
}

#[tokio::test]
async fn headers_are_exact() {
    let sandbox = Sandbox::new();
    let answer = || {
        Answer::ok("x")
            .header("set-cookie", "a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT")
            .header("x-many", "1")
            .header("set-cookie", "b=2")
            .header("x-many", "2")
            .header("connection", "keep-alive, x-hop")
            .header("x-hop", "1")
            .header("keep-alive", "timeout=5")
            .header("content-type", "text/plain")
    };
    let outcome = sandbox.answer(V2, answer()).await;
    let posted = json(&outcome);
    assert_eq!(posted["cookies"], serde_json::json!(["a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2"]));
    let many = posted["headers"]["x-many"].as_str().unwrap_or_default().replace(' ', "");
    assert_eq!(many, "1,2");
    for gone in ["connection", "keep-alive", "x-hop", "transfer-encoding"] {
        assert!(posted["headers"].get(gone).is_none(), "{gone}");
    }
    for event in [REST, ALB_MULTI] {
        let posted = json(&sandbox.answer(event, answer()).await);
        assert_eq!(posted["multiValueHeaders"]["set-cookie"].as_array().map(Vec::len), Some(2), "{posted}");
        assert_eq!(posted["multiValueHeaders"]["x-many"], serde_json::json!(["1", "2"]));
    }
}

#[tokio::test]
async fn header_bytes_that_are_not_utf8() {
    let sandbox = Sandbox::new();
    for event in [V2, REST, ALB, ALB_MULTI] {
        let answer = Answer::ok("x").header("content-disposition", b"attachment; filename=\"\xe9.csv\"");
        let outcome = sandbox.answer(event, answer).await;
        assert!(outcome.answered);
        assert_eq!(status(&outcome), 200);
    }
    sandbox.still_works().await;
}

#[tokio::test]
async fn bodies_are_exact() {
    let sandbox = Sandbox::new();
    let large: Vec<u8> = (0..3_000_000u32).map(|n| ((n * 7) >> 3) as u8).collect();
    let text = "\u{feff}ä\"\\\u{1}\n".repeat(50_000);
    let torn = [text.as_bytes(), b"caf\xe9", text.as_bytes()].concat();
    let rows: [(Answer, &[u8]); 8] = [
        (Answer::ok("{}").header("content-type", "application/json"), b"{}"),
        (Answer::ok(text.clone()).header("content-type", "text/csv; charset=utf-8"), text.as_bytes()),
        (Answer::ok(large.clone()).header("content-type", "application/octet-stream"), &large),
        (Answer::ok(*b"\xff\xfe").header("content-type", "text/plain"), b"\xff\xfe"),
        (Answer::ok("").chunks(&[b"ab", b"c"], Duration::from_millis(1)), b"abc"),
        (Answer::ok("").until_close("to the end"), b"to the end"),
        // Text for half a megabyte, and then none after all.
        (Answer::ok(torn.clone()).header("content-type", "text/plain"), &torn),
        // A character that comes in two chunks.
        (
            Answer::ok("")
                .chunks(&[b"\xe2", b"\x82\xac\""], Duration::from_millis(1))
                .header("content-type", "a/b+xml"),
            "€\"".as_bytes(),
        ),
    ];
    for event in [V2, REST, ALB, ALB_MULTI] {
        for (answer, expect) in &rows {
            let outcome = sandbox.answer(event, answer.clone()).await;
            let posted = json(&outcome);
            let text = posted["body"].as_str().unwrap_or_default();
            let got = match posted["isBase64Encoded"].as_bool() {
                Some(true) => base64_decode(text),
                _ => text.as_bytes().to_vec(),
            };
            assert!(got == *expect, "{} bytes instead of {}", got.len(), expect.len());
        }
    }
}

/// Tests should not decode with what encoded.
pub fn base64_decode(text: &str) -> Vec<u8> {
    let value = |b: u8| match b {
        b'A'..=b'Z' => b - b'A',
        b'a'..=b'z' => b - b'a' + 26,
        b'0'..=b'9' => b - b'0' + 52,
        b'+' => 62,
        _ => 63,
    };
    let mut out = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes().filter(|b| *b != b'=') {
        bits = (bits << 6) | u32::from(value(byte));
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

#[tokio::test]
async fn heads_without_a_body_keep_their_length() {
    let sandbox = Sandbox::new();
    let event = v2("HEAD", "/", "", false);
    let outcome = sandbox.answer(&event, Answer::ok("hello")).await;
    assert_eq!(json(&outcome)["headers"]["content-length"], "5");
    // Of what the client has already (RFC 9110, section 15.4.5).
    let outcome = sandbox.answer(V2, Answer::new(304).header("content-length", "5")).await;
    assert_eq!(json(&outcome)["headers"]["content-length"], "5");
    let outcome = sandbox.answer(V2, Answer::new(204).header("content-length", "5")).await;
    assert!(json(&outcome)["headers"].get("content-length").is_none(), "{}", outcome.text());
    sandbox.still_works().await;
}

#[tokio::test]
async fn error_statuses_fail_the_invocation() {
    let sandbox = Sandbox::with(&[("AWS_LWA_ERROR_STATUS_CODES", "500,502-504")]);
    for event in [V2, SQS] {
        let outcome = sandbox.answer(event, Answer::new(503).body("\"no\"")).await;
        assert!(!outcome.answered);
        assert_eq!(json(&outcome)["errorMessage"], r#"{"statusCode":503,"body":"\"no\""}"#);
        assert!(outcome.request.header("lambda-runtime-function-error-type").is_some());
    }
    // Whatever becomes of the body.
    let outcome = sandbox.answer(V2, Answer::new(500).body("cut short").reset_in_body(3)).await;
    assert!(!outcome.answered);
    assert_eq!(json(&outcome)["errorMessage"], r#"{"statusCode":500,"body":""}"#);
    // The adapter's own 502 is one of them, too.
    let outcome = sandbox.answer(V2, Answer::reset()).await;
    assert!(!outcome.answered);
    assert_eq!(json(&outcome)["errorType"], "Function.AppFailed");
    let outcome = sandbox.answer(V2, Answer::new(501)).await;
    assert!(outcome.answered);
    sandbox.still_works().await;
}

#[tokio::test]
async fn connections_are_kept() {
    let sandbox = Sandbox::new();
    for _ in 0..5 {
        sandbox.still_works().await;
    }
    let apart = |requests: Vec<lambridge_testkit::Request>, what: &str| {
        let mut connections: Vec<_> =
            requests.into_iter().filter(|r| r.target.contains(what)).map(|r| r.connection).collect();
        connections.dedup();
        connections.len()
    };
    assert_eq!(apart(sandbox.app.requests(), "/a%20b"), 1);
    assert_eq!(apart(sandbox.runtime.requests(), "/invocation/"), 1);
}
