//! Where telemetry goes: the configuration, then OpenTelemetry's own variables, then its defaults.
//!
//! `OTEL_SDK_DISABLED=true` turns it off. An endpoint in the configuration or in the environment turns it on.

use std::sync::LazyLock;
use std::time::Duration;

use lambridge_model::{Otlp, OtlpProtocol, Percent, Secret, TraceId};
use percent_encoding::percent_decode_str;

use crate::{random, record};

/// Where and what, settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings {
    /// `None` where no spans are sent.
    pub(super) traces: Option<Destination>,
    pub(super) metrics: Option<Destination>,
    /// Trace ids whose last 56 bits are below this are recorded.
    threshold: u64,
    /// The longest wait of a span.
    pub(super) delay: Duration,
    pub(super) interval: Duration,
    /// `service.name` and the rest.
    pub(super) resource: Vec<(String, String)>,
}

/// Where one signal goes, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Destination {
    /// Whole.
    pub(super) url: String,
    pub(super) protocol: OtlpProtocol,
    pub(super) gzip: bool,
    pub(super) headers: Vec<(String, Secret)>,
    pub(super) timeout: Duration,
}

/// This process, among all that send.
static INSTANCE: LazyLock<String> = LazyLock::new(|| record::new_id(random::draw(), random::draw()));

/// The trace ids there are, in the sense of `threshold`.
const ALL: u64 = 1 << 56;

