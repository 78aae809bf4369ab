//! One invocation: event → request → answer → what is posted to Lambda.
//!
//! An event that came over HTTP always gets an HTTP answer, 502 or 504 with a reason when the application fails; any
//! other event gets the invocation error, so that its source can retry. No outcome ends the loop.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{HeaderValue, Method, StatusCode};
use lambridge_event::{
    Answer, EventError, Kind, Received, decode_request_lazily, encode_answer, encode_prelude,
};
use lambridge_wire::limits::SYNC_PAYLOAD;
use lambridge_wire::prelude::SEPARATOR;
use serde_json::value::RawValue;

use crate::Shared;
use crate::app::App;
use crate::compression::{Coding, Wish, streamed};
use crate::deadline::Deadline;
use crate::envelope::{answer, envelope, truthful_length};
use crate::journal::Facts;
use crate::link::LinkError;
use crate::request::{build, end_hop};
use crate::runtime::Delivery;
use crate::settings::{InvokeMode, Settings};
use crate::spare::Spare;
use crate::stream::Form;
use crate::web_function;

/// What goes back to Lambda.
#[derive(Debug)]
pub enum Reply {
    /// To `/response`, whole.
    Answer(Bytes),
    /// To `/response`, as it comes: the rest of the body is the application's to say.
    Stream {
        /// What stands before it.
        start: Vec<u8>,
        /// How it is written.
        form: Form,
    },
    /// To `/error`.
    Failed {
        /// `Category.Reason`.
        error_type: &'static str,
        /// For people.
        message: String,
    },
}

impl Reply {
    /// The bytes of an answer at hand.
    pub fn answer(&self) -> Bytes {
        match self {
            Reply::Answer(bytes) => bytes.clone(),
            _ => Bytes::new(),
        }
    }
}

/// Why an invocation has no answer of the application.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The event cannot be read.
    #[error("{0}")]
    BadEvent(#[from] EventError),
    /// The event is read, and is no request that could be sent on.
    #[error("{0}")]
    BadRequest(&'static str),
    /// The connection, or what came over it.
    #[error("the application: {0}")]
    App(LinkError),
    /// No answer before the deadline.
    #[error("the application did not answer within {0:?}")]
    Late(Duration),
    /// The application is still starting.
    #[error("the application was not ready within {0:?}")]
    NotReady(Duration),
    /// 101 without being asked.
    #[error("the application switches protocols without being asked")]
    Switched,
    /// Larger than Lambda takes.
    #[error("the answer is larger than the {SYNC_PAYLOAD} bytes that Lambda takes")]
    TooLarge,
    /// Of an answer that flows a part was posted, and the rest cannot be.
    #[error("the connection to Lambda broke within the answer")]
    Cut,
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Failure {
        match error {
            LinkError::TooLong { .. } => Failure::TooLarge,
            error => Failure::App(error),
        }
    }
}

impl Failure {
    /// What an HTTP client gets.
    pub fn status(&self) -> StatusCode {
        match self {
            Failure::BadEvent(_) | Failure::BadRequest(_) => StatusCode::BAD_REQUEST,
            Failure::App(_) | Failure::Switched | Failure::TooLarge | Failure::Cut => StatusCode::BAD_GATEWAY,
            Failure::Late(_) | Failure::NotReady(_) => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// In a word.
    pub fn reason(&self) -> &'static str {
        match self {
            Failure::BadEvent(_) | Failure::BadRequest(_) => "bad_request",
            Failure::App(_) | Failure::Switched => "upstream_error",
            Failure::TooLarge => "answer_too_large",
            Failure::Cut => "not_posted",
            Failure::Late(_) | Failure::NotReady(_) => "timeout",
        }
    }

    /// In the form that the Runtime API accepts: one capitalised word after the category.
    fn error_type(&self) -> &'static str {
        match self {
            Failure::BadEvent(_) | Failure::BadRequest(_) => "Runtime.InvalidEvent",
            Failure::App(_) | Failure::Switched => "Function.AppFailed",
            Failure::TooLarge => "Function.ResponseSizeTooLarge",
            Failure::Cut => "Runtime.AnswerCut",
            Failure::Late(_) | Failure::NotReady(_) => "Function.Timeout",
        }
    }
}

/// How the answer to one event goes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Whole,
    Streamed,
}

