//! Connections to one endpoint: HTTP/1.1, kept open, last used first.
//!
//! Each connection is driven by the task that uses it, together with the call, so a call costs no hand-over between
//! tasks. A connection at rest is driven by no one; before it is used again it is polled once, and dropped if the server
//! has closed it meanwhile. Should the close arrive just then, hyper gives back a request it did not begin to write: such a
//! request goes out once more on a fresh connection. Whatever was begun is never sent again from here.
//!
//! At most `max` connections are open: each call holds a permit, and a new connection is opened only when none rests.

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::SendRequest;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::endpoint::Endpoint;

mod connect;
mod payload;

pub(crate) use connect::Tls;
pub use payload::{BodyError, Coming, Payload};

/// A connection that rested longer is closed. Shorter than what load balancers and AWS's front door allow.
const IDLE: Duration = Duration::from_secs(50);

/// The connections to one endpoint.
#[derive(Debug)]
pub(crate) struct Connections {
    endpoint: Endpoint,
    tls: Arc<Tls>,
    permits: Semaphore,
    resting: Mutex<Resting>,
}

#[derive(Debug, Default)]
struct Resting {
    /// The last used at the back.
    list: VecDeque<Connection>,
    /// A task that closes what rested too long is running.
    swept: bool,
}

/// One open connection and what drives it.
pub(crate) struct Connection {
    sender: SendRequest<Payload>,
    driver: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
    since: Instant,
}

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
}

impl Connections {
    pub(crate) fn new(endpoint: Endpoint, tls: Arc<Tls>, max: usize) -> Self {
        let permits = Semaphore::new(max.clamp(1, Semaphore::MAX_PERMITS));
        Self { endpoint, tls, permits, resting: Mutex::default() }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Waits for the right to use a connection.
    pub(crate) async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        // The semaphore is never closed, so this is always `Some`.
        self.permits.acquire().await.ok()
    }

    /// The same for a use that outlives the call.
    pub(crate) async fn own_permit(self: &Arc<Self>) -> Permit {
        if let Some(permit) = self.permit().await {
            permit.forget();
        }
        Permit(Arc::clone(self))
    }

    /// Sends `request` and reads the whole answer. `sent` is set once the request is handed to a connection.
    pub(crate) async fn exchange(
        self: &Arc<Self>,
        request: Request<Payload>,
        limit: usize,
        sent: impl Fn(bool),
    ) -> Result<Response<Bytes>, Broken> {
        let (connection, answer) = self.begin(request, sent).await?;
        self.finish(connection, answer, limit).await
    }

    /// Sends `request` and reads the answer's head; the body is read with the connection that comes along.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        request: Request<Payload>,
        sent: impl Fn(bool),
    ) -> Result<(Connection, Response<Incoming>), Broken> {
        self.begin_or_back(request, sent).await.map_err(|(broken, _)| broken)
    }

    /// As [`begin`](Self::begin); a request of which no byte was sent comes back.
    #[allow(clippy::type_complexity, clippy::result_large_err)]
    pub(crate) async fn begin_or_back(
        self: &Arc<Self>,
        request: Request<Payload>,
        sent: impl Fn(bool),
    ) -> Result<(Connection, Response<Incoming>), (Broken, Option<Request<Payload>>)> {
        let mut request = request;
        if let Some(mut rested) = self.take().await {
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
        let mut fresh = match Box::pin(connect::open(&self.endpoint, &self.tls)).await {
            Ok(fresh) => fresh,
            Err(message) => return Err((Broken::Unsent(message), Some(request))),
        };
        sent(true);
        let answer = fresh.send(request).await?;
        Ok((fresh, answer))
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
        let mut connection = Some(connection);
        poll_fn(|cx| Poll::Ready(connection.take().map(|connection| self.put_back(connection, cx)))).await;
        Ok(Response::from_parts(head, body))
    }

    /// The last used connection that is still open.
    async fn take(&self) -> Option<Connection> {
        loop {
            let mut connection = self.resting().list.pop_back()?;
            if connection.since.elapsed() < IDLE
                && poll_fn(|cx| Poll::Ready(connection.poll_usable(cx))).await
            {
                return Some(connection);
            }
        }
    }

    fn put_back(self: &Arc<Self>, mut connection: Connection, cx: &mut Context<'_>) {
        if !connection.poll_usable(cx) {
            return;
        }
        connection.since = Instant::now();
        let mut resting = self.resting();
        resting.list.push_back(connection);
        if !std::mem::replace(&mut resting.swept, true) {
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    fn resting(&self) -> std::sync::MutexGuard<'_, Resting> {
        // A poisoned lock holds a whole list: each change is one call.
        self.resting.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Closes what rested too long, until nothing rests.
async fn sweep(connections: Weak<Connections>) {
    loop {
        tokio::time::sleep(IDLE / 4).await;
        let Some(connections) = connections.upgrade() else { return };
        let mut resting = connections.resting();
        resting.list.retain(|connection| connection.since.elapsed() < IDLE);
        if resting.list.is_empty() {
            resting.swept = false;
            return;
        }
    }
}

impl Connection {
    /// Polls once: whether it is open, and ready for a request.
    fn poll_usable(&mut self, cx: &mut Context<'_>) -> bool {
        poll_driver(&mut self.driver, cx);
        self.driver.is_some() && self.sender.is_ready()
    }

    #[allow(clippy::type_complexity, clippy::result_large_err)]
    async fn send(
        &mut self,
        request: Request<Payload>,
    ) -> Result<Response<Incoming>, (Broken, Option<Request<Payload>>)> {
        drive(&mut self.driver, self.sender.try_send_request(request)).await.map_err(|mut error| {
            let back = error.take_message();
            let message = crate::chain(error.error());
            (if back.is_some() { Broken::Unsent(message) } else { Broken::Sent(message) }, back)
        })
    }

    /// The next piece of `body`, which came over this connection.
    pub(crate) fn poll_data(
        &mut self,
        body: &mut Incoming,
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
            match frame {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(crate::chain(&error)))),
                // Trailers say nothing here.
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Poll::Ready(Some(Ok(data))),
                    Err(_) => continue,
                },
            }
        }
    }
}

/// The right to use a connection, given back when dropped.
pub(crate) struct Permit(Arc<Connections>);

impl Permit {
    /// Gives back the connection as well.
    pub(crate) fn put_back(self, connection: Connection, cx: &mut Context<'_>) {
        self.0.put_back(connection, cx);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.permits.add_permits(1);
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
