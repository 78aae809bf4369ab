//! `retries`, `concurrency`, `breaker` and `failover`, as their documents.

use lambridge_model::{Breaker, Concurrency, Function, Retries, RetryBudget, RetryOn};

use super::credentials;
use crate::native::print::Secrets;
use crate::native::print::yaml::Yaml;
use crate::values::show_duration;

pub fn print(key: &str, function: &Function, yaml: &mut Yaml, secrets: &mut Secrets<'_>) {
    if function.retries != Retries::default() {
        yaml.map("retries", |yaml| retries(function.retries, yaml));
    }
    if function.concurrency != Concurrency::default() {
        yaml.map("concurrency", |yaml| concurrency(function.concurrency, yaml));
    }
    if let Some(settings) = function.breaker {
        yaml.map("breaker", |yaml| breaker(settings, yaml));
    }
    if let Some(bound) = function.attempt_timeout {
        yaml.word("attempt_timeout", show_duration(bound));
    }
    let numbered: Vec<_> = function.failover.iter().enumerate().collect();
    yaml.list("failover", &numbered, |yaml, (index, place)| {
        yaml.text("region", &place.region);
        if let Some(endpoint) = &place.endpoint {
            yaml.text("endpoint", endpoint);
        }
        yaml.text("name", &place.name.to_string());
        if place.credentials != function.credentials {
            let owner = format!("{key}-failover-{}", index + 1);
            yaml.map("credentials", |yaml| credentials(&owner, &place.credentials, yaml, secrets));
        }
    });
}

fn retries(retries: Retries, yaml: &mut Yaml) {
    yaml.word("max", retries.max);
    if retries.on == RetryOn::Sdk {
        yaml.word("on", "sdk");
    }
    if retries.budget != RetryBudget::default() {
        yaml.map("budget", |yaml| {
            yaml.word("ratio", retries.budget.ratio);
            yaml.word("min_per_second", retries.budget.min_per_second);
        });
    }
}

fn concurrency(concurrency: Concurrency, yaml: &mut Yaml) {
    yaml.word("max", concurrency.max);
    yaml.word("queue", concurrency.queue);
    yaml.word("wait", show_duration(concurrency.wait));
    if let Some(min) = concurrency.adaptive {
        yaml.word("adaptive", true);
        yaml.word("min", min);
    }
}

fn breaker(breaker: Breaker, yaml: &mut Yaml) {
    yaml.word("errors", breaker.errors);
    yaml.word("over", show_duration(breaker.over));
    yaml.word("min_calls", breaker.min_calls);
    yaml.word("open", show_duration(breaker.open));
    yaml.word("function_errors", breaker.function_errors);
}
