//! What a request carries: bytes that are there, or a body that is still coming.
//!
//! Calls of Lambda are whole, and pay nothing for the other kind; what goes on to an HTTP service comes from a client
//! while it is being sent.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame, SizeHint};

/// Why a body that was being passed on did not come to its end.
pub type BodyError = Box<dyn std::error::Error + Send + Sync>;

/// A body that is still coming.
pub type Coming = Pin<Box<dyn Body<Data = Bytes, Error = BodyError> + Send>>;

/// The body of a request.
pub enum Payload {
    /// All of it.
    Whole(Full<Bytes>),
    /// As it comes; the sender is asked for more only when the connection takes more.
    Coming(Coming),
}

impl From<Bytes> for Payload {
    fn from(bytes: Bytes) -> Self {
        Self::Whole(Full::new(bytes))
    }
}

impl Payload {
    /// The same once more; a body that still comes comes once.
    pub(super) fn again(&self) -> Option<Self> {
        match self {
            Self::Whole(whole) => Some(Self::Whole(whole.clone())),
            Self::Coming(_) => None,
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Whole(_) => "Whole",
            Self::Coming(_) => "Coming",
        })
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            Self::Whole(whole) => {
                let never = |error: Infallible| match error {};
                Pin::new(whole).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(never)))
            }
            Self::Coming(coming) => coming.as_mut().poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Coming(coming) => coming.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Coming(coming) => coming.size_hint(),
        }
    }
}
