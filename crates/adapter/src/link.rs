//! One kept HTTP/1.1 connection to one endpoint: what the clients of the Runtime API, of the Extensions API and of the
//! application share.
//!
//! A worker has one exchange at a time with either side, so each needs one connection and no pool. The rule for
//! repeats: a request of which no byte was written goes out once more over a fresh connection; any other failure is the
//! caller's to judge (RFC 9110, section 9.2.2).

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use lambridge_wire::http1::Asked;

use crate::http1::{Broken, Http1, Outbox, Source};
use crate::payload::Payload;
use crate::settings::Endpoint;
use crate::socket::connect;

/// A connection that lay idle for so long is asked whether it still lives before it is used.
const LONELY: Duration = Duration::from_millis(5);
/// Applications that write a header for each of their own settings have more than the usual hundred.
const FIELDS: usize = 512;

/// An endpoint and the connection to it, if there is one.
#[derive(Debug)]
pub struct Link {
    endpoint: Endpoint,
    idle: Duration,
    kept: Option<Kept>,
    outbox: Outbox,
    /// What is still to be sent while the answer is read.
    late: Option<Payload>,
}

#[derive(Debug)]
struct Kept {
    http1: Http1,
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
    #[error("{0}")]
    Broken(#[from] io::Error),
    /// The same over HTTP/2.
    #[error("{}", chain(.0))]
    Http2(#[from] hyper::Error),
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
        Link { endpoint, idle, kept: None, outbox: Outbox::default(), late: None }
    }

    /// Sends a request, whose head `write` puts down, and waits for the head of the answer: its status. Dropping the future
    /// drops the connection.
    pub async fn send(
        &mut self,
        write: impl FnOnce(&Endpoint, &mut Vec<u8>),
        source: &mut impl Source,
        asked: Asked,
        mut field: impl FnMut(&str, &[u8]),
    ) -> Result<u16, LinkError> {
        self.late = None;
        self.outbox.clear();
        write(&self.endpoint, &mut self.outbox.text);
        if let Some(mut http1) = self.reusable().await {
            match http1.send::<FIELDS>(&mut self.outbox, source, asked, &mut field).await {
                Ok(status) => return Ok(self.keep(http1, status)),
                Err(Broken::Unsent(_)) => {}
                Err(Broken::Sent(error)) => return Err(error.into()),
            }
        }
        let fresh = connect(&self.endpoint).await.map_err(|error| self.unconnected(error))?;
        let mut http1 = Http1::new(fresh);
        match http1.send::<FIELDS>(&mut self.outbox, source, asked, &mut field).await {
            Ok(status) => Ok(self.keep(http1, status)),
            Err(Broken::Unsent(error) | Broken::Sent(error)) => Err(error.into()),
        }
    }

    /// Goes on sending while the answer is read: an application may answer before it has read all of a request, and read
    /// the rest.
    pub fn send_on(&mut self, rest: Payload) {
        if !self.outbox.is_ended() {
            self.late = Some(rest);
        }
    }

    /// Sends the rest of a request that was answered before all of it had left; to no avail where nobody reads it.
    pub async fn send_rest(&mut self, source: &mut impl Source) {
        if let Some(kept) = &mut self.kept {
            let _ = poll_fn(|cx| kept.http1.poll_send(cx, &mut self.outbox, source, &mut true)).await;
        }
    }

    /// The next request needs a fresh connection.
    pub fn forget(&mut self) {
        self.kept = None;
    }

    /// How long the rest of the body is, where the head says it.
    pub fn length(&self) -> Option<u64> {
        self.kept.as_ref().map_or(Some(0), |kept| kept.http1.length())
    }

    /// Whether the body goes on: there is another [`piece`](Link::piece) then.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, LinkError>> {
        let Some(kept) = &mut self.kept else { return Poll::Ready(Ok(false)) };
        if let Some(rest) = &mut self.late
            && kept.http1.poll_send(cx, &mut self.outbox, rest, &mut true).is_ready()
        {
            // All of it has left, or nobody wants it: the answer says which.
            self.late = None;
        }
        let more = ready!(kept.http1.poll_piece(cx)).inspect_err(|_| self.kept = None)?;
        if !more {
            self.settle();
        }
        Poll::Ready(Ok(more))
    }

    /// What the last [`poll_piece`](Link::poll_piece) found.
    pub fn piece(&self) -> &[u8] {
        self.kept.as_ref().map(|kept| kept.http1.piece()).unwrap_or_default()
    }

    /// The whole body, in `buffer`.
    pub async fn collect(&mut self, limit: usize, mut buffer: Vec<u8>) -> Result<Bytes, LinkError> {
        let known = self.length().map(|length| usize::try_from(length).unwrap_or(usize::MAX));
        if known.is_some_and(|length| length > limit) {
            return Err(LinkError::TooLong { limit });
        }
        if let (Some(length), Some(kept), None) = (known, &mut self.kept, &self.late) {
            kept.http1.read_rest(length, &mut buffer).await?;
            self.settle();
            return Ok(buffer.into());
        }
        while poll_fn(|cx| self.poll_piece(cx)).await? {
            if buffer.len() + self.piece().len() > limit {
                return Err(LinkError::TooLong { limit });
            }
            buffer.extend_from_slice(self.piece());
        }
        Ok(buffer.into())
    }

    fn keep(&mut self, http1: Http1, status: u16) -> u16 {
        self.kept = Some(Kept { http1, used: Instant::now() });
        // Else the rest of the request is still to be sent.
        if self.outbox.is_ended() {
            self.settle();
        }
        status
    }

    /// A connection that is of no further use is closed once its answer has been read.
    fn settle(&mut self) {
        let idle = self.idle;
        self.kept.take_if(|kept| kept.http1.is_ended() && (idle.is_zero() || !kept.http1.is_at_rest()));
    }

    async fn reusable(&mut self) -> Option<Http1> {
        let Kept { mut http1, used } = self.kept.take()?;
        let age = used.elapsed();
        if age >= self.idle {
            return None;
        }
        if age >= LONELY {
            // A peer may have closed meanwhile, above all while the sandbox was frozen. Yielding lets the runtime look at
            // the socket before anything is written.
            tokio::task::yield_now().await;
        }
        http1.is_usable().await.then_some(http1)
    }

    fn unconnected(&self, source: io::Error) -> LinkError {
        LinkError::Connect { endpoint: self.endpoint.to_string(), source }
    }
}

impl Endpoint {
    /// The first lines of a request, with the endpoint's own path in front of `path`.
    pub fn write_head(&self, method: &str, path: &str, out: &mut Vec<u8>) {
        self.write_lines([method, " ", &self.base, path], out);
    }

    /// The same without the endpoint's own path.
    pub fn write_origin(&self, method: &str, path: &str, out: &mut Vec<u8>) {
        self.write_lines([method, " ", "", path], out);
    }

    fn write_lines(&self, parts: [&str; 4], out: &mut Vec<u8>) {
        for part in parts.into_iter().chain([" HTTP/1.1\r\n"]) {
            out.extend_from_slice(part.as_bytes());
        }
        write_field("host", self.authority.as_bytes(), out);
    }
}

/// A field of a request; neither part has a line end.
pub fn write_field(name: &str, value: &[u8], out: &mut Vec<u8>) {
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
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
