//! The request path: one async function, a line a stage, `?` to leave early.
//!
//! Whatever way a request ends, its facts are written once, by its [`Record`].

mod answer;
mod call;
mod event;
mod stream;
mod tenant;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use http::header::{HeaderValue, SET_COOKIE};
use http::request::Parts;
use http::{HeaderName, Request, Response, Version};
use http_body::Body as _;
use hyper::body::Incoming;
use lambridge_event::letters_digits_and;
use lambridge_invoke::Target;
use tokio::time::Instant;

use crate::answer_body::AnswerBody;
use crate::compile::{CompiledRoute, CompiledTarget, Snapshot, static_answer};
use crate::connection::Connection;
use crate::function::FunctionState;
use crate::headers::Client;
use crate::problem::{Reason, Refusal};
use crate::record::{self, Record};
use crate::router::{Found, Lookup};
use crate::upstream::Asked;
use crate::{body, random, script, trace, weights};

use call::Called;
use event::Matched;

const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Answers one request. `refused` is the head guard's verdict on it.
pub(crate) async fn serve(
    connection: Arc<Connection>,
    request: Request<Incoming>,
    refused: Option<Reason>,
) -> Response<AnswerBody> {
    let (head, body) = request.into_parts();
    let mut record = Record::begin(connection.clone(), &head);
    let answer = exchange(&connection, head, body, refused, &mut record).await;
    finish(&connection, answer, record)
}

/// The stages.
async fn exchange(
    connection: &Connection,
    sent: Parts,
    body: Incoming,
    refused: Option<Reason>,
    record: &mut Record,
) -> Result<Response<AnswerBody>, Refusal> {
    let (head, facts) = (&sent, &mut record.facts);
    let snapshot = connection.shared.snapshot.load_full();
    facts.errors = snapshot.errors_of(connection.listener);
    let mut client = identify(connection, &snapshot, head, facts);
    let host = admit(connection, head, refused)?;
    if let Some(entrance) = snapshot.entrance_of(connection.listener)
        && let Some(answer) = entrance.answer(&head.uri, host, client.is_secure(&head.headers))?
    {
        return Ok(answer.map(AnswerBody::Whole));
    }
    let route = route(&snapshot, connection, head, host, facts)?;
    let parameters = route.parameters_of(head.uri.path());
    count(route, &client, head, facts)?;
    let asked = (head, host);
    let edited = route.edits.as_ref().map(|edits| edits.request(head, host, &mut client));
    let (head, host) = edited.as_ref().map_or(asked, |(head, host)| (head, *host));
    let limits = &snapshot.model.limits;
    let function = match &route.target {
        CompiledTarget::Static { status, headers, body } => {
            return Ok(static_answer(*status, headers, body).map(AnswerBody::Whole));
        }
        CompiledTarget::Redirect(redirect) => {
            let secure = client.is_secure(&asked.0.headers);
            return Ok(redirect.answer(&asked.0.uri, asked.1, secure)?.map(AnswerBody::Whole));
        }
        CompiledTarget::Upstream(upstream) => {
            let (body_max, pause, original_host) = (route.body_max, limits.body_timeout, asked.1);
            let asked = Asked { head, host, original_host, client: &client, body_max, pause };
            // Boxed, so that what passes requests on is no part of every call's future.
            return Box::pin(upstream.pass_on(asked, body, facts)).await;
        }
        CompiledTarget::Functions(_) | CompiledTarget::FunctionFrom(_) => {
            choose(connection, route, head, facts)?
        }
    };
    let mut memory = connection.shared.budget.share();
    let whole = body::read(body, limits, route.body_max, function.event_max(), &mut memory).await?;
    facts.bytes_in = whole.len();
    let deadline = Instant::now() + function.settings.timeout;
    function.is_listed(deadline).await?;
    let scripted = script::before(route.script.as_ref(), head, &parameters, &whole, deadline).await?;
    let (told, parameters, body) = script::told(scripted.as_ref(), head, parameters, &whole);
    let named = name(&route.target, told, &parameters, facts)?;
    let tenant_id = tenant::of(function, told, &parameters)?;
    let matched = Matched { route, parameters: &parameters, host };
    let event = event::encode(function, &matched, told, body, &client, facts, &mut memory)?;
    event::fits(&event, function, body.len(), &mut memory)?;
    // All that the call needs stands in the event by now. What the client sent goes, since a call may last, and the buffers
    // that it was read into are large beside it.
    drop(edited);
    drop((sent, scripted, whole));
    let method = facts.method.clone();
    let permit = function.gate.enter(deadline, |waited| facts.queued(function, waited)).await?;
    connection.exchange.calling.store(function.outlives_its_client(), Ordering::Relaxed);
    let called =
        call::invoke(function, named.as_ref(), tenant_id.as_deref(), event, &method, deadline, facts).await;
    connection.exchange.calling.store(false, Ordering::Relaxed);
    match called? {
        Called::Stream(streamed) => stream::answer(function, streamed, permit, &method, facts).await,
        Called::Whole(invoked) => {
            memory.count(invoked.payload.len());
            let answer = answer::decode(function, &invoked, &method, facts)?;
            Ok(answer
                .map(|body| AnswerBody::Whole(memory.hold(body.into_inner().unwrap_or_default()).into())))
        }
    }
}

