//! `routes[].sticky`, `override` and `rollback`: how a weighted set chooses beside its weights.

use std::time::Duration;

use lambridge_model::{Canary, Rollback, Sticky, Target};

use crate::document::Span;
use crate::leaf::Lower;
use crate::native::syntax;
use crate::reader::Leaf;
use crate::values;

/// `sticky.max_age` when absent.
pub const MAX_AGE: Duration = Duration::from_secs(24 * 3600);

/// `target` is that of the route, if it could be read.
pub fn lower(route: &syntax::Route, target: Option<&Target>, lower: &mut Lower<'_>) -> Canary {
    let keys = [
        ("sticky", route.sticky.as_ref().map(|sticky| &sticky.span)),
        ("override", route.override_by.as_ref().map(|(span, _)| span)),
        ("rollback", route.rollback.as_ref().map(|rollback| &rollback.span)),
    ];
    let is_set = route.functions.is_some();
    for (key, span) in keys.iter().filter_map(|(key, span)| span.map(|span| (key, span))) {
        if target.is_some() && !is_set {
            lower
                .report
                .error(span, format!("`{key}` says how one of several functions is chosen, and this route has no `functions`"))
                .help("write the functions with their weights below `functions`, or remove it");
        }
    }
    let override_by = route.override_by.as_ref().and_then(|(span, leaf)| {
        let leaf = lower.required(leaf, span, "override", "header")?;
        header(leaf, lower)
    });
    let sticky = route.sticky.as_ref().and_then(|sticky| sticky_of(sticky, lower));
    let rollback = route.rollback.as_ref().and_then(|rollback| rollback_of(rollback, target, lower));
    Canary { sticky, override_by, rollback }
}

fn header(leaf: &Leaf, lower: &mut Lower<'_>) -> Option<String> {
    if !values::is_token(&leaf.text) {
        lower.wrong(leaf, "is not the name of a header", "letters, digits and `-`");
        return None;
    }
    Some(leaf.text.to_ascii_lowercase())
}

fn sticky_of(sticky: &syntax::Sticky, lower: &mut Lower<'_>) -> Option<Sticky> {
    let year = Duration::from_secs(365 * 24 * 3600);
    let max_age = lower.duration(&sticky.max_age, Duration::from_secs(1)..=year);
    match (&sticky.header, &sticky.cookie) {
        (Some(name), None) => {
            if let Some(leaf) = &sticky.max_age {
                lower
                    .report
                    .error(&leaf.span, "`max_age` is that of a cookie")
                    .help("remove it beside `header`");
            }
            header(name, lower).map(Sticky::Header)
        }
        (None, Some(name)) => {
            // RFC 6265 section 4.1.1: a token.
            if !values::is_token(&name.text) {
                lower.wrong(name, "is not the name of a cookie", "letters, digits, `-` and `_`");
                return None;
            }
            Some(Sticky::Cookie { name: name.text.clone(), max_age: max_age.unwrap_or(MAX_AGE) })
        }
        (Some(_), Some(cookie)) => {
            lower
                .report
                .error(&cookie.span, "`header` and `cookie` exclude each other")
                .help("a client is known by one of them");
            None
        }
        (None, None) => {
            lower
                .report
                .error(&sticky.span, "`sticky` does not say what a client is known by")
                .help("add `header` or `cookie`");
            None
        }
    }
}

fn rollback_of(
    rollback: &syntax::Rollback,
    target: Option<&Target>,
    lower: &mut Lower<'_>,
) -> Option<Rollback> {
    let function = lower.required(&rollback.function, &rollback.span, "rollback", "function").cloned();
    lower.required(&rollback.errors, &rollback.span, "rollback", "errors");
    let errors = lower.percent(&rollback.errors);
    if let (Some(leaf), Some(errors)) = (&rollback.errors, errors)
        && errors.ratio() == 0.0
    {
        lower.wrong(
            leaf,
            "is reached without a failure",
            "write the share at which the function has failed, as `5%`",
        );
    }
    let over = lower.duration(&rollback.over, Duration::from_secs(1)..=Duration::from_secs(3600));
    let min_calls = lower.number(&rollback.min_calls, 1..=1_000_000);
    let function = function?;
    if let Some(Target::Functions(shares)) = target {
        check_function(&function, shares, &rollback.span, lower);
    }
    Some(Rollback {
        function: function.text,
        errors: errors?,
        over: over.unwrap_or(Rollback::OVER),
        min_calls: min_calls.and_then(|calls| u32::try_from(calls).ok()).unwrap_or(Rollback::MIN_CALLS),
    })
}

/// The function is one of the set, and another is there to take its share.
fn check_function(leaf: &Leaf, shares: &[lambridge_model::Weighted], span: &Span, lower: &mut Lower<'_>) {
    if !shares.iter().any(|share| share.function == leaf.text) {
        lower.wrong(leaf, "is not among the functions of this route", "name one of them");
    } else if !shares.iter().any(|share| share.function != leaf.text && share.weight > 0) {
        lower
            .report
            .error(
                span,
                "no other function of this route has a weight: after a rollback it would answer nothing",
            )
            .help("add the function that clients go back to");
    }
}
