//! A request but for its event: what calls of one function in one second share.
//!
//! Path, headers, date and all of the signature that stands before the hash of the payload stay the same for a second,
//! and are most of what a small call would otherwise cost here. So each target keeps its last draft. A draft belongs to the
//! lease it was signed with, and thereby to one client: its region and its endpoint need not be compared.

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use http::header::{AUTHORIZATION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName, USER_AGENT};
use http::{HeaderValue, Method, Request, Uri};
use lambridge_wire::invoke as wire;

use crate::connection::Payload;
use crate::credentials::Lease;
use crate::endpoint::Endpoint;
use crate::lambda::Outgoing;
use crate::sign::{self, AmzDate, Signing};

const AGENT: HeaderValue = HeaderValue::from_static(concat!("lambridge/", env!("CARGO_PKG_VERSION")));
const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const TOKEN: HeaderName = HeaderName::from_static("x-amz-security-token");
/// Keeps the place of a header that each request fills in.
const LATER: HeaderValue = HeaderValue::from_static("");

/// The last draft of a target.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Option<Arc<Draft>>>);

/// See the module.
struct Draft {
    lease: Arc<Lease>,
    second: u64,
    /// As in [`Outgoing::headers`].
    named: Vec<(&'static str, String)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    signing: Signing,
}

/// The part of a request that HTTP cannot carry.
#[derive(Debug)]
pub(crate) struct Malformed(pub &'static str);

/// The signed request of `outgoing`, sent at `now`.
pub(crate) fn request(
    outgoing: &Outgoing<'_>,
    endpoint: &Endpoint,
    lease: &Arc<Lease>,
    region: &str,
    now: SystemTime,
) -> Result<Request<Payload>, Malformed> {
    let second = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let kept = outgoing.kept.and_then(Kept::get);
    if let Some(draft) = kept.filter(|draft| draft.serves(outgoing, lease, second)) {
        return draft.fill(outgoing);
    }
    let draft = Arc::new(Draft::new(outgoing, endpoint, lease, region, now, second)?);
    if let Some(kept) = outgoing.kept {
        kept.set(Arc::clone(&draft));
    }
    draft.fill(outgoing)
}

impl Kept {
    fn get(&self) -> Option<Arc<Draft>> {
        // A poisoned lock holds a whole value: the only write is one assignment.
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn set(&self, draft: Arc<Draft>) {
        *self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(draft);
    }
}

impl Draft {
    fn new(
        outgoing: &Outgoing<'_>,
        endpoint: &Endpoint,
        lease: &Arc<Lease>,
        region: &str,
        now: SystemTime,
        second: u64,
    ) -> Result<Self, Malformed> {
        let joined;
        let path_and_query = if endpoint.base.is_empty() {
            outgoing.path_and_query
        } else {
            joined = format!("{}{}", endpoint.base, outgoing.path_and_query);
            &joined
        };
        let date = AmzDate::at(now);
        let host = endpoint.host_header.to_str().map_err(|_| Malformed("host"))?;
        let method = outgoing.method.as_str();
        let to_sign = sign::Request { method, path_and_query, host, headers: outgoing.headers };
        let signing = lease.keys.signing(&to_sign, region, &date);

        let mut headers = HeaderMap::with_capacity(12);
        headers.insert(HOST, endpoint.host_header.clone());
        headers.insert(USER_AGENT, AGENT);
        headers.insert(AUTHORIZATION, LATER);
        if outgoing.method == Method::POST {
            headers.insert(CONTENT_LENGTH, LATER);
        }
        headers.insert(DATE, HeaderValue::from_str(date.as_str()).map_err(|_| Malformed("date"))?);
        if let Some(token) = lease.keys.session_token() {
            headers.insert(TOKEN, secret(token.to_owned()).ok_or(Malformed("session token"))?);
        }
        for (name, value) in outgoing.headers {
            let value = HeaderValue::from_str(value).map_err(|_| Malformed("header"))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(Self {
            lease: Arc::clone(lease),
            second,
            named: outgoing.headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            method: outgoing.method.clone(),
            uri: path_and_query.parse().map_err(|_| Malformed("path"))?,
            headers,
            signing,
        })
    }

    fn serves(&self, outgoing: &Outgoing<'_>, lease: &Arc<Lease>, second: u64) -> bool {
        let named = self.named.iter().map(|(name, value)| (*name, value.as_str()));
        self.second == second && Arc::ptr_eq(&self.lease, lease) && named.eq(outgoing.headers.iter().copied())
    }

    /// The request with its payload. The trace id is not signed: proxies may change it on the way, and AWS's signer leaves
    /// it out too.
    fn fill(&self, outgoing: &Outgoing<'_>) -> Result<Request<Payload>, Malformed> {
        let payload = outgoing.payload.clone();
        let authorization = self.signing.authorization(&payload);
        let mut headers = self.headers.clone();
        headers.insert(AUTHORIZATION, secret(authorization).ok_or(Malformed("signature"))?);
        if let Some(length) = headers.get_mut(CONTENT_LENGTH) {
            *length = HeaderValue::from(payload.len());
        }
        // A trace id that cannot be a header is left out: tracing must not fail a call.
        if let Some(trace_id) = outgoing.trace_id.and_then(|id| HeaderValue::from_str(id).ok()) {
            headers.insert(wire::X_AMZN_TRACE_ID, trace_id);
        }
        let mut request = Request::new(Payload::from(payload));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        Ok(request)
    }
}

fn secret(text: String) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::sign::Keys;

    const JSON: (&str, &str) = ("content-type", "application/json");
    const EVENT: (&str, &str) = (wire::X_AMZ_INVOCATION_TYPE, "Event");

    /// A kept draft must never change what is sent: each request equals the one made from nothing.
    #[test]
    fn a_draft_serves_only_its_like() {
        let endpoint = Endpoint::parse("http://127.0.0.1:9000/base").unwrap();
        let lease = |key: &str| {
            let keys = Keys::new(key, "secret", Some("token"));
            Arc::new(Lease::new(keys, UNIX_EPOCH, None, true))
        };
        let leases = [lease("a"), lease("b")];
        let kept = Kept::default();
        for (second, lease, headers, payload) in [
            (0, 0, &[JSON][..], "{}"),
            (0, 0, &[JSON], "[1]"),
            (0, 0, &[JSON, EVENT], "[1]"),
            (0, 0, &[JSON], "[1]"),
            (0, 1, &[JSON], "[1]"),
            (1, 1, &[JSON], "[1]"),
            (86_401, 1, &[JSON], ""),
        ] {
            let now = UNIX_EPOCH + Duration::from_secs(second);
            let mut outgoing = Outgoing {
                method: Method::POST,
                path_and_query: "/2015-03-31/functions/f/invocations",
                headers,
                payload: Bytes::from_static(payload.as_bytes()),
                trace_id: Some("Root=1-2-3"),
                kept: Some(&kept),
            };
            let made = request(&outgoing, &endpoint, &leases[lease], "eu-west-1", now).unwrap();
            outgoing.kept = None;
            let fresh = request(&outgoing, &endpoint, &leases[lease], "eu-west-1", now).unwrap();
            assert_eq!(made.headers(), fresh.headers());
            assert_eq!(made.headers()["content-length"], payload.len().to_string());
            assert_eq!(made.headers().len(), 7 + headers.len());
            assert_eq!(made.uri(), "/base/2015-03-31/functions/f/invocations");
        }
    }
}
