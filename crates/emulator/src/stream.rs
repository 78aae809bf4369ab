//! An answer that is passed on while the function still gives it.
//!
//! Pieces go through a short channel, so a caller that reads slowly slows the function down. One that goes away does not
//! end the function: what it still gives is dropped. How the invocation ended is known after the last piece.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use http_body_util::{Either, Full};
use tokio::sync::{mpsc, oneshot};

use crate::function::Done;
use crate::sandbox::Outcome;

/// Pieces on their way at once.
const PIECES: usize = 16;

/// What a runtime streams.
#[derive(Debug)]
pub(crate) enum Piece {
    /// First of all: the media type.
    Type(Option<String>),
    Data(Bytes),
}

/// Where a runtime's pieces go.
pub(crate) type Sink = mpsc::Sender<Piece>;

/// An invocation whose answer is passed on.
#[derive(Debug)]
pub(crate) struct Running {
    request_id: String,
    pieces: mpsc::Receiver<Piece>,
    done: oneshot::Receiver<Done>,
    ended: Option<Done>,
}

/// What comes next of an invocation.
#[derive(Debug)]
pub(crate) enum Next {
    Piece(Piece),
    /// The end; nothing follows.
    Done(Done),
}

/// The two ends of a runtime's stream.
pub(crate) fn channel() -> (Sink, mpsc::Receiver<Piece>) {
    mpsc::channel(PIECES)
}

impl Running {
    pub(crate) fn new(
        request_id: String,
        pieces: mpsc::Receiver<Piece>,
        done: oneshot::Receiver<Done>,
    ) -> Self {
        Self { request_id, pieces, done, ended: None }
    }

    /// The next piece, or the end.
    pub(crate) async fn next(&mut self) -> Next {
        if self.ended.is_none() {
            let done = tokio::select! {
                biased;
                Some(piece) = self.pieces.recv() => return Next::Piece(piece),
                done = &mut self.done => done,
            };
            self.ended = Some(done.unwrap_or_else(|_| Done::lost(&self.request_id)));
        }
        // All that a runtime gave before its end is in the channel by now.
        match (self.pieces.try_recv(), self.ended.take()) {
            (Ok(piece), ended) => {
                self.ended = ended;
                Next::Piece(piece)
            }
            (Err(_), Some(done)) => Next::Done(done),
            (Err(_), None) => Next::Done(Done::lost(&self.request_id)),
        }
    }
}

impl Done {
    /// What is known of an invocation of which nobody tells any more.
    pub(crate) fn lost(request_id: &str) -> Self {
        let outcome = Outcome::platform(request_id, "Sandbox.Failure", "the invocation was lost");
        Self { outcome, log_tail: None }
    }
}

/// The body of every answer here.
pub(crate) type Body = Either<Full<Bytes>, Streamed>;

/// A body that is there as a whole.
pub(crate) fn whole(bytes: impl Into<Bytes>) -> Body {
    Either::Left(Full::new(bytes.into()))
}

/// A body that comes in pieces.
#[derive(Debug)]
pub(crate) struct Streamed(mpsc::Receiver<Result<Bytes, Cut>>);

/// The way into a [`Streamed`].
pub(crate) type Frames = mpsc::Sender<Result<Bytes, Cut>>;

/// The function failed after its answer had begun: the connection is cut, so that the caller learns.
#[derive(Debug, thiserror::Error)]
#[error("the function's answer broke off")]
pub(crate) struct Cut;

impl Streamed {
    pub(crate) fn new() -> (Frames, Self) {
        let (frames, body) = mpsc::channel(PIECES);
        (frames, Self(body))
    }
}

impl http_body::Body for Streamed {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
