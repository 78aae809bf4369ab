//! What single values say: durations, sizes, hosts, URLs, ARNs. Pure functions from text; the reason is in the error.

use std::time::Duration;

/// `400ms`, `30s`, `1m30s`: whole numbers, units from large to small, each once.
pub fn duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u64); 4] = [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];
    let mut rest = text;
    let mut total: u64 = 0;
    let mut largest = u64::MAX;
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        if digits == 0 {
            return Err("a whole number should stand before each unit".to_owned());
        }
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |at| digits + at);
        let unit = &rest[digits..unit_end];
        if unit == "." {
            return Err("only whole numbers are known; use a smaller unit".to_owned());
        }
        if unit.is_empty() {
            return Err("the unit is missing".to_owned());
        }
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return Err(format!("the unit {} is none of `h`, `m`, `s`, `ms`", crate::report::quoted(unit)));
        };
        if *factor >= largest {
            return Err("units go from large to small, each once".to_owned());
        }
        largest = *factor;
        total = rest[..digits]
            .parse::<u64>()
            .ok()
            .and_then(|number| number.checked_mul(*factor))
            .and_then(|part| total.checked_add(part))
            .ok_or_else(|| "it is too long".to_owned())?;
        rest = &rest[unit_end..];
    }
    Ok(Duration::from_millis(total))
}

/// A duration as Go writes it (`time.ParseDuration`): signed numbers with fractions and units from `ns` to `h`, in any
/// order and as often as one likes, or `0`. Rounded down to nanoseconds; there is no time below zero here.
pub fn go_duration(text: &str) -> Result<Duration, String> {
    const UNITS: [(&str, u128); 8] = [
        ("ns", 1),
        ("us", 1000),
        ("µs", 1000),
        ("μs", 1000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if unsigned == "0" || text == "-0" {
        return Ok(Duration::ZERO);
    }
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.starts_with('-') {
        return Err("it is below zero".to_owned());
    }
    let mut rest = unsigned;
    // Go's own durations end at 2^63 ns, 292 years.
    let too_long = || "it is too long".to_owned();
    let mut total: u128 = 0;
    loop {
        let number_end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, from) = rest.split_at(number_end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
            return Err("a number should stand before each unit".to_owned());
        }
        let unit_end = from.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(from.len());
        let (unit, next) = from.split_at(unit_end);
        if unit.is_empty() {
            return Err("the unit is missing".to_owned());
        }
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            let unit = crate::report::quoted(unit);
            return Err(format!("the unit {unit} is none of `h`, `m`, `s`, `ms`, `us`, `ns`"));
        };
        let whole: u128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| too_long())? };
        // No digit beyond the fifteenth makes a nanosecond of an hour.
        let fraction = &fraction[..fraction.len().min(15)];
        let part: u128 = if fraction.is_empty() { 0 } else { fraction.parse().map_err(|_| too_long())? };
        let part = part * factor / fraction.bytes().fold(1, |scale: u128, _| scale * 10);
        total = whole
            .checked_mul(*factor)
            .and_then(|nanos| nanos.checked_add(part)?.checked_add(total))
            .filter(|nanos| *nanos <= i64::MAX as u128)
            .ok_or_else(too_long)?;
        rest = next;
        if rest.is_empty() {
            return u64::try_from(total).map(Duration::from_nanos).map_err(|_| too_long());
        }
    }
}

/// As [`duration`] reads it.
pub fn show_duration(duration: Duration) -> String {
    let mut left = duration.as_millis();
    let mut out = String::new();
    for (unit, factor) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if left >= factor {
            out.push_str(&format!("{}{unit}", left / factor));
            left %= factor;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// `64KiB`, `6MiB`, `1GiB`, or bytes.
pub fn size(text: &str) -> Result<usize, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    if digits == 0 {
        return Err("a whole number should stand first".to_owned());
    }
    let factor: usize = match &text[digits..] {
        "" | "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        unit if unit.starts_with('.') => {
            return Err("only whole numbers are known; use a smaller unit".to_owned());
        }
        unit => {
            return Err(format!("the unit {} is none of `KiB`, `MiB`, `GiB`", crate::report::quoted(unit)));
        }
    };
    text[..digits]
        .parse::<usize>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| "it is too large".to_owned())
}

/// As [`size`] reads it.
pub fn show_size(size: usize) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if size >= 1 << shift && size.is_multiple_of(1 << shift) {
            return format!("{}{unit}", size >> shift);
        }
    }
    format!("{size} bytes")
}

