//! `filters` of a rule: what is done to its requests and answers, or that they are sent elsewhere.
//!
//! Each kind once, a rewrite and a redirect never together, and no backends beside a redirect. A prefix can only be
//! replaced where one was matched. Source: Gateway API 1.6, `HTTPRouteFilter`.

use lambridge_model::{HeaderChanges, Matcher, PathRewrite, Policies, Redirect, Scheme};

use crate::changes::{self, Direction};
use crate::kubernetes::syntax::gateway_api::{Filter, HeaderFilter, PathModifier, RedirectFilter, Rule};
use crate::leaf::Lower;

/// The kinds that are served here.
const KINDS: [(&str, Kind); 4] = [
    ("RequestHeaderModifier", Kind::Request),
    ("ResponseHeaderModifier", Kind::Answer),
    ("RequestRedirect", Kind::Redirect),
    ("URLRewrite", Kind::Rewrite),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Request,
    Answer,
    Redirect,
    Rewrite,
}

/// What the filters of a rule come to; the redirect is its target then.
pub fn lower(rule: &Rule, matchers: &[Matcher], lower: &mut Lower<'_>) -> (Policies, Option<Redirect>) {
    let (mut policies, mut to) = (Policies::default(), None);
    let mut seen: Vec<Kind> = Vec::new();
    for filter in &rule.filters {
        if lower.required(&filter.kind, &filter.span, "filters", "type").is_none() {
            continue;
        }
        let Some(kind) = lower.word(&filter.kind, "spec.rules[].filters[].type", &KINDS) else { continue };
        if seen.contains(&kind) {
            lower.report.error(&filter.span, "this kind of filter stands twice").help("write one of them");
        }
        seen.push(kind);
        let whole = match kind {
            Kind::Request => headers(filter, &filter.request_headers, Direction::Request, lower)
                .map(|found| policies.request_headers = found),
            Kind::Answer => headers(filter, &filter.response_headers, Direction::Answer, lower)
                .map(|found| policies.answer_headers = found),
            Kind::Rewrite => filter.rewrite.as_ref().map(|(host, path)| {
                policies.rewrite.path = path.as_ref().and_then(|path| path_of(path, matchers, lower));
                policies.rewrite.host = host.as_ref().and_then(|leaf| changes::host(leaf, false, lower));
            }),
            Kind::Redirect => {
                filter.redirect.as_ref().map(|found| to = Some(redirect(found, matchers, lower)))
            }
        };
        if whole.is_none() {
            lower
                .report
                .error(&filter.span, "the settings of this filter are missing")
                .help("write them below the key that is named like its type");
        }
    }
    if seen.contains(&Kind::Rewrite) && seen.contains(&Kind::Redirect) {
        lower
            .report
            .error(&rule.span, "`URLRewrite` and `RequestRedirect` exclude each other")
            .help("keep one of them");
    }
    if to.is_some() {
        if let Some((span, _)) = rule.backends.as_ref().filter(|(_, backends)| !backends.is_empty()) {
            lower
                .report
                .error(span, "a rule that redirects has no backends")
                .help("remove `backendRefs`, or the filter");
        }
        // No one sees the request.
        policies.rewrite = lambridge_model::Rewrite::default();
        policies.request_headers = HeaderChanges::default();
    }
    (policies, to)
}

fn headers(
    filter: &Filter,
    found: &Option<HeaderFilter>,
    direction: Direction,
    lower: &mut Lower<'_>,
) -> Option<HeaderChanges> {
    let found = found.as_ref()?;
    let mut out = HeaderChanges::default();
    for (pairs, list) in [(&found.set, &mut out.set), (&found.add, &mut out.add)] {
        for pair in pairs {
            let name = lower.required(&pair.name, &pair.span, "headers", "name");
            let value = lower.required(&pair.value, &pair.span, "headers", "value");
            let name = name.and_then(|leaf| changes::header_name(leaf, direction, lower));
            let value = value.and_then(|leaf| changes::header_value(leaf, lower));
            list.extend(name.zip(value));
        }
    }
    out.remove =
        found.remove.iter().filter_map(|leaf| changes::header_name(leaf, direction, lower)).collect();
    // Source: the bounds of the definition.
    if [out.set.len(), out.add.len(), out.remove.len()].iter().any(|length| *length > 16) {
        lower.report.error(&filter.span, "a filter changes 16 headers of each sort at most");
    }
    Some(out)
}

/// The path, checked against every match of the rule.
fn path_of(path: &PathModifier, matchers: &[Matcher], lower: &mut Lower<'_>) -> Option<PathRewrite> {
    let kinds = [("ReplaceFullPath", false), ("ReplacePrefixMatch", true)];
    lower.required(&path.kind, &path.span, "path", "type")?;
    let words = path.words;
    let is_prefix = lower.word(&path.kind, words, &kinds)?;
    let (name, leaf) = match is_prefix {
        false => ("replaceFullPath", &path.full),
        true => ("replacePrefixMatch", &path.prefix),
    };
    let leaf = lower.required(leaf, &path.span, "path", name)?;
    let one = |matcher: &Matcher, lower: &mut Lower<'_>| match is_prefix {
        false => changes::whole_path(leaf, Some(&matcher.path), lower),
        true => changes::prefix(leaf, Some(&matcher.path), lower),
    };
    matchers.iter().map(|matcher| one(matcher, lower)).last().flatten()
}

fn redirect(found: &RedirectFilter, matchers: &[Matcher], lower: &mut Lower<'_>) -> Redirect {
    let schemes = [("http", Scheme::Http), ("https", Scheme::Https)];
    let scheme = lower.word(&found.scheme, "spec.rules[].filters[].requestRedirect.scheme", &schemes);
    let path = found.path.as_ref().and_then(|path| path_of(path, matchers, lower));
    let status = lower.number(&found.status, 300..=399).and_then(|status| u16::try_from(status).ok());
    if let (Some(leaf), Some(status)) = (&found.status, status)
        && ![301, 302, 303, 307, 308].contains(&status)
    {
        lower.wrong(leaf, "is not the status of a redirect", "write 301, 302, 303, 307 or 308");
    }
    Redirect {
        scheme,
        host: found.host.as_ref().and_then(|leaf| changes::host(leaf, false, lower)),
        port: lower.number(&found.port, 1..=65535).and_then(|port| u16::try_from(port).ok()),
        path,
        status: status.unwrap_or(302),
    }
}
