//! HTTP/1.1 as Lambda's API needs it: a request that is whole before it is sent, an answer of which few fields are read.
//!
//! A general client makes a map of every head, in both directions, and hands requests over to a task or a future of its
//! own. Here the head is one text that was ready but for its signature, the answer's fields are looked at once where they
//! lie, and its body is a part of the buffer it came in. That halves what a small call costs beside HTTP itself.
//!
//! Where heads and bodies end is [`lambridge_wire::http1`]'s to say; here are the socket and the deadline. Bytes after an
//! answer's end are one to nothing asked, and end the connection. All of it is tested against hyper's client, at every
//! split.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use lambridge_wire::http1::{Asked, Body, Front, Malformed, Step, front};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::time::{Instant, Sleep};

use super::{Broken, Io};
use crate::answer::Head;

/// Lambda's heads have about ten fields; proxies add some.
const FIELDS: usize = 96;
/// The longest head that is read.
pub(super) const HEAD: usize = 64 << 10;
/// An answer that ends too early.
const CUT: &str = "the connection closed before the answer's end";
/// What one read takes, unless a body is known to be longer.
const READ: usize = 8 << 10;
/// A shorter payload is sent in one piece with the head: copying it costs less than telling the system of two pieces.
const JOIN: usize = 4 << 10;

/// A request, as it is sent. Its head holds a signature, so `Debug` shows none of it.
pub(crate) struct Message {
    head: Vec<u8>,
    payload: Bytes,
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Message").field("payload", &self.payload.len()).finish_non_exhaustive()
    }
}

impl Message {
    /// `head` from the request line to the empty line.
    pub(crate) fn new(mut head: Vec<u8>, payload: Bytes) -> Self {
        if payload.len() > JOIN {
            return Self { head, payload };
        }
        head.extend_from_slice(&payload);
        Self { head, payload: Bytes::new() }
    }

    /// Bytes to leave room for behind a head, if `payload` bytes follow.
    pub(crate) fn room(payload: usize) -> usize {
        if payload > JOIN { 0 } else { payload }
    }

    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&[&self.head[..], &self.payload[..]].concat()).into_owned()
    }

    fn len(&self) -> usize {
        self.head.len() + self.payload.len()
    }

    /// What is left after the first `sent` bytes, in two pieces of which either may be empty.
    fn rest(&self, sent: usize) -> [&[u8]; 2] {
        let head = self.head.get(sent..).unwrap_or_default();
        [head, &self.payload[sent.saturating_sub(self.head.len()).min(self.payload.len())..]]
    }
}

/// A connection.
pub(crate) struct Http1<S = Io> {
    io: S,
    /// What came and was not read yet.
    buffer: BytesMut,
    /// What is still to come of the answer.
    body: Body,
    /// Another request may follow the answer.
    keep: bool,
    /// When the call at hand must have ended.
    deadline: Instant,
    /// Kept from call to call, and moved only where it would ring too late: calls that end in time cost no change of the
    /// runtime's timers.
    timer: Option<Pin<Box<Sleep>>>,
}

