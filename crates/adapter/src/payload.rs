//! What a request carries: bytes at hand, or an answer that streams through.
//!
//! A large body that Lambda sent as base64 is decoded while it is sent on, so that it is in memory once.
//!
//! A streamed answer is the prelude, and then the application's body as it comes. When the application breaks off, or
//! Lambda's deadline comes near, the chunks end and trailers say why: nothing is written into the body that the
//! application did not write.
//!
//! Source: "Using the Lambda runtime API", response streaming.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body_util::Full;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use lambridge_wire::runtime::{ERROR_BODY, ERROR_TYPE, ErrorReport};
use tokio::time::{Sleep, sleep};

use crate::compression::Encoder;

/// The body of a request.
pub enum Payload {
    /// With its length in the head.
    Whole(Full<Bytes>),
    /// The same, decoded as it goes.
    Base64(Bytes),
    /// Chunked.
    Stream(Box<Stream>),
}

/// A streamed answer under way.
pub struct Stream {
    prelude: Option<Bytes>,
    rest: Option<Incoming>,
    encoder: Option<Encoder>,
    deadline: Pin<Box<Sleep>>,
    end: Arc<OnceLock<String>>,
}

/// Characters of base64 that are decoded at once: what comes out stays in the processor's cache until it is sent.
const PIECE: usize = 64 * 1024;

/// The error type of a stream that broke off.
const BROKEN: &str = "Runtime.StreamError";

impl Payload {
    /// Bytes at hand.
    pub fn new(bytes: Bytes) -> Payload {
        Payload::Whole(Full::new(bytes))
    }

    /// Bytes at hand, of which only base64 is: checked, and a multiple of four.
    pub fn base64(text: Bytes) -> Payload {
        Payload::Base64(text)
    }

    /// First `prelude`, then what comes, for `patience` at most. Beside it why it broke off, once it has.
    pub fn stream(
        prelude: Bytes,
        rest: Option<Incoming>,
        encoder: Option<Encoder>,
        patience: Duration,
    ) -> (Payload, Arc<OnceLock<String>>) {
        let end = Arc::new(OnceLock::new());
        let stream = Stream {
            prelude: Some(prelude),
            rest,
            encoder,
            deadline: Box::pin(sleep(patience)),
            end: end.clone(),
        };
        (Payload::Stream(Box::new(stream)), end)
    }
}

impl Stream {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        if let Some(prelude) = self.prelude.take() {
            return Poll::Ready(Some(Frame::data(prelude)));
        }
        loop {
            let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
            match Pin::new(rest).poll_frame(cx) {
                Poll::Ready(None) => {
                    self.rest = None;
                    if let Some(encoder) = self.encoder.take() {
                        return Poll::Ready(Some(Frame::data(encoder.finish().into())));
                    }
                }
                // The application's own trailers have no place in a Lambda answer.
                Poll::Ready(Some(Ok(frame))) => {
                    let Ok(data) = frame.into_data() else { continue };
                    let data = match &mut self.encoder {
                        Some(encoder) => encoder.through(&data),
                        None => data,
                    };
                    // An empty piece would end the chunks.
                    if !data.is_empty() {
                        return Poll::Ready(Some(Frame::data(data)));
                    }
                }
                Poll::Ready(Some(Err(error))) => {
                    return self.break_off(&format!("the application broke off its answer: {error}"));
                }
                Poll::Pending => {
                    return match self.deadline.as_mut().poll(cx) {
                        Poll::Ready(()) => self.break_off("the application did not end its answer in time"),
                        Poll::Pending => Poll::Pending,
                    };
                }
            }
        }
    }

    fn break_off(&mut self, message: &str) -> Poll<Option<Frame<Bytes>>> {
        self.rest = None;
        let _ = self.end.set(message.to_owned());
        let report = ErrorReport::new(BROKEN, message).to_json();
        let body = base64_simd::STANDARD.encode_to_string(report);
        let mut trailers = HeaderMap::new();
        trailers.insert(ERROR_TYPE, HeaderValue::from_static(BROKEN));
        // Base64 is always fit for a header.
        trailers.insert(ERROR_BODY, HeaderValue::try_from(body).unwrap_or(HeaderValue::from_static("")));
        Poll::Ready(Some(Frame::trailers(trailers)))
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Payload::Whole(bytes) => Pin::new(bytes).poll_frame(cx),
            Payload::Base64(text) => {
                let piece = text.split_to(text.len().min(PIECE));
                let bytes = base64_simd::STANDARD.decode_to_vec(&piece).unwrap_or_default();
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes.into()))))
            }
            Payload::Stream(stream) => stream.poll(cx).map(|frame| frame.map(Ok)),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Payload::Whole(bytes) => bytes.is_end_stream(),
            Payload::Base64(text) => text.is_empty(),
            Payload::Stream(stream) => stream.prelude.is_none() && stream.rest.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Payload::Whole(bytes) => bytes.size_hint(),
            Payload::Base64(text) => {
                let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
                SizeHint::with_exact((text.len() / 4 * 3).saturating_sub(padding) as u64)
            }
            Payload::Stream(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Payload::Whole(_) => "Payload::Whole",
            Payload::Base64(_) => "Payload::Base64",
            Payload::Stream(_) => "Payload::Stream",
        })
    }
}
