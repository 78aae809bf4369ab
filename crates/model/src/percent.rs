//! A share of a whole: `50%`, `0.5%`.

use std::fmt;
use std::str::FromStr;

/// From 0% to 100%, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percent(u16);

impl Percent {
    /// So many percent, 100 at most.
    pub const fn new(percent: u8) -> Self {
        Self(if percent < 100 { percent as u16 * 100 } else { 10_000 })
    }

    /// From 0 to 1.
    pub fn ratio(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// Whether `part` of `whole` is as large as this share, or larger; nothing of nothing is not.
    pub fn is_reached(self, part: u64, whole: u64) -> bool {
        whole > 0 && u128::from(part) * 10_000 >= u128::from(whole) * u128::from(self.0)
    }
}

impl FromStr for Percent {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_suffix('%').ok_or("it has no `%`")?;
        let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !is_number(whole) || !is_number(part) || part.len() > 2 {
            return Err("it is not a number with two digits after the point at most");
        }
        let hundredths: u16 = format!("{part:0<2}").parse().unwrap_or(u16::MAX);
        let percent: u16 = whole.parse().unwrap_or(u16::MAX);
        let all = percent.checked_mul(100).and_then(|all| all.checked_add(hundredths));
        all.filter(|all| *all <= 10_000).map(Self).ok_or("it is more than 100%")
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / 100, self.0 % 100);
        match part {
            0 => write!(f, "{whole}%"),
            _ if part % 10 == 0 => write!(f, "{whole}.{}%", part / 10),
            _ => write!(f, "{whole}.{part:02}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Percent;

    #[track_caller]
    fn check(text: &str, expect: Option<&str>) {
        let found = text.parse::<Percent>().ok().map(|percent| percent.to_string());
        assert_eq!(found.as_deref(), expect, "{text}");
    }

    #[test]
    fn texts() {
        for same in ["0%", "5%", "0.5%", "12.34%", "0.05%", "100%"] {
            check(same, Some(same));
        }
        check("07.50%", Some("7.5%"));
        for wrong in ["", "%", "5", "-5%", "101%", "100.01%", "1.234%", ".5%", "1.%", "65536%", "5 %", "1e1%"]
        {
            check(wrong, None);
        }
    }

    #[test]
    fn shares() {
        let half = Percent::new(50);
        assert!(half.is_reached(1, 2) && half.is_reached(u64::MAX, u64::MAX));
        assert!(!half.is_reached(1, 3) && !half.is_reached(0, 0));
        assert_eq!((half.ratio(), Percent::new(200)), (0.5, Percent::new(100)));
    }
}
