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
use lambridge_wire::extensions as wire;
use lambridge_wire::http1::Asked;

use crate::backoff::Backoff;
use crate::link::{Link, LinkError, write_field};
use crate::log::Log;
use crate::payload::Payload;
use crate::settings::Endpoint;

/// Must be the file name in `/opt/extensions`.
const NAME: &str = "lambda-adapter";
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

async fn attempt(link: &mut Link) -> Result<Vec<u8>, RegisterError> {
    const BODY: &[u8] = br#"{"events":[]}"#;
    let mut identifier = None;
    let write = |endpoint: &Endpoint, out: &mut Vec<u8>| {
        endpoint.write_origin("POST", wire::REGISTER, out);
        write_field(wire::NAME, NAME.as_bytes(), out);
        write_field("content-type", b"application/json", out);
        write_field("content-length", BODY.len().to_string().as_bytes(), out);
        out.extend_from_slice(b"\r\n");
    };
    let mut payload = Payload::new(Bytes::from_static(BODY));
    let status = link.send(write, &mut payload, Asked::Body, |name, value| {
        if name.eq_ignore_ascii_case(wire::IDENTIFIER) {
            identifier.get_or_insert_with(|| value.to_vec());
        }
    });
    let status = status.await?;
    let text = link.collect(ANSWER_LIMIT, Vec::new()).await?;
    if !(200..300).contains(&status) {
        let text = String::from_utf8_lossy(&text[..text.len().min(500)]).into_owned();
        return Err(RegisterError::Refused { status, text });
    }
    identifier.ok_or(RegisterError::NoIdentifier)
}

/// Asks for the next event for ever. That the call ends is of no consequence; it is made again, ever more slowly.
async fn wait_for_events(mut link: Link, identifier: Vec<u8>) {
    let mut backoff = Backoff::new();
    loop {
        let write = |endpoint: &Endpoint, out: &mut Vec<u8>| {
            endpoint.write_origin("GET", wire::NEXT, out);
            write_field(wire::IDENTIFIER, &identifier, out);
            out.extend_from_slice(b"\r\n");
        };
        if link.send(write, &mut Payload::empty(), Asked::Body, |_, _| ()).await.is_ok() {
            let _ = link.collect(ANSWER_LIMIT, Vec::new()).await;
        }
        backoff.pause().await;
    }
}
