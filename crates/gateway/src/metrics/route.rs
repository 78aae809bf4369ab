//! The numbers of one route.

use std::sync::Arc;

use http::Method;

use super::text::Sheet;
use super::{Counter, Histogram};
use crate::calls::Calls;
use crate::compile::CompiledRoute;
use crate::problem::Reason;

/// Methods with a word of their own; a client may send any other.
const METHODS: [&str; 8] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"];
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// Everything that is counted for a route, behind one pointer that a request's record keeps.
#[derive(Debug)]
pub(crate) struct Tally {
    pub(crate) id: Arc<str>,
    /// What the admin's `/lambda` tells; `None` where the route calls no function.
    pub(crate) calls: Option<Arc<Calls>>,
    pub(crate) metrics: Arc<RouteMetrics>,
}

impl Tally {
    /// The tally of the route `id`, which calls these functions; numbers that `earlier` has for it go on.
    pub(crate) fn new(id: &str, functions: Option<String>, earlier: Option<&Tally>) -> Arc<Self> {
        let calls = functions
            .map(|functions| Calls::of(functions, earlier.and_then(|earlier| earlier.calls.as_ref())));
        let metrics = earlier.map(|earlier| Arc::clone(&earlier.metrics)).unwrap_or_default();
        Arc::new(Self { id: id.into(), calls, metrics })
    }
}

/// Requests by method and class of status, by reason where there is one, how long they took, how large they were.
#[derive(Debug, Default)]
pub(crate) struct RouteMetrics {
    requests: [[Counter; CLASSES.len()]; METHODS.len()],
    problems: Reasons,
    took: Histogram,
    bytes_in: Counter,
    bytes_out: Counter,
    /// In picodollars.
    cost: Counter,
}

/// One finished request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Finished<'a> {
    pub(crate) method: &'a Method,
    pub(crate) status: u16,
    pub(crate) reason: Option<Reason>,
    pub(crate) took_us: u64,
    pub(crate) bytes_in: usize,
    pub(crate) bytes_out: usize,
}

impl RouteMetrics {
    pub(crate) fn count(&self, request: Finished<'_>) {
        let class = usize::from(request.status / 100).clamp(1, CLASSES.len()) - 1;
        self.requests[place_of(request.method)][class].add(1);
        if let Some(reason) = request.reason {
            self.problems.of(reason).add(1);
        }
        self.took.observe_us(request.took_us);
        for (counter, bytes) in [(&self.bytes_in, request.bytes_in), (&self.bytes_out, request.bytes_out)] {
            if bytes > 0 {
                counter.add(bytes as u64);
            }
        }
    }
}

/// A number for each reason.
#[derive(Debug)]
pub(super) struct Reasons([Counter; Reason::ALL.len()]);

impl Default for Reasons {
    /// The standard library's arrays have one of their own only up to 32 items.
    fn default() -> Self {
        Self(std::array::from_fn(|_| Counter::default()))
    }
}

impl Reasons {
    pub(super) fn of(&self, reason: Reason) -> &Counter {
        &self.0[reason as usize]
    }

