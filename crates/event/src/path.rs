//! Paths: percent-decoding for what shows them decoded, and repair for what must fit a request line.
//!
//! A function URL, a REST API and an ALB show the path as the client sent it. An HTTP API shows it decoded and calls
//! it raw (recorded 10 July 2026, hotsock/voker: `/capture/space value`), so a path out of an event may hold
//! anything. [`fit`] leaves a path that is fit alone, and encodes in any other only what cannot stand there.

use std::borrow::Cow;

/// Percent-decodes. `%` without two hex digits stays; bytes that are no UTF-8 become U+FFFD.
pub(crate) fn decode(encoded: &str) -> Cow<'_, str> {
    unescape(encoded, false)
}

/// As [`decode`], with `+` for a space if `plus`.
pub(crate) fn unescape(encoded: &str, plus: bool) -> Cow<'_, str> {
    match unescape_bytes(encoded, plus) {
        Cow::Borrowed(_) => Cow::Borrowed(encoded),
        Cow::Owned(bytes) => Cow::Owned(
            String::from_utf8(bytes)
                .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
        ),
    }
}

/// The same where the bytes behind the escapes count, whether they are UTF-8 or not.
pub(crate) fn unescape_bytes(encoded: &str, plus: bool) -> Cow<'_, [u8]> {
    let source = encoded.as_bytes();
    if !source.iter().any(|&byte| byte == b'%' || (plus && byte == b'+')) {
        return Cow::Borrowed(source);
    }
    let mut out = Vec::with_capacity(source.len());
    let mut at = 0;
    while at < source.len() {
        let (byte, length) = match source[at] {
            b'+' if plus => (b' ', 1),
            b'%' => escaped(&source[at..]).map_or((b'%', 1), |byte| (byte, 3)),
            byte => (byte, 1),
        };
        out.push(byte);
        at += length;
    }
    Cow::Owned(out)
}

/// The path, fit for a request line: `/` in front, and encoded what may not stand in a path.
///
/// `%` with two hex digits is taken for an escape, except in a path that shows itself to be decoded, by holding a
/// byte that no encoded path can; there every `%` is meant.
pub(crate) fn fit(path: Cow<'_, str>) -> Cow<'_, str> {
    if path == "*" {
        return path;
    }
    let decoded = !path.bytes().all(is_path);
    let rooted = path.starts_with('/');
    if rooted && !decoded && !has_stray_percent(path.as_bytes()) {
        return path;
    }
    let mut out = String::with_capacity(path.len() + 16);
    if !rooted {
        out.push('/');
    }
    push_fit(&mut out, path.as_bytes(), |byte| is_path(byte) && !(decoded && byte == b'%'));
    Cow::Owned(out)
}

/// The path of a request line, for an event: what no path holds is encoded, and the rest is as it was. Clients do send
/// bytes beyond ASCII as they are, and whoever reads the event would take them for the sign of a path that is decoded.
pub(crate) fn written(path: &str) -> Cow<'_, str> {
    if path.bytes().all(is_path) {
        return Cow::Borrowed(path);
    }
    let mut out = String::with_capacity(path.len() + 16);
    for byte in path.bytes() {
        if is_path(byte) {
            out.push(char::from(byte));
        } else {
            push_escape(&mut out, byte);
        }
    }
    Cow::Owned(out)
}

/// Appends `bytes`, percent-encoding what `keep` refuses and every `%` that starts no escape.
pub(crate) fn push_fit(out: &mut String, bytes: &[u8], keep: impl Fn(u8) -> bool) {
    for (at, &byte) in bytes.iter().enumerate() {
        if keep(byte) && (byte != b'%' || escaped(&bytes[at..]).is_some()) {
            out.push(char::from(byte));
        } else {
            push_escape(out, byte);
        }
    }
}

pub(crate) fn push_escape(out: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

pub(crate) fn has_stray_percent(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'%', bytes).any(|at| escaped(&bytes[at..]).is_none())
}

/// The byte that `%XX` at the start stands for.
fn escaped(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*bytes.get(at)?).to_digit(16);
    let value = digit(1)? * 16 + digit(2)?;
    u8::try_from(value).ok()
}

/// Visible ASCII but for what ends a path or what strict parsers refuse in it. `"`, `{`, `}`, `|`, `\` and `^` are not
/// in RFC 3986 either, but clients send them, apps see them today, and the `http` crate takes them.
const fn is_path(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !matches!(byte, b'#' | b'<' | b'>' | b'?' | b'`')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoded() {
        for (encoded, expect) in [
            ("/a", "/a"),
            ("/a%20b", "/a b"),
            ("/a+b", "/a+b"),
            ("/%2f%C3%A9", "/\u{2f}é"),
            ("/%e9", "/\u{fffd}"),
            ("/100%", "/100%"),
            ("/%zz%4", "/%zz%4"),
            ("/%+1", "/%+1"),
        ] {
            assert_eq!(decode(encoded), expect, "{encoded}");
        }
    }

    /// And the way back leaves alone what was written so.
    #[test]
    fn written_for_an_event() {
        for (path, expect) in [
            ("/a%2Fb", "/a%2Fb"),
            ("/{\"a\"}|^\\", "/{\"a\"}|^\\"),
            ("/caf\u{e9}/%2F", "/caf%C3%A9/%2F"),
            ("/<a>`", "/%3Ca%3E%60"),
            ("*", "*"),
        ] {
            assert_eq!(written(path), expect, "{path}");
            assert_eq!(fit(written(path)), expect, "{path}");
        }
    }

    #[test]
    fn fitted() {
        for (path, expect) in [
            ("/capture/space%20value", "/capture/space%20value"),
            ("/capture/space value", "/capture/space%20value"),
            ("", "/"),
            ("a", "/a"),
            ("*", "*"),
            ("/{\"a\"}|^\\", "/{\"a\"}|^\\"),
            ("/é", "/%C3%A9"),
            ("/a?b#c", "/a%3Fb%23c"),
            ("/100%", "/100%25"),
            ("/a%2Fb", "/a%2Fb"),
            // A space shows that the path is decoded, so `%2F` was sent as `%252F`.
            ("/a b%2Fc", "/a%20b%252Fc"),
            ("/a\r\nX: y", "/a%0D%0AX:%20y"),
            ("//a//", "//a//"),
        ] {
            let fitted = fit(Cow::Borrowed(path));
            assert_eq!(fitted, expect, "{path}");
            assert!(http::uri::PathAndQuery::try_from(fitted.as_ref()).is_ok(), "{path}");
        }
    }
}
