//! One kept connection to one endpoint: what the Runtime API client and the client of the application share.
//!
//! A worker has one exchange at a time with either side, so each needs one connection and no pool. The rule for
//! repeats: a request that hyper hands back was never written, and goes out once more over a fresh connection; any other
//! failure is the caller's to judge (RFC 9110, section 9.2.2).

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::HOST;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::payload::Payload;
use crate::settings::{Endpoint, Speaks};

/// A connection that lay idle for so long is asked whether it still lives before it is used.
const LONELY: Duration = Duration::from_millis(5);
/// A loopback peer accepts at once or not at all; the bound is for hosts that swallow packets.
const CONNECT: Duration = Duration::from_secs(10);
/// Applications that write a header for each of their own settings have more than hyper's hundred. Room for them costs
/// a little with every message, so that the Runtime API, which has ten, does without.
const FIELDS: usize = 512;
/// What is read at once, and how long a head may be. Larger pieces would leave the processor's cache before they are
/// used, and their memory would go back to the system each time.
const BUFFER: usize = 120 * 1024;
/// What an application may send ahead over HTTP/2.
const WINDOW: u32 = 1024 * 1024;

/// An endpoint and the connection to it, if there is one.
#[derive(Debug)]
pub struct Link {
    endpoint: Endpoint,
    idle: Duration,
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Kept {
    sender: Sender,
    used: Instant,
}

/// The near end of a connection.
#[derive(Debug)]
pub enum Sender {
    /// HTTP/1.1.
    Http1(http1::SendRequest<Payload>),
    /// HTTP/2, and the authority where a request names none.
    H2c(http2::SendRequest<Payload>, HeaderValue),
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// No connection.
    #[error("cannot connect to {endpoint}: {source}")]
    Connect {
        /// Where to.
        endpoint: String,
        /// What the system says.
        source: io::Error,
    },
    /// The connection ended, or what came back is not HTTP.
    #[error("{}", chain(.0))]
    Broken(#[from] hyper::Error),
    /// The body is longer than its bound.
    #[error("the body is longer than {limit} bytes")]
    TooLong {
        /// The bound.
        limit: usize,
    },
}

impl Link {
    /// No connection yet; one that lay idle for `idle` is not used again.
    pub fn new(endpoint: Endpoint, idle: Duration) -> Link {
        Link { endpoint, idle, kept: None }
    }

    /// Where it leads.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends a request and waits for the head of the answer. Dropping the future drops the connection.
    pub async fn send(&mut self, request: Request<Payload>) -> Result<Response<Incoming>, LinkError> {
        let mut request = request;
        if let Some(mut sender) = self.reusable().await {
            match sender.try_send(request).await {
                Ok(response) => return Ok(self.keep(sender, response)),
                Err((_, Some(unsent))) => request = *unsent,
                Err((error, None)) => return Err(error.into()),
            }
        }
        let mut sender = connect(&self.endpoint).await?;
        let response = sender.send(request).await?;
        Ok(self.keep(sender, response))
    }

    /// The next request needs a fresh connection.
    pub fn forget(&mut self) {
        self.kept = None;
    }

    fn keep(&mut self, sender: Sender, response: Response<Incoming>) -> Response<Incoming> {
        if !self.idle.is_zero() {
            self.kept = Some(Kept { sender, used: Instant::now() });
        }
        response
    }

    async fn reusable(&mut self) -> Option<Sender> {
        let Kept { mut sender, used } = self.kept.take()?;
        let age = used.elapsed();
        if age >= self.idle {
            return None;
        }
        if age >= LONELY {
            // A peer may have closed meanwhile, above all while the sandbox was frozen. Yielding lets the runtime look at
            // the socket and the connection's task see the end before anything is written.
            tokio::task::yield_now().await;
        }
        sender.ready().await.ok()?;
        Some(sender)
    }
}

impl Sender {
    /// Sends a request and waits for the head of the answer.
    pub async fn send(&mut self, request: Request<Payload>) -> Result<Response<Incoming>, hyper::Error> {
        self.try_send(request).await.map_err(|(error, _)| error)
    }

    /// As [`Sender::send`]; a request that was not written comes back.
    async fn try_send(
        &mut self,
        mut request: Request<Payload>,
    ) -> Result<Response<Incoming>, (hyper::Error, Option<Box<Request<Payload>>>)> {
        let sent = match self {
            Sender::Http1(sender) => sender.try_send_request(request).await,
            Sender::H2c(sender, authority) => {
                absolute(&mut request, authority);
                sender.try_send_request(request).await
            }
        };
        sent.map_err(|mut failed| {
            let unsent = failed.take_message().map(Box::new);
            (failed.into_error(), unsent)
        })
    }

