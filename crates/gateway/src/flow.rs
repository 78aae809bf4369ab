//! An answer that is passed on while the function, or the HTTP service, still gives it.
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
use lambridge_invoke::{Received, StreamError, Streamed};

use crate::function::Permit;
use crate::ledger::Ledger;
use crate::problem::{Reason, Refusal};
use crate::record::Record;

/// How long an answer without a body waits for the end of its call: a call that ends leaves its connection usable.
const RUN_OUT: Duration = Duration::from_secs(1);

/// A streamed answer behind its head.
pub(crate) struct Flow {
    /// What came with the head.
    first: Bytes,
    source: Source,
    /// Where the function's log report is entered.
    ledger: Option<Ledger>,
    record: Option<Record>,
    /// Something was given to be written since the last pause.
    unwritten: bool,
    broken: Option<Refusal>,
}

/// Who gives it.
enum Source {
    Function(Streamed, Permit),
    Upstream(Received),
}

impl Source {
    /// Nothing more is to come, and nothing went wrong.
    fn is_over(&self) -> bool {
        match self {
            Self::Function(..) => false,
            Self::Upstream(received) => received.is_over(),
        }
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Refusal>>> {
        match self {
            Self::Function(streamed, _) => streamed
                .poll_next(cx)
                .map(|next| next.map(|piece| piece.map_err(|error| Refusal::from_stream(&error)))),
            Self::Upstream(received) => received.poll_next(cx).map(|next| {
                next.map(|piece| {
                    piece.map_err(|error| {
                        let reason = match error {
                            StreamError::Timeout => Reason::UpstreamTimeout,
                            _ => Reason::UpstreamError,
                        };
                        Refusal::from(reason).with_detail(error.to_string())
                    })
                })
            }),
        }
    }
}

/// The answer ends here, unfinished.
#[derive(Debug, thiserror::Error)]
#[error("the answer broke off")]
pub(crate) struct Cut;

impl fmt::Debug for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flow").field("first", &self.first.len()).finish_non_exhaustive()
    }
}

impl Flow {
    /// `first`, then what `streamed` still gives.
    pub(crate) fn new(first: Bytes, streamed: Streamed, permit: Permit, ledger: Option<Ledger>) -> Box<Self> {
        // The head is written like a piece.
        let mut flow = Self::of(first, Source::Function(streamed, permit));
        flow.ledger = ledger;
        flow
    }

    /// What an HTTP service gives.
    pub(crate) fn passing(received: Received) -> Box<Self> {
        Self::of(Bytes::new(), Source::Upstream(received))
    }

    fn of(first: Bytes, source: Source) -> Box<Self> {
        Box::new(Self { first, source, ledger: None, record: None, unwritten: true, broken: None })
    }

    /// Bytes that are still to come, where the service said so.
    pub(crate) fn length(&self) -> Option<u64> {
        match &self.source {
            Source::Upstream(received) => received.length(),
            Source::Function(..) => None,
        }
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
            let Poll::Ready(next) = self.source.poll_next(cx) else {
                self.unwritten = false;
                return Poll::Pending;
            };
            match next {
                Some(Ok(piece)) => {
                    let piece = self.give(piece);
                    // A message of known length ends with its last byte; no one asks for more.
                    if self.source.is_over() {
                        self.end();
                    }
                    return Poll::Ready(Some(Ok(piece)));
                }
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
        // A service's answer without a body never becomes a flow.
        let Source::Function(mut streamed, permit) = self.source else { return };
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
        if let (Some(ledger), Source::Function(streamed, _)) = (&self.ledger, &mut self.source)
            && let Some(tail) = streamed.take_log_tail()
        {
            ledger.note(&tail, &mut record.facts);
        }
        if let Some(refusal) = self.broken.take() {
            record.break_off(refusal.reason, refusal.detail);
        }
        record.write();
    }
}
