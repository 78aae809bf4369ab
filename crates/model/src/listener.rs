//! Where clients connect.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::{Errors, Origin};

/// One address to serve on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// `address:` of the file; port 0 takes a free one.
    pub address: SocketAddr,
    /// Serves TLS when set.
    pub tls: Option<Tls>,
    /// Where HTTP/2 is spoken beside HTTP/1.1.
    pub http2: Http2,
    /// Whose error answers clients get where no route took the request.
    pub errors: Errors,
    /// Hosts that may be asked for, each as in a match; empty for any.
    pub hosts: Vec<String>,
    /// Where a request goes that came without TLS; served as it is when `None`.
    pub https_redirect: Option<HttpsRedirect>,
    /// For messages.
    pub origin: Origin,
}

impl Listener {
    /// Plain HTTP, and everything else as when absent.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            tls: None,
            http2: Http2::default(),
            errors: Errors::Native,
            hosts: Vec::new(),
            https_redirect: None,
            origin: Origin::default(),
        }
    }
}

/// The same host and path over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpsRedirect {
    /// Of the listener there.
    pub port: u16,
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
}

impl Default for HttpsRedirect {
    fn default() -> Self {
        Self { port: 443, status: 302 }
    }
}

/// Where HTTP/2 is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Http2 {
    /// Over TLS, where the client chooses it (ALPN).
    #[default]
    Auto,
    /// Without TLS too, by clients that know (RFC 9113 section 3.3).
    Cleartext,
    /// Nowhere.
    Off,
}

/// Certificate files in PEM; paths are already joined with the configuration file's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// Chain, leaf first.
    pub cert_file: PathBuf,
    /// Private key.
    pub key_file: PathBuf,
    /// When set, clients must present a certificate signed by one of these.
    pub client_ca_file: Option<PathBuf>,
}
