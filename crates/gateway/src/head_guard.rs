//! Stands between the socket and hyper, and lets no head through that two parsers could read differently.
//!
//! hyper silently drops `Content-Length` beside `Transfer-Encoding`, and answers a bad head without a word. The guard
//! follows the framing of every message ([`framing`]), pipelined ones too. In place of a refused head hyper gets a
//! made-up one that closes the connection, and the service answers that with the refusal
//! ([`crate::connection::Exchange`]): so answers keep their order, and the refusal has its problem body and log line, with
//! method and target where they were read.
//!
//! It also keeps the time where hyper cannot tell waits apart: for a head once its first byte is there, between
//! requests, and for a client that does not take its answer.
//!
//! Heads that arrive whole are checked where hyper reads them, without a copy.

#[cfg(test)]
mod against_hyper;
mod framing;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::connection::Connection;
use crate::problem::Reason;
use framing::{Fault, Framing};

/// What hyper reads in place of a refused head: the request line, if it was sound, or one that says nothing, then these.
const UNREAD: &[u8] = b"- - HTTP/1.1\r\n";
const FIELDS: &[u8] = b"host: refused.invalid\r\nconnection: close\r\n\r\n";

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    /// From a head's first byte to its last.
    pub(crate) head: Duration,
    /// Between requests, and for progress in writing.
    pub(crate) idle: Duration,
}

/// The guarded socket.
#[derive(Debug)]
pub(crate) struct HeadGuard<IO> {
    io: IO,
    framing: Framing,
    /// The beginning of a head.
    held: Vec<u8>,
    /// Checked bytes that hyper has not taken yet, and how many it has.
    ready: Vec<u8>,
    taken: usize,
    /// Heads passed on.
    heads: u64,
    refused: bool,
    /// A chunked body broke; what came before it has gone on, the next read fails.
    broken: bool,
    connection: Arc<Connection>,
    waits: Waits,
    reading: Timer,
    /// Ends the wait for a head or for its beginning.
    head_due: Option<Instant>,
    idle_due: Option<Instant>,
    writing: Timer,
    write_due: Option<Instant>,
}

impl<IO> HeadGuard<IO> {
    pub(crate) fn new(io: IO, head_max: usize, waits: Waits, connection: Arc<Connection>) -> Self {
        Self {
            io,
            framing: Framing::new(head_max),
            held: Vec::new(),
            ready: Vec::new(),
            taken: 0,
            heads: 0,
            refused: false,
            broken: false,
            connection,
            waits,
            reading: Timer::default(),
            head_due: None,
            idle_due: None,
            writing: Timer::default(),
            write_due: None,
        }
    }

    /// Whether the client may still be sending a message that was not read to its end.
    pub(crate) fn expects_more(&self) -> bool {
        self.refused || self.broken || !self.held.is_empty() || !self.framing.is_in_head()
    }

    pub(crate) fn into_inner(self) -> IO {
        self.io
    }

    /// Puts the stand-in where the bad head was.
    fn refuse(&mut self, reason: Reason) {
        self.connection.exchange.refuse(self.heads, reason);
        self.refused = true;
        let held = std::mem::take(&mut self.held);
        self.ready.extend_from_slice(self.framing.request_line(&held).unwrap_or(UNREAD));
        self.ready.extend_from_slice(FIELDS);
    }

    /// Ends the input inside a body: its reader fails, and with it the connection.
    fn break_off(&mut self) {
        self.broken = true;
        self.held = Vec::new();
    }

    /// Hands over checked bytes.
    fn give(&mut self, buf: &mut ReadBuf<'_>) {
        let rest = &self.ready[self.taken..];
        let given = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..given]);
        self.taken += given;
        if self.taken == self.ready.len() {
            self.ready.clear();
            self.taken = 0;
        }
    }

    /// Nothing to read: whether a wait is over. Ready means that the connection ends or `ready` has a refusal.
    fn poll_waits(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let due = if !self.held.is_empty() {
            *self.head_due.get_or_insert_with(|| Instant::now() + self.waits.head)
        } else if self.framing.is_in_head() && self.connection.exchange.is_idle(self.heads) {
            *self.idle_due.get_or_insert_with(|| Instant::now() + self.waits.idle)
        } else {
            // A body has its deadline in the pipeline, an answer in the call.
            return Poll::Pending;
        };
        ready!(self.reading.poll_until(due, cx));
        if !self.held.is_empty() {
            self.refuse(Reason::RequestTimeout);
        }
        Poll::Ready(())
    }
}

