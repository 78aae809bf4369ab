//! What Prometheus scrapes from the admin's `/metrics`.
//!
//! Every number is an atomic that lies where the request already is: those of a route beside its compiled route, those
//! of a function in its state. To count is to add; nothing is looked up, hashed or allocated on a request's way, and the
//! text is made when it is asked for.
//!
//! Labels come from the configuration alone: ids of routes, keys of functions, and fixed sets of words. A client
//! cannot make a series. Numbers outlive a reload while their route or function keeps its name; the names of
//! metrics follow Prometheus's conventions (base units, `_total`), and `docs/operations.md` lists them.

mod count;
mod function;
mod process;
mod route;
mod text;

use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use count::{BOUNDS, Counter, Histogram};
pub(crate) use function::FunctionMetrics;
pub(crate) use route::{Finished, RouteMetrics, Tally};
use text::Text;
pub(crate) use text::{Labels, MEDIA_TYPE, Number, Sheet};

use crate::Shared;
use crate::telemetry::Telemetry;

/// What belongs to the gateway as a whole.
#[derive(Debug, Default)]
pub(crate) struct GatewayMetrics {
    /// Requests that no route took.
    pub(crate) unrouted: RouteMetrics,
    /// Client connections that were served, those of the admin address aside.
    pub(crate) accepted: Counter,
    reloads: Counter,
    rejected: Counter,
    /// Of the configuration being served, in seconds since 1970.
    loaded_at: Counter,
}

impl GatewayMetrics {
    /// A configuration is served from now on.
    pub(crate) fn loaded(&self) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.loaded_at.set(now.as_secs());
    }

    /// Another took its place, or was refused.
    pub(crate) fn reloaded(&self, taken: bool) {
        if taken {
            self.reloads.add(1);
            self.loaded();
        } else {
            self.rejected.add(1);
        }
    }
}

/// All metrics in Prometheus's text format.
pub(crate) fn render(shared: &Shared) -> String {
    let mut text = Text::default();
    write(shared, &mut text);
    text.finish()
}

/// Writes all metrics, family by family.
pub(crate) fn write(shared: &Shared, text: &mut dyn Sheet) {
    let snapshot = shared.snapshot.load();
    let routes: Vec<(&str, &RouteMetrics)> = std::iter::once(("", &shared.metrics.unrouted))
        .chain(snapshot.routes.iter().map(|route| (&*route.tally.id, &*route.tally.metrics)))
        .collect();
    route::render(&routes, text);
    route::render_rollbacks(&snapshot.routes, text);
    function::render(&snapshot.functions, text);
    gateway(shared, text);
    process::render(text);
    if let Some(telemetry) = &snapshot.telemetry {
        spans(telemetry, text);
    }
}

fn gateway(shared: &Shared, text: &mut dyn Sheet) {
    let metrics = &shared.metrics;
    text.family("lambridge_connections", "gauge", "Open client connections.");
    text.number("lambridge_connections", &[], shared.connections.open() as u64);
    text.family("lambridge_connections_total", "counter", "Client connections served.");
    text.number("lambridge_connections_total", &[], metrics.accepted.get());
    text.family(
        "lambridge_buffered_bytes",
        "gauge",
        "Bytes of buffered bodies (limits.buffered_total bounds them).",
    );
    text.number("lambridge_buffered_bytes", &[], shared.budget.used() as u64);
    text.family("lambridge_ready", "gauge", "1 until the gateway drains.");
    text.number("lambridge_ready", &[], u64::from(shared.is_ready()));
    text.family(
        "lambridge_config_reloads_total",
        "counter",
        "Configurations that took the place of another, or were refused.",
    );
    text.number("lambridge_config_reloads_total", &[("result", "ok")], metrics.reloads.get());
    text.number("lambridge_config_reloads_total", &[("result", "rejected")], metrics.rejected.get());
    text.family(
        "lambridge_config_loaded_timestamp_seconds",
        "gauge",
        "When the configuration being served was taken, since 1970.",
    );
    text.number("lambridge_config_loaded_timestamp_seconds", &[], metrics.loaded_at.get());
    text.family(
        "lambridge_log_lines_lost_total",
        "counter",
        "Lines of the access log that standard output did not take.",
    );
    text.number("lambridge_log_lines_lost_total", &[], crate::access_log::output::lost());
    text.family("lambridge_build_info", "gauge", "Always 1; the version is in the label.");
    text.number("lambridge_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
}

fn spans(telemetry: &Telemetry, text: &mut dyn Sheet) {
    let name = "lambridge_spans_total";
    let counts = telemetry.counts();
    text.family(
        name,
        "counter",
        "Recorded requests: sent to the collector, dropped as the queue was full, or not taken.",
    );
    for (result, count) in [("sent", &counts.sent), ("dropped", &counts.dropped), ("failed", &counts.failed)]
    {
        text.number(name, &[("result", result)], count.get());
    }
}

/// All numbers are only ever added to or replaced; none orders another.
const RELAXED: Ordering = Ordering::Relaxed;
