//! `functions.*`.

mod resilience;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use lambridge_event::Format;
use lambridge_model::{
    AnswerRule, EndpointVariant, Event, EventTemplate, Function, Invocation, KrakendAnswer, KrakendEncoding,
    Origin, Program, Run, TenantId,
};
use lambridge_wire::invoke::is_tenant_id;
use lambridge_wire::name::{FunctionName, partition_of};

use super::{AwsDefaults, log_tail, url};
use crate::document::Span;
use crate::leaf::Lower;
use crate::native::syntax;
use crate::reader::Leaf;
use crate::values;

const MILLISECOND: Duration = Duration::from_millis(1);
/// Lambda's own bound on an invocation. Source: Lambda quotas.
const QUARTER_HOUR: Duration = Duration::from_secs(900);
/// Where a managed runtime starts.
const RUNTIME: &str = "/var/runtime/bootstrap";
const HOUR: Duration = Duration::from_secs(3600);
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

pub fn lower(function: &syntax::Function, aws: &AwsDefaults, lower: &mut Lower<'_>) -> Option<Function> {
    let name = name(function, lower);
    let qualifier = qualifier(function, name.as_ref(), lower);
    let region = region(function, name.as_ref(), aws, lower);
    let tenant_id = function.tenant_id.as_ref().and_then(|tenant| tenant_id(tenant, lower));
    let event = event(function, lower);
    let answers = [
        ("proxy", AnswerRule::Proxy),
        ("raw", AnswerRule::Raw),
        ("gloo_alb", AnswerRule::GlooAlb),
        ("gloo_api_gateway", AnswerRule::GlooApiGateway),
        ("krakend", AnswerRule::Krakend(Box::default())),
    ];
    let kinds = [
        ("sync", Invocation::Sync),
        ("stream", Invocation::Stream),
        ("async", Invocation::Async),
        ("dry_run", Invocation::DryRun),
    ];
    let credentials = match &function.credentials {
        Some(credentials) => lower.credentials(credentials, &aws.credentials),
        None => aws.credentials.clone(),
    };
    let endpoint = lower.endpoint(&function.endpoint).or_else(|| aws.endpoint.clone());
    let variant = variant(function, endpoint.as_deref(), region.as_deref(), aws, lower);
    let mut answer = lower.word(&function.answer, "functions.*.answer", &answers).unwrap_or_default();
    if let Some(shape) = &function.krakend {
        let shaped = krakend(shape, lower);
        match &mut answer {
            AnswerRule::Krakend(rule) => **rule = shaped,
            _ => {
                lower
                    .report
                    .error(&shape.span, "`krakend` counts only for `answer: krakend`")
                    .help("remove it, or add `answer: krakend`");
            }
        }
    }
    let invoke = lower.word(&function.invoke, "functions.*.invoke", &kinds).unwrap_or_default();
    if let (Invocation::Stream, Some(leaf)) = (invoke, &function.invoke)
        && !matches!(answer, AnswerRule::Proxy | AnswerRule::Raw)
    {
        let help = "other answers are read whole before they are passed on: use `sync`";
        lower.wrong(leaf, "goes with `answer: proxy` and `answer: raw` only", help);
    }
    let idle_timeout = idle_timeout(function, invoke, lower);
    let timeout = lower.duration(&function.timeout, MILLISECOND..=HOUR).unwrap_or(Duration::from_secs(30));
    let retries = resilience::retries(function, lower);
    let concurrency = resilience::concurrency(function.concurrency.as_ref(), lower);
    let breaker = function.breaker.as_ref().map(|breaker| resilience::breaker(breaker, lower));
    let failover = function
        .failover
        .iter()
        .filter_map(|place| {
            resilience::failover(
                place,
                name.as_ref(),
                region.as_deref(),
                (&credentials, &aws.credentials),
                lower,
            )
        })
        .collect();
    let attempt_timeout = resilience::attempt_timeout(function, timeout, lower);
    let log_tail = log_tail::lower(function, invoke, aws.prices, lower);
    let binary_media_types = binary_media_types(function, &event, lower);
    let run = function.run.as_ref().and_then(|run| run_of(run, None, lower));
    Some(Function {
        name: name?,
        qualifier,
        region,
        endpoint,
        variant,
        credentials,
        tenant_id,
        event,
        answer,
        invoke,
        discover: lower.bool(&function.discover).unwrap_or_default(),
        binary_media_types,
        timeout,
        idle_timeout,
        log_tail,
        retries,
        concurrency,
        breaker,
        failover,
        attempt_timeout,
        run,
        origin: function.key.span.origin(),
    })
}

