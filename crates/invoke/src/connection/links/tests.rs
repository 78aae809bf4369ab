//! HTTP/2 against a server that counts connections, and does what a call's path says.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::server::{self, SendResponse};
use http::{Request, Response};
use lambridge_model::{ConnectionSettings, Protocol};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::connection::{Broken, Connections, Payload, Tls};
use crate::endpoint::Endpoint;

/// For what should happen at once.
const PATIENCE: Duration = Duration::from_secs(20);

/// What all connections of a server share.
#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    calls: AtomicUsize,
    /// Calls of `/held` wait here.
    gate: Option<Arc<Semaphore>>,
}

/// Serves `streams` at once on each connection; the first `strange` connections are handled so instead.
async fn serve(streams: u32, gate: Option<Arc<Semaphore>>, strange: Strange) -> (u16, Arc<Seen>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let seen = Arc::new(Seen { gate, ..Seen::default() });
    let shared = seen.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = shared.connections.fetch_add(1, Ordering::SeqCst);
            let seen = shared.clone();
            if number == 0 && strange == Strange::GoAway {
                tokio::spawn(go_away(stream));
            } else {
                tokio::spawn(connection(stream, streams, number, strange, seen));
            }
        }
    });
    (port, seen)
}

#[derive(Clone, Copy, PartialEq)]
enum Strange {
    No,
    /// The first connection refuses every stream.
    Refuses,
    /// Every connection does.
    AlwaysRefuses,
    /// The first connection goes away without a look at what was sent.
    GoAway,
    /// Streams are reset after a look.
    Resets,
}

async fn connection<IO>(stream: IO, streams: u32, number: usize, strange: Strange, seen: Arc<Seen>)
where
    IO: AsyncRead + AsyncWrite + Unpin,
{
    let mut builder = server::Builder::new();
    builder.max_concurrent_streams(streams);
    let Ok(mut connection) = builder.handshake::<_, Bytes>(stream).await else { return };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let reason = match strange {
            Strange::Refuses if number == 0 => Some(h2::Reason::REFUSED_STREAM),
            Strange::AlwaysRefuses => Some(h2::Reason::REFUSED_STREAM),
            Strange::Resets => Some(h2::Reason::INTERNAL_ERROR),
            _ => None,
        };
        match reason {
            Some(reason) => respond.send_reset(reason),
            None => drop(tokio::spawn(answer(request, respond, seen.clone()))),
        }
    }
}

/// Says what it was asked.
async fn answer(mut request: Request<h2::RecvStream>, mut respond: SendResponse<Bytes>, seen: Arc<Seen>) {
    seen.calls.fetch_add(1, Ordering::SeqCst);
    let mut body = Vec::new();
    while let Some(Ok(data)) = request.body_mut().data().await {
        let _ = request.body_mut().flow_control().release_capacity(data.len());
        body.extend_from_slice(&data);
    }
    if let Some(gate) = seen.gate.as_ref().filter(|_| request.uri().path() == "/held") {
        gate.acquire().await.unwrap().forget();
    }
    let host = request.headers().contains_key("host");
    let text = format!("{} host={host} {}", request.uri(), String::from_utf8_lossy(&body));
    let mut stream = respond.send_response(Response::new(()), false).unwrap();
    let _ = stream.send_data(text.into(), true);
}

/// Frames by hand: a server of ours would have looked.
async fn go_away(mut stream: tokio::net::TcpStream) {
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const GO_AWAY: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    stream.write_all(&SETTINGS).await.unwrap();
    let mut preface = [0; 24];
    stream.read_exact(&mut preface).await.unwrap();
    loop {
        let mut head = [0; 9];
        if stream.read_exact(&mut head).await.is_err() {
            return;
        }
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await.unwrap();
        // HEADERS
        if head[3] == 1 {
            stream.write_all(&GO_AWAY).await.unwrap();
        }
    }
}

