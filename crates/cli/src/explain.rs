//! `lambridge explain METHOD URL`: which route answers, what it calls, where ([`places`]), and why not the others.

mod places;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use lambridge_gateway::{Explanation, Outcome, Probe};
use lambridge_model::{Model, NameSource, Origin, PathRewrite, Policies, RateKey, RateLimit, Route, Target};
use serde_json::{Value, json};

use self::places::Place;
use crate::args::{Explain, Format};
use crate::{configuration, output};

pub fn run(options: &Explain) -> ExitCode {
    let Some((model, _)) = configuration::load_or_complain(&options.config) else {
        return ExitCode::FAILURE;
    };
    let probe = match probe(options, &model) {
        Ok(probe) => probe,
        Err(error) => {
            output::complain(&format!("lambridge: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let found = lambridge_gateway::explain(&model, &probe);
    let route = match found.outcome {
        Outcome::Route(index) => model.routes.get(index),
        _ => None,
    };
    let places = match route.map(|route| places::of(&model, route)).transpose() {
        Ok(places) => places.unwrap_or_default(),
        Err(error) => {
            output::complain(&format!("lambridge: {error}"));
            return ExitCode::FAILURE;
        }
    };
    match options.format {
        Format::Text => output::say(text(&model, &found, &places).trim_end()),
        Format::Json => output::say(&as_json(&model, &found, &places).to_string()),
    }
    if matches!(found.outcome, Outcome::Route(_)) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The request as the listener with the URL's port would see it; the first listener where there is none.
fn probe(options: &Explain, model: &Model) -> Result<Probe, String> {
    let uri: Uri = options.url.parse().map_err(|error| format!("`{}` is not a URL: {error}", options.url))?;
    if !uri.path().starts_with('/') {
        return Err(format!("`{}` has no path; write `/path` or `http://host/path`", options.url));
    }
    let mut headers = HeaderMap::new();
    for line in &options.headers {
        let (name, value) =
            line.split_once(':').ok_or_else(|| format!("`{line}` is not a header; write `Name: value`"))?;
        let wrong = || format!("`{line}` is not a header");
        headers.append(
            HeaderName::from_bytes(name.trim().as_bytes()).map_err(|_| wrong())?,
            HeaderValue::from_str(value.trim()).map_err(|_| wrong())?,
        );
    }
    let addresses: Vec<SocketAddr> = model.listeners.iter().map(|listener| listener.address).collect();
    let port = uri.port_u16();
    let listener = addresses.iter().find(|address| Some(address.port()) == port).or(addresses.first());
    let named = headers.get(http::header::HOST).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let host = named.or_else(|| uri.authority().map(|authority| authority.as_str().to_owned()));
    Ok(Probe {
        listener: *listener.ok_or("the configuration has no listener")?,
        host: host.unwrap_or_else(|| "localhost".to_owned()),
        method: options.method.to_ascii_uppercase(),
        path: uri.path().to_owned(),
        query: uri.query().unwrap_or_default().to_owned(),
        headers,
    })
}

fn text(model: &Model, found: &Explanation, places: &[Place]) -> String {
    let mut out = String::new();
    match &found.outcome {
        Outcome::Route(index) => {
            let Some(route) = model.routes.get(*index) else { return out };
            let _ = writeln!(out, "route `{}` answers{}", route.id, written(&route.origin));
            for line in does(route, places) {
                let _ = writeln!(out, "  {line}");
            }
            for (name, value) in &found.parameters {
                let _ = writeln!(out, "  {name} = {value}");
            }
        }
        Outcome::MethodNotAllowed(allow) => {
            let _ = writeln!(out, "no route answers: 405, the path takes {allow}");
        }
        Outcome::NoRoute => {
            let _ = writeln!(out, "no route answers: 404");
        }
    }
    if !found.others.is_empty() {
        let _ = writeln!(out, "why not the others:");
    }
    for (index, reason) in &found.others {
        if let Some(route) = model.routes.get(*index) {
            let _ = writeln!(out, "  `{}`: {reason}{}", route.id, written(&route.origin));
        }
    }
    out
}

fn written(origin: &Origin) -> String {
    if origin.line == 0 {
        return String::new();
    }
    format!(" ({}:{}:{})", origin.file, origin.line, origin.column)
}

/// What the route does, a line each.
fn does(route: &Route, places: &[Place]) -> Vec<String> {
    let mut lines = target(route, places);
    lines.extend(policies(&route.policies));
    lines
}

/// Where its requests go, a line each.
fn target(route: &Route, places: &[Place]) -> Vec<String> {
    // Each of its places, the ones that it fails over to behind its own.
    let function = |before: &str, key: &str| {
        let own = places.iter().filter(|place| place.key == key).enumerate();
        let lines = own.map(|(at, place)| match at {
            0 => format!("{before}function `{key}`: {}", place.to_text()),
            _ => format!("failing that, {}", place.to_text()),
        });
        lines.collect::<Vec<_>>()
    };
    match &route.target {
        Target::Functions(shares) => {
            let total: u64 = shares.iter().map(|share| u64::from(share.weight)).sum();
            let lines = shares.iter().flat_map(|share| {
                let weight =
                    if shares.len() > 1 { format!("{} of {total}: ", share.weight) } else { String::new() };
                function(&weight, &share.function)
            });
            lines.collect()
        }
        Target::FunctionFrom(from) => {
            let source = match &from.source {
                NameSource::Path(name) => format!("the parameter `{name}`"),
                NameSource::Header(name) => format!("the header `{name}`"),
                NameSource::Query(name) => format!("the query parameter `{name}`"),
            };
            let named = format!("the function that {source} names, one of `{}`", from.allow.join("`, `"));
            std::iter::once(named).chain(function("as ", &from.function)).collect()
        }
        Target::Upstream(upstream) => {
            let urls: Vec<&str> = upstream.endpoints.iter().map(|endpoint| endpoint.url.as_str()).collect();
            vec![format!("the HTTP service at {}", urls.join(", "))]
        }
        Target::Redirect(redirect) => vec![format!("a redirect with status {}", redirect.status)],
        Target::Static(answer) => vec![format!("a fixed answer with status {}", answer.status)],
    }
}

/// What it changes and bounds, a line each.
fn policies(policies: &Policies) -> Vec<String> {
    let mut lines = Vec::new();
    match &policies.rewrite.path {
        Some(PathRewrite::Path(path)) => lines.push(format!("with the path `{path}`")),
        Some(PathRewrite::Prefix(prefix)) => lines.push(format!("with `{prefix}` in place of the prefix")),
        None => {}
    }
    lines.extend(policies.rewrite.host.as_ref().map(|host| format!("with the host `{host}`")));
    for (what, changes) in [("request", &policies.request_headers), ("answer", &policies.answer_headers)] {
        if !changes.is_empty() {
            lines.push(format!("with changed headers of the {what}"));
        }
    }
    if let Some(limit) = &policies.rate_limit {
        let whose = match &limit.by {
            RateKey::Route => "all clients together".to_owned(),
            RateKey::Ip => "each address".to_owned(),
            RateKey::Header(name) => format!("each value of the header `{name}`"),
            RateKey::Cookie(name) => format!("each value of the cookie `{name}`"),
        };
        let RateLimit { rate, period, burst, .. } = limit;
        lines.push(format!("at most {rate} requests in {period:?} for {whose}, {burst} at once"));
    }
    lines.extend(policies.body_max.map(|max| format!("with bodies of at most {max} bytes")));
    lines
}

fn as_json(model: &Model, found: &Explanation, places: &[Place]) -> Value {
    let named = |index: usize| {
        let route = model.routes.get(index)?;
        let Origin { file, line, column } = &route.origin;
        Some(json!({ "id": route.id, "file": file, "line": line, "column": column }))
    };
    let others = found.others.iter().filter_map(|(index, reason)| {
        let mut other = named(*index)?;
        other["reason"] = json!(reason);
        Some(other)
    });
    let parameters: serde_json::Map<String, Value> =
        found.parameters.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    let (status, route) = match &found.outcome {
        Outcome::Route(index) => (Value::Null, named(*index)),
        Outcome::MethodNotAllowed(_) => (json!(405), None),
        Outcome::NoRoute => (json!(404), None),
    };
    let does = match &found.outcome {
        Outcome::Route(index) => model.routes.get(*index).map(|route| does(route, places)),
        _ => None,
    };
    json!({
        "route": route,
        "refused_with": status,
        "does": does,
        "places": places.iter().map(Place::to_json).collect::<Vec<_>>(),
        "parameters": parameters,
        "others": others.collect::<Vec<_>>(),
    })
}
