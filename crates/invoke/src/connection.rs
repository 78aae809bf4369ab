//! Connections to one endpoint, kept open, last used first ([`resting`]).
//!
//! Over HTTP/1.1 each connection is driven by the task that uses it, together with the call, so a call costs no hand-over between
//! tasks. Should the server close one just as it is used again, a request of which no byte was sent goes out once more on
//! a fresh connection. Whatever was begun is never sent again from here. Lambda's calls, which are whole before they are
//! sent, speak [`http1`]; hyper speaks for what goes on to HTTP services while it still comes.
//!
//! At most `max` connections are open: each call holds a permit, and a new connection is opened only when none rests.
//! Over HTTP/2 calls share them: see [`links`]. Which of the two it is, is settled by the settings, or by the first handshake.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::client::conn::http1::SendRequest;
use lambridge_model::{ConnectionSettings, Protocol};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::answer::Head;
use crate::endpoint::Endpoint;

mod connect;
mod http1;
mod io;
mod links;
mod payload;
mod resting;

use connect::Opened;
pub(crate) use connect::Tls;
pub(crate) use http1::{Http1, Message};
use io::Io;
use links::{Links, Stream};
pub use payload::{BodyError, Coming, Payload};
pub(crate) use resting::Rests;
use resting::{IDLE, Resting};

/// The connections to one endpoint.
#[derive(Debug)]
pub(crate) struct Connections {
    endpoint: Endpoint,
    tls: Arc<Tls>,
    settings: ConnectionSettings,
    /// A server that may choose has chosen HTTP/1.1.
    has_http1: AtomicBool,
    permits: Semaphore,
    resting: Mutex<Resting>,
    links: Links,
}

/// One open connection and what drives it.
pub(crate) struct Connection {
    sender: Sender,
    /// Of a connection of its own, until it has ended.
    driver: Driver,
}

enum Sender {
    Own(SendRequest<Payload>),
    Shared(Stream),
}

/// Why there is no answer; a request of which no byte was sent comes back.
type Unanswered = (Broken, Option<Request<Payload>>);

/// A request that no server looked at goes out so often.
const TRIES: usize = 3;

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("open", &self.driver.is_some()).finish()
    }
}

/// Why an answer did not come, or not whole.
#[derive(Debug)]
pub(crate) enum Broken {
    /// No connection could be opened, or the request came back; no byte of it was sent.
    Unsent(String),
    /// It broke after that.
    Sent(String),
    /// The answer's body is larger than the bound.
    TooLarge,
    /// The deadline passed.
    Late {
        /// Whether a byte of the request had been sent.
        sent: bool,
    },
}

impl Connections {
    pub(crate) fn new(endpoint: Endpoint, tls: Arc<Tls>, settings: ConnectionSettings) -> Self {
        let permits = Semaphore::new(settings.max.clamp(1, Semaphore::MAX_PERMITS));
        let has_http1 = AtomicBool::new(!endpoint.tls && settings.protocol == Protocol::Auto);
        let (resting, links) = (Mutex::default(), Links::default());
        Self { endpoint, tls, settings, has_http1, permits, resting, links }
    }

    /// Whether calls share connections, as far as is known.
    pub(crate) fn is_shared(&self) -> bool {
        match self.settings.protocol {
            Protocol::Http1 => false,
            Protocol::Http2 => true,
            Protocol::Auto => !self.has_http1.load(Ordering::Relaxed),
        }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether a connection can be made; it is closed again.
    pub(crate) async fn try_connect(&self) -> Result<(), String> {
        connect::open(&self.endpoint, &self.tls, self.settings.protocol).await.map(|_| ())
    }

    /// Waits for the right to use a connection, until the deadline; none is needed where they are shared.
    pub(crate) async fn permit(&self, deadline: Instant) -> Result<Option<SemaphorePermit<'_>>, Broken> {
        if self.is_shared() {
            return Ok(None);
        }
        if let Ok(permit) = self.permits.try_acquire() {
            return Ok(Some(permit));
        }
        // Boxed, so that the wait is no part of every call's future. The semaphore is never closed.
        let waited = tokio::time::timeout_at(deadline, Box::pin(self.permits.acquire())).await;
        waited.map(Result::ok).map_err(|_| Broken::Late { sent: false })
    }

    /// The same for a use that outlives the call.
    pub(crate) async fn own_permit(self: &Arc<Self>, deadline: Instant) -> Result<Permit, Broken> {
        let permit = self.permit(deadline).await?;
        let counted = permit.is_some();
        if let Some(permit) = permit {
            permit.forget();
        }
        Ok(Permit { connections: Arc::clone(self), counted })
    }

