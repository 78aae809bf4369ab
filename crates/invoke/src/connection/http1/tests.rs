//! Each answer by example, at any split; beside hyper's client they are read in `wire`.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(3600)
}

fn message(payload: &'static [u8]) -> Message {
    let head = format!("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: {}\r\n\r\n", payload.len());
    Message::new(head.into_bytes(), Bytes::from_static(payload))
}

/// What a client makes of an answer: its body, whether another request may follow; or what went wrong.
type Seen = Result<(Vec<u8>, bool), ()>;

/// A server that takes one request and gives `answer` in pieces of `size` bytes, then closes if `closes`; else it stays.
async fn serve(mut server: DuplexStream, answer: Vec<u8>, size: usize, closes: bool) {
    let mut seen = Vec::new();
    while !seen.ends_with(b"\r\n\r\n{}") {
        if server.read_buf(&mut seen).await.unwrap_or(0) == 0 {
            return;
        }
    }
    for piece in answer.chunks(size) {
        if server.write_all(piece).await.is_err() {
            return;
        }
        tokio::task::yield_now().await;
    }
    if !closes {
        let _ = server.read_buf(&mut seen).await;
    }
}

async fn ours(answer: &[u8], size: usize, closes: bool) -> Seen {
    let (client, server) = duplex(size.max(64));
    let serving = tokio::spawn(serve(server, answer.to_vec(), size, closes));
    let mut link = Http1::new(client);
    let outcome = async {
        link.send(&message(b"{}"), deadline()).await.map_err(|_| ())?;
        link.whole(1 << 20).await.map_err(|_| ())
    };
    let mut seen = outcome.await.map(|body| (body.to_vec(), false));
    if let Ok((_, again)) = &mut seen {
        // What the server says beyond its answer has the time to come.
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        *again = poll_fn(|cx| Poll::Ready(link.poll_usable(cx))).await;
    }
    drop(link);
    serving.await.unwrap();
    seen
}

#[track_caller]
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(Duration::from_secs(60), future).await.expect("it ends") })
}

#[track_caller]
fn check(answer: &str, expect: Result<(&str, bool), ()>) {
    let expect: Seen = expect.map(|(body, again)| (body.as_bytes().to_vec(), again));
    let closes = expect.is_err() || !answer.contains("\r\ncontent-length") && !answer.contains("chunked");
    for size in [1, 2, 3, 7, 1000] {
        assert_eq!(block_on(ours(answer.as_bytes(), size, closes)), expect, "{answer:?} by {size}");
    }
}

#[test]
fn framing() {
    check("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", Ok(("hello", true)));
    check("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", Ok(("", true)));
    check("HTTP/1.1 200 OK\r\ncontent-length: 2, 2\r\n\r\nok", Ok(("ok", true)));
    check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nokk", Err(()));
    check("HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nok", Err(()));
    check("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel", Err(()));
    check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok and more", Ok(("ok", false)));
    check("HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: x, Close\r\n\r\nok", Ok(("ok", false)));
    check("HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok", Ok(("ok", false)));
    check("HTTP/1.1 200 OK\r\n\r\nup to the end", Ok(("up to the end", false)));
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nbytes", Ok(("bytes", false)));
    check("HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n", Ok(("", true)));
    check("HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\n", Ok(("", true)));
    check(
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 E\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx",
        Ok(("x", true)),
    );
    check("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", Err(()));
    check("nonsense\r\n\r\n", Err(()));
    check("", Err(()));
}

#[test]
fn chunks() {
    const HEAD: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (body, expect) in [
        ("2\r\nok\r\n0\r\n\r\n", Ok(("ok", true))),
        ("2;a=\"b\"\r\nok\r\nA \r\n0123456789\r\n000\r\nx: y\r\nz: \r\n\r\n", Ok(("ok0123456789", true))),
        ("0\r\n\r\n", Ok(("", true))),
        ("2\r\nok\r\n0\r\n\r\nmore", Ok(("ok", false))),
        ("2\r\nok\r\n0\r\n", Err(())),
        ("2\r\nokx\r\n0\r\n\r\n", Err(())),
        ("2\nok\n0\n\n", Err(())),
        ("\r\nok\r\n", Err(())),
        ("-1\r\n", Err(())),
        ("1g\r\n", Err(())),
        ("fffffffffffffffff\r\n", Err(())),
    ] {
        check(&format!("{HEAD}{body}"), expect);
    }
    // Two ways to say the length: the body is read, and nothing is trusted to follow.
    let both = HEAD.replace("\r\n\r\n", "\r\ncontent-length: 50\r\n\r\n");
    check(&format!("{both}2\r\nok\r\n0\r\n\r\n"), Ok(("ok", false)));
    check(&format!("{HEAD}{}", "1;".to_owned() + &"x".repeat(9000) + "\r\nx"), Err(()));
    check(&format!("{HEAD}0\r\n{}", "a: b\r\n".repeat(9000)), Err(()));
}

