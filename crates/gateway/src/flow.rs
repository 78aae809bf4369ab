//! An answer that is passed on while the function still gives it.
//!
//! A flow is polled by the connection that writes it, and by nothing else: a client that reads slowly slows the function
//! down, and one that goes takes the call with it, as hyper drops the body of a connection that ended. Each piece goes
//! out before the next is waited for, so an event of `text/event-stream` reaches the client when it is sent.
//!
//! After the head there is no other status to give. An answer that breaks off is cut: the connection ends without the
//! end of the message, which is how HTTP says that it is not whole (RFC 9112 section 8). What the function gave before
//! that is written first.
//!
//! The flow holds what the request held: its function's permit and its record, which is written at the very end.

use std::fmt;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use lambridge_invoke::{StreamError, Streamed};

use crate::function::Permit;
use crate::problem::Refusal;
use crate::record::Record;

/// How long an answer without a body waits for the end of its call: a call that ends leaves its connection usable.
const RUN_OUT: Duration = Duration::from_secs(1);

/// A streamed answer behind its head.
pub(crate) struct Flow {
    /// What came with the head.
    first: Bytes,
    streamed: Streamed,
    permit: Permit,
    record: Option<Record>,
    /// Something was given to be written since the last pause.
    unwritten: bool,
    broken: Option<StreamError>,
}

/// The answer ends here, unfinished.
#[derive(Debug, thiserror::Error)]
#[error("the function's answer broke off")]
pub(crate) struct Cut;

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("streamed", &self.streamed).finish_non_exhaustive()
    }
}

impl Flow {
    /// `first`, then what `streamed` still gives.
    pub(crate) fn new(first: Bytes, streamed: Streamed, permit: Permit) -> Box<Self> {
        // The head is written like a piece.
        Box::new(Self { first, streamed, permit, record: None, unwritten: true, broken: None })
    }

    /// Writes `record` when all is over.
    pub(crate) fn follow(&mut self, record: Record) {
        self.record = Some(record.stream());
    }

    pub(crate) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Cut>>> {
        if !self.first.is_empty() {
            let first = std::mem::take(&mut self.first);
            return Poll::Ready(Some(Ok(self.give(first))));
        }
        if self.broken.is_none() {
            let Poll::Ready(next) = self.streamed.poll_next(cx) else {
                self.unwritten = false;
                return Poll::Pending;
            };
            match next {
                Some(Ok(piece)) => return Poll::Ready(Some(Ok(self.give(piece)))),
                Some(Err(error)) => self.broken = Some(error),
                None => {
                    self.end();
                    return Poll::Ready(None);
                }
            }
        }
        // hyper writes what it was given when it is told to wait, and drops it when it is told of an error.
        if std::mem::take(&mut self.unwritten) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        self.end();
        Poll::Ready(Some(Err(Cut)))
    }

    /// No body belongs to the answer: it goes out without one, and the call may still end for a moment.
    pub(crate) fn run_out(self) {
        let Self { mut streamed, permit, .. } = self;
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let rest = async { while let Some(Ok(_)) = streamed.next().await {} };
            // A call that has not ended by then is dropped.
            let _ = tokio::time::timeout(RUN_OUT, rest).await;
            drop(permit);
        });
    }

    fn give(&mut self, piece: Bytes) -> Bytes {
        if let Some(record) = &mut self.record {
            record.facts.bytes_out += piece.len();
        }
        self.unwritten = true;
        piece
    }

    fn end(&mut self) {
        let Some(mut record) = self.record.take() else { return };
        if let Some(error) = &self.broken {
            let refusal = Refusal::from_stream(error);
            record.break_off(refusal.reason, refusal.detail);
        }
        record.write();
    }
}
