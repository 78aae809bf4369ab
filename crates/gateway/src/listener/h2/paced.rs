//! An answer in pieces: the next one is given when there is room for it.
//!
//! h2 keeps what it is given until the client's window lets it go. A whole answer of 6 MB would lie there as long as a
//! client likes, for each of its streams; a piece may.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};

use super::{Stream, stall};
use crate::answer_body::AnswerBody;
use crate::flow::Cut;

/// What h2 is given at once.
pub(super) const PIECE: usize = 16 << 10;

/// The body of one stream's answer.
#[derive(Debug)]
pub(super) struct Paced {
    body: AnswerBody,
    /// Of a piece that was too large.
    rest: Bytes,
    stream: Stream,
}

impl Paced {
    pub(super) fn new(body: AnswerBody, stream: Stream) -> Self {
        let mut paced = Self { body, rest: Bytes::new(), stream };
        paced.notice_the_end();
        paced
    }

    fn notice_the_end(&mut self) {
        self.stream.whole = self.is_end_stream() || self.size_hint().exact() == Some(0);
    }
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let this = self.get_mut();
        stall::asked();
        if this.rest.is_empty() {
            match Pin::new(&mut this.body).poll_frame(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => {
                    this.stream.whole = true;
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Err(cut))) => return Poll::Ready(Some(Err(cut))),
                Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                    Ok(data) => this.rest = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
            }
        }
        let piece = this.rest.split_to(this.rest.len().min(PIECE));
        this.notice_the_end();
        stall::given();
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_empty() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let inner = self.body.size_hint();
        let rest = self.rest.len() as u64;
        let mut hint = SizeHint::new();
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint.set_lower(inner.lower().saturating_add(rest));
        hint
    }
}
