//! A function's URL: HTTP in, an event, an invocation, HTTP out.
//!
//! Whoever calls is anonymous unless the URL wants a signature ([`iam`]), and `Host` is the caller's choice, as with a URL of
//! Lambda's. What pages of other origins may do is the URL's to say, where it is told ([`cors`]).
//! What the function answers is read by the rules of payload 2.0: with `statusCode` it is a whole answer, without one the
//! body of a 200. A function that fails, runs out of time, or answers what is no answer is 502 to its caller, and nothing
//! of why.
//!
//! In streamed mode an answer with a prelude has its head from there; one without is a 200 of its own media type. A function
//! that answers whole has its payload passed on as it is. What fails after the head cuts the connection.
//!
//! Fields that belong to the connection end here; of those that the function sets all the same, some come out under
//! another name, as Lambda has it.
//!
//! Source: Lambda developer guide, "Invoking Lambda function URLs"; answers recorded from AWS (localstack,
//! `test_lambda_url_invocation`, `test_lambda_url_echo_http_fixture_default`, `test_request_id_invoke_url`).

mod answer;
mod cors;
mod event;
mod iam;

use std::sync::Arc;
use std::time::Duration;

use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use lambridge_model::{UrlAuth, UrlMode};
use lambridge_wire::invoke::{ErrorShape, X_AMZN_ERROR_TYPE, X_AMZN_REQUEST_ID, X_AMZN_TRACE_ID, throttle};
use lambridge_wire::limits::SYNC_PAYLOAD;

use crate::function::{Call, Function};
use crate::http::{Answer, BodyError, Ends, collect, json, text};
use crate::identity::{trace_id, uuid};
use crate::service::Service;
use crate::stream::whole;

/// For a whole body to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// Fields of a connection, not of a message. Source: RFC 9110, section 7.6.1.
const HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Answers one request.
pub(crate) async fn answer(
    service: Arc<Service>,
    function: Arc<Function>,
    request: Request<Incoming>,
    ends: Ends,
) -> Answer {
    let (head, mut body) = request.into_parts();
    let request_id = uuid();
    let trace = text(&head.headers, X_AMZN_TRACE_ID).map_or_else(trace_id, str::to_owned);
    let rules = function.context.run.url.as_ref().and_then(|url| url.cors.as_ref());
    let mut answer = match rules.and_then(|rules| cors::preflight(rules, &head)) {
        Some(answer) => answer,
        None => {
            let mut answer = match tokio::time::timeout(BODY_TIMEOUT, collect(&mut body, SYNC_PAYLOAD)).await
            {
                Ok(Ok((body, _))) => {
                    let sender = Sender { request_id: &request_id, trace: &trace, ends };
                    admit(&service, &function, &head, &body, sender).await
                }
                Ok(Err(BodyError::TooLarge)) => too_large(),
                Ok(Err(BodyError::Broken)) => plain(StatusCode::BAD_REQUEST, "Bad Request"),
                Err(_) => plain(StatusCode::REQUEST_TIMEOUT, "Request Timeout"),
            };
            if let Some(rules) = rules {
                cors::apply(rules, &head, &mut answer);
            }
            answer
        }
    };
    for (name, value) in [(X_AMZN_REQUEST_ID, &request_id), (X_AMZN_TRACE_ID, &trace)] {
        // A trace id of the caller's own that cannot be a header is left out.
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers_mut().insert(name, value);
        }
    }
    answer
}

/// Where a request came from, and under which ids it goes on.
#[derive(Clone, Copy)]
struct Sender<'a> {
    request_id: &'a str,
    trace: &'a str,
    ends: Ends,
}

/// Checks who calls, where the URL wants to know.
async fn admit(
    service: &Service,
    function: &Arc<Function>,
    head: &Parts,
    body: &[u8],
    sender: Sender<'_>,
) -> Answer {
    let signed = function.context.run.url.as_ref().is_some_and(|url| url.auth == UrlAuth::AwsIam);
    let caller = match signed.then(|| iam::caller(service, head, body)).transpose() {
        Ok(caller) => caller,
        Err(refusal) => return *refusal,
    };
    let event = event::of(function, head, body, sender, caller.as_deref());
    invoke(function, event, sender).await
}

async fn invoke(function: &Arc<Function>, event: Vec<u8>, sender: Sender<'_>) -> Answer {
    if event.len() > SYNC_PAYLOAD {
        return too_large();
    }
    let call = Call {
        request_id: sender.request_id.to_owned(),
        event: event.into(),
        arn: event::arn(function),
        trace_id: sender.trace.to_owned(),
        client_context: None,
        cognito_identity: None,
        tenant_id: None,
        log_tail: false,
        sink: None,
    };
    if function.context.run.url.as_ref().is_some_and(|url| url.mode == UrlMode::ResponseStream) {
        return match function.stream(call).await {
            Err(_) => throttled(),
            Ok(running) => answer::stream(running).await.unwrap_or_else(bad_gateway),
        };
    }
    match function.invoke(call).await {
        Err(_) => throttled(),
        Ok(done) if done.outcome.failed => bad_gateway(),
        Ok(done) => answer::read(&done.outcome.payload).unwrap_or_else(bad_gateway),
    }
}

fn throttled() -> Answer {
    refused("TooManyRequestsException", throttle::MESSAGE, Some(throttle::RESERVED_CONCURRENT))
}

/// What a caller sees of any failure.
fn bad_gateway() -> Answer {
    plain(StatusCode::BAD_GATEWAY, "Internal Server Error")
}

fn too_large() -> Answer {
    let message = lambridge_wire::invoke::REQUEST_ENTITY_TOO_LARGE_TEXT;
    refused("RequestTooLargeException", message, None)
}

fn refused(name: &'static str, message: &str, reason: Option<&str>) -> Answer {
    let Some(shape) = ErrorShape::named(name) else { return bad_gateway() };
    let mut answer = json(shape.status, shape.body(message, reason));
    answer.headers_mut().insert(X_AMZN_ERROR_TYPE, HeaderValue::from_static(name));
    answer
}

fn plain(status: StatusCode, text: &'static str) -> Answer {
    let mut answer = Response::new(whole(text));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    answer
}