/// Between the pieces of a streamed answer; any other kind of call has none.
fn idle_timeout(function: &syntax::Function, invoke: Invocation, lower: &mut Lower<'_>) -> Duration {
    if let (Some(leaf), false) = (&function.idle_timeout, invoke == Invocation::Stream) {
        lower
            .report
            .error(&leaf.span, "`idle_timeout` counts only for `invoke: stream`")
            .help("remove it, or add `invoke: stream`");
    }
    lower.duration(&function.idle_timeout, MILLISECOND..=HOUR).unwrap_or(Duration::from_secs(300))
}

/// One place: two could name two tenants.
fn tenant_id(tenant: &syntax::TenantId, lower: &mut Lower<'_>) -> Option<TenantId> {
    let places = [("value", &tenant.value), ("header", &tenant.header), ("path", &tenant.path)];
    let mut written = places.iter().filter_map(|(name, leaf)| leaf.as_ref().map(|leaf| (*name, leaf)));
    let Some((first, leaf)) = written.next() else {
        lower
            .report
            .error(&tenant.span, "`tenant_id` does not say where the tenant stands")
            .help("add `header`, `path` or `value`");
        return None;
    };
    if let Some((other, leaf)) = written.next() {
        lower
            .report
            .error(&leaf.span, format!("`{first}` and `{other}` exclude each other"))
            .help("the tenant stands in one place");
    }
    match first {
        "value" => {
            // A header cannot carry a space at its ends.
            if !is_tenant_id(&leaf.text) || leaf.text.trim() != leaf.text {
                lower.wrong(
                    leaf,
                    "is not the id of a tenant",
                    "1 to 256 of: letters, digits, spaces, `._:/=+-@`",
                );
            }
            Some(TenantId::Value(leaf.text.clone()))
        }
        "header" => {
            let name = leaf.text.to_ascii_lowercase();
            if !values::is_token(&name) {
                lower.wrong(leaf, "is not the name of a header", "letters, digits and `-`");
            } else if name.starts_with("x-amz-") || name.starts_with("x-amzn-") {
                let help = "use a name of your own; the gateway writes `X-Amz-Tenant-Id` itself";
                lower.wrong(
                    leaf,
                    "is a header that Lambda's own services write, and is not taken from clients",
                    help,
                );
            }
            Some(TenantId::Header(name))
        }
        _ => lower.not_empty(leaf).map(TenantId::Path),
    }
}

/// A format, or the template beside it.
fn event(function: &syntax::Function, lower: &mut Lower<'_>) -> Event {
    let formats = Format::ALL.iter().map(|format| (format.name(), Some(*format)));
    let words: Vec<(&str, Option<Format>)> = formats.chain([("template", None)]).collect();
    let word = lower.word(&function.event, "functions.*.event", &words);
    match (word, &function.template) {
        (Some(None), Some(leaf)) => {
            lower.not_empty(leaf).map(|_| Event::Template(template(leaf))).unwrap_or_default()
        }
        (Some(None), None) => {
            let span = function.event.as_ref().map_or(&function.key.span, |leaf| &leaf.span);
            lower
                .report
                .error(span, "`template` is missing beside `event: template`")
                .help("add `template: |`, and below it the event as JSON with `{{ … }}` in it");
            Event::default()
        }
        (format, leaf) => {
            if let (Some(leaf), true) = (leaf, format.is_some() || function.event.is_none()) {
                lower
                    .report
                    .error(&leaf.span, "`template` counts only for `event: template`")
                    .help("remove it, or write `event: template`");
            }
            format.flatten().map(Event::from).unwrap_or_default()
        }
    }
}

/// With the place of its text, so that what is wrong in it can be shown there.
fn template(leaf: &Leaf) -> EventTemplate {
    let text = leaf.text.clone();
    let origin = leaf.span.origin();
    match leaf.begins {
        Some((line, column)) => {
            EventTemplate { text, origin: Origin { line, column, ..origin }, in_place: true }
        }
        None => EventTemplate { text, origin, in_place: false },
    }
}

