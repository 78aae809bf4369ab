//! The one date format of the events: `10/Jul/2026:19:19:04 +0000`, the Common Log Format's, always in UTC.

use crate::json::writer::decimal;

/// Appends the time, `ms` after the epoch.
pub(crate) fn clf(out: &mut Vec<u8>, ms: u64) {
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = ms / 1000;
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days to date, counting years from March, so that the leap day is a year's last (Hinnant, "chrono-compatible
    // low-level date algorithms"). 719,468 days lie between 1 March of year 0 and the epoch.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 2 } else { shifted_month - 10 };
    let year = era * 400 + year_of_era + u64::from(month < 2);
    let name = MONTHS.get(month as usize).copied().unwrap_or_default();
    decimal(out, day, 2);
    out.push(b'/');
    out.extend_from_slice(name.as_bytes());
    out.push(b'/');
    decimal(out, year, 4);
    for part in [second / 3600, second / 60 % 60, second % 60] {
        out.push(b':');
        decimal(out, part, 2);
    }
    out.extend_from_slice(b" +0000");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        for (ms, expect) in [
            (0, "01/Jan/1970:00:00:00 +0000"),
            (1_783_711_144_836, "10/Jul/2026:19:19:04 +0000"),
            (951_782_400_000, "29/Feb/2000:00:00:00 +0000"),
            (951_868_799_999, "29/Feb/2000:23:59:59 +0000"),
            (951_868_800_000, "01/Mar/2000:00:00:00 +0000"),
            (1_735_689_599_000, "31/Dec/2024:23:59:59 +0000"),
            (4_107_542_400_000, "01/Mar/2100:00:00:00 +0000"),
        ] {
            let mut out = Vec::new();
            clf(&mut out, ms);
            assert_eq!(String::from_utf8(out).unwrap(), expect);
        }
        // No panic at the end of time.
        clf(&mut Vec::new(), u64::MAX);
    }
}
