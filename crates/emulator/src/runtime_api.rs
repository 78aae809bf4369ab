//! The Runtime API of one sandbox, version 2018-06-01.
//!
//! `next` waits as long as it takes. An answer is taken once, whole, up to 6 MB. What a runtime streams is passed on to a
//! caller who wants it so, and collected for one who called Invoke. Refusals follow the state machine of the sandbox: an answer before any
//! event is 403, for an id that is not open 400, too late 410, too large 413.
//!
//! Source: Lambda developer guide, "Using the Lambda runtime API"; aws-lambda-runtime-interface-emulator.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use lambridge_wire::limits::{STREAMED_ANSWER, SYNC_PAYLOAD};
use lambridge_wire::runtime::{self as wire, ApiError, ErrorReport, Path};

use crate::http::{Answer, BodyError, collect, discard, json, text};
use crate::sandbox::{Delivery, Outcome, Sandbox, Unanswerable};
use crate::stream::{Piece, Sink, whole};

/// Answers one request.
pub(crate) async fn answer(sandbox: &Arc<Sandbox>, mut request: Request<Incoming>) -> Answer {
    let target = request.uri().path().to_owned();
    let Some(path) = Path::parse(&target) else { return json(404, "") };
    if request.method().as_str() != path.method() {
        return json(405, "");
    }
    let answer = match path {
        Path::Next => next(sandbox).await,
        Path::Response(id) => response(sandbox, id, &mut request).await,
        Path::Error(id) => error(sandbox, id, &mut request).await,
        Path::InitError => init_error(sandbox, &mut request).await,
        Path::Ping => Response::new(whole(Bytes::from_static(b"pong"))),
        // Nothing is ever restored from a snapshot here.
        Path::RestoreNext | Path::RestoreError => {
            refuse(ApiError::INVALID_STATE, Some("SnapStart is not in use"))
        }
    };
    // What a refusal left unread would end the connection, which runtimes use again.
    discard(request.body_mut()).await;
    answer
}

async fn next(sandbox: &Sandbox) -> Answer {
    let poll = {
        let mut state = sandbox.state();
        if !state.is_managed() && state.is_running() {
            drop(state);
            return transition("Running", "Ready");
        }
        state.runtime.poll()
    };
    sandbox.ring();
    match poll.await {
        Ok(delivery) => deliver(&delivery),
        // The sandbox has ended.
        Err(_) => refuse(ApiError::INTERNAL, None),
    }
}

