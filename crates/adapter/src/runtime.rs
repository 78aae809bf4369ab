//! A client of Lambda's Runtime API: takes events, gives answers and errors back.
//!
//! `/next` has no read timeout up to the head, because the sandbox may be frozen for hours meanwhile. What comes with an event is read
//! leniently: a missing or odd header costs that header, never the invocation, and an empty one counts as absent (Managed
//! Instances send empty ones).
//!
//! Source: "Using the Lambda runtime API".

use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, Uri};
use lambridge_wire::http1::Asked;
use lambridge_wire::limits::MAX_TIMEOUT_SECS;
use lambridge_wire::prelude::CONTENT_TYPE as CONTENT_TYPE_OF_STREAM;
use lambridge_wire::runtime::{self as wire, ErrorReport};

use crate::app::App;
use crate::deadline::Deadline;
use crate::exchange::{Failure, Reply, cut_off};
use crate::http1::Source;
use crate::link::{Link, LinkError, write_field};
use crate::payload::Payload;
use crate::settings::Endpoint;
use crate::spare::Spare;
use crate::stream::{Form, Stream};

/// Events are 6 MB at most today; the bound only keeps a broken peer from filling the memory.
const EVENT_LIMIT: usize = 64 * 1024 * 1024;
/// Of an event whose head is there; a proxy may have died within it.
const EVENT_PATIENCE: Duration = Duration::from_secs(10);
/// What the API says about an answer is a line of JSON.
const VERDICT_LIMIT: usize = 64 * 1024;
/// An answer whose connection broke is posted so often; the API refuses the second of two that arrived.
const POSTS: u32 = 3;
/// A deadline that passed so long ago was never meant.
const LONG_PAST: Duration = Duration::from_secs(3600);
/// The API reads an answer at once; an endless wait would block the worker.
const POST_PATIENCE: Duration = Duration::from_secs(60);

const AGENT: &str = concat!("lambridge-adapter/", env!("CARGO_PKG_VERSION"));

/// What comes with an event; all else that the API says about one is passed over.
const FIELDS: [&str; 8] = [
    wire::REQUEST_ID,
    wire::DEADLINE_MS,
    wire::INVOKED_FUNCTION_ARN,
    wire::TRACE_ID,
    wire::CLIENT_CONTEXT,
    wire::COGNITO_IDENTITY,
    wire::TENANT_ID,
    wire::INVOCATION_ID,
];

/// The Runtime API over one kept connection.
#[derive(Debug)]
pub struct Client {
    link: Link,
    patience: Deadline,
    spare: Spare,
}

/// An event and what came with it.
#[derive(Debug)]
pub struct Delivery {
    headers: Vec<(&'static str, HeaderValue)>,
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
    BrokeOff(Failure),
    /// The API takes no answer.
    #[error("the Runtime API did not take the answer in time")]
    Stuck,
    /// The address cannot stand in a request.
    #[error("`{0}` is no path")]
    Path(String),
}

/// A request to the API.
struct Call<'a> {
    method: &'static str,
    path: &'a str,
    fields: &'a [(&'a str, &'a [u8])],
    /// `None`: it comes in chunks.
    length: Option<usize>,
}

impl Client {
    /// Not yet connected.
    pub fn new(endpoint: Endpoint, spare: Spare) -> Result<Client, ApiError> {
        let next = format!("{}{}", endpoint.base, wire::NEXT);
        if next.parse::<Uri>().is_err() {
            return Err(ApiError::Path(next));
        }
        Ok(Client { link: Link::new(endpoint, Duration::MAX), patience: Deadline::new(), spare })
    }

    /// Waits for an event.
    pub async fn next(&mut self) -> Result<Delivery, ApiError> {
        let mut headers = Vec::with_capacity(FIELDS.len());
        let (call, mut nothing) = (Call::get(wire::NEXT), Payload::empty());
        let status = send(&mut self.link, &call, &mut nothing, |name, value| {
            // Fields of HTTP itself have short names.
            let known = FIELDS
                .into_iter()
                .find(|known| known.len() == name.len() && name.eq_ignore_ascii_case(known));
            if let (Some(name), Ok(value)) = (known, HeaderValue::from_bytes(value)) {
                headers.push((name, value));
            }
        });
        let status = status.await?;
        if status != StatusCode::OK {
            return Err(refused(status, self.link.collect(VERDICT_LIMIT, Vec::new()).await));
        }
        let collecting = self.link.collect(EVENT_LIMIT, self.spare.take());
        let event = self.patience.bound(EVENT_PATIENCE, collecting).await;
        if !matches!(event, Some(Ok(_))) {
            self.link.forget();
        }
        let event = event.unwrap_or(Err(io::Error::from(io::ErrorKind::TimedOut).into()))?;
        let delivery = Delivery { headers, event };
        if delivery.request_id().is_none() { Err(ApiError::Nameless) } else { Ok(delivery) }
    }

