//! A request but for its event: what calls of one function in one second share.
//!
//! Path, headers, date and all of the signature that stands before the hash of the payload stay the same for a second,
//! and are most of what a small call would otherwise cost here. So each target keeps its last draft. A draft belongs to the
//! lease it was signed with, and thereby to one client: its region and its endpoint need not be compared.

use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use http::header::{AUTHORIZATION, CONTENT_LENGTH, HeaderMap};
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use lambridge_wire::invoke as wire;

use crate::connection::{Message, Payload};
use crate::credentials::Lease;
use crate::endpoint::Endpoint;
use crate::lambda::Outgoing;
use crate::sign::{self, AmzDate, Signing};

const TOKEN: &str = "x-amz-security-token";
const AGENT: &str = concat!("lambridge/", env!("CARGO_PKG_VERSION"));
/// What the lines take that each request adds: signature, length, ends.
const LINES: usize = 128;

/// The last draft of a target.
#[derive(Default)]
pub(crate) struct Kept(Mutex<Option<Arc<Draft>>>);

/// See the module.
pub(crate) struct Draft {
    lease: Arc<Lease>,
    second: u64,
    /// As in [`Outgoing::headers`].
    named: Vec<(&'static str, String)>,
    /// The head up to the signature, which is the end of its last line.
    head: Vec<u8>,
    /// The same as a general client has it: all fields but the signature and the length.
    uri: Uri,
    headers: HeaderMap,
    method: Method,
    signing: Signing,
}

/// The part of a request that HTTP cannot carry.
#[derive(Debug)]
pub(crate) struct Malformed(pub &'static str);

/// The draft of `outgoing`, sent at `now`: the kept one, or a new one.
pub(crate) fn of(
    outgoing: &Outgoing<'_>,
    endpoint: &Endpoint,
    lease: &Arc<Lease>,
    region: &str,
    now: SystemTime,
) -> Result<Arc<Draft>, Malformed> {
    let second = now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let kept = outgoing.kept.and_then(Kept::get);
    if let Some(draft) = kept.filter(|draft| draft.serves(outgoing, lease, second)) {
        return Ok(draft);
    }
    let draft = Arc::new(Draft::new(outgoing, endpoint, lease, region, now, second)?);
    if let Some(kept) = outgoing.kept {
        kept.set(Arc::clone(&draft));
    }
    Ok(draft)
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
        let mut head = Vec::with_capacity(768);
        let mut push = |parts: &[&str]| parts.iter().for_each(|part| head.extend_from_slice(part.as_bytes()));
        if !is_target(path_and_query) {
            return Err(Malformed("path"));
        }
        push(&[method, " ", path_and_query, " HTTP/1.1\r\n"]);
        let token = lease.keys.session_token().map(|token| (TOKEN, token));
        let ours = [("host", host), ("user-agent", AGENT), ("x-amz-date", date.as_str())];
        for (name, value) in ours.into_iter().chain(token).chain(outgoing.headers.iter().copied()) {
            let mut field = HeaderValue::from_str(value).map_err(|_| Malformed(name))?;
            field.set_sensitive(name == TOKEN);
            headers.insert(HeaderName::from_static(name), field);
            push(&[name, ": ", value, "\r\n"]);
        }
        push(&["authorization: ", signing.head()]);
        Ok(Self {
            lease: Arc::clone(lease),
            second,
            named: outgoing.headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            head,
            uri: path_and_query.parse().map_err(|_| Malformed("path"))?,
            headers,
            method: outgoing.method.clone(),
            signing,
        })
    }

    fn serves(&self, outgoing: &Outgoing<'_>, lease: &Arc<Lease>, second: u64) -> bool {
        let named = self.named.iter().map(|(name, value)| (*name, value.as_str()));
        self.second == second && Arc::ptr_eq(&self.lease, lease) && named.eq(outgoing.headers.iter().copied())
    }

    /// The request with its payload. The trace id is not signed: proxies may change it on the way, and AWS's signer leaves
    /// it out too.
    pub(crate) fn message(&self, outgoing: &Outgoing<'_>) -> Message {
        let payload = outgoing.payload.clone();
        let trace_id = trace_id(outgoing).map(|(id, _)| id);
        let trace = trace_id.map_or(0, |id| id.len() + wire::X_AMZN_TRACE_ID.len());
        let mut head = Vec::with_capacity(self.head.len() + LINES + trace + Message::room(payload.len()));
        head.extend_from_slice(&self.head);
        head.extend_from_slice(&self.signing.signature(&payload));
        if self.method == Method::POST {
            head.extend_from_slice(b"\r\ncontent-length: ");
            push_decimal(&mut head, payload.len());
        }
        if let Some(trace_id) = trace_id {
            for part in ["\r\n", wire::X_AMZN_TRACE_ID, ": ", trace_id] {
                head.extend_from_slice(part.as_bytes());
            }
        }
        head.extend_from_slice(b"\r\n\r\n");
        Message::new(head, payload)
    }

    /// The same for a general client. `None` would be a signature that no header can hold.
    pub(crate) fn request(&self, outgoing: &Outgoing<'_>) -> Option<Request<Payload>> {
        let payload = outgoing.payload.clone();
        let mut authorization = self.signing.head().as_bytes().to_vec();
        authorization.extend_from_slice(&self.signing.signature(&payload));
        let mut authorization = HeaderValue::try_from(authorization).ok()?;
        authorization.set_sensitive(true);
        let mut headers = self.headers.clone();
        headers.insert(AUTHORIZATION, authorization);
        if self.method == Method::POST {
            headers.insert(CONTENT_LENGTH, HeaderValue::from(payload.len()));
        }
        if let Some((_, value)) = trace_id(outgoing) {
            headers.insert(wire::X_AMZN_TRACE_ID, value);
        }
        let mut request = Request::new(Payload::from(payload));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        Some(request)
    }
}

/// A trace id that cannot be a header is left out: tracing must not fail a call.
fn trace_id<'a>(outgoing: &Outgoing<'a>) -> Option<(&'a str, HeaderValue)> {
    outgoing.trace_id.and_then(|id| Some((id, HeaderValue::from_str(id).ok()?)))
}

