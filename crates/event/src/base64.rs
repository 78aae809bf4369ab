//! Bodies as base64: RFC 4648's standard alphabet with padding, written; what functions in the wild send, read.
//!
//! Python's `encodebytes` breaks lines and some encoders leave the padding out; neither loses anything, so when the
//! strict decoder refuses, the forgiving one of the WHATWG gets a try. A foreign alphabet is refused by both.

use std::borrow::Cow;

use crate::vector;

/// Appends `bytes` as a JSON string of base64, which needs no escapes.
pub(crate) fn string(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    encode(out, bytes);
    out.push(b'"');
}

/// Appends `bytes` as base64.
pub(crate) fn encode(out: &mut Vec<u8>, bytes: &[u8]) {
    base64_simd::STANDARD.encode_append(bytes, out);
}

/// Whether the text can be decoded piece by piece, at every fourth character; the first `seen` bytes are known to.
pub(crate) fn is_strict(text: &[u8], seen: usize) -> bool {
    base64_simd::STANDARD.check(&text[seen..]).is_ok()
}

/// Appends what `text` is base64 of: a piece of what [`decode_request_lazily`](crate::decode_request_lazily) found, cut at a
/// multiple of four. `false`, with a part of it appended, where it is none.
pub fn decode_base64(text: &[u8], out: &mut Vec<u8>) -> bool {
    let rest = &text[vector::decode(text, out)..];
    base64_simd::STANDARD.decode_append(rest, out).is_ok()
}

/// Decodes; in place when the text is in a buffer of its own already, else into one new buffer. `None` if it is no base64.
pub(crate) fn decode(text: Cow<'_, [u8]>) -> Option<Vec<u8>> {
    match text {
        Cow::Borrowed(text) => base64_simd::STANDARD
            .decode_to_vec(text)
            .or_else(|_| base64_simd::forgiving_decode_to_vec(text))
            .ok(),
        Cow::Owned(mut bytes) => {
            // In place on a failure the buffer is half decoded, so the cheap check comes first.
            let length = if base64_simd::STANDARD.check(&bytes).is_ok() {
                base64_simd::STANDARD.decode_inplace(&mut bytes).ok()?.len()
            } else {
                base64_simd::forgiving_decode_inplace(&mut bytes).ok()?.len()
            };
            bytes.truncate(length);
            Some(bytes)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: Option<&[u8]>) {
        assert_eq!(decode(Cow::Borrowed(text.as_bytes())).as_deref(), expect, "{text:?}, borrowed");
        assert_eq!(decode(Cow::Owned(text.into())).as_deref(), expect, "{text:?}, owned");
    }

    #[test]
    fn rows() {
        check("", Some(b""));
        check("aGVsbG8=", Some(b"hello"));
        check("aGVsbG8", Some(b"hello"));
        check("aGVs\nbG8=\n", Some(b"hello"));
        check("/+8=", Some(b"\xff\xef"));
        check("_-8=", None);
        check("aGVsbG8===", None);
        check("a", None);
        check("hello world!", None);
        check("é", None);
    }

    #[test]
    fn every_length_comes_back() {
        let bytes: Vec<u8> = (0..=255).cycle().take(300).collect();
        for length in 0..bytes.len() {
            let mut out = Vec::new();
            encode(&mut out, &bytes[..length]);
            check(std::str::from_utf8(&out).unwrap(), Some(&bytes[..length]));
        }
    }
}
