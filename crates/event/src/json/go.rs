//! Strings as Go's `encoding/json` writes them, for the payloads of gateways that are written in Go.
//!
//! Beside what JSON asks for, `<`, `>` and `&` are escaped, so that the text is safe inside of HTML, and U+2028 and
//! U+2029, which end a line in older JavaScript. Each byte that is no UTF-8 becomes `\ufffd`.
//! Source: the documentation of `encoding/json`, "String values encode as JSON strings coerced to valid UTF-8".

use super::writer;

/// A JSON string of bytes that should be UTF-8.
pub(crate) fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        valid(out, chunk.valid().as_bytes());
        for _ in chunk.invalid() {
            out.extend_from_slice(br"\ufffd");
        }
    }
    out.push(b'"');
}

fn valid(out: &mut Vec<u8>, text: &[u8]) {
    let mut plain = 0;
    let mut at = 0;
    while let Some(found) = next(&text[at..]) {
        at += found;
        let (escape, length): (&[u8], usize) = match text[at..] {
            [b'<', ..] => (br"\u003c", 1),
            [b'>', ..] => (br"\u003e", 1),
            [b'&', ..] => (br"\u0026", 1),
            [0xe2, 0x80, 0xa8, ..] => (br"\u2028", 3),
            [0xe2, 0x80, 0xa9, ..] => (br"\u2029", 3),
            // Another character that begins with the same byte.
            _ => {
                at += 1;
                continue;
            }
        };
        writer::escape(out, &text[plain..at]);
        out.extend_from_slice(escape);
        at += length;
        plain = at;
    }
    writer::escape(out, &text[plain..]);
}

/// The next byte that may be one of Go's own.
fn next(text: &[u8]) -> Option<usize> {
    text.iter().position(|byte| matches!(byte, b'<' | b'>' | b'&' | 0xe2))
}

#[cfg(test)]
mod tests {
    use super::string;

    fn check(text: &[u8], expect: &str) {
        let mut out = Vec::new();
        string(&mut out, text);
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn strings() {
        check(b"", r#""""#);
        check(b"plain", r#""plain""#);
        check(b"{\"a\": \"<b>&\"}\n", r#""{\"a\": \"\u003cb\u003e\u0026\"}\n""#);
        check("λ\u{2028}\u{2029}\u{2027}€".as_bytes(), "\"λ\\u2028\\u2029\u{2027}€\"");
        check(b"caf\xe9 \xe2\x80", r#""caf\ufffd \ufffd\ufffd""#);
        check(b"\x00\x1f\x7f\t", "\"\\u0000\\u001f\x7f\\t\"");
    }
}
