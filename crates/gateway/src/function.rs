//! What a function has at run time: where it is called, and what bounds its calls.
//!
//! `concurrency.max` calls run at once, `queue` more wait for `wait` at most; beyond either the request is refused
//! with 503 `overloaded`. The state is kept across reloads while the function's settings stay equal.

mod breaker;
mod gate;
mod place;

use std::sync::Arc;

use lambridge_invoke::{ClientError, Pool};
use lambridge_model::{Function, Invocation};
use lambridge_wire::invoke::InvocationType;
use lambridge_wire::limits;
use tokio::time::Instant;

use crate::Problem;
use crate::directory::{Directory, Entry};
use crate::metrics::FunctionMetrics;
use crate::problem::Refusal;
use crate::retry::RetryBudget;
use crate::template::{self, Template};

use gate::Gate;

pub(crate) use breaker::Pass;
pub(crate) use gate::Permit;
pub(crate) use place::Place;

/// One function of the running gateway.
#[derive(Debug)]
pub(crate) struct FunctionState {
    pub(crate) key: Arc<str>,
    /// Its `origin` is blank, so that a moved line does not count as a change.
    pub(crate) settings: Function,
    /// Its own, then those it fails over to.
    pub(crate) places: Vec<Place>,
    pub(crate) gate: Gate,
    pub(crate) retries: RetryBudget,
    /// What writes the event, if that is a template.
    pub(crate) template: Option<Template>,
    pub(crate) metrics: Arc<FunctionMetrics>,
    /// For a function that is called only while it is listed.
    entry: Option<Entry>,
}

impl FunctionState {
    /// `others` may have the directory that this function is looked up in.
    pub(crate) fn new<'f>(
        key: &str,
        function: &Function,
        pool: &Pool,
        others: impl Iterator<Item = &'f Arc<FunctionState>>,
        metrics: Arc<FunctionMetrics>,
    ) -> Result<Self, Problem> {
        let problem = |error: ClientError| Problem {
            origin: function.origin.clone(),
            message: format!("function `{key}`: {error}"),
        };
        let home = Place::new(function, pool).map_err(problem)?;
        let entry = Entry::new(function, &home.lambda, others.filter_map(|state| state.directory()));
        let mut places = vec![home];
        for other in function.places().skip(1) {
            places.push(Place::new(&other, pool).map_err(problem)?);
        }
        Ok(Self {
            key: key.into(),
            settings: function.without_place(),
            places,
            gate: Gate::new(function.concurrency),
            retries: RetryBudget::new(function.retries.budget, Instant::now()),
            template: template::of(&function.event)?,
            metrics,
            entry,
        })
    }

    /// Whether `function` of another model is this one.
    pub(crate) fn is(&self, key: &str, function: &Function) -> bool {
        *self.key == *key && self.settings == function.without_place()
    }

    fn directory(&self) -> Option<&Arc<Directory>> {
        self.entry.as_ref().map(|entry| &entry.directory)
    }

    /// Refuses a call of a function that Lambda does not list, where that matters.
    pub(crate) async fn is_listed(&self, deadline: Instant) -> Result<(), Refusal> {
        match &self.entry {
            Some(entry) => entry.check(deadline).await,
            None => Ok(()),
        }
    }

    pub(crate) fn kind(&self) -> InvocationType {
        match self.settings.invoke {
            Invocation::Sync | Invocation::Stream => InvocationType::RequestResponse,
            Invocation::Async => InvocationType::Event,
            Invocation::DryRun => InvocationType::DryRun,
        }
    }

    /// Whether a call goes on when its client goes. Lambda runs on regardless, and a buffered answer is short; a stream
    /// could go on for long with no one to read it.
    pub(crate) fn outlives_its_client(&self) -> bool {
        self.settings.invoke != Invocation::Stream
    }

    /// The largest event its kind of invocation takes.
    pub(crate) fn event_max(&self) -> usize {
        match self.settings.invoke {
            Invocation::Sync | Invocation::Stream | Invocation::DryRun => limits::SYNC_PAYLOAD,
            Invocation::Async => limits::ASYNC_PAYLOAD,
        }
    }
}

/// The function named `key` of an earlier snapshot, if its settings are the same.
pub(crate) fn kept<'a>(
    earlier: impl IntoIterator<Item = &'a Arc<FunctionState>>,
    key: &str,
    function: &Function,
) -> Option<Arc<FunctionState>> {
    earlier.into_iter().find(|state| state.is(key, function)).cloned()
}
