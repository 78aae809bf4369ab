//! Streamed calls against a fake of Lambda whose frames come when the test says so.

#![allow(clippy::unwrap_used)] // A file of tests: helpers outside of test functions panic as they do.

use std::sync::Arc;
use std::time::Duration;

use lambridge_invoke::{Call, InvokeError, Lambda, Pool, StreamError, Streamed};
use lambridge_model::{ConnectionSettings, Credentials, Function, Secret};
use lambridge_testkit::frames::{DETAILS, complete, piece, stream};
use lambridge_testkit::{Answer, FakeLambda};
use lambridge_wire::eventstream::encode_exception;
use lambridge_wire::invoke::{ErrorShape, InvocationType};
use tokio::time::Instant;

/// Longer than any test needs.
const LONG: Duration = Duration::from_secs(20);

fn function(endpoint: &str) -> Function {
    Function {
        region: Some("eu-west-1".to_owned()),
        endpoint: Some(endpoint.to_owned()),
        credentials: Credentials::Static {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret_access_key: Secret::new("hunter2"),
            session_token: None,
        },
        ..Function::new("shop:live".parse().unwrap())
    }
}

fn client(lambda: &FakeLambda) -> Lambda {
    Pool::new(Arc::new(|_| None), ConnectionSettings { max: 1, ..ConnectionSettings::default() })
        .client(&function(&lambda.endpoint()))
        .unwrap()
}

async fn open(client: &Lambda, within: Duration) -> Result<Streamed, InvokeError> {
    let call = Call {
        target: &Lambda::stream_target(&function("http://unused")),
        kind: InvocationType::RequestResponse,
        payload: "{}".into(),
        log_tail: false,
        trace_id: None,
        tenant_id: None,
        deadline: Instant::now() + within,
    };
    client.invoke_streaming(call).await
}

fn exception() -> Vec<u8> {
    let mut frame = Vec::new();
    encode_exception(ErrorShape::named("ServiceException").unwrap(), "oh", &mut frame).unwrap();
    frame
}

/// All pieces as one text, and how it ended.
async fn all(streamed: &mut Streamed) -> (String, Option<StreamError>) {
    let mut text = String::new();
    while let Some(next) = streamed.next().await {
        match next {
            Ok(piece) => text.push_str(std::str::from_utf8(&piece).unwrap()),
            Err(error) => {
                assert!(streamed.next().await.is_none(), "nothing comes after an error");
                return (text, Some(error));
            }
        }
    }
    (text, None)
}

/// Sends `frames` in chunks of every size up to `sizes`.
async fn check(frames: &[u8], sizes: usize, text: &str, end: Option<StreamError>) {
    for size in 1..=sizes {
        let chunks: Vec<&[u8]> = frames.chunks(size).collect();
        let lambda = FakeLambda::answering(stream().chunks(&chunks, Duration::ZERO));
        let mut streamed = open(&client(&lambda), LONG).await.unwrap();
        assert_eq!(streamed.request_id.as_deref(), Some("aws-1"));
        assert_eq!(all(&mut streamed).await, (text.to_owned(), end.clone()), "in chunks of {size}");
    }
}

#[tokio::test]
async fn frames_at_any_split() {
    let frames = [piece("one "), piece(""), piece("two"), complete(None), b"ignored".to_vec()].concat();
    check(&frames, 40, "one two", None).await;
    check(&complete(None), 3, "", None).await;
    let failed = StreamError::Function { code: "Unhandled".to_owned(), details: DETAILS.to_owned() };
    check(&[piece("half"), complete(Some("Unhandled"))].concat(), 3, "half", Some(failed)).await;
    let service = StreamError::Service { kind: "ServiceException".to_owned(), message: "oh".to_owned() };
    check(&[piece("half"), exception()].concat(), 3, "half", Some(service)).await;
    let broken = |message: &str| Some(StreamError::Broken { message: message.to_owned() });
    check(&piece("half"), 3, "half", broken("the stream ended without its last frame")).await;
    let noise = broken("the checksum of the frame's lengths is wrong");
    check(b"no frames at all, but some text", 3, "", noise).await;
}