    async fn ready(&mut self) -> Result<(), hyper::Error> {
        match self {
            Sender::Http1(sender) => sender.ready().await,
            Sender::H2c(sender, _) => sender.ready().await,
        }
    }
}

/// HTTP/2 has the host in the target (RFC 9113, section 8.3.1). One that is no authority is not sent.
fn absolute(request: &mut Request<Payload>, otherwise: &HeaderValue) {
    let host = request.headers_mut().remove(HOST);
    if request.uri().authority().is_some() {
        return;
    }
    let authority = |host: &HeaderValue| {
        let authority = Authority::try_from(host.as_bytes()).ok()?;
        (!authority.as_str().contains('@')).then_some(authority)
    };
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = host.as_ref().and_then(authority).or_else(|| authority(otherwise));
    if let Ok(target) = Uri::from_parts(parts) {
        *request.uri_mut() = target;
    }
}

/// A fresh connection, its task running.
pub async fn connect(endpoint: &Endpoint) -> Result<Sender, LinkError> {
    let failed = |source| LinkError::Connect { endpoint: endpoint.to_string(), source };
    match &endpoint.socket {
        Some(path) => speak(within(UnixStream::connect(path)).await.map_err(failed)?, endpoint).await,
        None => {
            let address = (endpoint.host.as_str(), endpoint.port);
            let stream = within(TcpStream::connect(address)).await.map_err(failed)?;
            stream.set_nodelay(true).map_err(failed)?;
            speak(stream, endpoint).await
        }
    }
}

/// Whether anyone listens there.
pub async fn listens(endpoint: &Endpoint) -> bool {
    match &endpoint.socket {
        Some(path) => within(UnixStream::connect(path)).await.is_ok(),
        None => within(TcpStream::connect((endpoint.host.as_str(), endpoint.port))).await.is_ok(),
    }
}

async fn within<T>(connecting: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(CONNECT, connecting).await.map_err(|_| io::ErrorKind::TimedOut)?
}

/// HTTP over an open connection.
async fn speak(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    endpoint: &Endpoint,
) -> Result<Sender, LinkError> {
    let stream = TokioIo::new(stream);
    if endpoint.speaks == Speaks::H2c {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW);
        let (sender, connection) = builder.handshake(stream).await?;
        run(connection);
        return Ok(Sender::H2c(sender, endpoint.authority.clone()));
    }
    let mut builder = http1::Builder::new();
    builder.max_buf_size(BUFFER);
    if endpoint.speaks == Speaks::Http1 {
        builder.max_headers(FIELDS);
    }
    let (sender, connection) = builder.handshake(stream).await?;
    run(connection);
    Ok(Sender::Http1(sender))
}

/// Lets a connection do its work. Its errors reach the request that meets them.
fn run(connection: impl Future<Output = Result<(), hyper::Error>> + Send + 'static) {
    tokio::spawn(async move {
        let _ = connection.await;
    });
}

/// The whole body in one piece: as it came when that was in one, else in `buffer`.
pub async fn collect(mut body: Incoming, limit: usize, buffer: Vec<u8>) -> Result<Bytes, LinkError> {
    let announced = body.size_hint().exact().and_then(|n| usize::try_from(n).ok());
    if announced.is_some_and(|n| n > limit) {
        return Err(LinkError::TooLong { limit });
    }
    let mut first = Bytes::new();
    let mut all = buffer;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if first.len() + all.len() + data.len() > limit {
            return Err(LinkError::TooLong { limit });
        }
        if first.is_empty() && all.is_empty() {
            first = data;
        } else {
            if all.is_empty() {
                all.reserve(announced.unwrap_or(2 * (first.len() + data.len())));
                all.extend_from_slice(&first);
                first = Bytes::new();
            }
            all.extend_from_slice(&data);
        }
        if body.is_end_stream() {
            break;
        }
    }
    Ok(if all.is_empty() { first } else { all.into() })
}

/// hyper's error prints one level; the cause is what an operator needs.
fn chain(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_of_http2() {
        for (target, host, expect) in [
            ("/a?b=1", Some("h.example"), "http://h.example/a?b=1"),
            ("/", Some("h.example:81"), "http://h.example:81/"),
            ("//a", Some("[::1]:80"), "http://[::1]:80//a"),
            ("/", None, "http://127.0.0.1:8080/"),
            ("/", Some("a^b"), "http://127.0.0.1:8080/"),
            ("/", Some("user@h"), "http://127.0.0.1:8080/"),
            ("/", Some(""), "http://127.0.0.1:8080/"),
            ("http://h.example/again", None, "http://h.example/again"),
        ] {
            let mut request = Request::new(Payload::new(Bytes::new()));
            *request.uri_mut() = target.parse().unwrap();
            if let Some(host) = host {
                request.headers_mut().insert(HOST, HeaderValue::from_static(host));
            }
            absolute(&mut request, &HeaderValue::from_static("127.0.0.1:8080"));
            assert_eq!(
                (request.uri().to_string().as_str(), request.headers().len()),
                (expect, 0),
                "{host:?}"
            );
        }
    }
}
