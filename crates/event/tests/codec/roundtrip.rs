//! What a request is after it has been an event: the same, up to what each format can carry.
//!
//! | format | path | query | header names | repeats of a header | content-length & co. | body |
//! | --- | --- | --- | --- | --- | --- | --- |
//! | `http_v2` | same | same | lower case | joined with `,` (`cookie`: `; `) | kept | same |
//! | `rest_v1` | same | same pairs, a key's values together | as the first | kept | removed | same |
//! | `alb` | same | the last of each key, as sent | lower case | the last | kept | same |
//! | `alb_multi_value` | same | same pairs, a key's values together, as sent | lower case | kept | kept | same |
//! | `lattice_v2` | same | same pairs, a key's values together, as sent | lower case | kept | kept | same |
//!
//! Header values are compared as text: bytes that are no UTF-8 have become ISO 8859-1.

use std::borrow::Cow;
use std::collections::BTreeMap;

use lambridge_event::{
    Answer, AnswerField, Format, Kind, Request, decode_answer, decode_request, encode_answer,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::sample::{CONTEXT, encode};

type Lists = BTreeMap<String, Vec<String>>;

fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), str::to_owned)
}

fn lists(pairs: impl Iterator<Item = (String, String)>) -> Lists {
    let mut lists = Lists::new();
    for (name, value) in pairs {
        lists.entry(name).or_default().push(value);
    }
    lists
}

fn last(lists: Lists) -> Lists {
    lists
        .into_iter()
        .map(|(name, values)| (name, values.into_iter().next_back().into_iter().collect()))
        .collect()
}

fn ordered_pairs(query: &str) -> impl Iterator<Item = (&str, &str)> {
    query.split('&').filter(|part| !part.is_empty()).map(|part| part.split_once('=').unwrap_or((part, "")))
}

fn raw_pairs(query: &str) -> Lists {
    lists(ordered_pairs(query).map(|(key, value)| (key.to_owned(), value.to_owned())))
}

/// As an independent decoder sees it: the one of browsers' forms.
fn form_pairs(query: &str) -> Lists {
    lists(ordered_pairs(query).map(|(key, value)| (form(key), form(value))))
}