/// What `answer: krakend` does to an object.
fn krakend(shape: &syntax::Krakend, lower: &mut Lower<'_>) -> KrakendAnswer {
    let encodings = [
        ("json", KrakendEncoding::Json),
        ("json_collection", KrakendEncoding::JsonCollection),
        ("string", KrakendEncoding::String),
        ("no_op", KrakendEncoding::NoOp),
    ];
    let mut paths = |list: &Option<(Span, Vec<Leaf>)>| -> Vec<String> {
        let leaves = list.iter().flat_map(|(_, leaves)| leaves);
        leaves.filter_map(|leaf| lower.not_empty(leaf)).collect()
    };
    let (allow, deny) = (paths(&shape.allow), paths(&shape.deny));
    if let (Some(_), Some((span, _))) = (&shape.allow, &shape.deny) {
        lower
            .report
            .error(span, "`allow` and `deny` exclude each other")
            .help("what is not allowed is gone already; keep one of them");
    }
    KrakendAnswer {
        target: shape.target.as_ref().and_then(|leaf| lower.not_empty(leaf)),
        allow,
        deny,
        mapping: shape.mapping.iter().map(|(old, new)| (old.text.clone(), new.text.clone())).collect(),
        group: shape.group.as_ref().and_then(|leaf| lower.not_empty(leaf)),
        encoding: lower.word(&shape.encoding, "functions.*.krakend.encoding", &encodings).unwrap_or_default(),
        cache_ttl: lower.duration(&shape.cache_ttl, Duration::ZERO..=YEAR).unwrap_or_default(),
    }
}

/// The key itself when the file gives no name.
fn name(function: &syntax::Function, lower: &mut Lower<'_>) -> Option<FunctionName> {
    let leaf = function.name.as_ref().unwrap_or(&function.key);
    match leaf.text.parse::<FunctionName>() {
        Ok(name) => Some(name),
        Err(error) => {
            let help = match function.name {
                Some(_) => "write a name, `name:qualifier`, an ARN or a partial ARN",
                None => "the key is the function's name when `name` is absent; add `name: …`",
            };
            lower.wrong(leaf, format!("is not a function name: {}", error.reason), help);
            None
        }
    }
}

fn qualifier(
    function: &syntax::Function,
    name: Option<&FunctionName>,
    lower: &mut Lower<'_>,
) -> Option<String> {
    let leaf = function.qualifier.as_ref()?;
    if !values::is_qualifier(&leaf.text) {
        lower.wrong(leaf, "is not a qualifier", "write a version's number, an alias or `$LATEST`");
        return None;
    }
    if let Some(in_name) = name.and_then(FunctionName::qualifier)
        && in_name != leaf.text
    {
        let message = format!("is not the qualifier in `name`, which is `{in_name}`");
        lower.wrong(leaf, message, "write the qualifier once: in `name`, or here");
    }
    Some(leaf.text.clone())
}

/// The function's own key, then its ARN, then `aws.region`.
fn region(
    function: &syntax::Function,
    name: Option<&FunctionName>,
    aws: &AwsDefaults,
    lower: &mut Lower<'_>,
) -> Option<String> {
    let own = lower.region(&function.region);
    let in_name = name.and_then(FunctionName::region);
    if let (Some(own), Some(in_name), Some(leaf)) = (&own, in_name, &function.region)
        && own != in_name
    {
        let message = format!("is not the region in `name`, which is `{in_name}`");
        lower.wrong(leaf, message, "remove `region`; the ARN's is used");
    }
    own.or_else(|| in_name.map(str::to_owned)).or_else(|| aws.region.clone())
}

/// Which of the region's endpoints. A complaint stands at the function's own key, or at the endpoint that goes before it.
fn variant(
    function: &syntax::Function,
    endpoint: Option<&str>,
    region: Option<&str>,
    aws: &AwsDefaults,
    lower: &mut Lower<'_>,
) -> EndpointVariant {
    let fips = lower.bool(&function.use_fips).or(aws.variant.fips);
    let dualstack = lower.bool(&function.use_dualstack).or(aws.variant.dualstack);
    let asked =
        [("use_fips", &function.use_fips, fips), ("use_dualstack", &function.use_dualstack, dualstack)];
    for (key, own, value) in asked {
        let leaf = own.as_ref().or(function.endpoint.as_ref()).unwrap_or(&function.key);
        if value == Some(true) && endpoint.is_some() {
            lower.report.error(&leaf.span, format!("`{key}` and `endpoint` exclude each other")).help(
                format!("it is for AWS's own endpoints; remove one of them, or write `{key}: false` here"),
            );
        }
    }
    if let (Some(true), None, Some(region)) = (fips, endpoint, region)
        && !has_fips(region)
    {
        let leaf = function.use_fips.as_ref().or(function.region.as_ref()).unwrap_or(&function.key);
        lower
            .report
            .warning(&leaf.span, format!("AWS lists no FIPS endpoint of Lambda in `{region}`"))
            .help("calls will find no such host; use a region in the United States or Canada");
    }
    EndpointVariant { fips, dualstack }
}

