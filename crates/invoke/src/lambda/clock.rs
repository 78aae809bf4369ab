//! The clock by which requests are signed.
//!
//! Lambda refuses a signature whose date is more than five minutes off (AWS General Reference, "Signature Version 4").
//! A machine whose clock is wrong would so be refused until someone sets it; AWS's SDKs take the `Date` of the refusal
//! instead, and so does this. The machine's clock stays what it is for everything else.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime};

/// What is less apart is not what a signature was refused for: five minutes are allowed.
const APART: Duration = Duration::from_secs(240);

/// The machine's clock, and by how many seconds Lambda's is ahead of it.
#[derive(Debug, Default)]
pub(super) struct Clock(AtomicI64);

impl Clock {
    /// Now, as Lambda sees it.
    pub(super) fn now(&self) -> SystemTime {
        let ahead = self.0.load(Ordering::Relaxed);
        let apart = Duration::from_secs(ahead.unsigned_abs());
        let local = SystemTime::now();
        let now = if ahead < 0 { local.checked_sub(apart) } else { local.checked_add(apart) };
        now.unwrap_or(local)
    }

    /// A request that was signed at `signed` was refused at `date`, as Lambda says. Whether that was the fault of the
    /// clock, which is right from now on.
    pub(super) fn correct(&self, signed: SystemTime, date: Option<&str>) -> bool {
        let Some(date) = date.and_then(|date| httpdate::parse_http_date(date).ok()) else { return false };
        let apart = date.duration_since(signed).unwrap_or_else(|behind| behind.duration());
        if apart < APART {
            return false;
        }
        let seconds = |apart: Duration| i64::try_from(apart.as_secs()).unwrap_or(i64::MAX);
        let ahead = match date.duration_since(SystemTime::now()) {
            Ok(ahead) => seconds(ahead),
            Err(behind) => -seconds(behind.duration()),
        };
        self.0.store(ahead, Ordering::Relaxed);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lambda's clock is `ahead`; whether ours follows it.
    #[track_caller]
    fn check(ahead: i64, expect: bool) {
        let clock = Clock::default();
        let apart = Duration::from_secs(ahead.unsigned_abs());
        let local = SystemTime::now();
        let theirs = if ahead < 0 { local - apart } else { local + apart };
        let corrected = clock.correct(clock.now(), Some(&httpdate::fmt_http_date(theirs)));
        assert_eq!(corrected, expect, "{ahead}");
        let off = clock.now().duration_since(theirs).unwrap_or_else(|behind| behind.duration());
        assert_eq!(off < Duration::from_secs(60), expect || apart.is_zero(), "{ahead}");
        if corrected {
            let again = clock.correct(clock.now(), Some(&httpdate::fmt_http_date(theirs)));
            assert!(!again, "{ahead}: it is right now");
        }
    }

    #[test]
    fn lambdas_date_counts() {
        check(0, false);
        check(200, false);
        check(3600, true);
        check(-3600, true);
        check(400 * 86_400, true);
        let clock = Clock::default();
        for date in [None, Some(""), Some("yesterday")] {
            assert!(!clock.correct(SystemTime::now(), date), "{date:?}");
        }
    }

    /// Of requests that were signed by the wrong clock, each is worth another attempt.
    #[test]
    fn whoever_was_signed_before_may_try_again() {
        let (clock, signed) = (Clock::default(), SystemTime::now());
        let date = httpdate::fmt_http_date(signed + Duration::from_secs(3600));
        assert!(clock.correct(signed, Some(&date)) && clock.correct(signed, Some(&date)));
    }
}
