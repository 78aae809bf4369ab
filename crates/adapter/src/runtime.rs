//! A client of Lambda's Runtime API: takes events, gives answers and errors back.
//!
//! `/next` has no read timeout, because the sandbox may be frozen for hours meanwhile. What comes with an event is read
//! leniently: a missing or odd header costs that header, never the invocation, and an empty one counts as absent (Managed
//! Instances send empty ones).
//!
//! Source: "Using the Lambda runtime API".

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, TRAILER, TRANSFER_ENCODING, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use lambridge_wire::limits::MAX_TIMEOUT_SECS;
use lambridge_wire::prelude::CONTENT_TYPE as CONTENT_TYPE_OF_STREAM;
use lambridge_wire::runtime::{self as wire, ErrorReport};

use crate::deadline::Deadline;
use crate::exchange::Reply;
use crate::link::{Link, LinkError, collect};
use crate::payload::Payload;
use crate::settings::Endpoint;
use crate::spare::Spare;

/// Events are 6 MB at most today; the bound only keeps a broken peer from filling the memory.
const EVENT_LIMIT: usize = 64 * 1024 * 1024;
/// What the API says about an answer is a line of JSON.
const VERDICT_LIMIT: usize = 64 * 1024;
/// An answer whose connection broke is posted so often; the API refuses the second of two that arrived.
const POSTS: u32 = 3;
/// The API reads an answer at once; an endless wait would block the worker.
const POST_PATIENCE: Duration = Duration::from_secs(60);

const AGENT: HeaderValue = HeaderValue::from_static(concat!("lambridge-adapter/", env!("CARGO_PKG_VERSION")));

/// The Runtime API over one kept connection.
#[derive(Debug)]
pub struct Client {
    link: Link,
    next: Uri,
    patience: Deadline,
    spare: Spare,
}

/// An event and what came with it.
#[derive(Debug)]
pub struct Delivery {
    headers: HeaderMap,
    /// The event's bytes.
    pub event: Bytes,
}

/// Why the API is of no use right now.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// The connection.
    #[error("the Runtime API: {0}")]
    Link(#[from] LinkError),
    /// A status that is no success.
    #[error("the Runtime API answers {status}: {text}")]
    Status {
        /// It.
        status: u16,
        /// What it says, shortened.
        text: String,
    },
    /// An event that nobody can answer.
    #[error("an event came without a request id and is lost")]
    Nameless,
    /// A streamed answer ended before its end; the client has a part of it.
    #[error("{0}")]
    BrokeOff(String),
    /// The API takes no answer.
    #[error("the Runtime API did not take the answer in time")]
    Stuck,
    /// The address cannot stand in a request.
    #[error("`{0}` is no path")]
    Path(String),
}

impl Client {
    /// Not yet connected.
    pub fn new(endpoint: Endpoint, spare: Spare) -> Result<Client, ApiError> {
        let next = uri(format!("{}{}", endpoint.base, wire::NEXT))?;
        Ok(Client { link: Link::new(endpoint, Duration::MAX), next, patience: Deadline::new(), spare })
    }

    /// Waits for an event.
    pub async fn next(&mut self) -> Result<Delivery, ApiError> {
        let request = self.request(Method::GET, self.next.clone(), Payload::new(Bytes::new()));
        let (head, body) = self.link.send(request).await?.into_parts();
        if head.status != StatusCode::OK {
            return Err(refused(head.status, collect(body, VERDICT_LIMIT, Vec::new()).await));
        }
        let event = match collect(body, EVENT_LIMIT, self.spare.take()).await {
            Ok(event) => event,
            Err(error) => {
                self.link.forget();
                return Err(error.into());
            }
        };
        let delivery = Delivery { headers: head.headers, event };
        if delivery.request_id().is_none() { Err(ApiError::Nameless) } else { Ok(delivery) }
    }

    /// The invocation is over: what its event was written in serves the next one.
    pub fn done(&mut self, delivery: Delivery) {
        self.spare.give_back(delivery.event);
    }

    /// Posts the outcome of an invocation.
    pub async fn post(&mut self, delivery: &Delivery, reply: Reply) -> Result<(), ApiError> {
        let id = delivery.request_id().ok_or(ApiError::Nameless)?;
        let base = &self.link.endpoint().base;
        let (path, body, error_type) = match reply {
            Reply::Answer(body) => (format!("{base}{}", wire::response_path(id)), body, None),
            Reply::Stream { prelude, body, encoder } => {
                let target = uri(format!("{base}{}", wire::response_path(id)))?;
                let patience = delivery.patience();
                let (payload, end) = Payload::stream(prelude, body, encoder, patience);
                let posted = self.stream(delivery, target, payload, patience).await;
                return match end.get() {
                    Some(why) => Err(ApiError::BrokeOff(why.clone())),
                    None => posted,
                };
            }
            Reply::Failed { error_type, message } => {
                let report = ErrorReport::new(error_type, message).to_json();
                (format!("{base}{}", wire::error_path(id)), Bytes::from(report), Some(error_type))
            }
        };
        let target = uri(path)?;
        let mut attempt = 1;
        loop {
            let mut request = self.answer(delivery, target.clone(), Payload::new(body.clone()));
            let headers = request.headers_mut();
            if let Some(error_type) = error_type {
                headers.insert(CONTENT_TYPE, HeaderValue::from_static(wire::ERROR_CONTENT_TYPE));
                headers.insert(wire::ERROR_TYPE, HeaderValue::from_static(error_type));
            }
            match self.patience.bound(POST_PATIENCE, verdict(&mut self.link, request)).await {
                Some(Err(ApiError::Link(_))) if attempt < POSTS => attempt += 1,
                Some(verdict) => return verdict,
                None => return Err(ApiError::Stuck),
            }
        }
    }

