//! The guard's reading of a client's bytes beside hyper's own.
//!
//! What the guard lets through must be to hyper what it is to the guard: as many messages, each with the same head and
//! the same body. One byte of difference would let a client hide a request inside another's body. [`agree`] reads
//! arbitrary bytes both ways; the property test below feeds it messages that are nearly right, the fuzz target
//! `head_guard` whatever finds a new way through either parser.

use std::cell::RefCell;
use std::convert::Infallible;
use std::ops::Range;
use std::rc::Rc;

use bytes::Bytes;
use http::{Request, Uri};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncWriteExt as _;

use super::framing::{Fault, Framing};

/// Heads of the fuzzed sizes fit, longer ones are refused.
const HEAD_MAX: usize = 4096;

/// A message as both readers can tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Message {
    method: String,
    target: String,
    body: Vec<u8>,
}

/// Panics where hyper reads accepted bytes in another way than the guard.
pub(crate) fn agree(bytes: &[u8]) {
    let (accepted, messages) = by_guard(bytes);
    let (read, closed) = by_hyper(&bytes[..accepted]);
    let shown = || String::from_utf8_lossy(&bytes[..accepted]).into_owned();
    assert!(read.len() <= messages.len(), "hyper sees more: {read:?} {messages:?} in {:?}", shown());
    assert_eq!(read, messages[..read.len()], "in {:?}", shown());
    assert!(
        read.len() == messages.len() || closed,
        "hyper stops early: {read:?} {messages:?} in {:?}",
        shown()
    );
}

/// The messages that the guard passes on whole, and where the last of them ends.
fn by_guard(bytes: &[u8]) -> (usize, Vec<Message>) {
    let mut framing = Framing::new(HEAD_MAX);
    let (mut messages, mut start, mut head_end) = (Vec::new(), 0, None);
    let mut passed = 0;
    // Byte by byte, so that every boundary is seen; other splits must find the same, which is checked below.
    for end in 1..=bytes.len() {
        let scan = framing.scan(&bytes[passed..end]);
        passed += scan.passed;
        if scan.heads == 1 {
            head_end = Some(passed);
        }
        if scan.fault.is_some() {
            break;
        }
        if let Some(head) = head_end.filter(|_| framing.is_in_head()) {
            messages.push(message(&bytes[start..head], &bytes[head..passed]));
            (start, head_end) = (passed, None);
        }
    }
    whole_is_the_same(bytes, messages.len(), passed);
    (start, messages)
}

/// Reading in one piece finds what reading in single bytes finds.
fn whole_is_the_same(bytes: &[u8], complete: usize, passed: usize) {
    let mut framing = Framing::new(HEAD_MAX);
    let scan = framing.scan(bytes);
    let complete_here = scan.heads as usize - usize::from(!framing.is_in_head());
    match scan.fault {
        // The broken chunk's first bytes may have gone on.
        Some(Fault::Body) => assert_eq!(scan.heads as usize - 1, complete),
        _ => assert_eq!((complete_here, scan.passed), (complete, passed)),
    }
    if scan.fault.is_some()
        && let Some(line) = framing.request_line(&bytes[scan.passed..])
    {
        stands_in(line);
    }
}

/// The line of a refused head is a request's, whatever was wrong behind it: hyper is to read it in the head's place.
fn stands_in(line: &[u8]) {
    let head = [line, b"host: refused.invalid\r\nconnection: close\r\n\r\n"].concat();
    let (read, closed) = by_hyper(&head);
    assert!(read.len() == 1 && closed, "hyper reads {read:?} in {:?}", String::from_utf8_lossy(line));
}

/// Splits a head by its blanks, and takes a body's framing off.
fn message(head: &[u8], body: &[u8]) -> Message {
    let head = String::from_utf8_lossy(head).into_owned();
    let head = head.trim_start_matches("\r\n");
    let line = head.split("\r\n").next().unwrap_or_default();
    let mut parts = line.split(' ');
    let method = parts.next().unwrap_or_default().to_owned();
    // Both spell the same URI in one way: an absolute one without a path gets its `/`.
    let target: Uri =
        parts.next().unwrap_or_default().parse().expect("the guard lets no other target through");
    let is_chunked =
        head.split("\r\n").skip(1).any(|field| field.to_ascii_lowercase().starts_with("transfer-encoding:"));
    Message {
        method,
        target: target.to_string(),
        body: if is_chunked { unchunked(body) } else { body.to_vec() },
    }
}

/// The data of a chunked body that is known to be sound.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut data = Vec::new();
    loop {
        let line = memchr::memchr(b'\n', body).expect("a sound body has a line for every chunk");
        let digits: Vec<u8> = body[..line].iter().copied().take_while(u8::is_ascii_hexdigit).collect();
        let digits = String::from_utf8(digits).expect("digits are ASCII");
        let size = usize::from_str_radix(&digits, 16).expect("a sound size");
        if size == 0 {
            return data;
        }
        let chunk: Range<usize> = line + 1..line + 1 + size;
        data.extend_from_slice(&body[chunk.clone()]);
        body = &body[chunk.end + 2..];
    }
}

