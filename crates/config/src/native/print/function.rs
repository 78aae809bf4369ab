//! One entry of `functions`, as its document.

mod resilience;

use std::time::Duration;

use lambridge_model::{
    AnswerRule, AssumeRole, Credentials, Event, Function, Invocation, KrakendAnswer, KrakendEncoding, Prices,
    Program, Run, TenantId, Url, UrlAuth, UrlCors, UrlMode,
};

use super::yaml::Yaml;
use super::{Secrets, duration};
use crate::values::show_duration;

pub fn print(key: &str, function: &Function, yaml: &mut Yaml, secrets: &mut Secrets<'_>) {
    let usual = Function::new(function.name.clone());
    yaml.text("name", &function.name.to_string());
    let texts =
        [("qualifier", &function.qualifier), ("region", &function.region), ("endpoint", &function.endpoint)];
    for (key, value) in texts {
        if let Some(value) = value {
            yaml.text(key, value);
        }
    }
    let variants = [("use_fips", function.variant.fips), ("use_dualstack", function.variant.dualstack)];
    for (key, value) in variants {
        if let Some(value) = value {
            yaml.word(key, value);
        }
    }
    if function.credentials != Credentials::Default {
        yaml.map("credentials", |yaml| credentials(key, &function.credentials, yaml, secrets));
    }
    if let Some(tenant) = &function.tenant_id {
        let (place, text) = match tenant {
            TenantId::Value(text) => ("value", text),
            TenantId::Header(text) => ("header", text),
            TenantId::Path(text) => ("path", text),
        };
        yaml.map("tenant_id", |yaml| yaml.text(place, text));
    }
    if function.event != usual.event {
        yaml.word("event", function.event.name());
    }
    if let Event::Template(template) = &function.event {
        yaml.text("template", &template.text);
    }
    match &function.answer {
        AnswerRule::Proxy => {}
        AnswerRule::Raw => yaml.word("answer", "raw"),
        AnswerRule::GlooAlb => yaml.word("answer", "gloo_alb"),
        AnswerRule::GlooApiGateway => yaml.word("answer", "gloo_api_gateway"),
        AnswerRule::Krakend(rule) => {
            yaml.word("answer", "krakend");
            if **rule != KrakendAnswer::default() {
                yaml.map("krakend", |yaml| krakend(rule, yaml));
            }
        }
    }
    match function.invoke {
        Invocation::Sync => {}
        Invocation::Stream => yaml.word("invoke", "stream"),
        Invocation::Async => yaml.word("invoke", "async"),
        Invocation::DryRun => yaml.word("invoke", "dry_run"),
    }
    if function.discover {
        yaml.word("discover", true);
    }
    if let Some(types) = &function.binary_media_types {
        yaml.texts("binary_media_types", types.iter().map(String::as_str));
    }
    duration(yaml, "timeout", function.timeout, usual.timeout);
    duration(yaml, "idle_timeout", function.idle_timeout, usual.idle_timeout);
    if let Some(prices) = function.log_tail {
        yaml.word("log_tail", true);
        if prices != Prices::default() {
            yaml.map("prices", |yaml| {
                yaml.word("gb_second", prices.gb_second);
                yaml.word("request", prices.request);
            });
        }
    }
    resilience::print(key, function, yaml, secrets);
    if let Some(run) = &function.run {
        yaml.map("run", |yaml| run_of(run, yaml));
    }
}

fn krakend(rule: &KrakendAnswer, yaml: &mut Yaml) {
    if let Some(target) = &rule.target {
        yaml.text("target", target);
    }
    for (key, paths) in [("allow", &rule.allow), ("deny", &rule.deny)] {
        if !paths.is_empty() {
            yaml.texts(key, paths.iter().map(String::as_str));
        }
    }
    super::pairs(yaml, "mapping", &rule.mapping);
    if let Some(group) = &rule.group {
        yaml.text("group", group);
    }
    match rule.encoding {
        KrakendEncoding::Json => {}
        KrakendEncoding::JsonCollection => yaml.word("encoding", "json_collection"),
        KrakendEncoding::String => yaml.word("encoding", "string"),
        KrakendEncoding::NoOp => yaml.word("encoding", "no_op"),
    }
    duration(yaml, "cache_ttl", rule.cache_ttl, Duration::ZERO);
}

