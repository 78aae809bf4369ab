//! What the frames of a streamed Invoke mean: pieces of payload, the end, errors.
//!
//! A function that fails after the head is a 200 whose last frame says so. A stream without [`StreamItem::Complete`] was cut
//! off and counts as failed. Source: `InvokeWithResponseStreamResponseEvent` of the service model.

use serde::{Deserialize, Serialize};

use super::encode::{header, write};
use super::{Frame, FrameError, Value};
use crate::invoke::ErrorShape;

/// The last event's payload.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvokeComplete {
    /// Present when the function failed.
    #[serde(default, rename = "ErrorCode", skip_serializing_if = "Option::is_none")]
    pub error_code: Option<String>,
    /// The error object as a JSON text.
    #[serde(default, rename = "ErrorDetails", skip_serializing_if = "Option::is_none")]
    pub error_details: Option<String>,
    /// The end of the log in base64.
    #[serde(default, rename = "LogResult", skip_serializing_if = "Option::is_none")]
    pub log_result: Option<String>,
}

/// A frame, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamItem {
    /// Bytes of the answer.
    Payload(Vec<u8>),
    /// The end.
    Complete(InvokeComplete),
    /// Lambda failed: an exception of the model, or an unmodelled error.
    Failed {
        /// Name of the exception, or the error code.
        kind: String,
        /// Its text.
        message: String,
    },
    /// An event of a later model; to be skipped.
    Unknown(String),
}

/// Appends a `PayloadChunk` event.
pub fn encode_payload(payload: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    event("PayloadChunk", "application/octet-stream", payload, out)
}

/// Appends the `InvokeComplete` event.
pub fn encode_complete(complete: &InvokeComplete, out: &mut Vec<u8>) -> Result<(), FrameError> {
    // Three optional strings always serialize; an empty object is the success form.
    let payload = serde_json::to_vec(complete).unwrap_or_else(|_| b"{}".to_vec());
    event("InvokeComplete", "application/json", &payload, out)
}

/// Appends an exception of the model.
pub fn encode_exception(shape: &ErrorShape, message: &str, out: &mut Vec<u8>) -> Result<(), FrameError> {
    let fields = [
        (":message-type", "exception"),
        (":exception-type", shape.name),
        (":content-type", "application/json"),
    ];
    fields_and(&fields, &shape.body(message, None), out)
}

fn event(kind: &str, content_type: &str, payload: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    // SDKs refuse a frame without `:message-type`.
    fields_and(
        &[(":event-type", kind), (":content-type", content_type), (":message-type", "event")],
        payload,
        out,
    )
}

fn fields_and(fields: &[(&str, &str)], payload: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    let mut block = Vec::with_capacity(128);
    for (name, value) in fields {
        header(name, &Value::String((*value).to_owned()), &mut block)?;
    }
    write(&block, payload, out)
}

/// What `frame` means. A missing `:message-type` counts as an event: some emulators leave it out.
pub fn decode_item(frame: Frame) -> StreamItem {
    match frame.text(":message-type").unwrap_or("event") {
        "event" => match frame.text(":event-type").unwrap_or_default() {
            "PayloadChunk" => StreamItem::Payload(frame.payload),
            "InvokeComplete" => match serde_json::from_slice(&frame.payload) {
                Ok(complete) => StreamItem::Complete(complete),
                Err(_) if frame.payload.is_empty() => StreamItem::Complete(InvokeComplete::default()),
                Err(error) => failed("MalformedInvokeComplete", &error.to_string()),
            },
            other => StreamItem::Unknown(other.to_owned()),
        },
        "exception" => {
            let message = crate::invoke::read_message(&frame.payload);
            failed(frame.text(":exception-type").unwrap_or("Unknown"), message.message())
        }
        "error" => failed(
            frame.text(":error-code").unwrap_or("Unknown"),
            frame.text(":error-message").unwrap_or_default(),
        ),
        other => StreamItem::Unknown(other.to_owned()),
    }
}

fn failed(kind: &str, message: &str) -> StreamItem {
    StreamItem::Failed { kind: kind.to_owned(), message: message.to_owned() }
}