#[test]
fn bounds() {
    let long = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(HEAD + READ));
    assert!(block_on(ours(long.as_bytes(), 1 << 16, false)).is_err());
    let limited = |answer: &'static str| {
        block_on(async {
            let (client, server) = duplex(64);
            let serving = tokio::spawn(serve(server, answer.into(), 9, true));
            let mut link = Http1::new(client);
            link.send(&message(b"{}"), deadline()).await.unwrap();
            let outcome = link.whole(4).await;
            drop(link);
            serving.await.unwrap();
            outcome
        })
    };
    for (answer, fits) in [
        ("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfour", true),
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfives", false),
        ("HTTP/1.1 200 OK\r\ncontent-length: 999999999999999999\r\n\r\nfives", false),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfives\r\n0\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\n\r\nfives", false),
    ] {
        let outcome = limited(answer);
        assert!(if fits { outcome.is_ok() } else { matches!(outcome, Err(Broken::TooLarge)) }, "{answer}");
    }
}

/// A payload that is sent in one piece with its head, and one that is not.
#[tokio::test]
async fn requests_arrive_whole() {
    for length in [0, 1, JOIN, JOIN + 1, 100_000] {
        let payload = Bytes::from("p".repeat(length));
        let (client, mut server) = duplex(1000);
        let sent = payload.clone();
        let task = tokio::spawn(async move {
            let mut link = Http1::new(client);
            link.send(&Message::new(b"HEAD\r\n\r\n".to_vec(), sent), deadline()).await.map(|_| ())
        });
        let mut seen = vec![0; 8 + length];
        server.read_exact(&mut seen).await.unwrap();
        server.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        task.await.unwrap().unwrap();
        assert_eq!((&seen[..8], &seen[8..]), (&b"HEAD\r\n\r\n"[..], &payload[..]));
    }
}

/// A server that refuses before it has read all: the refusal is the outcome, and the connection is done for.
#[tokio::test]
async fn an_answer_before_the_request_has_left() {
    let (client, mut server) = duplex(1000);
    let mut link = Http1::new(client);
    let message = Message::new(b"POST / HTTP/1.1\r\n\r\n".to_vec(), Bytes::from(vec![b'x'; 1 << 20]));
    let (head, ()) = tokio::join!(link.send(&message, deadline()), async {
        let mut some = [0; 10];
        server.read_exact(&mut some).await.unwrap();
        server.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
    });
    let outcome = crate::answer::read(head.unwrap(), link.whole(10).await.unwrap());
    assert!(matches!(outcome, Err(crate::InvokeError::TooLarge)), "{outcome:?}");
    assert!(!link.is_at_rest());
}

#[tokio::test]
async fn what_was_sent_is_known_of_a_failure() {
    // Closed before the first byte.
    let (client, server) = duplex(1000);
    drop(server);
    let outcome = Http1::new(client).send(&message(b"{}"), deadline()).await;
    assert!(matches!(outcome, Err(Broken::Unsent(_))), "{outcome:?}");
    // Closed after some.
    let (client, mut server) = duplex(10);
    let mut link = Http1::new(client);
    let call = message(b"{}");
    let (outcome, ()) = tokio::join!(link.send(&call, deadline()), async {
        server.read_exact(&mut [0; 5]).await.unwrap();
        drop(server);
    });
    assert!(matches!(outcome, Err(Broken::Sent(_))), "{outcome:?}");
}

/// Shorter and longer ones than the one before, on one connection: none rings for another.
#[tokio::test]
async fn each_call_has_its_own_deadline() {
    let (client, mut server) = duplex(1000);
    let mut link = Http1::new(client);
    for wait in [3600, 7200, 1800, 3600] {
        let call = message(b"{}");
        let (head, ()) = tokio::join!(link.send(&call, Instant::now() + Duration::from_secs(wait)), async {
            tokio::task::yield_now().await;
            server.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nx").await.unwrap();
        });
        assert!(head.is_ok(), "{wait}");
        assert_eq!(link.whole(1).await.unwrap(), "x");
    }
    let begins: [&[u8]; 3] =
        [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nx", b"HTTP/1.1 200 OK\r\n\r\nx"];
    for begin in begins {
        server.write_all(begin).await.unwrap();
        let call = message(b"{}");
        let outcome = async {
            link.send(&call, Instant::now() + Duration::from_millis(5)).await?;
            link.whole(9).await
        };
        let outcome = outcome.await;
        assert!(matches!(outcome, Err(Broken::Late { sent: true })), "{outcome:?}");
        assert!(!link.is_at_rest() || begin.is_empty());
        // Such a connection is closed; here it goes on as if new, with the timer it had.
        link.buffer.clear();
        link.body = Body::Ended;
    }
}

/// A connection at rest is usable until the server says anything, or ends.
#[tokio::test]
async fn rest() {
    for end in [None, Some(&b"HTTP/1.1 408 Request Timeout\r\n\r\n"[..]), Some(b"")] {
        let (client, mut server) = duplex(1000);
        let mut link = Http1::new(client);
        assert!(poll_fn(|cx| Poll::Ready(link.poll_usable(cx))).await);
        match end {
            None => {}
            Some(b"") => drop(server),
            Some(bytes) => server.write_all(bytes).await.unwrap(),
        }
        assert_eq!(poll_fn(|cx| Poll::Ready(link.poll_usable(cx))).await, end.is_none());
    }
}
