//! An answer's envelope, written while its body arrives.
//!
//! The head is written first, then each piece of the body as soon as it is there; what an application sends is never
//! whole in memory beside what goes to Lambda. The outcome is byte for byte that of [`encode_answer`](crate::encode_answer),
//! which writes its bodies through here too.
//!
//! Whether a body travels as text or as base64 is known from the head alone when its type is binary or it has a
//! `Content-Encoding`. A body that should be text is checked piece by piece; at the first byte that is no UTF-8 what has
//! been written is read back and becomes base64, so that nothing is lost. That is rare, and costs one more buffer then.

use crate::answer::Answer;
use crate::json::{Object, Reader, Value, writer};
use crate::request::Field;
use crate::{base64, reply, text};

/// The body of an envelope under way. The buffer that it began in is passed to each call.
#[derive(Debug)]
pub struct Piecewise {
    /// Where the body's opening quote stands.
    start: usize,
    form: Form,
    empty: bool,
}

/// What the body is written as, and the bytes that wait for those that complete them.
#[derive(Debug)]
enum Form {
    /// Up to three bytes of a character.
    Text(Rest),
    /// Up to two bytes of a group.
    Base64(Rest),
}

/// The last bytes of a body so far, fewer than are written together.
#[derive(Debug, Default)]
pub(crate) struct Rest {
    bytes: [u8; 4],
    length: usize,
}

impl Piecewise {
    /// Opens `body` at the end of `out`, behind a head with these fields.
    pub(crate) fn open<'f>(fields: impl Iterator<Item = Field<'f>> + Clone, out: &mut Vec<u8>) -> Self {
        let start = out.len();
        out.push(b'"');
        let textual = text::is_textual_answer(fields);
        let form = if textual { Form::Text(Rest::default()) } else { Form::Base64(Rest::default()) };
        Self { start, form, empty: true }
    }

    /// How many bytes a body of `length` becomes: exact for base64, a guess from below for text.
    pub const fn expected(&self, length: usize) -> usize {
        match self.form {
            Form::Text(_) => length,
            Form::Base64(_) => length.div_ceil(3).saturating_mul(4),
        }
    }

    /// Writes the next piece.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.empty &= piece.is_empty();
        match &mut self.form {
            Form::Base64(rest) => rest.encode(piece, out),
            Form::Text(rest) => {
                if !rest.escape(piece, out) {
                    let before = self.take_back(out);
                    let mut rest = Rest::default();
                    rest.encode(&before, out);
                    rest.encode(piece, out);
                    self.form = Form::Base64(rest);
                }
            }
        }
    }

    /// Ends the body and the envelope.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        if matches!(&self.form, Form::Text(rest) if rest.length > 0) {
            // The last character is cut off.
            let bytes = self.take_back(out);
            base64::encode(out, &bytes);
            self.form = Form::Base64(Rest::default());
        }
        if let Form::Base64(rest) = &self.form {
            base64::encode(out, rest.get());
        }
        out.push(b'"');
        let plain = self.empty || matches!(self.form, Form::Text(_));
        out.extend_from_slice(b",\"isBase64Encoded\":");
        out.extend_from_slice(if plain { b"false}" } else { b"true}" });
    }

    /// What was written as text so far, as it came; `out` ends behind the opening quote again.
    fn take_back(&mut self, out: &mut Vec<u8>) -> Vec<u8> {
        out.push(b'"');
        let mut bytes = match Reader::new(&out[self.start..]).and_then(Reader::document) {
            Ok(Value::String(text)) => text.bytes().into_owned(),
            // What was written is a string.
            _ => Vec::new(),
        };
        if let Form::Text(rest) = &self.form {
            bytes.extend_from_slice(rest.get());
        }
        out.truncate(self.start + 1);
        bytes
    }
}

impl Rest {
    pub(crate) fn get(&self) -> &[u8] {
        &self.bytes[..self.length]
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.length = bytes.len();
        self.bytes[..bytes.len()].copy_from_slice(bytes);
    }

