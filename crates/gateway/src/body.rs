//! Reads a request's body whole: bounded, within the memory of all bodies, with a deadline.
//!
//! A declared length that cannot fit is refused before the body is polled, so no `100 Continue` invites it. A body
//! that arrives in one piece is taken without a copy.

use bytes::Bytes;
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use lambridge_model::Limits;
use tokio::time::Instant;

use crate::budget::Share;
use crate::problem::{Reason, Refusal};

/// The body, or why not. `max` is what the route takes, `event_max` what the function's kind of invocation takes.
pub(crate) async fn read(
    body: Incoming,
    limits: &Limits,
    max: usize,
    event_max: usize,
    share: &mut Share,
) -> Result<Bytes, Refusal> {
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let declared = body.size_hint().exact();
    if let Some(length) = declared {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > max {
            return Err(Reason::BodyTooLarge.into());
        }
        if length > event_max {
            return Err(Refusal::from(Reason::EventTooLarge).closing());
        }
    }
    let deadline = Instant::now() + limits.body_timeout;
    let read = collect(body, max, declared, share);
    match tokio::time::timeout_at(deadline, read).await {
        Ok(read) => read,
        Err(_elapsed) => {
            Err(Refusal::from(Reason::RequestTimeout).with_detail("the body did not arrive in time"))
        }
    }
}

async fn collect(
    mut body: Incoming,
    limit: usize,
    declared: Option<u64>,
    share: &mut Share,
) -> Result<Bytes, Refusal> {
    let mut first = Bytes::new();
    let mut whole: Vec<u8> = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|error| Refusal::from(Reason::BadRequest).with_detail(error.to_string()))?;
        // Trailers have no place in an event.
        let Ok(data) = frame.into_data() else { continue };
        let length = first.len() + whole.len() + data.len();
        if length > limit {
            return Err(Reason::BodyTooLarge.into());
        }
        // Not for what is only declared: a promise must not take the memory of others.
        share.grow(data.len())?;
        if first.is_empty() && whole.is_empty() {
            first = data;
            continue;
        }
        if whole.is_empty() {
            whole.reserve_exact(declared.map_or(length * 2, |total| total as usize).min(limit));
            whole.extend_from_slice(&first);
            first = Bytes::new();
        }
        whole.extend_from_slice(&data);
    }
    Ok(if whole.is_empty() { first } else { Bytes::from(whole) })
}
