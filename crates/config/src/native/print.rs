//! A model as a native document: the other direction of [`super::lower`].
//!
//! What is printed reads back as the same model, places aside, whatever dialect the model came from; the golden
//! folders of every dialect are held to that. Defaults are left out. Secrets are not written: the caller says what
//! stands in their place, usually a `${file:…}`.

mod canary;
mod function;
mod policies;
mod yaml;

use std::time::Duration;

use lambridge_model::{
    ConnectionSettings, Errors, FunctionFrom, Http2, Listener, LogFormat, LogLevel, Matcher, Model,
    NameSource, Otlp, OtlpProtocol, PathMatch, Protocol, Route, Scripts, Secret, StaticAnswer, Target,
    TraceFrom, ValueMatch,
};

use crate::values;
use yaml::Yaml;

/// Says what is written for a secret: whose it is (a function's key or `emulator`), which of its keys, and the secret.
pub type Secrets<'a> = dyn FnMut(&str, &str, &Secret) -> String + 'a;

/// Prints `model`.
pub fn print(model: &Model, secrets: &mut Secrets<'_>) -> String {
    let mut yaml = Yaml::default();
    yaml.word("lambridge", 1);
    yaml.list("listeners", &model.listeners, listener);
    if let Some(admin) = &model.admin {
        yaml.map("admin", |yaml| yaml.text("address", &admin.address.to_string()));
    }
    if model.connections != ConnectionSettings::default() {
        yaml.map("aws", |yaml| {
            yaml.map("connections", |yaml| {
                yaml.word("max", model.connections.max);
                match model.connections.protocol {
                    Protocol::Http1 => {}
                    Protocol::Http2 => yaml.word("protocol", "http2"),
                    Protocol::Auto => yaml.word("protocol", "auto"),
                }
            });
        });
    }
    if !model.functions.is_empty() {
        yaml.map("functions", |yaml| {
            for (key, function) in &model.functions {
                yaml.map(key, |yaml| function::print(key, function, yaml, secrets));
            }
        });
    }
    yaml.list("routes", &model.routes, route);
    settings(model, &mut yaml, secrets);
    yaml.finish()
}

fn listener(yaml: &mut Yaml, listener: &Listener) {
    yaml.text("address", &listener.address.to_string());
    if let Some(tls) = &listener.tls {
        yaml.map("tls", |yaml| {
            yaml.text("cert_file", &tls.cert_file.to_string_lossy());
            yaml.text("key_file", &tls.key_file.to_string_lossy());
            if let Some(file) = &tls.client_ca_file {
                yaml.text("client_ca_file", &file.to_string_lossy());
            }
        });
    }
    match listener.http2 {
        Http2::Auto => {}
        Http2::Cleartext => yaml.word("http2", "cleartext"),
        Http2::Off => yaml.word("http2", "\"off\""),
    }
    if !listener.hosts.is_empty() {
        yaml.texts("hosts", listener.hosts.iter().map(String::as_str));
    }
    if let Some(redirect) = &listener.https_redirect {
        yaml.map("https_redirect", |yaml| {
            yaml.word("port", redirect.port);
            yaml.word("status", redirect.status);
        });
    }
    errors(yaml, listener.errors);
}

fn errors(yaml: &mut Yaml, errors: Errors) {
    match errors {
        Errors::Native => {}
        Errors::Runway => yaml.word("errors", "runway"),
        Errors::Krakend => yaml.word("errors", "krakend"),
        Errors::Envoy => yaml.word("errors", "envoy"),
    }
}

