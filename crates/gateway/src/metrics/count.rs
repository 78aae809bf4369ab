//! Numbers that many threads add to.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use super::RELAXED;

/// A number that grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, by: u64) {
        self.0.fetch_add(by, RELAXED);
    }

    pub(crate) fn set(&self, to: u64) {
        self.0.store(to, RELAXED);
    }

    /// The larger of what it is and `to`.
    pub(crate) fn raise(&self, to: u64) {
        self.0.fetch_max(to, RELAXED);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(RELAXED)
    }
}

/// Upper bounds of the buckets in microseconds, and as Prometheus writes them in seconds; what is longer falls into
/// `+Inf`. From what a gateway adds to how long a function may run.
pub(crate) const BOUNDS: [(u64, &str); 16] = [
    (500, "0.0005"),
    (1_000, "0.001"),
    (2_500, "0.0025"),
    (5_000, "0.005"),
    (10_000, "0.01"),
    (25_000, "0.025"),
    (50_000, "0.05"),
    (100_000, "0.1"),
    (250_000, "0.25"),
    (500_000, "0.5"),
    (1_000_000, "1"),
    (2_500_000, "2.5"),
    (5_000_000, "5"),
    (10_000_000, "10"),
    (30_000_000, "30"),
    (60_000_000, "60"),
];

/// How long things took.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    /// Each bucket alone; Prometheus wants them summed up, which the reader does.
    buckets: [Counter; BOUNDS.len() + 1],
    sum_us: Counter,
}

impl Histogram {
    pub(crate) fn observe(&self, took: Duration) {
        self.observe_us(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    pub(crate) fn observe_us(&self, took: u64) {
        let at = BOUNDS.iter().position(|(bound, _)| took <= *bound).unwrap_or(BOUNDS.len());
        self.buckets[at].add(1);
        self.sum_us.add(took);
    }

    /// Counts of each bucket alone, and the sum in microseconds.
    pub(crate) fn read(&self) -> ([u64; BOUNDS.len() + 1], u64) {
        (std::array::from_fn(|at| self.buckets[at].get()), self.sum_us.get())
    }
}

#[cfg(test)]
mod tests {
    use super::{BOUNDS, Histogram};

    fn check(took_us: u64, bucket: usize) {
        let histogram = Histogram::default();
        histogram.observe_us(took_us);
        let (buckets, sum) = histogram.read();
        let found = buckets.iter().position(|count| *count == 1).unwrap();
        assert_eq!((found, buckets.iter().sum::<u64>(), sum), (bucket, 1, took_us));
    }

    #[test]
    fn buckets() {
        check(0, 0);
        check(500, 0);
        check(501, 1);
        check(60_000_000, 15);
        check(60_000_001, 16);
        check(u64::MAX, 16);
    }

    #[test]
    fn the_bounds_say_what_they_are() {
        for (us, seconds) in BOUNDS {
            assert_eq!(us as f64 / 1e6, seconds.parse::<f64>().unwrap());
        }
        assert!(BOUNDS.is_sorted());
    }
}
