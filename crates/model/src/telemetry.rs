//! What is told to a collector.

use crate::{Percent, Secret};

/// Traces and metrics for a collector that speaks OTLP over HTTP, in protobuf. What is absent here is taken from the standard
/// variables of OpenTelemetry, then from its defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Otlp {
    /// Base URL; `/v1/traces` and `/v1/metrics` are added.
    pub endpoint: Option<String>,
    /// Sent with each request, names in lower case.
    pub headers: Vec<(String, Secret)>,
    /// Of the traces that begin here; who comes with a trace has decided.
    pub sample: Option<Percent>,
    /// Spans are sent.
    pub traces: bool,
    /// Metrics are sent.
    pub metrics: bool,
}

impl Default for Otlp {
    fn default() -> Self {
        Self { endpoint: None, headers: Vec::new(), sample: None, traces: true, metrics: true }
    }
}
