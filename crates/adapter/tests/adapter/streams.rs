//! Answers that stream: prelude, body as it comes, and trailers when it breaks off.

use std::time::Duration;

use lambridge_testkit::{Answer, Invocation, Outcome};

use crate::sandbox::*;

fn streaming() -> Sandbox {
    Sandbox::with(&[("AWS_LWA_INVOKE_MODE", "response_stream")])
}

/// The prelude as JSON, and the body.
#[track_caller]
fn parts(outcome: &Outcome) -> (serde_json::Value, Vec<u8>) {
    let request = &outcome.request;
    assert_eq!(request.header_all("lambda-runtime-function-response-mode"), ["streaming"]);
    assert_eq!(request.header_all("content-type"), ["application/vnd.awslambda.http-integration-response"]);
    assert_eq!(request.header_all("transfer-encoding"), ["chunked"]);
    let end = request.body.windows(8).position(|w| w == [0; 8]).expect("a separator");
    (serde_json::from_slice(&request.body[..end]).unwrap(), request.body[end + 8..].to_vec())
}

#[tokio::test]
async fn whole_streams() {
    let sandbox = streaming();
    let rows = [
        (Answer::ok("abc").header("content-type", "text/plain"), 200, "text/plain", &b"abc"[..]),
        (
            Answer::ok("").chunks(&[b"a", b"\0\xff"], Duration::from_millis(5)),
            200,
            "application/octet-stream",
            b"a\0\xff",
        ),
        (Answer::new(404), 404, "application/octet-stream", b""),
        (
            Answer::ok("x")
                .header("content-type", "a/b")
                .header("set-cookie", "a=1")
                .header("set-cookie", "b=2"),
            200,
            "a/b",
            b"x",
        ),
    ];
    for event in [V2, REST] {
        for (answer, code, media, body) in rows.clone() {
            let outcome = sandbox.answer(event, answer).await;
            let (prelude, got) = parts(&outcome);
            assert_eq!((&prelude["statusCode"], got.as_slice()), (&code.into(), body));
            assert_eq!(prelude["headers"]["content-type"], media);
            assert!(outcome.request.trailers.is_empty());
            if media == "a/b" {
                assert_eq!(prelude["cookies"], serde_json::json!(["a=1", "b=2"]));
            }
        }
    }
}

#[tokio::test]
async fn streams_larger_than_a_whole_answer_may_be() {
    let sandbox = streaming();
    let large = vec![7; 9_000_000];
    let (_, got) = parts(&sandbox.answer(V2, Answer::ok(large.clone())).await);
    assert!(got == large);
}

#[tokio::test]
async fn sources_without_streams_get_whole_answers() {
    let sandbox = streaming();
    assert_eq!(body(&sandbox.answer(ALB, Answer::ok("abc")).await), "abc");
    assert_eq!(sandbox.answer(SQS, Answer::ok("[]")).await.text(), "[]");
    // An HTTP API is like a function URL, but for its domain. What a client says does not make one of the other.
    let domain = |name: &str| V2.replace(r#""accountId""#, &format!(r#""domainName":"{name}","accountId""#));
    let api = domain("a1b2.execute-api.us-east-1.amazonaws.com");
    assert_eq!(body(&sandbox.answer(&api, Answer::ok("abc")).await), "abc");
    let url = domain("a1b2.lambda-url.us-east-1.on.aws")
        .replace(r#""userAgent":"t""#, r#""userAgent":".execute-api.""#);
    assert_eq!(parts(&sandbox.answer(&url, Answer::ok("abc")).await).1, b"abc");
}

#[tokio::test]
async fn faults_before_and_after_the_head() {
    let sandbox = streaming();
    let (prelude, body) = parts(&sandbox.answer(V2, Answer::reset()).await);
    assert_eq!(prelude["statusCode"], 502);
    assert!(String::from_utf8_lossy(&body).contains("upstream_error"));
    let broken = [
        Answer::ok("hello").close_in_body(2),
        Answer::ok("hello").reset_in_body(2),
        Answer::ok("").chunks(&[b"he"], Duration::ZERO).close_in_body(7),
    ];
    for answer in broken {
        let outcome = sandbox.answer(V2, answer).await;
        let (prelude, body) = parts(&outcome);
        assert_eq!((&prelude["statusCode"], body.as_slice()), (&200.into(), &b"he"[..]));
        broke_off(&outcome);
        parts(&sandbox.runtime.invoke(Invocation::new(V2)).await);
    }
    sandbox.app.push(Answer::ok("hello").silence_in_body(2));
    let outcome = sandbox.runtime.invoke(Invocation::new(V2).deadline(Duration::from_millis(400))).await;
    broke_off(&outcome);
    let (_, body) = parts(&sandbox.runtime.invoke(Invocation::new(V2)).await);
    assert_eq!(body, b"hello");
}

#[track_caller]
fn broke_off(outcome: &Outcome) {
    let names: Vec<_> = outcome.request.trailers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["lambda-runtime-function-error-type", "lambda-runtime-function-error-body"]);
    assert_eq!(outcome.request.trailers[0].1, b"Runtime.StreamError");
}
