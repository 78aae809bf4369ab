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
    /// Whose error answers clients get where no route took the request.
    pub errors: Errors,
    /// For messages.
    pub origin: Origin,
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
