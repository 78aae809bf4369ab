//! The loop: take an event, serve it, post the reply.
//!
//! A Runtime API that fails is asked again, with pauses that grow; one that stays away ends the process with an error, so
//! that Lambda starts the sandbox afresh.

use std::process::ExitCode;
use std::sync::Arc;

use crate::Shared;
use crate::app::App;
use crate::backoff::Backoff;
use crate::deadline::Deadline;
use crate::exchange::exchange;
use crate::journal::record;
use crate::runtime::{ApiError, Client};
use crate::settings::Endpoint;
use crate::spare::Spare;

/// Failures in a row, about half a minute, after which the API is taken for gone.
const PATIENCE: u32 = 32;

/// Serves invocations one after another until the API is gone.
pub(crate) async fn work(api: Endpoint, shared: Arc<Shared>) -> ExitCode {
    let workers = shared.settings.workers;
    let mut client = match Client::new(api, Spare::one_of(workers)) {
        Ok(client) => client,
        Err(error) => {
            shared.log.error(&error.to_string());
            return ExitCode::FAILURE;
        }
    };
    let mut app = App::new(shared.settings.app.clone(), shared.settings.pool_idle_timeout);
    let mut spare = Spare::one_of(workers);
    let mut backoff = Backoff::new();
    let mut deadline = Deadline::new();
    loop {
        let delivery = match client.next().await {
            Ok(delivery) => delivery,
            Err(error @ ApiError::Nameless) => {
                shared.log.error(&error.to_string());
                backoff.pause().await;
                continue;
            }
            Err(error) if backoff.failures() < PATIENCE => {
                shared.log.warn(&error.to_string());
                backoff.pause().await;
                continue;
            }
            Err(error) => {
                shared.log.error(&error.to_string());
                return ExitCode::FAILURE;
            }
        };
        backoff.reset();
        let busy = shared.begin();
        let (reply, mut facts) = exchange(&delivery, &mut app, &mut deadline, &mut spare, &shared).await;
        let answer = reply.answer();
        let posted = client.post(&delivery, reply, &mut app).await;
        let posted = posted.map(|broken| facts.failure = facts.failure.take().or(broken));
        record(&facts, posted, &delivery, &shared);
        spare.give_back(answer);
        client.done(delivery);
        drop(busy);
        if shared.stopping() {
            std::future::pending::<()>().await;
        }
    }
}