    /// The invocation is over: what its event was written in serves the next one.
    pub fn done(&mut self, delivery: Delivery) {
        self.spare.give_back(delivery.event);
    }

    /// Posts the outcome of an invocation, of which a streamed answer's body is still to come from the application. A
    /// failure comes back where the answer broke off, and says so itself.
    pub async fn post(
        &mut self,
        delivery: &Delivery,
        reply: Reply,
        app: &mut App,
    ) -> Result<Option<Failure>, ApiError> {
        let id = delivery.request_id().ok_or(ApiError::Nameless)?;
        let mut cut = None;
        let (path, body, error_type) = match reply {
            Reply::Answer(body) => (wire::response_path(id), body, None),
            Reply::Stream { start, form } => {
                let (kind, path) = (form.kind(), wire::response_path(id));
                let streamed = self.stream(delivery, &path, start, form, app).await;
                let (Err(ApiError::Link(_)), Some(kind)) = (&streamed, kind) else { return streamed };
                // Nobody reads half an envelope: the client can still be told.
                cut = Some(Failure::Cut);
                (path, cut_off(kind), None)
            }
            Reply::Failed { error_type, message } => {
                let report = ErrorReport::new(error_type, message).to_json();
                (wire::error_path(id), Bytes::from(report), Some(error_type))
            }
        };
        let mut fields: Vec<(&str, &[u8])> = Vec::new();
        fields.extend(delivery.nonce());
        if let Some(error_type) = error_type {
            fields.extend(error_fields(error_type));
        }
        let call = Call::post(&path, &fields, Some(body.len()));
        let mut attempt = 1;
        loop {
            let posting = verdict(&mut self.link, &call, Payload::new(body.clone()));
            match self.patience.bound(POST_PATIENCE, posting).await {
                Some(Err(ApiError::Link(_))) if attempt < POSTS => attempt += 1,
                Some(verdict) => return verdict.map(|()| cut),
                None => return Err(ApiError::Stuck),
            }
        }
    }

    /// Posts an answer as it comes. What streamed is gone, so there is one attempt.
    async fn stream(
        &mut self,
        delivery: &Delivery,
        path: &str,
        start: Vec<u8>,
        form: Form,
        app: &mut App,
    ) -> Result<Option<Failure>, ApiError> {
        let has_prelude = matches!(form, Form::Prelude(_));
        let mut fields: Vec<(&str, &[u8])> = Vec::new();
        if has_prelude {
            fields.extend([
                ("content-type", CONTENT_TYPE_OF_STREAM.as_bytes()),
                (wire::RESPONSE_MODE, wire::STREAMING.as_bytes()),
                ("trailer", wire::ERROR_TYPE.as_bytes()),
                ("trailer", wire::ERROR_BODY.as_bytes()),
            ]);
        }
        fields.extend(delivery.nonce());
        let call = Call::post(path, &fields, None);
        let patience = delivery.patience();
        let mut stream = Stream::new(start, app, form, patience);
        let posting = verdict(&mut self.link, &call, &mut stream);
        let posted = self.patience.bound(patience + POST_PATIENCE, posting).await;
        let broken = stream.broken();
        if has_prelude {
            // The connection ends with it, as the API's description asks.
            self.link.forget();
            if let Some(failure) = broken {
                return Err(ApiError::BrokeOff(failure));
            }
        }
        posted.unwrap_or(Err(ApiError::Stuck)).map(|()| broken)
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
        let restored = verdict(&mut self.link, &Call::get(wire::RESTORE_NEXT), Payload::empty()).await;
        self.link.forget();
        restored
    }

    async fn fail(&mut self, path: &str, error_type: &'static str, message: &str) -> Result<(), ApiError> {
        let report = ErrorReport::new(error_type, message).to_json();
        let fields = error_fields(error_type);
        let call = Call::post(path, &fields, Some(report.len()));
        let posting = verdict(&mut self.link, &call, Payload::new(report.into()));
        self.patience.bound(POST_PATIENCE, posting).await.unwrap_or(Err(ApiError::Stuck))
    }
}

