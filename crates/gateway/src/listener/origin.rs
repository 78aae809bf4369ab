//! A request's target as the server of its origin knows it: a path, and the host in `Host`.
//!
//! HTTP/2 says the host in `:authority`, HTTP/1.1 may say a whole URI. Routes, events and HTTP services look at `Host`
//! alone, so that no two of them can think of different hosts.

use http::header::{HOST, HeaderValue};
use http::{Request, Uri, Version};

use crate::problem::Reason;

/// Moves the authority of the target into `Host`. A user's name in it is refused, as are two hosts in doubt.
pub(super) fn take_authority<B>(request: &mut Request<B>) -> Result<(), Reason> {
    let Some(authority) = request.uri().authority() else { return Ok(()) };
    let mut hosts = request.headers().get_all(HOST).iter();
    let agrees = match (request.version(), hosts.next(), hosts.next()) {
        // RFC 9112 section 3.2: HTTP/1.1 always has one.
        (version, None, None) => version != Version::HTTP_11,
        // RFC 9113 section 8.3.1.
        (Version::HTTP_2, Some(host), None) => {
            host.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes())
        }
        // RFC 9112 section 3.2.2: the target overrides it.
        (_, Some(_), None) => true,
        _ => false,
    };
    if !agrees || authority.as_str().contains('@') {
        return Err(Reason::BadRequest);
    }
    let host = HeaderValue::try_from(authority.as_str()).map_err(|_| Reason::BadRequest)?;
    // An authority alone is for CONNECT, which a gateway does not do.
    let target = request.uri().path_and_query().cloned().ok_or(Reason::BadRequest)?;
    request.headers_mut().insert(HOST, host);
    *request.uri_mut() = Uri::from(target);
    Ok(())
}

#[cfg(test)]
mod tests {
    use http::{Request, Version};

    use super::take_authority;

    /// The target and the host after it, or nothing where it is refused.
    fn check(version: Version, uri: &str, hosts: &[&str], expect: Option<(&str, &str)>) {
        let mut request = Request::builder().version(version).uri(uri);
        for host in hosts {
            request = request.header("host", *host);
        }
        let mut request = request.body(()).unwrap();
        let taken = take_authority(&mut request).ok();
        let found = taken.map(|()| (request.uri().to_string(), request.headers()["host"].to_str().unwrap()));
        let expect = expect.map(|(target, host)| (target.to_owned(), host));
        assert_eq!(found, expect, "{version:?} {uri} {hosts:?}");
    }

    #[test]
    fn authorities() {
        check(Version::HTTP_11, "/a?b", &["h"], Some(("/a?b", "h")));
        check(Version::HTTP_11, "http://a:81/b?c", &["other"], Some(("/b?c", "a:81")));
        check(Version::HTTP_11, "http://a", &["a"], Some(("/", "a")));
        check(Version::HTTP_11, "http://a?b", &["a"], Some(("/?b", "a")));
        check(Version::HTTP_10, "http://a/", &[], Some(("/", "a")));
        check(Version::HTTP_11, "http://a/", &[], None);
        check(Version::HTTP_11, "http://a/", &["a", "a"], None);
        check(Version::HTTP_11, "http://user@a/", &["a"], None);
        check(Version::HTTP_11, "a:81", &["a"], None);
        check(Version::HTTP_2, "http://a/", &[], Some(("/", "a")));
        check(Version::HTTP_2, "http://a/", &["A"], Some(("/", "a")));
        check(Version::HTTP_2, "http://a/", &["other"], None);
    }
}