/// Whether a request line can hold it; what stands between was encoded before.
fn is_target(path_and_query: &str) -> bool {
    path_and_query.starts_with('/')
        && path_and_query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#')
}

fn push_decimal(out: &mut Vec<u8>, value: usize) {
    let mut digits = [b'0'; 20];
    let mut rest = value;
    let mut start = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
        rest /= 10;
        start = at;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
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
            let made = of(&outgoing, &endpoint, &leases[lease], "eu-west-1", now).unwrap();
            outgoing.kept = None;
            let fresh = of(&outgoing, &endpoint, &leases[lease], "eu-west-1", now).unwrap();
            let text = made.message(&outgoing).text();
            assert_eq!(text, fresh.message(&outgoing).text());
            assert!(
                text.starts_with("POST /base/2015-03-31/functions/f/invocations HTTP/1.1\r\nhost: "),
                "{text}"
            );
            assert!(text.contains(&format!("\r\ncontent-length: {}\r\n", payload.len())), "{text}");
            assert!(text.ends_with(&format!("\r\nx-amzn-trace-id: Root=1-2-3\r\n\r\n{payload}")), "{text}");
            assert_eq!(text.lines().filter(|line| line.contains(": ")).count(), 7 + headers.len(), "{text}");
            // A general client sends the same fields.
            let request = made.request(&outgoing).unwrap();
            for (name, value) in request.headers() {
                let line = format!("\r\n{name}: {}\r\n", value.to_str().unwrap());
                assert!(text.contains(&line), "{line} in {text}");
            }
            assert_eq!(request.headers().len(), 7 + headers.len());
            assert_eq!(request.uri(), "/base/2015-03-31/functions/f/invocations");
        }
    }
}
