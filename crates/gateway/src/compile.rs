//! A model becomes a snapshot: what requests are served from, complete and unchanging.
//!
//! What a model cannot know by itself is found here, and all of it is reported: regexes and header names that do not
//! parse, endpoints that are no URLs, certificates that do not load. State that outlives a configuration comes from
//! the earlier snapshot where a function's settings are equal.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use lambridge_invoke::Pool;
use lambridge_model::{Errors, Http2, Model, PathMatch, Route, StaticAnswer, Target, Template, TenantId};

use crate::Problem;
use crate::canary::Chooser;
use crate::edits::Edits;
use crate::entrance::Entrance;
use crate::function::{self, FunctionState};
use crate::listener::tls;
use crate::metrics::{FunctionMetrics, Tally};
use crate::named::Named;
use crate::rate::Limiter;
use crate::redirect::Redirect;
use crate::router::{self, Router};
use crate::script::Script;
use crate::telemetry::Telemetry;
use crate::upstream::Upstream;

/// One compiled configuration. A request holds one to its end.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub(crate) model: Model,
    pub(crate) router: Router,
    /// By index in the model.
    pub(crate) routes: Vec<CompiledRoute>,
    pub(crate) functions: Vec<Arc<FunctionState>>,
    /// Where recorded requests go; set by who serves the snapshot.
    pub(crate) telemetry: Option<Arc<Telemetry>>,
    /// One a listener of the model; `None` serves plain HTTP.
    pub(crate) tls: Vec<Option<Arc<rustls::ServerConfig>>>,
    /// One a listener of the model; `None` lets everything in.
    entrances: Vec<Option<Entrance>>,
}

/// What a request needs of its route.
#[derive(Debug)]
pub(crate) struct CompiledRoute {
    pub(crate) tally: Arc<Tally>,
    /// The template as written, for template routes.
    pub(crate) template: Option<String>,
    /// Name, index of the segment, whether it takes the rest.
    pub(crate) parameters: Vec<(String, usize, bool)>,
    pub(crate) target: CompiledTarget,
    /// What a weighted set asks before it draws.
    pub(crate) canary: Option<Box<Chooser>>,
    pub(crate) errors: Errors,
    /// Lua around the call.
    pub(crate) script: Option<Arc<Script>>,
    pub(crate) edits: Option<Arc<Edits>>,
    pub(crate) limiter: Option<Arc<Limiter>>,
    /// One body, in bytes.
    pub(crate) body_max: usize,
}

impl CompiledRoute {
    /// The parameters of a path that this route takes, as they were sent.
    pub(crate) fn parameters_of<'a>(&'a self, path: &'a str) -> Vec<(&'a str, &'a str)> {
        let value = |(name, index, rest): &'a (String, usize, bool)| {
            (name.as_str(), router::segment(path, *index, *rest))
        };
        self.parameters.iter().map(value).collect()
    }
}

impl Snapshot {
    /// Where a listener speaks HTTP/2.
    pub(crate) fn http2_of(&self, listener: SocketAddr) -> Http2 {
        let found = self.model.listeners.iter().find(|known| known.address == listener);
        found.map(|listener| listener.http2).unwrap_or_default()
    }

    /// What a listener asks of every request.
    pub(crate) fn entrance_of(&self, listener: SocketAddr) -> Option<&Entrance> {
        let at = self.model.listeners.iter().position(|known| known.address == listener)?;
        self.entrances.get(at)?.as_ref()
    }

    /// Whose error answers a listener gives before a route is known.
    pub(crate) fn errors_of(&self, listener: SocketAddr) -> Errors {
        let found = self.model.listeners.iter().find(|known| known.address == listener);
        found.map(|listener| listener.errors).unwrap_or_default()
    }
}

