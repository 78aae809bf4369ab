//! Answers that send the client elsewhere.
//!
//! `Location` is always a whole URL, so that a path such as `//elsewhere` cannot be read as a host. What the route does not
//! say stays as the client asked: scheme, host, port, path; the query stays anyway. Another scheme brings its usual
//! port along (Gateway API, HTTPRequestRedirectFilter).

use bytes::Bytes;
use http::header::{HeaderValue, LOCATION};
use http::uri::Uri;
use http::{Response, StatusCode};
use http_body_util::Full;
use lambridge_model::{PathMatch, Redirect as Settings, Scheme};

use crate::problem::{Reason, Refusal};
use crate::rewrite::PathRule;
use crate::router;

/// A compiled redirect.
#[derive(Debug)]
pub(crate) struct Redirect {
    scheme: Option<Scheme>,
    host: Option<String>,
    port: Option<u16>,
    path: Option<PathRule>,
    status: StatusCode,
}

impl Redirect {
    pub(crate) fn new(settings: &Settings, matched: &PathMatch) -> Result<Self, String> {
        let path = settings.path.as_ref().map(|path| PathRule::new(path, matched)).transpose()?;
        let status = StatusCode::from_u16(settings.status)
            .ok()
            .filter(StatusCode::is_redirection)
            .ok_or_else(|| format!("`{}` is not the status of a redirect", settings.status))?;
        let Settings { scheme, host, port, .. } = settings.clone();
        Ok(Self { scheme, host, port, path, status })
    }

    /// `host` is what the client asked for, `secure` whether it came by https.
    pub(crate) fn answer(
        &self,
        uri: &Uri,
        host: &str,
        secure: bool,
    ) -> Result<Response<Full<Bytes>>, Refusal> {
        if host.is_empty() && self.host.is_none() {
            return Err(Refusal::from(Reason::BadRequest).with_detail("no Host to redirect to"));
        }
        let location = self.location(uri, host, secure);
        let location = HeaderValue::try_from(location)
            .map_err(|_| Refusal::from(Reason::BadRequest).with_detail("no Location can be made of it"))?;
        let mut response = Response::new(Full::default());
        *response.status_mut() = self.status;
        response.headers_mut().insert(LOCATION, location);
        Ok(response)
    }

    fn location(&self, uri: &Uri, host: &str, secure: bool) -> String {
        let asked = if secure { Scheme::Https } else { Scheme::Http };
        let scheme = self.scheme.unwrap_or(asked);
        let bare = router::without_port(host);
        let port = self.port.or_else(|| match self.scheme {
            Some(_) => None,
            None => host.get(bare.len()..)?.strip_prefix(':')?.parse().ok(),
        });
        let mut location = format!("{}://{}", scheme.as_str(), self.host.as_deref().unwrap_or(bare));
        if let Some(port) = port.filter(|port| *port != scheme.port()) {
            location.push(':');
            location.push_str(&port.to_string());
        }
        match &self.path {
            Some(rule) => location.push_str(&rule.apply(uri.path())),
            None => location.push_str(uri.path()),
        }
        if let Some(query) = uri.query() {
            location.push('?');
            location.push_str(query);
        }
        location
    }
}

#[cfg(test)]
mod tests {
    use lambridge_model::{PathMatch, PathRewrite, Redirect as Settings, Scheme};

    use super::Redirect;

    const SAME: Settings = Settings { scheme: None, host: None, port: None, path: None, status: 302 };

    fn check(settings: Settings, asked: (&str, &str, bool), expect: &str) {
        let (host, target, secure) = asked;
        let redirect = Redirect::new(&settings, &PathMatch::Prefix("/old".into())).unwrap();
        let found = redirect.answer(&target.parse().unwrap(), host, secure).unwrap();
        assert_eq!(found.headers()["location"], expect, "{settings:?} {asked:?}");
        assert_eq!(found.status().as_u16(), settings.status);
    }

    #[test]
    fn locations() {
        let asked = ("a.example:8080", "/old/x?q=1", false);
        check(SAME, asked, "http://a.example:8080/old/x?q=1");
        let https = || Settings { scheme: Some(Scheme::Https), status: 301, ..SAME };
        check(https(), asked, "https://a.example/old/x?q=1");
        check(Settings { port: Some(8443), ..https() }, asked, "https://a.example:8443/old/x?q=1");
        check(Settings { port: Some(443), ..https() }, asked, "https://a.example/old/x?q=1");
        let host = || Settings { host: Some("b.example".into()), ..SAME };
        check(host(), asked, "http://b.example:8080/old/x?q=1");
        check(host(), ("a.example", "/old", true), "https://b.example/old");
        check(Settings { port: Some(80), ..SAME }, asked, "http://a.example/old/x?q=1");
        let path = Some(PathRewrite::Prefix("/new".into()));
        check(Settings { path, ..SAME }, asked, "http://a.example:8080/new/x?q=1");
        check(SAME, ("[::1]:80", "/old//evil", false), "http://[::1]/old//evil");
        assert!(Redirect::new(&Settings { status: 200, ..SAME }, &PathMatch::Prefix("/".into())).is_err());
    }
}