/// Who asks, and under which id.
fn identify(connection: &Connection, snapshot: &Snapshot, head: &Parts, facts: &mut record::Facts) -> Client {
    let proxies = &snapshot.model.trusted_proxies;
    let client = Client::new(&connection.ends, &head.headers, proxies);
    facts.request_id = record::request_id(head, client.trusted);
    facts.client.clone_from(&client.address);
    facts.trace =
        trace::of(&snapshot.model.trace, &head.headers, client.trusted, facts.time_ms, random::draw);
    if let Some(telemetry) = &snapshot.telemetry {
        telemetry.begin(head, connection.ends.is_tls(), facts, random::draw);
    }
    client
}

/// Refuses what no route should see; the host the client asks for otherwise.
fn admit<'a>(connection: &Connection, head: &'a Parts, refused: Option<Reason>) -> Result<&'a str, Refusal> {
    if let Some(reason) = refused {
        return Err(reason.into());
    }
    if connection.shared.is_cut() {
        return Err(Reason::Draining.into());
    }
    // RFC 9112 section 3.2: exactly one `Host`; that of an absolute target is there by now.
    let bad = |detail: &str| Refusal::from(Reason::BadRequest).with_detail(detail);
    let mut hosts = head.headers.get_all(http::header::HOST).iter();
    let host = hosts.next();
    if hosts.next().is_some() {
        return Err(bad("more than one Host"));
    }
    if host.is_none() && head.version == Version::HTTP_11 {
        return Err(bad("no Host"));
    }
    match host.map(|value| value.to_str()) {
        None => Ok(""),
        Some(Ok(text)) if is_host(text) => Ok(text),
        Some(_) => Err(bad("a malformed Host")),
    }
}

/// Characters that a host and its port have; RFC 3986 section 3.2.2.
fn is_host(text: &str) -> bool {
    static HOST: [bool; 256] = letters_digits_and(b"-._~!$&'()*+,;=:[]%");
    text.bytes().all(|b| HOST[usize::from(b)])
}

/// Refuses a client that asks too often.
fn count(
    route: &CompiledRoute,
    client: &Client,
    head: &Parts,
    facts: &mut record::Facts,
) -> Result<(), Refusal> {
    let Some(limiter) = &route.limiter else { return Ok(()) };
    let standing = limiter.take(&client.address, &head.headers, std::time::Instant::now());
    facts.standing = Some(standing);
    if standing.allowed {
        return Ok(());
    }
    Err(Refusal::from(Reason::RateLimited).with_retry_after(standing.reset.as_secs_f64().ceil() as u64))
}

