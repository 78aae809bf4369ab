//! The canonical form in which paths are compared.
//!
//! RFC 3986 section 6.2.2: percent-encoded unreserved characters are equal to the characters, and the case of hex
//! digits does not matter. So `%7Euser` is `~user` and `%2f` is `%2F`; but `%2F` is not `/`, and stays one segment.
//! Bytes that should have been encoded (spaces, quotes, anything beyond ASCII) are, so that a template written as
//! `/café` matches what a browser sends. A `%` without two hex digits stays as it is.
//!
//! The number and place of `/` never change, so the segments of a canonical path and of the path as sent
//! correspond one to one; [`segment`] relies on it.

use std::borrow::Cow;

/// Whether a byte stands for itself in a canonical path.
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0x21;
    while byte < 0x7f {
        table[byte] =
            !matches!(byte as u8, b'%' | b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}');
        byte += 1;
    }
    table
};

/// The canonical form of `path`; borrowed where it already is.
pub(super) fn canonical(path: &str) -> Cow<'_, str> {
    let Some(first) = path.bytes().position(|b| !PLAIN[usize::from(b)]) else {
        return Cow::Borrowed(path);
    };
    let bytes = path.as_bytes();
    let mut out = String::with_capacity(path.len() + 16);
    out.push_str(&path[..first]);
    let mut at = first;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte == b'%' {
            match escape(&bytes[at..]) {
                Some(decoded) if is_unreserved(decoded) => out.push(char::from(decoded)),
                Some(decoded) => push_escape(&mut out, decoded),
                None => {
                    out.push('%');
                    at += 1;
                    continue;
                }
            }
            at += 3;
            continue;
        }
        if PLAIN[usize::from(byte)] {
            out.push(char::from(byte));
        } else {
            push_escape(&mut out, byte);
        }
        at += 1;
    }
    Cow::Owned(out)
}

/// Segment `index` of a path as sent; with `rest`, everything from it on.
pub(crate) fn segment(path: &str, index: usize, rest: bool) -> &str {
    let mut remaining = path.strip_prefix('/').unwrap_or(path);
    for _ in 0..index {
        match remaining.split_once('/') {
            Some((_, tail)) => remaining = tail,
            None => return "",
        }
    }
    if rest { remaining } else { remaining.split('/').next().unwrap_or_default() }
}

/// The byte that `%XX` at the start of `bytes` stands for.
fn escape(bytes: &[u8]) -> Option<u8> {
    let digit = |at: usize| bytes.get(at).and_then(|&b| char::from(b).to_digit(16));
    u8::try_from(digit(1)? * 16 + digit(2)?).ok()
}

/// RFC 3986 section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

fn push_escape(out: &mut String, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    out.push('%');
    out.push(char::from(HEX[usize::from(byte >> 4)]));
    out.push(char::from(HEX[usize::from(byte & 15)]));
}

#[cfg(test)]
mod tests {
    use super::{canonical, segment};

    fn check(path: &str, expect: &str) {
        let once = canonical(path);
        assert_eq!(once, expect, "{path}");
        assert_eq!(canonical(&once), expect, "{path} twice");
        assert_eq!(once.matches('/').count(), path.matches('/').count());
    }

    #[test]
    fn canonical_paths() {
        check("/a/b", "/a/b");
        check("/%7Euser", "/~user");
        check("/a%2fb", "/a%2Fb");
        check("/%41%62", "/Ab");
        check("/caf\u{e9}", "/caf%C3%A9");
        check("/100%", "/100%");
        check("/%zz", "/%zz");
        check("/%2", "/%2");
        check("/a b", "/a%20b");
        check("/a//../b/.", "/a//../b/.");
        check("/%2e%2e/x", "/../x");
    }

    #[test]
    fn segments() {
        assert_eq!(segment("/a/b%20c/d", 1, false), "b%20c");
        assert_eq!(segment("/a/b/c", 1, true), "b/c");
        assert_eq!(segment("/a", 3, false), "");
    }
}
