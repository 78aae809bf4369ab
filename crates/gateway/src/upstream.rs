//! An HTTP service as a route's target: the request goes on as it comes, the answer comes back as it is given.
//!
//! What passes in which direction is said in [`crate::headers`], as for functions. A request that surely was not sent goes
//! to another endpoint of the service, if there is one; nothing else is tried again, whatever the method, since the
//! body is gone by then. Switching protocols is refused: a gateway that does not understand what follows could not
//! bound it.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, HeaderValue, UPGRADE};
use http::request::Parts;
use http::uri::{PathAndQuery, Uri};
use http::{Method, Request, Response};
use http_body::Body as _;
use http_body_util::Full;
use hyper::body::Incoming;
use lambridge_invoke::{Payload, Pool, Received, Service, ServiceError};
use lambridge_model::{ConnectionSettings, HostRule, Protocol, Upstream as Settings};

use crate::answer_body::{AnswerBody, has_body};
use crate::flow::Flow;
use crate::headers::{self, Client};
use crate::inflow::{Inflow, Progress};
use crate::problem::{Reason, Refusal};
use crate::record::{Facts, micros};
use crate::{random, weights};

/// How long an answer without a body waits for its end: a message that ends leaves its connection usable.
const RUN_OUT: Duration = Duration::from_secs(1);
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// A compiled service.
#[derive(Debug)]
pub(crate) struct Upstream {
    endpoints: Vec<Endpoint>,
    host: HostRule,
    timeout: Duration,
    idle: Duration,
}

/// One of its addresses.
#[derive(Debug)]
struct Endpoint {
    weight: u32,
    /// As configured, for the log.
    url: Arc<str>,
    service: Service,
}

/// A client's request as it is to be passed on.
pub(crate) struct Asked<'a> {
    pub(crate) head: &'a Parts,
    /// The host that the target is asked for, and the one that the client asked for.
    pub(crate) host: &'a str,
    pub(crate) original_host: &'a str,
    pub(crate) client: &'a Client,
    /// One body, in bytes.
    pub(crate) body_max: usize,
    /// Between two pieces of it.
    pub(crate) pause: Duration,
}

impl Upstream {
    pub(crate) fn new(settings: &Settings, pool: &Pool) -> Result<Self, String> {
        let authorities = settings.ca_file.as_ref().map(|file| {
            let wrong = |error: &dyn std::fmt::Display| format!("`{}`: {error}", file.display());
            std::fs::read(file).map_err(|error| wrong(&error))
        });
        let authorities = authorities.transpose()?;
        let endpoints = settings.endpoints.iter().map(|endpoint| {
            let connections = ConnectionSettings { max: settings.connections_max, protocol: Protocol::Http1 };
            let service = pool.service(&endpoint.url, authorities.as_deref(), connections);
            let service = service.map_err(|error| error.to_string())?;
            Ok(Endpoint { weight: endpoint.weight, url: endpoint.url.as_str().into(), service })
        });
        Ok(Self {
            endpoints: endpoints.collect::<Result<_, String>>()?,
            host: settings.host,
            timeout: settings.timeout,
            idle: settings.idle_timeout,
        })
    }

    /// Passes the request on, waits for the head of the answer; its body goes on by itself.
    pub(crate) async fn pass_on(
        &self,
        asked: Asked<'_>,
        body: Incoming,
        facts: &mut Facts,
    ) -> Result<Response<AnswerBody>, Refusal> {
        refuse_upgrade(&asked.head.headers)?;
        let declared = body.size_hint().exact();
        if declared.is_some_and(|length| length > asked.body_max as u64) {
            return Err(Reason::BodyTooLarge.into());
        }
        let (payload, progress) = if body.is_end_stream() {
            (Payload::Whole(Full::default()), Arc::new(Progress::begin()))
        } else {
            let (inflow, progress) = Inflow::new(body, asked.body_max, asked.pause);
            (Payload::Coming(Box::pin(inflow)), progress)
        };
        let mut request = Request::new(payload);
        *request.method_mut() = asked.head.method.clone();
        *request.headers_mut() = self.fields(&asked, facts);
        let began = std::time::Instant::now();
        let answer = self.send(&asked, request, &progress, facts).await;
        facts.invoke_us = micros(began);
        facts.invoke_at_us = micros(facts.started).saturating_sub(facts.invoke_us);
        facts.bytes_in = progress.bytes();
        answer_of(asked.head, answer?).await
    }