/// A host to match: lower case, no port, `*.` in front at most. The flag says that a port was dropped.
pub fn host(text: &str) -> Result<(String, bool), &'static str> {
    let text = text.to_ascii_lowercase();
    let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, rest)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return Err("no IPv6 address stands between the brackets");
            }
            let end = text.len() - rest.len();
            (&text[..end], rest.strip_prefix(':').or(if rest.is_empty() { None } else { Some("x") }))
        }
        None => match text.split_once(':') {
            Some((_, port)) if port.contains(':') => {
                return Err("an IPv6 address stands in brackets, and a host has no scheme");
            }
            Some((name, port)) => (name, Some(port)),
            None => (text.as_str(), None),
        },
    };
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("what stands after the colon is no port");
    }
    if name.starts_with('[') {
        return Ok((name.to_owned(), port.is_some()));
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let labels = match name.strip_prefix("*.") {
        Some(rest) => rest,
        None if name.contains('*') => return Err("`*` stands only in front, as in `*.example.com`"),
        None => name,
    };
    if labels.contains('*') {
        return Err("`*` stands only in front, as in `*.example.com`");
    }
    let good = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if labels.len() > 253 || !labels.split('.').all(good) {
        return Err("labels have letters, digits, `-` and `_`, with dots between them");
    }
    Ok((name.to_owned(), port.is_some()))
}

/// The base URL of an API: `http://` or `https://`, host, perhaps port and path; a `/` at the end is dropped.
pub fn endpoint(text: &str) -> Result<String, &'static str> {
    let rest = text
        .strip_prefix("http://")
        .or_else(|| text.strip_prefix("https://"))
        .ok_or("it begins with `http://` or `https://`")?;
    if rest.contains(['?', '#']) {
        return Err("a base URL has no `?` or `#`");
    }
    if rest.bytes().any(|b| !(0x21..=0x7e).contains(&b)) {
        return Err("it has ASCII characters only, and no blanks");
    }
    let authority = rest.split('/').next().unwrap_or("");
    if authority.contains('@') {
        return Err("it has no user name");
    }
    match host(authority) {
        Ok((name, _)) if !name.starts_with('*') => Ok(text.trim_end_matches('/').to_owned()),
        _ => Err("a host, and perhaps a port, stand after `//`"),
    }
}

/// A region's name: what AWS uses, and what a local Lambda may be called.
pub fn is_region(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Source: the pattern of `Qualifier` in the service model of Lambda 2015-03-31.
pub fn is_qualifier(text: &str) -> bool {
    match text.strip_prefix("$LATEST") {
        Some(rest) => rest.is_empty() || rest == ".PUBLISHED",
        None => {
            (1..=128).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        }
    }
}

/// Source: the pattern of `Alias` in the same model: a qualifier that is no number.
pub fn is_alias(text: &str) -> bool {
    is_qualifier(text) && !text.starts_with('$') && !text.bytes().all(|b| b.is_ascii_digit())
}

/// A published version: a number from 1.
pub fn is_version(text: &str) -> bool {
    (1..=18).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0')
}

/// `arn:PARTITION:iam::ACCOUNT:role/NAME`. Source: the pattern of `RoleArn` in the service model of STS 2011-06-15.
pub fn role_arn(text: &str) -> Result<(), &'static str> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    let [arn, partition, service, region, account, resource] = parts[..] else {
        return Err("it has six parts with colons between them");
    };
    if arn != "arn" {
        return Err("it begins with `arn:`");
    }
    if !partition.starts_with("aws") {
        return Err("the partition is `aws` or begins with `aws-`");
    }
    if service != "iam" || !region.is_empty() {
        return Err("a role belongs to `iam` and has no region");
    }
    if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
        return Err("the account has twelve digits");
    }
    match resource.strip_prefix("role/") {
        Some(name) if !name.is_empty() && name.bytes().all(|b| (0x21..=0x7e).contains(&b)) => Ok(()),
        _ => Err("it ends in `role/` and a name"),
    }
}

/// A method or a header's name. Source: RFC 9110, section 5.6.2.
pub fn is_token(text: &str) -> bool {
    lambridge_event::is_token(text.as_bytes())
}

/// A header's value that a client will receive as it was written. Source: RFC 9110, section 5.5.
pub fn is_field_value(text: &str) -> bool {
    text.trim() == text && lambridge_event::is_value(text.as_bytes())
}

