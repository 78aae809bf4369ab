//! One connection of HTTP/2: many requests at once, each as the pipeline knows them from HTTP/1.1.
//!
//! The framing is h2's, which needs no head guard: lengths are binary, and what is malformed by RFC 9113 ends the stream or
//! the connection. What a client may cost is bounded here, in the terms of what has been done to other servers:
//!
//! - streams at once, and the size of a head over all its CONTINUATION frames ([`STREAMS`], `limits.head`; h2 bounds the
//!   frames);
//! - requests that are begun and reset (CVE-2023-44487): whoever resets more than he lets be answered, and more than
//!   [`RESETS`], is disconnected; calls that have begun are finished under their function's own bounds;
//! - answers that are not taken (CVE-2019-9517, and a window of 0): they are given in pieces, the next one when there is
//!   room, and a stream that takes none for `limits.idle` is reset ([`stall`]);
//! - connections without requests, whatever else they send (pings, settings, half a head): they end after `limits.idle`;
//! - acknowledgements that are not read: h2 reads no further until they are written.

mod paced;
mod stall;

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::header::{COOKIE, HeaderValue};
use http::{Method, Request};
use hyper::body::Incoming;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use lambridge_model::Limits;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::origin;
use crate::Shared;
use crate::attended::Attended;
use crate::connection::{Connection, Exchange};
use crate::headers::Ends;
use crate::pipeline;
use crate::problem::Reason;

use paced::Paced;
use stall::Watched;

/// Requests at once.
pub(crate) const STREAMS: u32 = 100;
/// Requests that may be reset before it matters how many were not.
pub(crate) const RESETS: u32 = 100;
/// Bytes of bodies that are taken before anyone asks for them: of a stream, of all.
const STREAM_WINDOW: u32 = 256 << 10;
const CONNECTION_WINDOW: u32 = 1 << 20;
/// A client that was told to go, and has nothing more to get.
const FAREWELL: Duration = Duration::from_secs(1);

/// Serves `io` to its end.
pub(super) async fn serve<IO: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    io: IO,
    shared: Arc<Shared>,
    ends: Ends,
    listener: SocketAddr,
    mut stopped: watch::Receiver<bool>,
) {
    let limits = shared.snapshot.load().model.limits.clone();
    let tally = Arc::new(Tally::default());
    let counted = tally.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let connection = Arc::new(Connection {
            shared: shared.clone(),
            ends: ends.clone(),
            listener,
            exchange: Exchange::default(),
        });
        let stream = Stream::begin(counted.clone());
        let (request, refused) = as_http1(request);
        let attended = Attended::new(connection.clone(), pipeline::serve(connection, request, refused));
        // The stream counts out here: a call that is finished after its reset is no open stream, but a reset one.
        async move {
            let answer = attended.await;
            stream.tally.answered.fetch_add(1, Ordering::Relaxed);
            Ok::<_, std::convert::Infallible>(answer.map(|body| Paced::new(body, stream)))
        }
    });
    let mut http = pin!(builder(&limits).serve_connection(TokioIo::new(io), service));
    let mut stop = pin!(stopped.wait_for(|&stop| stop));
    let mut closing = false;
    let mut tick = tokio::time::interval((limits.idle / 4).clamp(Duration::from_millis(50), FAREWELL / 2));
    loop {
        tokio::select! {
            biased;
            _ = http.as_mut() => return,
            () = tally.abused.notified() => return,
            _ = &mut stop, if !closing => {
                closing = true;
                tally.touch();
                http.as_mut().graceful_shutdown();
            }
            _ = tick.tick() => match tally.idle() {
                Some(idle) if closing && idle >= FAREWELL => return,
                Some(idle) if !closing && idle >= limits.idle => {
                    closing = true;
                    tally.touch();
                    http.as_mut().graceful_shutdown();
                }
                _ => {}
            },
        }
    }
}

fn builder(limits: &Limits) -> http2::Builder<Watched> {
    let mut builder = http2::Builder::new(Watched { idle: limits.idle });
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(u32::try_from(limits.head).unwrap_or(u32::MAX))
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(2 * paced::PIECE)
        .max_pending_accept_reset_streams(RESETS as usize)
        .max_local_error_reset_streams(RESETS as usize);
    builder
}

