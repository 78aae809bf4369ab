//! What is told to a collector.

use crate::{Percent, Secret};

/// Traces and metrics for a collector that speaks OTLP, in protobuf. What is absent here is taken from the standard
/// variables of OpenTelemetry, then from its defaults.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Otlp {
    /// Base URL; over HTTP `/v1/traces` and `/v1/metrics` are added.
    pub endpoint: Option<String>,
    /// Sent with each request, names in lower case.
    pub headers: Vec<(String, Secret)>,
    /// How it is carried.
    pub protocol: Option<OtlpProtocol>,
    /// Of the traces that begin here; who comes with a trace has decided.
    pub sample: Option<Percent>,
    /// Spans are sent.
    pub traces: bool,
    /// Metrics are sent.
    pub metrics: bool,
}

/// What OTLP is carried over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtlpProtocol {
    /// HTTP/1.1, a POST for each message.
    Http,
    /// gRPC, over HTTP/2.
    Grpc,
}

impl Default for Otlp {
    fn default() -> Self {
        Self {
            endpoint: None,
            headers: Vec::new(),
            protocol: None,
            sample: None,
            traces: true,
            metrics: true,
        }
    }
}