fn route(yaml: &mut Yaml, route: &Route) {
    yaml.text("id", &route.id);
    yaml.map("match", |yaml| matcher(yaml, &route.matcher));
    match &route.target {
        Target::Functions(shares) => match &shares[..] {
            [one] if one.weight == 1 => yaml.text("function", &one.function),
            shares => yaml.list("functions", shares, |yaml, share| {
                yaml.text("name", &share.function);
                yaml.word("weight", share.weight);
            }),
        },
        Target::FunctionFrom(from) => yaml.map("function_from", |yaml| function_from(yaml, from)),
        Target::Upstream(upstream) => yaml.map("upstream", |yaml| policies::upstream(yaml, upstream)),
        Target::Redirect(redirect) => yaml.map("redirect", |yaml| policies::redirect(yaml, redirect)),
        Target::Static(answer) => yaml.map("static", |yaml| static_answer(yaml, answer)),
    }
    canary::print(&route.canary, yaml);
    if !route.listeners.is_empty() {
        let addresses: Vec<String> = route.listeners.iter().map(ToString::to_string).collect();
        yaml.texts("listeners", addresses.iter().map(String::as_str));
    }
    if route.order != 0 {
        yaml.word("order", route.order);
    }
    if let Some(scripts) = &route.scripts {
        yaml.map("scripts", |yaml| scripts_of(yaml, scripts));
    }
    policies::policies(yaml, &route.policies);
    errors(yaml, route.errors);
}

fn matcher(yaml: &mut Yaml, matcher: &Matcher) {
    if let Some(host) = &matcher.host {
        yaml.text("host", host);
    }
    match &matcher.path {
        PathMatch::Template(template) => yaml.text("path", template.as_str()),
        PathMatch::Prefix(prefix) => yaml.text("path_prefix", prefix),
        PathMatch::PrefixTemplate(prefix) => yaml.text("path_prefix", prefix.as_str()),
        PathMatch::Regex(regex) => yaml.text("path_regex", regex),
    }
    if !matcher.methods.is_empty() {
        yaml.texts("methods", matcher.methods.iter().map(String::as_str));
    }
    conditions(yaml, "headers", &matcher.headers);
    conditions(yaml, "query", &matcher.query);
}

fn pairs(yaml: &mut Yaml, key: &str, pairs: &[(String, String)]) {
    if !pairs.is_empty() {
        yaml.map(key, |yaml| pairs.iter().for_each(|(name, value)| yaml.text(name, value)));
    }
}

fn conditions(yaml: &mut Yaml, key: &str, conditions: &[(String, ValueMatch)]) {
    if conditions.is_empty() {
        return;
    }
    yaml.map(key, |yaml| {
        for (name, value) in conditions {
            match value {
                ValueMatch::Exact(value) => yaml.text(name, value),
                ValueMatch::Regex(regex) => yaml.map(name, |yaml| yaml.text("regex", regex)),
                ValueMatch::Present(present) => yaml.map(name, |yaml| yaml.word("present", present)),
            }
        }
    });
}

/// The values of one name together.
fn multi_pairs(yaml: &mut Yaml, key: &str, pairs: &[(String, String)]) {
    if pairs.is_empty() {
        return;
    }
    yaml.map(key, |yaml| {
        let mut written: Vec<&str> = Vec::new();
        for (name, value) in pairs {
            if written.contains(&name.as_str()) {
                continue;
            }
            written.push(name);
            let same = pairs.iter().filter(|(other, _)| other == name);
            let values: Vec<&str> = same.map(|(_, value)| &**value).collect();
            if values.len() == 1 { yaml.text(name, value) } else { yaml.texts(name, values) }
        }
    });
}

fn function_from(yaml: &mut Yaml, from: &FunctionFrom) {
    match &from.source {
        NameSource::Path(name) => yaml.text("path", name),
        NameSource::Header(name) => yaml.text("header", name),
        NameSource::Query(name) => yaml.text("query", name),
    }
    yaml.text("function", &from.function);
    yaml.texts("allow", from.allow.iter().map(String::as_str));
}

fn static_answer(yaml: &mut Yaml, answer: &StaticAnswer) {
    yaml.word("status", answer.status);
    multi_pairs(yaml, "headers", &answer.headers);
    if !answer.body.is_empty() {
        yaml.text("body", &String::from_utf8_lossy(&answer.body));
    }
}

fn scripts_of(yaml: &mut Yaml, scripts: &Scripts) {
    yaml.list("sources", &scripts.sources, |yaml, source| {
        yaml.text("name", &source.name);
        yaml.text("text", &source.text);
    });
    if let Some(code) = &scripts.pre {
        yaml.text("pre", code);
    }
    if let Some(code) = &scripts.post {
        yaml.text("post", code);
    }
    if scripts.open_libs {
        yaml.word("open_libs", true);
    }
}

