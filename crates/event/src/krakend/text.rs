//! JSON strings as Go's `encoding/json` writes them, which is how KrakenD's clients know them: what HTML gives a meaning
//! and the two line ends of JavaScript are escaped too.

/// Appends `text` with its quotes.
pub(super) fn write(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut plain = 0;
    for (at, c) in text.char_indices() {
        let short = match c {
            '"' => b'"',
            '\\' => b'\\',
            '\n' => b'n',
            '\r' => b'r',
            '\t' => b't',
            '\u{8}' => b'b',
            '\u{c}' => b'f',
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => 0,
            _ => continue,
        };
        out.extend_from_slice(&text.as_bytes()[plain..at]);
        plain = at + c.len_utf8();
        if short == 0 {
            out.extend_from_slice(format!("\\u{:04x}", u32::from(c)).as_bytes());
        } else {
            out.extend_from_slice(&[b'\\', short]);
        }
    }
    out.extend_from_slice(&text.as_bytes()[plain..]);
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    #[test]
    fn as_go_writes_it() {
        for (text, expect) in [
            ("", r#""""#),
            ("plain é", r#""plain é""#),
            ("<a href='x'>&\"", r#""\u003ca href='x'\u003e\u0026\"""#),
            ("\u{2028}\u{2029}\u{7f}", "\"\\u2028\\u2029\u{7f}\""),
            ("\n\r\t\u{8}\u{c}\u{1}\\/", r#""\n\r\t\b\f\u0001\\/""#),
        ] {
            let mut out = Vec::new();
            super::write(&mut out, text);
            assert_eq!(String::from_utf8(out).unwrap(), expect);
        }
    }
}
