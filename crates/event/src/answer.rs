//! The answer side of the codecs: an HTTP answer on its way into or out of a Lambda answer.

use std::borrow::Cow;

/// One header field of an answer, name and value as bytes.
pub type AnswerField<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

/// An HTTP answer, buffered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer<'a> {
    /// As the function or app gave it; a function, 100..=599.
    pub status: u16,
    /// In order, repeats kept. Cookies are `set-cookie` fields. Values may be any header bytes.
    pub headers: Vec<AnswerField<'a>>,
    /// The bytes for the client.
    pub body: Cow<'a, [u8]>,
}

/// Why a function's answer breaks the proxy rules of its format.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AnswerError {
    /// The payload is no JSON.
    #[error("the answer is not JSON: {reason} at byte {offset}")]
    NotJson {
        /// What the parser met.
        reason: String,
        /// Where.
        offset: usize,
    },
    /// The payload is JSON, but no object, where the format wants one.
    #[error("the answer is {found}, not an object")]
    NotAnObject {
        /// `a string`, `an array`, ...
        found: &'static str,
    },
    /// A key that the format's source refuses.
    #[error("unknown key `{key}` in the answer")]
    UnknownKey {
        /// The key.
        key: String,
    },
    /// A key has a wrong value.
    #[error("`{key}` of the answer: {reason}")]
    BadKey {
        /// The key's name.
        key: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// `isBase64Encoded` is true and `body` is no base64.
    #[error("the answer's body is not valid base64")]
    BadBase64,
}