    /// Sends a call over HTTP/2 and reads its whole answer; as [`begin_shared`](Self::begin_shared).
    pub(crate) async fn exchange(
        self: &Arc<Self>,
        next: impl FnMut() -> Option<Request<Payload>>,
        limit: usize,
        sent: impl Fn(bool),
    ) -> Result<Response<Bytes>, Broken> {
        let (connection, answer) = self.begin_shared(next, sent).await?;
        self.finish(connection, answer, limit).await
    }

    /// Sends `request` and reads the answer's head; the body is read with the connection that comes along. A request of
    /// which no byte was sent comes back. `sent` is set once the request is handed to a connection.
    #[allow(clippy::result_large_err)]
    pub(crate) async fn begin(
        self: &Arc<Self>,
        request: Request<Payload>,
        sent: impl Fn(bool),
    ) -> Result<(Connection, Response<Incoming>), Unanswered> {
        if self.is_shared() {
            let mut kept = Some(request);
            let next = || links::copy(kept.as_ref()?).or_else(|| kept.take());
            // Boxed, so that it is no part of the future of those that share nothing.
            let begun = Box::pin(self.begin_shared(next, sent)).await;
            return begun.map_err(|broken| (broken, kept));
        }
        let mut request = request;
        if let Some(mut rested) = self.take::<Connection>().await {
            sent(true);
            match rested.send(request).await {
                Err((Broken::Unsent(_), Some(back))) => {
                    sent(false);
                    request = back;
                }
                Err(broken) => return Err(broken),
                Ok(answer) => return Ok((rested, answer)),
            }
        }
        // Boxed, so that what opens a connection is no part of every call's future.
        let opened = Box::pin(connect::open(&self.endpoint, &self.tls, Protocol::Http1)).await;
        let mut fresh = match opened.map(|opened| self.keep(opened)) {
            Ok(fresh) => fresh,
            Err(message) => return Err((Broken::Unsent(message), Some(request))),
        };
        sent(true);
        let answer = fresh.send(request).await?;
        Ok((fresh, answer))
    }

    /// The same over HTTP/2, or over whatever the first handshake finds. `next` makes the request, anew for each try: what is
    /// kept to be sent again would be kept for as long as the call lasts.
    pub(crate) async fn begin_shared(
        self: &Arc<Self>,
        mut next: impl FnMut() -> Option<Request<Payload>>,
        sent: impl Fn(bool),
    ) -> Result<(Connection, Response<Incoming>), Broken> {
        let mut last = "the request cannot be made".to_owned();
        for _ in 0..TRIES {
            let mut connection = self.share().await.map_err(Broken::Unsent)?;
            let Some(request) = next() else { break };
            sent(true);
            let sending = match connection.sender {
                Sender::Own(_) => request,
                Sender::Shared(_) => links::with_whole_url(request, &self.endpoint),
            };
            match connection.send(sending).await {
                Ok(answer) => return Ok((connection, answer)),
                Err((Broken::Unsent(message), _)) => {
                    sent(false);
                    last = message;
                }
                Err((broken, _)) => return Err(broken),
            }
        }
        Err(Broken::Unsent(last))
    }

    /// A place on a shared connection: one that has room, or a new one.
    async fn share(self: &Arc<Self>) -> Result<Connection, String> {
        if let Some(stream) = self.links.take(false) {
            return Ok(Connection::shared(stream));
        }
        let _turn = self.links.opening.lock().await;
        if let Some(stream) = self.links.take(self.links.count() >= self.settings.max) {
            return Ok(Connection::shared(stream));
        }
        // Boxed, so that what opens a connection is no part of every call's future.
        let opened = Box::pin(connect::open(&self.endpoint, &self.tls, self.settings.protocol)).await;
        opened.map(|opened| self.keep(opened))
    }

    fn keep(self: &Arc<Self>, opened: Opened) -> Connection {
        match opened {
            Opened::Own(connection) => {
                self.has_http1.store(true, Ordering::Relaxed);
                connection
            }
            Opened::Shared(sender, ended) => {
                let stream = self.links.add(sender, ended);
                self.sweep_later(&mut self.resting());
                Connection::shared(stream)
            }
        }
    }

    /// Reads the body of an answer that [`begin`](Self::begin) gave.
    pub(crate) async fn finish(
        self: &Arc<Self>,
        mut connection: Connection,
        answer: Response<Incoming>,
        limit: usize,
    ) -> Result<Response<Bytes>, Broken> {
        let (head, body) = answer.into_parts();
        let body = drive(&mut connection.driver, read(body, limit)).await?;
        let settled = poll_fn(|cx| {
            connection.settle(cx);
            Poll::Ready(())
        });
        settled.await;
        self.rest(connection);
        Ok(Response::from_parts(head, body))
    }

