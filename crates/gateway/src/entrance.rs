//! What a listener asks of every request before a route is looked for: a host that is served there, and TLS.
//!
//! A host that is not on a listener's list is 421 (RFC 9110 section 15.5.20): whoever leads a browser to this address under a
//! name of his own (DNS rebinding) learns nothing, and no redirect carries such a name on. Then, where the listener wants TLS,
//! a request that came without it, here and at a trusted proxy, is sent to the same host and path over TLS.

use bytes::Bytes;
use http::Response;
use http::uri::Uri;
use http_body_util::Full;
use lambridge_model::{Listener, PathMatch, Redirect as Settings, Scheme};

use crate::problem::{Reason, Refusal};
use crate::redirect::Redirect;
use crate::router;

/// The compiled rules of one listener.
#[derive(Debug)]
pub(crate) struct Entrance {
    hosts: Box<[Box<str>]>,
    redirect: Option<Redirect>,
}

impl Entrance {
    /// `None` where the listener lets everything in.
    pub(crate) fn new(listener: &Listener) -> Result<Option<Self>, String> {
        if listener.hosts.is_empty() && listener.https_redirect.is_none() {
            return Ok(None);
        }
        let redirect = listener.https_redirect.map(|to| {
            let (scheme, port) = (Some(Scheme::Https), Some(to.port));
            let settings = Settings { scheme, host: None, port, path: None, status: to.status };
            Redirect::new(&settings, &PathMatch::Prefix("/".to_owned()))
        });
        let hosts = listener.hosts.iter().map(|host| host.to_ascii_lowercase().into()).collect();
        Ok(Some(Self { hosts, redirect: redirect.transpose()? }))
    }

    /// An answer for a request that has to come another way; `secure` says that it came over TLS.
    pub(crate) fn answer(
        &self,
        uri: &Uri,
        host: &str,
        secure: bool,
    ) -> Result<Option<Response<Full<Bytes>>>, Refusal> {
        if !self.hosts.is_empty() && !self.hosts.iter().any(|known| router::is_host(known, host)) {
            return Err(Reason::Misdirected.into());
        }
        match &self.redirect {
            Some(redirect) if !secure => redirect.answer(uri, host, secure).map(Some),
            _ => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use lambridge_model::{HttpsRedirect, Listener};

    use super::Entrance;

    fn check(listener: &Listener, host: &str, secure: bool, expect: &str) {
        let entrance = Entrance::new(listener).unwrap().unwrap();
        let found = match entrance.answer(&"/a?b=1".parse().unwrap(), host, secure) {
            Ok(None) => "in".to_owned(),
            Ok(Some(answer)) => {
                format!("{} {}", answer.status().as_u16(), answer.headers()["location"].to_str().unwrap())
            }
            Err(refusal) => refusal.reason.name().to_owned(),
        };
        assert_eq!(found, expect, "{host} {secure}");
    }

    #[test]
    fn who_comes_in() {
        let plain = Listener::new(SocketAddr::from(([127, 0, 0, 1], 80)));
        assert!(Entrance::new(&plain).unwrap().is_none());
        let hosts = Listener { hosts: vec!["a.example".into(), "*.B.example".into()], ..plain.clone() };
        check(&hosts, "A.example:8080", false, "in");
        check(&hosts, "x.y.b.example.", false, "in");
        for other in ["b.example", "xa.example", "evilb.example", "127.0.0.1", ""] {
            check(&hosts, other, true, "misdirected");
        }
        let tls = Listener { https_redirect: Some(HttpsRedirect { port: 8443, status: 308 }), ..hosts };
        check(&tls, "a.example:8080", false, "308 https://a.example:8443/a?b=1");
        check(&tls, "a.example", true, "in");
        check(&tls, "other.example", false, "misdirected");
        let usual = Listener { https_redirect: Some(HttpsRedirect::default()), ..plain };
        check(&usual, "[::1]:80", false, "302 https://[::1]/a?b=1");
        check(&usual, "", false, "bad_request");
    }
}
