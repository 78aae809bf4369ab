//! Lua around a call, with KrakenD's objects: the sources and `pre` run on the request, before its event is made.
//!
//! What a script sets counts from then on: parameters reach the payload and the function's name, the body the payload.
//! Each request has a state of its own, and nothing is left behind when it ends. Scripts run on threads of their own, never
//! among the connections, a bounded number at once, each with a bound on memory and instructions and with the call's
//! deadline. A route without scripts pays nothing.
//!
//! The language is Lua 5.1. `math.random` is the gateway's own, so seeding it changes nothing. Left out are coroutines, `io`,
//! `debug`, `package`, what ends the process or reads files, and Lua's binary code: see [`state`].
//!
//! One thing cannot be stopped from outside: a single call into the string library, as a pattern that goes back and forth for
//! minutes. The request ends at its deadline all the same; the thread, one of [`AT_ONCE`], ends when the call does.
//!
//! Source: krakend/krakend-lua and krakend/binder (Apache-2.0), and KrakenD's page on Lua, read July 2026.

mod failure;
mod request;
mod state;
mod value;

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use lambridge_model::Scripts;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use crate::problem::{Reason, Refusal};
use crate::random;
use failure::Sources;
use state::Limits;

/// Scripts that run at the same time. With [`state::MEMORY`] each it bounds what all scripts may take.
const AT_ONCE: usize = 32;

static RUNNING: Semaphore = Semaphore::const_new(AT_ONCE);

/// The compiled scripts of a route.
#[derive(Debug)]
pub(crate) struct Script {
    /// What every state begins with, then the sources, then `pre`: as Lua's own binary code, so that nothing is parsed anew.
    chunks: Vec<Vec<u8>>,
    sources: Sources,
    open_libs: bool,
}

/// A request as a script left it.
#[derive(Debug)]
pub(crate) struct Scripted {
    /// Only if the script changed it.
    head: Option<Parts>,
    body: Bytes,
    /// Percent-encoded, as those of a path are.
    parameters: Vec<(String, String)>,
}

/// Runs a route's script, if it has one. `parameters` are those of the path, as sent.
pub(crate) async fn before(
    script: Option<&Arc<Script>>,
    head: &Parts,
    parameters: &[(&str, &str)],
    body: &Bytes,
    deadline: Instant,
) -> Result<Option<Scripted>, Refusal> {
    match script {
        None => Ok(None),
        // Boxed, so that scripts are no part of every call's future.
        Some(script) => Box::pin(script.before(head, parameters, body.clone(), deadline)).await.map(Some),
    }
}

/// The request as it counts from here on: head, parameters, body.
pub(crate) fn told<'a>(
    scripted: Option<&'a Scripted>,
    head: &'a Parts,
    parameters: Vec<(&'a str, &'a str)>,
    body: &'a Bytes,
) -> (&'a Parts, Vec<(&'a str, &'a str)>, &'a Bytes) {
    let Some(scripted) = scripted else { return (head, parameters, body) };
    let parameters = scripted.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    (scripted.head.as_ref().unwrap_or(head), parameters.collect(), &scripted.body)
}

impl Script {
    /// Compiles what the model has; a syntax error says in which file and line.
    pub(crate) fn compile(scripts: &Scripts) -> Result<Self, String> {
        let sources = Sources::new(&scripts.sources);
        let mut chunks = vec![state::prelude().map_err(|error| failure::message(&error, &sources))?];
        let texts = [(sources.name(), Some(sources.text())), ("pre-script", scripts.pre.clone())];
        for (name, text) in texts.into_iter().filter_map(|(name, text)| Some((name, text?))) {
            let chunk = state::compile(name, &text).map_err(|error| failure::message(&error, &sources))?;
            chunks.push(chunk);
        }
        if scripts.post.is_some() {
            return Err("`post` (code after the call) is not supported yet".to_owned());
        }
        Ok(Self { chunks, sources, open_libs: scripts.open_libs })
    }

    async fn before(
        self: &Arc<Self>,
        head: &Parts,
        parameters: &[(&str, &str)],
        body: Bytes,
        deadline: Instant,
    ) -> Result<Scripted, Refusal> {
        let timeout = || Refusal::from(Reason::Timeout).with_detail("the script did not end in time");
        let request = request::Request::new(head.clone(), parameters, body);
        let permit = timeout_at(deadline, RUNNING.acquire()).await.map_err(|_| timeout())?;
        let (script, seed) = (self.clone(), random::draw());
        let limits = Limits { until: deadline.into_std(), seed };
        let running = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            script.run(request, limits)
        });
        match timeout_at(deadline, running).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Refusal::from(Reason::Script).with_detail("the script's thread failed")),
            Err(_) => Err(timeout()),
        }
    }

    fn run(&self, request: request::Request, limits: Limits) -> Result<Scripted, Refusal> {
        let shared = request::Shared::new(request);
        let ran = state::run(&self.chunks, self.open_libs, limits, |lua| shared.install(lua));
        ran.map_err(|error| failure::refusal(&error, &self.sources))?;
        Ok(shared.take().into_scripted())
    }
}

#[cfg(test)]
mod tests;
