//! HTTP/2 on the listeners: what it is for, and what it has been used for against others.

use std::time::Duration;

use lambridge_model::{Errors, Http2, Listener, Model, Target, Upstream};
use lambridge_testkit::{Answer, FakeApp};
use tokio::sync::Notify;

use crate::frames::{
    ACK, CONTINUATION, Client2, DATA, END_HEADERS, END_STREAM, Frame, GOAWAY, HEADERS, PING, RST_STREAM,
    SETTINGS, WINDOW_UPDATE, frame, head,
};
use crate::support::verdict;
use crate::world::{Client, MOMENT, PATIENCE, World, answer, f, start};

/// A gateway that takes HTTP/2 without TLS.
async fn world(change: impl FnOnce(&mut Model)) -> World {
    start(|model| {
        model.listeners[0].http2 = Http2::Cleartext;
        change(model);
    })
    .await
}

/// Others are served, over either protocol.
async fn harms_no_one(world: &World) {
    let mut other = Client::connect(world.address).await;
    assert_eq!(verdict(&other.get("/other").await).0, 200);
    let mut other = Client2::connect(world.address, &[]).await;
    other.ask(1, "/other").await;
    assert_eq!(other.body(1).await, "ok");
}

/// The code of a GOAWAY or a RST_STREAM.
fn code(frame: &Frame) -> u32 {
    let at = if frame.kind == GOAWAY { 4 } else { 0 };
    u32::from_be_bytes(frame.payload[at..at + 4].try_into().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_at_once_in_any_order() {
    let world = world(|_| {}).await;
    let told: [std::sync::Arc<Notify>; 2] = [Notify::new().into(), Notify::new().into()];
    world.lambda.push(answer("first").when(&told[0]));
    let mut client = Client2::connect(world.address, &[]).await;
    client.ask(1, "/first").await;
    world.lambda.wait_for(1).await;
    world.lambda.push(answer("second").when(&told[1]));
    client.ask(3, "/second").await;
    world.lambda.wait_for(2).await;
    client.ask(5, "/third?x=1").await;
    assert_eq!(client.body(5).await, "ok");
    told[1].notify_one();
    assert_eq!(client.body(3).await, "second");
    told[0].notify_one();
    assert_eq!(client.body(1).await, "first");
    let event = world.lambda.requests()[2].text();
    for part in [
        r#""rawPath":"/third""#,
        r#""rawQueryString":"x=1""#,
        r#""protocol":"HTTP/2.0""#,
        r#""host":"localhost""#,
    ] {
        assert!(event.contains(part), "{part} in {event}");
    }
    assert_eq!(world.lines.wait_for(3).await.len(), 3);
    // The same listener takes HTTP/1.1.
    harms_no_one(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_cookies_and_services() {
    let app = FakeApp::answering(Answer::ok("fine").header("connection", "x-hop").header("x-hop", "1"));
    let url = format!("http://{}", app.address());
    let world = world(|model| model.routes[0].target = Target::Upstream(Upstream::new(url))).await;
    let mut client = Client2::connect(world.address, &[]).await;
    let fields = [("cookie", "a=1"), ("cookie", "b=2"), ("te", "trailers"), ("content-length", "8")];
    client.send(&frame(HEADERS, END_HEADERS, 1, &head("POST", "/a", &fields))).await;
    client.send(&frame(DATA, 0, 1, b"part")).await;
    client.send(&frame(DATA, END_STREAM, 1, b"part")).await;
    assert_eq!(client.body(1).await, "fine");
    let got = &app.requests()[0];
    assert_eq!((got.text(), got.header("host")), ("partpart".to_owned(), Some("localhost".to_owned())));
    assert_eq!(got.header_all("cookie"), ["a=1; b=2"]);
    assert_eq!(got.header_all("content-length"), ["8"]);
    assert_eq!(got.header("te"), None);
    let line = world.lines.wait_for(1).await.remove(0);
    assert!(line.contains(" 200 ") && !line.contains("reason="), "{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_where_it_is_asked_for() {
    for http2 in [Http2::Auto, Http2::Off] {
        let world = start(|model| model.listeners[0].http2 = http2).await;
        let mut client = Client::connect(world.address).await;
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        assert!(client.end().await.starts_with("HTTP/1.1 400 "), "{http2:?}");
    }
}

/// RFC 9113 sections 8.1.1, 8.2, 8.3: malformed requests are no requests.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests() {
    let world = world(|_| {}).await;
    let rows: [(&str, &[(&str, &str)]); 10] = [
        ("/", &[("Upper", "case")]),
        ("/", &[("connection", "close")]),
        ("/", &[("transfer-encoding", "chunked")]),
        ("/", &[("x", "a\r\nb: c")]),
        ("/", &[(":late", "pseudo")]),
        ("/", &[("content-length", "5")]),
        ("/", &[("te", "gzip")]),
        ("/", &[("keep-alive", "5")]),
        ("/", &[("upgrade", "h2c")]),
        ("", &[]),
    ];
    for (path, fields) in rows {
        let mut client = Client2::connect(world.address, &[]).await;
        client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &head("GET", path, fields))).await;
        let frames = client.until(|frame| matches!(frame.kind, RST_STREAM | GOAWAY)).await;
        assert!(frames.last().is_some_and(|frame| code(frame) != 0), "{fields:?}: {frames:?}");
    }
    // What h2 lets through is refused as everywhere: two hosts, a tunnel.
    for (method, fields) in [("GET", &[("host", "other")][..]), ("CONNECT", &[])] {
        let mut client = Client2::connect(world.address, &[]).await;
        let block = match method {
            "CONNECT" => {
                [crate::frames::field(":method", method), crate::frames::field(":authority", "h:1")].concat()
            }
            _ => head(method, "/", fields),
        };
        client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)).await;
        assert!(client.body(1).await.contains("bad_request"), "{method}");
    }
    assert!(world.lambda.requests().is_empty());
    harms_no_one(&world).await;
}