impl Mode {
    /// The invoke mode is the function's; load balancers, HTTP APIs and sources that are not HTTP do not know a prelude,
    /// and get their answer whole in any mode.
    fn of(kind: Kind, context: Option<&str>, settings: &Settings) -> Mode {
        match (settings.invoke_mode, kind) {
            (InvokeMode::ResponseStream, Kind::RestV1) => Mode::Streamed,
            (InvokeMode::ResponseStream, Kind::HttpV2) if !context.is_some_and(is_http_api) => Mode::Streamed,
            _ => Mode::Whole,
        }
    }
}

/// Whether a `requestContext` is an HTTP API's, as far as its own domain tells: but for that it is like a function URL's.
fn is_http_api(context: &str) -> bool {
    let members: HashMap<&str, &RawValue> = serde_json::from_str(context).unwrap_or_default();
    members.get("domainName").is_some_and(|name| name.get().contains(".execute-api."))
}

/// Serves one invocation. The caller posts the reply, and records the facts.
pub async fn exchange(
    delivery: &Delivery,
    app: &mut App,
    deadline: &mut Deadline,
    spare: &mut Spare,
    shared: &Shared,
) -> (Reply, Facts) {
    let mut facts = Facts::new();
    let (kind, mode, served) = match decode(&delivery.event, &shared.settings) {
        Err(error) => {
            let kind = kind_of_unreadable(&delivery.event, &shared.settings);
            (kind, Mode::of(kind, None, &shared.settings), Err(error.into()))
        }
        Ok(received) => {
            let kind = received.kind;
            let mode = Mode::of(kind, received.request_context, &shared.settings);
            let patience = delivery.patience();
            let serving = serve(received, mode, delivery, app, spare, shared, &mut facts);
            let served = deadline.bound(patience, serving).await;
            (kind, mode, served.unwrap_or_else(|| Err(shared.late(patience))))
        }
    };
    facts.kind = Some(kind);
    let reply = served.unwrap_or_else(|failure| {
        app.forget();
        let fails = |status| shared.settings.error_status_codes.contains(status);
        let reply = if fails(facts.status) {
            // The status has told already that the invocation is to fail; only the body did not come.
            status_error(facts.status, b"")
        } else if fails(failure.status().as_u16()) {
            failed(&failure)
        } else {
            failure_of(&failure, kind, mode)
        };
        facts.failure = Some(failure);
        reply
    });
    (reply, facts)
}

/// Events of WebSocket APIs are requests only where a path is set for them.
fn decode<'a>(event: &'a [u8], settings: &Settings) -> Result<Received<'a>, EventError> {
    decode_request_lazily(event, settings.websocket_path.is_some())
}

/// Whether an HTTP client waits for the answer to an event that cannot be read.
fn kind_of_unreadable(event: &[u8], settings: &Settings) -> Kind {
    match lambridge_event::kind(event) {
        Some(Kind::WebSocket) if settings.websocket_path.is_none() => Kind::Other,
        kind => kind.unwrap_or(Kind::Other),
    }
}

async fn serve(
    received: Received<'_>,
    mode: Mode,
    delivery: &Delivery,
    app: &mut App,
    spare: &mut Spare,
    shared: &Shared,
    facts: &mut Facts,
) -> Result<Reply, Failure> {
    let kind = received.kind;
    let (request, dropped) = build(received, delivery, &shared.settings, &shared.function)?;
    facts.dropped_fields = dropped;
    if kind != Kind::Other && shared.settings.snapstart.guards(request.uri().path()) {
        facts.status = StatusCode::FORBIDDEN.as_u16();
        return Ok(forbidden(kind, mode));
    }
    facts.asked = Some((request.method().clone(), request.uri().clone()));
    let head_only = request.method() == Method::HEAD;
    let http = !matches!(kind, Kind::Other | Kind::WebSocket);
    let wish = match Coding::preferred(request.headers()) {
        _ if !shared.settings.compression || !http || head_only => Wish::Off,
        None => Wish::Plain,
        Some(coding) => Wish::Coded(coding),
    };
    shared.ready().await;
    let mut head = app.send(request).await?;
    facts.status = head.status.as_u16();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(Failure::Switched);
    }
    end_hop(&mut head.headers);
    if shared.settings.web_function && http {
        web_function::answer(&mut head.headers, delivery, &shared.settings.function);
    }
    if shared.settings.error_status_codes.contains(facts.status) {
        return Ok(status_error(facts.status, &whole(app).await?));
    }
    if mode == Mode::Streamed {
        truthful_length(&mut head, app.length(), head_only);
        let encoder = streamed(&mut head, app, wish);
        return Ok(Reply::Stream { start: prelude(&mut head), form: Form::Prelude(encoder) });
    }
    if kind == Kind::Other {
        return Ok(Reply::Answer(plain(whole(app).await?, shared)));
    }
    // An invocation that has to fail cannot, once its answer has begun.
    let fails = |status: StatusCode| shared.settings.error_status_codes.contains(status.as_u16());
    let flows = !fails(StatusCode::BAD_GATEWAY) && !fails(StatusCode::GATEWAY_TIMEOUT);
    envelope(kind, head, app, wish, head_only, flows, spare).await
}