/// Bytes stopped making sense inside a body.
fn broken_body() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the chunked body is malformed")
}

impl<IO: AsyncRead + Unpin> AsyncRead for HeadGuard<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        loop {
            if !this.ready.is_empty() {
                this.give(buf);
                return Poll::Ready(Ok(()));
            }
            if this.broken {
                return Poll::Ready(Err(broken_body()));
            }
            if this.refused || buf.remaining() == 0 {
                // The stand-in closes the connection; an end of input now would take its answer away.
                return Poll::Pending;
            }
            if this.held.is_empty() {
                let before = buf.filled().len();
                match Pin::new(&mut this.io).poll_read(cx, buf) {
                    Poll::Ready(read) => read?,
                    // Over without a refusal to give: the end of an idle connection.
                    Poll::Pending => match this.poll_waits(cx) {
                        Poll::Ready(()) if this.ready.is_empty() => return Poll::Ready(Ok(())),
                        Poll::Ready(()) => continue,
                        Poll::Pending => return Poll::Pending,
                    },
                }
                let fresh = &buf.filled()[before..];
                if fresh.is_empty() {
                    return Poll::Ready(Ok(()));
                }
                this.idle_due = None;
                let scan = this.framing.scan(fresh);
                this.heads += scan.heads;
                this.held.extend_from_slice(&fresh[scan.passed..]);
                buf.set_filled(before + scan.passed);
                match scan.fault {
                    Some(Fault::Head(reason)) => this.refuse(reason),
                    Some(Fault::Body) => this.break_off(),
                    None => {}
                }
                if scan.passed > 0 {
                    return Poll::Ready(Ok(()));
                }
                continue;
            }
            let mut space = [0; 4096];
            let mut more = ReadBuf::new(&mut space);
            match Pin::new(&mut this.io).poll_read(cx, &mut more) {
                Poll::Ready(read) => read?,
                Poll::Pending => {
                    ready!(this.poll_waits(cx));
                    continue;
                }
            }
            if more.filled().is_empty() {
                // Half a head is no request; the client has ended it.
                return Poll::Ready(Ok(()));
            }
            this.held.extend_from_slice(more.filled());
            let scan = this.framing.scan(&this.held);
            this.heads += scan.heads;
            if scan.passed > 0 {
                this.head_due = None;
                let tail = this.held.split_off(scan.passed);
                this.ready = std::mem::replace(&mut this.held, tail);
            }
            match scan.fault {
                Some(Fault::Head(reason)) => this.refuse(reason),
                Some(Fault::Body) => this.break_off(),
                None => {}
            }
        }
    }
}

impl<IO> HeadGuard<IO> {
    /// A write went through, or its time is up.
    fn wrote<T>(&mut self, written: Poll<io::Result<T>>, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_due = None;
            return written;
        }
        let due = *self.write_due.get_or_insert_with(|| Instant::now() + self.waits.idle);
        ready!(self.writing.poll_until(due, cx));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not take its answer")))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for HeadGuard<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write(cx, bytes);
        this.wrote(written, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.io).poll_write_vectored(cx, bytes);
        this.wrote(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.io).poll_flush(cx);
        this.wrote(flushed, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

/// A timer that is moved only when it would ring too late: waits that end in time cost no change of the wheel.
#[derive(Debug, Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    fn poll_until(&mut self, due: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        if sleep.deadline() > due {
            sleep.as_mut().reset(due);
        }
        loop {
            ready!(sleep.as_mut().poll(cx));
            if sleep.deadline() >= due {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(due);
        }
    }
}
