//! Leaves a function alone that fails, and tries now and then whether it works again.
//!
//! While it is closed, every call passes, and its end counts: a broken connection, a 5xx of Lambda's, no answer in time
//! are failures; a throttle says that Lambda works, and is counted neither way, like any other refusal; a function's own
//! error is a success unless the settings say otherwise. When enough calls of the last while failed it opens: no call is
//! made, the client is told at once. After a pause one call at a time is let through; if that one works it closes, if it
//! fails it stays open for another pause, and if it says nothing the next one is tried.
//!
//! The last while is kept in ten slices, so that the oldest calls are forgotten a slice at a time.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lambridge_model::Breaker as Settings;
use tokio::time::Instant;

const SLICES: usize = 10;
/// What a client is asked to wait while another's call finds out.
const SOON: Duration = Duration::from_secs(1);

/// One function's at one place.
#[derive(Debug)]
pub(crate) struct Breaker {
    settings: Settings,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    mode: Mode,
    /// Counts the changes of mode: a call that began before the last one has nothing to say.
    turn: u64,
}

#[derive(Debug)]
enum Mode {
    Closed(Window),
    Open {
        until: Instant,
    },
    /// `busy` while a call finds out.
    HalfOpen {
        busy: bool,
    },
}

/// Calls and failures of the last while.
#[derive(Debug)]
struct Window {
    began: Instant,
    /// Number of the newest slice, since `began`.
    newest: u64,
    slices: [(u32, u32); SLICES],
}

/// The right to make one call; given back unused, or with what came of it.
#[derive(Debug)]
pub(crate) struct Pass<'a> {
    breaker: &'a Breaker,
    turn: u64,
    told: bool,
}

impl Breaker {
    pub(crate) fn new(settings: Settings, now: Instant) -> Self {
        let state = State { mode: Mode::Closed(Window::new(now)), turn: 0 };
        Self { settings, state: Mutex::new(state) }
    }

    /// Lets a call through, or says when it is worth asking again.
    pub(crate) fn admit(&self, now: Instant) -> Result<Pass<'_>, Duration> {
        let mut state = self.state();
        if let Mode::Open { until } = state.mode
            && now >= until
        {
            state.change(Mode::HalfOpen { busy: false });
        }
        match &mut state.mode {
            Mode::Closed(_) => {}
            Mode::Open { until } => return Err(until.saturating_duration_since(now)),
            Mode::HalfOpen { busy } => {
                if std::mem::replace(busy, true) {
                    return Err(SOON);
                }
            }
        }
        Ok(Pass { breaker: self, turn: state.turn, told: false })
    }

    /// `closed`, `open` or `half_open`.
    pub(crate) fn shown(&self) -> &'static str {
        match self.state().mode {
            Mode::Closed(_) => "closed",
            Mode::Open { .. } => "open",
            Mode::HalfOpen { .. } => "half_open",
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A poisoned lock holds a whole state: each change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn count(&self, turn: u64, failed: bool, now: Instant) {
        let mut state = self.state();
        if state.turn != turn {
            return;
        }
        let next = match &mut state.mode {
            Mode::Closed(window) => {
                let (calls, failures) = window.count(failed, self.settings.over, now);
                let is_enough = calls >= u64::from(self.settings.min_calls);
                (failed && is_enough && self.settings.errors.is_reached(failures, calls))
                    .then(|| self.open_at(now))
            }
            Mode::HalfOpen { .. } if failed => Some(self.open_at(now)),
            Mode::HalfOpen { .. } => Some(Mode::Closed(Window::new(now))),
            Mode::Open { .. } => None,
        };
        if let Some(next) = next {
            state.change(next);
        }
    }

    fn open_at(&self, now: Instant) -> Mode {
        Mode::Open { until: now.checked_add(self.settings.open).unwrap_or(now) }
    }
}

impl State {
    fn change(&mut self, mode: Mode) {
        *self = Self { mode, turn: self.turn + 1 };
    }
}

impl Window {
    fn new(now: Instant) -> Self {
        Self { began: now, newest: 0, slices: [(0, 0); SLICES] }
    }

