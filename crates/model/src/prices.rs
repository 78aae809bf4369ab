//! What Lambda costs, for estimates.

use std::fmt;
use std::str::FromStr;

/// US dollars, exact to twelve digits after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Price(u64);

/// Picodollars in a dollar.
const WHOLE: u64 = 1_000_000_000_000;

impl Price {
    /// In millionths of a millionth of a dollar.
    pub const fn picodollars(self) -> u64 {
        self.0
    }
}

impl FromStr for Price {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) || fraction.len() > 12 {
            return Err("it is not a number with twelve digits after the point at most");
        }
        let whole: u64 = whole.parse().map_err(|_| "it is too large")?;
        let fraction: u64 = format!("{fraction:0<12}").parse().map_err(|_| "it is too large")?;
        let sum = whole.checked_mul(WHOLE).and_then(|whole| whole.checked_add(fraction));
        sum.filter(|_| whole <= 1000).map(Self).ok_or("it is more than 1000 dollars")
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = format!("{:012}", self.0 % WHOLE);
        let fraction = fraction.trim_end_matches('0');
        write!(f, "{}", self.0 / WHOLE)?;
        if fraction.is_empty() { Ok(()) } else { write!(f, ".{fraction}") }
    }
}

/// What a call costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prices {
    /// A gigabyte of memory for a second.
    pub gb_second: Price,
    /// A request.
    pub request: Price,
}

impl Default for Prices {
    /// On demand, x86, us-east-1, the first tier, 2026. Source: AWS Lambda pricing.
    fn default() -> Self {
        Self { gb_second: Price(16_666_700), request: Price(200_000) }
    }
}

impl Prices {
    /// Picodollars of one call that is billed so many megabyte-milliseconds.
    pub fn of_call(&self, mb_ms: u64) -> u64 {
        let time = u128::from(mb_ms) * u128::from(self.gb_second.0) / (1024 * 1000);
        u64::try_from(time).unwrap_or(u64::MAX).saturating_add(self.request.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Price, Prices};

    #[track_caller]
    fn check(text: &str, expect: Option<u64>) {
        let found = text.parse::<Price>().ok();
        assert_eq!(found.map(Price::picodollars), expect, "{text}");
        if let Some(price) = found {
            assert_eq!(price.to_string().parse::<Price>(), Ok(price));
        }
    }

    #[test]
    fn prices() {
        check("0.0000166667", Some(16_666_700));
        check("0", Some(0));
        check("1.5", Some(1_500_000_000_000));
        check("1000", Some(1_000_000_000_000_000));
        for wrong in ["", ".5", "1.", "-1", "1e-5", "1001", "0.0000000000001", "99999999999999999999"] {
            check(wrong, None);
        }
        assert_eq!("0.20".parse::<Price>().unwrap().to_string(), "0.2");
    }

    #[test]
    fn calls() {
        let prices = Prices::default();
        // A second of a gigabyte, and the request.
        assert_eq!(prices.of_call(1024 * 1000), 16_666_700 + 200_000);
        assert_eq!(prices.of_call(0), 200_000);
        assert_eq!(prices.of_call(128), 2_083 + 200_000);
        assert_eq!(prices.of_call(u64::MAX), u64::MAX);
    }
}