/// The streams of one connection.
#[derive(Debug)]
struct Tally {
    began: Instant,
    open: AtomicUsize,
    answered: AtomicU32,
    reset: AtomicU32,
    /// When a stream last began or ended, in milliseconds since the beginning.
    moved: AtomicU64,
    abused: Notify,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            open: AtomicUsize::new(0),
            answered: AtomicU32::new(0),
            reset: AtomicU32::new(0),
            moved: AtomicU64::new(0),
            abused: Notify::new(),
        }
    }
}

impl Tally {
    fn touch(&self) {
        let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(since, Ordering::Relaxed);
    }

    /// How long no stream has been open.
    fn idle(&self) -> Option<Duration> {
        let moved = Duration::from_millis(self.moved.load(Ordering::Relaxed));
        (self.open.load(Ordering::Relaxed) == 0).then(|| self.began.elapsed().saturating_sub(moved))
    }
}

/// One request, from its head to the end of its answer.
#[derive(Debug)]
struct Stream {
    tally: Arc<Tally>,
    /// The answer has ended.
    whole: bool,
}

impl Stream {
    fn begin(tally: Arc<Tally>) -> Self {
        tally.open.fetch_add(1, Ordering::Relaxed);
        tally.touch();
        Self { tally, whole: false }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let tally = &self.tally;
        tally.open.fetch_sub(1, Ordering::Relaxed);
        tally.touch();
        if self.whole {
            return;
        }
        let reset = tally.reset.fetch_add(1, Ordering::Relaxed) + 1;
        let answered = tally.answered.load(Ordering::Relaxed);
        if reset > RESETS && reset > answered / 2 {
            tally.abused.notify_one();
        }
    }
}

/// The request as one of HTTP/1.1 says it: `Host` for `:authority`, cookies in one field, a path for a target. What
/// contradicts itself is refused (RFC 9113 sections 8.2.3, 8.3.1).
fn as_http1(mut request: Request<Incoming>) -> (Request<Incoming>, Option<Reason>) {
    let refused = normalise(&mut request).err();
    (request, refused)
}

fn normalise<B>(request: &mut Request<B>) -> Result<(), Reason> {
    // A gateway is no forward proxy; see the head guard for HTTP/1.1.
    if *request.method() == Method::CONNECT {
        return Err(Reason::BadRequest);
    }
    origin::take_authority(request)?;
    let cookies = request.headers().get_all(COOKIE);
    if cookies.iter().nth(1).is_some() {
        let crumbs: Vec<&[u8]> = cookies.iter().map(HeaderValue::as_bytes).collect();
        let whole = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])).map_err(|_| Reason::BadRequest)?;
        request.headers_mut().insert(COOKIE, whole);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::{Request, Version};

    use super::normalise;

    fn check(uri: &str, fields: &[(&str, &str)], expect: Option<(&str, &[(&str, &str)])>) {
        let mut request = Request::builder().version(Version::HTTP_2).uri(uri);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        let verdict = normalise(&mut request);
        let Some((target, fields)) = expect else { return assert!(verdict.is_err(), "{uri}") };
        assert_eq!(verdict, Ok(()), "{uri}");
        assert_eq!(request.uri().to_string(), target);
        let found: Vec<_> =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(found, fields, "{uri}");
    }

    #[test]
    fn requests_as_http1_says_them() {
        check("https://h/a%2F?q", &[], Some(("/a%2F?q", &[("host", "h")])));
        check("https://h:8443/", &[("host", "H:8443")], Some(("/", &[("host", "h:8443")])));
        check("https://h/", &[("host", "other")], None);
        check("https://h/", &[("host", "h"), ("host", "h")], None);
        check("https://user@h/", &[], None);
        check("/a", &[("host", "h")], Some(("/a", &[("host", "h")])));
        let crumbs = [("cookie", "a=1"), ("cookie", "b=2; c=3")];
        check("/", &crumbs, Some(("/", &[("cookie", "a=1; b=2; c=3")])));
    }
}
