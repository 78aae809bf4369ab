//! Streamed answers: head and pieces as they come, and each way in which they end.

use std::time::Duration;

use lambridge_model::{AnswerRule, Concurrency, Invocation, LogLevel, Model};
use lambridge_testkit::Answer;
use lambridge_testkit::frames::{complete, piece, stream};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc::Sender;

use crate::support::get;
use crate::world::{Client, PATIENCE, World, check, f, start};

const PRELUDE: &str = concat!(
    r#"{"statusCode":201,"headers":{"Content-Type":"text/event-stream","Connection":"x-a","X-A":"1","#,
    r#""Content-Length":"7"},"cookies":["a=1","b=2"]}"#,
    "\0\0\0\0\0\0\0\0"
);

/// A gateway whose one function streams.
async fn streaming(change: impl FnOnce(&mut Model)) -> World {
    start(|model| {
        f(model).invoke = Invocation::Stream;
        change(model);
    })
    .await
}

/// A client that has the head of a streamed answer, and what gives the rest.
async fn begun(world: &World) -> (Client, Sender<Vec<u8>>) {
    let (answer, pieces) = stream().live();
    world.lambda.push(answer);
    let mut client = Client::connect(world.address).await;
    client.ask("/events").await;
    pieces.try_send(piece(PRELUDE)).unwrap();
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 201 "), "{head}");
    (client, pieces)
}

