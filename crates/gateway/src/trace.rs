//! The trace that a request belongs to, and how the function learns of it.
//!
//! A trusted peer's `traceparent` and `x-amzn-trace-id` count, anyone's with `trace: { from: anyone }`; a client that could
//! choose its trace could also choose that it is recorded, which someone pays for. What comes in one form is passed on in
//! both: Lambda is told by `X-Amzn-Trace-Id`, the function's own instrumentation by the event's headers. A form that came
//! is passed on as it came, with all that it says beside the trace (`Lineage`, `tracestate`).
//!
//! Where nothing counts, `trace: { generate: true }` begins a trace here, and then no field of the client's reaches the
//! function. Whether it is recorded is left to Lambda. Without it nothing is made, and nothing costs.

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use lambridge_model::{SpanId, TraceContext, TraceFrom, TraceId, TraceSettings};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const XRAY: HeaderName = HeaderName::from_static("x-amzn-trace-id");

/// One request's.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// What log and telemetry know.
    pub(crate) context: Option<TraceContext>,
    /// `X-Amzn-Trace-Id` of the call, and of the event.
    pub(crate) xray: Option<String>,
    /// `traceparent` of the event, where it is not the client's own.
    pub(crate) parent: Option<String>,
    /// The client's own `traceparent` and `tracestate` do not reach the function.
    pub(crate) is_new: bool,
}

/// The trace of a request. `draw` gives random bits.
pub(crate) fn of(
    settings: &TraceSettings,
    headers: &HeaderMap,
    trusted: bool,
    time_ms: u64,
    draw: impl Fn() -> u64,
) -> Trace {
    if trusted || settings.from == TraceFrom::Anyone {
        let field = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let (w3c, xray) = (field(TRACEPARENT), field(XRAY));
        let (read_w3c, read_xray) =
            (w3c.and_then(TraceContext::from_traceparent), xray.and_then(TraceContext::from_xray));
        // A `traceparent` names the span that calls; a load balancer's field often names none.
        if let Some(context) = read_w3c.or(read_xray) {
            return Trace {
                context: Some(context),
                xray: Some(xray.map_or_else(|| context.xray(), str::to_owned)),
                parent: read_w3c.is_none().then(|| context.traceparent(SpanId::new(draw()))),
                is_new: false,
            };
        }
        // What only AWS can read is for AWS to judge.
        if let Some(xray) = xray {
            return Trace { xray: Some(xray.to_owned()), ..Trace::default() };
        }
    }
    if !settings.generate {
        return Trace::default();
    }
    let trace = TraceId::begin(time_ms / 1000, draw(), draw());
    let context = TraceContext { trace, parent: None, sampled: None };
    Trace {
        context: Some(context),
        xray: Some(context.xray()),
        parent: Some(context.traceparent(SpanId::new(draw()))),
        is_new: true,
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderMap;
    use lambridge_model::{TraceFrom, TraceSettings};

    use super::of;

    const PARENT: &str = "00-67891233abcdef012345678912345678-53995c3f42cd8ad8-01";
    const XRAY: &str = "Root=1-00000001-000000000000000000000002;Lineage=1:a:0";

    /// Headers, whether the peer is trusted; the trace's id, `xray`, `parent`, whether it is new.
    #[track_caller]
    fn check(
        settings: TraceSettings,
        fields: &[(&'static str, &str)],
        trusted: bool,
        expect: (&str, &str, &str, bool),
    ) {
        let headers: HeaderMap =
            fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        let trace = of(&settings, &headers, trusted, 1_700_000_000_000, || 5);
        let id = trace.context.map(|context| context.trace.to_string()).unwrap_or_default();
        let found = (
            &*id,
            trace.xray.as_deref().unwrap_or("-"),
            trace.parent.as_deref().unwrap_or("-"),
            trace.is_new,
        );
        assert_eq!(found, expect, "{fields:?}");
    }

    #[test]
    fn rules() {
        let usual = TraceSettings::default();
        let anyone = TraceSettings { from: TraceFrom::Anyone, ..usual };
        let generate = TraceSettings { generate: true, ..usual };
        let both = [("traceparent", PARENT), ("x-amzn-trace-id", XRAY)];
        let nothing = ("", "-", "-", false);
        let id = "67891233abcdef012345678912345678";
        let converted = "Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8;Sampled=1";
        check(usual, &both, false, nothing);
        check(usual, &[], true, nothing);
        check(usual, &both[..1], true, (id, converted, "-", false));
        check(anyone, &both[..1], false, (id, converted, "-", false));
        check(usual, &both, true, (id, XRAY, "-", false));
        let xray_id = "00000001000000000000000000000002";
        let parent = format!("00-{xray_id}-0000000000000005-00");
        check(usual, &both[1..], true, (xray_id, XRAY, &parent, false));
        // A form that is not read is AWS's affair, or no one's.
        check(usual, &[("x-amzn-trace-id", "Root=1")], true, ("", "Root=1", "-", false));
        check(usual, &[("traceparent", "junk")], true, nothing);
        let (new_id, new_xray) =
            ("6553f100000000050000000000000005", "Root=1-6553f100-000000050000000000000005");
        let new_parent = format!("00-{new_id}-0000000000000005-00");
        for fields in [&both[..], &[]] {
            check(generate, fields, false, (new_id, new_xray, &new_parent, true));
        }
        check(generate, &both[..1], true, (id, converted, "-", false));
    }
}
