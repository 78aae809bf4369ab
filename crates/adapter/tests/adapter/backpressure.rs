//! Streams as the Runtime API sees them on the wire: each piece at once, and no faster than it reads.

use std::time::Duration;

use lambridge_testkit::{Answer, FakeApp, FakeRuntime, Invocation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::sandbox::*;

/// A Runtime API with one event, which hands over the connection of the answer instead of reading it.
struct Reluctant {
    address: std::net::SocketAddr,
    answers: mpsc::Receiver<Posted>,
}

/// The connection of an answer, and what came with its head.
struct Posted {
    stream: TcpStream,
    body: Vec<u8>,
}

impl Reluctant {
    async fn start() -> Reluctant {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (hand_over, answers) = mpsc::channel(1);
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, hand_over.clone()));
            }
        });
        Reluctant { address, answers }
    }

    async fn answer(&mut self) -> Posted {
        tokio::time::timeout(SOON, self.answers.recv()).await.unwrap().unwrap()
    }
}

async fn serve(mut stream: TcpStream, hand_over: mpsc::Sender<Posted>) {
    let mut inbox = Vec::new();
    loop {
        let end = loop {
            if let Some(at) = inbox.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            if stream.read_buf(&mut inbox).await.unwrap_or(0) == 0 {
                return;
            }
        };
        let head = String::from_utf8_lossy(&inbox[..end]).into_owned();
        inbox.drain(..end);
        let answer = if head.starts_with("POST /2020-01-01/extension/register") {
            "HTTP/1.1 200 OK\r\nLambda-Extension-Identifier: x\r\nContent-Length: 2\r\n\r\n{}".to_owned()
        } else if head.starts_with("GET /2018-06-01/runtime/invocation/next") {
            format!(
                "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 1\r\nContent-Length: {}\r\n\r\n{V2}",
                V2.len()
            )
        } else if head.starts_with("POST /2018-06-01/runtime/invocation/1/response") {
            let _ = hand_over.send(Posted { stream, body: inbox }).await;
            return;
        } else {
            return std::future::pending().await;
        };
        // The register's body is what is left.
        inbox.clear();
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

impl Posted {
    /// Reads on until `text` has come.
    async fn until(&mut self, text: &[u8]) {
        while !self.body.windows(text.len()).any(|window| window == text) {
            let read = tokio::time::timeout(SOON, self.stream.read_buf(&mut self.body)).await.unwrap();
            assert!(read.unwrap() > 0, "{}", String::from_utf8_lossy(&self.body));
        }
    }
}

fn start(api: &Reluctant, app: &FakeApp) -> Adapter {
    Adapter::start(vec![
        ("AWS_LAMBDA_RUNTIME_API".to_owned(), api.address.to_string()),
        ("AWS_LWA_PORT".to_owned(), app.address().port().to_string()),
        ("AWS_LWA_READINESS_CHECK_PROTOCOL".to_owned(), "tcp".to_owned()),
        ("AWS_LWA_INVOKE_MODE".to_owned(), "response_stream".to_owned()),
        ("AWS_LAMBDA_LOG_LEVEL".to_owned(), "FATAL".to_owned()),
    ])
}

/// The second piece is sent when the first has arrived: an adapter that waited for more would wait for ever.
#[tokio::test]
async fn each_piece_goes_out_at_once() {
    let mut api = Reluctant::start().await;
    let (answer, pieces) = Answer::new(200).live();
    let app = FakeApp::answering(answer);
    let _adapter = start(&api, &app);
    // The head is there before any of the body.
    let mut posted = api.answer().await;
    posted.until(&[0; 8]).await;
    for piece in ["data: 1\n\n", "x", "data: 2\n\n"] {
        pieces.send(piece.into()).await.unwrap();
        posted.until(format!("{:X}\r\n{piece}\r\n", piece.len()).as_bytes()).await;
    }
    drop(pieces);
    posted.until(b"0\r\n").await;
}

/// An application that writes faster than Lambda reads has to wait; nothing is lost, and little is in between.
#[tokio::test]
async fn an_application_waits_for_lambda() {
    const PIECE: usize = 64 * 1024;
    let mut api = Reluctant::start().await;
    let (answer, pieces) = Answer::new(200).live();
    let app = FakeApp::answering(answer);
    let _adapter = start(&api, &app);
    let mut posted = api.answer().await;
    posted.until(&[0; 8]).await;
    // Sockets, the adapter's buffers and the fake's queue hold a few megabytes; an adapter that read on would take all.
    let mut sent = 0;
    while tokio::time::timeout(Duration::from_millis(500), pieces.send(vec![b'x'; PIECE])).await.is_ok() {
        sent += PIECE;
        assert!(sent < 256 * 1024 * 1024, "nobody waits");
    }
    drop(pieces);
    let mut received = posted.body.iter().filter(|byte| **byte == b'x').count();
    let mut end = Vec::new();
    while !end.ends_with(b"0\r\n\r\n") {
        let mut buffer = vec![0; PIECE];
        let read = tokio::time::timeout(SOON, posted.stream.read(&mut buffer)).await.unwrap().unwrap();
        assert!(read > 0, "{received} of {sent} bytes");
        received += buffer[..read].iter().filter(|byte| **byte == b'x').count();
        end.extend_from_slice(&buffer[..read]);
        end.drain(..end.len().saturating_sub(5));
    }
    assert_eq!(received, sent);
}

/// The head of an answer first, then the rest of a request that no socket's buffer holds, and then the answer's body.
#[tokio::test]
async fn an_application_may_answer_before_it_has_read_all() {
    const LENGTH: usize = 4_500_000;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let runtime = FakeRuntime::start();
    let tcp = [("AWS_LWA_READINESS_CHECK_PROTOCOL", "tcp")];
    let _adapter = Adapter::start(env(&runtime, listener.local_addr().unwrap(), &tcp));
    let application = async || {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = Vec::new();
            // The first connection only asks whether anyone is there.
            if stream.read_buf(&mut seen).await.unwrap_or(0) == 0 {
                continue;
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n").await.unwrap();
            while seen.iter().rev().take_while(|byte| **byte == b'x').count() < LENGTH {
                assert!(stream.read_buf(&mut seen).await.unwrap() > 0, "{} bytes came", seen.len());
            }
            stream.write_all(b"read").await.unwrap();
            return stream;
        }
    };
    for (text, base64) in [("x".repeat(LENGTH), false), ("eHh4".repeat(LENGTH / 3), true)] {
        let event = v2("POST", "/", &text, base64);
        let (outcome, _stream) = tokio::time::timeout(4 * SOON, async {
            tokio::join!(runtime.invoke(Invocation::new(event)), application())
        })
        .await
        .unwrap();
        assert_eq!(body(&outcome), "read");
    }
}
