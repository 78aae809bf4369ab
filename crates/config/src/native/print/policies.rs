//! What a route does beside choosing its target, as its document.

use lambridge_model::{
    HeaderChanges, HostRule, PathRewrite, Policies, RateKey, RateLimit, Redirect, Upstream,
};

use super::yaml::Yaml;
use super::{duration, size};

pub fn upstream(yaml: &mut Yaml, upstream: &Upstream) {
    let usual = Upstream::new("");
    match upstream.endpoints.as_slice() {
        [one] if one.weight == 1 => yaml.text("url", &one.url),
        endpoints => yaml.list("endpoints", endpoints, |yaml, endpoint| {
            yaml.text("url", &endpoint.url);
            yaml.word("weight", endpoint.weight);
        }),
    }
    if upstream.host == HostRule::Upstream {
        yaml.word("host", "upstream");
    }
    duration(yaml, "timeout", upstream.timeout, usual.timeout);
    duration(yaml, "idle_timeout", upstream.idle_timeout, usual.idle_timeout);
    if upstream.connections_max != usual.connections_max {
        yaml.map("connections", |yaml| yaml.word("max", upstream.connections_max));
    }
    if let Some(file) = &upstream.ca_file {
        yaml.text("ca_file", &file.to_string_lossy());
    }
}

pub fn redirect(yaml: &mut Yaml, redirect: &Redirect) {
    if let Some(scheme) = redirect.scheme {
        yaml.word("scheme", scheme.as_str());
    }
    if let Some(host) = &redirect.host {
        yaml.text("host", host);
    }
    if let Some(port) = redirect.port {
        yaml.word("port", port);
    }
    path(yaml, redirect.path.as_ref());
    yaml.word("status", redirect.status);
}

fn path(yaml: &mut Yaml, path: Option<&PathRewrite>) {
    match path {
        None => {}
        Some(PathRewrite::Path(template)) => yaml.text("path", template.as_str()),
        Some(PathRewrite::Prefix(prefix)) => yaml.text("prefix", prefix),
    }
}

pub fn policies(yaml: &mut Yaml, policies: &Policies) {
    let rewrite = &policies.rewrite;
    if rewrite.path.is_some() || rewrite.host.is_some() {
        yaml.map("rewrite", |yaml| {
            path(yaml, rewrite.path.as_ref());
            if let Some(host) = &rewrite.host {
                yaml.text("host", host);
            }
        });
    }
    headers(yaml, "request_headers", &policies.request_headers);
    headers(yaml, "answer_headers", &policies.answer_headers);
    if let Some(limit) = &policies.rate_limit {
        yaml.map("rate_limit", |yaml| rate_limit(yaml, limit));
    }
    if let Some(max) = policies.body_max {
        yaml.map("limits", |yaml| yaml.word("body", size(max)));
    }
}

fn headers(yaml: &mut Yaml, key: &str, changes: &HeaderChanges) {
    if changes.is_empty() {
        return;
    }
    yaml.map(key, |yaml| {
        super::pairs(yaml, "set", &changes.set);
        super::multi_pairs(yaml, "add", &changes.add);
        if !changes.remove.is_empty() {
            yaml.texts("remove", changes.remove.iter().map(String::as_str));
        }
    });
}

fn rate_limit(yaml: &mut Yaml, limit: &RateLimit) {
    yaml.word("rate", limit.rate);
    duration(yaml, "period", limit.period, std::time::Duration::from_secs(1));
    if limit.burst != limit.rate {
        yaml.word("burst", limit.burst);
    }
    match &limit.by {
        RateKey::Ip => {}
        RateKey::Route => yaml.word("by", "route"),
        RateKey::Header(name) => yaml.text("header", name),
        RateKey::Cookie(name) => yaml.text("cookie", name),
    }
}
