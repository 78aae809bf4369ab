//! HTTP/2: calls that share connections.
//!
//! A link is one connection. A call takes a stream of the link that has the fewest, and a new link is opened when none has
//! room: that is how many streams the server allows, [`STREAMS`] at most, so that calls spread over processors
//! and one lost packet does not hold up all of them. One link is opened at a time, since it has room for many who wait. When
//! there are as many as there may be, calls wait within the least loaded one. What a server takes is known with its first
//! answer; until then calls wait within the link as well.
//!
//! A server that says GOAWAY names the last stream that it looked at, and one that refuses a stream has not looked at it:
//! calls beyond that were surely not executed. Their link takes no more calls, and they go out once more on another.
//!
//! Source: RFC 9113 sections 6.8 and 8.7.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::Request;
use hyper::body::Incoming;
use hyper::client::conn::http2::SendRequest;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{Broken, IDLE, Payload, Unanswered};
use crate::endpoint::Endpoint;

/// Streams of one link at most. Source: RFC 9113 section 6.5.2, which asks servers for no less.
pub(super) const STREAMS: usize = 100;

/// The links to one endpoint.
#[derive(Debug, Default)]
pub(super) struct Links {
    list: Mutex<Vec<Arc<Link>>>,
    /// Held by who opens one.
    pub(super) opening: tokio::sync::Mutex<()>,
}

/// One connection.
#[derive(Debug)]
struct Link {
    sender: Mutex<SendRequest<Payload>>,
    streams: AtomicUsize,
    status: Arc<Status>,
    /// When its last stream ended.
    since: Mutex<Instant>,
}

/// What who drives a connection tells those who use it.
#[derive(Debug)]
pub(super) struct Status {
    /// Streams that the server takes at once, as far as is known.
    pub(super) room: AtomicUsize,
    /// The first answer is there, and with it the server's settings, which come before all else.
    pub(super) settled: Notify,
    answered: AtomicBool,
    /// It takes no more calls: it has ended, or is about to.
    pub(super) retired: AtomicBool,
}

impl Default for Status {
    fn default() -> Self {
        Self {
            room: AtomicUsize::new(STREAMS),
            settled: Notify::new(),
            answered: AtomicBool::new(false),
            retired: AtomicBool::new(false),
        }
    }
}

/// A call's part of a link, given back when dropped.
#[derive(Debug)]
pub(super) struct Stream(Arc<Link>);

impl Links {
    /// A stream of the least loaded link; `crowded` takes one that has no room, too.
    pub(super) fn take(&self, crowded: bool) -> Option<Stream> {
        let mut list = lock(&self.list);
        list.retain(|link| !link.is_retired());
        let least = list.iter().min_by_key(|link| link.streams.load(Ordering::Relaxed))?;
        (crowded || least.has_room()).then(|| Stream::of(least))
    }

    /// A stream of a new link.
    pub(super) fn add(&self, sender: SendRequest<Payload>, status: Arc<Status>) -> Stream {
        let link = Arc::new(Link {
            sender: Mutex::new(sender),
            streams: AtomicUsize::new(0),
            status,
            since: Mutex::new(Instant::now()),
        });
        let stream = Stream::of(&link);
        lock(&self.list).push(link);
        stream
    }

    pub(super) fn count(&self) -> usize {
        lock(&self.list).len()
    }

    /// Closes what rested too long; whether any is left.
    pub(super) fn sweep(&self) -> bool {
        let mut list = lock(&self.list);
        let is_used =
            |link: &Link| link.streams.load(Ordering::Relaxed) > 0 || lock(&link.since).elapsed() < IDLE;
        list.retain(|link| !link.is_retired() && is_used(link));
        !list.is_empty()
    }
}

impl Link {
    fn is_retired(&self) -> bool {
        self.status.retired.load(Ordering::Relaxed)
    }

    fn has_room(&self) -> bool {
        let streams = self.streams.load(Ordering::Relaxed);
        streams < self.status.room.load(Ordering::Relaxed).min(STREAMS)
    }
}

impl Stream {
    fn of(link: &Arc<Link>) -> Self {
        link.streams.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(link))
    }

    /// Sends `request`, at once: what waits for the answer does not hold it. One that was surely not looked at retires the
    /// link.
    #[allow(clippy::result_large_err)]
    pub(super) fn send(
        &self,
        request: Request<Payload>,
    ) -> impl Future<Output = Result<http::Response<Incoming>, Unanswered>> {
        let sending = lock(&self.0.sender).try_send_request(request);
        async {
            let answer = sending.await.map_err(|mut error| {
                let back = error.take_message();
                let message = crate::chain(error.error());
                if back.is_some() || is_unseen(error.error()) {
                    self.0.status.retired.store(true, Ordering::Relaxed);
                    (Broken::Unsent(message), back)
                } else {
                    (Broken::Sent(message), None)
                }
            })?;
            if !self.0.status.answered.swap(true, Ordering::Relaxed) {
                self.0.status.settled.notify_one();
            }
            Ok(answer)
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if self.0.streams.fetch_sub(1, Ordering::Relaxed) == 1 {
            *lock(&self.0.since) = Instant::now();
        }
    }
}

/// Whether the server said that it has not looked at the request.
fn is_unseen(error: &hyper::Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(h2) = error.downcast_ref::<h2::Error>() {
            let refused = h2.is_reset() && h2.reason() == Some(h2::Reason::REFUSED_STREAM);
            return h2.is_remote() && (h2.is_go_away() || refused);
        }
        cause = error.source();
    }
    false
}

/// The same request once more. `None` where its body cannot be sent twice.
pub(super) fn copy(request: &Request<Payload>) -> Option<Request<Payload>> {
    let mut copy = Request::new(request.body().again()?);
    *copy.method_mut() = request.method().clone();
    *copy.headers_mut() = request.headers().clone();
    *copy.uri_mut() = request.uri().clone();
    Some(copy)
}

/// `request` as HTTP/2 has it: the whole URL in place of `Host`.
pub(super) fn with_whole_url(mut request: Request<Payload>, endpoint: &Endpoint) -> Request<Payload> {
    request.headers_mut().remove(http::header::HOST);
    *request.uri_mut() = url(request.uri(), endpoint);
    request
}

fn url(uri: &http::Uri, endpoint: &Endpoint) -> http::Uri {
    let mut parts = uri.clone().into_parts();
    parts.scheme = Some(if endpoint.tls { http::uri::Scheme::HTTPS } else { http::uri::Scheme::HTTP });
    parts.authority = Some(endpoint.authority.clone());
    // A URI with all three parts is always one; without a path it would be the one that is there.
    http::Uri::from_parts(parts).unwrap_or_else(|_| uri.clone())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A poisoned lock holds a whole value: each change is one call.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
