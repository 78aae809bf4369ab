//! `functions.*.log_tail`, and the prices that it counts with.

use lambridge_model::{Invocation, Price, Prices};

use crate::leaf::Lower;
use crate::native::syntax;
use crate::reader::Leaf;

/// `inherited` are the prices of `aws`.
pub fn lower(
    function: &syntax::Function,
    invoke: Invocation,
    inherited: Prices,
    lower: &mut Lower<'_>,
) -> Option<Prices> {
    let wanted = lower.bool(&function.log_tail).unwrap_or_default();
    let own = prices(function.prices.as_ref(), inherited, lower);
    if let Some(prices) = function.prices.as_ref().filter(|_| !wanted) {
        lower
            .report
            .error(&prices.span, "`prices` counts only with `log_tail: true`")
            .help("add `log_tail: true`: what a call costs stands in its log report");
    }
    if let Some(leaf) = function.log_tail.as_ref().filter(|_| wanted)
        && matches!(invoke, Invocation::Async | Invocation::DryRun)
    {
        lower.wrong(
            leaf,
            "has no effect: only a call that waits for its answer has a log",
            "remove it, or use `invoke: sync`",
        );
    }
    wanted.then_some(own)
}

/// Prices where those that are not written are `inherited`.
pub fn prices(prices: Option<&syntax::Prices>, inherited: Prices, lower: &mut Lower<'_>) -> Prices {
    let Some(prices) = prices else { return inherited };
    Prices {
        gb_second: price(&prices.gb_second, lower).unwrap_or(inherited.gb_second),
        request: price(&prices.request, lower).unwrap_or(inherited.request),
    }
}

fn price(leaf: &Option<Leaf>, lower: &mut Lower<'_>) -> Option<Price> {
    let leaf = leaf.as_ref()?;
    match leaf.text.parse() {
        Ok(price) => Some(price),
        Err(reason) => {
            lower.wrong(leaf, format!("is not a price: {reason}"), "write US dollars, as `0.0000166667`");
            None
        }
    }
}
