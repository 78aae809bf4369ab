//! Which bodies travel as text, and which as base64.
//!
//! JSON has no bytes, so every source decides by `Content-Type`. The rules differ, and each is one function here. All
//! share two conditions that AWS's own rules lack in part: the bytes must be UTF-8, and no `Content-Encoding` may be
//! set. With them nothing is ever lost: what does not fit into text is base64, and is marked so.
//!
//! A body is looked at once: where it is text it comes back as such.

use crate::base64;
use crate::json::{Object, writer};
use crate::request::{Field, Request};

/// Writes the request's `body`: the text that it is by one of the rules below, or else base64.
pub(crate) fn write(event: &mut Object<'_>, body: &[u8], text: Option<&str>) {
    let out = event.key("body");
    match text {
        Some(text) => writer::string(out, text),
        None => base64::string(out, body),
    }
}

/// HTTP API, function URL and ALB, requests: `text/*`, JSON, XML, JavaScript; all else, and a missing type, is base64.
/// Sources: HTTP API as checked against AWS in ministack (No. 766); Lambda targets in the ALB user guide.
/// Nothing is text.
pub(crate) fn plain_request<'a>(request: &Request<'a>) -> Option<&'a str> {
    if request.body.is_empty() {
        return Some("");
    }
    let media = media_type(request.headers.iter().copied())?;
    let plain = has_prefix(media, b"text/")
        || is_one_of(media, &["application/json", "application/xml", "application/javascript"]);
    if plain { unencoded_utf8(request) } else { None }
}

/// REST without `binaryMediaTypes`. AWS hands every body over as text there; we do so for every textual type, forms
/// and a missing type included, and only spare binary types the replacement of bytes that are no UTF-8.
pub(crate) fn rest_request<'a>(request: &Request<'a>) -> Option<&'a str> {
    let textual = is_textual(media_type(request.headers.iter().copied()));
    if textual { unencoded_utf8(request) } else { None }
}

/// REST with `binaryMediaTypes`: base64 if the request's type, `application/json` when it has none, is listed.
pub(crate) fn is_listed<S: AsRef<str>>(types: &[S], media: Option<&[u8]>) -> bool {
    let media = media.unwrap_or(b"application/json");
    types.iter().any(|listed| {
        let listed = listed.as_ref();
        match listed.strip_suffix("/*") {
            Some("*") => true,
            Some(family) => media
                .iter()
                .position(|&byte| byte == b'/')
                .is_some_and(|at| media[..at].eq_ignore_ascii_case(family.as_bytes())),
            None => media.eq_ignore_ascii_case(listed.as_bytes()),
        }
    })
}

/// Answers of an app: the types that `lambda_http` 1.3 takes for text, its `x-lambda-http-content-encoding: text`
/// included, except that the case of the type does not matter.
/// The body has to be UTF-8 besides.
pub(crate) fn is_textual_answer<'f>(headers: impl Iterator<Item = Field<'f>> + Clone) -> bool {
    let asked = || {
        headers.clone().any(|(name, value)| {
            name.eq_ignore_ascii_case(b"x-lambda-http-content-encoding")
                && value.eq_ignore_ascii_case(b"text")
        })
    };
    (is_textual(media_type(headers.clone())) || asked()) && is_unencoded(headers.clone())
}

/// The first `Content-Type` without its parameters.
pub(crate) fn media_type<'f>(mut headers: impl Iterator<Item = Field<'f>>) -> Option<&'f [u8]> {
    let (_, value) = headers.find(|(name, _)| name.eq_ignore_ascii_case(b"content-type"))?;
    Some(value.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii())
}

fn is_textual(media: Option<&[u8]>) -> bool {
    let Some(media) = media else { return true };
    const TYPES: [&str; 7] = [
        "application/json",
        "application/javascript",
        "application/xml",
        "application/yaml",
        "application/x-www-form-urlencoded",
        "application/x-ndjson",
        "application/graphql",
    ];
    has_prefix(media, b"text/")
        || is_one_of(media, &TYPES)
        || ["+json", "+xml", "+yaml"].iter().any(|suffix| {
            media
                .len()
                .checked_sub(suffix.len())
                .is_some_and(|at| media[at..].eq_ignore_ascii_case(suffix.as_bytes()))
        })
}

fn unencoded_utf8<'a>(request: &Request<'a>) -> Option<&'a str> {
    if is_unencoded(request.headers.iter().copied()) { utf8(request.body) } else { None }
}

/// As text, if it is UTF-8.
pub(crate) fn utf8(body: &[u8]) -> Option<&str> {
    simdutf8::basic::from_utf8(body).ok()
}

fn is_unencoded<'f>(mut headers: impl Iterator<Item = Field<'f>>) -> bool {
    !headers.any(|(name, _)| name.eq_ignore_ascii_case(b"content-encoding"))
}

fn has_prefix(media: &[u8], prefix: &[u8]) -> bool {
    media.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

fn is_one_of(media: &[u8], types: &[&str]) -> bool {
    types.iter().any(|one| media.eq_ignore_ascii_case(one.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expected: plain request, REST request, answer.
    fn check(headers: &[(&str, &str)], body: &[u8], expect: [bool; 3]) {
        let fields: Vec<Field<'_>> = headers.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
        let request = Request { method: "POST", path: "/", query: "", headers: &fields, body };
        let found = [
            plain_request(&request).is_some(),
            rest_request(&request).is_some(),
            is_textual_answer(fields.iter().copied()) && utf8(body).is_some(),
        ];
        assert_eq!(found, expect, "{headers:?}");
    }

    #[test]
    fn types() {
        check(&[("content-type", "text/html")], b"x", [true; 3]);
        check(&[("Content-Type", "Application/JSON; charset=utf-8")], b"x", [true; 3]);
        check(&[("content-type", "application/xml ;a")], b"x", [true; 3]);
        check(&[("content-type", "application/javascript")], b"x", [true; 3]);
        check(&[("content-type", "application/problem+json")], b"x", [false, true, true]);
        check(&[("content-type", "image/svg+xml")], b"x", [false, true, true]);
        check(&[("content-type", "application/x-www-form-urlencoded")], b"x", [false, true, true]);
        check(&[("content-type", "image/png")], b"x", [false; 3]);
        check(&[("content-type", "textual")], b"x", [false; 3]);
        check(&[("content-type", "json")], b"x", [false; 3]);
        check(&[("content-type", "")], b"x", [false; 3]);
        check(&[], b"x", [false, true, true]);
    }

    #[test]
    fn never_lossy() {
        check(&[("content-type", "text/plain")], b"\xff", [false; 3]);
        check(&[("content-type", "text/plain"), ("content-encoding", "gzip")], b"x", [false; 3]);
    }

    #[test]
    fn asked_for() {
        let ask = ("x-lambda-http-content-encoding", "text");
        check(&[("content-type", "application/wasm"), ask], b"x", [false, false, true]);
        check(&[("content-type", "application/wasm"), ask], b"\xff", [false; 3]);
    }

    #[test]
    fn listed() {
        for (types, media, expect) in [
            (&["*/*"][..], None, true),
            (&["*/*"], Some("image/png"), true),
            (&["image/png"], Some("IMAGE/PNG"), true),
            (&["image/*"], Some("image/png"), true),
            (&["image/*"], Some("imagery/png"), false),
            (&["image/png"], None, false),
            (&["application/json"], None, true),
            (&[], Some("image/png"), false),
        ] {
            assert_eq!(is_listed(types, media.map(str::as_bytes)), expect, "{types:?} {media:?}");
        }
    }
}