fn credentials(owner: &str, credentials: &Credentials, yaml: &mut Yaml, secrets: &mut Secrets<'_>) {
    match credentials {
        Credentials::Default => {}
        Credentials::Static { access_key_id, secret_access_key, session_token } => {
            yaml.text("access_key_id", access_key_id);
            yaml.reference("secret_access_key", &secrets(owner, "secret_access_key", secret_access_key));
            if let Some(token) = session_token {
                yaml.reference("session_token", &secrets(owner, "session_token", token));
            }
        }
        Credentials::Profile(profile) => yaml.text("profile", profile),
        Credentials::AssumeRole(role) => {
            // Roles on the way stand in `via`, the first one first, below them who assumes it.
            let mut via: Vec<&AssumeRole> = Vec::new();
            let mut base = &role.base;
            while let Credentials::AssumeRole(inner) = base {
                via.insert(0, inner);
                base = &inner.base;
            }
            self::credentials(owner, base, yaml, secrets);
            yaml.map("assume_role", |yaml| {
                assume_role(role, yaml);
                yaml.list("via", &via, |yaml, role| assume_role(role, yaml));
            });
        }
    }
}

fn assume_role(role: &AssumeRole, yaml: &mut Yaml) {
    yaml.text("arn", &role.arn);
    if let Some(id) = &role.external_id {
        yaml.text("external_id", id);
    }
    yaml.text("session_name", &role.session_name);
    if !role.tags.is_empty() {
        yaml.map("tags", |yaml| role.tags.iter().for_each(|(key, value)| yaml.text(key, value)));
    }
    if !role.transitive_tags.is_empty() {
        yaml.texts("transitive_tags", role.transitive_tags.iter().map(String::as_str));
    }
}

fn run_of(run: &Run, yaml: &mut Yaml) {
    settings(run, yaml);
    if !run.versions.is_empty() {
        yaml.map("versions", |yaml| {
            for (number, version) in &run.versions {
                yaml.map(number, |yaml| settings(version, yaml));
            }
        });
    }
    if !run.aliases.is_empty() {
        yaml.map("aliases", |yaml| run.aliases.iter().for_each(|(alias, version)| yaml.text(alias, version)));
    }
    if let Some(url) = &run.url {
        yaml.map("url", |yaml| url_of(url, yaml));
    }
}

fn url_of(url: &Url, yaml: &mut Yaml) {
    yaml.text("address", &url.address.to_string());
    if url.mode == UrlMode::ResponseStream {
        yaml.word("invoke_mode", "response_stream");
    }
    if url.auth == UrlAuth::AwsIam {
        yaml.word("auth_type", "aws_iam");
    }
    if let Some(cors) = &url.cors {
        yaml.map("cors", |yaml| cors_of(cors, yaml));
    }
}

fn cors_of(cors: &UrlCors, yaml: &mut Yaml) {
    yaml.word("allow_credentials", cors.allow_credentials);
    let lists = [
        ("allow_headers", &cors.allow_headers),
        ("allow_methods", &cors.allow_methods),
        ("allow_origins", &cors.allow_origins),
        ("expose_headers", &cors.expose_headers),
    ];
    for (key, values) in lists.into_iter().filter(|(_, values)| !values.is_empty()) {
        yaml.texts(key, values.iter().map(String::as_str));
    }
    yaml.word("max_age", show_duration(cors.max_age));
}

/// All of them: what a version leaves out would be taken from the function, not from the defaults.
fn settings(run: &Run, yaml: &mut Yaml) {
    let (key, words) = match &run.program {
        Program::Web(words) => ("web", words.as_slice()),
        Program::Command(words) => ("command", words.as_slice()),
        // The package names its program itself.
        Program::Packed => ("command", [].as_slice()),
    };
    if let (false, Ok(line)) = (words.is_empty(), shlex::try_join(words.iter().map(String::as_str))) {
        yaml.text(key, &line);
    }
    match &run.image {
        Some(image) => yaml.text("image", &image.to_string_lossy()),
        None => yaml.text("dir", &run.dir.to_string_lossy()),
    }
    if let Some(opt) = &run.opt {
        yaml.text("opt", &opt.to_string_lossy());
    }
    if let Some(handler) = &run.handler {
        yaml.text("handler", handler);
    }
    yaml.map("env", |yaml| run.env.iter().for_each(|(name, value)| yaml.text(name, value)));
    if run.port.is_none() {
        yaml.word("instances", run.instances);
    }
    yaml.word("timeout", show_duration(run.timeout));
    yaml.word("memory", run.memory);
    yaml.word("queue", run.queue);
    if let Some(port) = run.port {
        yaml.word("port", port);
    }
    yaml.word("concurrency", run.concurrency);
}
