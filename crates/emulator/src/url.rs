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

mod cors;
mod iam;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Request, Response, StatusCode};
use http_body_util::Either;
use hyper::body::Incoming;
use lambridge_event::{Context, Field, Format, decode_answer, decode_prelude, encode_request};
use lambridge_model::{UrlAuth, UrlMode};
use lambridge_wire::invoke::{ErrorShape, X_AMZN_ERROR_TYPE, X_AMZN_REQUEST_ID, X_AMZN_TRACE_ID, throttle};
use lambridge_wire::limits::SYNC_PAYLOAD;
use lambridge_wire::name::partition_of;
use lambridge_wire::prelude::{self, Scanner, Step};
use sha2::{Digest, Sha256};

use crate::function::{Call, Function};
use crate::http::{Answer, BodyError, Ends, collect, json, text};
use crate::identity::{since_epoch, trace_id, uuid};
use crate::service::{LATEST, Service};
use crate::stream::{Body, Cut, Frames, Next, Piece, Running, Streamed, whole};

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
/// Fields that a function may set, and that come out with `x-amzn-remapped-` in front.
const REMAPPED: [&str; 3] = ["connection", "content-length", "date"];

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
    let caller = match signed.then(|| iam::caller(&service.key_pairs, head, body)).transpose() {
        Ok(caller) => caller,
        Err(refusal) => return *refusal,
    };
    let event = event(function, head, body, sender, caller.as_deref());
    invoke(function, event, sender).await
}

async fn invoke(function: &Arc<Function>, event: Vec<u8>, sender: Sender<'_>) -> Answer {
    if event.len() > SYNC_PAYLOAD {
        return too_large();
    }
    let call = Call {
        request_id: sender.request_id.to_owned(),
        event: event.into(),
        arn: arn(function),
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
            Ok(running) => stream(running).await.unwrap_or_else(bad_gateway),
        };
    }
    match function.invoke(call).await {
        Err(_) => throttled(),
        Ok(done) if done.outcome.failed => bad_gateway(),
        Ok(done) => read(&done.outcome.payload).unwrap_or_else(bad_gateway),
    }
}

fn event(
    function: &Function,
    head: &Parts,
    body: &[u8],
    sender: Sender<'_>,
    caller: Option<&str>,
) -> Vec<u8> {
    let Sender { request_id, trace, ends } = sender;
    let peer = ends.peer.ip().to_canonical().to_string();
    let port = ends.local.port().to_string();
    // What says who is in front of the function is ours to say: there is no proxy to be trusted here.
    let ours = [
        ("x-forwarded-for", &*peer),
        ("x-forwarded-port", &port),
        ("x-forwarded-proto", "http"),
        (X_AMZN_TRACE_ID, trace),
    ];
    let named = connection_options(head);
    let theirs =
        head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).filter(|(name, _)| {
            let hop = HOP.contains(name) || named.iter().any(|option| option == name);
            let signature = caller.is_some() && *name == "authorization";
            !hop && !signature && !ours.iter().any(|(own, _)| own == name)
        });
    let fields: Vec<Field<'_>> = theirs
        .map(|(name, value)| (name.as_bytes(), value))
        .chain(ours.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
        .collect();
    let host = text(&head.headers, "host").or(head.uri.host()).unwrap_or_default();
    let api_id = url_id(function);
    let request = lambridge_event::Request {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: &fields,
        body,
    };
    let context = Context {
        request_id,
        time_ms: u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX),
        source_ip: &peer,
        protocol: if head.version == http::Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
        domain_name: without_port(host),
        account_id: if caller.is_some() { &function.context.account } else { "anonymous" },
        region: "",
        api_id: &api_id,
        stage: "$default",
        resource: None,
        path_parameters: &[],
        binary_media_types: None,
        target_group_arn: "",
    };
    let mut event = Vec::with_capacity(2048 + body.len() / 3 * 4);
    encode_request(Format::HttpV2, &request, &context, &mut event);
    match caller {
        Some(key_id) => iam::authorize(event, &function.context, key_id),
        None => event,
    }
}

/// The fields that `Connection` names end here too.
fn connection_options(head: &Parts) -> Vec<String> {
    let values = head.headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(|option| option.trim().to_ascii_lowercase()).collect()
}

