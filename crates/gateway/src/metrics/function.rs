//! The numbers of one function: its calls, its queue.

use std::sync::Arc;
use std::time::Duration;

use lambridge_invoke::InvokeError;
use lambridge_wire::report::Report;

use super::route::Reasons;
use super::text::Sheet;
use super::{Counter, Histogram};
use crate::function::FunctionState;
use crate::problem::{Reason, Refusal};

/// Reasons that Lambda gives for a throttle; a new one is counted as `other`. Source: Invoke API reference,
/// TooManyRequestsException.
const THROTTLES: [&str; 7] = [
    "ConcurrentInvocationLimitExceeded",
    "FunctionInvocationRateLimitExceeded",
    "ReservedFunctionConcurrentInvocationLimitExceeded",
    "ReservedFunctionInvocationRateLimitExceeded",
    "CallerRateLimitExceeded",
    "ConcurrentSnapshotCreateLimitExceeded",
    "other",
];

/// Counted by function, across the routes that call it.
#[derive(Debug, Default)]
pub(crate) struct FunctionMetrics {
    /// Calls that the function answered.
    ok: Counter,
    /// Attempts that failed, function errors among them.
    failed: Reasons,
    throttles: [Counter; THROTTLES.len()],
    retries: Counter,
    took: Histogram,
    waited: Histogram,
    reports: Reports,
}

/// What logs say, of functions whose logs are asked for.
#[derive(Debug, Default)]
struct Reports {
    count: Counter,
    cold: Counter,
    init_us: Counter,
    billed_us: Counter,
    billed_mb_ms: Counter,
    used_mb: Counter,
    memory_mb: Counter,
    cost: Counter,
}

impl FunctionMetrics {
    /// The numbers that go on for the function `key`.
    pub(crate) fn of<'a>(key: &str, earlier: impl IntoIterator<Item = &'a Arc<FunctionState>>) -> Arc<Self> {
        let known = earlier.into_iter().find(|state| *state.key == *key);
        known.map(|state| Arc::clone(&state.metrics)).unwrap_or_default()
    }

    /// An attempt ended, whatever came of it. The head of a streamed answer counts as its end.
    pub(crate) fn took(&self, took: Duration) {
        self.took.observe(took);
    }

    /// Lambda took the call; `problem` if the function failed.
    pub(crate) fn answered(&self, problem: Option<Reason>) {
        match problem {
            None => self.ok.add(1),
            Some(reason) => self.failed.of(reason).add(1),
        }
    }

    /// Lambda did not take the attempt, or gave no answer.
    pub(crate) fn failed(&self, error: &InvokeError) {
        self.failed.of(Refusal::reason_of(error)).add(1);
        if let InvokeError::Throttled { reason, .. } = error {
            let at = THROTTLES.iter().position(|known| known == reason);
            self.throttles[at.unwrap_or(THROTTLES.len() - 1)].add(1);
        }
    }

    pub(crate) fn retry(&self) {
        self.retries.add(1);
    }

    /// What a call's log said, and what it cost.
    pub(crate) fn report(&self, report: &Report, picodollars: u64) {
        let reports = &self.reports;
        reports.count.add(1);
        if report.is_cold() {
            reports.cold.add(1);
            reports.init_us.add(report.init_us.or(report.restore_us).unwrap_or_default());
        }
        reports.billed_us.add(report.billed_us.unwrap_or_default());
        reports.billed_mb_ms.add(report.billed_mb_ms());
        reports.used_mb.raise(report.used_mb.unwrap_or_default());
        reports.memory_mb.set(report.memory_mb.unwrap_or_default());
        reports.cost.add(picodollars);
    }

    /// A call waited for a place. Calls that need not wait are not counted.
    pub(crate) fn waited(&self, took: Duration) {
        self.waited.observe(took);
    }
}