fn pool(port: u16, max: usize) -> Arc<Connections> {
    let endpoint = Endpoint::parse(&format!("http://127.0.0.1:{port}")).unwrap();
    let settings = ConnectionSettings { max, protocol: Protocol::Http2 };
    Arc::new(Connections::new(endpoint, Arc::<Tls>::default(), settings))
}

async fn call(pool: &Arc<Connections>, path: &str, body: &'static str) -> Result<String, Broken> {
    let next = || {
        let payload = Payload::from(Bytes::from_static(body.as_bytes()));
        Request::post(path).header("host", "h").body(payload).ok()
    };
    let answer = tokio::time::timeout(PATIENCE, pool.exchange(next, 1 << 20, |_| ())).await.unwrap()?;
    Ok(String::from_utf8(answer.into_body().to_vec()).unwrap())
}

/// `count` calls that are in flight together; the server's gate opens when it has seen `seen_at_once` of them.
async fn together(port: u16, max: usize, count: usize, seen: &Arc<Seen>, seen_at_once: usize) {
    let pool = pool(port, max);
    // The server's settings are known afterwards.
    call(&pool, "/first", "").await.unwrap();
    let mut calls = Vec::new();
    for _ in 0..count {
        let pool = pool.clone();
        calls.push(tokio::spawn(async move { call(&pool, "/held", "x").await.unwrap() }));
    }
    let arrived = async {
        while seen.calls.load(Ordering::SeqCst) < 1 + seen_at_once {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, arrived).await.expect("the calls arrive together");
    seen.gate.as_ref().unwrap().add_permits(count);
    for call in calls {
        assert!(call.await.unwrap().ends_with("/held host=false x"));
    }
}

fn gate() -> Option<Arc<Semaphore>> {
    Some(Arc::new(Semaphore::new(0)))
}

#[tokio::test]
async fn calls_share_a_connection() {
    let (port, seen) = serve(100, gate(), Strange::No).await;
    together(port, 1024, 90, &seen, 90).await;
    assert_eq!(seen.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn those_without_room_get_another() {
    let (port, seen) = serve(2, gate(), Strange::No).await;
    together(port, 1024, 4, &seen, 4).await;
    assert_eq!(seen.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn those_beyond_the_bound_wait() {
    let (port, seen) = serve(2, gate(), Strange::No).await;
    together(port, 2, 20, &seen, 4).await;
    assert_eq!(seen.connections.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_request_names_its_whole_url() {
    let (port, _) = serve(10, None, Strange::No).await;
    let said = call(&pool(port, 1), "/a%20b?c=d", "body").await.unwrap();
    assert_eq!(said, format!("http://127.0.0.1:{port}/a%20b?c=d host=false body"));
}

#[tokio::test]
async fn what_no_server_looked_at_goes_out_once_more() {
    for strange in [Strange::Refuses, Strange::GoAway] {
        let (port, seen) = serve(10, None, strange).await;
        let pool = pool(port, 10);
        for _ in 0..3 {
            call(&pool, "/", "").await.unwrap();
        }
        assert_eq!(seen.connections.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn not_for_ever() {
    let (port, seen) = serve(10, None, Strange::AlwaysRefuses).await;
    let broken = call(&pool(port, 10), "/", "").await.unwrap_err();
    assert!(matches!(&broken, Broken::Unsent(_)), "{broken:?}");
    assert_eq!(seen.connections.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn what_may_have_been_executed_does_not() {
    let (port, seen) = serve(10, None, Strange::Resets).await;
    let broken = call(&pool(port, 10), "/", "").await.unwrap_err();
    assert!(matches!(&broken, Broken::Sent(_)), "{broken:?}");
    assert_eq!(seen.connections.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_call_that_is_given_up_leaves_the_others() {
    let (port, seen) = serve(10, gate(), Strange::No).await;
    let pool = pool(port, 10);
    let given_up = tokio::time::timeout(Duration::from_millis(50), call(&pool, "/held", "")).await;
    assert!(given_up.is_err());
    call(&pool, "/", "").await.unwrap();
    assert_eq!(seen.connections.load(Ordering::SeqCst), 1);
}
