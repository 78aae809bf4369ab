//! The connection over a pipe in memory. What heads and bodies are is tested where it is decided, in `wire`.

use std::future::Future;
use std::time::Duration;

use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

use super::*;

/// Pieces that are there at once, each at its turn.
#[derive(Default)]
struct Pieces {
    whole: &'static [u8],
    rest: Vec<&'static str>,
}

impl Source for Pieces {
    fn whole(&self) -> &[u8] {
        self.whole
    }

    fn poll_more(&mut self, _: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<bool> {
        if self.rest.is_empty() {
            return Poll::Ready(false);
        }
        out.extend_from_slice(self.rest.remove(0).as_bytes());
        Poll::Ready(true)
    }
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\n\r\n";

async fn send<S: AsyncRead + AsyncWrite + Unpin>(
    http1: &mut Http1<S>,
    mut source: Pieces,
) -> Result<(u16, String), Broken> {
    let mut outbox = Outbox { text: REQUEST.to_vec(), ..Outbox::default() };
    let mut fields = String::new();
    let mut field = |name: &str, value: &[u8]| {
        fields.push_str(&format!("{name}={}|", String::from_utf8_lossy(value)));
    };
    let status = http1.send::<4>(&mut outbox, &mut source, Asked::Body, &mut field).await?;
    Ok((status, fields))
}

async fn body<S: AsyncRead + AsyncWrite + Unpin>(http1: &mut Http1<S>) -> io::Result<String> {
    let mut all = Vec::new();
    while poll_fn(|cx| http1.poll_piece(cx)).await? {
        all.extend_from_slice(http1.piece());
    }
    Ok(String::from_utf8_lossy(&all).into_owned())
}

/// A peer that reads a request and answers in pieces of `size` bytes; then it closes, or stays.
async fn serve(mut server: DuplexStream, answer: &str, size: usize, closes: bool) -> Option<DuplexStream> {
    server.read_exact(&mut [0; REQUEST.len()]).await.unwrap();
    for piece in answer.as_bytes().chunks(size) {
        if server.write_all(piece).await.is_err() {
            return None;
        }
        tokio::task::yield_now().await;
    }
    (!closes).then_some(server)
}

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(60), future).await.expect("it ends")
}

/// An answer by pieces of any size: status and fields, body, whether another request may follow.
#[track_caller]
fn check(answer: &str, expect: Result<(u16, &str, &str, bool), ()>) {
    let closes = expect.is_err() || answer.contains("to the end");
    for size in [1, 2, 3, 7, 1000] {
        let found = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(
            soon(async {
                let (client, server) = duplex(size.max(32));
                let mut http1 = Http1::new(client);
                let talking = async {
                    let (status, fields) = send(&mut http1, Pieces::default()).await.map_err(|_| ())?;
                    let body = body(&mut http1).await.map_err(|_| ())?;
                    Ok((status, fields, body))
                };
                let (found, _server) = tokio::join!(talking, serve(server, answer, size, closes));
                match found {
                    Ok((status, fields, body)) => Ok((status, fields, body, http1.is_usable().await)),
                    Err(()) => {
                        assert!(!http1.is_usable().await, "{answer:?} by {size}");
                        Err(())
                    }
                }
            }),
        );
        let expect =
            expect.map(|(status, fields, body, again)| (status, fields.to_owned(), body.to_owned(), again));
        assert_eq!(found, expect, "{answer:?} by {size}");
    }
}

#[test]
fn answers() {
    let length = "content-length=5|";
    check("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", Ok((200, length, "hello", true)));
    check("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell", Err(()));
    check(
        "HTTP/1.1 100 C\r\nx: y\r\n\r\nHTTP/1.1 103 E\r\n\r\nHTTP/1.1 204 No\r\nX: y\r\n\r\n",
        Ok((204, "X=y|", "", true)),
    );
    check(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\na: b\r\n\r\n",
        Ok((200, "transfer-encoding=chunked|", "hello", true)),
    );
    check("HTTP/1.1 200 OK\r\n\r\nup to the end", Ok((200, "", "up to the end", false)));
    check("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello?", Ok((200, length, "hello", false)));
    check("HTTP/1.1 101 S\r\n\r\n", Ok((101, "", "", false)));
    check("HTTP/1.1 200 OK\r\na:\r\nb:\r\nc:\r\nd:\r\ne:\r\n\r\n", Err(()));
    check("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nx\r\n", Err(()));
    check("what?", Err(()));
}

