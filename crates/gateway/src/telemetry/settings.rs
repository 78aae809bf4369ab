//! Where telemetry goes: the configuration, then OpenTelemetry's own variables, then its defaults.
//!
//! `OTEL_SDK_DISABLED=true` turns it off. An endpoint in the configuration or in the environment turns it on.

use std::time::Duration;

use lambridge_model::{Otlp, Percent, Secret, TraceId};
use percent_encoding::percent_decode_str;

/// Where and what, settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// Whole URLs.
    pub(super) traces_url: String,
    pub(super) metrics_url: String,
    pub(super) headers: Vec<(String, Secret)>,
    pub(super) traces: bool,
    pub(super) metrics: bool,
    /// Trace ids whose last 56 bits are below this are recorded.
    threshold: u64,
    pub(super) timeout: Duration,
    /// The longest wait of a span.
    pub(super) delay: Duration,
    pub(super) interval: Duration,
    /// `service.name` and the rest.
    pub(super) resource: Vec<(String, String)>,
}

/// The trace ids there are, in the sense of `threshold`.
const ALL: u64 = 1 << 56;

impl Settings {
    /// `None` where nothing turns telemetry on.
    pub(super) fn of(
        otlp: Option<&Otlp>,
        env: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, String> {
        let env =
            |name: &str| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let is_off = |name: &str, word: &str| env(name).is_some_and(|value| value.eq_ignore_ascii_case(word));
        let endpoints = [
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        ];
        let asked = otlp.is_some() || endpoints.iter().any(|name| env(name).is_some());
        if !asked || is_off("OTEL_SDK_DISABLED", "true") {
            return Ok(None);
        }
        for name in ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] {
            if let Some(other) = env(name).filter(|value| value != "http/protobuf") {
                return Err(format!("{name} is `{other}`, and only `http/protobuf` is spoken"));
            }
        }
        let usual = Otlp::default();
        let wanted = otlp.unwrap_or(&usual);
        let base = wanted.endpoint.clone().or_else(|| env(endpoints[0]));
        let base = base.unwrap_or_else(|| "http://localhost:4318".to_owned());
        // An endpoint of one signal is the whole URL; the common one is where the signals' paths begin.
        let url = |own: &str, path: &str| {
            let own = env(own).filter(|_| wanted.endpoint.is_none());
            own.unwrap_or_else(|| format!("{}{path}", base.trim_end_matches('/')))
        };
        Ok(Some(Self {
            traces_url: url(endpoints[1], "/v1/traces"),
            metrics_url: url(endpoints[2], "/v1/metrics"),
            headers: headers(wanted, env("OTEL_EXPORTER_OTLP_HEADERS"))?,
            traces: wanted.traces && !is_off("OTEL_TRACES_EXPORTER", "none"),
            metrics: wanted.metrics && !is_off("OTEL_METRICS_EXPORTER", "none"),
            threshold: threshold(wanted.sample, env("OTEL_TRACES_SAMPLER"), env("OTEL_TRACES_SAMPLER_ARG"))?,
            timeout: milliseconds("OTEL_EXPORTER_OTLP_TIMEOUT", env("OTEL_EXPORTER_OTLP_TIMEOUT"), 10_000)?,
            delay: milliseconds("OTEL_BSP_SCHEDULE_DELAY", env("OTEL_BSP_SCHEDULE_DELAY"), 5_000)?,
            interval: milliseconds(
                "OTEL_METRIC_EXPORT_INTERVAL",
                env("OTEL_METRIC_EXPORT_INTERVAL"),
                60_000,
            )?,
            resource: resource(env("OTEL_SERVICE_NAME"), env("OTEL_RESOURCE_ATTRIBUTES")),
        }))
    }

    /// Whether a trace that begins here is recorded.
    pub(super) fn is_sampled(&self, trace: TraceId) -> bool {
        let bytes = trace.to_bytes();
        let last = bytes[9..].iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
        last < self.threshold
    }
}

/// The configuration's, then those of the environment whose names it does not have.
fn headers(otlp: &Otlp, env: Option<String>) -> Result<Vec<(String, Secret)>, String> {
    let mut headers = otlp.headers.clone();
    for pair in env.iter().flat_map(|list| list.split(',')).map(str::trim).filter(|pair| !pair.is_empty()) {
        let wrong = || "OTEL_EXPORTER_OTLP_HEADERS is not a list of `name=value`".to_owned();
        let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
        let name = name.trim().to_ascii_lowercase();
        let value = percent_decode_str(value.trim()).decode_utf8().map_err(|_| wrong())?;
        if !headers.iter().any(|(known, _)| *known == name) {
            headers.push((name, Secret::new(value)));
        }
    }
    Ok(headers)
}

