//! JSON into the caller's buffer: an object at a time, keys in the order of the calls.

use std::borrow::Cow;

use super::scan;
use crate::vector;

/// An open JSON object at the end of a buffer. Keys are literals of this crate and are written as they stand.
pub(crate) struct Object<'o> {
    out: &'o mut Vec<u8>,
    empty: bool,
}

impl<'o> Object<'o> {
    pub(crate) fn open(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Writes `"key":` and hands out the buffer for the value. Inlined, so that the key's length is known where it is written.
    #[inline]
    pub(crate) fn key(&mut self, key: &'static str) -> &mut Vec<u8> {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Writes a key that came from outside, as bytes.
    pub(crate) fn foreign_key(&mut self, key: &[u8]) -> &mut Vec<u8> {
        self.comma();
        bytes(self.out, key);
        self.out.push(b':');
        self.out
    }

    /// Hands out the buffer for a key that the caller writes, its quotes and its colon included.
    pub(crate) fn written_key(&mut self) -> &mut Vec<u8> {
        self.comma();
        self.out
    }

    #[inline]
    pub(crate) fn string(&mut self, key: &'static str, value: &str) {
        string(self.key(key), value);
    }

    #[inline]
    pub(crate) fn bytes(&mut self, key: &'static str, value: &[u8]) {
        bytes(self.key(key), value);
    }

    #[inline]
    pub(crate) fn number(&mut self, key: &'static str, value: u64) {
        number(self.key(key), value);
    }

    #[inline]
    pub(crate) fn bool(&mut self, key: &'static str, value: bool) {
        self.key(key).extend_from_slice(if value { b"true" } else { b"false" });
    }

    pub(crate) fn null(&mut self, key: &'static str) {
        self.key(key).extend_from_slice(b"null");
    }

    pub(crate) fn close(self) {
        self.out.push(b'}');
    }

    #[inline]
    fn comma(&mut self) {
        if !self.empty {
            self.out.push(b',');
        }
        self.empty = false;
    }
}

/// A JSON string.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if scan::is_plain(text.as_bytes()) {
        out.extend_from_slice(text.as_bytes());
    } else {
        escape(out, text.as_bytes());
    }
    out.push(b'"');
}

/// A JSON string of bytes that are text by [`latin`].
pub(crate) fn bytes(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    fragment(out, text);
    out.push(b'"');
}

/// The inside of a JSON string, from bytes that are text by [`latin`].
pub(crate) fn fragment(out: &mut Vec<u8>, text: &[u8]) {
    if scan::is_plain(text) {
        out.extend_from_slice(text);
    } else {
        escape(out, latin(text).as_bytes());
    }
}

pub(crate) fn number(out: &mut Vec<u8>, value: u64) {
    decimal(out, value, 1);
}

/// `value` with zeros before it up to `width` digits. The formatter of the standard library costs several times as much.
pub(crate) fn decimal(out: &mut Vec<u8>, value: u64, width: usize) {
    let mut digits = [b'0'; 20];
    let mut start = digits.len();
    let mut rest = value;
    while rest > 0 {
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&digits[start.min(digits.len() - width)..]);
}

/// Items between brackets.
pub(crate) fn array<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut item: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (place, value) in items.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        item(out, value);
    }
    out.push(b']');
}

/// Header bytes as text. HTTP says no more than "bytes above 0x7F are opaque" (RFC 9110, 5.5), JSON wants Unicode:
/// valid UTF-8 is taken as such, anything else as ISO 8859-1, a character a byte. So nothing is dropped and nothing
/// fails, but the reader of an event cannot tell `é` sent in one byte from `é` sent in two.
pub(crate) fn latin(text: &[u8]) -> Cow<'_, str> {
    match simdutf8::basic::from_utf8(text) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => Cow::Owned(text.iter().copied().map(char::from).collect()),
    }
}

