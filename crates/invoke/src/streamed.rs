//! A function's answer while it comes: InvokeWithResponseStream's frames as pieces of payload.
//!
//! Lambda answers 200 as soon as the function has begun; what goes wrong afterwards stands in the last frame. So a stream
//! has ended well only if that frame came, and said nothing of an error: an end without it is a broken answer.
//!
//! Two waits are bounded: that for the first piece by the call's deadline, that between two pieces by an idle time which
//! the caller sets once it has its head. Nothing is read ahead, so a caller that reads slowly slows the function down.
//! Dropping a stream closes its connection, which tells Lambda that no one listens; a connection whose stream has
//! ended well is used again.
//!
//! Source: InvokeWithResponseStream API reference.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use lambridge_wire::eventstream::{Decoder, InvokeComplete, StreamItem, decode_item};
use tokio::time::{Instant, Sleep};

use crate::answer::Head;
use crate::connection::{Connection, Http1, Permit};

/// How long the last frame waits for the end of its connection's message. AWS sends both together; a connection that
/// is slower is not worth a client's wait.
const LINGER: Duration = Duration::from_millis(100);

/// A stream of payload. See the module.
pub struct Streamed {
    /// AWS's request id.
    pub request_id: Option<String>,
    /// `None` once nothing more is to be read from it.
    source: Option<Source>,
    decoder: Decoder,
    /// The last frame came, or an error.
    ended: bool,
    /// `LogResult` of the last frame.
    log_tail: Option<String>,
    idle: Option<Duration>,
    timer: Pin<Box<Sleep>>,
}

struct Source {
    answer: Answer,
    permit: Permit,
}

/// An answer whose body is still to be read.
pub(crate) enum Answer {
    /// Over a connection of its own.
    Own(Http1),
    /// By a general client.
    General(Connection, Incoming),
}

/// A stream did not end well.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StreamError {
    /// The function failed after it had begun.
    #[error("the function failed: {code}")]
    Function {
        /// `ErrorCode`, such as `Unhandled` or the error's type.
        code: String,
        /// The error object as a JSON text; may be empty.
        details: String,
    },
    /// Lambda failed.
    #[error("Lambda failed with {kind}: {message}")]
    Service {
        /// Name of the exception.
        kind: String,
        /// For the log only.
        message: String,
    },
    /// The connection broke, or what came over it makes no sense.
    #[error("the answer broke off: {message}")]
    Broken {
        /// What happened.
        message: String,
    },
    /// Nothing came for too long.
    #[error("nothing came in time")]
    Timeout,
}

impl Answer {
    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        match self {
            Self::Own(connection) => connection.poll_data(cx),
            Self::General(connection, body) => connection.poll_data(body, None, cx),
        }
    }

    fn put_back(self, permit: Permit, cx: &mut Context<'_>) {
        match self {
            Self::Own(connection) => permit.rest(connection),
            Self::General(mut connection, _) => {
                connection.settle(cx);
                permit.rest(connection);
            }
        }
    }
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Streamed").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

impl Streamed {
    pub(crate) fn new(answer: Answer, permit: Permit, head: Head, deadline: Instant) -> Self {
        Self {
            request_id: head.request_id,
            source: Some(Source { answer, permit }),
            decoder: Decoder::new(),
            ended: false,
            log_tail: None,
            idle: None,
            timer: Box::pin(tokio::time::sleep_until(deadline)),
        }
    }

    /// From now on a pause may last so long, and the deadline of the call is over.
    pub fn set_idle(&mut self, idle: Duration) {
        self.idle = Some(idle);
        self.touch();
    }

    /// After the end, the last 4 KB of the log in base64, if they were asked for.
    pub fn take_log_tail(&mut self) -> Option<String> {
        self.log_tail.take()
    }

    /// The next piece, never empty. After the end, and after an error, there is none.
    pub async fn next(&mut self) -> Option<Result<Bytes, StreamError>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamError>>> {
        loop {
            if self.ended {
                ready!(self.poll_rest(cx));
                return Poll::Ready(None);
            }
            match self.decoder.next_frame() {
                Ok(Some(frame)) => match decode_item(frame) {
                    StreamItem::Payload(piece) if piece.is_empty() => {}
                    StreamItem::Payload(piece) => return Poll::Ready(Some(Ok(piece.into()))),
                    StreamItem::Complete(mut complete) => {
                        self.log_tail = complete.log_result.take();
                        match outcome(complete) {
                            Ok(()) => self.complete(),
                            Err(error) => return self.fail(error),
                        }
                    }
                    StreamItem::Failed { kind, message } => {
                        return self.fail(StreamError::Service { kind, message });
                    }
                    // An event of a later version of the API.
                    StreamItem::Unknown(_) => {}
                },
                Ok(None) => match ready!(self.poll_read(cx)) {
                    Ok(()) => {}
                    Err(error) => return self.fail(error),
                },
                Err(error) => return self.fail(broken(error.to_string())),
            }
        }
    }

    /// Takes more bytes.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), StreamError>> {
        let Some(source) = &mut self.source else { return Poll::Ready(Err(broken("it has ended"))) };
        let read = match source.answer.poll_data(cx) {
            Poll::Ready(read) => read,
            Poll::Pending => {
                ready!(self.timer.as_mut().poll(cx));
                return Poll::Ready(Err(StreamError::Timeout));
            }
        };
        Poll::Ready(match read {
            Some(Ok(bytes)) => {
                self.decoder.push(&bytes);
                self.touch();
                Ok(())
            }
            Some(Err(message)) => Err(broken(message)),
            None => Err(broken("the stream ended without its last frame")),
        })
    }

    /// The last frame came; the connection is good for another call when its message ends, too.
    fn complete(&mut self) {
        self.ended = true;
        self.timer.as_mut().reset(Instant::now() + LINGER);
    }

    fn poll_rest(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(source) = &mut self.source else { return Poll::Ready(()) };
        let is_whole = match source.answer.poll_data(cx) {
            Poll::Ready(read) => read.is_none(),
            Poll::Pending => {
                ready!(self.timer.as_mut().poll(cx));
                false
            }
        };
        if let Some(source) = self.source.take().filter(|_| is_whole) {
            source.answer.put_back(source.permit, cx);
        }
        Poll::Ready(())
    }

    fn fail(&mut self, error: StreamError) -> Poll<Option<Result<Bytes, StreamError>>> {
        self.source = None;
        self.ended = true;
        Poll::Ready(Some(Err(error)))
    }

    fn touch(&mut self) {
        if let Some(until) = self.idle.and_then(|idle| Instant::now().checked_add(idle)) {
            self.timer.as_mut().reset(until);
        }
    }
}

fn outcome(complete: InvokeComplete) -> Result<(), StreamError> {
    match complete.error_code {
        None => Ok(()),
        Some(code) => {
            Err(StreamError::Function { code, details: complete.error_details.unwrap_or_default() })
        }
    }
}

fn broken(message: impl Into<String>) -> StreamError {
    StreamError::Broken { message: message.into() }
}
