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
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::SendRequest;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

use crate::endpoint::Endpoint;

mod connect;

pub(crate) use connect::Tls;

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
    sender: SendRequest<Full<Bytes>>,
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

    /// Sends `request` and reads the whole answer. `sent` is set once the request is handed to a connection.
    pub(crate) async fn exchange(
        self: &Arc<Self>,
        request: Request<Full<Bytes>>,
        limit: usize,
        sent: impl Fn(bool),
    ) -> Result<Response<Bytes>, Broken> {
        let mut request = request;
        if let Some(rested) = self.take().await {
            sent(true);
            match self.send(rested, request, limit).await {
                Err((Broken::Unsent(_), Some(back))) => {
                    sent(false);
                    request = back;
                }
                Err((broken, _)) => return Err(broken),
                Ok(answer) => return Ok(answer),
            }
        }
        let fresh = connect::open(&self.endpoint, &self.tls).await.map_err(Broken::Unsent)?;
        sent(true);
        self.send(fresh, request, limit).await.map_err(|(broken, _)| broken)
    }

    #[allow(clippy::type_complexity, clippy::result_large_err)]
    async fn send(
        self: &Arc<Self>,
        mut connection: Connection,
        request: Request<Full<Bytes>>,
        limit: usize,
    ) -> Result<Response<Bytes>, (Broken, Option<Request<Full<Bytes>>>)> {
        let Connection { sender, driver, .. } = &mut connection;
        let answer = match drive(driver, sender.try_send_request(request)).await {
            Ok(answer) => answer,
            Err(mut error) => {
                let back = error.take_message();
                let message = crate::chain(error.error());
                return Err((
                    if back.is_some() { Broken::Unsent(message) } else { Broken::Sent(message) },
                    back,
                ));
            }
        };
        let (head, body) = answer.into_parts();
        let body = drive(driver, read(body, limit)).await.map_err(|broken| (broken, None))?;
        self.put_back(connection).await;
        Ok(Response::from_parts(head, body))
    }

    /// The last used connection that is still open.
    async fn take(&self) -> Option<Connection> {
        loop {
            let mut connection = self.resting().list.pop_back()?;
            if connection.since.elapsed() < IDLE && connection.is_usable().await {
                return Some(connection);
            }
        }
    }

    async fn put_back(self: &Arc<Self>, mut connection: Connection) {
        if !connection.is_usable().await {
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
    async fn is_usable(&mut self) -> bool {
        poll_fn(|cx| {
            poll_driver(&mut self.driver, cx);
            Poll::Ready(self.driver.is_some() && self.sender.is_ready())
        })
        .await
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
