//! InvokeWithResponseStream: the answer in frames, while the function gives it.
//!
//! What a function answers whole is one or more frames too. A function that fails has a 200, and its error in the last
//! frame; only what is refused before the function starts has a status of its own.
//!
//! Source: InvokeWithResponseStream API reference, and the service model.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_TYPE, HeaderValue};
use http_body_util::Either;
use lambridge_wire::eventstream::{CHUNK, InvokeComplete, encode_complete, encode_payload};
use lambridge_wire::invoke::{EVENT_STREAM_TYPE, UNHANDLED, X_AMZ_EXECUTED_VERSION};

use super::{Problem, set};
use crate::function::{Call, Done, Function, Throttled};
use crate::http::Answer;
use crate::stream::{Frames, Next, Piece, Running, Streamed};

/// Begins the invocation; its answer goes on behind the head.
pub(super) async fn answer(function: &Arc<Function>, call: Call) -> Result<Answer, Problem> {
    let running = function.stream(call).await.map_err(|Throttled| Problem::throttled())?;
    let (frames, body) = Streamed::new();
    tokio::spawn(async move {
        // A caller that has gone is the only one who would miss the rest.
        let _ = pump(running, &frames).await;
    });
    let mut answer = Response::new(Either::Right(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(EVENT_STREAM_TYPE));
    set(&mut answer, X_AMZ_EXECUTED_VERSION, &function.context.version);
    Ok(answer)
}

/// Frames for the pieces, then one for the end. `None`: nobody reads any more.
async fn pump(mut running: Running, frames: &Frames) -> Option<()> {
    loop {
        match running.next().await {
            Next::Piece(Piece::Type(_)) => {}
            Next::Piece(Piece::Data(data)) => payload(&data, frames).await?,
            Next::Done(done) => {
                if !done.outcome.failed {
                    payload(&done.outcome.payload, frames).await?;
                }
                let mut frame = Vec::with_capacity(256);
                encode_complete(&complete(done), &mut frame).ok()?;
                return frames.send(Ok(frame.into())).await.ok();
            }
        }
    }
}

async fn payload(data: &Bytes, frames: &Frames) -> Option<()> {
    for chunk in data.chunks(CHUNK) {
        let mut frame = Vec::with_capacity(chunk.len() + 128);
        encode_payload(chunk, &mut frame).ok()?;
        frames.send(Ok(frame.into())).await.ok()?;
    }
    Some(())
}

fn complete(done: Done) -> InvokeComplete {
    let log_result = done.log_tail.map(|tail| base64_simd::STANDARD.encode_to_string(tail));
    if !done.outcome.failed {
        return InvokeComplete { log_result, ..InvokeComplete::default() };
    }
    #[derive(serde::Deserialize)]
    struct Report {
        #[serde(rename = "errorType")]
        error_type: String,
    }
    let kind = serde_json::from_slice::<Report>(&done.outcome.payload).map(|report| report.error_type);
    InvokeComplete {
        error_code: Some(kind.unwrap_or_else(|_| UNHANDLED.to_owned())),
        error_details: Some(String::from_utf8_lossy(&done.outcome.payload).into_owned()),
        log_result,
    }
}
