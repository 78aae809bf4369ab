//! The application's answer as an envelope, encoded while it arrives.
//!
//! What the application sends is turned into JSON piece by piece, in one buffer; its own form is never whole in memory.
//! The envelope is posted when it is complete, and not before: up to then the application may still break off, fall
//! silent or send more than Lambda takes, and the client is to be told so with a status of its own (and a broken
//! connection to Lambda must not lose the answer, so it has to be there for another attempt).
//!
//! A large body that is base64 by its head, and whose length is announced, leaves while it arrives: its envelope's size is
//! known before, nothing in the body can change what the envelope is, and with the head behind the body the status is said
//! last. So it is never whole in memory in any form. Text cannot leave so: at a byte that is no UTF-8 all of it becomes
//! base64.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::response::Parts;
use http::{HeaderName, StatusCode};
use lambridge_event::{Answer, BodyFirst, Kind, begin_answer};
use lambridge_wire::limits::SYNC_PAYLOAD;

use crate::app::App;
use crate::compression::{Outgoing, Wish};
use crate::exchange::{Failure, Reply};
use crate::spare::Spare;
use crate::stream::Form;

/// What the envelope needs beside the body, and the encoder to work in.
const FRAME: usize = 8 * 1024;
/// A shorter body is posted whole: there is little to gain, and it can be posted again.
const FLOWING: usize = 256 * 1024;

/// An envelope that leaves while its body arrives.
#[derive(Debug)]
pub struct Flowing {
    kind: Kind,
    body: BodyFirst,
    /// The head, if all goes well.
    ending: Vec<u8>,
}

/// The answer in the shape that the source of `kind` expects; nothing for an event that is no HTTP. Where it `flows` it
/// may leave before the application has ended it.
pub async fn envelope(
    kind: Kind,
    mut head: Parts,
    app: &mut App,
    wish: Wish,
    head_only: bool,
    flows: bool,
    spare: &mut Spare,
) -> Result<Reply, Failure> {
    let size = app.length();
    let mut body = Outgoing::begin(&mut head, app, wish).await?;
    truthful_length(&mut head, size, head_only);
    let uncoded = size.filter(|_| !body.is_coded());
    if let Some(size) = uncoded.filter(|size| flows && *size >= FLOWING)
        && let Some(reply) = flowing(kind, &answer(&head), size, body.start())
    {
        return Ok(reply);
    }
    let mut out = spare.take();
    // No HTTP, no shape: what such a source reads is the caller's to say.
    let Some(mut pieces) = begin_answer(kind, &answer(&head), &mut out) else {
        return Ok(Reply::Answer(Bytes::new()));
    };
    if let Some(size) = uncoded {
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
    if out.len() > SYNC_PAYLOAD { Err(Failure::TooLarge) } else { Ok(Reply::Answer(out.into())) }
}

/// The start of an envelope that flows, with what was read of a body of `size`. `None` where the body is text, and where
/// there might be no room to say at its end that it broke off.
fn flowing(kind: Kind, answer: &Answer<'_>, size: usize, read: &[u8]) -> Option<Reply> {
    let mut start = Vec::with_capacity(512);
    let mut body = BodyFirst::open(kind, answer, &mut start)?;
    let ending = BodyFirst::ending(kind, answer);
    let length = start.len() + size.div_ceil(3).saturating_mul(4) + ending.len();
    if length + FRAME > SYNC_PAYLOAD {
        return None;
    }
    body.push(read, &mut start);
    Some(Reply::Stream { start, form: Form::Envelope(Flowing { kind, body, ending }) })
}

impl Flowing {
    /// Whose shape it has.
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// How many bytes a piece of `length` adds.
    pub const fn adds(&self, length: usize) -> usize {
        self.body.adds(length)
    }

    /// Writes the next piece.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.body.push(piece, out);
    }

    /// What is left to say when all of the body has come.
    pub fn finish(self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.ending.len() + 4);
        self.body.close(&self.ending, &mut out);
        out
    }

    /// The same for a body that broke off. A part of it is there, so that the reason can only stand in the head: in the
    /// field that is meant for it (RFC 9209, section 2.3).
    pub fn break_off(mut self, failure: &Failure) -> Vec<u8> {
        const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");
        let error = match failure {
            Failure::Late(_) => "lambda-adapter; error=http_response_timeout",
            _ => "lambda-adapter; error=http_response_incomplete",
        };
        let fields = [(CONTENT_TYPE, "application/octet-stream"), (PROXY_STATUS, error)];
        let headers = fields
            .iter()
            .map(|(name, value)| (Cow::Borrowed(name.as_str().as_bytes()), Cow::Borrowed(value.as_bytes())))
            .collect();
        let answer = Answer { status: failure.status().as_u16(), headers, body: Cow::Borrowed(b"") };
        self.ending = BodyFirst::ending(self.kind, &answer);
        self.finish()
    }
}

/// A length that the application announced stays only where it is the body's, or that of the body which there is none of.
pub fn truthful_length(head: &mut Parts, size: Option<usize>, head_only: bool) {
    if head_only || head.status == StatusCode::NOT_MODIFIED {
        return;
    }
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