fn without_port(host: &str) -> &str {
    if host.parse::<IpAddr>().is_ok() {
        return host;
    }
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// 32 letters and digits that stay the same, as the identifier in a URL of Lambda's.
fn url_id(function: &Function) -> String {
    let context = &function.context;
    let digest = Sha256::digest(format!("{}:{}", context.name, context.version));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn arn(function: &Function) -> String {
    let context = &function.context;
    let (region, account) = (&context.region, &context.account);
    let partition = partition_of(region);
    let qualifier = if context.version == LATEST { String::new() } else { format!(":{}", context.version) };
    format!("arn:{partition}:lambda:{region}:{account}:function:{}{qualifier}", context.name)
}

/// The answer of a stream: the head as soon as it is there, the rest behind it. `None` if it failed before, or is none.
async fn stream(mut running: Running) -> Option<Answer> {
    let mut scanner = Scanner::new(prelude::DEFAULT_LIMIT);
    let mut begun = false;
    let (head, rest) = loop {
        match running.next().await {
            // A prelude without its end is no answer either.
            Next::Done(done) if done.outcome.failed || begun => return None,
            Next::Done(done) => return Some(typed("application/json", whole(done.outcome.payload))),
            Next::Piece(Piece::Type(Some(kind))) if kind == prelude::CONTENT_TYPE => begun = true,
            Next::Piece(Piece::Type(kind)) => {
                let kind = kind.as_deref().unwrap_or("application/octet-stream");
                return Some(typed(kind, behind(running, Bytes::new())));
            }
            Next::Piece(Piece::Data(data)) => match scanner.push(&data) {
                Step::More => {}
                Step::Done { head, used } => break (head, data.slice(used.min(data.len())..)),
                Step::NotPrelude { .. } => return None,
            },
        }
    };
    let head = decode_prelude(&head).ok()?;
    head_of(&head, behind(running, rest))
}

/// A body that goes on with `first` and then what still comes.
fn behind(running: Running, first: Bytes) -> Body {
    let (frames, body) = Streamed::new();
    tokio::spawn(async move {
        // A caller that has gone is the only one who would miss the rest.
        let _ = pump(running, first, &frames).await;
    });
    Either::Right(body)
}

async fn pump(mut running: Running, first: Bytes, frames: &Frames) -> Option<()> {
    if !first.is_empty() {
        frames.send(Ok(first)).await.ok()?;
    }
    loop {
        match running.next().await {
            Next::Piece(Piece::Type(_)) => {}
            Next::Piece(Piece::Data(data)) => frames.send(Ok(data)).await.ok()?,
            Next::Done(done) if done.outcome.failed => return frames.send(Err(Cut)).await.ok(),
            Next::Done(_) => return Some(()),
        }
    }
}

fn typed(kind: &str, body: Body) -> Answer {
    let mut answer = Response::new(body);
    let kind =
        HeaderValue::from_str(kind).unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    answer.headers_mut().insert(header::CONTENT_TYPE, kind);
    answer
}

/// The answer in a payload; `None` if it is none.
fn read(payload: &[u8]) -> Option<Answer> {
    let mut found = decode_answer(Format::HttpV2, payload).ok()?;
    let body = std::mem::take(&mut found.body).into_owned();
    head_of(&found, whole(body))
}

/// The head of what a function answered, with its body.
fn head_of(found: &lambridge_event::Answer<'_>, body: Body) -> Option<Answer> {
    // An interim status ends no request.
    let status = StatusCode::from_u16(found.status).ok().filter(|status| !status.is_informational())?;
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    for (name, value) in &found.headers {
        let name = name.to_ascii_lowercase();
        let text = std::str::from_utf8(&name).unwrap_or_default();
        let name = match text {
            text if REMAPPED.contains(&text) => HeaderName::try_from(format!("x-amzn-remapped-{text}")),
            text if HOP.contains(&text) => continue,
            text => HeaderName::try_from(text),
        };
        let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) else { return None };
        answer.headers_mut().append(name, value);
    }
    if !answer.headers().contains_key(header::CONTENT_TYPE) {
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    Some(answer)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(payload: &str, expect: Option<(u16, &[(&str, &str)])>) {
        let found = read(payload.as_bytes());
        let found = found.map(|answer| {
            let headers = answer.headers().iter();
            let headers = headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
            (answer.status().as_u16(), headers.collect::<Vec<_>>())
        });
        let own = |headers: &[(&str, &str)]| {
            headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
        };
        assert_eq!(found, expect.map(|(status, headers)| (status, own(headers))), "{payload}");
    }

    #[test]
    fn answers() {
        let json = ("content-type", "application/json");
        check("[1]", Some((200, &[json])));
        check(r#"{"statusCode":204}"#, Some((204, &[json])));
        check(
            r#"{"statusCode":200,"headers":{"Content-Type":"a/b","Date":"d","Transfer-Encoding":"chunked"},"cookies":["a=1","b=2"]}"#,
            Some((
                200,
                &[
                    ("set-cookie", "a=1"),
                    ("set-cookie", "b=2"),
                    ("content-type", "a/b"),
                    ("x-amzn-remapped-date", "d"),
                ],
            )),
        );
        for payload in [
            "",
            "{",
            r#"{"statusCode":101}"#,
            r#"{"statusCode":"many"}"#,
            r#"{"statusCode":200,"body":{}}"#,
            r#"{"statusCode":200,"headers":{"a b":"c"}}"#,
            r#"{"statusCode":200,"headers":{"a":"b\nc"}}"#,
        ] {
            check(payload, None);
        }
    }

    #[test]
    fn hosts() {
        for (host, expect) in
            [("a:1", "a"), ("a", "a"), ("[::1]:80", "[::1]"), ("::1", "::1"), ("[::1]", "[::1]")]
        {
            assert_eq!(without_port(host), expect);
        }
    }
}
