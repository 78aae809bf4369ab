//! Where a function is called: its own region first, then those it fails over to.
//!
//! Each place has a client of its own, which signs for its region with its credentials, and a breaker of its own: a
//! region that is left alone is no reason to leave the others alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lambridge_invoke::{ClientError, Lambda, Pool, Target};
use lambridge_model::{Function, Invocation};
use tokio::time::Instant;

use super::breaker::Breaker;

/// One of them.
#[derive(Debug)]
pub(crate) struct Place {
    /// The region's name; `default` where only the first call finds it.
    pub(crate) region: Arc<str>,
    pub(crate) lambda: Lambda,
    pub(crate) target: Target,
    pub(crate) breaker: Option<Breaker>,
    /// Calls that Lambda took here.
    answered: AtomicU64,
}

impl Place {
    /// One of [`Function::places`].
    pub(crate) fn new(function: &Function, pool: &Pool) -> Result<Self, ClientError> {
        let lambda = pool.client(function)?;
        let target = match function.invoke {
            Invocation::Stream => Lambda::stream_target(function),
            Invocation::Sync | Invocation::Async | Invocation::DryRun => Lambda::target(function),
        };
        let region = lambda.region().unwrap_or("default").into();
        let breaker = function.breaker.map(|settings| Breaker::new(settings, Instant::now()));
        Ok(Self { region, lambda, target, breaker, answered: AtomicU64::new(0) })
    }

    pub(crate) fn answered(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn answers(&self) -> u64 {
        self.answered.load(Ordering::Relaxed)
    }
}