fn error_fields(error_type: &'static str) -> [(&'static str, &'static [u8]); 2] {
    [("content-type", wire::ERROR_CONTENT_TYPE.as_bytes()), (wire::ERROR_TYPE, error_type.as_bytes())]
}

impl<'a> Call<'a> {
    fn get(path: &'a str) -> Call<'a> {
        Call { method: "GET", path, fields: &[], length: Some(0) }
    }

    fn post(path: &'a str, fields: &'a [(&'a str, &'a [u8])], length: Option<usize>) -> Call<'a> {
        Call { method: "POST", path, fields, length }
    }

    fn write(&self, endpoint: &Endpoint, out: &mut Vec<u8>) {
        endpoint.write_head(self.method, self.path, out);
        write_field("user-agent", AGENT.as_bytes(), out);
        for (name, value) in self.fields {
            write_field(name, value, out);
        }
        match self.length {
            None => write_field("transfer-encoding", b"chunked", out),
            Some(0) if self.method == "GET" => {}
            Some(length) => write_field("content-length", length.to_string().as_bytes(), out),
        }
        out.extend_from_slice(b"\r\n");
    }
}

impl Delivery {
    /// As [`Client::next`] would have read it.
    #[cfg(test)]
    pub fn new(fields: &[(&'static str, &str)], event: Bytes) -> Delivery {
        let headers = fields.iter().filter_map(|(name, value)| Some((*name, value.parse().ok()?))).collect();
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

    /// How long the application may take: up to shortly before Lambda gives up, so that an answer can still be sent, and
    /// no time at all once it has. An absent deadline, or one long past (some emulators send a constant of 1970), is
    /// Lambda's longest.
    pub fn patience(&self) -> Duration {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        match self.deadline_ms().map(Duration::from_millis).filter(|at| *at + LONG_PAST > now) {
            Some(at) => {
                let left = at.saturating_sub(now);
                left - (left / 10).min(Duration::from_millis(200))
            }
            None => Duration::from_secs(MAX_TIMEOUT_SECS),
        }
    }

    /// A header as text; empty and non-ASCII ones are absent.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.to_str().ok()
    }

    /// A header as it came, the first of its name; empty ones are absent.
    pub fn get(&self, name: &str) -> Option<&HeaderValue> {
        let (_, value) = self.headers.iter().find(|(known, _)| *known == name)?;
        Some(value).filter(|value| !value.is_empty())
    }

    /// What a Managed Instance wants to see again.
    fn nonce(&self) -> Option<(&'static str, &[u8])> {
        Some((wire::INVOCATION_ID, self.get(wire::INVOCATION_ID)?.as_bytes()))
    }
}

async fn send(
    link: &mut Link,
    call: &Call<'_>,
    source: &mut impl Source,
    field: impl FnMut(&str, &[u8]),
) -> Result<u16, LinkError> {
    link.send(|endpoint, out| call.write(endpoint, out), source, Asked::Body, field).await
}

/// Sends an answer and reads what the API says about it.
async fn verdict(link: &mut Link, call: &Call<'_>, mut source: impl Source) -> Result<(), ApiError> {
    let status = send(link, call, &mut source, |_, _| ()).await?;
    let taken = (200..300).contains(&status);
    if taken {
        // An API that answers before it has read all wants the rest.
        link.send_rest(&mut source).await;
    }
    let text = link.collect(VERDICT_LIMIT, Vec::new()).await;
    if text.is_err() {
        link.forget();
    }
    if taken { Ok(()) } else { Err(refused(status, text)) }
}

fn refused(status: u16, text: Result<Bytes, LinkError>) -> ApiError {
    let text = text.unwrap_or_default();
    let text = String::from_utf8_lossy(&text[..text.len().min(500)]).into_owned();
    ApiError::Status { status, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience() {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
        let longest = MAX_TIMEOUT_SECS * 1000;
        let minute = 60_000;
        for (deadline, expect) in [
            (String::new(), longest..=longest),
            ("soon".into(), longest..=longest),
            ("600000".into(), longest..=longest),
            ((now - 2 * 3_600_000).to_string(), longest..=longest),
            ((now - 1).to_string(), 0..=0),
            ((now - minute).to_string(), 0..=0),
            ((now + minute).to_string(), 1..=59_800),
            (u64::MAX.to_string(), longest..=u64::MAX),
        ] {
            let delivery = Delivery::new(&[(wire::DEADLINE_MS, &deadline)], Bytes::new());
            let found = delivery.patience().as_millis();
            assert!(expect.contains(&u64::try_from(found).unwrap()), "{deadline}: {found}");
        }
    }
}
