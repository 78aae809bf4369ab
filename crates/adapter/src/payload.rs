//! What a request to the application carries.
//!
//! A large body that Lambda sent as base64 is decoded while it is sent on, so that it is in memory once.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use lambridge_event::decode_base64;

use crate::http1::Source;

/// The body of a request.
pub enum Payload {
    /// Bytes at hand.
    Whole(Bytes),
    /// Bytes of which only base64 is at hand: checked, and a multiple of four.
    Base64(Bytes),
}

/// Characters of base64 that are decoded at once: what comes out stays in the processor's cache until it is sent.
const PIECE: usize = 256 * 1024;
/// A shorter body is sent in one piece with the head: copying it costs less than telling the system of two pieces.
const JOIN: usize = 4 * 1024;

impl Payload {
    /// Bytes at hand.
    pub fn new(bytes: Bytes) -> Payload {
        Payload::Whole(bytes)
    }

    /// None.
    pub fn empty() -> Payload {
        Payload::new(Bytes::new())
    }

    /// Bytes at hand, of which only base64 is: checked, and a multiple of four.
    pub fn base64(text: Bytes) -> Payload {
        Payload::Base64(text)
    }

    /// How many bytes it is.
    pub fn len(&self) -> usize {
        match self {
            Payload::Whole(bytes) => bytes.len(),
            Payload::Base64(text) => {
                let padding = text.iter().rev().take_while(|byte| **byte == b'=').count();
                (text.len() / 4 * 3).saturating_sub(padding)
            }
        }
    }

    fn piece(text: &mut Bytes) -> Bytes {
        text.split_to(text.len().min(PIECE))
    }
}

/// Over HTTP/1.1.
impl Source for Payload {
    fn whole(&self) -> &[u8] {
        match self {
            Payload::Whole(bytes) => bytes,
            Payload::Base64(_) => b"",
        }
    }

    fn poll_more(&mut self, _: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<bool> {
        match self {
            Payload::Whole(bytes) if bytes.len() <= JOIN => out.extend_from_slice(&std::mem::take(bytes)),
            Payload::Whole(_) => return Poll::Ready(false),
            Payload::Base64(text) => {
                // What is not base64 after all was counted in; the peer will miss it.
                let _ = decode_base64(&Payload::piece(text), out);
            }
        }
        Poll::Ready(!out.is_empty())
    }
}

/// Over HTTP/2.
impl Body for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let bytes = match self.get_mut() {
            Payload::Whole(bytes) => std::mem::take(bytes),
            Payload::Base64(text) => {
                let mut bytes = Vec::new();
                let _ = decode_base64(&Payload::piece(text), &mut bytes);
                bytes.into()
            }
        };
        Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Payload::Whole(bytes) | Payload::Base64(bytes) => bytes.is_empty(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.len() as u64)
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Payload::Whole(_) => "Payload::Whole",
            Payload::Base64(_) => "Payload::Base64",
        })
    }
}