/// CVE-2023-44487: requests that are reset as soon as they are sent cost the other side more than the client.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rapid_resets_end_the_connection() {
    let world = world(|model| f(model).concurrency.max = 4).await;
    let mut client = Client2::connect(world.address, &[]).await;
    let mut ended = false;
    for index in 0..20_000 {
        let stream = 2 * index + 1;
        let mut pair = frame(HEADERS, END_HEADERS | END_STREAM, stream, &head("GET", "/", &[]));
        pair.extend(frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes()));
        if client.try_send(&pair).await.is_err() {
            ended = true;
            break;
        }
    }
    if !ended {
        client.until(|_| false).await;
    }
    assert!(world.lambda.requests().len() < 2_000, "{}", world.lambda.requests().len());
    harms_no_one(&world).await;
}

/// The same with calls that last, and are finished though nobody waits for them: few begin. CVE-2025-8671 is the same, too:
/// a client makes the server reset streams whose requests it has taken, by a window moved by nothing, or too far.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resets_begin_few_calls() {
    for (kind, word) in [(RST_STREAM, 8), (WINDOW_UPDATE, 0), (WINDOW_UPDATE, u32::MAX >> 1)] {
        let world = world(|_| {}).await;
        let told: std::sync::Arc<Notify> = Notify::new().into();
        for _ in 0..5_000 {
            world.lambda.push(answer("held").when(&told));
        }
        let mut client = Client2::connect(world.address, &[]).await;
        for index in 0..5_000 {
            let stream = 2 * index + 1;
            let mut pair = frame(HEADERS, END_HEADERS | END_STREAM, stream, &head("GET", "/", &[]));
            pair.extend(frame(kind, 0, stream, &word.to_be_bytes()));
            if client.try_send(&pair).await.is_err() {
                break;
            }
        }
        client.until(|_| false).await;
        assert!(world.lambda.requests().len() <= 400, "{}", world.lambda.requests().len());
    }
}

/// A browser that thinks better of a few is no attacker.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_few_resets_do_no_harm() {
    let world = world(|_| {}).await;
    let mut client = Client2::connect(world.address, &[]).await;
    for index in 0..50 {
        let stream = 4 * index + 1;
        client.ask(stream, "/").await;
        client.send(&frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())).await;
        client.ask(stream + 2, "/").await;
        assert_eq!(client.body(stream + 2).await, "ok");
    }
}

/// CVE-2024-27919 and its like: a head that never ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_continuations_ends_the_connection() {
    let world = world(|_| {}).await;
    let mut client = Client2::connect(world.address, &[]).await;
    client.send(&frame(HEADERS, END_STREAM, 1, &head("GET", "/", &[]))).await;
    let piece = frame(CONTINUATION, 0, 1, &crate::frames::field("x-filler", &"x".repeat(1000)));
    let mut sent = 0;
    while sent < 100_000 && client.try_send(&piece).await.is_ok() {
        sent += 1;
    }
    assert!(sent < 100_000, "it is not taken without end");
    assert!(world.lambda.requests().is_empty());
    harms_no_one(&world).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_is_too_large() {
    let world = world(|model| model.limits.head = 4 << 10).await;
    let mut client = Client2::connect(world.address, &[]).await;
    let filler = "x".repeat(6000);
    let block = head("GET", "/", &[("x-filler", &filler)]);
    client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)).await;
    let frames = client.until(|frame| matches!(frame.kind, RST_STREAM | GOAWAY | HEADERS)).await;
    assert!(frames.last().is_some_and(|frame| frame.stream == 1 || frame.kind == GOAWAY), "{frames:?}");
    assert!(world.lambda.requests().is_empty());
    harms_no_one(&world).await;
}