impl<S> std::fmt::Debug for Http1<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http1").field("keep", &self.keep).finish_non_exhaustive()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Http1<S> {
    pub(crate) fn new(io: S) -> Self {
        let deadline = Instant::now();
        Self { io, buffer: BytesMut::new(), body: Body::Ended, keep: true, deadline, timer: None }
    }

    /// Whether the last answer has ended so that another request may follow it.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.keep && self.body == Body::Ended && self.buffer.is_empty()
    }

    /// Polls once: whether it is open, and ready for a request. Nothing may come between two exchanges: neither bytes nor an
    /// end.
    pub(super) fn poll_usable(&mut self, cx: &mut Context<'_>) -> bool {
        self.is_at_rest() && self.poll_fill(cx, 0).is_pending()
    }

    /// Sends `message` and waits for the head of its answer, to the deadline at most.
    pub(crate) async fn send(&mut self, message: &Message, deadline: Instant) -> Result<Head, Broken> {
        self.deadline = deadline;
        let mut sent = 0;
        // Why no more can be sent. What the server said before is read all the same: it may be the reason.
        let mut stuck: Option<io::Error> = None;
        poll_fn(|cx| {
            if stuck.is_none()
                && let Poll::Ready(Err(error)) = self.poll_send(cx, message, &mut sent)
            {
                if sent == 0 {
                    return Poll::Ready(Err(Broken::Unsent(crate::chain(&error))));
                }
                stuck = Some(error);
            }
            match self.poll_head(cx) {
                Poll::Ready(Ok(head)) => {
                    // What the server does not want to hear must not be taken for the next request.
                    self.keep &= sent == message.len();
                    Poll::Ready(Ok(head))
                }
                Poll::Ready(Err(error)) => {
                    Poll::Ready(Err(Broken::Sent(crate::chain(stuck.as_ref().unwrap_or(&error)))))
                }
                Poll::Pending => self.or_late(cx, Poll::Pending),
            }
        })
        .await
    }

    /// The whole body of the answer, at most `limit` bytes. One that came in one piece is not copied.
    pub(crate) async fn whole(&mut self, limit: usize) -> Result<Bytes, Broken> {
        if let Body::Length(length) = self.body {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            if length > limit {
                return Err(Broken::TooLarge);
            }
            while self.buffer.len() < length {
                let missing = length - self.buffer.len();
                let read = poll_fn(|cx| {
                    let read =
                        self.poll_fill(cx, missing).map_err(|error| Broken::Sent(crate::chain(&error)));
                    self.or_late(cx, read)
                });
                if read.await? == 0 {
                    return Err(Broken::Sent(CUT.to_owned()));
                }
            }
            self.body = Body::Ended;
            return Ok(self.buffer.split_to(length).freeze());
        }
        let mut whole = BytesMut::new();
        loop {
            let piece = poll_fn(|cx| {
                let piece = self.poll_data(cx).map(|piece| piece.transpose().map_err(Broken::Sent));
                self.or_late(cx, piece)
            });
            let Some(piece) = piece.await? else { return Ok(whole.freeze()) };
            if whole.len() + piece.len() > limit {
                return Err(Broken::TooLarge);
            }
            whole.extend_from_slice(&piece);
        }
    }

    /// The next piece of the body, never empty.
    pub(crate) fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, String>>> {
        loop {
            match self.body.step(&self.buffer) {
                Ok(Step::Data(length)) => {
                    return Poll::Ready(Some(Ok(self.buffer.split_to(length).freeze())));
                }
                Ok(Step::Frame(length)) => {
                    self.buffer.advance(length);
                    continue;
                }
                Ok(Step::More) => {}
                Ok(Step::End) => return Poll::Ready(None),
                Err(message) => return Poll::Ready(Some(Err(self.fail(message.to_owned())))),
            }
            let read = match ready!(self.poll_fill(cx, 0)) {
                Ok(0) if self.body == Body::ToTheEnd => {
                    self.body = Body::Ended;
                    continue;
                }
                Ok(0) => Err(CUT.to_owned()),
                Ok(_) => Ok(()),
                Err(error) => Err(crate::chain(&error)),
            };
            if let Err(message) = read {
                return Poll::Ready(Some(Err(self.fail(message))));
            }
        }
    }

    fn fail(&mut self, message: String) -> String {
        self.keep = false;
        self.body = Body::Ended;
        message
    }

    /// What is pending after the deadline has failed.
    fn or_late<T>(&mut self, cx: &mut Context<'_>, poll: Poll<Result<T, Broken>>) -> Poll<Result<T, Broken>> {
        if poll.is_pending() && self.poll_deadline(cx).is_ready() {
            return Poll::Ready(Err(Broken::Late { sent: true }));
        }
        poll
    }

    fn poll_deadline(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let due = self.deadline;
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        loop {
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= due {
                return Poll::Ready(());
            }
            timer.as_mut().reset(due);
        }
    }

    /// Sends what the socket takes; `sent` counts.
    fn poll_send(
        &mut self,
        cx: &mut Context<'_>,
        message: &Message,
        sent: &mut usize,
    ) -> Poll<io::Result<()>> {
        while *sent < message.len() {
            let io = Pin::new(&mut self.io);
            let wrote = match message.rest(*sent) {
                [head, []] => io.poll_write(cx, head),
                [[], payload] => io.poll_write(cx, payload),
                [head, payload] => io.poll_write_vectored(cx, &[IoSlice::new(head), IoSlice::new(payload)]),
            };
            match ready!(wrote)? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                wrote => *sent += wrote,
            }
        }
        Pin::new(&mut self.io).poll_flush(cx)
    }

    /// Reads on: how many bytes came, none at the end. Asks for `more` at least, if that is said.
    fn poll_fill(&mut self, cx: &mut Context<'_>, more: usize) -> Poll<io::Result<usize>> {
        let room = self.buffer.capacity() - self.buffer.len();
        if room < more.max(READ / 4) {
            self.buffer.reserve(more.max(READ));
        }
        pin!(self.io.read_buf(&mut self.buffer)).poll(cx)
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Head>> {
        loop {
            let mut head = None;
            let parsed = front::<FIELDS>(&self.buffer, Asked::Body, |status, name, value| {
                head.get_or_insert_with(|| Head::new(status)).field(name, value);
            });
            match parsed.map_err(malformed)? {
                // No protocol was offered to switch to.
                Front::Final { status: 101, .. } => {
                    return Poll::Ready(Err(malformed(Malformed("101 was not asked for"))));
                }
                Front::Final { length, status, body, keep } => {
                    self.buffer.advance(length);
                    (self.body, self.keep) = (body, keep);
                    return Poll::Ready(Ok(head.unwrap_or_else(|| Head::new(status))));
                }
                Front::Interim(length) => {
                    self.buffer.advance(length);
                    continue;
                }
                Front::More => {}
            }
            if self.buffer.len() > HEAD {
                return Poll::Ready(Err(malformed(Malformed("its head is too long"))));
            }
            if ready!(self.poll_fill(cx, 0))? == 0 {
                return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}

fn malformed(what: Malformed) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests;