#[tokio::test]
async fn a_head_has_its_bound() {
    let (client, server) = duplex(1 << 16);
    let mut http1 = Http1::new(client);
    let answer = format!("HTTP/1.1 200 OK\r\nx: {}", "y".repeat(BUFFER));
    let (outcome, _server) = soon(async {
        tokio::join!(send(&mut http1, Pieces::default()), serve(server, &answer, 1 << 16, false))
    })
    .await;
    assert!(matches!(outcome, Err(Broken::Sent(error)) if error.kind() == io::ErrorKind::InvalidData));
}

/// What was read together with the head, and what comes later.
#[tokio::test]
async fn a_body_is_read_to_where_it_is_wanted() {
    let body = "x".repeat(3 * BUFFER / 2);
    let (client, server) = duplex(1 << 16);
    let mut http1 = Http1::new(client);
    let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let reading = async {
        send(&mut http1, Pieces::default()).await.unwrap();
        let mut out = b"before".to_vec();
        http1.read_rest(body.len(), &mut out).await.unwrap();
        out
    };
    let (out, _server) = soon(async { tokio::join!(reading, serve(server, &answer, 1 << 16, false)) }).await;
    assert!(out.strip_prefix(b"before") == Some(body.as_bytes()));
    assert!(http1.is_usable().await);
}

#[tokio::test]
async fn requests() {
    let check = async |source: Pieces, expect: &str| {
        let (client, mut server) = duplex(10);
        let mut http1 = Http1::new(client);
        let mut seen = vec![0; REQUEST.len() + expect.len()];
        let serving = async {
            server.read_exact(&mut seen).await.unwrap();
            server.write_all(b"HTTP/1.1 204 No\r\n\r\n").await.unwrap();
        };
        let (outcome, ()) = soon(async { tokio::join!(send(&mut http1, source), serving) }).await;
        assert_eq!(outcome.unwrap().0, 204);
        assert_eq!(String::from_utf8_lossy(&seen[REQUEST.len()..]), expect);
        assert!(http1.is_usable().await, "{expect}");
    };
    check(Pieces::default(), "").await;
    check(Pieces { rest: vec!["a"], ..Pieces::default() }, "a").await;
    check(Pieces { rest: vec!["a", "long piece", "c"], ..Pieces::default() }, "along piecec").await;
    check(Pieces { whole: b"all that is at hand", ..Pieces::default() }, "all that is at hand").await;
}

/// A peer that answers before it has read all: that is the outcome, and the connection is done for.
#[tokio::test]
async fn an_answer_before_the_request_has_left() {
    let (client, mut server) = duplex(30);
    let mut http1 = Http1::new(client);
    let source = Pieces { whole: &[b'x'; 100_000], ..Pieces::default() };
    let serving = async {
        server.read_exact(&mut [0; 20]).await.unwrap();
        server.write_all(b"HTTP/1.1 413 No\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
    };
    let (outcome, ()) = soon(async { tokio::join!(send(&mut http1, source), serving) }).await;
    assert_eq!(outcome.unwrap().0, 413);
    assert_eq!(body(&mut http1).await.unwrap(), "{}");
    assert!(!http1.is_usable().await);
}

#[tokio::test]
async fn what_was_sent_is_known_of_a_failure() {
    let (client, server) = duplex(1000);
    drop(server);
    let outcome = send(&mut Http1::new(client), Pieces::default()).await;
    assert!(matches!(outcome, Err(Broken::Unsent(_))), "{outcome:?}");
    let (client, mut server) = duplex(10);
    let mut http1 = Http1::new(client);
    let serving = async {
        server.read_exact(&mut [0; 5]).await.unwrap();
        drop(server);
    };
    let (outcome, ()) = soon(async { tokio::join!(send(&mut http1, Pieces::default()), serving) }).await;
    assert!(matches!(outcome, Err(Broken::Sent(_))), "{outcome:?}");
}

/// A head may hold a credential, and a body anything.
#[tokio::test]
async fn debug_shows_nothing_of_what_is_said() {
    let (client, server) = duplex(1000);
    let mut http1 = Http1::new(client);
    let answer = "HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret";
    let (outcome, _server) =
        soon(async { tokio::join!(send(&mut http1, Pieces::default()), serve(server, answer, 1000, false)) })
            .await;
    outcome.unwrap();
    let shown = format!("{http1:?} {:?}", Outbox { text: b"secret".to_vec(), ..Outbox::default() });
    let bytes = format!("{:?}", b"secret");
    assert!(!shown.contains("secret") && !shown.contains(&bytes[1..bytes.len() - 1]), "{shown}");
}
