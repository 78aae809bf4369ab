//! How many retries a function may have among all its calls.
//!
//! A service that fails is called again by everyone at once, and fails the more. So a retry costs a token: each call earns
//! a share of one, each second a few more, and without a token the failure goes to the client as it is. What is
//! earned can be saved up to what ten seconds and 500 calls give, so that a short outage is bridged, and a long one is not
//! multiplied: over any time the retries are at most that, plus the share of the calls, plus the few of each second.
//!
//! A call only adds one to a number; the books are made when a retry asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use lambridge_model::RetryBudget as Settings;
use tokio::time::Instant;

/// Seconds whose floor may be saved up.
const SECONDS: f64 = 10.0;
/// Calls whose share may be.
const CALLS: f64 = 500.0;

/// One function's.
#[derive(Debug)]
pub(crate) struct RetryBudget {
    ratio: f64,
    per_second: f64,
    calls: AtomicU64,
    books: Mutex<Books>,
}

#[derive(Debug)]
struct Books {
    tokens: f64,
    /// Calls that are in them.
    calls: u64,
    made: Instant,
}

impl RetryBudget {
    /// With what ten seconds give.
    pub(crate) fn new(settings: Settings, now: Instant) -> Self {
        let per_second = f64::from(settings.min_per_second);
        Self {
            ratio: settings.ratio.ratio(),
            per_second,
            calls: AtomicU64::new(0),
            books: Mutex::new(Books { tokens: per_second * SECONDS, calls: 0, made: now }),
        }
    }

    /// A call is made, for the first time.
    pub(crate) fn earn(&self) {
        self.calls.fetch_add(1, Ordering::Relaxed);
    }

    /// Whether a retry may be made now.
    pub(crate) fn spend(&self, now: Instant) -> bool {
        // A poisoned lock holds whole books: nothing in here panics between two writes.
        let mut books = self.books.lock().unwrap_or_else(PoisonError::into_inner);
        let calls = self.calls.load(Ordering::Relaxed);
        let earned = self.ratio * calls.wrapping_sub(books.calls) as f64;
        let passed = now.saturating_duration_since(books.made).as_secs_f64();
        let most = self.per_second * SECONDS + self.ratio * CALLS;
        books.tokens = (books.tokens + earned + self.per_second * passed).min(most);
        books.calls = calls;
        books.made = books.made.max(now);
        let has = books.tokens >= 1.0;
        if has {
            books.tokens -= 1.0;
        }
        has
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lambridge_model::{Percent, RetryBudget as Settings};
    use proptest::prelude::*;
    use tokio::time::Instant;

    use super::RetryBudget;

    fn spent(budget: &RetryBudget, now: Instant) -> usize {
        std::iter::repeat_with(|| budget.spend(now)).take_while(|spent| *spent).count()
    }

    #[test]
    fn it_is_earned_by_calls_and_time() {
        let now = Instant::now();
        let budget = RetryBudget::new(Settings::default(), now);
        assert_eq!(spent(&budget, now), 30, "what it begins with");
        (0..50).for_each(|_| budget.earn());
        assert_eq!(spent(&budget, now), 10);
        assert_eq!(spent(&budget, now + Duration::from_secs(2)), 6);
        (0..100_000).for_each(|_| budget.earn());
        assert_eq!(spent(&budget, now + Duration::from_secs(900)), 130, "not more than is saved up");
        // A clock that went back earns nothing twice.
        assert_eq!(spent(&budget, now), 0);
        assert_eq!(spent(&budget, now + Duration::from_secs(901)), 3);
    }

    #[test]
    fn nothing_is_none() {
        let now = Instant::now();
        let budget = RetryBudget::new(Settings { ratio: Percent::new(0), min_per_second: 0 }, now);
        (0..1000).for_each(|_| budget.earn());
        assert_eq!(spent(&budget, now + Duration::from_secs(900)), 0);
    }

    proptest! {
        /// Whatever happens in whatever order, an outage is not multiplied.
        #[test]
        fn retries_are_bounded(
            ratio in 0_u8..=100,
            per_second in 0_u32..20,
            steps in prop::collection::vec((0_u64..3000, 0_usize..200, 0_usize..400), 1..40),
        ) {
            let start = Instant::now();
            let budget = RetryBudget::new(Settings { ratio: Percent::new(ratio), min_per_second: per_second }, start);
            let (mut now, mut calls, mut retries) = (start, 0, 0);
            for (ms, more, asked) in steps {
                now += Duration::from_millis(ms);
                (0..more).for_each(|_| budget.earn());
                calls += more;
                retries += (0..asked).filter(|_| budget.spend(now)).count();
            }
            let (share, floor) = (f64::from(ratio) / 100.0, f64::from(per_second));
            let bound = floor * 10.0 + share * calls as f64 + floor * (now - start).as_secs_f64();
            prop_assert!(retries as f64 <= bound + 1e-6, "{retries} of {bound}");
        }
    }
}
