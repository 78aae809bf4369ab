//! Hosts as the router compares them: lower case, without port, without the root's trailing dot.

use std::borrow::Cow;

/// `host` without its port. IPv6 literals keep their brackets.
pub(crate) fn without_port(host: &str) -> &str {
    if let Some(end) = host.strip_prefix('[').and_then(|rest| rest.find(']')) {
        return &host[..end + 2];
    }
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Whether `host`, as the client sent it, is `known`: itself, or of `*.example.com` with one or more labels before.
pub(crate) fn is_host(known: &str, host: &str) -> bool {
    let host = canonical(host);
    match known.strip_prefix('*') {
        Some(suffix) => host.len() > suffix.len() && host.ends_with(suffix),
        None => *host == *known,
    }
}

/// The form that is compared. Borrows when the client sent lower case.
pub(super) fn canonical(host: &str) -> Cow<'_, str> {
    let host = without_port(host);
    let host = host.strip_suffix('.').unwrap_or(host);
    if host.bytes().any(|b| b.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

#[cfg(test)]
mod tests {
    use super::canonical;

    fn check(host: &str, expect: &str) {
        assert_eq!(canonical(host), expect, "{host}");
    }

    #[test]
    fn hosts() {
        check("example.com", "example.com");
        check("Example.COM:8080", "example.com");
        check("example.com.", "example.com");
        check("example.com.:80", "example.com");
        check("[2001:DB8::1]:443", "[2001:db8::1]");
        check("[::1]", "[::1]");
        check("127.0.0.1:1", "127.0.0.1");
        check("", "");
        check("[", "[");
        check("a:b", "a:b");
    }
}
