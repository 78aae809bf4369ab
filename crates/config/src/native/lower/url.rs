//! `functions.*.run.url`: a function URL of the emulator's.

use std::time::Duration;

use lambridge_model::{Url, UrlAuth, UrlCors, UrlMode};

use crate::document::Span;
use crate::leaf::Lower;
use crate::native::syntax;
use crate::reader::Leaf;
use crate::values;

const DAY: Duration = Duration::from_secs(86_400);

pub fn lower(url: &syntax::Url, lower: &mut Lower<'_>) -> Option<Url> {
    let modes = [("buffered", UrlMode::Buffered), ("response_stream", UrlMode::ResponseStream)];
    let mode = lower.word(&url.invoke_mode, "functions.*.run.url.invoke_mode", &modes).unwrap_or_default();
    let kinds = [("none", UrlAuth::None), ("aws_iam", UrlAuth::AwsIam)];
    let auth = lower.word(&url.auth_type, "functions.*.run.url.auth_type", &kinds).unwrap_or_default();
    let cors = url.cors.as_ref().map(|cors| cors_of(cors, lower));
    let address = lower.required(&url.address, &url.span, "url", "address")?;
    Some(Url { address: lower.address(address)?, mode, auth, cors })
}

/// The bounds are those of `Cors` in the service model of Lambda 2015-03-31.
fn cors_of(cors: &syntax::UrlCors, lower: &mut Lower<'_>) -> UrlCors {
    if cors.allow_origins.as_ref().is_none_or(|(_, origins)| origins.is_empty()) {
        let help = "add `allow_origins: [\"https://example.com\"]`, or `[\"*\"]` for every page";
        lower.report.error(&cors.span, "`cors` allows no origin").help(help);
    }
    let header = "write a header's name, or `*`";
    UrlCors {
        allow_credentials: lower.bool(&cors.allow_credentials).unwrap_or_default(),
        allow_headers: words(
            &cors.allow_headers,
            lower,
            values::is_token,
            ("is no header", header),
            str::to_ascii_lowercase,
        ),
        allow_methods: words(
            &cors.allow_methods,
            lower,
            values::is_token,
            ("is no method", "write `GET`, or `*`"),
            str::to_ascii_uppercase,
        ),
        allow_origins: words(
            &cors.allow_origins,
            lower,
            is_origin,
            ("is no origin", "write `https://example.com`, without a path, or `*`"),
            str::to_ascii_lowercase,
        ),
        expose_headers: words(
            &cors.expose_headers,
            lower,
            values::is_token,
            ("is no header", header),
            str::to_owned,
        ),
        max_age: lower.duration(&cors.max_age, Duration::ZERO..=DAY).unwrap_or_default(),
    }
}

/// Each word as `taken` writes it; `*` is one of them everywhere.
fn words(
    list: &Option<(Span, Vec<Leaf>)>,
    lower: &mut Lower<'_>,
    is_right: fn(&str) -> bool,
    (wrong, help): (&str, &str),
    taken: fn(&str) -> String,
) -> Vec<String> {
    let Some((_, leaves)) = list else { return Vec::new() };
    for leaf in leaves.iter().filter(|leaf| leaf.text != "*" && !is_right(&leaf.text)) {
        lower.wrong(leaf, wrong, help);
    }
    leaves.iter().map(|leaf| taken(&leaf.text)).collect()
}

/// A scheme and an authority. Source: RFC 6454, section 7.
fn is_origin(text: &str) -> bool {
    text.split_once("://").is_some_and(|(scheme, rest)| {
        values::is_token(scheme)
            && !rest.is_empty()
            && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
    })
}
