//! What a runway route does beside choosing its target: HTTP backends, rewrites, limits, headers, answers of its own.
//!
//! Sources: runway's configuration reference, and its documents on URL rewriting and rate limiting.

use std::time::Duration;

use lambridge_model::{
    Endpoint, HeaderChanges, HostRule, PathMatch, Policies, RateKey, RateLimit, Rewrite, StaticAnswer,
    Upstream,
};

use super::switch;
use crate::changes::{self, Direction, MAX_HEADERS};
use crate::leaf::Lower;
use crate::reader::Leaf;
use crate::runway::syntax::{self, Backends, Headers};
use crate::values;

/// Servers of one route.
const MAX_BACKENDS: usize = 256;
const MILLISECOND: Duration = Duration::from_millis(1);
const LONGEST: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// `matched` is the route's path; `proxied` says that backends answer, to whom alone rewrites apply.
pub fn policies(
    route: &syntax::Route,
    name: &str,
    matched: Option<&PathMatch>,
    proxied: bool,
    lower: &mut Lower<'_>,
) -> Policies {
    let middleware = &route.middleware;
    Policies {
        rewrite: rewrite(middleware, name, matched, proxied, lower),
        request_headers: headers(&middleware.request, Direction::Request, lower),
        answer_headers: headers(&middleware.response, Direction::Answer, lower),
        rate_limit: middleware.rate_limit.as_ref().and_then(|limit| rate_limit(limit, name, lower)),
        // 0 is none of its own there.
        body_max: lower.number(&middleware.max_body_size, 0..=1 << 40).filter(|max| *max > 0),
    }
}

fn rewrite(
    middleware: &syntax::Middleware,
    name: &str,
    matched: Option<&PathMatch>,
    proxied: bool,
    lower: &mut Lower<'_>,
) -> Rewrite {
    let strip = switch(&middleware.strip_prefix, false, lower);
    let written = middleware.rewrite.as_ref();
    if !proxied {
        let stripped = middleware.strip_prefix.as_ref().filter(|_| strip).map(|leaf| &leaf.span);
        for (key, span) in [("strip_prefix", stripped), ("rewrite", written.map(|rewrite| &rewrite.span))] {
            if let Some(span) = span {
                lower
                    .report
                    .warning(span, format!("{name}: `{key}` is ignored"))
                    .help("runway applies it to proxied routes only, and a Lambda route is none");
            }
        }
        return Rewrite::default();
    }
    let prefix = written.and_then(|rewrite| rewrite.prefix.as_ref()).filter(|leaf| !leaf.text.is_empty());
    if let (true, Some(leaf)) = (strip, prefix) {
        let message = format!("{name}: rewrite.prefix and strip_prefix are mutually exclusive");
        lower.report.error(&leaf.span, message).help("keep one of them");
    }
    let path = match (prefix, strip) {
        (Some(leaf), _) => changes::prefix(leaf, matched, lower),
        (None, true) => match matched {
            Some(PathMatch::Prefix(_) | PathMatch::PrefixTemplate(_)) => {
                Some(lambridge_model::PathRewrite::Prefix("/".to_owned()))
            }
            // The whole path is the prefix there, and nothing is left of it.
            _ => "/".parse().ok().map(lambridge_model::PathRewrite::Path),
        },
        (None, false) => None,
    };
    let host = written.and_then(|rewrite| rewrite.host.as_ref()).filter(|leaf| !leaf.text.is_empty());
    Rewrite { path, host: host.and_then(|leaf| changes::host(leaf, true, lower)) }
}

fn headers(headers: &Headers, direction: Direction, lower: &mut Lower<'_>) -> HeaderChanges {
    let mut out = HeaderChanges::default();
    let names = headers.add.iter().chain(&headers.set).map(|(name, _)| name).chain(&headers.remove);
    if let Some(leaf) = names.skip(MAX_HEADERS).min_by_key(|leaf| leaf.span.line) {
        lower.report.error(&leaf.span, format!("a route changes {MAX_HEADERS} headers at most"));
        return out;
    }
    for (pairs, list) in [(&headers.set, &mut out.set), (&headers.add, &mut out.add)] {
        for (name, value) in pairs {
            if value.text.contains('$') {
                let message = "has a variable, which is not supported yet";
                lower.wrong(value, message, "write a fixed value, or set the header in the function");
                continue;
            }
            let value = changes::header_value(value, lower);
            let name = changes::header_name(name, direction, lower);
            list.extend(name.zip(value));
        }
    }
    out.remove =
        headers.remove.iter().filter_map(|name| changes::header_name(name, direction, lower)).collect();
    out
}