/// Source: "AWS Lambda endpoints and quotas"; of the other partitions nothing is listed in public.
fn has_fips(region: &str) -> bool {
    partition_of(region) != "aws" || region.starts_with("us-") || region.starts_with("ca-")
}

fn binary_media_types(
    function: &syntax::Function,
    event: &Event,
    lower: &mut Lower<'_>,
) -> Option<Vec<String>> {
    let (span, types) = function.binary_media_types.as_ref()?;
    if *event != Event::Format(Format::RestV1) {
        lower
            .report
            .error(span, "`binary_media_types` counts only for `event: rest_v1`")
            .help("remove it, or add `event: rest_v1`");
    }
    for leaf in types {
        if !values::is_media_type(&leaf.text) {
            lower.wrong(leaf, "is not a media type", "write `image/png`, `image/*` or `*/*`");
        }
    }
    Some(types.iter().map(|leaf| leaf.text.to_ascii_lowercase()).collect())
}

/// `outer` is the function's own `run` when this is one of its versions: what a version leaves out is taken from it.
fn run_of(run: &syntax::Run, outer: Option<&Run>, lower: &mut Lower<'_>) -> Option<Run> {
    let program = program(run, outer, lower);
    let port = lower.number(&run.port, 1..=65535).and_then(|port| u16::try_from(port).ok());
    let instances = lower.number(&run.instances, 1..=1000);
    if let (Some(_), Some(2..), Some(leaf)) = (port, instances, &run.instances) {
        lower
            .report
            .error(&leaf.span, "`instances` above 1 and `port` exclude each other")
            .help("one port serves one instance; remove `port`, and each instance gets a free one in `PORT`");
    }
    if let (Some(leaf), true) = (&run.port, matches!(program, Some(Program::Command(_)))) {
        lower
            .report
            .error(&leaf.span, "`port` and `command` exclude each other")
            .help("a Runtime API client has no port; use `web` for a web application");
    }
    let memory = lower.number(&run.memory, 1..=32_768).and_then(|memory| u32::try_from(memory).ok());
    let defaults = outer.cloned().unwrap_or_else(|| Run {
        program: Program::Command(Vec::new()),
        dir: if lower.folder.as_os_str().is_empty() {
            PathBuf::from(".")
        } else {
            lower.folder.to_path_buf()
        },
        opt: None,
        image: None,
        handler: None,
        env: BTreeMap::new(),
        instances: 1,
        timeout: Duration::from_secs(30),
        memory: 128,
        queue: 100,
        port: None,
        concurrency: 1,
        versions: BTreeMap::new(),
        aliases: BTreeMap::new(),
        url: None,
    });
    let mut out = Run {
        dir: lower.path(run.dir.as_ref()).unwrap_or(defaults.dir),
        opt: lower.path(run.opt.as_ref()).or(defaults.opt),
        image: lower.path(run.image.as_ref()).or(defaults.image),
        handler: run.handler.as_ref().and_then(|leaf| handler(leaf, lower)).or(defaults.handler),
        env: run.env.as_ref().map_or(defaults.env, |env| variables(env, lower)),
        instances: instances.unwrap_or(defaults.instances),
        timeout: lower.duration(&run.timeout, MILLISECOND..=QUARTER_HOUR).unwrap_or(defaults.timeout),
        memory: memory.unwrap_or(defaults.memory),
        queue: lower.number(&run.queue, 0..=1_000_000).unwrap_or(defaults.queue),
        concurrency: lower.number(&run.concurrency, 1..=1000).unwrap_or(defaults.concurrency),
        port,
        url: run.url.as_ref().and_then(|url| url::lower(url, lower)),
        program: program.unwrap_or(defaults.program),
        versions: BTreeMap::new(),
        aliases: BTreeMap::new(),
    };
    if out.image.is_some() {
        out.dir = PathBuf::new();
        for (name, leaf) in [("dir", &run.dir), ("opt", &run.opt)] {
            let Some(leaf) = leaf else { continue };
            let message = format!("`image` and `{name}` exclude each other");
            lower
                .report
                .error(&leaf.span, message)
                .help("an image has its own folders: remove one of the two");
        }
    }
    for (key, version) in &run.versions {
        if !values::is_version(&key.text) {
            lower.wrong(key, "is not a version", "versions are numbers from 1; other names are `aliases`");
        }
        if let Some(version) = run_of(version, Some(&Run { url: None, ..out.clone() }), lower) {
            out.versions.insert(key.text.clone(), version);
        }
    }
    aliases(run, &mut out, lower);
    Some(out)
}

