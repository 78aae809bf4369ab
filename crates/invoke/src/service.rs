//! Plain HTTP services: requests go out as they come, answers come back as they are given.
//!
//! The connections are those of [`crate::connection`], so the same is known of a failure: a request of which no byte was
//! sent comes back, and may go elsewhere; any other may have been executed. Nothing is read ahead in either direction:
//! who reads slowly slows the other side down. The wait for the head is the caller's to bound; that
//! between two pieces of the body is bounded by an idle time.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use hyper::body::{Body as _, Incoming};
use tokio::time::{Instant, Sleep};

use crate::connection::{Broken, Connection, Connections, Payload, Permit};
use crate::streamed::StreamError;

/// Longer than anyone waits for a service.
const NO_ONE_WAITS: Duration = Duration::from_secs(86_400);

/// One HTTP service.
#[derive(Debug, Clone)]
pub struct Service(Arc<Connections>);

/// A service gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// No connection could be opened, or the request came back; no byte of it was sent.
    #[error("{message}")]
    Unsent {
        /// What happened.
        message: String,
        /// The request as it was; its body has not been touched.
        request: Option<Box<Request<Payload>>>,
    },
    /// It broke after that.
    #[error("{message}")]
    Sent {
        /// What happened.
        message: String,
    },
}

impl Service {
    pub(crate) fn over(connections: Arc<Connections>) -> Self {
        Self(connections)
    }

    /// The `Host` by which the service is known: with the port unless it is the scheme's own.
    pub fn host(&self) -> &HeaderValue {
        &self.0.endpoint().host_header
    }

    /// What comes before every path, without a trailing `/`; mostly empty.
    pub fn base(&self) -> &str {
        &self.0.endpoint().base
    }

    /// Sends `request`, whose URI is path and query alone, and waits for the head of the answer: as long as the caller
    /// does. `idle` bounds the pauses of its body.
    pub async fn send(
        &self,
        request: Request<Payload>,
        idle: Duration,
    ) -> Result<Response<Received>, ServiceError> {
        let unsent = |message: &str, request| ServiceError::Unsent { message: message.to_owned(), request };
        let Ok(permit) = self.0.own_permit(Instant::now() + NO_ONE_WAITS).await else {
            return Err(unsent("no connection became free", Some(Box::new(request))));
        };
        match self.0.begin(request, |_| {}).await {
            Ok((connection, answer)) => Ok(answer.map(|body| Received {
                source: Some((connection, permit)),
                body,
                trailers: HeaderMap::new(),
                idle,
                timer: None,
            })),
            Err((Broken::Unsent(message), request)) => Err(unsent(&message, request.map(Box::new))),
            Err((Broken::Sent(message), _)) => Err(ServiceError::Sent { message }),
            // Neither comes from here: bodies are not bounded, and the wait is the caller's.
            Err((Broken::TooLarge | Broken::Late { .. }, _)) => {
                Err(ServiceError::Sent { message: "it is too large, or too late".to_owned() })
            }
        }
    }
}

/// The body of an answer, while it comes. Dropping it before its end closes the connection.
pub struct Received {
    /// `None` once nothing more is to be read.
    source: Option<(Connection, Permit)>,
    body: Incoming,
    trailers: HeaderMap,
    idle: Duration,
    /// Runs while nothing comes.
    timer: Option<Pin<Box<Sleep>>>,
}

impl fmt::Debug for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Received").field("open", &self.source.is_some()).finish_non_exhaustive()
    }
}

impl Received {
    /// Bytes that are still to come, where that is known.
    pub fn length(&self) -> Option<u64> {
        self.body.size_hint().exact()
    }

    /// The next piece. After the end, and after an error, there is none.
    pub async fn next(&mut self) -> Option<Result<Bytes, StreamError>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamError>>> {
        let Some((connection, _)) = &mut self.source else { return Poll::Ready(None) };
        let Poll::Ready(read) = connection.poll_data(&mut self.body, Some(&mut self.trailers), cx) else {
            let idle = self.idle;
            let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
            ready!(timer.as_mut().poll(cx));
            self.source = None;
            return Poll::Ready(Some(Err(StreamError::Timeout)));
        };
        self.timer = None;
        match read {
            Some(Ok(piece)) => {
                // Who writes a message of known length does not ask again after its last byte.
                if self.body.is_end_stream() {
                    self.end(cx);
                }
                Poll::Ready(Some(Ok(piece)))
            }
            Some(Err(message)) => {
                self.source = None;
                Poll::Ready(Some(Err(StreamError::Broken { message })))
            }
            None => {
                self.end(cx);
                Poll::Ready(None)
            }
        }
    }

    /// The fields behind the body, once it has ended.
    pub fn trailers(&self) -> &HeaderMap {
        &self.trailers
    }

    /// Whether nothing more is to come.
    pub fn is_over(&self) -> bool {
        self.source.is_none()
    }

    fn end(&mut self, cx: &mut Context<'_>) {
        if let Some((mut connection, permit)) = self.source.take() {
            connection.settle(cx);
            permit.rest(connection);
        }
    }
}