/// A signal: as variables name it, its path over HTTP, its service over gRPC.
type Signal = (&'static str, &'static str, &'static str);

const TRACES: Signal =
    ("TRACES", "/v1/traces", "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
const METRICS: Signal =
    ("METRICS", "/v1/metrics", "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export");

/// A variable of the environment that says something.
type Env<'a> = dyn Fn(&str) -> Option<String> + 'a;

impl Settings {
    /// `None` where nothing turns telemetry on.
    pub(super) fn of(otlp: Option<&Otlp>, env: &Env<'_>) -> Result<Option<Self>, String> {
        let env =
            |name: &str| env(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let is = |name: &str, word: &str| env(name).is_some_and(|value| value.eq_ignore_ascii_case(word));
        let endpoints = [
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
        ];
        let asked = otlp.is_some() || endpoints.iter().any(|name| env(name).is_some());
        if !asked || is("OTEL_SDK_DISABLED", "true") {
            return Ok(None);
        }
        let usual = Otlp::default();
        let wanted = otlp.unwrap_or(&usual);
        let goes = |is_wanted: bool, exporter: &str, signal: Signal| {
            let goes = is_wanted && !is(exporter, "none");
            goes.then(|| Destination::of(signal, wanted, &env)).transpose()
        };
        let interval = "OTEL_METRIC_EXPORT_INTERVAL";
        Ok(Some(Self {
            traces: goes(wanted.traces, "OTEL_TRACES_EXPORTER", TRACES)?,
            metrics: goes(wanted.metrics, "OTEL_METRICS_EXPORTER", METRICS)?,
            threshold: threshold(wanted.sample, env("OTEL_TRACES_SAMPLER"), env("OTEL_TRACES_SAMPLER_ARG"))?,
            delay: milliseconds("OTEL_BSP_SCHEDULE_DELAY", env("OTEL_BSP_SCHEDULE_DELAY"), 5_000)?,
            interval: milliseconds(interval, env(interval), 60_000)?,
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

impl Destination {
    /// What the configuration says goes first, then the signal's own variables, then those of all signals.
    fn of(signal: Signal, otlp: &Otlp, env: &Env<'_>) -> Result<Self, String> {
        let (signal, path, method) = signal;
        let find = |key: &str| {
            let common = format!("OTEL_EXPORTER_OTLP_{key}");
            let own = format!("OTEL_EXPORTER_OTLP_{signal}_{key}");
            [own, common].into_iter().find_map(|name| env(&name).map(|value| (name, value)))
        };
        let protocol = match (otlp.protocol, find("PROTOCOL")) {
            (Some(protocol), _) => protocol,
            (None, None) => OtlpProtocol::Http,
            (None, Some((name, word))) => match word.as_str() {
                "http/protobuf" => OtlpProtocol::Http,
                "grpc" => OtlpProtocol::Grpc,
                _ => return Err(format!("{name} is `{word}`, and neither `http/protobuf` nor `grpc`")),
            },
        };
        let own = env(&format!("OTEL_EXPORTER_OTLP_{signal}_ENDPOINT"));
        let common = || env("OTEL_EXPORTER_OTLP_ENDPOINT");
        let url = match (protocol, otlp.endpoint.clone(), own) {
            // An endpoint of one signal is the whole URL; the common one is where the signals' paths begin.
            (OtlpProtocol::Http, None, Some(own)) => own,
            (OtlpProtocol::Http, base, _) => {
                let base = base.or_else(common).unwrap_or_else(|| "http://localhost:4318".to_owned());
                format!("{}{path}", base.trim_end_matches('/'))
            }
            (OtlpProtocol::Grpc, base, own) => {
                let base = base.or(own).or_else(common).unwrap_or_else(|| "http://localhost:4317".to_owned());
                // gRPC's own way to name a server has no scheme.
                let scheme = match find("INSECURE") {
                    _ if base.contains("://") => "",
                    Some((_, word)) if word.eq_ignore_ascii_case("true") => "http://",
                    _ => "https://",
                };
                format!("{scheme}{}{method}", base.trim_end_matches('/'))
            }
        };
        let timeout = match find("TIMEOUT") {
            Some((name, value)) => milliseconds(&name, Some(value), 0)?,
            None => Duration::from_secs(10),
        };
        let gzip = match find("COMPRESSION") {
            None => false,
            Some((name, word)) => match word.as_str() {
                "gzip" => true,
                "none" => false,
                _ => return Err(format!("{name} is `{word}`, and neither `gzip` nor `none`")),
            },
        };
        Ok(Self { url, protocol, gzip, headers: headers(otlp, find("HEADERS"))?, timeout })
    }
}

/// The configuration's, then those of the environment whose names it does not have.
fn headers(otlp: &Otlp, env: Option<(String, String)>) -> Result<Vec<(String, Secret)>, String> {
    let (variable, list) = env.unwrap_or_default();
    let mut headers = otlp.headers.clone();
    for pair in list.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let wrong = || format!("{variable} is not a list of `name=value`");
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
    let ours = [
        ("service.name", "lambridge"),
        ("service.version", env!("CARGO_PKG_VERSION")),
        // Metrics of two gateways are two.
        ("service.instance.id", &**INSTANCE),
    ];
    for (name, value) in ours {
        if !found.iter().any(|(known, _)| known == name) {
            found.push((name.to_owned(), value.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use lambridge_model::{Otlp, OtlpProtocol, Percent, Secret, TraceId};

    use super::Settings;

    fn of(otlp: Option<Otlp>, env: &[(&str, &str)]) -> Result<Option<Settings>, String> {
        let find =
            |name: &str| env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Settings::of(otlp.as_ref(), &find)
    }

    fn urls(settings: &Settings) -> [&str; 2] {
        [&settings.traces, &settings.metrics].map(|way| way.as_ref().map_or("", |way| way.url.as_str()))
    }

    const TRACES: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    const METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

    #[test]
    fn over_grpc() {
        let check = |otlp: Otlp, env: &[(&str, &str)], traces: String, metrics: String| {
            let settings = of(Some(otlp), env).unwrap().unwrap();
            assert_eq!(urls(&settings), [traces.as_str(), metrics.as_str()], "{env:?}");
        };
        let both = |base: &str| (format!("{base}{TRACES}"), format!("{base}{METRICS}"));
        let grpc = Otlp { protocol: Some(OtlpProtocol::Grpc), ..Otlp::default() };
        let (traces, metrics) = both("http://localhost:4317");
        check(
            grpc.clone(),
            &[("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")],
            traces.clone(),
            metrics.clone(),
        );
        check(Otlp::default(), &[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")], traces.clone(), metrics);
        let one = [("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc"), ("OTEL_METRICS_EXPORTER", "none")];
        check(Otlp::default(), &one, traces, String::new());
        let (traces, metrics) = both("https://c:1");
        check(grpc.clone(), &[("OTEL_EXPORTER_OTLP_ENDPOINT", "c:1")], traces, metrics);
        let insecure = [
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "c:1"),
            ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "t:2"),
            ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
        ];
        let (traces, metrics) = (both("http://t:2").0, both("http://c:1").1);
        check(grpc, &insecure, traces, metrics);
    }

    #[test]
    fn a_signal_has_its_own() {
        let env = [
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=1"),
            ("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "a=2"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "none"),
            ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip"),
            ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "7"),
        ];
        let settings = of(Some(Otlp::default()), &env).unwrap().unwrap();
        let found = [settings.traces, settings.metrics].map(|way| {
            let way = way.unwrap();
            (way.headers[0].1.expose().to_owned(), way.timeout.as_millis(), way.gzip)
        });
        assert_eq!(found, [("1".to_owned(), 7, false), ("2".to_owned(), 10_000, true)]);
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
        let headers = settings.traces.as_ref().unwrap().headers.clone();
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.expose())).collect();
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
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
            ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "GRPC"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "a"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
            ("OTEL_TRACES_SAMPLER", "jaeger_remote"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
            ("OTEL_BSP_SCHEDULE_DELAY", "0"),
        ] {
            let problem = of(Some(Otlp::default()), &[(name, value)]).unwrap_err();
            assert!(problem.contains(name), "{problem}");
        }
    }
}