/// Appends UTF-8 with what JSON cannot hold escaped: long plain stretches at once, the rest a block or a byte at a time.
pub(crate) fn escape(out: &mut Vec<u8>, mut text: &[u8]) {
    const LONG: usize = 32;
    loop {
        if text.len() >= scan::BLOCK {
            text = &text[vector::escape(text, out)..];
        }
        let plain = scan::special(text);
        let Some(&byte) = text.get(plain) else {
            out.extend_from_slice(text);
            return;
        };
        if plain < LONG && text.len() >= scan::BLOCK + scan::AHEAD {
            text = dense(out, text);
            continue;
        }
        out.extend_from_slice(&text[..plain]);
        let mut written = [0; 8];
        let length = escaped(byte, &mut written);
        out.extend_from_slice(&written[..length]);
        text = &text[plain + 1..];
    }
}

/// Escapes block by block as long as each has something to escape; what is left comes back. `out` is kept longer than
/// what is written, so that a block goes straight into it: growing it for every few bytes would be most of the cost.
fn dense<'t>(out: &mut Vec<u8>, mut text: &'t [u8]) -> &'t [u8] {
    let mut to = out.len();
    while let Some(block) = text.first_chunk() {
        let marks = scan::marks(block);
        if marks == 0 {
            break;
        }
        if out.len() - to < scan::ROOM {
            out.resize(to + 10 * scan::ROOM, 0);
        }
        let Some(room) = out[to..].first_chunk_mut() else { break };
        to += scan::translate(block, marks, &ESCAPES, room);
        text = &text[scan::BLOCK..];
    }
    out.truncate(to);
    text
}

/// Writes the escape of `byte` to the start of `out` and returns its length.
#[inline]
fn escaped(byte: u8, out: &mut [u8; 8]) -> usize {
    *out = ESCAPES[usize::from(byte)];
    usize::from(out[7])
}

/// The escape of each byte that has one, and its length in the eighth place.
static ESCAPES: [[u8; 8]; 256] = {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut table = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = [b'\\', b'u', b'0', b'0', HEX[byte >> 4], HEX[byte & 15], 0, 6];
        byte += 1;
    }
    let short = [
        (b'"', b'"'),
        (b'\\', b'\\'),
        (b'\n', b'n'),
        (b'\r', b'r'),
        (b'\t', b't'),
        (0x08, b'b'),
        (0x0c, b'f'),
    ];
    let mut at = 0;
    while at < short.len() {
        table[short[at].0 as usize] = [b'\\', short[at].1, 0, 0, 0, 0, 0, 2];
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::off::with_and_without;

    fn check(text: &[u8], expect: &str) {
        let mut out = Vec::new();
        bytes(&mut out, text);
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn strings() {
        check(b"", r#""""#);
        check(b"plain", r#""plain""#);
        check(b"a\"b\\c/d", r#""a\"b\\c/d""#);
        check(b"\n\r\t\x08\x0c\x00\x1f\x7f", "\"\\n\\r\\t\\b\\f\\u0000\\u001f\x7f\"");
        check("lambda-λ \u{1f600}".as_bytes(), "\"lambda-λ \u{1f600}\"");
        check(b"caf\xe9", "\"café\"");
    }

    #[test]
    fn long_texts_agree_with_serde_json() {
        with_and_without(long_texts);
    }

    fn long_texts() {
        for length in 0..200 {
            for gap in [1, 2, 7, 8, 9, 31, 33, 64, 65] {
                let text: String = (0..length)
                    .map(|at| if at % gap == 0 { char::from((at % 128) as u8) } else { 'λ' })
                    .collect();
                for text in [text.as_str(), &"\u{1}".repeat(length), &"x\"".repeat(length)] {
                    let mut out = Vec::new();
                    string(&mut out, text);
                    assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
                    let reader = crate::json::Reader::new(&out).unwrap();
                    let Ok(crate::json::Value::String(read)) = reader.document() else { panic!("no string") };
                    assert_eq!((&*read.cow(), &*read.bytes()), (text, text.as_bytes()));
                }
            }
        }
    }

    #[test]
    fn objects_and_arrays() {
        let mut out = Vec::new();
        let mut object = Object::open(&mut out);
        object.string("a", "1");
        object.number("n", u64::MAX);
        object.bool("t", true);
        object.null("z");
        object.foreign_key(b"\"").push(b'0');
        array(object.key("l"), [1, 2], number);
        object.close();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            r#"{"a":"1","n":18446744073709551615,"t":true,"z":null,"\"":0,"l":[1,2]}"#
        );
    }
}