/// A body that has to be looked at as a whole.
async fn whole(app: &mut App) -> Result<Bytes, Failure> {
    Ok(app.collect(SYNC_PAYLOAD).await?)
}

/// The head of a streamed answer. Without a media type a function URL would call the bytes JSON.
fn prelude(head: &mut Parts) -> Vec<u8> {
    let bodiless = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    if !bodiless && !head.headers.contains_key(CONTENT_TYPE) {
        head.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    }
    let mut out = Vec::with_capacity(512);
    encode_prelude(&answer(head), &mut out);
    out.extend_from_slice(&SEPARATOR);
    out
}

/// The answer to an event that is not HTTP: the body, which has to be JSON; `null` otherwise.
fn plain(body: Bytes, shared: &Shared) -> Bytes {
    if serde_json::from_slice::<&RawValue>(&body).is_ok() {
        return body;
    }
    if !body.is_empty() {
        shared.log.warn("the application's answer to an event is no JSON, the invocation answers `null`");
    }
    Bytes::from_static(b"null")
}

/// The invocation error for a status of `AWS_LWA_ERROR_STATUS_CODES`; its message is JSON text, as the documents say.
fn status_error(status: u16, body: &[u8]) -> Reply {
    let body = serde_json::Value::from(String::from_utf8_lossy(body));
    Reply::Failed {
        error_type: "Function.ErrorStatusCode",
        message: format!("{{\"statusCode\":{status},\"body\":{body}}}"),
    }
}

/// What an outside client gets for the path of a SnapStart hook.
fn forbidden(kind: Kind, mode: Mode) -> Reply {
    let answer =
        Answer { status: StatusCode::FORBIDDEN.as_u16(), headers: Vec::new(), body: Cow::Borrowed(b"") };
    reply_of(&answer, kind, mode)
}

fn failed(failure: &Failure) -> Reply {
    Reply::Failed { error_type: failure.error_type(), message: failure.to_string() }
}

fn failure_of(failure: &Failure, kind: Kind, mode: Mode) -> Reply {
    if kind == Kind::Other {
        return failed(failure);
    }
    let status = failure.status();
    let title = status.canonical_reason().unwrap_or("Error");
    let body = format!(
        "{{\"type\":\"urn:lambridge:problem:{}\",\"title\":\"{title}\",\"status\":{}}}",
        failure.reason(),
        status.as_u16()
    );
    let media: &[u8] = b"application/problem+json";
    let headers = vec![(Cow::Borrowed(CONTENT_TYPE.as_str().as_bytes()), Cow::Borrowed(media))];
    let answer = Answer { status: status.as_u16(), headers, body: Cow::Borrowed(body.as_bytes()) };
    reply_of(&answer, kind, mode)
}

/// What an HTTP client gets in place of an answer of which only a part was posted.
pub fn cut_off(kind: Kind) -> Bytes {
    failure_of(&Failure::Cut, kind, Mode::Whole).answer()
}

/// An answer of the adapter's own.
fn reply_of(answer: &Answer<'_>, kind: Kind, mode: Mode) -> Reply {
    let mut out = Vec::with_capacity(512);
    if mode == Mode::Streamed {
        encode_prelude(answer, &mut out);
        out.extend_from_slice(&SEPARATOR);
        out.extend_from_slice(&answer.body);
        return Reply::Stream { start: out, form: Form::Prelude(None) };
    }
    encode_answer(kind, answer, &mut out);
    Reply::Answer(out.into())
}