/// CVE-2019-9515, CVE-2019-9512: settings and pings ask for an acknowledgement each; a client that reads none gets no
/// more attention than fits its window.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn floods_of_settings_and_pings_harm_no_one() {
    let world = world(|model| model.limits.idle = Duration::from_secs(1)).await;
    for one in
        [frame(SETTINGS, 0, 0, &[]), frame(PING, 0, 0, &[0; 8]), frame(WINDOW_UPDATE, 0, 0, &[0, 0, 0, 1])]
    {
        let mut client = Client2::connect(world.address, &[]).await;
        let many = one.repeat(1000);
        // Nothing is read: at some point nothing is taken any more, or the connection is ended.
        let flood = async { while client.try_send(&many).await.is_ok() {} };
        let ended = tokio::time::timeout(Duration::from_secs(3), flood).await;
        harms_no_one(&world).await;
        drop(ended);
    }
}

/// CVE-2019-9518, CVE-2019-9511 and their like: frames that cost more to take than to send. A body in the smallest of
/// pieces is a body; one of nothing at all ends with its connection or its time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_in_the_smallest_pieces() {
    let world = world(|model| model.limits.body_timeout = Duration::from_secs(1)).await;
    let mut client = Client2::connect(world.address, &[]).await;
    let text = head("POST", "/", &[("content-type", "text/plain")]);
    client.send(&frame(HEADERS, END_HEADERS, 1, &text)).await;
    client.send(&frame(DATA, 0, 1, b"x").repeat(500)).await;
    client.send(&frame(DATA, END_STREAM, 1, b"")).await;
    assert_eq!(client.body(1).await, "ok");
    assert!(world.lambda.requests()[0].text().contains(&"x".repeat(500)));
    for piece in [&b""[..], b"x"] {
        let mut client = Client2::connect(world.address, &[]).await;
        client.send(&frame(HEADERS, END_HEADERS, 1, &text)).await;
        let many = frame(DATA, 0, 1, piece).repeat(1000);
        let flood = async { while client.try_send(&many).await.is_ok() {} };
        tokio::time::timeout(PATIENCE, flood).await.expect("the connection is ended");
        harms_no_one(&world).await;
    }
}

/// A head is as large as what it stands for (RFC 9113 section 6.5.2), not as the few bytes that say so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_unpacks_to_too_much() {
    let world = world(|_| {}).await;
    let mut client = Client2::connect(world.address, &[]).await;
    // RFC 7541 section 6.2.1: a literal that enters the dynamic table, where 62 is its index; then that, again and again.
    let mut block = head("GET", "/", &[]);
    let mut bomb = crate::frames::field("x-bomb", &"x".repeat(3900));
    bomb[0] = 0x40;
    block.extend(bomb);
    block.extend([0x80 | 62; 10_000]);
    client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &block)).await;
    let frames = client.until(|frame| matches!(frame.kind, RST_STREAM | GOAWAY | HEADERS)).await;
    assert!(frames.last().is_some_and(|frame| frame.stream == 1 || frame.kind == GOAWAY), "{frames:?}");
    assert!(world.lambda.requests().is_empty());
    harms_no_one(&world).await;
}

/// RFC 9113 section 8.1: trailers end a request, and are no fields of its head.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trailers_end_here() {
    let world = world(|_| {}).await;
    let mut client = Client2::connect(world.address, &[]).await;
    let text = head("POST", "/", &[("content-type", "text/plain")]);
    client.send(&frame(HEADERS, END_HEADERS, 1, &text)).await;
    client.send(&frame(DATA, 0, 1, b"abc")).await;
    client.send(&frame(HEADERS, END_HEADERS | END_STREAM, 1, &crate::frames::field("x-user", "root"))).await;
    assert_eq!(client.body(1).await, "ok");
    let event = world.lambda.requests()[0].text();
    assert!(event.contains(r#""body":"abc""#) && !event.contains("root"), "{event}");
}

/// RFC 9113 section 6.8: a client that goes still gets what it has asked for; one that says it and goes on is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_says_it_goes() {
    let world = world(|_| {}).await;
    let told: std::sync::Arc<Notify> = Notify::new().into();
    world.lambda.push(answer("last").when(&told));
    let mut client = Client2::connect(world.address, &[]).await;
    client.ask(1, "/").await;
    world.lambda.wait_for(1).await;
    client.send(&frame(GOAWAY, 0, 0, &[0; 8])).await;
    told.notify_one();
    assert_eq!(client.body(1).await, "last");
    client.until(|_| false).await;
    harms_no_one(&world).await;
}

