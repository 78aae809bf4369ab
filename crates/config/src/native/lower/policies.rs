//! What a route does beside choosing its target: rewrites, headers, limits; and the two targets that are made of the same
//! words, HTTP services and redirects.

use std::time::Duration;

use lambridge_model::{
    Endpoint, HeaderChanges, HostRule, PathMatch, PathRewrite, Policies, RateKey, RateLimit, Redirect,
    Rewrite, Scheme, Upstream,
};

use crate::changes::{self, Direction, MAX_HEADERS};
use crate::document::Span;
use crate::leaf::Lower;
use crate::native::syntax;
use crate::reader::Leaf;
use crate::values;

/// Endpoints of one service.
const MAX_ENDPOINTS: usize = 256;
const MILLISECOND: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);
/// The statuses of redirects that keep their meaning without a word more.
const STATUSES: [usize; 5] = [301, 302, 303, 307, 308];

/// `matched` is the route's path, `None` where it was reported as wrong.
pub fn policies(policies: &syntax::Policies, matched: Option<&PathMatch>, lower: &mut Lower<'_>) -> Policies {
    let rewrite = policies.rewrite.as_ref().map(|rewrite| {
        if rewrite.path.is_none() && rewrite.prefix.is_none() && rewrite.host.is_none() {
            lower
                .report
                .error(&rewrite.span, "`rewrite` says nothing")
                .help("add `path`, `prefix` or `host`");
        }
        Rewrite {
            path: path_rewrite(&rewrite.path, &rewrite.prefix, matched, lower),
            host: rewrite.host.as_ref().and_then(|leaf| changes::host(leaf, true, lower)),
        }
    });
    Policies {
        rewrite: rewrite.unwrap_or_default(),
        request_headers: headers(&policies.request_headers, Direction::Request, lower),
        answer_headers: headers(&policies.answer_headers, Direction::Answer, lower),
        rate_limit: policies.rate_limit.as_ref().and_then(|limit| rate_limit(limit, lower)),
        body_max: lower.size(&policies.body_max, 0..=1 << 40),
    }
}

fn path_rewrite(
    path: &Option<Leaf>,
    prefix: &Option<Leaf>,
    matched: Option<&PathMatch>,
    lower: &mut Lower<'_>,
) -> Option<PathRewrite> {
    if let (Some(_), Some(prefix)) = (path, prefix) {
        exclude(&prefix.span, "path", "prefix", lower);
    }
    match (path, prefix) {
        (Some(leaf), _) => changes::whole_path(leaf, matched, lower),
        (None, Some(leaf)) => changes::prefix(leaf, matched, lower),
        (None, None) => None,
    }
}

fn exclude(span: &Span, first: &str, other: &str, lower: &mut Lower<'_>) {
    lower.report.error(span, format!("`{first}` and `{other}` exclude each other")).help("keep one of them");
}

fn headers(changes: &syntax::HeaderChanges, direction: Direction, lower: &mut Lower<'_>) -> HeaderChanges {
    let mut out = HeaderChanges::default();
    let names = changes.set.len() + changes.add.len() + changes.remove.len();
    let first = changes.set.first().map(|(name, _)| name).or(changes.remove.first());
    if let Some(leaf) = first.or(changes.add.first().map(|(name, _)| name)).filter(|_| names > MAX_HEADERS) {
        lower.report.error(&leaf.span, format!("a route changes {MAX_HEADERS} headers at most"));
        return out;
    }
    for (name, value) in &changes.set {
        let value = changes::header_value(value, lower);
        let Some(text) = changes::header_name(name, direction, lower) else { continue };
        if out.set.iter().any(|(other, _)| *other == text) {
            lower.wrong(name, "stands twice", "header names do not tell upper from lower case; remove one");
        }
        out.set.extend(value.map(|value| (text, value)));
    }
    for (name, values) in &changes.add {
        let Some(text) = changes::header_name(name, direction, lower) else { continue };
        for value in values {
            out.add.extend(changes::header_value(value, lower).map(|value| (text.clone(), value)));
        }
    }
    out.remove =
        changes.remove.iter().filter_map(|name| changes::header_name(name, direction, lower)).collect();
    out
}

fn rate_limit(limit: &syntax::RateLimit, lower: &mut Lower<'_>) -> Option<RateLimit> {
    let leaf = lower.required(&limit.rate, &limit.span, "rate_limit", "rate")?.clone();
    let number = |leaf: &Option<Leaf>, lower: &mut Lower<'_>| {
        lower.number(leaf, 1..=1_000_000).and_then(|number| u32::try_from(number).ok())
    };
    let rate = number(&Some(leaf), lower);
    let burst = number(&limit.burst, lower);
    let period = lower.duration(&limit.period, MILLISECOND..=HOUR * 24);
    let keys = [("by", &limit.by), ("header", &limit.header), ("cookie", &limit.cookie)];
    let mut written = keys.iter().filter_map(|(name, leaf)| Some((*name, leaf.as_ref()?)));
    let first = written.next();
    if let (Some((first, _)), Some((other, leaf))) = (first, written.next()) {
        exclude(&leaf.span, first, other, lower);
    }
    let by = match first {
        None => Some(RateKey::Ip),
        Some(("by", _)) => {
            let words = [("ip", RateKey::Ip), ("route", RateKey::Route)];
            lower.word(&limit.by, "routes[].rate_limit.by", &words)
        }
        Some((kind, leaf)) if values::is_token(&leaf.text) => Some(match kind {
            "header" => RateKey::Header(leaf.text.to_ascii_lowercase()),
            _ => RateKey::Cookie(leaf.text.clone()),
        }),
        Some((kind, leaf)) => {
            lower.wrong(leaf, format!("is not the name of a {kind}"), "letters, digits and `-`");
            None
        }
    };
    let rate = rate?;
    let period = period.unwrap_or(Duration::from_secs(1));
    Some(RateLimit { rate, period, burst: burst.unwrap_or(rate), by: by? })
}

