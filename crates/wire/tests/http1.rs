//! HTTP/1.1 answers beside hyper's client: whatever a server sends, by pieces of any size.

#![allow(clippy::unwrap_used)] // A file of tests: helpers outside of test functions panic as they do.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::TokioIo;
use lambridge_wire::http1::{Asked, Body, Front, Step, front};
use proptest::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

/// Status and body; or it was no answer, or not a whole one.
type Seen = Result<(u16, Vec<u8>), ()>;

/// As a client reads it whose reads give `size` bytes each, up to the end of the connection.
fn ours(answer: &[u8], size: usize, asked: Asked) -> Seen {
    let (mut at, mut there, mut head, mut data) = (0, 0, None::<(u16, Body)>, Vec::new());
    loop {
        let unread = &answer[at..there];
        let used = match &mut head {
            None => match front::<16>(unread, asked, |_, _, _| ()).map_err(|_| ())? {
                Front::Final { length, status, body, .. } => {
                    head = Some((status, body));
                    Some(length)
                }
                Front::Interim(length) => Some(length),
                Front::More => None,
            },
            Some((status, body)) => match body.step(unread).map_err(|_| ())? {
                Step::Data(length) => {
                    data.extend_from_slice(&unread[..length]);
                    Some(length)
                }
                Step::Frame(length) => Some(length),
                Step::End => return Ok((*status, data)),
                Step::More if there == answer.len() && *body == Body::ToTheEnd => return Ok((*status, data)),
                Step::More => None,
            },
        };
        match used {
            Some(used) => at += used,
            None if there == answer.len() => return Err(()),
            None => there = (there + size).min(answer.len()),
        }
    }
}

async fn hypers(answer: Vec<u8>, size: usize, asked: Asked) -> Seen {
    let (client, mut server) = duplex(1000);
    let serving = tokio::spawn(async move {
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n\r\n") {
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
    });
    let (mut sender, driver) = hyper::client::conn::http1::handshake(TokioIo::new(client)).await.unwrap();
    let driver = tokio::spawn(driver);
    let method = if asked == Asked::HeadOnly { "HEAD" } else { "GET" };
    let request = http::Request::builder().method(method).header("host", "h").body(Empty::<Bytes>::new());
    let seen = async {
        let answer = sender.send_request(request.unwrap()).await.map_err(|_| ())?;
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(|_| ())?;
        Ok((status, body.to_bytes().to_vec()))
    }
    .await;
    drop(sender);
    let _ = driver.await;
    serving.await.unwrap();
    seen
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap()
        .block_on(async { tokio::time::timeout(Duration::from_secs(60), future).await.expect("it ends") })
}

proptest! {
    // Failures become rows beside the code, not files.
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 300, ..ProptestConfig::default() })]

    /// Whatever comes ends, is the same at any split, and where hyper reads an answer it is the same one.
    #[test]
    fn hyper_reads_the_same(
        status in prop_oneof![Just("200 OK"), Just("204 No"), Just("304 No"), Just("500 "), Just("1x0 "), Just("103 E")],
        fields in proptest::collection::vec(prop_oneof![
            Just("content-length: 4"), Just("Content-Length: 3"), Just("transfer-encoding: chunked"),
            Just("transfer-encoding: gzip, chunked"), Just("connection: close"), Just("connection: keep-alive"),
            Just("x: y"), Just("bad field: y"), Just("x:"),
        ], 0..4),
        body in prop_oneof![
            Just(""), Just("four"), Just("4\r\nfour\r\n0\r\n\r\n"), Just("1\r\na\r\n2;x\r\nbc\r\n0\r\na: b\r\n\r\n"), Just("4\r\nfo"),
            Just("zz"), Just("4\r\nfourx"), Just("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        ],
        asked in prop_oneof![Just(Asked::Body), Just(Asked::HeadOnly)],
        size in 1_usize..60,
    ) {
        let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
        let answer = format!("HTTP/1.1 {status}\r\n{fields}\r\n{body}").into_bytes();
        let found = ours(&answer, size, asked);
        prop_assert_eq!(&found, &ours(&answer, answer.len(), asked), "by {}", size);
        // hyper takes some answers for whole that we call broken; never the other way round.
        match (found, block_on(hypers(answer, size, asked))) {
            (Ok(found), Ok(theirs)) => prop_assert_eq!(found, theirs),
            (Ok(found), Err(())) => prop_assert!(false, "only we read {found:?}"),
            (Err(()), _) => {}
        }
    }
}
