//! The Extensions API of one sandbox, version 2020-01-01, and the subscriptions of the Telemetry API.
//!
//! An extension whose name is that of a process the sandbox started is external; any other registers from inside the
//! runtime's process, and may not ask for `SHUTDOWN`. Registration closes with the runtime's first `next`.
//!
//! The Logs API, which the Telemetry API has taken the place of, is refused as where it is not supported.
//!
//! Source: Lambda developer guide, "Using the Lambda Extensions API", "Lambda Telemetry API reference"; aws-lambda-runtime-interface-emulator.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, Request};
use hyper::body::Incoming;
use lambridge_wire::extensions::{self as wire, ApiError, EventType, Path, RegisterResponse};
use lambridge_wire::runtime::{ACCEPTED_BODY, ErrorReport};
use lambridge_wire::telemetry::{self, Kind, Subscription};

use crate::http::{Answer, collect, json, text};
use crate::identity::{is_uuid, uuid};
use crate::sandbox::{Registered, Sandbox, Side};
use crate::telemetry::record;

/// Largest body of a registration or an error report.
const BODY: usize = 256 * 1024;
/// Source: the runtime interface emulator, which has no Logs API either.
const NO_LOGS: &str = r#"{"errorMessage":"Logs API is not supported","errorType":"Logs.NotSupported"}"#;

/// Answers one request.
pub(crate) async fn answer(sandbox: &Arc<Sandbox>, mut request: Request<Incoming>) -> Answer {
    let target = request.uri().path().to_owned();
    match target.as_str() {
        telemetry::SUBSCRIBE if request.method() == Method::PUT => {
            return subscribe(sandbox, &mut request).await;
        }
        telemetry::SUBSCRIBE_LOGS if request.method() == Method::PUT => {
            // A body left unread would end the connection.
            drop(collect(request.body_mut(), BODY).await);
            return json(202, NO_LOGS);
        }
        telemetry::SUBSCRIBE | telemetry::SUBSCRIBE_LOGS => return json(405, ""),
        _ => {}
    }
    let Some(path) = Path::parse(&target) else { return json(404, "") };
    if request.method().as_str() != path.method() {
        return json(405, "");
    }
    let answer = match path {
        Path::Register => register(sandbox, &mut request).await,
        Path::Next => next(sandbox, request.headers()).await,
        Path::InitError => report(sandbox, &mut request, "Extension.InitError").await,
        Path::ExitError => report(sandbox, &mut request, "Extension.ExitError").await,
    };
    answer.unwrap_or_else(|(error, message)| json(error.status(), error.body(message)))
}