fn program(run: &syntax::Run, outer: Option<&Run>, lower: &mut Lower<'_>) -> Option<Program> {
    let (leaf, make): (&Leaf, fn(Vec<String>) -> Program) = match (&run.web, &run.command) {
        (Some(_), Some(command)) => {
            lower
                .report
                .error(&command.span, "`web` and `command` exclude each other")
                .help("`web` is a web application, `command` a Runtime API client");
            return None;
        }
        (Some(web), None) => {
            if let Some(wrapper) = wrapper(run) {
                let message = format!("{} has no effect on `web`", wrapper.shown);
                lower.report.warning(&wrapper.span, message).help("it wraps a `command`; remove it here");
            }
            (web, Program::Web)
        }
        (None, Some(command)) => (command, Program::Command),
        (None, None) if outer.is_some() => return None,
        // All that a function in a zip names; the runtime is then the managed one's.
        (None, None) if run.handler.is_some() && wrapper(run).is_some() => {
            return Some(Program::Command(vec![RUNTIME.to_owned()]));
        }
        (None, None) if run.image.is_some() => return Some(Program::Packed),
        // A custom runtime, whose handler is its own affair.
        (None, None) if run.handler.is_none() && (run.dir.is_some() || run.opt.is_some()) => {
            return Some(Program::Packed);
        }
        (None, None) => {
            lower.report.error(&run.span, "`run` starts nothing: `web` or `command` is missing").help(
                match run.handler {
                    None => {
                        "add `web: \"node server.js\"` or `command: \"python3 -m awslambdaric app.handler\"`; for a \
                         custom runtime, `dir` with its `bootstrap`"
                    }
                    Some(_) => {
                        "add `command: \"npx aws-lambda-ric index.handler\"`, or to `env` an \
                         `AWS_LAMBDA_EXEC_WRAPPER: /opt/bootstrap` that starts the handler"
                    }
                },
            );
            return None;
        }
    };
    match shlex::split(&leaf.text) {
        Some(words) if words.first().is_some_and(|word| !word.is_empty()) && !leaf.text.contains('\0') => {
            Some(make(words))
        }
        Some(_) => {
            lower.wrong(leaf, "starts nothing", "write a program and its arguments");
            None
        }
        None => {
            lower.wrong(leaf, "has a quote or backslash without its end", "words are split as a shell would");
            None
        }
    }
}

/// `AWS_LAMBDA_EXEC_WRAPPER` of this function: a program in the runtime's place, which is given the runtime's own words.
/// Source: Lambda developer guide, "Using a wrapper script".
fn wrapper(run: &syntax::Run) -> Option<&Leaf> {
    run.env.iter().flatten().map(|(name, _)| name).find(|name| name.text == "AWS_LAMBDA_EXEC_WRAPPER")
}

fn handler(leaf: &Leaf, lower: &mut Lower<'_>) -> Option<String> {
    // Source: `Handler` in the Lambda API reference: up to 128 characters without a space.
    if leaf.text.is_empty()
        || leaf.text.len() > 128
        || leaf.text.contains(|c: char| c.is_whitespace() || c == '\0')
    {
        lower.wrong(
            leaf,
            "is not a handler",
            "write what AWS is told, `index.handler` or `run.sh`, without spaces",
        );
        return None;
    }
    Some(leaf.text.clone())
}

fn variables(env: &[(Leaf, Leaf)], lower: &mut Lower<'_>) -> BTreeMap<String, String> {
    for (name, value) in env {
        if name.text.is_empty() || name.text.contains(['=', '\0']) {
            lower.wrong(name, "is not the name of a variable", "a name is not empty and has no `=`");
        }
        if value.text.contains('\0') {
            lower.wrong(name, "has a value with a NUL in it", "no variable can hold one");
        }
    }
    env.iter().map(|(name, value)| (name.text.clone(), value.text.clone())).collect()
}

fn aliases(run: &syntax::Run, out: &mut Run, lower: &mut Lower<'_>) {
    for (alias, version) in &run.aliases {
        if !values::is_alias(&alias.text) {
            lower.wrong(
                alias,
                "is not an alias",
                "an alias has letters, digits, `-` and `_`, and is no number",
            );
        }
        if version.text != "$LATEST" && !out.versions.contains_key(&version.text) {
            let known: Vec<&str> = out.versions.keys().map(String::as_str).collect();
            let help = match known.as_slice() {
                [] => "add the version to `run.versions`, or name `$LATEST`".to_owned(),
                known => format!("versions are `{}` and `$LATEST`", known.join("`, `")),
            };
            lower.wrong(version, "is no version of this function", &help);
        }
        out.aliases.insert(alias.text.clone(), version.text.clone());
    }
}