fn form(text: &str) -> String {
    let text = text.replace('+', " ");
    let mut out = Vec::new();
    let mut bytes = text.as_bytes();
    while let Some((&byte, rest)) = bytes.split_first() {
        let hex = rest.get(..2).filter(|hex| hex.iter().all(u8::is_ascii_hexdigit));
        match hex {
            Some(hex) if byte == b'%' => {
                out.push(u8::from_str_radix(std::str::from_utf8(hex).unwrap(), 16).unwrap());
                bytes = &rest[2..];
            }
            _ => {
                out.push(byte);
                bytes = rest;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn go_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Each run of replacement characters as one.
fn one_mark(text: &str) -> String {
    let mut out = text.to_owned();
    while out.contains("\u{fffd}\u{fffd}") {
        out = out.replace("\u{fffd}\u{fffd}", "\u{fffd}");
    }
    out
}

fn check(format: Format, request: &Request<'_>) -> Result<(), TestCaseError> {
    let event = encode(format, request, &CONTEXT);
    let found = decode_request(&event).unwrap();
    let kind = match format {
        Format::HttpV2 => Kind::HttpV2,
        Format::RestV1 => Kind::RestV1,
        Format::Alb => Kind::Alb,
        Format::AlbMultiValue => Kind::AlbMultiValue,
        Format::LatticeV2 => Kind::LatticeV2,
        Format::Body | Format::Runway | Format::Krakend => Kind::Other,
    };
    prop_assert_eq!(found.kind, kind);
    prop_assert_eq!(&*found.method, request.method);
    prop_assert_eq!(&*found.path, request.path);
    prop_assert_eq!(&*found.body, request.body);
    match format {
        Format::RestV1 => prop_assert_eq!(form_pairs(&found.query), form_pairs(request.query)),
        Format::Alb => prop_assert_eq!(raw_pairs(&found.query), last(raw_pairs(request.query))),
        Format::AlbMultiValue | Format::LatticeV2 => {
            prop_assert_eq!(raw_pairs(&found.query), raw_pairs(request.query))
        }
        Format::HttpV2 | Format::Body | Format::Runway | Format::Krakend => {
            prop_assert_eq!(&*found.query, request.query)
        }
    }
    let sent = lists(request.headers.iter().map(|(n, v)| (text(n).to_lowercase(), text(v))));
    let sent: Lists = match format {
        Format::Alb => last(sent),
        Format::HttpV2 => sent.into_iter().map(|(name, values)| (name, vec![values.join(",")])).collect(),
        Format::RestV1 => sent.into_iter().filter(|(name, _)| name != "content-length").collect(),
        _ => sent,
    };
    let found = lists(found.headers.iter().map(|(n, v)| (n.to_lowercase(), v.to_string())));
    prop_assert_eq!(found, sent);
    Ok(())
}

fn name() -> impl Strategy<Value = String> {
    // `cookie` is left to the unit tests: it is cut at every `;` and trimmed.
    prop_oneof!["[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,8}", "(?i)content-type|content-length|x-a|x-b"]
        .prop_filter("cookies have rules of their own", |name| !name.to_lowercase().contains("cookie"))
        .prop_filter("removed from REST", |name| name.to_lowercase() != "te")
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let odd = vec(prop_oneof![Just(b'\t'), 0x20..=0x7e_u8, 0x80..=0xff_u8], 0..20);
    prop_oneof![odd, Just(b"text/plain".to_vec()), Just(b"application/json; charset=utf-8".to_vec())]
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), 0..200), any::<String>().prop_map(String::into_bytes), Just(Vec::new())]
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    prop_oneof![vec((name(), value()), 0..12), vec((name(), value()), 30..80)]
}

proptest! {
    // Failures become rows of the unit tests, not files.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn requests(
        method in "[A-Z]{1,7}",
        path in "/([a-z/+@.,;:~{}-]|%[0-9A-F]{2}){0,20}",
        query in "([a-c&=+.]|%[0-9a-fA-F]{2}){0,30}",
        headers in headers(),
        body in body(),
    ) {
        let fields: Vec<_> = headers.iter().map(|(n, v)| (n.as_bytes(), &v[..])).collect();
        let request = Request { method: &method, path: &path, query: &query, headers: &fields, body: &body };
        for format in [Format::HttpV2, Format::RestV1, Format::Alb, Format::AlbMultiValue, Format::LatticeV2] {
            check(format, &request)?;
        }
    }

    /// runway's payload has no way back, but an independent reader finds in it what was sent.
    #[test]
    fn runway(
        method in "GET|HEAD|POST|[A-Z]{1,7}",
        path in "/([a-z/+@.,;:~{}-]|%[0-9A-F]{2}){0,20}",
        query in "([a-c&=+.]|%[2-7][0-9a-fA-F]|%[cC]3%[aA]9){0,30}",
        headers in headers(),
        body in body(),
    ) {
        let fields: Vec<_> = headers.iter().map(|(n, v)| (n.as_bytes(), &v[..])).collect();
        let request = Request { method: &method, path: &path, query: &query, headers: &fields, body: &body };
        let bytes = encode(Format::Runway, &request, &CONTEXT);
        prop_assert!(!bytes.iter().any(|byte| matches!(byte, b'<' | b'>' | b'&')));
        let event: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        let mut expect = serde_json::json!({ "httpMethod": method, "path": form(&path.replace('+', "%2B")), "pathParameters": {} });
        let mut spelled = serde_json::Map::new();
        for (name, value) in headers.iter().rev() {
            let parts = name.split('-').map(|part| {
                let (first, rest) = part.split_at(part.len().min(1));
                first.to_uppercase() + &rest.to_lowercase()
            });
            spelled.insert(parts.collect::<Vec<_>>().join("-"), go_text(value).into());
        }
        expect["headers"] = spelled.into();
        if method == "GET" {
            expect["queryParameters"] = serde_json::to_value(form_pairs(&query)).unwrap();
        } else {
            expect["body"] = go_text(&body).into();
        }
        // Readers differ in how many marks a piece of broken text leaves, and only there.
        prop_assert_eq!(one_mark(&event.to_string()), one_mark(&expect.to_string()));
    }

    /// An answer keeps its status, body and headers; only lists are joined where there is one value a name.
    #[test]
    fn answers(status in 100..=599_u16, headers in headers(), cookies in vec("[a-z]=[a-z;= /]{0,9}", 0..4), body in body()) {
        let mut list: Vec<AnswerField<'_>> =
            headers.iter().map(|(n, v)| (Cow::Borrowed(n.as_bytes()), Cow::Borrowed(&v[..]))).collect();
        list.extend(cookies.iter().map(|c| (Cow::Borrowed(&b"set-cookie"[..]), Cow::Borrowed(c.as_bytes()))));
        let typed = list.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"content-type"));
        let answer = Answer { status, headers: list, body: Cow::Borrowed(&body) };
        let as_lists = |answer: &Answer<'_>| lists(answer.headers.iter().map(|(n, v)| (text(n).to_lowercase(), text(v))));
        for (kind, format) in [
            (Kind::HttpV2, Format::HttpV2),
            (Kind::RestV1, Format::RestV1),
            (Kind::Alb, Format::Alb),
            (Kind::AlbMultiValue, Format::AlbMultiValue),
            (Kind::LatticeV2, Format::LatticeV2),
        ] {
            let mut out = Vec::new();
            encode_answer(kind, &answer, &mut out);
            let found = decode_answer(format, &out).unwrap();
            prop_assert_eq!(found.status, status);
            prop_assert_eq!(&*found.body, &body[..]);
            let mut sent = as_lists(&answer);
            if matches!(kind, Kind::HttpV2 | Kind::Alb | Kind::LatticeV2) {
                for (_, values) in sent.iter_mut().filter(|(name, _)| *name != "set-cookie") {
                    *values = vec![values.join(", ")];
                }
            }
            let mut received = as_lists(&found);
            if !typed {
                received.remove("content-type");
            }
            prop_assert_eq!(received, sent);
        }
    }

    /// Nothing that anyone sends ends in a panic, nor in something a request line cannot hold.
    #[test]
    fn anything(event in prop_oneof![vec(any::<u8>(), 0..100), "[\\[\\]{}\",:a0\\\\ -]{0,60}".prop_map(String::into_bytes)]) {
        let _ = decode_request(&event);
        for format in Format::ALL {
            let _ = decode_answer(format, &event);
        }
    }

    #[test]
    fn any_path_becomes_fit(
        path in prop_oneof![any::<String>(), "[*/%?# ]{0,4}"],
        query in prop_oneof![any::<String>(), Just(String::new())],
        value in any::<String>(),
    ) {
        let event = serde_json::json!({
            "rawPath": path, "rawQueryString": query, "headers": {"x": value},
            "requestContext": {"http": {"method": "GET"}},
        });
        let event = serde_json::to_vec(&event).unwrap();
        let found = decode_request(&event).unwrap();
        let line = if found.query.is_empty() { found.path.to_string() } else { format!("{}?{}", found.path, found.query) };
        prop_assert!(http::uri::PathAndQuery::try_from(line.as_str()).is_ok(), "{}", line);
        for (name, value) in &found.headers {
            prop_assert!(http::HeaderName::try_from(&**name).is_ok());
            prop_assert!(http::HeaderValue::try_from(&**value).is_ok());
        }
    }
}