/// The route, or 404, or 405.
fn route<'a>(
    snapshot: &'a Snapshot,
    connection: &Connection,
    head: &Parts,
    host: &str,
    facts: &mut record::Facts,
) -> Result<&'a CompiledRoute, Refusal> {
    let lookup = Lookup {
        listener: connection.listener,
        host,
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: &head.headers,
    };
    match snapshot.router.find(&lookup) {
        Found::Route(index) => {
            let route = snapshot.routes.get(index).ok_or(Reason::NoRoute)?;
            facts.errors = route.errors;
            facts.route = Some(Arc::clone(&route.tally));
            if let Some(recording) = &mut facts.recording {
                recording.pattern.clone_from(&route.template);
            }
            facts.edits.clone_from(&route.edits);
            if let Some(calls) = facts.calls() {
                calls.request();
            }
            Ok(route)
        }
        Found::MethodNotAllowed(allow) => Err(Refusal::method_not_allowed(allow)),
        Found::Nothing => Err(Reason::NoRoute.into()),
    }
}

/// The function that is called.
fn choose<'a>(
    connection: &Connection,
    route: &'a CompiledRoute,
    head: &Parts,
    facts: &mut record::Facts,
) -> Result<&'a FunctionState, Refusal> {
    let function = match &route.target {
        CompiledTarget::Functions(shares) => {
            let index = match (&route.canary, &shares[..]) {
                (Some(canary), _) => {
                    let chosen = canary.choose(&head.headers, connection.ends.is_tls(), random::draw)?;
                    facts.set_cookie = chosen.set_cookie;
                    facts.watch = chosen.watch;
                    Some(chosen.index)
                }
                (None, [(weight, _)]) => (*weight > 0).then_some(0),
                (None, _) => weights::pick(shares.iter().map(|(weight, _)| *weight), random::draw()),
            };
            let (_, function) = index.and_then(|index| shares.get(index)).ok_or(Reason::NoTarget)?;
            function
        }
        CompiledTarget::FunctionFrom(named) => &named.function,
        CompiledTarget::Upstream(_) | CompiledTarget::Redirect(_) | CompiledTarget::Static { .. } => {
            return Err(Reason::NoTarget.into());
        }
    };
    facts.function = Some(function.key.clone());
    if let Some(recording) = &mut facts.recording {
        recording.invoked = Some(function.settings.name.name().to_owned());
    }
    Ok(function)
}

/// How the function is addressed where the request says it itself, or a script.
fn name(
    target: &CompiledTarget,
    head: &Parts,
    parameters: &[(&str, &str)],
    facts: &mut record::Facts,
) -> Result<Option<Target>, Refusal> {
    let CompiledTarget::FunctionFrom(named) = target else { return Ok(None) };
    let (target, name) = named.target(head, parameters)?;
    facts.invoked = Some(name);
    Ok(Some(target))
}

/// Gives the answer its id, tells the record, writes it.
fn finish(
    connection: &Connection,
    answer: Result<Response<AnswerBody>, Refusal>,
    mut record: Record,
) -> Response<AnswerBody> {
    let facts = &mut record.facts;
    let answer = answer.map(|mut answer| {
        if let Some(edits) = &facts.edits {
            edits.answer(answer.headers_mut());
        }
        answer
    });
    let mut response = answer.unwrap_or_else(|mut refusal| {
        facts.reason = Some(refusal.reason);
        facts.detail = refusal.detail.take();
        if let Some(calls) = facts.calls() {
            calls.error();
        }
        refusal.respond(facts.errors, &facts.request_id).map(AnswerBody::Whole)
    });
    if let Some(standing) = &facts.standing {
        standing.tell(response.headers_mut(), facts.time_ms / 1000);
    }
    if let Ok(id) = HeaderValue::from_str(&facts.request_id) {
        response.headers_mut().insert(X_REQUEST_ID, id);
    }
    if let Some(cookie) = facts.set_cookie.take() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    answer::without_body_where_none_belongs(&facts.method, &mut response);
    facts.status = response.status().as_u16();
    if let AnswerBody::Stream(flow) = response.body_mut() {
        flow.follow(record);
        return response;
    }
    facts.bytes_out = response.body().size_hint().exact().map_or(0, |bytes| bytes as usize);
    if connection.exchange.gone.load(Ordering::Relaxed) {
        facts.reason = Some(Reason::ClientGone);
        facts.status = Reason::ClientGone.status();
        facts.bytes_out = 0;
    }
    record.write();
    response
}