/// Where a route's requests go.
#[derive(Debug)]
pub(crate) enum CompiledTarget {
    Functions(Vec<(u32, Arc<FunctionState>)>),
    FunctionFrom(Named),
    Upstream(Upstream),
    Redirect(Redirect),
    Static { status: StatusCode, headers: HeaderMap, body: Bytes },
}

/// What goes on from the snapshot that is replaced; empty at the start.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Earlier<'a> {
    pub(crate) functions: &'a [Arc<FunctionState>],
    pub(crate) routes: &'a [CompiledRoute],
    /// Functions must be made anew, since they have another pool: only their numbers go on.
    pub(crate) other_pool: bool,
}

/// Compiles `model`.
pub(crate) fn compile(model: Model, pool: &Pool, before: Earlier<'_>) -> Result<Snapshot, Vec<Problem>> {
    let earlier = if before.other_pool { &[][..] } else { before.functions };
    let known: HashMap<&str, &CompiledRoute> =
        before.routes.iter().map(|route| (&*route.tally.id, route)).collect();
    let mut problems = Vec::new();
    let mut functions: Vec<Arc<FunctionState>> = Vec::with_capacity(model.functions.len());
    for (key, settings) in &model.functions {
        if let Some(kept) = function::kept(earlier, key, settings) {
            functions.push(kept);
            continue;
        }
        let metrics = FunctionMetrics::of(key, before.functions);
        match FunctionState::new(key, settings, pool, functions.iter().chain(earlier), metrics) {
            Ok(state) => functions.push(Arc::new(state)),
            Err(problem) => problems.push(problem),
        }
    }
    let (router, mut wrong) = Router::new(&model.routes);
    problems.append(&mut wrong);
    let mut routes = Vec::with_capacity(model.routes.len());
    for route in &model.routes {
        let script = route.scripts.as_ref().and_then(|scripts| match Script::compile(scripts) {
            Ok(script) => Some(Arc::new(script)),
            Err(message) => {
                problems.push(Problem { origin: scripts.origin.clone(), message });
                None
            }
        });
        let known = known.get(route.id.as_str()).copied();
        match compile_route(route, &model, pool, &functions, known) {
            Ok(route) => routes.push(CompiledRoute { script, ..route }),
            Err(message) => problems.push(Problem { origin: route.origin.clone(), message }),
        }
    }
    let mut tls_configs = Vec::with_capacity(model.listeners.len());
    let mut entrances = Vec::with_capacity(model.listeners.len());
    for listener in &model.listeners {
        match Entrance::new(listener) {
            Ok(entrance) => entrances.push(entrance),
            Err(message) => problems.push(Problem { origin: listener.origin.clone(), message }),
        }
        match listener.tls.as_ref().map(|tls| tls::load(tls, listener.http2)).transpose() {
            Ok(config) => tls_configs.push(config),
            Err(message) => problems.push(Problem { origin: listener.origin.clone(), message }),
        }
    }
    if problems.is_empty() {
        Ok(Snapshot { model, router, routes, functions, telemetry: None, tls: tls_configs, entrances })
    } else {
        Err(problems)
    }
}

