//! Where something listens: a host and a port, or a Unix socket, and what is spoken there.

use std::fmt;
use std::path::PathBuf;

use http::HeaderValue;

/// `host:port` with an optional path in front of every path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// Name or address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
    /// Empty, or starts with `/` and does not end with one.
    pub base: String,
    /// `host:port` as the `Host` header has it.
    pub authority: HeaderValue,
    /// A Unix socket in place of host and port.
    pub socket: Option<PathBuf>,
    /// What is spoken there.
    pub speaks: Speaks,
}

/// What is spoken over connections to an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaks {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS, known beforehand (RFC 9113, section 3.3).
    H2c,
}

impl Endpoint {
    /// `None` when the host cannot stand in a `Host` header.
    pub fn new(host: &str, port: u16, base: &str) -> Option<Endpoint> {
        let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'%');
        if bare.is_empty() || !bare.bytes().all(plain) {
            return None;
        }
        let authority =
            if bare.contains(':') { format!("[{bare}]:{port}") } else { format!("{bare}:{port}") };
        Some(Endpoint {
            host: bare.to_owned(),
            port,
            base: base.trim_end_matches('/').to_owned(),
            authority: HeaderValue::try_from(authority).ok()?,
            socket: None,
            speaks: Speaks::Http1,
        })
    }

    /// A Unix socket; the path is absolute. The host is `localhost`, as is usual there.
    pub fn socket(path: &str, port: u16) -> Option<Endpoint> {
        path.starts_with('/').then(|| Endpoint {
            host: "localhost".to_owned(),
            port,
            base: String::new(),
            authority: HeaderValue::from_static("localhost"),
            socket: Some(PathBuf::from(path)),
            speaks: Speaks::Http1,
        })
    }

    /// The loopback address.
    pub fn local(port: u16) -> Endpoint {
        let authority = HeaderValue::try_from(format!("127.0.0.1:{port}"))
            .unwrap_or_else(|_| HeaderValue::from_static("127.0.0.1"));
        Endpoint {
            host: "127.0.0.1".to_owned(),
            port,
            base: String::new(),
            authority,
            socket: None,
            speaks: Speaks::Http1,
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.socket {
            Some(path) => write!(f, "unix:{}", path.display()),
            None => f.write_str(&String::from_utf8_lossy(self.authority.as_bytes())),
        }
    }
}
