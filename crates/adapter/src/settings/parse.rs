//! How single values of the environment are read. `None` means: not readable.

use std::time::Duration;

use super::Endpoint;
use crate::log::Level;

/// `true` and `false`, and what else people write for them.
pub(super) fn boolean(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// One of the words, in whatever case, as what it stands for.
pub(super) fn one_of<T: Copy>(words: &[(&str, T)]) -> impl FnOnce(&str) -> Option<T> {
    |value| words.iter().find(|(word, _)| word.eq_ignore_ascii_case(value)).map(|(_, meant)| *meant)
}

/// A port that something can listen on.
pub(super) fn port(value: &str) -> Option<u16> {
    value.parse().ok().filter(|port| *port > 0)
}

/// The level that filters of the crate `env_logger`'s kind, `warn,hyper=error`, have for this program.
pub(super) fn filtered(filters: &str) -> Option<Level> {
    let filters = || filters.split(',').map(str::trim);
    let ours = filters().find_map(|filter| Level::parse(filter.strip_prefix("lambda_adapter=")?));
    ours.or_else(|| filters().find_map(Level::parse))
}

/// Seconds, fractions allowed.
pub(super) fn seconds(value: &str) -> Option<Duration> {
    Duration::try_from_secs_f64(value.parse().ok()?).ok()
}

/// `host:port`, with or without `http://` and a path.
pub(super) fn endpoint(value: &str) -> Option<Endpoint> {
    let rest = value.strip_prefix("http://").unwrap_or(value);
    let (authority, base) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    match authority.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() => Endpoint::new(host, self::port(port)?, base),
        _ => Endpoint::new(authority, 80, base),
    }
}

/// A namespace of CloudWatch; those of AWS itself are not for others.
pub(super) fn namespace(value: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_/#:".contains(&byte);
    let fits = (1..=255).contains(&value.len()) && value.bytes().all(plain) && !value.starts_with("AWS/");
    fits.then(|| value.to_owned())
}

/// A set of HTTP status codes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusSet {
    ranges: Vec<(u16, u16)>,
}

impl StatusSet {
    /// No status at all.
    pub fn none() -> StatusSet {
        StatusSet { ranges: Vec::new() }
    }

    /// Both ends included.
    pub fn range(first: u16, last: u16) -> StatusSet {
        StatusSet { ranges: vec![(first, last)] }
    }

    /// `200-399,404`; also returns the entries that cannot be read. Reversed ranges are among them.
    pub(super) fn parse(list: &str) -> (StatusSet, Vec<String>) {
        let mut ranges = Vec::new();
        let mut bad = Vec::new();
        for entry in list.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
            let (first, last) = entry.split_once('-').unwrap_or((entry, entry));
            match (first.trim().parse(), last.trim().parse()) {
                (Ok(first), Ok(last)) if first <= last => ranges.push((first, last)),
                _ => bad.push(entry.to_owned()),
            }
        }
        (StatusSet { ranges }, bad)
    }

    /// Whether `status` is in the set.
    pub fn contains(&self, status: u16) -> bool {
        self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }

    /// Whether no status is in the set.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}
