//! What a route does to requests and answers on their way, whatever its target.
//!
//! Rewrites and changes of headers follow the filters of the Gateway API's HTTPRoute, which every dialect's own can be
//! said in.

use std::time::Duration;

use crate::Template;

/// All of it. The default does nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policies {
    /// Another path or host for the target.
    pub rewrite: Rewrite,
    /// Changes of the request's headers.
    pub request_headers: HeaderChanges,
    /// Changes of the target's answer.
    pub answer_headers: HeaderChanges,
    /// How often one may ask.
    pub rate_limit: Option<RateLimit>,
    /// One body, in bytes; [`crate::Limits::body`] where absent.
    pub body_max: Option<usize>,
}

/// What the target is told instead of what the client asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rewrite {
    /// Another path; the query stays.
    pub path: Option<PathRewrite>,
    /// Another `Host`.
    pub host: Option<String>,
}

/// Another path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathRewrite {
    /// The whole path; parameters of the match stand for their values as sent.
    Path(Template),
    /// In place of the prefix that matched; without a trailing `/` except for `/` itself.
    Prefix(String),
}

/// Removed first, then set, then added. Names are in lower case.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HeaderChanges {
    /// In place of all fields of that name.
    pub set: Vec<(String, String)>,
    /// Beside them.
    pub add: Vec<(String, String)>,
    /// Gone.
    pub remove: Vec<String>,
}

impl HeaderChanges {
    /// Nothing changes.
    pub fn is_empty(&self) -> bool {
        self.set.is_empty() && self.add.is_empty() && self.remove.is_empty()
    }
}

/// An answer that sends the client elsewhere. What it does not say stays as the client asked; the query stays anyway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// Another scheme.
    pub scheme: Option<Scheme>,
    /// Another host.
    pub host: Option<String>,
    /// Another port; that of another scheme is its usual one.
    pub port: Option<u16>,
    /// Another path.
    pub path: Option<PathRewrite>,
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
}

/// Of a URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// `http`.
    Http,
    /// `https`.
    Https,
}

impl Scheme {
    /// As URLs have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }

    /// The port that is not written.
    pub const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

/// A token bucket for each client, or one for all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests in each period. Above 0.
    pub rate: u32,
    /// Above 0.
    pub period: Duration,
    /// Requests at once. Above 0.
    pub burst: u32,
    /// Whose bucket.
    pub by: RateKey,
}

/// By what clients are told apart. Where a request has no such value, its address counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RateKey {
    /// Not at all: all requests of the route together.
    Route,
    /// The client's address; of IPv6 the network of 64 bits.
    Ip,
    /// The value of a header, by its name in lower case.
    Header(String),
    /// The value of a cookie.
    Cookie(String),
}
