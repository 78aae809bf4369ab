//! `endpoints[].backend[]`: the function, where its name comes from, and the Lua around the call.

use std::path::PathBuf;
use std::time::Duration;

use lambridge_event::Format;
use lambridge_model::{
    AnswerRule, Function, FunctionFrom, KrakendAnswer, NameSource, Retries, RetryOn, ScriptSource, Scripts,
    Segment, Target, Template, Weighted,
};
use lambridge_wire::name::FunctionName;

use super::{is_true, off};
use crate::krakend::syntax;
use crate::leaf::Lower;
use crate::reader::Leaf;
use crate::report::quoted;
use crate::source::Files;
use crate::values;

/// Of the AWS SDK that KrakenD uses; what a file without `max_retries` gets.
const SDK_RETRIES: u32 = 3;

/// What the backend needs of its endpoint.
pub struct Endpoint<'a> {
    pub key: &'a str,
    pub method: &'static str,
    /// `None` when it was reported as wrong.
    pub template: Option<&'a Template>,
    pub timeout: Duration,
    pub answer: KrakendAnswer,
}

/// What comes of a backend.
pub struct Lowered {
    pub function: Function,
    pub target: Target,
    pub scripts: Option<Scripts>,
}

/// What is done to the answer, as far as the backend says.
pub fn answer(backend: &syntax::Backend) -> KrakendAnswer {
    let texts = |leaves: &[Leaf]| leaves.iter().map(|leaf| leaf.text.clone()).collect::<Vec<_>>();
    let text =
        |leaf: &Option<Leaf>| leaf.as_ref().map(|leaf| leaf.text.clone()).filter(|text| !text.is_empty());
    KrakendAnswer {
        target: text(&backend.target),
        allow: texts(&backend.allow),
        // Beside a list of what is allowed KrakenD does not look at what is denied.
        deny: if backend.allow.is_empty() { texts(&backend.deny) } else { Vec::new() },
        mapping: backend.mapping.iter().map(|(old, new)| (old.text.clone(), new.text.clone())).collect(),
        group: text(&backend.group),
        ..KrakendAnswer::default()
    }
}

pub fn lower(
    backend: &syntax::Backend,
    endpoint: Endpoint<'_>,
    files: &Files,
    lower: &mut Lower<'_>,
) -> Option<Lowered> {
    off(&backend.shadow, "shadow", "a backend whose answer nobody reads; remove it", lower);
    placeholders(&backend.url_pattern, endpoint.template, lower);
    let scripts = backend.lua.as_ref().map(|lua| scripts(lua, files, lower));
    let Some(lambda) = &backend.lambda else {
        if !backend.has_kind {
            lower
                .report
                .error(&backend.span, "this backend has no `backend/lambda`: HTTP backends are not supported yet")
                .help("add `\"extra_config\": { \"backend/lambda\": { … } }`, or let a proxy serve this endpoint");
        }
        return None;
    };
    let region = lower.region(&some(&lambda.region));
    let lambda_endpoint = base_url(&lambda.endpoint, lower);
    let retries =
        Retries { max: max_retries(&lambda.max_retries, lower), on: RetryOn::Sdk, ..Retries::default() };
    let (name, target) = match &some(&lambda.function_name) {
        Some(leaf) => {
            if let Some(other) = &lambda.function_param_name {
                lower
                    .report
                    .warning(
                        &other.span,
                        "`function_param_name` is ignored: `function_name` counts before it",
                    )
                    .help("remove one of them");
            }
            let one = Weighted { function: endpoint.key.to_owned(), weight: 1 };
            (name(leaf, lower)?, Target::Functions(vec![one]))
        }
        None => named(lambda, &endpoint, scripts.is_some(), lower)?,
    };
    let region = region.or_else(|| name.region().map(str::to_owned));
    // The comparison is KrakenD's: `get` in the backend makes a body of a GET.
    let method = some(&backend.method).map_or(endpoint.method.to_owned(), |leaf| leaf.text);
    let function = Function {
        region,
        endpoint: lambda_endpoint,
        event: if method == "GET" { Format::Krakend } else { Format::Body }.into(),
        answer: AnswerRule::Krakend(Box::new(endpoint.answer)),
        timeout: endpoint.timeout,
        retries,
        origin: lambda.span.origin(),
        ..Function::new(name)
    };
    Some(Lowered { function, target, scripts })
}

/// KrakenD takes empty text for absent.
fn some(leaf: &Option<Leaf>) -> Option<Leaf> {
    leaf.clone().filter(|leaf| !leaf.text.is_empty())
}

fn name(leaf: &Leaf, lower: &mut Lower<'_>) -> Option<FunctionName> {
    match leaf.text.parse::<FunctionName>() {
        Ok(name) => Some(name),
        Err(error) => {
            let help = "write a name, `name:qualifier`, an ARN or a partial ARN";
            lower.wrong(leaf, format!("is not a function name: {}", error.reason), help);
            None
        }
    }
}