fn rate_limit(limit: &syntax::RateLimit, name: &str, lower: &mut Lower<'_>) -> Option<RateLimit> {
    if !switch(&limit.enabled, false, lower) {
        return None;
    }
    lower.word(&limit.mode, "routes[].rate_limit.mode", &[("local", ()), ("", ())]);
    lower.word(&limit.algorithm, "routes[].rate_limit.algorithm", &[("token_bucket", ()), ("", ())]);
    let per_ip = switch(&limit.per_ip, false, lower);
    let key = limit.key.as_ref().filter(|leaf| !leaf.text.is_empty());
    if let (true, Some(leaf)) = (per_ip, key) {
        let message = format!("{name}: rate_limit.key and rate_limit.per_ip are mutually exclusive");
        lower.report.error(&leaf.span, message).help("keep one of them");
    }
    // Without a word on it runway counts by client, too, which is the address where no one is signed in.
    let by = key.map_or(Some(RateKey::Ip), |leaf| rate_key(leaf, lower));
    let leaf = lower.required(&limit.rate, &limit.span, "rate_limit", "rate").cloned()?;
    let number = |leaf: &Option<Leaf>, lower: &mut Lower<'_>| {
        lower.number(leaf, 0..=1_000_000).and_then(|number| u32::try_from(number).ok())
    };
    let rate = number(&Some(leaf.clone()), lower)?;
    if rate == 0 {
        lower.wrong(&leaf, "lets no request through", "write how many requests each period has");
        return None;
    }
    let burst = number(&limit.burst, lower).filter(|burst| *burst > 0).unwrap_or(rate);
    let period = lower.go_duration(&limit.period, Duration::ZERO..=DAY).filter(|period| !period.is_zero());
    let period = period.unwrap_or(Duration::from_secs(60));
    Some(RateLimit { rate, period, burst, by: by? })
}

/// `ip`, `header:NAME`, `cookie:NAME`.
fn rate_key(leaf: &Leaf, lower: &mut Lower<'_>) -> Option<RateKey> {
    match leaf.text.split_once(':') {
        None if leaf.text == "ip" => return Some(RateKey::Ip),
        Some(("header", name)) if values::is_token(name) => {
            return Some(RateKey::Header(name.to_ascii_lowercase()));
        }
        Some(("cookie", name)) if values::is_token(name) => return Some(RateKey::Cookie(name.to_owned())),
        Some(("jwt_claim", _)) | None if !leaf.text.is_empty() => {
            let help = "count by `ip`, `header:NAME` or `cookie:NAME`; who is signed in is not known here";
            lower.wrong(leaf, "is not supported yet", help);
        }
        _ => lower.wrong(leaf, "is not a key to count by", "write `ip`, `header:NAME` or `cookie:NAME`"),
    }
    None
}

/// Backends as a service. The client's `Host` goes on as `X-Forwarded-Host`, as in runway.
pub fn upstream(
    backends: &Backends,
    route: &syntax::Route,
    name: &str,
    lower: &mut Lower<'_>,
) -> Option<Upstream> {
    let words = [("round_robin", ()), ("", ())];
    lower.word(&route.middleware.load_balancer, "routes[].load_balancer", &words);
    let mut endpoints = Vec::new();
    if backends.list.len() > MAX_BACKENDS {
        lower.report.error(&backends.span, format!("{name}: there are {MAX_BACKENDS} backends at most"));
    }
    for backend in backends.list.iter().take(MAX_BACKENDS) {
        let weight = lower.number(&backend.weight, 0..=100).and_then(|weight| u32::try_from(weight).ok());
        let Some(leaf) = lower.required(&backend.url, &backend.span, "backends", "url") else { continue };
        match values::endpoint(&leaf.text) {
            // A weight of 0 is one that was not written there.
            Ok(url) => endpoints.push(Endpoint { url, weight: weight.filter(|w| *w > 0).unwrap_or(1) }),
            Err(reason) => {
                let help = "write the server's base URL, as `http://127.0.0.1:3000`";
                lower.wrong(leaf, format!("is not a base URL: {reason}"), help);
            }
        }
    }
    if endpoints.is_empty() {
        return None;
    }
    let usual = Upstream::new("");
    // The bounds on one attempt and on the head are both bounds on the wait for the head.
    let waits = [&route.timeout, &route.backend_timeout, &route.header_timeout, &route.proxy_timeout];
    let bounds = waits
        .map(|leaf| lower.go_duration(leaf, Duration::ZERO..=LONGEST).filter(|bound| *bound >= MILLISECOND));
    let timeout = bounds.into_iter().flatten().min().unwrap_or(usual.timeout);
    let idle = lower.go_duration(&route.idle_timeout, Duration::ZERO..=DAY).filter(|idle| !idle.is_zero());
    let idle_timeout = idle.unwrap_or(usual.idle_timeout);
    Some(Upstream { endpoints, host: HostRule::Upstream, timeout, idle_timeout, ..usual })
}

/// An answer of the route's own, if it is on.
pub fn mock(route: &syntax::Route, lower: &mut Lower<'_>) -> Option<StaticAnswer> {
    let mock = route.middleware.mock.as_ref().filter(|mock| switch(&mock.enabled, false, lower))?;
    let status = lower.number(&mock.status_code, 200..=599).and_then(|status| u16::try_from(status).ok());
    let pairs = mock.headers.iter().filter_map(|(name, value)| {
        let value = changes::header_value(value, lower);
        changes::header_name(name, Direction::Answer, lower).zip(value)
    });
    let headers = pairs.collect();
    let body = mock.body.as_ref().map(|leaf| leaf.text.clone().into_bytes()).unwrap_or_default();
    let status = status.unwrap_or(200);
    if !body.is_empty() && matches!(status, 204 | 205 | 304) {
        lower
            .report
            .error(&mock.span, format!("an answer with status {status} has no body"))
            .help("remove `body`, or choose another status");
    }
    Some(StaticAnswer { status, headers, body })
}