/// What a client sees of a stream with these frames in chunks of `size` bytes: head but for date and id, and body.
async fn seen(world: &World, method: &str, frames: &[u8], size: usize) -> (String, String) {
    let chunks: Vec<&[u8]> = frames.chunks(size).collect();
    world.lambda.push(stream().chunks(&chunks, Duration::ZERO));
    // HTTP/1.0 has no chunks: its body is what comes until the end.
    let request = format!("{method} / HTTP/1.0\r\nhost: h\r\n\r\n");
    let answer = crate::support::talk(world.address, request.as_bytes()).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let lines = head.lines().filter(|line| !line.starts_with("date:") && !line.starts_with("x-request-id:"));
    (lines.collect::<Vec<_>>().join("|"), body.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heads_at_any_split() {
    let world = streaming(|_| {}).await;
    let fields = "content-type: text/event-stream|set-cookie: a=1|set-cookie: b=2";
    let frames = [piece(PRELUDE), piece("data: 1\n\n"), complete(None)].concat();
    for size in [1, 7, 150, 4096] {
        let (head, body) = seen(&world, "GET", &frames, size).await;
        assert!(head.starts_with("HTTP/1.0 201 Created|"), "{head}");
        for field in fields.split('|') {
            assert!(head.contains(field), "{head}");
        }
        for gone in ["content-length", "x-a", "connection: x-a"] {
            assert!(!head.contains(gone), "{head}");
        }
        assert_eq!(body, "data: 1\n\n");
    }
    // No body belongs to it, but the length that GET would have is known.
    let (head, body) = seen(&world, "HEAD", &[piece(PRELUDE), complete(None)].concat(), 4096).await;
    assert!(head.contains("content-length: 7"), "{head}");
    assert_eq!(body, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_without_a_head_of_their_own() {
    let world = streaming(|_| {}).await;
    for text in ["plain text", r#"{"statusCode":200,"body":"buffered"}"#, "", "{\0}"] {
        let (head, body) = seen(&world, "GET", &[piece(text), complete(None)].concat(), 4096).await;
        assert!(head.starts_with("HTTP/1.0 200 OK|"), "{head}");
        assert!(head.contains("content-type: application/octet-stream"), "{head}");
        assert_eq!(body, text);
    }
    let world = streaming(|model| f(model).answer = AnswerRule::Raw).await;
    let (_, body) = seen(&world, "GET", &[piece(PRELUDE), complete(None)].concat(), 4096).await;
    assert_eq!(body, PRELUDE, "`raw` looks for no head");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pieces_go_out_as_they_come_and_the_connection_stays() {
    let world = streaming(|model| model.limits.idle = Duration::from_millis(50)).await;
    let (mut client, pieces) = begun(&world).await;
    pieces.try_send(piece("data: 1\n\n")).unwrap();
    assert_eq!(client.bytes(14).await, "9\r\ndata: 1\n\n\r\n");
    // A stream that pauses is no idle connection.
    assert!(client.is_silent().await);
    assert!(world.lines.now().is_empty(), "the record is written at the end");
    pieces.try_send(piece("data: 2\n\n")).unwrap();
    assert_eq!(client.bytes(14).await, "9\r\ndata: 2\n\n\r\n");
    pieces.try_send(complete(None)).unwrap();
    drop(pieces);
    assert_eq!(client.bytes(5).await, "0\r\n\r\n");
    let lines = world.lines.wait_for(1).await;
    for part in [" GET /events 201 request_id=", "lambda_request_id=aws-1", "bytes_out=18"] {
        assert!(lines[0].contains(part), "{part} in {}", lines[0]);
    }
    // Afterwards it is one, and ends.
    assert_eq!(client.end().await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_goes_takes_the_call_with_it() {
    let world = streaming(|model| {
        f(model).concurrency = Concurrency { max: 1, queue: 0, wait: PATIENCE, ..Concurrency::default() }
    })
    .await;
    let (client, pieces) = begun(&world).await;
    // The place is taken as long as the stream goes on.
    check(&world, &get(world.address, "GET", "/other").await, 503, "overloaded").await;
    drop(client);
    tokio::time::timeout(PATIENCE, pieces.closed()).await.expect("the call is dropped");
    let lines = world.lines.wait_for(2).await;
    assert!(lines[1].contains(" GET /events 201 reason=client_gone "), "{}", lines[1]);
    let (client, pieces) = begun(&world).await;
    drop((client, pieces));

    // Before the head there is no one to wait for either.
    let (answer, pieces) = stream().live();
    let world = streaming(|_| {}).await;
    world.lambda.push(answer);
    let mut client = Client::connect(world.address).await;
    client.ask("/early").await;
    world.lambda.wait_for(1).await;
    drop(client);
    tokio::time::timeout(PATIENCE, pieces.closed()).await.expect("the call is dropped");
    let lines = world.lines.wait_for(1).await;
    assert!(lines[0].contains(" GET /early 499 reason=client_gone "), "{}", lines[0]);
}

/// HTTP/1.0 has no chunks whose last one could be missing: only a reset tells half an answer from a whole one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_of_unknown_length_breaks_off_with_a_reset() {
    let world = streaming(|_| {}).await;
    let (answer, pieces) = stream().live();
    world.lambda.push(answer);
    let mut client = TcpStream::connect(world.address).await.unwrap();
    client.write_all(b"GET / HTTP/1.0\r\nhost: h\r\n\r\n").await.unwrap();
    pieces.send(piece("half of it")).await.unwrap();
    let mut client = Client::over(client);
    client.head().await;
    assert_eq!(client.bytes(10).await, "half of it");
    pieces.send(complete(Some("Unhandled"))).await.unwrap();
    let error = client.reset().await;
    assert_eq!(error, std::io::ErrorKind::ConnectionReset);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_breaks_off_is_no_clean_end() {
    let world = streaming(|model| {
        model.log.level = LogLevel::Error;
        f(model).idle_timeout = Duration::from_millis(50);
    })
    .await;
    for (index, (frames, reason)) in [
        ([piece("half"), complete(Some("Unhandled"))].concat(), "function_error"),
        (piece("half"), "unreachable"),
        (Vec::new(), "timeout"),
    ]
    .into_iter()
    .enumerate()
    {
        let (client, pieces) = begun(&world).await;
        let pauses = frames.is_empty();
        if !pauses {
            pieces.try_send(frames).unwrap();
        }
        let held = pauses.then(|| pieces.clone());
        drop(pieces);
        let rest = client.end().await;
        drop(held);
        assert_eq!(rest, if pauses { "" } else { "4\r\nhalf\r\n" }, "{reason}: no last chunk");
        let lines = world.lines.wait_for(index + 1).await;
        assert!(lines[index].contains(&format!(" 201 reason={reason} ")), "{}", lines[index]);
    }
    assert!(world.lines.now()[0].contains("Unhandled: secret words"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn before_the_head_a_failure_has_a_status() {
    let world = streaming(|model| f(model).timeout = Duration::from_millis(200)).await;
    for (answer, status, reason) in [
        (stream().body(complete(Some("Unhandled"))), 502, "function_error"),
        (stream().body(piece("{\"statusCode\"")), 502, "unreachable"),
        (stream().body([piece("{7}\0\0\0\0\0\0\0\0"), complete(None)].concat()), 502, "malformed_answer"),
        (stream().body("not a frame of any kind"), 502, "unreachable"),
        (Answer::new(429).body("{}"), 503, "throttled"),
        (Answer::ok("{}"), 502, "service_error"),
        (stream().live().0, 504, "timeout"),
    ] {
        world.lambda.push(answer);
        check(&world, &get(world.address, "GET", "/").await, status, reason).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_waits_for_streams() {
    let world = streaming(|_| {}).await;
    let (mut client, pieces) = begun(&world).await;
    let address = world.address;
    let drained = tokio::spawn(world.gateway.drain());
    crate::world::refuses(address).await;
    pieces.try_send(piece("late")).unwrap();
    assert_eq!(client.bytes(9).await, "4\r\nlate\r\n");
    assert!(!drained.is_finished());
    pieces.try_send(complete(None)).unwrap();
    drop(pieces);
    assert_eq!(client.end().await, "0\r\n\r\n");
    tokio::time::timeout(PATIENCE, drained).await.expect("it ends").unwrap();
}
