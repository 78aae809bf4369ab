//! Queries: pairs out of a raw query, and a raw query out of pairs.
//!
//! API Gateway decodes keys and values, `+` as a space; an ALB passes both as sent (recorded 10 July 2026,
//! hotsock/voker). So there are two ways in, and two ways out.

use std::borrow::Cow;

use crate::path;

/// Keys and values as sent. A part without `=` has an empty value; an empty part is no pair.
pub(crate) fn raw_pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|part| !part.is_empty()).map(|part| part.split_once('=').unwrap_or((part, "")))
}

/// Keys and values decoded as a form's.
pub(crate) fn pairs(query: &str) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
    raw_pairs(query).map(|(key, value)| (path::unescape(key, true), path::unescape(value, true))).collect()
}

/// Appends a decoded pair in encoded form: all but RFC 3986's unreserved characters are escaped.
pub(crate) fn push_encoded(query: &mut String, key: &str, value: &str) {
    push(query, key, value, |out, text| {
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                out.push(char::from(byte));
            } else {
                path::push_escape(out, byte);
            }
        }
    });
}

/// Appends a pair that is encoded already, untouched where it is fit.
pub(crate) fn push_raw(query: &mut String, key: &str, value: &str) {
    push(query, key, value, |out, text| path::push_fit(out, text.as_bytes(), is_query));
}

/// A raw query, fit for a request line.
pub(crate) fn fit(query: Cow<'_, str>) -> Cow<'_, str> {
    if query.bytes().all(is_query) && !path::has_stray_percent(query.as_bytes()) {
        return query;
    }
    let mut out = String::with_capacity(query.len() + 16);
    path::push_fit(&mut out, query.as_bytes(), is_query);
    Cow::Owned(out)
}

fn push(query: &mut String, key: &str, value: &str, text: impl Fn(&mut String, &str)) {
    if !query.is_empty() {
        query.push('&');
    }
    text(query, key);
    query.push('=');
    text(query, value);
}

/// Visible ASCII but for what ends a query or what strict parsers refuse in it.
const fn is_query(byte: u8) -> bool {
    matches!(byte, 0x21..=0x7e) && !matches!(byte, b'"' | b'#' | b'<' | b'>')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoded_pairs() {
        for (query, expect) in [
            ("", &[][..]),
            ("a=1&b=2&a=3", &[("a", "1"), ("b", "2"), ("a", "3")]),
            ("flag&&e=&=v", &[("flag", ""), ("e", ""), ("", "v")]),
            ("p=a+b&q=a%2Bb&r=x%3Dy=z", &[("p", "a b"), ("q", "a+b"), ("r", "x=y=z")]),
            ("%zz=%", &[("%zz", "%")]),
        ] {
            let found = pairs(query);
            let found: Vec<(&str, &str)> = found.iter().map(|(k, v)| (k.as_ref(), v.as_ref())).collect();
            assert_eq!(found, expect, "{query}");
        }
    }

    #[test]
    fn rebuilt() {
        let mut query = String::new();
        push_encoded(&mut query, "a b", "é&=+/~");
        push_encoded(&mut query, "", "");
        assert_eq!(query, "a%20b=%C3%A9%26%3D%2B%2F~&=");
        let mut query = String::new();
        push_raw(&mut query, "a%2Bb", "c+d e\n");
        assert_eq!(query, "a%2Bb=c+d%20e%0A");
    }

    #[test]
    fn fitted() {
        for (query, expect) in [
            ("a=b&c=%20+/?'", "a=b&c=%20+/?'"),
            ("a=\"b\"<c>#d e", "a=%22b%22%3Cc%3E%23d%20e"),
            ("a=100%&é", "a=100%25&%C3%A9"),
            ("a\r\nb", "a%0D%0Ab"),
        ] {
            let fitted = fit(Cow::Borrowed(query));
            assert_eq!(fitted, expect);
            assert!(http::uri::PathAndQuery::try_from(format!("/?{fitted}")).is_ok(), "{query}");
        }
    }
}
