//! Prometheus's text format, version 0.0.4.
//!
//! One `HELP` and one `TYPE` line a family, its samples below it without a gap; label values escape `\`, `"` and line
//! breaks. Source: Prometheus documentation, "Exposition formats".

use std::fmt::Write as _;

use super::count::{BOUNDS, Histogram};

/// The answer's media type.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A page in the making.
#[derive(Debug, Default)]
pub(crate) struct Text(String);

/// Names and values.
pub(crate) type Labels<'a> = [(&'a str, &'a str)];

/// A number and its unit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Number {
    Whole(u64),
    Real(f64),
    /// Microseconds, shown as seconds.
    Micros(u64),
    /// Picodollars, shown as dollars.
    Pico(u64),
}

/// What families of metrics are written on.
pub(crate) trait Sheet {
    /// Begins a family; its samples follow.
    fn family(&mut self, name: &str, kind: &str, help: &str);

    /// One sample of it.
    fn value(&mut self, name: &str, labels: &Labels<'_>, value: Number);

    /// One histogram of it.
    fn histogram(&mut self, name: &str, labels: &Labels<'_>, histogram: &Histogram);

    fn number(&mut self, name: &str, labels: &Labels<'_>, value: u64) {
        self.value(name, labels, Number::Whole(value));
    }

    /// A number with a fraction.
    fn real(&mut self, name: &str, labels: &Labels<'_>, value: f64) {
        self.value(name, labels, Number::Real(value));
    }

    /// A number of microseconds, in seconds.
    fn seconds(&mut self, name: &str, labels: &Labels<'_>, us: u64) {
        self.value(name, labels, Number::Micros(us));
    }

    /// A number of picodollars, in dollars.
    fn dollars(&mut self, name: &str, labels: &Labels<'_>, pico: u64) {
        self.value(name, labels, Number::Pico(pico));
    }
}

impl Sheet for Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a `String` cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &Labels<'_>, value: Number) {
        match value {
            Number::Whole(whole) => self.sample(name, "", labels, None, whole),
            Number::Real(real) => self.sample(name, "", labels, None, real),
            Number::Micros(us) => self.sample(name, "", labels, None, seconds(us)),
            Number::Pico(pico) => {
                let (whole, fraction) = (pico / 1_000_000_000_000, pico % 1_000_000_000_000);
                self.sample(name, "", labels, None, format_args!("{whole}.{fraction:012}"));
            }
        }
    }

    fn histogram(&mut self, name: &str, labels: &Labels<'_>, histogram: &Histogram) {
        let (buckets, sum) = histogram.read();
        let mut so_far = 0;
        let bounds = BOUNDS.iter().map(|(_, text)| *text).chain(["+Inf"]);
        for (count, bound) in buckets.into_iter().zip(bounds) {
            so_far += count;
            self.sample(name, "_bucket", labels, Some(("le", bound)), so_far);
        }
        self.sample(name, "_sum", labels, None, seconds(sum));
        self.sample(name, "_count", labels, None, so_far);
    }
}

impl Text {
    pub(crate) fn finish(self) -> String {
        self.0
    }

    fn sample(
        &mut self,
        name: &str,
        suffix: &str,
        labels: &Labels<'_>,
        last: Option<(&str, &str)>,
        value: impl std::fmt::Display,
    ) {
        let out = &mut self.0;
        out.push_str(name);
        out.push_str(suffix);
        let mut open = '{';
        for (name, value) in labels.iter().copied().chain(last) {
            out.push(open);
            open = ',';
            out.push_str(name);
            out.push_str("=\"");
            for part in value.chars() {
                match part {
                    '\\' => out.push_str("\\\\"),
                    '"' => out.push_str("\\\""),
                    '\n' => out.push_str("\\n"),
                    plain => out.push(plain),
                }
            }
            out.push('"');
        }
        if open == ',' {
            out.push('}');
        }
        let _ = writeln!(out, " {value}");
    }
}

/// Microseconds as seconds, exactly.
fn seconds(us: u64) -> impl std::fmt::Display {
    struct Seconds(u64);
    impl std::fmt::Display for Seconds {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
        }
    }
    Seconds(us)
}

#[cfg(test)]
mod tests {
    use super::{Sheet as _, Text};
    use crate::metrics::Histogram;

    #[test]
    fn samples() {
        let mut text = Text::default();
        text.family("a_total", "counter", "Help.");
        text.number("a_total", &[], 7);
        text.number("a_total", &[("route", "x\"\\\ny"), ("b", "é")], 8);
        text.real("b_seconds", &[], 1.5);
        let expect = "# HELP a_total Help.\n# TYPE a_total counter\na_total 7\n\
            a_total{route=\"x\\\"\\\\\\ny\",b=\"é\"} 8\nb_seconds 1.5\n";
        assert_eq!(text.finish(), expect);
    }

    #[test]
    fn a_histogram_is_summed_up() {
        let histogram = Histogram::default();
        histogram.observe_us(400);
        histogram.observe_us(900_000);
        histogram.observe_us(90_000_000);
        let mut text = Text::default();
        text.histogram("h_seconds", &[("route", "r")], &histogram);
        let text = text.finish();
        let rows: Vec<&str> = text.lines().collect();
        assert_eq!(rows[0], "h_seconds_bucket{route=\"r\",le=\"0.0005\"} 1");
        assert_eq!(rows[10], "h_seconds_bucket{route=\"r\",le=\"1\"} 2");
        assert_eq!(rows[15], "h_seconds_bucket{route=\"r\",le=\"60\"} 2");
        assert_eq!(
            rows[16..],
            [
                "h_seconds_bucket{route=\"r\",le=\"+Inf\"} 3",
                "h_seconds_sum{route=\"r\"} 90.900400",
                "h_seconds_count{route=\"r\"} 3"
            ]
        );
    }
}
