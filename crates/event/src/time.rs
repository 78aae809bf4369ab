//! The one date format of the events: `10/Jul/2026:19:19:04 +0000`, the Common Log Format's, always in UTC.

use crate::json::writer::decimal;

/// Appends the time, `ms` after the epoch.
pub(crate) fn clf(out: &mut Vec<u8>, ms: u64) {
    const MONTHS: [&[u8; 3]; 12] =
        [b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec"];
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
    let [m0, m1, m2] = *MONTHS[month as usize % MONTHS.len()];
    let [d0, d1] = two(day);
    // A piece at a time, and not a number: each has its price.
    out.extend_from_slice(&[d0, d1, b'/', m0, m1, m2, b'/']);
    decimal(out, year, 4);
    for part in [second / 3600, second / 60 % 60, second % 60] {
        let [tens, ones] = two(part);
        out.extend_from_slice(&[b':', tens, ones]);
    }
    out.extend_from_slice(b" +0000");
}

/// The digits of a number below a hundred.
fn two(value: u64) -> [u8; 2] {
    [b'0' + (value / 10 % 10) as u8, b'0' + (value % 10) as u8]
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
