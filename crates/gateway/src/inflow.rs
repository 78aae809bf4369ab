//! A client's body on its way to an HTTP service, as it comes.
//!
//! The service's connection asks for each piece when it can take one, so a slow service slows the client down, and nothing
//! is held here. The bound on bodies counts the bytes as they pass; the time counts the pauses of the client. Either
//! ends the body with an error, which breaks the request off; [`Progress`] says why.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use lambridge_invoke::BodyError;
use tokio::time::{Instant, Sleep};

use crate::problem::Reason;

/// The body. See the module.
pub(crate) struct Inflow {
    body: Incoming,
    max: usize,
    pause: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    progress: Arc<Progress>,
}

/// How far a body has come.
#[derive(Debug)]
pub(crate) struct Progress {
    began: Instant,
    /// When the last piece went, in milliseconds since the beginning.
    moved: AtomicU64,
    /// The client has the next word.
    waits: AtomicBool,
    bytes: AtomicUsize,
    fault: AtomicU8,
}

const TOO_LARGE: u8 = 1;
const TOO_SLOW: u8 = 2;
const BROKEN: u8 = 3;

impl Inflow {
    /// At most `max` bytes, with pauses of at most `pause`.
    pub(crate) fn new(body: Incoming, max: usize, pause: Duration) -> (Self, Arc<Progress>) {
        let progress = Arc::new(Progress::begin());
        (Self { body, max, pause, timer: None, progress: progress.clone() }, progress)
    }

    /// The client has said something: its next pause begins, or the service's time.
    fn came(&mut self) {
        self.timer = None;
        self.progress.waits.store(false, Ordering::Relaxed);
        self.progress.touch();
    }

    fn fail(&self, fault: u8, message: &'static str) -> BodyError {
        self.progress.fault.store(fault, Ordering::Relaxed);
        message.into()
    }
}

impl Progress {
    /// Of a request without a body, too.
    pub(crate) fn begin() -> Self {
        Self {
            began: Instant::now(),
            moved: AtomicU64::new(0),
            waits: AtomicBool::new(false),
            bytes: AtomicUsize::new(0),
            fault: AtomicU8::new(0),
        }
    }

    fn touch(&self) {
        let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(since, Ordering::Relaxed);
    }

    /// Bytes that have passed.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Why the body ended before its end.
    pub(crate) fn fault(&self) -> Option<Reason> {
        match self.fault.load(Ordering::Relaxed) {
            TOO_LARGE => Some(Reason::BodyTooLarge),
            TOO_SLOW => Some(Reason::RequestTimeout),
            BROKEN => Some(Reason::BadRequest),
            _ => None,
        }
    }

    /// Returns when the service has had the last piece for `timeout`; the client's own pauses do not count.
    pub(crate) async fn overdue(&self, timeout: Duration) {
        loop {
            if self.waits.load(Ordering::Relaxed) {
                self.touch();
            }
            let moved = Duration::from_millis(self.moved.load(Ordering::Relaxed));
            let Some(due) = self.began.checked_add(moved).and_then(|moved| moved.checked_add(timeout)) else {
                return std::future::pending().await;
            };
            if due <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(due).await;
        }
    }
}

impl Body for Inflow {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = self.get_mut();
        loop {
            let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(cx) else {
                this.progress.waits.store(true, Ordering::Relaxed);
                let pause = this.pause;
                let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(pause)));
                ready!(timer.as_mut().poll(cx));
                return Poll::Ready(Some(Err(this.fail(TOO_SLOW, "the body did not arrive in time"))));
            };
            let data = match frame {
                None => {
                    this.came();
                    return Poll::Ready(None);
                }
                Some(Err(_)) => {
                    return Poll::Ready(Some(Err(this.fail(BROKEN, "the client's body broke off"))));
                }
                // Trailers end here, as hop-by-hop fields do: few services expect any.
                Some(Ok(frame)) => match frame.into_data() {
                    // Nor is nothing at all a piece: frames of HTTP/2 may be empty, without end.
                    Ok(data) if !data.is_empty() => data,
                    _ => continue,
                },
            };
            this.came();
            let bytes = this.progress.bytes.fetch_add(data.len(), Ordering::Relaxed) + data.len();
            if bytes > this.max {
                return Poll::Ready(Some(Err(this.fail(TOO_LARGE, "the body is too large"))));
            }
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
