//! From the document's shape to model types, which cannot be wrong.
//!
//! Pure: text in, values out. What needs the other files (does that function exist?) is kept with its place in the
//! [`Part`] for [`crate::merge`]. A value that is wrong is reported and replaced by its default, so that one error
//! does not hide the next; with an error there is no model, so the default is never served.

pub mod canary;
mod credentials;
mod function;
mod log_tail;
mod policies;
mod route;
mod telemetry;
mod url;

use std::path::Path;
use std::time::Duration;

use lambridge_model::{
    Admin, ConnectionSettings, Credentials, Drain, EmulatorSettings, EndpointVariant, Errors, Http2,
    HttpsRedirect, Limits, Listener, Log, LogFormat, LogLevel, Prices, Protocol, Secret, Tls, TraceFrom,
    TraceSettings,
};

use super::support::TABLE;
use super::syntax;
use crate::document::Span;
use crate::leaf::Lower;
use crate::merge::{Part, PartFunction, PartRoute};
use crate::report::Report;

/// Whose error answers there are.
const ERRORS: [(&str, Errors); 4] = [
    ("native", Errors::Native),
    ("runway", Errors::Runway),
    ("krakend", Errors::Krakend),
    ("envoy", Errors::Envoy),
];

/// What `aws:` says for the functions of its file.
#[derive(Debug, Default, Clone)]
pub struct AwsDefaults {
    pub region: Option<String>,
    pub endpoint: Option<String>,
    pub variant: EndpointVariant,
    pub credentials: Credentials,
    pub prices: Prices,
}

/// Lowers all documents of one file; relative paths start at `folder`.
pub fn lower(documents: &[syntax::Document], folder: &Path, report: &mut Report) -> Part {
    let mut lower = Lower { folder, report, table: &TABLE };
    let mut part = Part::default();
    let aws = aws_defaults(documents, &mut part, &mut lower);
    for document in documents {
        part.listeners
            .extend(document.listeners.iter().filter_map(|listener| listener_of(listener, &mut lower)));
        for function in &document.functions {
            let span = function.key.span.clone();
            let key = function.key.text.clone();
            let lowered = function::lower(function, &aws, &mut lower);
            if let Some(url) = lowered.as_ref().and_then(|lowered| lowered.run.as_ref()?.url.as_ref()) {
                part.sockets.push(("a function URL", url.address, span.clone()));
            }
            part.functions.push(PartFunction { function: lowered, key, span });
        }
        let routes: Vec<PartRoute> =
            document.routes.iter().map(|route| route::lower(route, &mut lower)).collect();
        part.routes.extend(routes);
        settings(document, &mut part, &mut lower);
    }
    part.files.extend(part.routes.iter().filter_map(PartRoute::file));
    for listener in &part.listeners {
        if let Some(tls) = &listener.0.tls {
            part.files.extend([tls.cert_file.clone(), tls.key_file.clone()]);
            part.files.extend(tls.client_ca_file.clone());
        }
    }
    part
}

fn aws_defaults(documents: &[syntax::Document], part: &mut Part, lower: &mut Lower<'_>) -> AwsDefaults {
    let mut found = documents.iter().filter_map(|document| document.aws.as_ref());
    let Some(aws) = found.next() else { return AwsDefaults::default() };
    for second in found {
        lower
            .report
            .error(&second.span, format!("`aws` stands twice in this file: first at {}", aws.span))
            .help("`aws` counts for the whole file; write it once");
    }
    if let Some(connections) = &aws.connections {
        let protocols = [("http1", Protocol::Http1), ("http2", Protocol::Http2), ("auto", Protocol::Auto)];
        let usual = ConnectionSettings::default();
        let value = ConnectionSettings {
            max: lower.number(&connections.max, 1..=1_000_000).unwrap_or(usual.max),
            protocol: lower
                .word(&connections.protocol, "aws.connections.protocol", &protocols)
                .unwrap_or_default(),
        };
        part.connections.push((value, connections.span.clone()));
    }
    AwsDefaults {
        region: lower.region(&aws.region),
        endpoint: lower.endpoint(&aws.endpoint),
        variant: EndpointVariant {
            fips: lower.bool(&aws.use_fips),
            dualstack: lower.bool(&aws.use_dualstack),
        },
        credentials: match &aws.credentials {
            Some(credentials) => lower.credentials(credentials, &Credentials::Default),
            None => Credentials::Default,
        },
        prices: log_tail::prices(aws.prices.as_ref(), Prices::default(), lower),
    }
}

fn listener_of(listener: &syntax::Listener, lower: &mut Lower<'_>) -> Option<(Listener, Span)> {
    let tls = listener.tls.as_ref().and_then(|tls| {
        let cert_file = lower.required(&tls.cert_file, &tls.span, "tls", "cert_file");
        let cert_file = lower.path(cert_file);
        let key_file = lower.required(&tls.key_file, &tls.span, "tls", "key_file");
        let key_file = lower.path(key_file);
        let client_ca_file = lower.path(tls.client_ca_file.as_ref());
        Some(Tls { cert_file: cert_file?, key_file: key_file?, client_ca_file })
    });
    let errors = lower.word(&listener.errors, "listeners[].errors", &ERRORS).unwrap_or_default();
    let address = lower.required(&listener.address, &listener.span, "listeners", "address")?;
    let socket = lower.address(address)?;
    let words = [("auto", Http2::Auto), ("cleartext", Http2::Cleartext), ("off", Http2::Off)];
    let http2 = lower.word(&listener.http2, "listeners[].http2", &words).unwrap_or_default();
    let hosts = listener.hosts.as_ref().map(|(span, leaves)| {
        if leaves.is_empty() {
            lower.report.error(span, "`hosts` is empty").help("leave it out to serve every host");
        }
        lower.hosts(leaves)
    });
    let https_redirect = listener.https_redirect.as_ref().map(|(port, status)| {
        let usual = HttpsRedirect::default();
        let port = lower.number(port, 1..=65535).and_then(|port| u16::try_from(port).ok());
        let status = policies::status(status, lower);
        HttpsRedirect { port: port.unwrap_or(usual.port), status: status.unwrap_or(usual.status) }
    });
    let hosts = hosts.unwrap_or_default();
    let origin = address.span.origin();
    let listener = Listener { tls, http2, errors, hosts, https_redirect, origin, ..Listener::new(socket) };
    Some((listener, address.span.clone()))
}

