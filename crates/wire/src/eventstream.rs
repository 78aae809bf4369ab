//! Frames of a streamed Invoke: `application/vnd.amazon.eventstream`.
//!
//! ```text
//! u32 total length      whole frame, both checksums included
//! u32 headers length
//! u32 prelude checksum  CRC-32 over the eight bytes before it
//! headers               u8 name length, name, u8 type, value
//! payload               total - headers - 16 bytes
//! u32 message checksum  CRC-32 over everything before it
//! ```
//!
//! All numbers are big-endian. Frames are not messages of the transport: [`Decoder`] takes bytes at any split. A wrong
//! checksum, a length beyond the bounds or a header that does not fit ends the stream for good; nothing after it can be trusted.
//!
//! Source: AWS event stream specification (Smithy, "Amazon Event Stream").

mod decode;
mod encode;
mod invoke;

pub use decode::Decoder;
pub use encode::encode;
pub use invoke::{
    InvokeComplete, StreamItem, decode_item, encode_complete, encode_exception, encode_payload,
};

/// Bytes of a frame beside headers and payload.
pub const OVERHEAD: usize = 16;
/// Largest header block, in bytes. Source: the specification, 128 KiB.
pub const HEADERS_MAX: usize = 128 * 1024;
/// Largest payload, in bytes. Source: the specification, 16 MiB.
pub const PAYLOAD_MAX: usize = 16 * 1024 * 1024;
/// Largest string or byte header value, in bytes. Source: the specification, a signed 16-bit length.
pub const VALUE_MAX: usize = 32_767;
/// Payload bytes an emitter puts in one frame.
pub const CHUNK: usize = 64 * 1024;

/// A header's value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Types 0 and 1.
    Bool(bool),
    /// Type 2.
    Byte(i8),
    /// Type 3.
    Int16(i16),
    /// Type 4.
    Int32(i32),
    /// Type 5.
    Int64(i64),
    /// Type 6.
    Bytes(Vec<u8>),
    /// Type 7.
    String(String),
    /// Type 8: milliseconds since 1970.
    Timestamp(i64),
    /// Type 9.
    Uuid([u8; 16]),
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frame {
    /// In order, repeats kept.
    pub headers: Vec<(String, Value)>,
    /// The rest.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The first string header called `name`.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.headers.iter().find_map(|(key, value)| match value {
            Value::String(text) if key == name => Some(text.as_str()),
            _ => None,
        })
    }
}

/// Why bytes are no frame, or a frame cannot be written.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum FrameError {
    /// Total or header length contradict each other or the bounds.
    #[error("a frame of {total} bytes with {headers} bytes of headers is out of bounds")]
    Length {
        /// Announced length of the frame.
        total: usize,
        /// Announced length of its headers.
        headers: usize,
    },
    /// The first checksum.
    #[error("the checksum of the frame's lengths is wrong")]
    PreludeChecksum,
    /// The second checksum.
    #[error("the checksum of the frame is wrong")]
    MessageChecksum,
    /// A header goes beyond the block, has no name, an unknown type or a text that is not UTF-8.
    #[error("a header of the frame is malformed")]
    Header,
    /// The stream ended inside a frame.
    #[error("the stream ended inside a frame, after {held} bytes of it")]
    Truncated {
        /// Bytes that are there.
        held: usize,
    },
}

#[cfg(test)]
mod tests;
