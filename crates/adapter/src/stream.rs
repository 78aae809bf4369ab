//! An answer that streams through: the prelude, and then the application's body as it comes, in HTTP's chunks.
//!
//! When the application breaks off, or Lambda's deadline comes near, the chunks end and trailers say why: nothing is
//! written into the body that the application did not write.
//!
//! Source: "Using the Lambda runtime API", response streaming.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use lambridge_wire::runtime::{ERROR_BODY, ERROR_TYPE, ErrorReport};
use tokio::time::{Instant, Sleep, sleep};

use crate::app::App;
use crate::compression::Encoder;
use crate::http1::Source;

/// The error type of a stream that broke off.
const BROKEN: &str = "Runtime.StreamError";
/// Pieces that are there at once leave together up to so many bytes.
const TOGETHER: usize = 64 * 1024;

/// A streamed answer under way.
pub struct Stream<'a> {
    prelude: Vec<u8>,
    app: &'a mut App,
    encoder: Option<Encoder>,
    deadline: Pin<Box<Sleep>>,
    ended: bool,
    broken: Option<String>,
}

impl<'a> Stream<'a> {
    /// First `prelude`, then what comes of the application's body, for `patience` at most.
    pub fn new(
        prelude: Vec<u8>,
        app: &'a mut App,
        encoder: Option<Encoder>,
        patience: Duration,
    ) -> Stream<'a> {
        Stream { prelude, app, encoder, deadline: Box::pin(sleep(patience)), ended: false, broken: None }
    }

    /// Why it broke off, if it did. What nobody reads of the application's answer is not taken for the next one.
    pub fn broken(self) -> Option<String> {
        if !self.ended {
            self.app.forget();
        }
        self.broken
    }

    fn late(&mut self, out: &mut Vec<u8>) {
        self.break_off("the application did not end its answer in time", out);
    }

    fn break_off(&mut self, message: &str, out: &mut Vec<u8>) {
        self.app.forget();
        self.broken = Some(message.to_owned());
        self.ended = true;
        let report = ErrorReport::new(BROKEN, message).to_json();
        let body = base64_simd::STANDARD.encode_to_string(report);
        let trailers = format!("0\r\n{ERROR_TYPE}: {BROKEN}\r\n{ERROR_BODY}: {body}\r\n\r\n");
        out.extend_from_slice(trailers.as_bytes());
    }
}

impl Source for Stream<'_> {
    fn poll_more(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<bool> {
        if self.ended {
            return Poll::Ready(false);
        }
        let before = out.len();
        if !self.prelude.is_empty() {
            chunk(&std::mem::take(&mut self.prelude), out);
        }
        // An application that always has more to say meets its deadline as well.
        if self.deadline.deadline() <= Instant::now() {
            self.late(out);
        }
        while !self.ended && out.len() - before < TOGETHER {
            match self.app.poll_next(cx) {
                Poll::Ready(Ok(true)) => match &mut self.encoder {
                    Some(encoder) => chunk(&encoder.through(self.app.piece()), out),
                    None => chunk(self.app.piece(), out),
                },
                Poll::Ready(Ok(false)) => {
                    if let Some(encoder) = self.encoder.take() {
                        chunk(&encoder.finish(), out);
                    }
                    out.extend_from_slice(b"0\r\n\r\n");
                    self.ended = true;
                }
                Poll::Ready(Err(error)) => {
                    self.break_off(&format!("the application broke off its answer: {error}"), out);
                }
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

/// An empty piece would end the chunks.
fn chunk(piece: &[u8], out: &mut Vec<u8>) {
    if piece.is_empty() {
        return;
    }
    out.extend_from_slice(format!("{:X}\r\n", piece.len()).as_bytes());
    out.extend_from_slice(piece);
    out.extend_from_slice(b"\r\n");
}
