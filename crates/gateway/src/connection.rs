//! One client connection, and what its layers tell each other.
//!
//! The head guard below hyper, the service above it and the pipeline run in the same task, one request at a time;
//! the counters here let the guard name the request it refused and know when the connection is idle.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use crate::Shared;
use crate::headers::Ends;
use crate::problem::Reason;

/// A connection as its requests see it.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) shared: Arc<Shared>,
    pub(crate) ends: Ends,
    /// The listener's address as configured, by which routes name it.
    pub(crate) listener: SocketAddr,
    pub(crate) exchange: Exchange,
}

/// Between guard, service and pipeline.
#[derive(Debug)]
pub(crate) struct Exchange {
    /// Heads that the service has been given.
    begun: AtomicU64,
    /// Answers that the service has given.
    answered: AtomicU64,
    /// The head that stands in for a refused one.
    refused_at: AtomicU64,
    refused_as: AtomicU8,
    /// The pipeline is in a call that must be finished even if the client goes.
    pub(crate) calling: AtomicBool,
    /// The client went during that call.
    pub(crate) gone: AtomicBool,
    /// A streamed answer has ended since the connection was driven last.
    pub(crate) ended: AtomicBool,
    /// The end of the answer is the end of the connection, and nothing else.
    pub(crate) endless: AtomicBool,
}

impl Default for Exchange {
    fn default() -> Self {
        Self {
            begun: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            refused_at: AtomicU64::new(u64::MAX),
            refused_as: AtomicU8::new(0),
            calling: AtomicBool::new(false),
            gone: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            endless: AtomicBool::new(false),
        }
    }
}

impl Exchange {
    /// The service has a request; the refusal if the guard made it up.
    pub(crate) fn begin(&self) -> Option<Reason> {
        let index = self.begun.fetch_add(1, Ordering::Relaxed);
        (index == self.refused_at.load(Ordering::Relaxed)).then(|| {
            match self.refused_as.load(Ordering::Relaxed) {
                1 => Reason::HeadTooLarge,
                2 => Reason::RequestTimeout,
                _ => Reason::BadRequest,
            }
        })
    }

    /// The service has answered.
    pub(crate) fn end(&self) {
        self.answered.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether every one of `heads` heads has its answer.
    pub(crate) fn is_idle(&self, heads: u64) -> bool {
        self.answered.load(Ordering::Relaxed) >= heads
    }

    /// The guard refuses head number `index`.
    pub(crate) fn refuse(&self, index: u64, reason: Reason) {
        let code = match reason {
            Reason::HeadTooLarge => 1,
            Reason::RequestTimeout => 2,
            _ => 0,
        };
        self.refused_as.store(code, Ordering::Relaxed);
        self.refused_at.store(index, Ordering::Relaxed);
    }
}
