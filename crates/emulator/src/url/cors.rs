//! What a function URL answers to pages of other origins, in the function's place.
//!
//! A preflight (`OPTIONS` with `Origin` and `Access-Control-Request-Method`) is answered here, and the function is not
//! called. On every other answer the fields of CORS are the URL's: those of the function are taken away. An origin that is
//! not allowed gets none, which is all that a browser needs to keep the page from reading.
//!
//! Source: Lambda developer guide, "Cross-origin resource sharing (CORS)" of function URLs; the Fetch standard, "HTTP-
//! network-or-cache fetch" for what the fields mean: with credentials, `*` means nothing and the names are spelled out.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Response};
use lambridge_model::UrlCors;

use crate::http::{Answer, text};
use crate::stream::whole;

/// What a function may not say where the URL does.
const OURS: [HeaderName; 6] = [
    header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
    header::ACCESS_CONTROL_ALLOW_HEADERS,
    header::ACCESS_CONTROL_ALLOW_METHODS,
    header::ACCESS_CONTROL_ALLOW_ORIGIN,
    header::ACCESS_CONTROL_EXPOSE_HEADERS,
    header::ACCESS_CONTROL_MAX_AGE,
];

/// The answer to a preflight; `None` for any other request.
pub(super) fn preflight(cors: &UrlCors, head: &Parts) -> Option<Answer> {
    let method = text(&head.headers, "access-control-request-method")?;
    if head.method != Method::OPTIONS || !head.headers.contains_key(header::ORIGIN) {
        return None;
    }
    let mut answer = Response::new(whole(""));
    let wanted = text(&head.headers, "access-control-request-headers").unwrap_or_default();
    let mut wanted = wanted.split(',').map(|name| name.trim().to_ascii_lowercase());
    let allowed = allows(&cors.allow_methods, method)
        && wanted.all(|name| name.is_empty() || allows(&cors.allow_headers, &name));
    if allowed && origin(cors, &head.headers, answer.headers_mut()) {
        let headers = answer.headers_mut();
        list(cors, &cors.allow_methods, method, header::ACCESS_CONTROL_ALLOW_METHODS, headers);
        let wanted = text(&head.headers, "access-control-request-headers").unwrap_or_default();
        list(cors, &cors.allow_headers, wanted, header::ACCESS_CONTROL_ALLOW_HEADERS, headers);
        if !cors.max_age.is_zero() {
            headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(cors.max_age.as_secs()));
        }
    }
    Some(answer)
}

/// Makes the fields of `answer` the URL's.
pub(super) fn apply(cors: &UrlCors, head: &Parts, answer: &mut Answer) {
    let headers = answer.headers_mut();
    for name in OURS {
        headers.remove(name);
    }
    if origin(cors, &head.headers, headers) {
        list(cors, &cors.expose_headers, "", header::ACCESS_CONTROL_EXPOSE_HEADERS, headers);
    }
}

/// Names the request's origin if it is allowed.
fn origin(cors: &UrlCors, request: &HeaderMap, answer: &mut HeaderMap) -> bool {
    let Some(origin) = request.get(header::ORIGIN) else { return false };
    // Browsers take no `*` where cookies are allowed.
    let any = !cors.allow_credentials && cors.allow_origins.iter().any(|allowed| allowed == "*");
    let named = origin.to_str().is_ok_and(|origin| allows(&cors.allow_origins, &origin.to_ascii_lowercase()));
    if !any {
        // The answer to one origin is not another's.
        answer.append(header::VARY, HeaderValue::from_static("Origin"));
    }
    if !named {
        return false;
    }
    let shown = if any { HeaderValue::from_static("*") } else { origin.clone() };
    answer.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, shown);
    if cors.allow_credentials {
        answer.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    true
}

fn allows(list: &[String], word: &str) -> bool {
    list.iter().any(|allowed| allowed == "*" || allowed == word)
}

