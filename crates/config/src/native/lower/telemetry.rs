//! `telemetry.otlp`.

use lambridge_model::{Otlp, OtlpProtocol, Secret};

use crate::leaf::Lower;
use crate::native::syntax;
use crate::reader::Leaf;
use crate::values;

const PROTOCOLS: [(&str, OtlpProtocol); 2] =
    [("http/protobuf", OtlpProtocol::Http), ("grpc", OtlpProtocol::Grpc)];

pub fn lower(otlp: &syntax::Otlp, lower: &mut Lower<'_>) -> Otlp {
    let usual = Otlp::default();
    let mut headers: Vec<(String, Secret)> = Vec::new();
    for (name, value) in &otlp.headers {
        let lowered = name.text.to_ascii_lowercase();
        if !values::is_token(&name.text) {
            lower.wrong(name, "is not the name of a header", "letters, digits and `-`");
        } else if headers.iter().any(|(known, _)| *known == lowered) {
            lower.wrong(name, "stands twice", "header names do not tell upper from lower case; remove one");
        }
        if !values::is_field_value(&value.text) {
            lower.wrong(
                value,
                "is not the value of a header",
                "no control characters, and no blanks at its ends",
            );
        }
        headers.push((lowered, Secret::new(value.text.clone())));
    }
    Otlp {
        endpoint: otlp.endpoint.as_ref().and_then(|leaf| endpoint(leaf, lower)),
        headers,
        protocol: lower.word(&otlp.protocol, "telemetry.otlp.protocol", &PROTOCOLS),
        sample: lower.percent(&otlp.sample),
        traces: lower.bool(&otlp.traces).unwrap_or(usual.traces),
        metrics: lower.bool(&otlp.metrics).unwrap_or(usual.metrics),
    }
}

fn endpoint(leaf: &Leaf, lower: &mut Lower<'_>) -> Option<String> {
    match values::endpoint(&leaf.text) {
        Ok(endpoint) => Some(endpoint),
        Err(reason) => {
            let help = "write the collector's base URL, as `http://127.0.0.1:4318`; over HTTP `/v1/traces` is added to it";
            lower.wrong(leaf, format!("is not a base URL: {reason}"), help);
            None
        }
    }
}