    /// The fields that every endpoint gets.
    fn fields(&self, asked: &Asked<'_>, facts: &Facts) -> HeaderMap {
        let fields = headers::for_event(&asked.head.headers, asked.client, &facts.request_id, &facts.trace);
        let mut out = HeaderMap::with_capacity(fields.len() + 1);
        for (name, value) in fields {
            // They come from a map of fields, or are plain text of ours.
            if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name), HeaderValue::from_bytes(value)) {
                out.append(name, value);
            }
        }
        // The length is that of the body that is sent, which the connection knows.
        out.remove(CONTENT_LENGTH);
        if (self.host == HostRule::Upstream || asked.host != asked.original_host)
            && !out.contains_key(&FORWARDED_HOST)
            && let Ok(host) = HeaderValue::from_str(asked.original_host)
        {
            out.insert(FORWARDED_HOST, host);
        }
        out
    }

    async fn send(
        &self,
        asked: &Asked<'_>,
        mut request: Request<Payload>,
        progress: &Progress,
        facts: &mut Facts,
    ) -> Result<Response<Received>, Refusal> {
        let mut untried: Vec<&Endpoint> = self.endpoints.iter().collect();
        let mut detail = None;
        while let Some(index) = weights::pick(untried.iter().map(|endpoint| endpoint.weight), random::draw())
        {
            let Endpoint { service, url, .. } = untried.swap_remove(index);
            facts.attempts += 1;
            facts.upstream = Some(Arc::clone(url));
            self.address(asked, service, &mut request)?;
            let sent = tokio::select! {
                biased;
                sent = service.send(request, self.idle) => sent,
                () = progress.overdue(self.timeout) => {
                    return Err(Refusal::from(Reason::UpstreamTimeout).with_detail("the upstream did not answer in time"));
                }
            };
            let (message, back) = match sent {
                Ok(answer) => return Ok(answer),
                Err(ServiceError::Unsent { message, request }) => (message, request),
                Err(ServiceError::Sent { message }) => (message, None),
            };
            if let Some(reason) = progress.fault() {
                return Err(Refusal::from(reason).with_detail(message).closing());
            }
            detail = Some(message);
            match back {
                Some(back) => request = *back,
                None => break,
            }
        }
        match detail {
            Some(message) => Err(Refusal::from(Reason::UpstreamError).with_detail(message)),
            None => Err(Reason::NoTarget.into()),
        }
    }

    /// Path and `Host` as this endpoint is to be asked.
    fn address(
        &self,
        asked: &Asked<'_>,
        service: &Service,
        request: &mut Request<Payload>,
    ) -> Result<(), Refusal> {
        let bad = || Refusal::from(Reason::BadRequest).with_detail("a target that cannot be passed on");
        let uri = &asked.head.uri;
        let target = match (service.base(), uri.path_and_query()) {
            ("", Some(target)) => target.clone(),
            (base, target) => {
                let target = target.map_or("/", PathAndQuery::as_str);
                PathAndQuery::try_from(format!("{base}{target}")).map_err(|_| bad())?
            }
        };
        *request.uri_mut() = Uri::from(target);
        let is_rewritten = asked.host != asked.original_host;
        let host = match self.host {
            HostRule::Upstream if !is_rewritten => service.host().clone(),
            // A client of HTTP/1.0 may not have said one.
            _ if asked.host.is_empty() => service.host().clone(),
            _ => HeaderValue::from_str(asked.host).map_err(|_| bad())?,
        };
        request.headers_mut().insert(HOST, host);
        Ok(())
    }
}

/// The answer as it is passed back.
async fn answer_of(head: &Parts, answer: Response<Received>) -> Result<Response<AnswerBody>, Refusal> {
    let (mut parts, mut received) = answer.into_parts();
    let status = parts.status;
    if status.is_informational() {
        let detail = format!("it answered {status}, which no one asked for");
        return Err(Refusal::from(Reason::UpstreamError).with_detail(detail));
    }
    headers::pass_back(&mut parts.headers);
    let bodiless = head.method == Method::HEAD || !has_body(status);
    let body = if bodiless || received.length() == Some(0) {
        // What cannot be had in time is dropped with its connection.
        let _ = tokio::time::timeout(RUN_OUT, received.next()).await;
        AnswerBody::Whole(Full::default())
    } else {
        AnswerBody::Stream(Flow::passing(received))
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = parts.headers;
    Ok(response)
}

/// A request for another protocol would get an answer in HTTP, which its client may not expect. `h2c` is a mere offer.
fn refuse_upgrade(headers: &HeaderMap) -> Result<(), Refusal> {
    let is = |name: HeaderName, word: &str| {
        headers.get_all(name).iter().any(|line| {
            line.to_str().is_ok_and(|line| line.split(',').any(|one| one.trim().eq_ignore_ascii_case(word)))
        })
    };
    if headers.contains_key(UPGRADE) && is(CONNECTION, "upgrade") && !is(UPGRADE, "h2c") {
        return Err(Reason::NoUpgrade.into());
    }
    Ok(())
}
