//! The head of a streamed answer, and the flow behind it.
//!
//! Lambda's API does not tell the media type that the runtime gave its stream, so a prelude is known by its bytes: a JSON
//! object, then eight NULs, which no JSON text and hardly any other text has. A stream without one is the body of a 200,
//! `application/octet-stream`, as behind a function URL. `answer: raw` looks for none, and passes on the first byte
//! without a look at the second.
//!
//! Until the head is complete every failure still has a status of its own.

use std::time::Instant;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue};
use http::{Method, Response, StatusCode};
use lambridge_event::decode_prelude;
use lambridge_invoke::{StreamError, Streamed};
use lambridge_model::AnswerRule;
use lambridge_wire::prelude::{self, Scanner, Step};

use super::answer::head_of;
use crate::answer_body::AnswerBody;
use crate::flow::Flow;
use crate::function::{FunctionState, Permit};
use crate::ledger::Ledger;
use crate::problem::{Reason, Refusal};
use crate::record::{Facts, micros};

/// Waits for the head; what comes behind it goes on by itself.
pub(super) async fn answer(
    function: &FunctionState,
    mut streamed: Streamed,
    permit: Permit,
    method: &Method,
    facts: &mut Facts,
) -> Result<Response<AnswerBody>, Refusal> {
    let began = Instant::now();
    let beginning = match function.settings.answer {
        AnswerRule::Raw => first_piece(&mut streamed).await,
        _ => begin(&mut streamed).await,
    };
    facts.invoke_us += micros(began);
    let (prelude, first) = beginning.map_err(|error| Refusal::from_stream(&error))?;
    streamed.set_idle(function.settings.idle_timeout);
    let (status, fields) = match prelude {
        Some(prelude) => read(&prelude, method)?,
        None => (StatusCode::OK, HeaderMap::from_iter([(CONTENT_TYPE, OCTETS)])),
    };
    let flow = Flow::new(first, streamed, permit, Ledger::of(function));
    let mut response = Response::new(AnswerBody::Stream(flow));
    *response.status_mut() = status;
    *response.headers_mut() = fields;
    Ok(response)
}

const OCTETS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The prelude if there is one, and the bytes that came with it.
type Beginning = (Option<Vec<u8>>, Bytes);

async fn begin(streamed: &mut Streamed) -> Result<Beginning, StreamError> {
    let mut scanner = Scanner::new(prelude::DEFAULT_LIMIT);
    while let Some(piece) = streamed.next().await {
        let piece = piece?;
        match scanner.push(&piece) {
            Step::More => {}
            Step::Done { head, used } => return Ok((Some(head), piece.slice(used.min(piece.len())..))),
            Step::NotPrelude { seen, .. } => return Ok((None, seen.into())),
        }
    }
    Ok((None, scanner.finish().into()))
}

async fn first_piece(streamed: &mut Streamed) -> Result<Beginning, StreamError> {
    let first = streamed.next().await.transpose()?;
    Ok((None, first.unwrap_or_default()))
}

/// Status and fields of a prelude, by the rules of buffered answers.
fn read(prelude: &[u8], method: &Method) -> Result<(StatusCode, HeaderMap), Refusal> {
    let answer = decode_prelude(prelude)
        .map_err(|error| Refusal::from(Reason::MalformedAnswer).with_detail(error.to_string()))?;
    let (status, mut fields, declared) = head_of(&answer)?;
    if let Some(length) = declared.filter(|_| *method == Method::HEAD) {
        fields.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    Ok((status, fields))
}
