//! How a weighted set chooses, beside its weights.

use std::time::Duration;

use crate::Percent;

/// What a route with several functions asks before it draws.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Canary {
    /// Requests of one client go to one function.
    pub sticky: Option<Sticky>,
    /// A header, in lower case, whose value names one of the route's functions by key or qualifier.
    pub override_by: Option<String>,
    /// When a function's share ends by itself.
    pub rollback: Option<Rollback>,
}

/// Where a client is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sticky {
    /// A header, in lower case. A request without it is drawn for.
    Header(String),
    /// A cookie that the gateway gives where there is none.
    Cookie {
        /// Its name.
        name: String,
        /// How long a client keeps it.
        max_age: Duration,
    },
}

/// Ends the share of one function that fails too often, until a reload changes its route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollback {
    /// Key of the function, one of the route's.
    pub function: String,
    /// Failures among its calls.
    pub errors: Percent,
    /// Of the last so long.
    pub over: Duration,
    /// Fewer calls say nothing.
    pub min_calls: u32,
}

impl Rollback {
    /// `over` when absent.
    pub const OVER: Duration = Duration::from_secs(60);
    /// `min_calls` when absent.
    pub const MIN_CALLS: u32 = 20;
}