fn settings(model: &Model, yaml: &mut Yaml, secrets: &mut Secrets<'_>) {
    let default = Model::default();
    let (limits, usual) = (&model.limits, &default.limits);
    if limits != usual {
        yaml.map("limits", |yaml| {
            let sizes = [
                ("head", limits.head, usual.head),
                ("body", limits.body, usual.body),
                ("buffered_total", limits.buffered_total, usual.buffered_total),
            ];
            for (key, value, usual) in sizes {
                if value != usual {
                    yaml.word(key, size(value));
                }
            }
            if limits.connections != usual.connections {
                yaml.word("connections", limits.connections);
            }
            let times = [
                ("head_timeout", limits.head_timeout, usual.head_timeout),
                ("body_timeout", limits.body_timeout, usual.body_timeout),
                ("idle", limits.idle, usual.idle),
            ];
            for (key, value, usual) in times {
                duration(yaml, key, value, usual);
            }
        });
    }
    if model.drain != default.drain {
        yaml.map("drain", |yaml| {
            duration(yaml, "delay", model.drain.delay, default.drain.delay);
            duration(yaml, "deadline", model.drain.deadline, default.drain.deadline);
        });
    }
    if model.log != default.log {
        yaml.map("log", |yaml| {
            let format = match model.log.format {
                LogFormat::Text => "text",
                LogFormat::Json => "json",
            };
            let level = match model.log.level {
                LogLevel::Off => "\"off\"",
                LogLevel::Error => "error",
                LogLevel::Warn => "warn",
                LogLevel::Info => "info",
                LogLevel::Debug => "debug",
            };
            yaml.word("format", format);
            yaml.word("level", level);
        });
    }
    if !model.trusted_proxies.is_empty() {
        let networks: Vec<String> = model.trusted_proxies.iter().map(ToString::to_string).collect();
        yaml.texts("trusted_proxies", networks.iter().map(String::as_str));
    }
    if let Some(otlp) = &model.telemetry {
        yaml.map("telemetry", |yaml| yaml.map("otlp", |yaml| telemetry(otlp, yaml, secrets)));
    }
    if model.trace != default.trace {
        yaml.map("trace", |yaml| {
            if model.trace.from == TraceFrom::Anyone {
                yaml.word("from", "anyone");
            }
            yaml.word("generate", model.trace.generate);
        });
    }
    if model.emulator != default.emulator {
        yaml.map("emulator", |yaml| {
            yaml.text("address", &model.emulator.address.to_string());
            if let Some((id, secret)) = &model.emulator.credentials {
                yaml.map("credentials", |yaml| {
                    yaml.text("access_key_id", id);
                    yaml.reference("secret_access_key", &secrets("emulator", "secret_access_key", secret));
                });
            }
        });
    }
}

fn telemetry(otlp: &Otlp, yaml: &mut Yaml, secrets: &mut Secrets<'_>) {
    if let Some(endpoint) = &otlp.endpoint {
        yaml.text("endpoint", endpoint);
    }
    if !otlp.headers.is_empty() {
        yaml.map("headers", |yaml| {
            for (name, value) in &otlp.headers {
                yaml.reference(name, &secrets("telemetry", name, value));
            }
        });
    }
    match otlp.protocol {
        None => {}
        Some(OtlpProtocol::Http) => yaml.word("protocol", "http/protobuf"),
        Some(OtlpProtocol::Grpc) => yaml.word("protocol", "grpc"),
    }
    if let Some(sample) = otlp.sample {
        yaml.text("sample", &sample.to_string());
    }
    // Never an empty map: that would be no `otlp` at all.
    yaml.word("traces", otlp.traces);
    yaml.word("metrics", otlp.metrics);
}

fn duration(yaml: &mut Yaml, key: &str, value: Duration, usual: Duration) {
    if value != usual {
        yaml.word(key, values::show_duration(value));
    }
}

/// As `values::size` reads it.
fn size(bytes: usize) -> String {
    let shown = values::show_size(bytes);
    if shown.contains(' ') { bytes.to_string() } else { shown }
}