fn threshold(
    sample: Option<Percent>,
    sampler: Option<String>,
    argument: Option<String>,
) -> Result<u64, String> {
    let share = match (sample, sampler.as_deref()) {
        (Some(percent), _) => percent.ratio(),
        (None, None | Some("always_on" | "parentbased_always_on")) => 1.0,
        (None, Some("always_off" | "parentbased_always_off")) => 0.0,
        (None, Some("traceidratio" | "parentbased_traceidratio")) => {
            let argument = argument.unwrap_or_else(|| "1".to_owned());
            let ratio = argument.parse::<f64>().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
            ratio.ok_or_else(|| format!("OTEL_TRACES_SAMPLER_ARG is `{argument}`, and not from 0 to 1"))?
        }
        (None, Some(other)) => return Err(format!("OTEL_TRACES_SAMPLER is `{other}`, which is not known")),
    };
    Ok((share * ALL as f64) as u64)
}

fn milliseconds(name: &str, value: Option<String>, usual: u64) -> Result<Duration, String> {
    let Some(value) = value else { return Ok(Duration::from_millis(usual)) };
    let number = value.parse::<u64>().ok().filter(|number| (1..=3_600_000).contains(number));
    number.map(Duration::from_millis).ok_or_else(|| format!("{name} is `{value}`, and not from 1 to 3600000"))
}

fn resource(service: Option<String>, attributes: Option<String>) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    for pair in attributes.iter().flat_map(|list| list.split(',')) {
        if let Some((name, value)) = pair.split_once('=') {
            let value = percent_decode_str(value.trim()).decode_utf8_lossy().into_owned();
            found.push((name.trim().to_owned(), value));
        }
    }
    if let Some(service) = service {
        found.retain(|(name, _)| name != "service.name");
        found.push(("service.name".to_owned(), service));
    }
    for (name, value) in [("service.name", "lambridge"), ("service.version", env!("CARGO_PKG_VERSION"))] {
        if !found.iter().any(|(known, _)| known == name) {
            found.push((name.to_owned(), value.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use lambridge_model::{Otlp, Percent, Secret, TraceId};

    use super::Settings;

    fn of(otlp: Option<Otlp>, env: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        let find =
            |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Settings::of(otlp.as_ref(), &find)
    }

    fn urls(settings: &Settings) -> [&str; 2] {
        [&settings.traces_url, &settings.metrics_url]
    }

    #[test]
    fn what_turns_it_on() {
        assert_eq!(of(None, &[]), Ok(None));
        assert_eq!(of(None, &[("OTEL_SERVICE_NAME", "x")]), Ok(None));
        assert_eq!(of(Some(Otlp::default()), &[("OTEL_SDK_DISABLED", "TRUE")]), Ok(None));
        assert!(of(Some(Otlp::default()), &[]).unwrap().is_some());
        let settings = of(None, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:1/base/")]).unwrap().unwrap();
        assert_eq!(urls(&settings), ["http://c:1/base/v1/traces", "http://c:1/base/v1/metrics"]);
        let one = [("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://t/x")];
        assert_eq!(
            urls(&of(None, &one).unwrap().unwrap()),
            ["https://t/x", "http://localhost:4318/v1/metrics"]
        );
        let ours = Otlp { endpoint: Some("http://d".into()), ..Otlp::default() };
        assert_eq!(
            urls(&of(Some(ours), &one).unwrap().unwrap()),
            ["http://d/v1/traces", "http://d/v1/metrics"]
        );
    }

    #[test]
    fn headers_and_resource() {
        let ours = Otlp { headers: vec![("a".into(), Secret::new("1"))], ..Otlp::default() };
        let env = [
            ("OTEL_EXPORTER_OTLP_HEADERS", "A=2, B=x%20y"),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=no,k=v%2C"),
            ("OTEL_SERVICE_NAME", "edge"),
        ];
        let settings = of(Some(ours), &env).unwrap().unwrap();
        let headers: Vec<_> =
            settings.headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
        assert_eq!(headers, [("a", "1"), ("b", "x y")]);
        let pairs: Vec<_> = settings.resource.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(pairs[..2], ["k=v,", "service.name=edge"]);
        assert!(!format!("{settings:?}").contains("x y"));
    }

    #[test]
    fn samples() {
        let check = |otlp: Otlp, env: &[(&str, &str)], low: bool, high: bool| {
            let settings = of(Some(otlp), env).unwrap().unwrap();
            let sampled = |last: u64| settings.is_sampled(TraceId::begin(1, 0, last));
            assert_eq!((sampled(1), sampled(u64::MAX)), (low, high), "{env:?}");
        };
        let some = Otlp { sample: Some(Percent::new(50)), ..Otlp::default() };
        let none = Otlp { sample: Some(Percent::new(0)), ..Otlp::default() };
        check(Otlp::default(), &[], true, true);
        check(some, &[], true, false);
        check(none, &[("OTEL_TRACES_SAMPLER", "always_on")], false, false);
        check(Otlp::default(), &[("OTEL_TRACES_SAMPLER", "always_off")], false, false);
        let ratio = [("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.1")];
        check(Otlp::default(), &ratio, true, false);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
            ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ] {
            let problem = of(Some(Otlp::default()), &[(name, value)]).unwrap_err();
            assert!(problem.contains(name), "{problem}");
        }
    }
}
