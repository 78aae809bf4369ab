//! The application's answer as an envelope, encoded while it arrives.
//!
//! What the application sends is turned into JSON piece by piece, in one buffer; its own form is never whole in memory.
//! The envelope is posted when it is complete, and not before: up to then the application may still break off, fall
//! silent or send more than Lambda takes, and the client is to be told so with a status of its own (and a broken
//! connection to Lambda must not lose the answer, so it has to be there for another attempt).

use std::borrow::Cow;

use bytes::Bytes;
use http::StatusCode;
use http::header::CONTENT_LENGTH;
use http::response::Parts;
use lambridge_event::{Answer, Kind, begin_answer};
use lambridge_wire::limits::SYNC_PAYLOAD;

use crate::app::App;
use crate::compression::{Outgoing, Wish};
use crate::exchange::Failure;

/// What the envelope needs beside the body, and the encoder to work in.
const FRAME: usize = 8 * 1024;

/// The answer in the shape that the source of `kind` expects, in `out`; nothing for an event that is no HTTP.
pub async fn envelope(
    kind: Kind,
    mut head: Parts,
    app: &mut App,
    wish: Wish,
    head_only: bool,
    mut out: Vec<u8>,
) -> Result<Bytes, Failure> {
    let size = app.length();
    let mut body = Outgoing::begin(&mut head, app, wish).await?;
    if !(head_only || head.status == StatusCode::NOT_MODIFIED) {
        truthful_length(&mut head, size);
    }
    // No HTTP, no shape: what such a source reads is the caller's to say.
    let Some(mut pieces) = begin_answer(kind, &answer(&head), &mut out) else { return Ok(Bytes::new()) };
    if let (Some(size), false) = (size, body.is_coded()) {
        let expected = pieces.expected(size);
        if expected > SYNC_PAYLOAD {
            return Err(Failure::TooLarge);
        }
        // Text grows by its escapes. Room that is not used is not memory: the system gives pages when they are written.
        out.reserve((2 * expected + FRAME).min(SYNC_PAYLOAD + FRAME));
    }
    while let Some(piece) = body.piece().await? {
        pieces.push(piece, &mut out);
        if out.len() > SYNC_PAYLOAD {
            return Err(Failure::TooLarge);
        }
    }
    pieces.finish(&mut out);
    if out.len() > SYNC_PAYLOAD { Err(Failure::TooLarge) } else { Ok(out.into()) }
}

/// A length that the application announced stays only where it is the body's.
fn truthful_length(head: &mut Parts, size: Option<usize>) {
    let Some(announced) = head.headers.get(CONTENT_LENGTH) else { return };
    let announced = announced.to_str().ok().and_then(|length| length.parse::<usize>().ok());
    if announced.is_none() || announced != size || head.status == StatusCode::NO_CONTENT {
        head.headers.remove(CONTENT_LENGTH);
    }
}

/// The head as the codecs take it.
pub fn answer(head: &Parts) -> Answer<'_> {
    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (Cow::Borrowed(name.as_str().as_bytes()), Cow::Borrowed(value.as_bytes())))
        .collect();
    Answer { status: head.status.as_u16(), headers, body: Cow::Borrowed(b"") }
}