/// Writes the families of functions.
pub(super) fn render(functions: &[Arc<FunctionState>], text: &mut dyn Sheet) {
    let name = "lambridge_invokes_total";
    text.family(name, "counter", "Attempts to call the function, by outcome; retries count.");
    for function in functions {
        let key = ("function", &*function.key);
        text.number(name, &[key, ("outcome", "ok")], function.metrics.ok.get());
        for (reason, count) in function.metrics.failed.by_name() {
            text.number(name, &[key, ("outcome", reason)], count);
        }
    }
    let name = "lambridge_throttles_total";
    text.family(name, "counter", "Attempts that Lambda throttled, by its reason.");
    for function in functions {
        for (reason, count) in
            THROTTLES.iter().zip(&function.metrics.throttles).filter(|(_, count)| count.get() > 0)
        {
            text.number(name, &[("function", &function.key), ("reason", reason)], count.get());
        }
    }
    type Field = fn(&FunctionState) -> u64;
    let numbers: [(&str, &str, &str, Field); 5] = [
        ("lambridge_retries_total", "counter", "Attempts after the first.", |f| f.metrics.retries.get()),
        ("lambridge_calls_in_flight", "gauge", "Calls that hold a place.", |f| f.gate.running() as u64),
        ("lambridge_concurrency_limit", "gauge", "Calls that may run at once.", |f| f.gate.limit() as u64),
        ("lambridge_queue_length", "gauge", "Calls that wait for a place.", |f| f.gate.waiting() as u64),
        ("lambridge_queue_limit", "gauge", "Calls that may wait.", |f| f.gate.queue() as u64),
    ];
    for (name, kind, help, field) in numbers {
        text.family(name, kind, help);
        for function in functions {
            text.number(name, &[("function", &function.key)], field(function));
        }
    }
    type Times = fn(&FunctionMetrics) -> &Histogram;
    let times: [(&str, &str, Times); 2] = [
        ("lambridge_invoke_duration_seconds", "One attempt; of a streamed answer, its head.", |m| &m.took),
        ("lambridge_queue_wait_seconds", "Waits for a place, of calls that had to wait.", |m| &m.waited),
    ];
    for (name, help, field) in times {
        text.family(name, "histogram", help);
        for function in functions {
            text.histogram(name, &[("function", &function.key)], field(&function.metrics));
        }
    }
    render_places(functions, text);
    render_reports(functions, text);
}

/// Writes how the places of a function are, where it has several or a breaker. Two of them may share a region, so each has
/// its number: 0 is the function's own.
fn render_places(functions: &[Arc<FunctionState>], text: &mut dyn Sheet) {
    let answers = "lambridge_place_answers_total";
    text.family(answers, "counter", "Calls that Lambda took, by where.");
    for function in functions.iter().filter(|function| function.places.len() > 1) {
        for (number, place) in function.places.iter().enumerate() {
            let number = number.to_string();
            let labels = [("function", &*function.key), ("place", &*number), ("region", &*place.region)];
            text.number(answers, &labels, place.answers());
        }
    }
    let open = "lambridge_breaker_open";
    text.family(open, "gauge", "1 while the breaker of a function's place is not closed.");
    for function in functions {
        for (number, place) in function.places.iter().enumerate() {
            let Some(breaker) = &place.breaker else { continue };
            let number = number.to_string();
            let labels = [("function", &*function.key), ("place", &*number), ("region", &*place.region)];
            text.number(open, &labels, u64::from(breaker.shown() != "closed"));
        }
    }
}

/// Writes what logs say, of functions that have such reports.
fn render_reports(functions: &[Arc<FunctionState>], text: &mut dyn Sheet) {
    type Write = fn(&mut dyn Sheet, &str, &[(&str, &str)], &Reports);
    let families: [(&str, &str, &str, Write); 8] = [
        (
            "lambridge_reports_total",
            "counter",
            "Calls whose log had a report.",
            |text, name, labels, reports| {
                text.number(name, labels, reports.count.get());
            },
        ),
        (
            "lambridge_cold_starts_total",
            "counter",
            "Calls that waited for an instance to start.",
            |text, name, labels, reports| {
                text.number(name, labels, reports.cold.get());
            },
        ),
        (
            "lambridge_init_seconds_total",
            "counter",
            "Time that instances took to start or to be restored.",
            |text, name, labels, reports| {
                text.seconds(name, labels, reports.init_us.get());
            },
        ),
        ("lambridge_billed_seconds_total", "counter", "Billed duration.", |text, name, labels, reports| {
            text.seconds(name, labels, reports.billed_us.get());
        }),
        (
            "lambridge_billed_gigabyte_seconds_total",
            "counter",
            "Billed duration times memory.",
            |text, name, labels, reports| {
                text.real(name, labels, reports.billed_mb_ms.get() as f64 / 1_024_000.0);
            },
        ),
        (
            "lambridge_function_memory_bytes",
            "gauge",
            "Memory that the function may use.",
            |text, name, labels, reports| {
                text.number(name, labels, reports.memory_mb.get() << 20);
            },
        ),
        (
            "lambridge_function_memory_used_max_bytes",
            "gauge",
            "The most that an instance has used.",
            |text, name, labels, reports| {
                text.number(name, labels, reports.used_mb.get() << 20);
            },
        ),
        (
            "lambridge_function_cost_dollars_total",
            "counter",
            "Estimated cost of calls.",
            |text, name, labels, reports| {
                text.dollars(name, labels, reports.cost.get());
            },
        ),
    ];
    for (name, kind, help, write) in families {
        text.family(name, kind, help);
        for function in functions.iter().filter(|function| function.settings.log_tail.is_some()) {
            write(text, name, &[("function", &function.key)], &function.metrics.reports);
        }
    }
}
