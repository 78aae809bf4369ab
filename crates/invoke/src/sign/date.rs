//! The instant of a signature, `20261121T143435Z`.

use std::time::{SystemTime, UNIX_EPOCH};

/// A date in AWS's basic format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AmzDate(String);

impl AmzDate {
    /// The second that `time` is in; what lies outside of the years 1970 to 9999 becomes its nearest end.
    pub(crate) fn at(time: SystemTime) -> Self {
        const LAST: u64 = 253_402_300_799;
        let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()).min(LAST);
        let (year, month, day) = civil(seconds / 86_400);
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let mut text = String::with_capacity(16);
        digits(&mut text, year, 4);
        digits(&mut text, month, 2);
        digits(&mut text, day, 2);
        text.push('T');
        digits(&mut text, hour, 2);
        digits(&mut text, minute, 2);
        digits(&mut text, second, 2);
        text.push('Z');
        Self(text)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The first eight digits.
    pub(crate) fn day(&self) -> &str {
        &self.0[..8]
    }
}

fn digits(out: &mut String, number: u64, width: u32) {
    for place in (0..width).rev() {
        let digit = number / 10_u64.pow(place) % 10;
        out.push(char::from_digit(u32::try_from(digit).unwrap_or(0), 10).unwrap_or('0'));
    }
}

/// Year, month and day of a count of days since 1970. The years are taken to begin in March, so that the leap day is last
/// (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[track_caller]
    fn check(seconds: u64, expect: &str) {
        let date = AmzDate::at(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!((date.as_str(), date.day()), (expect, &expect[..8]));
    }

    #[test]
    fn dates() {
        check(0, "19700101T000000Z");
        check(951_782_400, "20000229T000000Z");
        check(1_709_251_199, "20240229T235959Z");
        check(1_709_251_200, "20240301T000000Z");
        check(1_763_735_675, "20251121T143435Z");
        check(4_107_542_399, "21000228T235959Z");
        check(4_107_542_400, "21000301T000000Z");
        check(253_402_300_799, "99991231T235959Z");
        check(u64::MAX >> 2, "99991231T235959Z");
        assert_eq!(AmzDate::at(UNIX_EPOCH - Duration::from_secs(1)).as_str(), "19700101T000000Z");
    }
}
