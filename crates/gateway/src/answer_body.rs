//! The body of an answer: whole, or as it comes.
//!
//! Almost every answer is whole, and pays nothing for the other kind: no box, no task, no channel.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use http_body_util::Full;

use crate::flow::{Cut, Flow};

/// What hyper writes.
#[derive(Debug)]
pub(crate) enum AnswerBody {
    Whole(Full<Bytes>),
    Stream(Box<Flow>),
}

impl AnswerBody {
    pub(crate) fn is_stream(&self) -> bool {
        matches!(self, Self::Stream(_))
    }
}

/// Whether answers with this status have a body, unless they are to HEAD. RFC 9110 sections 15.3.5, 15.3.6, 15.4.5.
pub(crate) fn has_body(status: StatusCode) -> bool {
    !matches!(status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT | StatusCode::NOT_MODIFIED)
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Self::Whole(whole) => {
                let never = |error: Infallible| match error {};
                Pin::new(whole).poll_frame(cx).map(|frame| frame.map(|frame| frame.map_err(never)))
            }
            Self::Stream(flow) => flow.poll_next(cx).map(|next| next.map(|piece| piece.map(Frame::data))),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(whole) => whole.is_end_stream(),
            Self::Stream(_) => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(whole) => whole.size_hint(),
            Self::Stream(flow) => flow.length().map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}