fn deliver(delivery: &Delivery) -> Answer {
    let mut answer = json(200, delivery.event.clone());
    for (name, value) in delivery.head.headers() {
        if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

async fn response(sandbox: &Sandbox, id: &str, request: &mut Request<Incoming>) -> Answer {
    let mode = text(request.headers(), wire::RESPONSE_MODE).unwrap_or_default();
    if !mode.is_empty() && !mode.eq_ignore_ascii_case(wire::STREAMING) {
        return refuse(ApiError::INVALID_RESPONSE_MODE, None);
    }
    let streams = !mode.is_empty();
    if let Err((error, message)) = check(sandbox, id, request.headers(), "InvocationResponse") {
        return refuse(error, message.as_deref());
    }
    let sink = if streams { sandbox.state().take_sink(id) } else { None };
    if let Some(sink) = sink {
        let outcome = forward(id, request, sink).await;
        return settle(sandbox, id, outcome).await;
    }
    match collect(request.body_mut(), SYNC_PAYLOAD).await {
        Ok((payload, trailers)) => {
            let outcome = match trailers.as_ref().filter(|_| streams).and_then(failed_stream) {
                Some(payload) => Outcome { payload, failed: true },
                None => Outcome { payload, failed: false },
            };
            settle(sandbox, id, outcome).await
        }
        Err(BodyError::TooLarge) => {
            let message = format!(
                "Response payload size exceeded maximum allowed payload size ({SYNC_PAYLOAD} bytes)."
            );
            let report = ErrorReport::new("Function.ResponseSizeTooLarge", message).to_json();
            settle(sandbox, id, Outcome { payload: report.into(), failed: true }).await;
            refuse(ApiError::TOO_LARGE, None)
        }
        Err(BodyError::Broken) if streams => {
            let outcome = Outcome::platform(id, "Runtime.TruncatedResponse", "Response was truncated");
            settle(sandbox, id, outcome).await;
            refuse(ApiError::TRUNCATED_REQUEST, None)
        }
        Err(BodyError::Broken) => refuse(ApiError::TRUNCATED_REQUEST, None),
    }
}

/// Passes a stream on as it comes, and says how it ended.
async fn forward(id: &str, request: &mut Request<Incoming>, sink: Sink) -> Outcome {
    let kind = text(request.headers(), "content-type").map(str::to_owned);
    let mut wanted = sink.send(Piece::Type(kind)).await.is_ok();
    let (mut total, mut trailers) = (0, None);
    while let Some(frame) = request.body_mut().frame().await {
        let Ok(frame) = frame else {
            return Outcome::platform(id, "Runtime.TruncatedResponse", "Response was truncated");
        };
        match frame.into_data() {
            Ok(data) => {
                total += data.len();
                if total > STREAMED_ANSWER {
                    let message = format!(
                        "Response payload size exceeded maximum allowed payload size ({STREAMED_ANSWER} bytes)."
                    );
                    let report = ErrorReport::new("Function.ResponseSizeTooLarge", message).to_json();
                    return Outcome { payload: report.into(), failed: true };
                }
                if wanted && !data.is_empty() {
                    wanted = sink.send(Piece::Data(data)).await.is_ok();
                }
            }
            Err(other) => trailers = other.into_trailers().ok(),
        }
    }
    match trailers.as_ref().and_then(failed_stream) {
        Some(payload) => Outcome { payload, failed: true },
        None => Outcome { payload: Bytes::new(), failed: false },
    }
}

/// The error in the trailers of a stream that broke off: base64 of an error report, or at least its type.
fn failed_stream(trailers: &HeaderMap) -> Option<Bytes> {
    let kind = text(trailers, wire::ERROR_TYPE)?;
    let body = text(trailers, wire::ERROR_BODY)
        .and_then(|body| base64_simd::STANDARD.decode_to_vec(body).ok())
        .unwrap_or_else(|| ErrorReport::new(kind, "").to_json());
    Some(body.into())
}

async fn error(sandbox: &Sandbox, id: &str, request: &mut Request<Incoming>) -> Answer {
    if let Err((error, message)) = check(sandbox, id, request.headers(), "InvocationErrorResponse") {
        return refuse(error, message.as_deref());
    }
    match report(request).await {
        Ok(payload) => settle(sandbox, id, Outcome { payload, failed: true }).await,
        Err(error) => refuse(error, None),
    }
}

async fn init_error(sandbox: &Sandbox, request: &mut Request<Incoming>) -> Answer {
    if sandbox.state().is_initialized() {
        return transition("Ready", "InitError");
    }
    match report(request).await {
        Ok(payload) => {
            sandbox.state().fail(payload);
            sandbox.ring();
            json(202, wire::ACCEPTED_BODY)
        }
        Err(error) => refuse(error, None),
    }
}

/// What a runtime reports; without a body, at least the type of its header.
async fn report(request: &mut Request<Incoming>) -> Result<Bytes, ApiError> {
    let kind = text(request.headers(), wire::ERROR_TYPE).unwrap_or_default();
    let kind = wire::accepted_error_type(kind, "Function.Unknown").to_owned();
    match collect(request.body_mut(), SYNC_PAYLOAD).await {
        Ok((body, _)) if body.is_empty() => Ok(ErrorReport::new(kind, "").to_json().into()),
        Ok((body, _)) => Ok(body),
        Err(BodyError::TooLarge) => Err(ApiError::TOO_LARGE),
        Err(BodyError::Broken) => Err(ApiError::TRUNCATED_REQUEST),
    }
}

fn check(sandbox: &Sandbox, id: &str, headers: &HeaderMap, to: &str) -> Result<(), Refusal> {
    let echoed = text(headers, wire::INVOCATION_ID).filter(|echoed| !echoed.is_empty());
    let state = sandbox.state();
    if !state.runtime.polled {
        return Err((ApiError::INVALID_STATE, Some(forbidden("Started", to))));
    }
    state.check(id, echoed).map_err(|why| match why {
        Unanswerable::Unknown => (ApiError::INVALID_REQUEST_ID, None),
        Unanswerable::Late => (ApiError::TIMEOUT, None),
    })
}

async fn settle(sandbox: &Sandbox, id: &str, outcome: Outcome) -> Answer {
    if !sandbox.state().external.is_empty() && blames_app(&outcome.payload) && sandbox.is_dying() {
        // Its exit is about to be known, and ends the invocation, and then the adapter: which need not hear of anything else.
        sandbox.ended().await;
    }
    sandbox.state().answer(id, outcome);
    sandbox.ring();
    json(202, wire::ACCEPTED_BODY)
}

/// Whether this is the web adapter's own word that its connection to the application broke.
///
/// Two see an application die: the adapter, whose connection breaks, and the platform, whose process ends. The platform's
/// word is the one that counts, whoever is first.
fn blames_app(payload: &[u8]) -> bool {
    const WORDS: [&str; 2] = ["urn:lambridge:problem:upstream_error", "Function.AppFailed"];
    // A large answer that broke off says so in its head, which is behind its body.
    const BROKE_OFF: &str = "lambda-adapter; error=http_response_incomplete";
    let end = &payload[payload.len().saturating_sub(1024)..];
    let says = |word: &str| end.windows(word.len()).any(|window| window == word.as_bytes());
    says(BROKE_OFF) || (payload.len() <= 1024 && WORDS.iter().any(|word| says(word)))
}

/// A refusal, and its text where it is not the usual one.
type Refusal = (ApiError, Option<String>);

fn transition(from: &str, to: &str) -> Answer {
    refuse(ApiError::INVALID_STATE, Some(&forbidden(from, to)))
}

/// Source: the runtime interface emulator's wording.
fn forbidden(from: &str, to: &str) -> String {
    format!("State transition from {from} to {to} failed for runtime. Error: State transition is not allowed")
}

fn refuse(error: ApiError, message: Option<&str>) -> Answer {
    json(error.status, error.body(message))
}