/// `text/plain`, `image/*`, `*/*`.
pub fn is_media_type(text: &str) -> bool {
    text.split_once('/').is_some_and(|(main, sub)| is_token(main) && is_token(sub))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        duration, endpoint, go_duration, host, is_alias, is_qualifier, is_version, role_arn, show_duration,
        show_size, size,
    };

    #[test]
    fn durations() {
        for (text, expect) in [
            ("400ms", Some(400)),
            ("30s", Some(30_000)),
            ("1m30s", Some(90_000)),
            ("0s", Some(0)),
            ("2h", Some(7_200_000)),
        ] {
            assert_eq!(duration(text).ok(), expect.map(Duration::from_millis), "{text}");
            assert_eq!(duration(text).map(show_duration).as_deref(), Ok(text));
        }
        for text in [
            "",
            "30",
            "s",
            "30x",
            "1.5s",
            "-1s",
            "1s1m",
            "1s1s",
            "30 s",
            "99999999999999999999s",
            "9999999999999999h",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn go_durations() {
        for (text, nanos) in [
            ("0", 0),
            ("+0", 0),
            ("-0", 0),
            ("30s", 30_000_000_000),
            ("+5s", 5_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5m", 30_000_000_000),
            ("1.m", 60_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("30m1h", 5_400_000_000_000),
            ("1s1s", 2_000_000_000),
            ("1500ms", 1_500_000_000),
            ("2us3µs4μs5ns", 9005),
            ("0.0000000000000001h", 0),
            ("0.3333333333333333333h", 1_199_999_999_999),
            ("9223372036854775807ns", i64::MAX as u64),
        ] {
            assert_eq!(go_duration(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
        for text in [
            "",
            "-",
            "+",
            "30",
            "s",
            ".s",
            "-1s",
            "1..5s",
            "1.5.5s",
            "30 s",
            "1d",
            "1s2",
            "é",
            "3é",
            "9223372036854775808ns",
            "99999999999999999999999999999999999999999h",
            "3000000h",
        ] {
            assert!(go_duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn sizes() {
        for (text, expect) in
            [("64KiB", 65536), ("6MiB", 6 << 20), ("1GiB", 1 << 30), ("17", 17), ("17B", 17)]
        {
            assert_eq!(size(text), Ok(expect), "{text}");
        }
        for text in ["", "KiB", "1KB", "1k", "1.5MiB", "-1", "99999999999999999999", "99999999999999GiB"] {
            assert!(size(text).is_err(), "{text}");
        }
        assert_eq!([show_size(65536), show_size(6 << 20), show_size(17)], ["64KiB", "6MiB", "17 bytes"]);
    }

    #[test]
    fn hosts() {
        for (text, expect, port) in [
            ("API.example.com", "api.example.com", false),
            ("*.example.com", "*.example.com", false),
            ("a.example.com:8443", "a.example.com", true),
            ("example.com.", "example.com", false),
            ("127.0.0.1", "127.0.0.1", false),
            ("[::1]:80", "[::1]", true),
        ] {
            assert_eq!(host(text), Ok((expect.to_owned(), port)), "{text}");
        }
        for text in [
            "", "*", "a.*.com", "*.*.com", "a b", "http://a", "a..b", "::1", "a:x", "[::1]x", "[x]",
            "-a.com", "é.com",
        ] {
            assert!(host(text).is_err(), "{text}");
        }
    }

    #[test]
    fn endpoints() {
        assert_eq!(endpoint("http://127.0.0.1:9000/").as_deref(), Ok("http://127.0.0.1:9000"));
        assert_eq!(
            endpoint("https://vpce-1.example.com/base").as_deref(),
            Ok("https://vpce-1.example.com/base")
        );
        for text in [
            "",
            "127.0.0.1:9000",
            "http://",
            "http://a b",
            "ftp://a",
            "http://u:p@a",
            "http://a?b",
            "http://*.a",
        ] {
            assert!(endpoint(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_of_aws() {
        assert!(is_qualifier("live") && is_qualifier("$LATEST") && is_qualifier("12"));
        assert!(!is_qualifier("") && !is_qualifier("a b") && !is_qualifier("$latest"));
        assert!(is_alias("live") && !is_alias("12") && !is_alias("$LATEST"));
        assert!(is_version("3") && !is_version("03") && !is_version("v3"));
        assert!(role_arn("arn:aws:iam::123456789012:role/a/b").is_ok());
        for text in [
            "",
            "invoke",
            "arn:aws:iam::1:role/a",
            "arn:aws:lambda:r:123456789012:role/a",
            "arn:aws:iam::123456789012:user/a",
        ] {
            assert!(role_arn(text).is_err(), "{text}");
        }
    }
}