#[tokio::test]
async fn a_call_is_signed_and_sent_to_its_own_path() {
    let lambda = FakeLambda::answering(stream().body(complete(None)));
    all(&mut open(&client(&lambda), LONG).await.unwrap()).await;
    let request = &lambda.requests()[0];
    assert_eq!(request.target, "/2021-11-15/functions/shop/response-streaming-invocations?Qualifier=live");
    assert_eq!(request.body, b"{}");
    assert!(request.header("authorization").unwrap().starts_with("AWS4-HMAC-SHA256 "));
}

#[tokio::test]
async fn pieces_come_before_the_end() {
    let lambda = FakeLambda::echo();
    let (answer, pieces) = stream().live();
    lambda.push(answer);
    let mut streamed = open(&client(&lambda), LONG).await.unwrap();
    pieces.try_send(piece("one")).unwrap();
    assert_eq!(streamed.next().await.unwrap().unwrap(), "one");
    pieces.try_send(piece("two")).unwrap();
    assert_eq!(streamed.next().await.unwrap().unwrap(), "two");
    pieces.try_send(complete(None)).unwrap();
    drop(pieces);
    assert!(streamed.next().await.is_none());
}

#[tokio::test]
async fn a_connection_is_used_again_after_a_clean_end_only() {
    let whole = || stream().body([piece("a"), complete(None)].concat());
    let lambda = FakeLambda::answering(whole());
    let client = client(&lambda);
    for _ in 0..3 {
        all(&mut open(&client, LONG).await.unwrap()).await;
    }
    lambda.push(stream().body(complete(Some("E"))));
    all(&mut open(&client, LONG).await.unwrap()).await;
    all(&mut open(&client, LONG).await.unwrap()).await;
    let connections: Vec<usize> = lambda.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 0, 0, 0, 1]);
}

#[tokio::test]
async fn dropping_a_stream_ends_its_call() {
    let lambda = FakeLambda::answering(stream().body(complete(None)));
    let client = client(&lambda);
    let (answer, pieces) = stream().live();
    lambda.push(answer);
    let mut streamed = open(&client, LONG).await.unwrap();
    pieces.try_send(piece("one")).unwrap();
    streamed.next().await.unwrap().unwrap();
    drop(streamed);
    tokio::time::timeout(LONG, pieces.closed()).await.expect("Lambda sees that no one listens");
    // There is but one connection at once: its place is free again.
    all(&mut open(&client, LONG).await.unwrap()).await;
}

#[tokio::test]
async fn waits_end() {
    let short = Duration::from_millis(30);
    let lambda = FakeLambda::echo();
    lambda.push(Answer::silence());
    let late = open(&client(&lambda), short).await.unwrap_err();
    assert!(matches!(late, InvokeError::Timeout { .. }), "{late:?}");

    // The deadline counts to the first piece, and no longer once an idle time is set.
    let (answer, _pieces) = stream().live();
    lambda.push(answer);
    let mut streamed = open(&client(&lambda), short).await.unwrap();
    assert_eq!(streamed.next().await, Some(Err(StreamError::Timeout)));

    let (answer, pieces) = stream().live();
    lambda.push(answer);
    let mut streamed = open(&client(&lambda), LONG).await.unwrap();
    pieces.try_send(piece("one")).unwrap();
    streamed.next().await.unwrap().unwrap();
    streamed.set_idle(short);
    assert_eq!(streamed.next().await, Some(Err(StreamError::Timeout)));
}

#[tokio::test]
async fn refusals_are_those_of_any_call() {
    for (answer, expect) in [
        (
            Answer::new(429).header("x-amzn-ErrorType", "TooManyRequestsException").body("{}"),
            "throttled: TooManyRequestsException",
        ),
        (Answer::new(404).body("{}"), "function not found: "),
        (Answer::new(413).body("{}"), "the event is larger than Lambda takes"),
        (
            Answer::ok("{}").header("content-type", "application/json"),
            "Lambda failed with 200 : the answer to InvokeWithResponseStream is no event stream",
        ),
    ] {
        let lambda = FakeLambda::answering(answer);
        assert_eq!(open(&client(&lambda), LONG).await.unwrap_err().to_string(), expect);
    }
}
