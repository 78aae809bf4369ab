//! What calls cost, from the reports at the end of their logs.
//!
//! Only functions with `log_tail: true` have one: the tail makes each answer of Lambda up to 5 KB longer. The log itself goes
//! nowhere, least of all to the client; of its report stay the numbers.

use std::sync::Arc;

use lambridge_model::Prices;
use lambridge_wire::report::Report;

use crate::function::FunctionState;
use crate::metrics::FunctionMetrics;
use crate::record::Facts;

/// 4 KB in base64, and some more.
const TAIL_MAX: usize = 8 << 10;

/// Where the reports of one function are entered.
#[derive(Debug)]
pub(crate) struct Ledger {
    metrics: Arc<FunctionMetrics>,
    prices: Prices,
}

impl Ledger {
    /// The function's, if it asks for the end of its logs.
    pub(crate) fn of(function: &FunctionState) -> Option<Self> {
        let prices = function.settings.log_tail?;
        Some(Self { metrics: Arc::clone(&function.metrics), prices })
    }

    /// Enters the report in `tail`, which is base64.
    pub(crate) fn note(&self, tail: &str, facts: &mut Facts) {
        if tail.len() > TAIL_MAX {
            return;
        }
        let log = base64_simd::STANDARD.decode_to_vec(tail).unwrap_or_default();
        let Some(report) = Report::parse(&log) else { return };
        let cost = self.prices.of_call(report.billed_mb_ms());
        self.metrics.report(&report, cost);
        if let Some(route) = &facts.route {
            route.metrics.cost(cost);
        }
        facts.report = Some(report);
    }
}
