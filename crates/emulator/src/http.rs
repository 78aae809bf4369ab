//! The little HTTP that all the emulator's listeners share: accept, serve HTTP/1.1, take a body up to its limit.

use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Whole before it is sent, but for what a function streams.
pub(crate) type Answer = Response<crate::stream::Body>;

/// Pause after a failed accept, for instance without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// Bytes of a refused body that are read so that the peer comes to read our answer.
const DRAIN: usize = 64 << 20;
/// And for how long.
const DRAIN_TIME: Duration = Duration::from_secs(5);

/// How a listener treats its connections.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// Open at once; more wait to be accepted.
    pub(crate) connections: usize,
    /// For a request's head, and between requests. `None`: a runtime may be silent for as long as it works.
    pub(crate) head_timeout: Option<Duration>,
}

/// The two ends of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ends {
    /// What was connected to.
    pub(crate) local: SocketAddr,
    /// Who connected.
    pub(crate) peer: SocketAddr,
}

/// Serves until the task is aborted; its connections end with it.
pub(crate) async fn serve<H, F>(listener: TcpListener, terms: Terms, handler: H)
where
    H: Fn(Request<Incoming>, Ends) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Answer> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept(), if connections.len() < terms.connections => match accepted {
                Ok((stream, peer)) => drop(connections.spawn(connection(stream, peer, terms, handler.clone()))),
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            _ = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}

async fn connection<H, F>(stream: TcpStream, peer: SocketAddr, terms: Terms, handler: H)
where
    H: Fn(Request<Incoming>, Ends) -> F,
    F: Future<Output = Answer>,
{
    // Answers are small and written whole: waiting to fill a packet only delays them. A socket that refuses has closed.
    let (Ok(()), Ok(local)) = (stream.set_nodelay(true), stream.local_addr()) else { return };
    let service = service_fn(|request| {
        let answer = handler(request, Ends { local, peer });
        async { Ok::<_, std::convert::Infallible>(answer.await) }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(terms.head_timeout);
    // A broken connection concerns its peer only.
    drop(builder.serve_connection(TokioIo::new(stream), service).await);
}

/// Why a body was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// More than the limit; the rest has been read as far as is reasonable.
    TooLarge,
    /// The connection broke, or its framing did.
    Broken,
}

/// Takes a body of at most `limit` bytes and its trailers. One frame is passed on without a copy.
pub(crate) async fn collect(
    body: &mut Incoming,
    limit: usize,
) -> Result<(Bytes, Option<HeaderMap>), BodyError> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut trailers = None;
    if body.size_hint().lower() > limit as u64 {
        discard(body).await;
        return Err(BodyError::TooLarge);
    }
    while let Some(frame) = body.frame().await {
        let data = match frame.map_err(|_| BodyError::Broken)?.into_data() {
            Ok(data) => data,
            Err(other) => {
                trailers = other.into_trailers().ok();
                continue;
            }
        };
        if first.len() + rest.len() + data.len() > limit {
            discard(body).await;
            return Err(BodyError::TooLarge);
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            let announced = usize::try_from(body.size_hint().lower()).unwrap_or(limit);
            rest.reserve((first.len() + data.len() + announced).min(limit));
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.extend_from_slice(&data);
    }
    Ok((if rest.is_empty() { first } else { rest.freeze() }, trailers))
}

/// Reads on without keeping anything: a peer that still writes would not see our answer.
pub(crate) async fn discard(body: &mut Incoming) {
    if body.is_end_stream() {
        return;
    }
    let reading = async {
        let mut seen = 0;
        while let Some(Ok(frame)) = body.frame().await {
            seen += frame.data_ref().map_or(0, Bytes::len);
            if seen > DRAIN {
                break;
            }
        }
    };
    // Past the time the connection is closed on the peer, which is all there is left to do.
    drop(tokio::time::timeout(DRAIN_TIME, reading).await);
}

/// A JSON answer.
pub(crate) fn json(status: u16, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(crate::stream::whole(body));
    *answer.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    answer.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    answer
}

/// A header's text, if it is there and readable.
pub(crate) fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}