fn compile_route(
    route: &Route,
    model: &Model,
    pool: &Pool,
    functions: &[Arc<FunctionState>],
    earlier: Option<&CompiledRoute>,
) -> Result<CompiledRoute, String> {
    let (template, parameters) = match &route.matcher.path {
        PathMatch::Template(template) => (Some(template.as_str().to_owned()), parameters_of(template)),
        PathMatch::PrefixTemplate(template) => (None, parameters_of(template)),
        PathMatch::Prefix(_) | PathMatch::Regex(_) => (None, Vec::new()),
    };
    // A script may set parameters that the path has not.
    let tenants = |state: Arc<FunctionState>| match &state.settings.tenant_id {
        Some(TenantId::Path(wanted))
            if route.scripts.is_none() && parameters.iter().all(|(name, ..)| name != wanted) =>
        {
            let (id, key) = (&route.id, &state.key);
            Err(format!(
                "route `{id}`: its path has no `{{{wanted}}}`, where function `{key}` finds its tenant"
            ))
        }
        _ => Ok(state),
    };
    // Missing here means: unknown, or reported above as a function that does not compile.
    let state = |key: &str| {
        let found = functions.iter().find(|state| *state.key == *key).cloned();
        let found = found.ok_or_else(|| format!("route `{}` has no usable function `{key}`", route.id));
        found.and_then(tenants)
    };
    let target = match &route.target {
        Target::Functions(weighted) => {
            let shares = weighted.iter().map(|share| Ok((share.weight, state(&share.function)?)));
            CompiledTarget::Functions(shares.collect::<Result<_, String>>()?)
        }
        Target::FunctionFrom(from) => CompiledTarget::FunctionFrom(Named::new(from, state(&from.function)?)),
        Target::Upstream(upstream) => {
            let compiled = Upstream::new(upstream, pool);
            CompiledTarget::Upstream(compiled.map_err(|error| format!("route `{}`: {error}", route.id))?)
        }
        Target::Redirect(redirect) => {
            let compiled = Redirect::new(redirect, &route.matcher.path);
            CompiledTarget::Redirect(compiled.map_err(|error| format!("route `{}`: {error}", route.id))?)
        }
        Target::Static(answer) => compile_static(&route.id, answer)?,
    };
    let canary = match &target {
        CompiledTarget::Functions(shares) => {
            Chooser::new(route, shares, earlier.and_then(|earlier| earlier.canary.as_deref()))
        }
        _ => Ok(None),
    };
    let edits = Edits::new(route).map_err(|error| format!("route `{}`: {error}", route.id))?;
    let limiter = route.policies.rate_limit.as_ref().map(|limit| Limiter::of(limit, earlier));
    Ok(CompiledRoute {
        tally: Tally::new(&route.id, function_names(&target), earlier.map(|earlier| &*earlier.tally)),
        canary: canary.map_err(|error| format!("route `{}`: {error}", route.id))?,
        template,
        parameters,
        target,
        errors: route.errors,
        script: None,
        edits,
        limiter,
        body_max: route.policies.body_max.unwrap_or(model.limits.body),
    })
}

fn parameters_of(template: &Template) -> Vec<(String, usize, bool)> {
    template.parameters().map(|(name, index, rest)| (name.to_owned(), index, rest)).collect()
}

/// The functions a target calls, as configured; `None` where it calls none.
fn function_names(target: &CompiledTarget) -> Option<String> {
    match target {
        CompiledTarget::Functions(shares) => {
            let names = shares.iter().map(|(_, function)| function.settings.name.to_string());
            Some(names.collect::<Vec<_>>().join(", "))
        }
        CompiledTarget::FunctionFrom(named) => Some(named.function.settings.name.to_string()),
        CompiledTarget::Upstream(_) | CompiledTarget::Redirect(_) | CompiledTarget::Static { .. } => None,
    }
}

fn compile_static(id: &str, answer: &StaticAnswer) -> Result<CompiledTarget, String> {
    let status = StatusCode::from_u16(answer.status)
        .map_err(|_| format!("`{}` of route `{id}` is not a status", answer.status))?;
    let mut headers = HeaderMap::with_capacity(answer.headers.len());
    for (name, value) in &answer.headers {
        let wrong = || format!("`{name}: {value}` of route `{id}` is not a header");
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?,
            HeaderValue::from_str(value).map_err(|_| wrong())?,
        );
    }
    Ok(CompiledTarget::Static { status, headers, body: Bytes::from(answer.body.clone()) })
}

/// The answer of a static route.
pub(crate) fn static_answer(status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.clone()));
    *response.status_mut() = status;
    *response.headers_mut() = headers.clone();
    response
}

/// The addresses of a model's listeners as configured.
pub(crate) fn addresses(model: &Model) -> Vec<SocketAddr> {
    model.listeners.iter().map(|listener| listener.address).collect()
}
