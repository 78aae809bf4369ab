//! Rows of the error table that need more than a word from Lambda, each with its one line of log.

use std::time::Duration;

use lambridge_model::{Concurrency, Credentials, Invocation};
use lambridge_testkit::Answer;
use lambridge_wire::limits::{ASYNC_PAYLOAD, SYNC_PAYLOAD};
use tokio::sync::Notify;

use crate::support::{get, talk};
use crate::world::{Client, answer, check, f, start, start_in};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_credentials() {
    let nothing = &[("AWS_CONFIG_FILE", "/dev/null"), ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")];
    let world = start_in(nothing, |model| f(model).credentials = Credentials::Profile("absent".into())).await;
    for _ in 0..2 {
        check(&world, &get(world.address, "GET", "/").await, 502, "no_credentials").await;
    }
    assert!(world.lambda.requests().is_empty());
    assert_eq!(world.lines.now().len(), 2);
}

/// What is missing stands in the log; the remedy, and so the reason, is that of missing credentials.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_region() {
    let nothing = &[
        ("AWS_CONFIG_FILE", "/dev/null"),
        ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ];
    let world = start_in(nothing, |model| f(model).region = None).await;
    let answer = get(world.address, "GET", "/").await;
    check(&world, &answer, 502, "no_credentials").await;
    assert!(!answer.contains("region"), "{answer}");
    assert!(world.lines.now()[0].contains("detail=\"no region is configured\""), "{:?}", world.lines.now());
    assert!(world.lambda.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_larger_than_lambda_gives() {
    let world = start(|_| {}).await;
    world.lambda.push(Answer::ok(vec![b'1'; SYNC_PAYLOAD + (1 << 20)]));
    check(&world, &get(world.address, "GET", "/").await, 502, "answer_too_large").await;
    check_works(world.address).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_larger_than_lambda_takes() {
    let world = start(|model| model.limits.body = 64 << 20).await;
    let head = |length: usize| {
        format!(
            "POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: {length}\r\n\r\n"
        )
    };
    // Quotes double in JSON: the body fits, the event does not.
    let length = SYNC_PAYLOAD - (1 << 20);
    let request = head(length) + &"\"".repeat(length);
    check(&world, &talk(world.address, request.as_bytes()).await, 413, "event_too_large").await;
    // What is declared larger than any event is refused at the head.
    let declared = head(SYNC_PAYLOAD + 1);
    check(&world, &talk(world.address, declared.as_bytes()).await, 413, "event_too_large").await;
    assert!(world.lambda.requests().is_empty(), "before any call");
    assert_eq!(world.lines.now().len(), 2);
    check_works(world.address).await;
}

/// What counts is what is sent: base64 and all that stands around it, to the last group of three bytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_call_has_its_bound() {
    // The length of a body that surely fits, with as many digits as the one that just does.
    let kinds = [
        (Invocation::Sync, SYNC_PAYLOAD, 1_500_000),
        (Invocation::Stream, SYNC_PAYLOAD, 1_500_000),
        (Invocation::DryRun, SYNC_PAYLOAD, 1_500_000),
        (Invocation::Async, ASYNC_PAYLOAD, 300_000),
    ];
    for (kind, max, small) in kinds {
        let world = start(|model| f(model).invoke = kind).await;
        let send = async |length: usize| {
            let head = format!(
                "POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-type: image/png\r\ncontent-length: {length}\r\n\r\n"
            );
            talk(world.address, &[head.as_bytes(), &vec![0xff; length]].concat()).await
        };
        send(small).await;
        let around = world.lambda.requests()[0].body.len() - small / 3 * 4;
        let largest = (max - around) / 4 * 3;
        send(largest).await;
        let calls = world.lambda.requests();
        assert_eq!(calls.len(), 2, "{kind:?} takes {largest} bytes");
        assert!((max - 3..=max).contains(&calls[1].body.len()), "{kind:?}: {}", calls[1].body.len());
        check(&world, &send(largest + 3).await, 413, "event_too_large").await;
        assert_eq!(world.lambda.requests().len(), 2, "{kind:?}: before any call");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_that_are_not_answered_have_a_limit_of_their_own() {
    let world = start(|model| f(model).invoke = Invocation::Async).await;
    let length = 2 << 20;
    let head = format!("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n");
    check(&world, &talk(world.address, head.as_bytes()).await, 413, "event_too_large").await;
    assert!(world.lambda.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_and_a_long_wait() {
    let world = start(|model| {
        f(model).concurrency =
            Concurrency { max: 1, queue: 1, wait: Duration::from_millis(300), ..Concurrency::default() };
    })
    .await;
    let told = Notify::new().into();
    world.lambda.push(answer("first").when(&told));
    let mut first = Client::connect(world.address).await;
    first.ask("/").await;
    world.lambda.wait_for(1).await;
    // Two more: one waits, the other finds no place; which is which does not matter.
    let mut waits = Client::connect(world.address).await;
    waits.ask("/").await;
    let mut full = Client::connect(world.address).await;
    full.ask("/").await;
    let (one, other) = tokio::join!(waits.answer(), full.answer());
    for answer in [&one, &other] {
        check(&world, answer, 503, "overloaded").await;
        assert!(answer.contains("retry-after: 1\r\n"), "{answer}");
    }
    let lines = world.lines.now();
    for detail in ["the function's queue is full", "no call of the function ended in time"] {
        assert_eq!(lines.iter().filter(|line| line.contains(detail)).count(), 1, "{lines:#?}");
    }
    assert_eq!(world.lambda.requests().len(), 1);
    told.notify_one();
    assert!(first.answer().await.ends_with("first"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn throttles_pass_the_wait_on() {
    let world = start(|_| {}).await;
    for (sent, expect) in [(Some("7"), "7"), (Some("0"), "1"), (Some("soon"), "1"), (None, "1")] {
        let mut throttle = Answer::new(429)
            .header("x-amzn-ErrorType", "TooManyRequestsException")
            .header("x-amzn-RequestId", "aws-429")
            .body(r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","message":"arn:aws:lambda"}"#);
        if let Some(sent) = sent {
            throttle = throttle.header("Retry-After", sent);
        }
        world.lambda.push(throttle);
        let answer = get(world.address, "POST", "/").await;
        check(&world, &answer, 503, "throttled").await;
        assert!(answer.contains(&format!("retry-after: {expect}\r\n")), "{sent:?}: {answer}");
        let lines = world.lines.now();
        assert!(lines.last().unwrap().contains("lambda_request_id=aws-429"), "{lines:#?}");
    }
    assert_eq!(world.lambda.requests().len(), 4, "no retry was asked for");
}

async fn check_works(address: std::net::SocketAddr) {
    assert!(get(address, "GET", "/").await.ends_with("ok"));
}

/// A gateway is no forward proxy. A 2xx to CONNECT would hand the connection over to nobody (RFC 9110 section 9.3.6).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_tunnels() {
    let world = start(|_| {}).await;
    for head in ["CONNECT h:80 HTTP/1.1\r\nhost: h:80\r\n\r\n", "CONNECT / HTTP/1.1\r\nhost: h\r\n\r\n"] {
        let answer =
            talk(world.address, format!("{head}GET /smuggled HTTP/1.1\r\nhost: h\r\n\r\n").as_bytes()).await;
        check(&world, &answer, 400, "bad_request").await;
    }
    assert!(world.lambda.requests().is_empty());
}
