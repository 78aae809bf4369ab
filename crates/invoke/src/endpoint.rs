//! Where Lambda is: an http or https URL, given ([`told`]), or made from the region.
//!
//! Source: "AWS Lambda endpoints and quotas" for the host names.

use http::HeaderValue;
use http::uri::{Authority, Scheme, Uri};
use lambridge_wire::name::{dns_suffix, dual_stack_suffix};

use crate::ClientError;

pub(crate) mod told;

/// Which of a region's endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Variant {
    pub fips: bool,
    pub dualstack: bool,
}

/// A parsed base URL.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    /// `https`.
    pub tls: bool,
    /// Name or address to connect to, IPv6 without brackets.
    pub host: String,
    /// Port to connect to.
    pub port: u16,
    /// The `host` header: with the port unless it is the scheme's own.
    pub host_header: HeaderValue,
    /// The same in a URL, for HTTP/2.
    pub authority: Authority,
    /// Prefix of every path, without a trailing `/`; mostly empty.
    pub base: String,
}

impl Endpoint {
    /// Reads a base URL.
    pub(crate) fn parse(text: &str) -> Result<Self, ClientError> {
        // Userinfo in the URL would be a secret, and is refused: it must not be repeated.
        let shown = if text.contains('@') { "***" } else { text };
        let bad = || ClientError::BadEndpoint { endpoint: shown.to_owned() };
        let uri: Uri = text.trim().parse().map_err(|_| bad())?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(bad()),
        };
        let authority: &Authority = uri.authority().ok_or_else(bad)?;
        if uri.query().is_some() || authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(bad());
        }
        let standard = if tls { 443 } else { 80 };
        let host = authority.host();
        // `Authority::port` gives nothing for a port out of range, so the text is read here.
        let port = match authority.as_str().strip_prefix(host).and_then(|rest| rest.strip_prefix(':')) {
            Some(port) => port.parse().ok().filter(|port| *port > 0).ok_or_else(bad)?,
            None => standard,
        };
        let shown_host = if port == standard { host.to_owned() } else { format!("{host}:{port}") };
        Ok(Self {
            tls,
            host: host.trim_start_matches('[').trim_end_matches(']').to_owned(),
            port,
            host_header: HeaderValue::from_str(&shown_host).map_err(|_| bad())?,
            authority: Authority::try_from(shown_host).map_err(|_| bad())?,
            base: uri.path().trim_end_matches('/').to_owned(),
        })
    }

    /// Lambda's own in `region`.
    pub(crate) fn of_region(region: &str, variant: Variant) -> Result<Self, ClientError> {
        let service = if variant.fips { "lambda-fips" } else { "lambda" };
        let suffix = if variant.dualstack { dual_stack_suffix(region) } else { dns_suffix(region) };
        Self::parse(&format!("https://{service}.{region}.{suffix}"))
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}{}", self.host_header.to_str().unwrap_or(&self.host), self.base)
    }
}

/// The endpoints of every region AWS's Python SDK knows, a line each; `endpoints_test.py` holds them against it.
#[cfg(test)]
pub(crate) mod regions {
    const FILE: &str = include_str!("endpoint/regions.txt");

    /// Region, FIPS, dual stack, host, of `lambda` or `sts`.
    pub(crate) fn of(service: &str) -> Vec<(&'static str, bool, bool, &'static str)> {
        let lines = FILE.lines().filter_map(|line| {
            let mut words = line.split(' ');
            let found = (words.next()?, words.next()?, words.next()?, words.next()?, words.next()?);
            (found.0 == service).then_some((found.1, found.2 == "fips", found.3 == "dualstack", found.4))
        });
        let rows: Vec<_> = lines.collect();
        assert!(rows.len() > 100, "{} rows of {service}", rows.len());
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<(bool, &str, u16, &str, &str)>) {
        let found = Endpoint::parse(text).ok();
        let parts = found
            .as_ref()
            .map(|e| (e.tls, e.host.as_str(), e.port, e.host_header.to_str().unwrap(), e.base.as_str()));
        assert_eq!(parts, expect, "{text}");
    }

    #[test]
    fn urls() {
        check("http://127.0.0.1:9000", Some((false, "127.0.0.1", 9000, "127.0.0.1:9000", "")));
        check("http://localhost:80/", Some((false, "localhost", 80, "localhost", "")));
        check("https://h:443", Some((true, "h", 443, "h", "")));
        check("https://h/base/", Some((true, "h", 443, "h", "/base")));
        check("http://[::1]:9000", Some((false, "::1", 9000, "[::1]:9000", "")));
        for text in [
            "",
            "h",
            "h:80",
            "ftp://h",
            "http://",
            "http://h:0",
            "http://h:99999",
            "http://h?x=1",
            "http://u:p@h",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn a_password_is_not_repeated() {
        let error = Endpoint::parse("http://user:hunter2@h").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }

    #[test]
    fn regions() {
        for (region, fips, dualstack, host) in regions::of("lambda") {
            let endpoint = Endpoint::of_region(region, Variant { fips, dualstack }).unwrap();
            assert_eq!((endpoint.host.as_str(), endpoint.port, endpoint.tls), (host, 443, true));
        }
        assert!(Endpoint::of_region("no where", Variant::default()).is_err());
    }
}
