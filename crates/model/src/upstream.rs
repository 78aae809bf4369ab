//! An HTTP service behind a route.

use std::path::PathBuf;
use std::time::Duration;

/// Where the requests of a route go that no function answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upstream {
    /// Never empty.
    pub endpoints: Vec<Endpoint>,
    /// Whose `Host` the service is told.
    pub host: HostRule,
    /// From the last byte of the request to the head of its answer. Default 30 s.
    pub timeout: Duration,
    /// The longest pause within the answer's body. Default 5 min.
    pub idle_timeout: Duration,
    /// Connections to each endpoint at most. Default 1024.
    pub connections_max: usize,
    /// Certificates that are trusted in place of the system's; joined with the configuration file's folder.
    pub ca_file: Option<PathBuf>,
}

impl Upstream {
    /// One endpoint, everything else as when absent.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            endpoints: vec![Endpoint { url: url.into(), weight: 1 }],
            host: HostRule::Preserve,
            timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(300),
            connections_max: 1024,
            ca_file: None,
        }
    }
}

/// One address of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `http` or `https`, perhaps with a path that comes before every request's.
    pub url: String,
    /// 1 when absent; 0 gets nothing.
    pub weight: u32,
}

/// Which `Host` a service gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HostRule {
    /// The client's.
    #[default]
    Preserve,
    /// That of the endpoint's URL.
    Upstream,
}
