//! `sticky`, `override` and `rollback` of a route, as their document.

use lambridge_model::{Canary, Rollback, Sticky};

use super::duration;
use super::yaml::Yaml;
use crate::native::lower::canary::MAX_AGE;

pub fn print(canary: &Canary, yaml: &mut Yaml) {
    match &canary.sticky {
        None => {}
        Some(Sticky::Header(name)) => yaml.map("sticky", |yaml| yaml.text("header", name)),
        Some(Sticky::Cookie { name, max_age }) => yaml.map("sticky", |yaml| {
            yaml.text("cookie", name);
            duration(yaml, "max_age", *max_age, MAX_AGE);
        }),
    }
    if let Some(name) = &canary.override_by {
        yaml.map("override", |yaml| yaml.text("header", name));
    }
    if let Some(rule) = &canary.rollback {
        yaml.map("rollback", |yaml| {
            yaml.text("function", &rule.function);
            yaml.text("errors", &rule.errors.to_string());
            duration(yaml, "over", rule.over, Rollback::OVER);
            if rule.min_calls != Rollback::MIN_CALLS {
                yaml.word("min_calls", rule.min_calls);
            }
        });
    }
}
