//! Answers of a streamed Invoke, a frame at a time.

use lambridge_wire::eventstream::{InvokeComplete, encode_complete, encode_payload};
use lambridge_wire::invoke::EVENT_STREAM_TYPE;

use crate::answer::Answer;

/// The head of a streamed answer, with AWS's request id `aws-1`.
pub fn stream() -> Answer {
    Answer::new(200).header("content-type", EVENT_STREAM_TYPE).header("x-amzn-RequestId", "aws-1")
}

/// A piece of the payload.
///
/// # Panics
///
/// When the text is longer than a frame.
pub fn piece(text: &str) -> Vec<u8> {
    let mut frame = Vec::new();
    encode_payload(text.as_bytes(), &mut frame).expect("a short text");
    frame
}

/// What a function says when it breaks off, which no client may see.
pub const DETAILS: &str = "secret words";

/// The last frame; with a code, the function failed, and its [`DETAILS`] say how.
///
/// # Panics
///
/// When the code is longer than a frame.
pub fn complete(error_code: Option<&str>) -> Vec<u8> {
    let error_code = error_code.map(str::to_owned);
    let error_details = error_code.as_ref().map(|_| DETAILS.to_owned());
    let mut frame = Vec::new();
    encode_complete(&InvokeComplete { error_code, error_details, log_result: None }, &mut frame)
        .expect("a short error");
    frame
}
