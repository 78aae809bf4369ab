//! An answer that leaves as it comes, in HTTP's chunks: a prelude and then the application's own bytes, or an envelope
//! around them.
//!
//! When the application breaks off, or Lambda's deadline comes near, nothing is written into the body that the application
//! did not write: behind a prelude the chunks end and trailers say why, and an envelope says it in its head, which comes
//! last.
//!
//! Source: "Using the Lambda runtime API", response streaming. The Runtime API takes whole answers in chunks as well:
//! aws-lambda-go sends all of its answers so.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use lambridge_event::Kind;
use lambridge_wire::runtime::{ERROR_BODY, ERROR_TYPE, ErrorReport};
use tokio::time::{Instant, Sleep, sleep};

use crate::app::App;
use crate::compression::Encoder;
use crate::envelope::Flowing;
use crate::exchange::Failure;
use crate::http1::Source;

/// The error type of a stream that broke off.
const BROKEN: &str = "Runtime.StreamError";
/// Pieces that are there at once leave together up to so many bytes.
const TOGETHER: usize = 64 * 1024;

/// The end of the chunks, without trailers.
const END: &[u8] = b"0\r\n\r\n";

/// How the application's bytes are written.
#[derive(Debug)]
pub enum Form {
    /// As they are behind a prelude, or compressed.
    Prelude(Option<Encoder>),
    /// In an envelope.
    Envelope(Flowing),
}

/// A streamed answer under way.
pub struct Stream<'a> {
    start: Vec<u8>,
    app: &'a mut App,
    /// `None` at the end.
    form: Option<Form>,
    patience: Duration,
    deadline: Pin<Box<Sleep>>,
    broken: Option<Failure>,
}

impl<'a> Stream<'a> {
    /// First `start`, then what comes of the application's body, for `patience` at most.
    pub fn new(start: Vec<u8>, app: &'a mut App, form: Form, patience: Duration) -> Stream<'a> {
        let deadline = Box::pin(sleep(patience));
        Stream { start, app, form: Some(form), patience, deadline, broken: None }
    }

    /// Why it broke off, if it did. What nobody reads of the application's answer is not taken for the next one.
    pub fn broken(self) -> Option<Failure> {
        if self.form.is_some() {
            self.app.forget();
        }
        self.broken
    }

    fn late(&mut self, out: &mut Vec<u8>) {
        self.break_off(Failure::Late(self.patience), out);
    }

    fn break_off(&mut self, failure: Failure, out: &mut Vec<u8>) {
        self.app.forget();
        match self.form.take() {
            Some(Form::Envelope(envelope)) => {
                chunk(&envelope.break_off(&failure), out);
                out.extend_from_slice(END);
            }
            Some(Form::Prelude(_)) => {
                let report = ErrorReport::new(BROKEN, failure.to_string()).to_json();
                let body = base64_simd::STANDARD.encode_to_string(report);
                let trailers = format!("0\r\n{ERROR_TYPE}: {BROKEN}\r\n{ERROR_BODY}: {body}\r\n\r\n");
                out.extend_from_slice(trailers.as_bytes());
            }
            None => {}
        }
        self.broken = Some(failure);
    }

    fn end(&mut self, out: &mut Vec<u8>) {
        match self.form.take() {
            Some(Form::Prelude(Some(encoder))) => chunk(&encoder.finish(), out),
            Some(Form::Envelope(envelope)) => chunk(&envelope.finish(), out),
            Some(Form::Prelude(None)) | None => {}
        }
        out.extend_from_slice(END);
    }
}

impl Source for Stream<'_> {
    fn poll_more(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<bool> {
        if self.form.is_none() {
            return Poll::Ready(false);
        }
        let before = out.len();
        chunk(&std::mem::take(&mut self.start), out);
        // An application that always has more to say meets its deadline as well.
        if self.deadline.deadline() <= Instant::now() {
            self.late(out);
        }
        while out.len() - before < TOGETHER
            && let Some(form) = &mut self.form
        {
            match self.app.poll_next(cx) {
                Poll::Ready(Ok(true)) => form.write(self.app.piece(), out),
                Poll::Ready(Ok(false)) => self.end(out),
                Poll::Ready(Err(error)) => self.break_off(error.into(), out),
                Poll::Pending if out.len() > before => break,
                Poll::Pending => match self.deadline.as_mut().poll(cx) {
                    Poll::Ready(()) => self.late(out),
                    Poll::Pending => return Poll::Pending,
                },
            }
        }
        Poll::Ready(true)
    }
}

impl Form {
    /// Whose envelope it is, if it is one.
    pub fn kind(&self) -> Option<Kind> {
        match self {
            Form::Prelude(_) => None,
            Form::Envelope(envelope) => Some(envelope.kind()),
        }
    }

    fn write(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        match self {
            Form::Prelude(None) => chunk(piece, out),
            Form::Prelude(Some(encoder)) => chunk(&encoder.through(piece), out),
            Form::Envelope(envelope) => {
                let adds = envelope.adds(piece.len());
                framed(adds, out, |out| envelope.push(piece, out));
            }
        }
    }
}

fn chunk(piece: &[u8], out: &mut Vec<u8>) {
    framed(piece.len(), out, |out| out.extend_from_slice(piece));
}

/// A chunk of `length` bytes, which `write` writes. An empty one would end the chunks.
fn framed(length: usize, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if length == 0 {
        return write(out);
    }
    out.extend_from_slice(format!("{length:X}\r\n").as_bytes());
    write(out);
    out.extend_from_slice(b"\r\n");
}