/// Whoever sends everything but requests is idle.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_without_requests_end() {
    let world = world(|model| model.limits.idle = Duration::from_secs(1)).await;
    let mut begun = Client2::connect(world.address, &[]).await;
    begun.send(&frame(HEADERS, END_STREAM, 1, &head("GET", "/", &[]))).await;
    let quiet = Client2::connect(world.address, &[]).await;
    let mut used = Client2::connect(world.address, &[]).await;
    used.ask(1, "/").await;
    assert_eq!(used.body(1).await, "ok");
    for mut client in [begun, quiet, used] {
        let frames = client.until(|_| false).await;
        assert!(frames.iter().any(|frame| frame.kind == GOAWAY), "{frames:?}");
    }
}

/// A window of 0 holds an answer back, for as long as the client is waited for; other streams go on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_is_not_taken_is_reset() {
    let world = world(|model| model.limits.idle = Duration::from_millis(500)).await;
    let long = "x".repeat(1 << 20);
    world.lambda.push(answer(&long));
    // SETTINGS_INITIAL_WINDOW_SIZE: what a stream may get before it asks for more.
    let mut client = Client2::connect(world.address, &[(4, 10)]).await;
    client.ask(1, "/").await;
    let frames = client.until(|frame| frame.kind == RST_STREAM && frame.stream == 1).await;
    let got: usize = frames.iter().filter(|frame| frame.kind == DATA).map(|frame| frame.payload.len()).sum();
    assert_eq!(got, 10, "what the window lets through");
    client.ask(3, "/").await;
    assert_eq!(client.body(3).await, "ok", "the connection works");
}

/// Answers that nobody takes are memory that others cannot have, and no more of it than is allowed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_are_not_taken_count() {
    let world = world(|model| model.limits.buffered_total = 1 << 20).await;
    let long = "x".repeat(600 << 10);
    let mut client = Client2::connect(world.address, &[(4, 0)]).await;
    for stream in [1, 3] {
        world.lambda.push(answer(&long));
        client.ask(stream, "/").await;
        client.until(|frame| frame.kind == HEADERS && frame.stream == stream).await;
    }
    let mut other = Client::connect(world.address).await;
    assert_eq!(verdict(&other.get("/").await), (503, "overloaded".to_owned()));
    assert_eq!(world.lambda.requests().len(), 2);
    drop(client);
    let served = async {
        // It takes a moment to see that a client has gone.
        while verdict(&Client::connect(world.address).await.get("/").await).0 != 200 {}
    };
    tokio::time::timeout(PATIENCE, served).await.expect("what it held is there again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_answer_comes_whole() {
    let world = world(|_| {}).await;
    let long: String = (0..300_000).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
    world.lambda.push(answer(&long));
    let mut client = Client2::connect(world.address, &[(4, 1 << 30)]).await;
    client.send(&frame(WINDOW_UPDATE, 0, 0, &(1_u32 << 30).to_be_bytes())).await;
    client.ask(1, "/").await;
    assert!(client.body(1).await == long);
    assert!(client.is_silent(MOMENT).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_streams_than_are_allowed_are_refused() {
    let world = world(|model| f(model).timeout = Duration::from_secs(60)).await;
    let told: std::sync::Arc<Notify> = Notify::new().into();
    for _ in 0..100 {
        world.lambda.push(answer("held").when(&told));
    }
    let mut client = Client2::connect(world.address, &[]).await;
    client.until(|frame| frame.kind == SETTINGS && frame.flags & ACK != 0).await;
    for index in 0..101 {
        client.ask(2 * index + 1, "/").await;
    }
    let frames = client.until(|frame| frame.kind == RST_STREAM).await;
    let refused = frames.last().unwrap();
    // REFUSED_STREAM: it may be sent again elsewhere.
    assert_eq!((refused.stream, code(refused)), (201, 7));
    assert!(world.lambda.requests().len() <= 100);
    drop(client);
    harms_no_one_with_a_held_lambda(&world).await;
}

async fn harms_no_one_with_a_held_lambda(world: &World) {
    let mut model = world.model.clone();
    model.listeners.push(Listener { errors: Errors::Runway, ..Listener::new(([127, 0, 0, 1], 0).into()) });
    world.gateway.reload(model).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_lets_streams_end() {
    let world = world(|model| model.drain.deadline = Duration::from_secs(20)).await;
    let told: std::sync::Arc<Notify> = Notify::new().into();
    world.lambda.push(answer("last").when(&told));
    let mut client = Client2::connect(world.address, &[]).await;
    client.ask(1, "/").await;
    world.lambda.wait_for(1).await;
    let drained = tokio::spawn(world.gateway.drain());
    let frames = client.until(|frame| frame.kind == GOAWAY).await;
    assert_eq!(code(frames.last().unwrap()), 0);
    told.notify_one();
    assert_eq!(client.body(1).await, "last");
    client.until(|_| false).await;
    drained.await.unwrap();
}