    /// By the reason's name, those that are zero left out. A few reasons share a name.
    pub(super) fn by_name(&self) -> Vec<(&'static str, u64)> {
        let mut found: Vec<(&'static str, u64)> = Vec::new();
        for (reason, count) in Reason::ALL.iter().zip(&self.0).filter(|(_, count)| count.get() > 0) {
            match found.iter_mut().find(|(name, _)| *name == reason.name()) {
                Some((_, sum)) => *sum += count.get(),
                None => found.push((reason.name(), count.get())),
            }
        }
        found
    }
}

fn place_of(method: &Method) -> usize {
    match *method {
        Method::GET => 0,
        Method::HEAD => 1,
        Method::POST => 2,
        Method::PUT => 3,
        Method::PATCH => 4,
        Method::DELETE => 5,
        Method::OPTIONS => 6,
        _ => 7,
    }
}

/// Writes the families of routes. A count that was never touched is left out: most pairs of method and status never are.
pub(super) fn render(routes: &[(&str, &RouteMetrics)], text: &mut dyn Sheet) {
    let name = "lambridge_requests_total";
    text.family(name, "counter", "Finished requests; an empty route is none.");
    for (route, metrics) in routes {
        for (method, classes) in METHODS.iter().zip(&metrics.requests) {
            for (class, count) in CLASSES.iter().zip(classes).filter(|(_, count)| count.get() > 0) {
                text.number(name, &[("route", route), ("method", method), ("status", class)], count.get());
            }
        }
    }
    let name = "lambridge_problems_total";
    text.family(name, "counter", "Requests without an answer of their target, by reason.");
    for (route, metrics) in routes {
        for (reason, count) in metrics.problems.by_name() {
            text.number(name, &[("route", route), ("reason", reason)], count);
        }
    }
    let name = "lambridge_request_duration_seconds";
    text.family(name, "histogram", "From the head of a request to the end of its answer being handed out.");
    for (route, metrics) in routes.iter().filter(|(_, metrics)| metrics.is_used()) {
        text.histogram(name, &[("route", route)], &metrics.took);
    }
    type Field = fn(&RouteMetrics) -> &Counter;
    let sizes: [(&str, &str, Field); 2] = [
        ("lambridge_request_bytes_total", "Bytes of requests' bodies.", |metrics| &metrics.bytes_in),
        ("lambridge_answer_bytes_total", "Bytes of answers' bodies.", |metrics| &metrics.bytes_out),
    ];
    for (name, help, field) in sizes {
        text.family(name, "counter", help);
        for (route, metrics) in routes.iter().filter(|(_, metrics)| metrics.is_used()) {
            text.number(name, &[("route", route)], field(metrics).get());
        }
    }
    render_costs(routes, text);
}

/// Writes what calls cost, of routes whose functions ask for their logs.
fn render_costs(routes: &[(&str, &RouteMetrics)], text: &mut dyn Sheet) {
    let name = "lambridge_cost_dollars_total";
    text.family(name, "counter", "Estimated cost of calls, from their log reports.");
    for (route, metrics) in routes.iter().filter(|(_, metrics)| metrics.cost.get() > 0) {
        text.dollars(name, &[("route", route)], metrics.cost.get());
    }
}

/// Writes which functions have lost their share of a route.
pub(super) fn render_rollbacks(routes: &[CompiledRoute], text: &mut dyn Sheet) {
    let name = "lambridge_rolled_back";
    text.family(name, "gauge", "1 when the route's rollback rule has taken the function's share away.");
    for route in routes {
        let Some((_, rule)) = route.canary.as_ref().and_then(|canary| canary.rollback.as_ref()) else {
            continue;
        };
        let labels = [("route", &*route.tally.id), ("function", rule.function())];
        text.number(name, &labels, u64::from(rule.has_struck()));
    }
}

impl RouteMetrics {
    /// A call of the route's functions has cost so many picodollars.
    pub(crate) fn cost(&self, picodollars: u64) {
        self.cost.add(picodollars);
    }

    fn is_used(&self) -> bool {
        self.took.read().0.iter().any(|count| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::super::text::Text;
    use super::{Finished, RouteMetrics, render};
    use crate::problem::Reason;

    fn check(method: &str, status: u16, reason: Option<Reason>, expect: &[&str]) {
        let metrics = RouteMetrics::default();
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        metrics.count(Finished {
            method: &method,
            status,
            reason,
            took_us: 2_000,
            bytes_in: 3,
            bytes_out: 0,
        });
        let mut text = Text::default();
        render(&[("r", &metrics)], &mut text);
        let text = text.finish();
        let found: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("lambridge_requests") || line.starts_with("lambridge_problems"))
            .collect();
        assert_eq!(found, expect);
        assert!(text.contains("lambridge_request_bytes_total{route=\"r\"} 3\n"), "{text}");
        assert!(text.contains("lambridge_request_duration_seconds_sum{route=\"r\"} 0.002000\n"), "{text}");
    }

    #[test]
    fn requests() {
        check("GET", 200, None, &[r#"lambridge_requests_total{route="r",method="GET",status="2xx"} 1"#]);
        check("BREW", 999, None, &[r#"lambridge_requests_total{route="r",method="other",status="5xx"} 1"#]);
        check(
            "POST",
            503,
            Some(Reason::Throttled),
            &[
                r#"lambridge_requests_total{route="r",method="POST",status="5xx"} 1"#,
                r#"lambridge_problems_total{route="r",reason="throttled"} 1"#,
            ],
        );
        check(
            "GET",
            499,
            Some(Reason::ClientGone),
            &[
                r#"lambridge_requests_total{route="r",method="GET",status="4xx"} 1"#,
                r#"lambridge_problems_total{route="r",reason="client_gone"} 1"#,
            ],
        );
    }

    #[test]
    #[ignore = "a measurement: prints what it costs to count a request"]
    fn cost_of_a_request() {
        let metrics = RouteMetrics::default();
        let batch = || {
            let began = std::time::Instant::now();
            for took_us in 0..100_000 {
                let took_us = std::hint::black_box(took_us % 5_000);
                metrics.count(Finished {
                    method: &Method::GET,
                    status: 200,
                    reason: None,
                    took_us,
                    bytes_in: 1,
                    bytes_out: 9,
                });
            }
            began.elapsed() / 100_000
        };
        // The best of many: what else the machine does is not ours.
        let best = (0..50).map(|_| batch()).min().unwrap_or_default();
        std::io::Write::write_fmt(&mut std::io::stderr(), format_args!("{best:?} a request\n")).unwrap();
    }

    #[test]
    fn what_was_never_used_is_left_out() {
        let mut text = Text::default();
        render(&[("r", &RouteMetrics::default())], &mut text);
        assert!(!text.finish().contains("route="));
    }
}
