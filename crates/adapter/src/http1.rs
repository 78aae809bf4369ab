//! One HTTP/1.1 connection, driven by the worker that uses it.
//!
//! A general client has a task for each connection, hands requests and answers over to it, and makes a map of every head.
//! A worker has one exchange at a time, so here it writes and reads by itself: a small exchange is one write, one wait and
//! one read, into memory that stays. Where heads and bodies end is [`lambridge_wire::http1`]'s to say.
//!
//! What is sent behind the head comes from a [`Source`], a piece whenever the one before has left. The answer is listened
//! for meanwhile: a peer may refuse before it has read all, and what it says then is the outcome.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::BufMut;
use lambridge_wire::http1::{Asked, Body, Front, Step, front};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

use crate::socket::Socket;

/// What is read at once, and how long a head may be. It takes a few system calls for the largest body, and
/// fits the processor's cache; only as much as ever came is really memory.
const BUFFER: usize = 256 * 1024;
/// An answer that ends too early.
const CUT: &str = "the connection closed before the answer's end";

/// What follows a request's head.
pub trait Source {
    /// Bytes at hand, sent as they are behind what the first [`poll_more`](Source::poll_more) gave. They are large.
    fn whole(&self) -> &[u8] {
        b""
    }

    /// Appends what there is to `out`; `false` at the end. It is asked when all before has been sent.
    fn poll_more(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<bool>;
}

impl<T: Source> Source for &mut T {
    fn whole(&self) -> &[u8] {
        (**self).whole()
    }

    fn poll_more(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<bool> {
        (**self).poll_more(cx, out)
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum Broken {
    /// No byte of the request was sent.
    Unsent(io::Error),
    /// Some were.
    Sent(io::Error),
}

/// A request under way: what it says is in `text`, and then comes from the source. `Debug` shows none of it.
#[derive(Default)]
pub struct Outbox {
    /// The head, and what was taken from the source.
    pub text: Vec<u8>,
    sent: usize,
    begun: bool,
    ended: bool,
}

/// A connection. `Debug` shows nothing of what went over it.
pub struct Http1<S = Socket> {
    io: S,
    buffer: Box<[u8]>,
    /// What came and was not read yet.
    unread: Range<usize>,
    /// Where the piece is that was read last.
    piece: Range<usize>,
    /// What is still to come of the answer.
    body: Body,
    /// Another request may follow the answer.
    keep: bool,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").field("sent", &self.sent).field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl<S> std::fmt::Debug for Http1<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http1").field("body", &self.body).field("keep", &self.keep).finish_non_exhaustive()
    }
}

impl Outbox {
    /// Whether all of the request has been sent.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// For a fresh request: the head is to be written to `text`.
    pub fn clear(&mut self) {
        self.text.clear();
        (self.sent, self.begun, self.ended) = (0, false, false);
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Http1<S> {
    /// Nothing was said yet.
    pub fn new(io: S) -> Self {
        // Zeroed memory of this size is the system's, and none until it is touched.
        let buffer = vec![0; BUFFER].into_boxed_slice();
        Http1 { io, buffer, unread: 0..0, piece: 0..0, body: Body::Ended, keep: true }
    }

    /// Whether the answer has been read to its end.
    pub fn is_ended(&self) -> bool {
        self.body == Body::Ended
    }

    /// Whether another request may follow, as far as was said.
    pub fn is_at_rest(&self) -> bool {
        self.keep && self.is_ended() && self.unread.is_empty()
    }

    /// How long the rest of the body is, where the head says it.
    pub fn length(&self) -> Option<u64> {
        self.body.length()
    }

    /// Looks once whether it is still open: between two exchanges comes nothing, neither bytes nor an end.
    pub async fn is_usable(&mut self) -> bool {
        self.is_at_rest() && poll_fn(|cx| Poll::Ready(self.poll_fill(cx).is_pending())).await
    }

    /// Sends a request and waits for the answer's head: its status. Each field is handed to `field`.
    pub async fn send<const FIELDS: usize>(
        &mut self,
        outbox: &mut Outbox,
        source: &mut impl Source,
        asked: Asked,
        field: &mut impl FnMut(&str, &[u8]),
    ) -> Result<u16, Broken> {
        let mut wrote = false;
        // Why no more can be sent. What the peer said before is read all the same: it may be the reason.
        let mut stuck: Option<io::Error> = None;
        poll_fn(|cx| {
            if stuck.is_none()
                && let Poll::Ready(Err(error)) = self.poll_send(cx, outbox, source, &mut wrote)
            {
                if !wrote {
                    return Poll::Ready(Err(Broken::Unsent(error)));
                }
                stuck = Some(error);
            }
            match ready!(self.poll_front::<FIELDS>(cx, asked, field)) {
                Ok(status) => {
                    // What a peer does not want to hear must not be taken for the next request.
                    self.keep &= outbox.ended;
                    Poll::Ready(Ok(status))
                }
                Err(error) => Poll::Ready(Err(Broken::Sent(stuck.take().unwrap_or(error)))),
            }
        })
        .await
    }

    /// Sends what the socket takes; `wrote` is set where it takes any.
    pub fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        outbox: &mut Outbox,
        source: &mut impl Source,
        wrote: &mut bool,
    ) -> Poll<io::Result<()>> {
        while !outbox.ended {
            if !outbox.begun {
                // The first piece leaves together with the head, if it is there.
                outbox.begun = true;
                let _ = source.poll_more(cx, &mut outbox.text);
            } else if outbox.sent < outbox.text.len() + source.whole().len() {
                let text = outbox.text.get(outbox.sent..).unwrap_or_default();
                let whole = &source.whole()[outbox.sent.saturating_sub(outbox.text.len())..];
                let io = Pin::new(&mut self.io);
                let count = match (text, whole) {
                    (text, []) => io.poll_write(cx, text),
                    ([], whole) => io.poll_write(cx, whole),
                    _ => io.poll_write_vectored(cx, &[IoSlice::new(text), IoSlice::new(whole)]),
                };
                match ready!(count)? {
                    0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    count => outbox.sent += count,
                }
                *wrote = true;
            } else if source.whole().is_empty() {
                outbox.text.clear();
                outbox.sent = 0;
                outbox.ended = !ready!(source.poll_more(cx, &mut outbox.text));
            } else {
                outbox.ended = true;
            }
        }
        Poll::Ready(Ok(()))
    }

    fn poll_front<const FIELDS: usize>(
        &mut self,
        cx: &mut Context<'_>,
        asked: Asked,
        field: &mut impl FnMut(&str, &[u8]),
    ) -> Poll<io::Result<u16>> {
        loop {
            let unread = &self.buffer[self.unread.clone()];
            let found = front::<FIELDS>(unread, asked, |_, name, value| field(name, value));
            match found.map_err(|what| io::Error::new(io::ErrorKind::InvalidData, what))? {
                Front::Final { length, status, body, keep } => {
                    self.unread.start += length;
                    (self.body, self.keep) = (body, keep);
                    return Poll::Ready(Ok(status));
                }
                Front::Interim(length) => {
                    self.unread.start += length;
                    continue;
                }
                Front::More => {}
            }
            if self.unread.len() == BUFFER {
                return Poll::Ready(Err(invalid("the answer's head is too long")));
            }
            if ready!(self.poll_fill(cx))? == 0 {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, CUT)));
            }
        }
    }

