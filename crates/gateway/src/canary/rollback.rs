//! The end of a canary that fails too often.
//!
//! The last `over` of a function's calls through one route are kept in ten slices. When there are `min_calls` of them, and the
//! share of failures is reached, the rule strikes: the function's weight counts as zero from the next request on, one
//! line says so, and so do the admin address and the metrics. It strikes once: a function that nobody calls can show
//! no better, and one that works again for a moment is no reason to send it clients. A reload that changes the route or the
//! function begins anew; any other does not.
//!
//! A failure is an answer of 500 and above, the function's own included, or one that breaks off. Throttles and the gateway's own
//! refusals say nothing about the function.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use lambridge_model::{self as model, Function, Origin, Route};

use crate::function::FunctionState;

const SLICES: usize = 10;

/// One rule of one route, with what it has seen.
#[derive(Debug)]
pub(crate) struct Rollback {
    rule: model::Rollback,
    /// What must be the same for the rule to go on; places are blank.
    route: Route,
    function: Function,
    began: Instant,
    struck: AtomicBool,
    window: Mutex<Window>,
}

impl Rollback {
    /// The rule of a route, with what `earlier` has seen if nothing has changed for it.
    pub(crate) fn of(
        rule: &model::Rollback,
        route: &Route,
        function: &FunctionState,
        earlier: Option<&Arc<Self>>,
    ) -> Arc<Self> {
        let mut route = Route { origin: Origin::default(), ..route.clone() };
        if let Some(scripts) = &mut route.scripts {
            scripts.origin = Origin::default();
        }
        let same = |earlier: &&Arc<Self>| earlier.route == route && earlier.function == function.settings;
        if let Some(earlier) = earlier.filter(same) {
            return Arc::clone(earlier);
        }
        Arc::new(Self {
            rule: rule.clone(),
            route,
            function: function.settings.clone(),
            began: Instant::now(),
            struck: AtomicBool::new(false),
            window: Mutex::default(),
        })
    }

    /// Whether the function's share has ended.
    pub(crate) fn has_struck(&self) -> bool {
        self.struck.load(Ordering::Relaxed)
    }

    /// Key of the function that it watches.
    pub(crate) fn function(&self) -> &str {
        &self.rule.function
    }

    /// A call ended at `now`.
    pub(crate) fn note(&self, failed: bool, now: Instant) {
        if self.has_struck() {
            return;
        }
        let at = now.saturating_duration_since(self.began);
        let (calls, failures) = {
            let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
            window.note(at, self.rule.over, failed)
        };
        let is_over = calls >= u64::from(self.rule.min_calls) && self.rule.errors.is_reached(failures, calls);
        if failed && is_over && !self.struck.swap(true, Ordering::Relaxed) {
            let (function, route) = (&self.rule.function, &self.route.id);
            let line = format!(
                "rolled back: `{function}` gets no more requests of route `{route}`, {failures} of its last {calls} calls failed"
            );
            // No one to tell is no reason to end.
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        }
    }
}

/// Calls and failures of the last while. Time is an argument.
#[derive(Debug, Default)]
struct Window {
    slices: [Slice; SLICES],
}

#[derive(Debug, Default, Clone, Copy)]
struct Slice {
    /// Which stretch of time it counts.
    number: u128,
    calls: u64,
    failures: u64,
}

impl Window {
    /// Adds a call at `at`; all calls and failures of the window that ends there. `over` is never zero.
    fn note(&mut self, at: Duration, over: Duration, failed: bool) -> (u64, u64) {
        let length = (over.as_nanos() / SLICES as u128).max(1);
        let number = at.as_nanos() / length;
        let slice = &mut self.slices[(number % SLICES as u128) as usize];
        // A call that ended earlier and is noted later must not take a newer slice back.
        if slice.number < number {
            *slice = Slice { number, ..Slice::default() };
        }
        slice.calls += 1;
        slice.failures += u64::from(failed);
        let oldest = number.saturating_sub(SLICES as u128 - 1);
        let counted = self.slices.iter().filter(|slice| slice.number >= oldest);
        counted.fold((0, 0), |(calls, failures), slice| (calls + slice.calls, failures + slice.failures))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Window;

    const OVER: Duration = Duration::from_secs(60);

    /// Calls at these seconds, and whether they failed; what the window says at the end.
    fn check(calls: &[(u64, bool)], expect: (u64, u64)) {
        let mut window = Window::default();
        let mut found = (0, 0);
        for (second, failed) in calls {
            found = window.note(Duration::from_secs(*second), OVER, *failed);
        }
        assert_eq!(found, expect, "{calls:?}");
    }

    #[test]
    fn windows() {
        check(&[(0, true)], (1, 1));
        check(&[(0, true), (1, false), (30, true)], (3, 2));
        // The slice of the first six seconds is forgotten when the tenth after it begins.
        check(&[(0, true), (59, false)], (2, 1));
        check(&[(0, true), (60, false)], (1, 0));
        check(&[(0, true), (6, true), (65, false)], (2, 1));
        check(&[(0, true), (3600, false)], (1, 0));
        // Late news of an earlier call.
        check(&[(60, false), (59, true)], (2, 1));
    }

    #[test]
    fn the_shortest_window_counts_too() {
        let mut window = Window::default();
        assert_eq!(window.note(Duration::ZERO, Duration::from_nanos(1), true), (1, 1));
        assert_eq!(window.note(Duration::from_secs(1), Duration::from_nanos(1), true), (1, 1));
    }
}