/// The messages that a bare hyper connection gives its service, and whether one of them closes the connection.
fn by_hyper(bytes: &[u8]) -> (Vec<Message>, bool) {
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime =
            tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers");
    }
    let seen = Rc::new(RefCell::new((Vec::new(), false)));
    let service = service_fn(|request: Request<Incoming>| {
        let seen = seen.clone();
        async move {
            let (head, body) = request.into_parts();
            let closes = head.version == http::Version::HTTP_10
                || head.headers.get_all("connection").iter().any(|value| {
                    String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase().contains("close")
                });
            // A body that breaks is no message.
            if let Ok(body) = body.collect().await {
                let (method, target) = (head.method.to_string(), head.uri.to_string());
                let mut seen = seen.borrow_mut();
                seen.0.push(Message { method, target, body: body.to_bytes().to_vec() });
                seen.1 |= closes;
            }
            Ok::<_, Infallible>(http::Response::new(Empty::<Bytes>::new()))
        }
    });
    let exchange = async {
        let (mut client, server) = tokio::io::duplex(1 << 20);
        client.write_all(bytes).await.expect("the pipe takes it all");
        client.shutdown().await.expect("the pipe is open");
        let http = http1::Builder::new()
            .header_read_timeout(None)
            .half_close(true)
            .serve_connection(TokioIo::new(server), service);
        // What hyper makes of an error shows in what it has seen.
        let _ = http.await;
        drop(client);
    };
    RUNTIME.with(|runtime| runtime.block_on(exchange));
    let (messages, closed) = seen.take();
    (messages, closed)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::{agree, by_guard};

    /// Lines that frame a body, rightly, wrongly and nearly.
    const FIELDS: [&str; 28] = [
        "content-length: 3",
        "content-length: 0",
        "content-length: 10",
        "Content-Length:5",
        "content-length: 03",
        "content-length: +3",
        "content-length: 3, 3",
        "content-length: 0x3",
        "content-length:\t4 ",
        "content-length: 18446744073709551615",
        "content-length: 18446744073709551616",
        "transfer-encoding: chunked",
        "Transfer-Encoding:CHUNKED",
        "transfer-encoding: chunked ",
        "transfer-encoding: identity",
        "transfer-encoding: gzip, chunked",
        "transfer-encoding: chunked, chunked",
        "transfer-encoding: \u{b}chunked",
        "transfer-encoding : chunked",
        "transfer_encoding: chunked",
        "x: y\r\n z",
        "expect: 100-continue",
        "connection: keep-alive",
        "connection: close",
        "connection: content-length",
        "upgrade: h2c",
        "te: trailers",
        "x-\u{e9}: \u{e9}",
    ];
    const BODIES: [&str; 16] = [
        "",
        "abc",
        "abcde",
        "0123456789",
        "3\r\nabc\r\n0\r\n\r\n",
        "3;x=y\r\nabc\r\n0\r\n\r\n",
        "3;x=\"\r\n\"\r\nabc\r\n0\r\n\r\n",
        "03\r\nabc\r\n00\r\n\r\n",
        "A\r\n0123456789\r\n0\r\n\r\n",
        "0\r\nx-t: 1\r\n\r\n",
        "0\r\nx-t: 1\r\n\tfolded\r\n\r\n",
        "0\r\ncontent-length: 3\r\n\r\n",
        "3 \r\nabc\r\n0\r\n\r\n",
        "3\nabc\n0\n\n",
        "ffffffffffffffff\r\nabc",
        "GET /inner HTTP/1.1\r\n\r\n",
    ];
    const LINES: [&str; 10] = [
        "POST /a HTTP/1.1",
        "GET / HTTP/1.1",
        "PUT /b?c HTTP/1.0",
        "OPTIONS * HTTP/1.1",
        "GET http://h/p HTTP/1.1",
        "CONNECT h:80 HTTP/1.1",
        "HEAD /h HTTP/1.1",
        "M-SEARCH /m HTTP/1.1",
        "POST /\u{e9} HTTP/1.1",
        "POST /a HTTP/1.2",
    ];

    fn message() -> impl Strategy<Value = String> {
        let fields = vec(select(&FIELDS[..]), 0..4);
        let body = prop_oneof![3 => select(&BODIES[..]), 1 => Just("")];
        (prop::bool::weighted(0.1), select(&LINES[..]), fields, body).prop_map(
            |(blank, line, fields, body)| {
                let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
                format!("{}{line}\r\n{fields}\r\n{body}", if blank { "\r\n" } else { "" })
            },
        )
    }

    /// Bytes that parsers have disagreed about before.
    fn slip() -> impl Strategy<Value = Vec<u8>> {
        let all: [&[u8]; 16] = [
            b"\r", b"\n", b"\r\n", b"\0", b" ", b"\t", b":", b",", b";", b"0", b"3", b"\x0b", b"\x85",
            b"\xa0", b"\xff", b"",
        ];
        select(all.map(<[u8]>::to_vec).to_vec())
    }

    /// A place, how many bytes go there, and what comes instead.
    fn slips() -> impl Strategy<Value = Vec<(prop::sample::Index, usize, Vec<u8>)>> {
        prop_oneof![2 => Just(Vec::new()), 3 => vec((any::<prop::sample::Index>(), 0..3_usize, slip()), 1..3)]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn hyper_reads_what_the_guard_reads(messages in vec(message(), 1..4), slips in slips()) {
            let mut bytes = messages.concat().into_bytes();
            for (at, gone, instead) in slips {
                let at = at.index(bytes.len() + 1);
                let end = (at + gone).min(bytes.len());
                bytes.splice(at..end, instead);
            }
            agree(&bytes);
        }
    }

    /// The property is worth something only if much of what is generated gets through.
    #[test]
    fn sound_messages_are_compared_at_all() {
        let framed = "POST /a HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc";
        let chunked = "POST /b HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n1\r\n\n\r\n0\r\nt: 1\r\n\r\n";
        let all = format!("{framed}\r\n{chunked}{framed}GET /half HTTP/1.1\r\n");
        let (accepted, messages) = by_guard(all.as_bytes());
        assert_eq!(accepted, all.len() - "GET /half HTTP/1.1\r\n".len());
        let bodies: Vec<&[u8]> = messages.iter().map(|message| &message.body[..]).collect();
        assert_eq!(bodies, [&b"abc"[..], b"abc\n", b"abc"]);
        agree(all.as_bytes());
    }
}