    /// Whether the body goes on: there is another [`piece`](Http1::piece) then.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        loop {
            let step = self.body.step(&self.buffer[self.unread.clone()]);
            match step.map_err(|what| self.fail(invalid(what)))? {
                Step::Data(length) => {
                    self.piece = self.unread.start..self.unread.start + length;
                    self.unread.start += length;
                    return Poll::Ready(Ok(true));
                }
                Step::Frame(length) => {
                    self.unread.start += length;
                    continue;
                }
                Step::More => {}
                Step::End => return Poll::Ready(Ok(false)),
            }
            match ready!(self.poll_fill(cx)) {
                Ok(0) if self.body == Body::ToTheEnd => self.body = Body::Ended,
                Ok(0) => {
                    return Poll::Ready(Err(self.fail(io::Error::new(io::ErrorKind::UnexpectedEof, CUT))));
                }
                Ok(_) => {}
                Err(error) => return Poll::Ready(Err(self.fail(error))),
            }
        }
    }

    /// What the last [`poll_piece`](Http1::poll_piece) found.
    pub fn piece(&self) -> &[u8] {
        &self.buffer[self.piece.clone()]
    }

    /// The rest of a body of a known length, read to where it is wanted.
    pub async fn read_rest(&mut self, length: usize, out: &mut Vec<u8>) -> io::Result<()> {
        out.reserve(length);
        let there = length.min(self.unread.len());
        out.extend_from_slice(&self.buffer[self.unread.start..self.unread.start + there]);
        self.unread.start += there;
        let mut missing = length - there;
        while missing > 0 {
            let read = self.io.read_buf(&mut out.limit(missing)).await;
            match read.map_err(|error| self.fail(error))? {
                0 => return Err(self.fail(io::Error::new(io::ErrorKind::UnexpectedEof, CUT))),
                read => missing -= read,
            }
        }
        self.body = Body::Ended;
        Ok(())
    }

    fn fail(&mut self, error: io::Error) -> io::Error {
        (self.keep, self.body) = (false, Body::Ended);
        error
    }

    /// Reads on: how many bytes came, none at the end.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if self.unread.is_empty() {
            self.unread = 0..0;
        } else if self.unread.end == BUFFER {
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
        }
        let mut room = ReadBuf::new(&mut self.buffer[self.unread.end..]);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut room))?;
        let read = room.filled().len();
        self.unread.end += read;
        Poll::Ready(Ok(read))
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests;