type Refusal = (ApiError, &'static str);

async fn register(sandbox: &Sandbox, request: &mut Request<Incoming>) -> Result<Answer, Refusal> {
    let name = text(request.headers(), wire::NAME).unwrap_or_default().to_owned();
    let wants_account = text(request.headers(), wire::ACCEPT_FEATURE)
        .is_some_and(|features| features.split(',').any(|feature| feature.trim() == "accountId"));
    let (body, _) =
        collect(request.body_mut(), BODY).await.map_err(|_| (ApiError::InvalidRequestFormat, "no body"))?;
    if name.is_empty() {
        return Err((ApiError::InvalidExtensionName, "Lambda-Extension-Name is missing"));
    }
    let events = events(&body)?;
    let identifier = uuid();
    let context = &sandbox.context;
    {
        let mut state = sandbox.state();
        let external = state.is_external(&name);
        if state.runtime.polled && !external || state.is_initialized() {
            return Err((ApiError::RegistrationClosed, "the runtime has asked for its first event"));
        }
        if state.extensions.len() >= wire::MAX {
            return Err((ApiError::TooManyExtensions, "too many extensions"));
        }
        if state.extensions.iter().any(|extension| extension.name == name) {
            return Err((ApiError::InvalidExtensionState, "this name has registered"));
        }
        let refused = match (external, state.is_managed()) {
            (true, false) => None,
            (true, true) => {
                events.contains(&EventType::Invoke).then_some("INVOKE is not for managed instances")
            }
            (false, false) => {
                events.contains(&EventType::Shutdown).then_some("SHUTDOWN is for external extensions")
            }
            (false, true) => {
                (!events.is_empty()).then_some("no events for an internal extension of a managed instance")
            }
        };
        if let Some(why) = refused {
            return Err((ApiError::InvalidEventType, why));
        }
        state.extensions.push(Registered {
            identifier: identifier.clone(),
            name,
            events,
            side: Side::default(),
            exited: false,
        });
    }
    sandbox.ring();
    let body = RegisterResponse {
        function_name: context.name.clone(),
        function_version: context.version.clone(),
        handler: context.handler().to_owned(),
        account_id: wants_account.then(|| context.account.clone()),
    };
    let mut answer = json(200, serde_json::to_vec(&body).unwrap_or_default());
    stamp(&mut answer, wire::IDENTIFIER, &identifier);
    Ok(answer)
}

/// A subscription of the Telemetry API, by an extension that has registered.
async fn subscribe(sandbox: &Sandbox, request: &mut Request<Incoming>) -> Answer {
    let body = collect(request.body_mut(), BODY).await.map(|(body, _)| body).unwrap_or_default();
    let refuse = |status, kind, message: &str| json(status, ErrorReport::new(kind, message).to_json());
    let name = match identifier(request.headers()) {
        Ok(identifier) => {
            let state = sandbox.state();
            let extension = state.extensions.iter().find(|extension| extension.identifier == identifier);
            extension.map(|extension| extension.name.clone())
        }
        Err((error, message)) => return refuse(403, error.error_type(), message),
    };
    let Some(name) = name else {
        let error = ApiError::UnknownExtensionIdentifier;
        return refuse(403, error.error_type(), "unknown extension");
    };
    let subscription = match Subscription::parse(&body) {
        Ok(subscription) => subscription,
        Err(error) => return refuse(400, "ValidationError", &error.to_string()),
    };
    let Some(queue) = sandbox.telemetry.subscribe(&subscription) else {
        return refuse(403, "Telemetry.SubscriptionClosed", "init is over");
    };
    sandbox.telemetry.publish(Kind::Platform, "platform.telemetrySubscription", || {
        record::subscription(&name, &subscription.kinds)
    });
    sandbox.deliver(queue, subscription.destination);
    json(200, r#""OK""#)
}

/// The events of a registration; an unknown one has its own refusal.
fn events(body: &[u8]) -> Result<Vec<EventType>, Refusal> {
    #[derive(serde::Deserialize)]
    struct Wanted {
        #[serde(default)]
        events: Vec<String>,
        #[serde(rename = "configurationKeys", default)]
        configuration_keys: Vec<serde::de::IgnoredAny>,
    }
    let wanted: Wanted = serde_json::from_slice(body)
        .map_err(|_| (ApiError::InvalidRequestFormat, "the body is not a registration"))?;
    if !wanted.configuration_keys.is_empty() {
        return Err((ApiError::InvalidRequestFormat, "configurationKeys are not supported"));
    }
    let event = |text: &String| match text.as_str() {
        "INVOKE" => Ok(EventType::Invoke),
        "SHUTDOWN" => Ok(EventType::Shutdown),
        _ => Err((ApiError::InvalidEventType, "unknown event")),
    };
    wanted.events.iter().map(event).collect()
}

async fn next(sandbox: &Sandbox, headers: &HeaderMap) -> Result<Answer, Refusal> {
    let identifier = identifier(headers)?;
    let poll = {
        let mut state = sandbox.state();
        let extension = state
            .extensions
            .iter_mut()
            .find(|extension| extension.identifier == identifier)
            .ok_or((ApiError::UnknownExtensionIdentifier, "unknown extension"))?;
        if extension.exited {
            return Err((ApiError::InvalidExtensionState, "the extension has reported its end"));
        }
        extension.side.poll()
    };
    sandbox.ring();
    let event = poll.await.map_err(|_| (ApiError::InvalidExtensionState, "the sandbox has ended"))?;
    let mut answer = json(200, serde_json::to_vec(&event).unwrap_or_default());
    stamp(&mut answer, wire::EVENT_IDENTIFIER, &uuid());
    Ok(answer)
}

async fn report(
    sandbox: &Sandbox,
    request: &mut Request<Incoming>,
    error_type: &'static str,
) -> Result<Answer, Refusal> {
    let identifier = identifier(request.headers())?.to_owned();
    let kind = text(request.headers(), wire::ERROR_TYPE).filter(|kind| !kind.is_empty());
    let kind =
        kind.ok_or((ApiError::MissingHeader, "Lambda-Extension-Function-Error-Type is missing"))?.to_owned();
    // Its text is for people; the sandbox fails with or without it.
    let body = collect(request.body_mut(), BODY).await.map(|(body, _)| body).unwrap_or_default();
    {
        let mut state = sandbox.state();
        let extension = state
            .extensions
            .iter_mut()
            .find(|extension| extension.identifier == identifier)
            .ok_or((ApiError::UnknownExtensionIdentifier, "unknown extension"))?;
        extension.exited = true;
    }
    sandbox.output.say(&format!("{error_type}: {kind} {}", String::from_utf8_lossy(&body)));
    sandbox.fail(error_type, &kind);
    Ok(json(202, ACCEPTED_BODY))
}

fn identifier(headers: &HeaderMap) -> Result<&str, Refusal> {
    let identifier = text(headers, wire::IDENTIFIER)
        .filter(|text| !text.is_empty())
        .ok_or((ApiError::MissingExtensionIdentifier, "Lambda-Extension-Identifier is missing"))?;
    if !is_uuid(identifier) {
        return Err((ApiError::InvalidExtensionIdentifier, "Lambda-Extension-Identifier is not a UUID"));
    }
    Ok(identifier)
}

fn stamp(answer: &mut Answer, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}
