//! Settings of the process as a whole, each with its documented default.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use crate::Secret;

/// Bounds on what clients may send and how long they may take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Request line and headers, in bytes. Default 64 KiB.
    pub head: usize,
    /// One body, in bytes. Default 6 MiB: more never fits an event.
    pub body: usize,
    /// All buffered bodies together, in bytes. Default 512 MiB.
    pub buffered_total: usize,
    /// Open client connections. Default 20,000.
    pub connections: usize,
    /// From the first byte of a head to its end. Default 10 s.
    pub head_timeout: Duration,
    /// From the end of the head to the end of the body. Default 60 s.
    pub body_timeout: Duration,
    /// Between requests on a kept connection. Default 75 s.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head: 64 << 10,
            body: 6 << 20,
            buffered_total: 512 << 20,
            connections: 20_000,
            head_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(60),
            idle: Duration::from_secs(75),
        }
    }
}

/// How the gateway ends after SIGTERM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drain {
    /// Listeners stay open this long after readiness is withdrawn. Default 0.
    pub delay: Duration,
    /// Requests in flight have this long to finish. Default 30 s.
    pub deadline: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { delay: Duration::ZERO, deadline: Duration::from_secs(30) }
    }
}

/// The access log and messages on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Log {
    /// Text by default.
    pub format: LogFormat,
    /// Info by default.
    pub level: LogLevel,
}

/// One line a request, as text or JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}

/// What is written: `Error` leaves the access log out except failed requests, `Off` leaves out everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogLevel {
    /// Nothing.
    Off,
    /// Failures.
    Error,
    /// Failures and warnings.
    Warn,
    /// Every request.
    #[default]
    Info,
    /// More.
    Debug,
}

/// Connections to each Lambda endpoint, or HTTP service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ConnectionSettings {
    /// At most so many. Default 1,024.
    pub max: usize,
    /// What is spoken over them.
    pub protocol: Protocol,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        Self { max: 1024, protocol: Protocol::Http1 }
    }
}

/// A version of HTTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Protocol {
    /// HTTP/1.1: a connection for each call in flight.
    #[default]
    Http1,
    /// HTTP/2: many calls share a connection.
    Http2,
    /// What the server chooses where TLS lets it, else HTTP/1.1.
    Auto,
}

/// Which traces requests belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TraceSettings {
    /// Trusted proxies by default.
    pub from: TraceFrom,
    /// Begins a trace where a request brings none that counts. Default no.
    pub generate: bool,
}

/// Whose `traceparent` and `X-Amzn-Trace-Id` count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TraceFrom {
    /// Those of `trusted_proxies`.
    #[default]
    Trusted,
    /// Every client's.
    Anyone,
}

/// The admin address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// Loopback unless written otherwise.
    pub address: SocketAddr,
}

/// The local Lambda of `lambridge dev` and `lambridge emulator`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EmulatorSettings {
    /// Invoke API. Default 127.0.0.1:9000.
    pub address: SocketAddr,
    /// The key pair that calls must be signed with; without one signatures are not checked.
    pub credentials: Option<(String, Secret)>,
}

impl Default for EmulatorSettings {
    fn default() -> Self {
        Self { address: SocketAddr::from(([127, 0, 0, 1], 9000)), credentials: None }
    }
}

/// A network in prefix notation, e.g. `10.0.0.0/8`; a bare address is a network of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    prefix: u8,
}

impl Cidr {
    /// Whether `ip` lies in this network. An IPv4-mapped IPv6 address counts as its IPv4 address.
    pub fn contains(&self, ip: IpAddr) -> bool {
        match (self.address, ip.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(ip)) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(self.prefix)).unwrap_or(0);
                net.to_bits() & mask == ip.to_bits() & mask
            }
            (IpAddr::V6(net), IpAddr::V6(ip)) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0);
                net.to_bits() & mask == ip.to_bits() & mask
            }
            _ => false,
        }
    }
}

impl FromStr for Cidr {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| format!("`{address}` is not an IP address"))?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(digits) => digits
                .parse::<u8>()
                .ok()
                .filter(|&bits| bits <= longest)
                .ok_or_else(|| format!("`{digits}` is not a prefix length from 0 to {longest}"))?,
        };
        Ok(Self { address, prefix })
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::Cidr;

    fn check(network: &str, ip: &str, expect: bool) {
        let network: Cidr = network.parse().unwrap();
        assert_eq!(network.contains(ip.parse().unwrap()), expect, "{network:?} {ip}");
    }

    #[test]
    fn networks() {
        check("10.0.0.0/8", "10.255.1.2", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("0.0.0.0/0", "203.0.113.7", true);
        check("192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("10.0.0.0/8", "::ffff:10.1.2.3", true);
        check("2001:db8::/32", "2001:db8:1::1", true);
        check("::/0", "10.0.0.1", false);
        assert!("10.0.0.0/33".parse::<Cidr>().is_err());
        assert!("x/8".parse::<Cidr>().is_err());
    }
}
