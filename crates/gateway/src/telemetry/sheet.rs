//! The gateway's numbers as OTLP metrics: the same families as on `/metrics`, sums and histograms cumulative from the
//! gateway's start.
//!
//! Source: OTLP's `metrics.proto`.

use std::sync::{Arc, LazyLock, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::collector::Collector;
use super::proto::Message;
use super::{Ending, span};
use crate::Shared;
use crate::metrics::{self, BOUNDS, Histogram, Labels, Number, Sheet};

const CUMULATIVE: u64 = 2;

/// Sends the numbers now and then, and once more at the end.
pub(super) async fn report(
    shared: Weak<Shared>,
    mut collector: Collector,
    mut ending: Ending,
    interval: Duration,
    resource: Vec<(String, String)>,
) {
    let started = since_1970(*STARTED);
    let mut is_ending = false;
    while !is_ending {
        is_ending = ending.comes_within(interval).await;
        let Some(shared) = shared.upgrade() else { return };
        let message = request(&shared, started, &resource);
        drop(shared);
        collector.send(message).await;
    }
}

/// Since when this process counts: a collector that is configured later is told no other time, since nothing begins anew.
pub(super) static STARTED: LazyLock<SystemTime> = LazyLock::new(SystemTime::now);

/// In nanoseconds.
fn since_1970(time: SystemTime) -> u64 {
    let time = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// `ExportMetricsServiceRequest`.
fn request(shared: &Arc<Shared>, started: u64, resource: &[(String, String)]) -> Vec<u8> {
    let mut metrics = Metrics { started, now: since_1970(SystemTime::now()), families: Vec::new() };
    metrics::write(shared, &mut metrics);
    let mut request = Message::default();
    request.message(1, |all| {
        all.message(1, |message| span::attributes(message, resource));
        all.message(2, |scope| {
            scope.message(1, span::scope_of);
            for family in metrics.families.into_iter().filter(|family| !family.is_empty) {
                scope.message(2, |metric| family.write(metric));
            }
        });
    });
    request.into_bytes()
}

struct Metrics {
    started: u64,
    now: u64,
    families: Vec<Family>,
}

struct Family {
    name: String,
    kind: String,
    help: String,
    /// The data points, as fields number 1 of whatever is around them.
    points: Message,
    is_empty: bool,
}

impl Family {
    /// `Metric`.
    fn write(self, metric: &mut Message) {
        metric.bytes(1, self.name.as_bytes());
        metric.bytes(2, self.help.as_bytes());
        let name = self.name.trim_end_matches("_total");
        let unit = match name.rsplit('_').next() {
            Some("seconds") => "s",
            Some("bytes") => "By",
            _ => "1",
        };
        metric.bytes(3, unit.as_bytes());
        let points = self.points.into_bytes();
        metric.message(
            match &*self.kind {
                "counter" => 7,
                "histogram" => 9,
                _ => 5,
            },
            |data| {
                data.append(&points);
                if self.kind != "gauge" {
                    data.varint(2, CUMULATIVE);
                }
                if self.kind == "counter" {
                    data.varint(3, 1);
                }
            },
        );
    }
}

impl Metrics {
    fn point(&mut self, write: impl FnOnce(&mut Message)) {
        let (started, now) = (self.started, self.now);
        let Some(family) = self.families.last_mut() else { return };
        family.is_empty = false;
        let is_gauge = family.kind == "gauge";
        family.points.message(1, |point| {
            if !is_gauge {
                point.fixed64(2, started);
            }
            point.fixed64(3, now);
            write(point);
        });
    }
}

impl Sheet for Metrics {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let (name, kind, help) = (name.to_owned(), kind.to_owned(), help.to_owned());
        self.families.push(Family { name, kind, help, points: Message::default(), is_empty: true });
    }

    fn value(&mut self, _name: &str, labels: &Labels<'_>, value: Number) {
        self.point(|point| {
            match value {
                Number::Whole(whole) => point.fixed64(6, whole),
                Number::Real(real) => point.double(4, real),
                Number::Micros(micros) => point.double(4, micros as f64 / 1e6),
                Number::Pico(pico) => point.double(4, pico as f64 / 1e12),
            }
            labels.iter().for_each(|(name, value)| point.text_attribute(7, name, value));
        });
    }

    fn histogram(&mut self, _name: &str, labels: &Labels<'_>, histogram: &Histogram) {
        let (buckets, sum) = histogram.read();
        self.point(|point| {
            point.fixed64(4, buckets.iter().sum());
            point.double(5, sum as f64 / 1e6);
            point.packed(6, buckets.into_iter());
            point.packed(7, BOUNDS.iter().map(|(us, _)| (*us as f64 / 1e6).to_bits()));
            labels.iter().for_each(|(name, value)| point.text_attribute(9, name, value));
        });
    }
}