    /// Counts one call; calls and failures that are remembered.
    fn count(&mut self, failed: bool, over: Duration, now: Instant) -> (u64, u64) {
        let slice = (over.as_nanos() / SLICES as u128).max(1);
        let passed = now.saturating_duration_since(self.began).as_nanos() / slice;
        let at = u64::try_from(passed).unwrap_or(u64::MAX).max(self.newest);
        let forgotten = usize::try_from(at - self.newest).unwrap_or(SLICES).min(SLICES);
        for step in 0..forgotten {
            self.slices[((at - step as u64) % SLICES as u64) as usize] = (0, 0);
        }
        self.newest = at;
        let (calls, failures) = &mut self.slices[(at % SLICES as u64) as usize];
        *calls = calls.saturating_add(1);
        *failures = failures.saturating_add(u32::from(failed));
        let sum = |pick: fn(&(u32, u32)) -> u32| self.slices.iter().map(|slice| u64::from(pick(slice))).sum();
        (sum(|slice| slice.0), sum(|slice| slice.1))
    }
}

impl Pass<'_> {
    /// Whether errors of the function itself count.
    pub(crate) fn counts_function_errors(&self) -> bool {
        self.breaker.settings.function_errors
    }

    /// The call ended so.
    pub(crate) fn ended(mut self, failed: bool, now: Instant) {
        self.told = true;
        self.breaker.count(self.turn, failed, now);
    }
}

impl Drop for Pass<'_> {
    /// A call that says nothing, or whose client went away, must not keep the next one out.
    fn drop(&mut self) {
        if self.told {
            return;
        }
        let mut state = self.breaker.state();
        if state.turn == self.turn
            && let Mode::HalfOpen { busy } = &mut state.mode
        {
            *busy = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lambridge_model::Breaker as Settings;
    use tokio::time::Instant;

    use super::Breaker;

    const SECOND: Duration = Duration::from_secs(1);

    fn breaker(now: Instant) -> Breaker {
        Breaker::new(Settings { min_calls: 4, ..Settings::default() }, now)
    }

    /// Each step: after so many seconds a call that works (`+`), fails (`-`), says nothing (`.`), or is refused (`x`).
    #[track_caller]
    fn check(steps: &str, expect: &str) {
        let start = Instant::now();
        let (breaker, mut now) = (breaker(start), start);
        for step in steps.chars() {
            match step {
                '0'..='9' => now += SECOND * step.to_digit(10).unwrap(),
                '+' | '-' => breaker.admit(now).expect(steps).ended(step == '-', now),
                '.' => drop(breaker.admit(now).expect(steps)),
                _ => assert!(breaker.admit(now).is_err(), "{steps}"),
            }
        }
        assert_eq!(breaker.shown(), expect, "{steps}");
    }

    #[test]
    fn it_opens_by_share_and_number() {
        check("", "closed");
        check("---", "closed");
        check("----x", "open");
        check("++--x", "open");
        check("+++--", "closed");
        check("+++---x", "open");
        // A success opens nothing, whatever came before it.
        check("--++", "closed");
        check("...---", "closed");
    }

    #[test]
    fn what_is_old_is_forgotten() {
        check("---99-", "closed");
        check("--5--x", "open");
        check("++++++91--", "closed");
        check("++++++92----x", "open");
    }

    #[test]
    fn it_tries_again() {
        check("----4x", "open");
        check("----5+", "closed");
        check("----5-x", "open");
        check("----5-4x1+", "closed");
        check("----5.", "half_open");
        check("----5..+---", "closed");
    }

    #[test]
    fn one_call_finds_out() {
        let start = Instant::now();
        let breaker = breaker(start);
        let late = breaker.admit(start).unwrap();
        (0..4).for_each(|_| breaker.admit(start).unwrap().ended(true, start));
        assert_eq!(breaker.admit(start + SECOND).unwrap_err(), SECOND * 4);
        let then = start + SECOND * 5;
        let probe = breaker.admit(then).unwrap();
        assert_eq!(breaker.admit(then).unwrap_err(), SECOND);
        // Who began before it opened has nothing to say.
        late.ended(false, then);
        assert_eq!(breaker.shown(), "half_open");
        probe.ended(false, then);
        assert_eq!(breaker.shown(), "closed");
    }

    #[test]
    fn any_clock() {
        let start = Instant::now();
        let year = Duration::from_secs(365 * 86_400);
        let tiny = Settings { over: Duration::from_nanos(1), min_calls: 1, ..Settings::default() };
        let breaker = Breaker::new(tiny, start + SECOND);
        for now in [start, start + year * 100, start + SECOND] {
            if let Ok(pass) = breaker.admit(now) {
                pass.ended(true, now);
            }
        }
        assert_eq!(breaker.shown(), "open");
    }
}
