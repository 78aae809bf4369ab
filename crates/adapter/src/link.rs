//! One kept HTTP/1.1 connection to one endpoint: what the Runtime API client and the client of the application share.
//!
//! A worker has one exchange at a time with either side, so each needs one connection and no pool. The rule for
//! repeats: a request that hyper hands back was never written, and goes out once more over a fresh connection; any other
//! failure is the caller's to judge (RFC 9110, section 9.2.2).

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::payload::Payload;
use crate::settings::Endpoint;

/// A connection that lay idle for so long is asked whether it still lives before it is used.
const LONELY: Duration = Duration::from_millis(5);
/// A loopback peer accepts at once or not at all; the bound is for hosts that swallow packets.
const CONNECT: Duration = Duration::from_secs(10);
/// Applications that write a header for each of their own settings have more than hyper's hundred.
const FIELDS: usize = 512;

/// An endpoint and the connection to it, if there is one.
#[derive(Debug)]
pub struct Link {
    endpoint: Endpoint,
    idle: Duration,
    kept: Option<Kept>,
}

#[derive(Debug)]
struct Kept {
    sender: SendRequest<Payload>,
    used: Instant,
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
            match sender.try_send_request(request).await {
                Ok(response) => return Ok(self.keep(sender, response)),
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(failed.into_error().into()),
                },
            }
        }
        let mut sender = connect(&self.endpoint).await?;
        let response = sender.send_request(request).await?;
        Ok(self.keep(sender, response))
    }

    /// The next request needs a fresh connection.
    pub fn forget(&mut self) {
        self.kept = None;
    }

    fn keep(&mut self, sender: SendRequest<Payload>, response: Response<Incoming>) -> Response<Incoming> {
        if !self.idle.is_zero() {
            self.kept = Some(Kept { sender, used: Instant::now() });
        }
        response
    }

    async fn reusable(&mut self) -> Option<SendRequest<Payload>> {
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

/// A fresh connection, its task running.
pub async fn connect(endpoint: &Endpoint) -> Result<SendRequest<Payload>, LinkError> {
    let failed = |source| LinkError::Connect { endpoint: endpoint.to_string(), source };
    match &endpoint.socket {
        Some(path) => speak(within(UnixStream::connect(path)).await.map_err(failed)?).await,
        None => {
            let address = (endpoint.host.as_str(), endpoint.port);
            let stream = within(TcpStream::connect(address)).await.map_err(failed)?;
            stream.set_nodelay(true).map_err(failed)?;
            speak(stream).await
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

/// HTTP/1.1 over an open connection.
async fn speak(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> Result<SendRequest<Payload>, LinkError> {
    let (sender, connection) =
        http1::Builder::new().max_headers(FIELDS).handshake(TokioIo::new(stream)).await?;
    tokio::spawn(async move {
        // Its errors reach the request that meets them.
        let _ = connection.await;
    });
    Ok(sender)
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