    /// Appends as many bytes of `piece` as `wanted` in all says; what is left of it comes back.
    fn fill<'p>(&mut self, piece: &'p [u8], wanted: usize) -> &'p [u8] {
        let taken = wanted.saturating_sub(self.length).min(piece.len());
        self.bytes[self.length..self.length + taken].copy_from_slice(&piece[..taken]);
        self.length += taken;
        &piece[taken..]
    }

    /// What [`encode`](Rest::encode) will add for a piece of `length`.
    pub(crate) const fn encoded(&self, length: usize) -> usize {
        (self.length + length) / 3 * 4
    }

    /// Groups of three become four characters; what is left over waits.
    pub(crate) fn encode(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut piece = piece;
        if self.length > 0 {
            piece = self.fill(piece, 3);
            if self.length < 3 {
                return;
            }
            base64::encode(out, self.get());
        }
        let whole = piece.len() - piece.len() % 3;
        base64::encode(out, &piece[..whole]);
        self.keep(&piece[whole..]);
    }

    /// Writes whole characters; the start of one waits. `false`, and nothing written, where the bytes are no UTF-8.
    fn escape(&mut self, piece: &[u8], out: &mut Vec<u8>) -> bool {
        let waiting = self.length;
        let mut rest = piece;
        if waiting > 0 {
            rest = self.fill(piece, width(self.bytes[0]));
            if self.length < width(self.bytes[0]) {
                return true;
            }
        }
        let whole = rest.len() - cut_off(rest);
        let valid =
            std::str::from_utf8(self.get()).is_ok() && simdutf8::basic::from_utf8(&rest[..whole]).is_ok();
        if !valid {
            self.length = waiting;
            return false;
        }
        // No byte of a longer character is escaped.
        out.extend_from_slice(self.get());
        writer::escape(out, &rest[..whole]);
        self.keep(&rest[whole..]);
        true
    }
}

/// How many bytes a character has that begins so; 1 where none does, which the check of the whole will tell.
const fn width(first: u8) -> usize {
    match first {
        0xc2..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xf4 => 4,
        _ => 1,
    }
}

/// How many bytes at the end are the start of a character that goes on.
fn cut_off(bytes: &[u8]) -> usize {
    let last = bytes.iter().rev().take(3).position(|byte| byte & 0xc0 != 0x80);
    match last {
        Some(at) if width(bytes[bytes.len() - 1 - at]) > at + 1 => at + 1,
        _ => 0,
    }
}

/// Writes `body` and `isBase64Encoded` of an answer at hand, and closes it.
pub(crate) fn write_whole(mut object: Object<'_>, answer: &Answer<'_>) {
    let out = object.key("body");
    let mut body = Piecewise::open(reply::fields(answer), out);
    let expected = body.expected(answer.body.len());
    out.reserve(expected + expected / 16 + 32);
    body.push(&answer.body, out);
    body.finish(out);
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::{Kind, begin_answer, encode_answer};

    const KINDS: [Kind; 6] =
        [Kind::HttpV2, Kind::RestV1, Kind::Alb, Kind::AlbMultiValue, Kind::LatticeV2, Kind::WebSocket];

    /// Whatever the pieces, the outcome is that of the whole, and says what the body is.
    fn check(media: &str, body: &[u8], base64: bool) {
        let headers = vec![(Cow::Borrowed(&b"content-type"[..]), Cow::Borrowed(media.as_bytes()))];
        let answer = Answer { status: 200, headers, body: Cow::Borrowed(body) };
        for kind in KINDS {
            let mut whole = b"before".to_vec();
            encode_answer(kind, &answer, &mut whole);
            let read: serde_json::Value = serde_json::from_slice(&whole[6..]).unwrap();
            assert_eq!(read["isBase64Encoded"], base64, "{media} {body:?}");
            let text = read["body"].as_str().unwrap();
            if base64 {
                assert_eq!(base64_simd::STANDARD.decode_to_vec(text).unwrap(), body);
            } else {
                assert_eq!(text.as_bytes(), body);
            }
            for size in [1, 2, 3, 4, 5, 64, 100] {
                let mut out = b"before".to_vec();
                let mut pieces = begin_answer(kind, &answer, &mut out).unwrap();
                body.chunks(size).for_each(|piece| pieces.push(piece, &mut out));
                pieces.push(b"", &mut out);
                pieces.finish(&mut out);
                assert_eq!(out, whole, "{media} {body:?} by {size}");
            }
        }
    }

    #[test]
    fn rows() {
        let text = "text/plain; charset=utf-8";
        check(text, b"", false);
        check(text, b"plain", false);
        check(text, "a\"b\\\n\u{1}é€\u{1f600}\u{7f} 1234567890".repeat(9).as_bytes(), false);
        check(text, "€".repeat(90).as_bytes(), false);
        check("image/png", b"", false);
        check("image/png", b"\x89PNG\r\n\0\xff", true);
        check("image/png", b"a", true);
        check("image/png", b"ab", true);
    }

    #[test]
    fn text_that_is_none() {
        for bytes in [
            &b"\xff"[..],
            b"ab\"\xff",
            b"\x80",
            b"caf\xe9",
            b"caf\xe9 au lait",
            b"\xe2\x82",
            b"a\xf0\x9f\x98",
            b"\xf0\x9f\x98x",
            b"\xed\xa0\x80 half a pair",
            b"\xc0\x80",
            b"\xf5\x80\x80\x80",
            b"\xe2\x82\xac\xe2\x82",
        ] {
            check("text/plain", bytes, true);
            check("application/json", &[&b"escaped \" before \n "[..], bytes, b" after"].concat(), true);
        }
    }
}
