//! What a function does when calls of it fail: `retries`, `concurrency`, `breaker`, `failover`.

use std::time::Duration;

use lambridge_model::{Breaker, Concurrency, Credentials, Failover, Retries, RetryBudget, RetryOn};
use lambridge_wire::name::FunctionName;

use super::{HOUR, MILLISECOND};
use crate::leaf::Lower;
use crate::native::syntax;

pub fn retries(function: &syntax::Function, lower: &mut Lower<'_>) -> Retries {
    let on = [("safe", RetryOn::Safe), ("sdk", RetryOn::Sdk)];
    let usual = Retries::default();
    let max = lower.number(&function.retries_max, 0..=10).and_then(|max| u32::try_from(max).ok());
    let per_second = lower.number(&function.retries_per_second, 0..=1_000_000);
    Retries {
        max: max.unwrap_or(usual.max),
        on: lower.word(&function.retries_on, "functions.*.retries.on", &on).unwrap_or_default(),
        budget: RetryBudget {
            ratio: lower.percent(&function.retries_ratio).unwrap_or(usual.budget.ratio),
            min_per_second: per_second
                .and_then(|count| u32::try_from(count).ok())
                .unwrap_or(usual.budget.min_per_second),
        },
    }
}

pub fn concurrency(concurrency: Option<&syntax::Concurrency>, lower: &mut Lower<'_>) -> Concurrency {
    let usual = Concurrency::default();
    let Some(concurrency) = concurrency else { return usual };
    let max = lower.number(&concurrency.max, 1..=1_000_000).unwrap_or(usual.max);
    let min = lower.number(&concurrency.min, 1..=1_000_000);
    let adaptive = lower.bool(&concurrency.adaptive).unwrap_or_default();
    match &concurrency.min {
        Some(leaf) if !adaptive => {
            let help = "remove it, or add `adaptive: true`";
            lower.report.error(&leaf.span, "`min` counts only with `adaptive: true`").help(help);
        }
        Some(leaf) if min.is_some_and(|min| min > max) => {
            let help = format!("write a number up to {max}");
            lower.wrong(leaf, "is larger than `max`", &help);
        }
        _ => {}
    }
    Concurrency {
        max,
        queue: lower.number(&concurrency.queue, 0..=1_000_000).unwrap_or(usual.queue),
        wait: lower.duration(&concurrency.wait, Duration::ZERO..=HOUR).unwrap_or(usual.wait),
        adaptive: adaptive.then(|| min.unwrap_or(1)),
    }
}

pub fn breaker(breaker: &syntax::Breaker, lower: &mut Lower<'_>) -> Breaker {
    let usual = Breaker::default();
    let errors = lower.percent(&breaker.errors);
    if let (Some(leaf), Some(share)) = (&breaker.errors, errors)
        && share.ratio() == 0.0
    {
        lower.wrong(leaf, "would open at every call", "write a share above 0%");
    }
    let min_calls =
        lower.number(&breaker.min_calls, 1..=1_000_000).and_then(|count| u32::try_from(count).ok());
    Breaker {
        errors: errors.unwrap_or(usual.errors),
        over: lower.duration(&breaker.over, MILLISECOND * 100..=HOUR).unwrap_or(usual.over),
        min_calls: min_calls.unwrap_or(usual.min_calls),
        open: lower.duration(&breaker.open, MILLISECOND..=HOUR).unwrap_or(usual.open),
        function_errors: lower.bool(&breaker.function_errors).unwrap_or_default(),
    }
}

/// It bounds one place for the sake of the next, and so must leave it time.
pub fn attempt_timeout(
    function: &syntax::Function,
    timeout: Duration,
    lower: &mut Lower<'_>,
) -> Option<Duration> {
    let leaf = function.attempt_timeout.as_ref()?;
    let bound = lower.duration(&function.attempt_timeout, MILLISECOND..=HOUR)?;
    if function.failover.is_empty() {
        lower.wrong(leaf, "bounds nothing: there is no other place", "add `failover`, or use `timeout`");
    }
    if bound >= timeout {
        lower.wrong(
            leaf,
            "leaves no time for another place",
            "write less than `timeout`, which is 30s when absent",
        );
    }
    Some(bound)
}

/// `own` and `home` are the function's name and region; `caller` its credentials, and those that a role is assumed with.
pub fn failover(
    place: &syntax::Failover,
    own: Option<&FunctionName>,
    home: Option<&str>,
    (caller, base): (&Credentials, &Credentials),
    lower: &mut Lower<'_>,
) -> Option<Failover> {
    let leaf = lower.required(&place.region, &place.span, "failover", "region").cloned();
    let region = lower.region(&leaf);
    let endpoint = lower.endpoint(&place.endpoint);
    if let (Some(leaf), Some(region), None) = (&leaf, &region, &endpoint)
        && Some(region.as_str()) == home
    {
        let help = "write another region, or the `endpoint` of another place in this one";
        lower.wrong(leaf, "is the function's own region", help);
    }
    let name = match &place.name {
        None => own.zip(region.as_deref()).map(|(own, region)| own.in_region(region)),
        Some(leaf) => match leaf.text.parse::<FunctionName>() {
            Ok(name) => Some(name),
            Err(error) => {
                let help = "write a name, `name:qualifier`, an ARN or a partial ARN";
                lower.wrong(leaf, format!("is not a function name: {}", error.reason), help);
                None
            }
        },
    };
    if let (Some(leaf), Some(region), Some(named)) =
        (&place.name, &region, name.as_ref().and_then(FunctionName::region))
        && named != region
    {
        lower.wrong(leaf, format!("is not in `{region}`"), "write the ARN of that region");
    }
    let credentials = match &place.credentials {
        Some(credentials) => lower.credentials(credentials, base),
        None => caller.clone(),
    };
    Some(Failover { region: region?, endpoint, name: name?, credentials })
}