    /// Sends `message` over a connection of its own and reads the answer's head; the body is read with the connection that
    /// comes along, and the deadline holds for it too.
    pub(crate) async fn call(&self, message: &Message, deadline: Instant) -> Result<(Http1, Head), Broken> {
        if let Some(mut rested) = self.take::<Http1>().await {
            match rested.send(message, deadline).await {
                Err(Broken::Unsent(_)) => {}
                outcome => return outcome.map(|head| (rested, head)),
            }
        }
        // Boxed, so that what opens a connection is no part of every call's future.
        let opening = connect::dial(&self.endpoint, &self.tls, Protocol::Http1);
        let opened = Box::pin(tokio::time::timeout_at(deadline, opening)).await;
        let (io, _) = opened.map_err(|_| Broken::Late { sent: false })?.map_err(Broken::Unsent)?;
        let mut fresh = Http1::new(io);
        let head = fresh.send(message, deadline).await?;
        Ok((fresh, head))
    }
}

impl Connection {
    fn shared(stream: Stream) -> Self {
        Self { sender: Sender::Shared(stream), driver: None }
    }

    /// Polls what drives it once: at the end of an answer it has something left to do.
    pub(crate) fn settle(&mut self, cx: &mut Context<'_>) {
        poll_driver(&mut self.driver, cx);
    }

    /// Whether it is open, and ready for a request.
    fn is_ready(&self) -> bool {
        match &self.sender {
            Sender::Own(sender) => self.driver.is_some() && sender.is_ready(),
            // Its link rests by itself.
            Sender::Shared(_) => false,
        }
    }

    #[allow(clippy::result_large_err)]
    async fn send(&mut self, request: Request<Payload>) -> Result<Response<Incoming>, Unanswered> {
        let sender = match &mut self.sender {
            Sender::Own(sender) => sender,
            Sender::Shared(stream) => return stream.send(request).await,
        };
        drive(&mut self.driver, sender.try_send_request(request)).await.map_err(|mut error| {
            let back = error.take_message();
            let message = crate::chain(error.error());
            (if back.is_some() { Broken::Unsent(message) } else { Broken::Sent(message) }, back)
        })
    }

    /// The next piece of `body`, which came over this connection; trailers say nothing to whom they are not kept for.
    pub(crate) fn poll_data(
        &mut self,
        body: &mut Incoming,
        mut trailers: Option<&mut HeaderMap>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, String>>> {
        loop {
            let frame = match Pin::new(&mut *body).poll_frame(cx) {
                Poll::Pending => {
                    poll_driver(&mut self.driver, cx);
                    std::task::ready!(Pin::new(&mut *body).poll_frame(cx))
                }
                ready => std::task::ready!(ready),
            };
            match frame.map(|frame| frame.map(Frame::into_data)) {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(crate::chain(&error)))),
                Some(Ok(Ok(data))) => return Poll::Ready(Some(Ok(data))),
                Some(Ok(Err(frame))) => {
                    if let (Some(kept), Ok(came)) = (&mut trailers, frame.into_trailers()) {
                        kept.extend(came);
                    }
                }
            }
        }
    }
}

/// The right to use a connection, given back when dropped.
pub(crate) struct Permit {
    connections: Arc<Connections>,
    /// It was taken from the semaphore.
    counted: bool,
}

impl Permit {
    /// Gives back the connection as well, if its last answer has ended well.
    pub(crate) fn rest<C: Rests>(self, connection: C) {
        self.connections.rest(connection);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.counted {
            self.connections.permits.add_permits(1);
        }
    }
}

type Driver = Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>;

/// Polls the connection unless it has ended; how it ended, the call learns by itself.
fn poll_driver(driver: &mut Driver, cx: &mut Context<'_>) {
    if driver.as_mut().is_some_and(|running| running.as_mut().poll(cx).is_ready()) {
        *driver = None;
    }
}

/// Runs `future` and the connection together.
async fn drive<F: Future>(driver: &mut Driver, future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|cx| {
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        if driver.is_none() {
            return Poll::Pending;
        }
        poll_driver(driver, cx);
        future.as_mut().poll(cx)
    })
    .await
}

/// The whole body; one that came in one piece is not copied.
async fn read(mut body: Incoming, limit: usize) -> Result<Bytes, Broken> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if announced > limit {
        return Err(Broken::TooLarge);
    }
    let mut first = Bytes::new();
    let mut whole: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| Broken::Sent(crate::chain(&error)))?;
        let Ok(data) = frame.into_data() else { continue };
        if first.len().max(whole.len()) + data.len() > limit {
            return Err(Broken::TooLarge);
        }
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        if whole.is_empty() {
            whole.reserve_exact(announced.max(first.len() + data.len()));
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&data);
    }
    Ok(if whole.is_empty() { first } else { whole.into() })
}

#[cfg(test)]
mod tests;