    /// Posts an answer as it comes. What streamed is gone, so there is one attempt; the connection ends with it, as the
    /// API's description asks.
    async fn stream(
        &mut self,
        delivery: &Delivery,
        target: Uri,
        payload: Payload,
        patience: Duration,
    ) -> Result<(), ApiError> {
        let mut request = self.answer(delivery, target, payload);
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE_OF_STREAM));
        headers.insert(wire::RESPONSE_MODE, HeaderValue::from_static(wire::STREAMING));
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
        headers.append(TRAILER, HeaderValue::from_static(wire::ERROR_TYPE));
        headers.append(TRAILER, HeaderValue::from_static(wire::ERROR_BODY));
        let posted = self.patience.bound(patience + POST_PATIENCE, verdict(&mut self.link, request)).await;
        self.link.forget();
        posted.unwrap_or(Err(ApiError::Stuck))
    }

    fn answer(&self, delivery: &Delivery, target: Uri, payload: Payload) -> Request<Payload> {
        let mut request = self.request(Method::POST, target, payload);
        if let Some(nonce) = delivery.get(wire::INVOCATION_ID) {
            request.headers_mut().insert(wire::INVOCATION_ID, nonce.clone());
        }
        request
    }

    /// Reports that the function cannot start.
    pub async fn fail_init(&mut self, error_type: &'static str, message: &str) -> Result<(), ApiError> {
        self.fail(wire::INIT_ERROR, error_type, message).await
    }

    /// Reports that the function cannot go on after a snapshot.
    pub async fn fail_restore(&mut self, error_type: &'static str, message: &str) -> Result<(), ApiError> {
        self.fail(wire::RESTORE_ERROR, error_type, message).await
    }

    /// SnapStart: lets the snapshot be taken, and returns in a sandbox that was made from it. There is no bound, since
    /// months may lie between.
    pub async fn restored(&mut self) -> Result<(), ApiError> {
        let target = uri(format!("{}{}", self.link.endpoint().base, wire::RESTORE_NEXT))?;
        let request = self.request(Method::GET, target, Payload::new(Bytes::new()));
        let restored = verdict(&mut self.link, request).await;
        self.link.forget();
        restored
    }

    async fn fail(&mut self, path: &str, error_type: &'static str, message: &str) -> Result<(), ApiError> {
        let target = uri(format!("{}{path}", self.link.endpoint().base))?;
        let report = ErrorReport::new(error_type, message).to_json();
        let mut request = self.request(Method::POST, target, Payload::new(report.into()));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(wire::ERROR_CONTENT_TYPE));
        request.headers_mut().insert(wire::ERROR_TYPE, HeaderValue::from_static(error_type));
        self.patience
            .bound(POST_PATIENCE, verdict(&mut self.link, request))
            .await
            .unwrap_or(Err(ApiError::Stuck))
    }

    fn request(&self, method: Method, target: Uri, payload: Payload) -> Request<Payload> {
        let mut request = Request::new(payload);
        *request.method_mut() = method;
        *request.uri_mut() = target;
        let headers = request.headers_mut();
        headers.insert(HOST, self.link.endpoint().authority.clone());
        headers.insert(USER_AGENT, AGENT);
        request
    }
}

impl Delivery {
    /// As [`Client::next`] would have read it.
    #[cfg(test)]
    pub fn new(headers: HeaderMap, event: Bytes) -> Delivery {
        Delivery { headers, event }
    }

    /// Names the invocation.
    pub fn request_id(&self) -> Option<&str> {
        self.text(wire::REQUEST_ID)
            .filter(|id| id.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'/' | b'?' | b'#')))
    }

    /// Milliseconds since 1970, as Lambda says.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.text(wire::DEADLINE_MS)?.trim().parse().ok()
    }

    /// How long the application may take: up to shortly before Lambda gives up, so that an answer can still be sent. An
    /// absent deadline, or one in the past (some emulators send a constant of 1970), is Lambda's longest.
    pub fn patience(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let deadline = self.deadline_ms().map(Duration::from_millis).and_then(|at| at.checked_sub(now));
        match deadline {
            Some(left) if !left.is_zero() => left - (left / 10).min(Duration::from_millis(200)),
            _ => Duration::from_secs(MAX_TIMEOUT_SECS),
        }
    }

    /// A header as text; empty and non-ASCII ones are absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok().filter(|value| !value.is_empty())
    }

    /// A header as it came; empty ones are absent.
    pub fn get(&self, name: &str) -> Option<&HeaderValue> {
        self.headers.get(name).filter(|value| !value.is_empty())
    }
}

/// Sends an answer and reads what the API says about it.
async fn verdict(link: &mut Link, request: Request<Payload>) -> Result<(), ApiError> {
    let (head, body) = link.send(request).await?.into_parts();
    let text = collect(body, VERDICT_LIMIT, Vec::new()).await;
    if text.is_err() {
        link.forget();
    }
    if head.status.is_success() { Ok(()) } else { Err(refused(head.status, text)) }
}

fn uri(path: String) -> Result<Uri, ApiError> {
    let bytes = Bytes::from(path);
    Uri::from_maybe_shared(bytes.clone())
        .map_err(|_| ApiError::Path(String::from_utf8_lossy(&bytes).into_owned()))
}

fn refused(status: StatusCode, text: Result<Bytes, LinkError>) -> ApiError {
    let text = text.unwrap_or_default();
    let text = String::from_utf8_lossy(&text[..text.len().min(500)]).into_owned();
    ApiError::Status { status: status.as_u16(), text }
}