/// Writes a list; `asked` stands for all where `*` would mean nothing.
fn list(cors: &UrlCors, values: &[String], asked: &str, name: HeaderName, headers: &mut HeaderMap) {
    let all = values.iter().any(|value| value == "*");
    let shown = match all && cors.allow_credentials {
        true => asked.to_owned(),
        false if all => "*".to_owned(),
        false => values.join(","),
    };
    // Values of the configuration are tokens, and what was asked came as a header.
    if let (false, Ok(value)) = (shown.is_empty(), HeaderValue::from_str(&shown)) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Request;

    use super::*;

    fn cors(origins: &[&str], credentials: bool, all: bool) -> UrlCors {
        let own = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        UrlCors {
            allow_credentials: credentials,
            allow_headers: own(if all { &["*"] } else { &["x-mine", "content-type"] }),
            allow_methods: own(if all { &["*"] } else { &["GET", "PUT"] }),
            allow_origins: own(origins),
            expose_headers: own(if all { &["*"] } else { &["x-id"] }),
            max_age: Duration::from_secs(600),
        }
    }

    #[track_caller]
    fn check(cors: &UrlCors, method: &str, request: &[(&str, &str)], expect: Option<&[(&str, &str)]>) {
        let mut builder = Request::builder().method(method).uri("/");
        for (name, value) in request {
            builder = builder.header(*name, *value);
        }
        let (head, ()) = builder.body(()).unwrap().into_parts();
        let mut found = preflight(cors, &head);
        if found.is_none() {
            let mut answer = Response::new(whole("x"));
            answer
                .headers_mut()
                .insert("access-control-allow-origin", HeaderValue::from_static("the function's"));
            apply(cors, &head, &mut answer);
            found = Some(answer).filter(|answer| !answer.headers().is_empty());
        }
        let found = found.map(|answer| {
            let headers = answer.headers().iter();
            let mut all: Vec<_> =
                headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
            all.sort();
            all
        });
        let expect = expect
            .map(|rows| rows.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>());
        assert_eq!(found, expect, "{method} {request:?}");
    }

    const ORIGIN: (&str, &str) = ("origin", "https://a.example");
    const PUT: (&str, &str) = ("access-control-request-method", "PUT");
    const VARY: (&str, &str) = ("vary", "Origin");

    #[test]
    fn preflights() {
        let named = cors(&["https://a.example"], false, false);
        let granted = [
            ("access-control-allow-headers", "x-mine,content-type"),
            ("access-control-allow-methods", "GET,PUT"),
            ("access-control-allow-origin", "https://a.example"),
            ("access-control-max-age", "600"),
            VARY,
        ];
        check(&named, "OPTIONS", &[ORIGIN, PUT], Some(&granted));
        check(
            &named,
            "OPTIONS",
            &[ORIGIN, PUT, ("access-control-request-headers", "X-Mine, ")],
            Some(&granted),
        );
        check(&named, "OPTIONS", &[("origin", "https://b.example"), PUT], Some(&[VARY]));
        check(&named, "OPTIONS", &[ORIGIN, ("access-control-request-method", "DELETE")], Some(&[]));
        check(&named, "OPTIONS", &[ORIGIN, PUT, ("access-control-request-headers", "x-other")], Some(&[]));
        let credentials = [
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-headers", "a, B"),
            ("access-control-allow-methods", "PUT"),
            ("access-control-allow-origin", "https://a.example"),
            ("access-control-max-age", "600"),
            VARY,
        ];
        let asked = [ORIGIN, PUT, ("access-control-request-headers", "a, B")];
        check(&cors(&["*"], true, true), "OPTIONS", &asked, Some(&credentials));
    }

    #[test]
    fn answers() {
        let named = cors(&["https://a.example"], false, false);
        let exposed = [
            ("access-control-allow-origin", "https://a.example"),
            ("access-control-expose-headers", "x-id"),
            VARY,
        ];
        check(&named, "GET", &[ORIGIN], Some(&exposed));
        check(&named, "OPTIONS", &[ORIGIN], Some(&exposed));
        check(&named, "GET", &[("origin", "null")], Some(&[VARY]));
        check(&named, "GET", &[], None);
        let any = [("access-control-allow-origin", "*"), ("access-control-expose-headers", "*")];
        check(&cors(&["*"], false, true), "GET", &[ORIGIN], Some(&any));
    }
}
