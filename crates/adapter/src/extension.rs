//! Registers the adapter as an external extension, which is what Lambda started it as.
//!
//! It subscribes to nothing: with INVOKE every invocation would wait for the extension too. Being registered is what
//! makes Lambda send SIGTERM to the application before it ends the sandbox. Init is over only when each extension has
//! asked for its first event, so that call is made and left open for the life of the process; without a subscription it
//! does not return. Registration goes to the original address, not through a proxy of the Runtime API.
//!
//! Source: "Using the Lambda Extensions API".

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use lambridge_wire::extensions as wire;

use crate::backoff::Backoff;
use crate::link::{Link, LinkError, collect};
use crate::log::Log;
use crate::payload::Payload;
use crate::settings::Endpoint;

/// Must be the file name in `/opt/extensions`.
const NAME: HeaderValue = HeaderValue::from_static("lambda-adapter");
const ANSWER_LIMIT: usize = 64 * 1024;
const ATTEMPTS: u32 = 5;
const PATIENCE: Duration = Duration::from_secs(10);

/// Why the adapter is not registered.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    /// The connection.
    #[error("extension registration: {0}")]
    Link(#[from] LinkError),
    /// The API refused.
    #[error("extension registration: the Extensions API answers {status}: {text}")]
    Refused {
        /// Status.
        status: u16,
        /// What it says.
        text: String,
    },
    /// No identifier came back.
    #[error("extension registration: the Extensions API gave no identifier")]
    NoIdentifier,
    /// Nothing came back.
    #[error("extension registration: the Extensions API does not answer")]
    Silent,
}

/// Registers, with a few attempts, and keeps waiting for events in the background.
pub async fn register(endpoint: &Endpoint, log: Log) -> Result<(), RegisterError> {
    let mut link = Link::new(endpoint.clone(), Duration::MAX);
    let mut backoff = Backoff::new();
    let identifier = loop {
        let attempt = tokio::time::timeout(PATIENCE, attempt(&mut link)).await;
        match attempt.unwrap_or(Err(RegisterError::Silent)) {
            Ok(identifier) => break identifier,
            Err(error) if backoff.failures() + 1 < ATTEMPTS => log.warn(&error.to_string()),
            Err(error) => return Err(error),
        }
        backoff.pause().await;
    };
    tokio::spawn(wait_for_events(link, identifier));
    Ok(())
}

async fn attempt(link: &mut Link) -> Result<HeaderValue, RegisterError> {
    let mut request = request(link.endpoint(), Method::POST, wire::REGISTER, r#"{"events":[]}"#);
    request.headers_mut().insert(HeaderName::from_static(wire::NAME), NAME);
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    let (head, body) = link.send(request).await?.into_parts();
    let text = collect(body, ANSWER_LIMIT, Vec::new()).await?;
    if !head.status.is_success() {
        let text = String::from_utf8_lossy(&text[..text.len().min(500)]).into_owned();
        return Err(RegisterError::Refused { status: head.status.as_u16(), text });
    }
    head.headers.get(wire::IDENTIFIER).cloned().ok_or(RegisterError::NoIdentifier)
}

/// Asks for the next event for ever. That the call ends is of no consequence; it is made again, ever more slowly.
async fn wait_for_events(mut link: Link, identifier: HeaderValue) {
    let mut backoff = Backoff::new();
    loop {
        let mut request = request(link.endpoint(), Method::GET, wire::NEXT, "");
        request.headers_mut().insert(HeaderName::from_static(wire::IDENTIFIER), identifier.clone());
        if let Ok(response) = link.send(request).await {
            let _ = collect(response.into_body(), ANSWER_LIMIT, Vec::new()).await;
        }
        backoff.pause().await;
    }
}

fn request(endpoint: &Endpoint, method: Method, path: &'static str, body: &'static str) -> Request<Payload> {
    let mut request = Request::new(Payload::new(Bytes::from_static(body.as_bytes())));
    *request.method_mut() = method;
    *request.uri_mut() = Uri::from_static(path);
    request.headers_mut().insert(HOST, endpoint.authority.clone());
    request
}
