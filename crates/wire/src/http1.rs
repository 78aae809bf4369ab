//! HTTP/1.1 as a client reads it: where an answer's head ends, what frames its body, where that ends. Bytes in, places out.
//!
//! The framing is RFC 9112's, section 6.3: no body after HEAD, with 204 and 304, then `Transfer-Encoding`, then
//! `Content-Length`, else up to the end of the connection. Doubt ends the connection, never an answer that is whole: two
//! lengths that differ, codings that are not `chunked`, a chunk that is not as the RFC has it. Interim answers are told
//! from final ones, to be passed over.
//!
//! Calls of Lambda's API and the adapter's own exchanges both read so, each with sockets of its own; the rules are tested
//! against hyper's client there, at every split.
//!
//! ```
//! use lambridge_wire::http1::{Asked, Front, Step, front};
//! let bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
//! let Ok(Front::Final { length, mut body, .. }) = front::<16>(bytes, Asked::Body, |_, _, _| ()) else { panic!() };
//! assert_eq!(body.step(&bytes[length..]), Ok(Step::Data(2)));
//! assert_eq!(body.step(b""), Ok(Step::End));
//! ```

use std::mem::MaybeUninit;

mod body;
mod framing;

pub use body::{Body, Step};
use framing::Framing;

/// What the request asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// An answer with its body.
    Body,
    /// With `HEAD`: the length of a body, and none of its bytes.
    HeadOnly,
}

/// What stands at the front of the bytes.
#[derive(Debug, PartialEq, Eq)]
pub enum Front {
    /// A part of a head, if anything.
    More,
    /// An interim answer (100 Continue, 103 Early Hints) of this length: another head follows.
    Interim(usize),
    /// The head of the answer, or of 101, which ends HTTP on this connection.
    Final {
        /// Bytes up to the body.
        length: usize,
        /// The status.
        status: u16,
        /// What follows.
        body: Body,
        /// Another request may follow the body.
        keep: bool,
    },
}

/// Why the bytes are no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the answer is malformed: {0}")]
pub struct Malformed(pub &'static str);

/// Reads the head at the front of `bytes`, of at most `FIELDS` fields. Each field of a final one is handed to `field` with
/// its status, in order.
///
/// # Errors
///
/// What is no head, or says its body's length in two ways.
pub fn front<const FIELDS: usize>(
    bytes: &[u8],
    asked: Asked,
    mut field: impl FnMut(u16, &str, &[u8]),
) -> Result<Front, Malformed> {
    if bytes.is_empty() {
        return Ok(Front::More);
    }
    let mut fields = [const { MaybeUninit::uninit() }; FIELDS];
    let mut answer = httparse::Response::new(&mut []);
    let parsed =
        httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut answer, bytes, &mut fields);
    let length = match parsed {
        Ok(httparse::Status::Complete(length)) => length,
        Ok(httparse::Status::Partial) => return Ok(Front::More),
        Err(error) => return Err(Malformed(what(error))),
    };
    let status = answer.code.unwrap_or_default();
    if (100..200).contains(&status) && status != 101 {
        return Ok(Front::Interim(length));
    }
    let mut framing = Framing::new(status, asked, answer.version == Some(1));
    for known in answer.headers.iter() {
        framing.field(known.name, known.value).map_err(Malformed)?;
        field(status, known.name, known.value);
    }
    Ok(Front::Final { length, status, body: framing.body(), keep: framing.keep() })
}

/// The parser's words, without a type of it.
const fn what(error: httparse::Error) -> &'static str {
    match error {
        httparse::Error::HeaderName => "a field's name is none",
        httparse::Error::HeaderValue => "a field's value is none",
        httparse::Error::NewLine => "a line has no proper end",
        httparse::Error::Status => "its status is none",
        httparse::Error::Token => "its first line is none",
        httparse::Error::TooManyHeaders => "it has too many fields",
        httparse::Error::Version => "it is no HTTP/1",
    }
}