/// An HTTP service.
pub fn upstream(upstream: &syntax::Upstream, lower: &mut Lower<'_>) -> Option<Upstream> {
    if let (Some(_), Some((span, _))) = (&upstream.url, &upstream.endpoints) {
        exclude(span, "url", "endpoints", lower);
    }
    let mut endpoints = Vec::new();
    match (&upstream.url, &upstream.endpoints) {
        (Some(leaf), _) => endpoints.extend(url(leaf, lower).map(|url| Endpoint { url, weight: 1 })),
        (None, Some((span, list))) => {
            if list.is_empty() || list.len() > MAX_ENDPOINTS {
                let message = format!("`endpoints` has 1 to {MAX_ENDPOINTS} entries");
                lower.report.error(span, message).help("add `{ url: http://…, weight: 1 }`");
            }
            for syntax::Endpoint { span, url: leaf, weight } in list.iter().take(MAX_ENDPOINTS) {
                let weight = lower.number(weight, 0..=1_000_000);
                let weight = weight.and_then(|weight| u32::try_from(weight).ok()).unwrap_or(1);
                let Some(leaf) = lower.required(leaf, span, "endpoints", "url") else { continue };
                endpoints.extend(url(leaf, lower).map(|url| Endpoint { url, weight }));
            }
        }
        (None, None) => {
            lower
                .report
                .error(&upstream.span, "`upstream` does not say where the service is")
                .help("add `url: http://127.0.0.1:3000`");
        }
    }
    let usual = Upstream::new("");
    let hosts = [("preserve", HostRule::Preserve), ("upstream", HostRule::Upstream)];
    let host = lower.word(&upstream.host, "routes[].upstream.host", &hosts).unwrap_or_default();
    let timeout = lower.duration(&upstream.timeout, MILLISECOND..=HOUR).unwrap_or(usual.timeout);
    let idle_timeout =
        lower.duration(&upstream.idle_timeout, MILLISECOND..=HOUR * 24).unwrap_or(usual.idle_timeout);
    let connections_max =
        lower.number(&upstream.connections_max, 1..=1_000_000).unwrap_or(usual.connections_max);
    let ca_file = lower.path(upstream.ca_file.as_ref());
    if endpoints.is_empty() {
        return None;
    }
    if endpoints.iter().all(|endpoint| endpoint.weight == 0) {
        lower
            .report
            .warning(&upstream.span, "every weight is 0: requests get 503 `no_target`")
            .help("give one endpoint a weight above 0");
    }
    Some(Upstream { endpoints, host, timeout, idle_timeout, connections_max, ca_file })
}

fn url(leaf: &Leaf, lower: &mut Lower<'_>) -> Option<String> {
    match values::endpoint(&leaf.text) {
        Ok(url) => Some(url),
        Err(reason) => {
            let help = "write the service's base URL, as `http://127.0.0.1:3000`";
            lower.wrong(leaf, format!("is not a base URL: {reason}"), help);
            None
        }
    }
}

/// An answer that sends the client elsewhere.
pub fn redirect(redirect: &syntax::Redirect, matched: Option<&PathMatch>, lower: &mut Lower<'_>) -> Redirect {
    let schemes = [("http", Scheme::Http), ("https", Scheme::Https)];
    let path = path_rewrite(&redirect.path, &redirect.prefix, matched, lower);
    let to = Redirect {
        scheme: lower.word(&redirect.scheme, "routes[].redirect.scheme", &schemes),
        host: redirect.host.as_ref().and_then(|leaf| changes::host(leaf, false, lower)),
        port: lower.number(&redirect.port, 1..=65535).and_then(|port| u16::try_from(port).ok()),
        path,
        status: status(&redirect.status, lower).unwrap_or(302),
    };
    let keys = [&redirect.scheme, &redirect.host, &redirect.port, &redirect.path, &redirect.prefix];
    if keys.iter().all(|leaf| leaf.is_none()) {
        lower
            .report
            .error(&redirect.span, "this redirect leads to where the request came from")
            .help("add `scheme`, `host`, `port`, `path` or `prefix`");
    }
    to
}

/// That of a redirect.
pub fn status(leaf: &Option<Leaf>, lower: &mut Lower<'_>) -> Option<u16> {
    let status = lower.number(leaf, 300..=399)?;
    if !STATUSES.contains(&status)
        && let Some(leaf) = leaf
    {
        lower.wrong(leaf, "is not the status of a redirect", "write 301, 302, 303, 307 or 308");
    }
    u16::try_from(status).ok()
}