/// A function that a parameter names. The function's own name is that of the parameter, and is never called.
fn named(
    lambda: &syntax::Lambda,
    endpoint: &Endpoint<'_>,
    has_scripts: bool,
    lower: &mut Lower<'_>,
) -> Option<(FunctionName, Target)> {
    let leaf = some(&lambda.function_param_name);
    let parameter = leaf.as_ref().map_or("function", |leaf| leaf.text.as_str());
    if !has_scripts && let Some(template) = endpoint.template {
        let known: Vec<&str> = parameters(template).collect();
        if !known.contains(&parameter) {
            let span = lower.span_of(&leaf, &lambda.span);
            let message =
                format!("no parameter of this endpoint is called {}: every call gets 500", quoted(parameter));
            let capital = capital(parameter);
            let help = if known.contains(&capital.as_str()) {
                format!("the first letter of a placeholder is in upper case here: write `{capital}`")
            } else if known.is_empty() {
                "add `function_name`, a placeholder to the endpoint, or Lua that sets the parameter"
                    .to_owned()
            } else {
                format!("known here: `{}`", known.join("`, `"))
            };
            lower.report.warning(&span, message).help(help);
        }
    }
    let placeholder = parameter.parse().or_else(|_| "function".parse::<FunctionName>()).ok()?;
    let from = FunctionFrom {
        function: endpoint.key.to_owned(),
        source: NameSource::Path(parameter.to_owned()),
        allow: vec!["*".to_owned()],
    };
    Some((placeholder, Target::FunctionFrom(from)))
}

fn parameters(template: &Template) -> impl Iterator<Item = &str> {
    template.segments().iter().filter_map(|segment| match segment {
        Segment::Param { name, .. } => Some(name.as_str()),
        Segment::Literal(_) => None,
    })
}

/// With the first letter in upper case.
pub fn capital(name: &str) -> String {
    let mut chars = name.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}

/// Source: the check of `url_pattern` in luraproject/lura, which is made whatever the backend is.
fn placeholders(leaf: &Option<Leaf>, template: Option<&Template>, lower: &mut Lower<'_>) {
    let (Some(leaf), Some(template)) = (leaf, template) else { return };
    for piece in leaf.text.split('{').skip(1) {
        let Some((name, _)) = piece.split_once('}') else { continue };
        // `{JWT.sub}` and `{resp0_id}` come from elsewhere.
        let foreign = name.starts_with("JWT.") || name.starts_with("resp");
        if !foreign && !parameters(template).any(|known| known == capital(name)) {
            let message =
                format!("has the placeholder {}, which the endpoint has not", quoted(&format!("{{{name}}}")));
            lower.wrong(leaf, message, "a Lambda function is never asked for this path: any text does");
        }
    }
}

/// As a number in any of its forms; KrakenD itself drops what is written in JSON.
fn max_retries(leaf: &Option<Leaf>, lower: &mut Lower<'_>) -> u32 {
    let Some(leaf) = leaf else { return SDK_RETRIES };
    let whole = leaf.text.strip_suffix(".0").unwrap_or(&leaf.text);
    match whole.parse::<i64>() {
        Ok(-1) => SDK_RETRIES,
        Ok(number @ 0..=10) => u32::try_from(number).unwrap_or(SDK_RETRIES),
        _ => {
            lower.wrong(leaf, "is not a number of retries", "write a whole number from 0 to 10, or -1 for 3");
            SDK_RETRIES
        }
    }
}

/// Without a scheme it is `https`, as in AWS's SDK.
fn base_url(leaf: &Option<Leaf>, lower: &mut Lower<'_>) -> Option<String> {
    let leaf = some(leaf)?;
    let text = if leaf.text.contains("://") { leaf.text.clone() } else { format!("https://{}", leaf.text) };
    match values::endpoint(&text) {
        Ok(endpoint) => Some(endpoint),
        Err(reason) => {
            let help = "write the base URL of the Lambda API, as `http://127.0.0.1:9000`";
            lower.wrong(&leaf, format!("is not a base URL: {reason}"), help);
            None
        }
    }
}

fn scripts(lua: &syntax::Lua, files: &Files, lower: &mut Lower<'_>) -> Scripts {
    off(&lua.skip_next, "skip_next", "the function would never be called; remove it", lower);
    let mut sources = Vec::new();
    for leaf in &lua.sources {
        match files.get(&PathBuf::from(&leaf.text)) {
            Some(Ok(text)) => sources.push(ScriptSource { name: leaf.text.clone(), text: text.clone() }),
            found => {
                let reason = match found {
                    Some(Err(reason)) => reason.as_str(),
                    _ => "it was not read",
                };
                let help = "paths start at the working directory, as in KrakenD: start lambridge where the file lies";
                lower.wrong(leaf, format!("cannot be read: {reason}"), help);
            }
        }
    }
    let origin = lua.pre.as_ref().map_or(&lua.span, |leaf| &leaf.span).origin();
    Scripts {
        sources,
        pre: some(&lua.pre).map(|leaf| leaf.text),
        post: None,
        open_libs: is_true(&lua.allow_open_libs, lower),
        origin,
    }
}