fn settings(document: &syntax::Document, part: &mut Part, lower: &mut Lower<'_>) {
    if let Some(admin) = &document.admin
        && let Some(leaf) = lower.required(&admin.address, &admin.span, "admin", "address")
        && let Some(address) = lower.address(leaf)
    {
        part.admin.push((Admin { address }, leaf.span.clone()));
    }
    if let Some(limits) = &document.limits {
        part.limits.push((limits_of(limits, lower), limits.span.clone()));
    }
    if let Some(drain) = &document.drain {
        let default = Drain::default();
        let hour = Duration::from_secs(3600);
        let value = Drain {
            delay: lower.duration(&drain.delay, Duration::ZERO..=hour).unwrap_or(default.delay),
            deadline: lower.duration(&drain.deadline, Duration::ZERO..=hour).unwrap_or(default.deadline),
        };
        part.drain.push((value, drain.span.clone()));
    }
    if let Some(log) = &document.log {
        let formats = [("text", LogFormat::Text), ("json", LogFormat::Json)];
        let levels = [
            ("off", LogLevel::Off),
            ("error", LogLevel::Error),
            ("warn", LogLevel::Warn),
            ("info", LogLevel::Info),
            ("debug", LogLevel::Debug),
        ];
        let value = Log {
            format: lower.word(&log.format, "log.format", &formats).unwrap_or_default(),
            level: lower.word(&log.level, "log.level", &levels).unwrap_or_default(),
        };
        part.log.push((value, log.span.clone()));
    }
    if let Some((span, networks)) = &document.trusted_proxies {
        let value = networks.iter().filter_map(|leaf| lower.network(leaf)).collect();
        part.trusted_proxies.push((value, span.clone()));
    }
    if let Some((span, otlp)) = &document.telemetry {
        part.telemetry.push((otlp.as_ref().map(|otlp| telemetry::lower(otlp, lower)), span.clone()));
    }
    if let Some(trace) = &document.trace {
        let sources = [("trusted", TraceFrom::Trusted), ("anyone", TraceFrom::Anyone)];
        let value = TraceSettings {
            from: lower.word(&trace.from, "trace.from", &sources).unwrap_or_default(),
            generate: lower.bool(&trace.generate).unwrap_or_default(),
        };
        part.trace.push((value, trace.span.clone()));
    }
    if let Some(emulator) = &document.emulator {
        let default = EmulatorSettings::default();
        let address = emulator.address.as_ref().and_then(|leaf| lower.address(leaf));
        if let (Some(address), Some(leaf)) = (address, &emulator.address) {
            part.sockets.push(("the emulator", address, leaf.span.clone()));
        }
        let credentials = emulator.credentials.as_ref().and_then(|(span, id, secret)| {
            let id =
                lower.required(id, span, "credentials", "access_key_id").and_then(|leaf| lower.key_id(leaf));
            let secret = lower.required(secret, span, "credentials", "secret_access_key");
            Some((id?, Secret::new(lower.not_empty(secret?)?)))
        });
        let value = EmulatorSettings { address: address.unwrap_or(default.address), credentials };
        part.emulator.push((value, emulator.span.clone()));
    }
}

fn limits_of(limits: &syntax::Limits, lower: &mut Lower<'_>) -> Limits {
    let default = Limits::default();
    let second = Duration::from_secs(1);
    let value = Limits {
        head: lower.size(&limits.head, 1 << 10..=1 << 20).unwrap_or(default.head),
        body: lower.size(&limits.body, 0..=1 << 30).unwrap_or(default.body),
        buffered_total: lower
            .size(&limits.buffered_total, 1 << 20..=1 << 40)
            .unwrap_or(default.buffered_total),
        connections: lower.number(&limits.connections, 1..=1_000_000).unwrap_or(default.connections),
        head_timeout: lower
            .duration(&limits.head_timeout, second..=second * 600)
            .unwrap_or(default.head_timeout),
        body_timeout: lower
            .duration(&limits.body_timeout, second..=second * 3600)
            .unwrap_or(default.body_timeout),
        idle: lower.duration(&limits.idle, second..=second * 3600).unwrap_or(default.idle),
    };
    if let Some(leaf) = limits.body.as_ref().filter(|_| value.body > default.body) {
        lower
            .report
            .warning(&leaf.span, "a body of more than 6MiB never fits an event")
            .help("Lambda takes events of up to 6 MB; larger bodies are answered with 413");
    }
    if let Some(leaf) = limits.buffered_total.as_ref().filter(|_| value.buffered_total < value.body) {
        lower
            .report
            .error(&leaf.span, "`limits.buffered_total` is smaller than `limits.body`")
            .help("a body of the largest size could never be taken");
    }
    value
}
