//! Which header fields pass the gateway, in both directions.
//!
//! Hop-by-hop fields end here (RFC 9110 section 7.6.1), those that `Connection` names included. Fields by which
//! Lambda's own front doors speak (`x-amz-*`, `x-amzn-*`) do not pass from clients, since an application behind the
//! adapter believes them; only a trusted proxy's trace id does. Forwarding fields are replaced, unless the peer is a
//! trusted proxy: then its own stay and the peer is appended to `X-Forwarded-For`. `X-Forwarded-Prefix` is the route's to
//! write, where it takes a prefix away.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::{CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use lambridge_event::Field;
use lambridge_model::Cidr;

use crate::trace::Trace;

/// The only forwarding field that a route may write.
const FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// The ends of a connection; as text too, since every request on it names them.
#[derive(Debug, Clone)]
pub(crate) struct Ends {
    peer: IpAddr,
    peer_text: Arc<str>,
    port: Arc<str>,
    tls: bool,
}

impl Ends {
    /// `local` is where the connection was accepted, with the real port.
    pub(crate) fn new(peer: SocketAddr, local: SocketAddr, tls: bool) -> Self {
        let peer = peer.ip().to_canonical();
        Self { peer, peer_text: peer.to_string().into(), port: local.port().to_string().into(), tls }
    }

    /// Whether the client speaks TLS to the gateway.
    pub(crate) const fn is_tls(&self) -> bool {
        self.tls
    }

    /// The peer's address.
    pub(crate) fn peer(&self) -> &Arc<str> {
        &self.peer_text
    }
}

/// The client as far as it is known, and the values of the forwarding fields.
#[derive(Debug)]
pub(crate) struct Client {
    /// The address, without port.
    pub(crate) address: Arc<str>,
    /// The peer is a trusted proxy.
    pub(crate) trusted: bool,
    /// The route says which prefix the path has lost.
    has_prefix: bool,
    forwarded_for: Arc<str>,
    port: Arc<str>,
    tls: bool,
}

impl Client {
    /// Finds the client behind the peer: the last address of `X-Forwarded-For` that is no trusted proxy.
    pub(crate) fn new(ends: &Ends, headers: &HeaderMap, proxies: &[Cidr]) -> Self {
        let is_trusted = |ip: IpAddr| proxies.iter().any(|network| network.contains(ip));
        let mut client = Self {
            address: ends.peer_text.clone(),
            trusted: !proxies.is_empty() && is_trusted(ends.peer),
            has_prefix: false,
            forwarded_for: ends.peer_text.clone(),
            port: ends.port.clone(),
            tls: ends.tls,
        };
        if !client.trusted {
            return client;
        }
        let mut chain = String::new();
        for line in headers.get_all("x-forwarded-for") {
            if let Ok(text) = line.to_str() {
                chain.push_str(text.trim());
                chain.push_str(", ");
            }
        }
        for hop in chain.rsplit(',').map(str::trim).filter(|hop| !hop.is_empty()) {
            // What a trusted proxy could not spell as an address is not the client's address either.
            let Ok(ip) = hop.parse::<IpAddr>() else { break };
            client.address = ip.to_canonical().to_string().into();
            if !is_trusted(ip) {
                break;
            }
        }
        chain.push_str(&ends.peer_text);
        client.forwarded_for = chain.into();
        client
    }

    /// Whether the client came by https, as far as a trusted proxy can tell.
    pub(crate) fn is_secure(&self, headers: &HeaderMap) -> bool {
        match headers.get("x-forwarded-proto").filter(|_| self.trusted) {
            Some(proto) => proto.as_bytes().eq_ignore_ascii_case(b"https"),
            None => self.tls,
        }
    }

    /// The route is about to write `name`. What the client said there goes if its `Connection` says so, and with it the power
    /// to take away the route's; of the prefix nothing stays that no trusted proxy said.
    pub(crate) fn yield_to_route(&mut self, name: &HeaderName, headers: &mut HeaderMap) {
        let is_prefix = *name == FORWARDED_PREFIX;
        self.has_prefix |= is_prefix;
        if is_prefix && !self.trusted {
            headers.remove(name);
        }
        if named_by_connection(headers).is_some() && names(headers, name.as_str()) {
            headers.remove(name);
            let others: Vec<&str> =
                tokens(headers).filter(|token| !token.eq_ignore_ascii_case(name.as_str())).collect();
            // Tokens of field values that were read make one.
            if let Ok(line) = HeaderValue::from_str(&others.join(", ")) {
                headers.insert(CONNECTION, line);
            }
        }
    }

    /// `Forwarded`'s proto.
    const fn proto(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }
}

/// The fields of the event, in order, borrowed.
pub(crate) fn for_event<'a>(
    headers: &'a HeaderMap,
    client: &'a Client,
    request_id: &'a str,
    trace: &'a Trace,
) -> Vec<Field<'a>> {
    let mut fields: Vec<Field<'a>> = Vec::with_capacity(headers.len() + 6);
    let named = named_by_connection(headers);
    for (name, value) in headers {
        let text = name.as_str();
        if ends_here(text)
            || is_ours(text, client.trusted) && !(client.has_prefix && *name == FORWARDED_PREFIX)
            || is_traced(text, trace)
            || named.is_some_and(|lines| names(lines, text))
        {
            continue;
        }
        fields.push((text.as_bytes(), value.as_bytes()));
    }
    fields.push((b"x-forwarded-for", client.forwarded_for.as_bytes()));
    if !client.trusted || !headers.contains_key("x-forwarded-port") {
        fields.push((b"x-forwarded-port", client.port.as_bytes()));
    }
    if !client.trusted || !headers.contains_key("x-forwarded-proto") {
        fields.push((b"x-forwarded-proto", client.proto().as_bytes()));
    }
    fields.push((b"x-request-id", request_id.as_bytes()));
    let told: [(&[u8], &Option<String>); 2] =
        [(b"x-amzn-trace-id", &trace.xray), (b"traceparent", &trace.parent)];
    for (name, value) in told {
        if let Some(value) = value {
            fields.push((name, value.as_bytes()));
        }
    }
    fields
}

/// Hop-by-hop by definition. `expect` is answered by the gateway itself.
fn ends_here(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
            | "http2-settings"
            | "expect"
    )
}

/// A client's word on its trace, where ours stands in its place.
fn is_traced(name: &str, trace: &Trace) -> bool {
    match name {
        "traceparent" => trace.is_new || trace.parent.is_some(),
        "tracestate" => trace.is_new,
        _ => false,
    }
}

/// Fields that the gateway writes itself or that only Lambda's side may write.
fn is_ours(name: &str, trusted: bool) -> bool {
    if !name.starts_with('x') {
        return name == "forwarded" && !trusted;
    }
    // Frameworks with CGI's variables make one of `x_forwarded_for` and the name that we vouch for.
    if name.contains('_') {
        return is_ours(&name.replace('_', "-"), trusted);
    }
    match name {
        "x-request-id" | "x-forwarded-for" => true,
        _ if name.starts_with("x-forwarded-") => !trusted,
        _ => name.starts_with("x-amz-") || name.starts_with("x-amzn-"),
    }
}

/// The `Connection` lines if they name more than the usual words.
fn named_by_connection(headers: &HeaderMap) -> Option<&HeaderMap> {
    let first = headers.get(CONNECTION)?;
    let usual = first.as_bytes().eq_ignore_ascii_case(b"keep-alive")
        || first.as_bytes().eq_ignore_ascii_case(b"close");
    (!usual || headers.get_all(CONNECTION).iter().count() > 1).then_some(headers)
}

fn names(headers: &HeaderMap, name: &str) -> bool {
    // `Host` and `Cookie` are not a client's to hide from the function's point of view of the request.
    !matches!(name, "host" | "cookie" | "authorization" | "content-type" | "content-length")
        && tokens(headers).any(|token| token.eq_ignore_ascii_case(name))
}

/// The words of `Connection`.
fn tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

/// Why a function's field cannot be sent on.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum FieldError {
    #[error("`{0}` is not a header name")]
    Name(String),
    #[error("the value of `{0}` has bytes that no header value has")]
    Value(String),
}

/// Moves a function's fields to the answer: hop-by-hop ones end here, `content-length` is what is true.
pub(crate) fn for_answer<'a>(
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])> + Clone,
    out: &mut HeaderMap,
) -> Result<Option<u64>, FieldError> {
    let mut declared = None;
    let connection = fields.clone().filter(|(name, _)| name.eq_ignore_ascii_case(b"connection"));
    for (name, value) in fields.clone() {
        let parsed = HeaderName::from_bytes(name)
            .map_err(|_| FieldError::Name(String::from_utf8_lossy(name).into_owned()))?;
        let text = parsed.as_str();
        if text == "content-length" {
            declared = std::str::from_utf8(value).ok().and_then(|digits| digits.parse().ok());
            continue;
        }
        let named = || {
            connection.clone().any(|(_, line)| {
                line.split(|&b| b == b',')
                    .any(|token| token.trim_ascii().eq_ignore_ascii_case(text.as_bytes()))
            })
        };
        if ends_here(text) || text == "x-request-id" || named() {
            continue;
        }
        let value = HeaderValue::from_bytes(value).map_err(|_| FieldError::Value(text.to_owned()))?;
        out.append(parsed, value);
    }
    Ok(declared)
}

/// Takes out of a service's answer what ends here, in place.
pub(crate) fn pass_back(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = tokens(headers)
        .filter_map(|token| HeaderName::from_bytes(token.as_bytes()).ok())
        .filter(|name| name != CONTENT_LENGTH)
        .collect();
    let gone: Vec<HeaderName> = headers
        .keys()
        .filter(|name| ends_here(name.as_str()) || *name == "x-request-id" || named.contains(name))
        .cloned()
        .collect();
    for name in gone {
        headers.remove(name);
    }
}

/// Whether a proxy's request id may be ours: 1 to 128 visible characters that need no escape anywhere.
pub(crate) fn is_well_formed_id(id: &[u8]) -> bool {
    (1..=128).contains(&id.len()) && id.iter().all(|&b| b.is_ascii_alphanumeric() || b"-_.:/+=@".contains(&b))
}

#[cfg(test)]
mod tests {
    use http::header::{HeaderMap, HeaderName, HeaderValue};

    use super::{Client, Ends, FieldError, for_answer, for_event, is_well_formed_id};
    use crate::trace::Trace;

    fn map(fields: &[(&str, &str)]) -> HeaderMap {
        fields
            .iter()
            .map(|(k, v)| (HeaderName::from_bytes(k.as_bytes()).unwrap(), HeaderValue::from_str(v).unwrap()))
            .collect()
    }

    fn client(headers: &HeaderMap, proxies: &[&str]) -> Client {
        let proxies: Vec<_> = proxies.iter().map(|p| p.parse().unwrap()).collect();
        Client::new(
            &Ends::new(([10, 0, 0, 9], 5).into(), ([10, 0, 0, 1], 80).into(), false),
            headers,
            &proxies,
        )
    }

    fn check(fields: &[(&str, &str)], proxies: &[&str], expect: &[(&str, &str)]) {
        check_traced(&Trace::default(), fields, proxies, expect);
    }

    fn check_traced(trace: &Trace, fields: &[(&str, &str)], proxies: &[&str], expect: &[(&str, &str)]) {
        let headers = map(fields);
        let client = client(&headers, proxies);
        let found: Vec<(String, String)> = for_event(&headers, &client, "id", trace)
            .into_iter()
            .map(|(k, v)| (String::from_utf8_lossy(k).into(), String::from_utf8_lossy(v).into()))
            .collect();
        let expect: Vec<(String, String)> =
            expect.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(found, expect, "{fields:?}");
    }

    const OURS: [(&str, &str); 4] = [
        ("x-forwarded-for", "10.0.0.9"),
        ("x-forwarded-port", "80"),
        ("x-forwarded-proto", "http"),
        ("x-request-id", "id"),
    ];

    fn and_ours<'a>(first: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        first.iter().copied().chain(OURS).collect()
    }

    #[test]
    fn hop_by_hop_fields_end_here() {
        let sent = [
            ("host", "h"),
            ("connection", "x-gone, Keep-Alive"),
            ("x-gone", "1"),
            ("keep-alive", "5"),
            ("te", "trailers"),
            ("upgrade", "h2c"),
            ("accept", "a"),
        ];
        check(&sent, &[], &and_ours(&[("host", "h"), ("accept", "a")]));
        check(&[("connection", "close"), ("close", "1")], &[], &and_ours(&[("close", "1")]));
        check(&[("connection", "host"), ("host", "h")], &[], &and_ours(&[("host", "h")]));
    }

    #[test]
    fn clients_cannot_speak_for_lambda_or_a_proxy() {
        let sent = [
            ("x-amz-invocation-type", "Event"),
            ("x-amzn-request-context", "{}"),
            ("x-amzn-lambda-context", "{}"),
            ("x-amzn-trace-id", "Root=1"),
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-host", "evil"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=1.2.3.4"),
            ("x-request-id", "theirs"),
            ("x_forwarded_for", "1.2.3.4"),
            ("x-forwarded_proto", "https"),
            ("x_amzn_request_context", "{}"),
        ];
        check(&sent, &[], &OURS);
        check(&[("x_a", "1"), ("x-a_b", "2")], &[], &and_ours(&[("x_a", "1"), ("x-a_b", "2")]));
    }

    #[test]
    fn a_trusted_proxy_is_appended_to() {
        let sent = [
            ("x-forwarded-for", "1.2.3.4, 10.0.0.7"),
            ("x-forwarded-proto", "https"),
            ("x-amzn-trace-id", "Root=1"),
            ("x-amz-date", "now"),
        ];
        let expect = [
            ("x-forwarded-proto", "https"),
            ("x-forwarded-for", "1.2.3.4, 10.0.0.7, 10.0.0.9"),
            ("x-forwarded-port", "80"),
            ("x-request-id", "id"),
        ];
        check(&sent, &["10.0.0.0/8"], &expect);
        assert_eq!(client(&map(&sent), &["10.0.0.0/8"]).address.as_ref(), "1.2.3.4");
        assert_eq!(client(&map(&sent), &["10.0.0.9"]).address.as_ref(), "10.0.0.7");
        assert_eq!(client(&map(&sent), &[]).address.as_ref(), "10.0.0.9");
        assert_eq!(client(&map(&[("x-forwarded-for", "evil")]), &["10.0.0.9"]).address.as_ref(), "10.0.0.9");
    }

    #[test]
    fn what_a_route_writes_is_no_clients() {
        let written = |fields: &[(&str, &str)], proxies: &[&str]| {
            let mut headers = map(fields);
            let mut client = client(&headers, proxies);
            for (name, value) in [("x-forwarded-prefix", "/app"), ("x-key", "route")] {
                let name = HeaderName::from_static(name);
                client.yield_to_route(&name, &mut headers);
                headers.append(name, HeaderValue::from_static(value));
            }
            let trace = Trace::default();
            let fields = for_event(&headers, &client, "id", &trace);
            let seen = ["x-forwarded-prefix", "x-key", "x_forwarded_prefix", "x-other"].map(|name| {
                let values = fields.iter().filter(|(found, _)| *found == name.as_bytes());
                values.map(|(_, value)| String::from_utf8_lossy(value)).collect::<Vec<_>>().join("+")
            });
            seen.join("|")
        };
        let theirs = [("x-forwarded-prefix", "/evil"), ("x_forwarded_prefix", "/evil"), ("x-key", "client")];
        assert_eq!(written(&theirs, &[]), "/app|client+route||");
        assert_eq!(written(&theirs, &["10.0.0.0/8"]), "/evil+/app|client+route|/evil|");
        let hop = [("connection", "X-Key, x-other"), ("x-key", "client"), ("x-other", "1")];
        assert_eq!(written(&hop, &[]), "/app|route||");
        check(&[("x-forwarded-prefix", "/evil")], &[], &OURS);
    }

    #[test]
    fn the_trace_stands_in_for_the_clients() {
        let sent = [("traceparent", "theirs"), ("tracestate", "a=1"), ("x-amzn-trace-id", "theirs")];
        // Nothing counts: W3C's fields are a client's like any other, Lambda's is not.
        check(&sent, &[], &and_ours(&sent[..2]));
        let ours = |xray: &str, parent: Option<&str>, is_new| Trace {
            context: None,
            xray: Some(xray.to_owned()),
            parent: parent.map(str::to_owned),
            is_new,
        };
        let mut expect = and_ours(&sent[..2]);
        expect.push(("x-amzn-trace-id", "X"));
        check_traced(&ours("X", None, false), &sent, &[], &expect);
        let mut expect = and_ours(&[]);
        expect.extend([("x-amzn-trace-id", "X"), ("traceparent", "P")]);
        check_traced(&ours("X", Some("P"), true), &sent, &[], &expect);
    }

    #[test]
    fn answers() {
        let fields: [(&[u8], &[u8]); 6] = [
            (b"Content-Type", b"text/plain"),
            (b"Content-Length", b"99"),
            (b"Connection", b"X-Hop"),
            (b"X-Hop", b"1"),
            (b"Set-Cookie", b"a=1"),
            (b"set-cookie", b"b=2"),
        ];
        let mut out = HeaderMap::new();
        assert_eq!(for_answer(fields.iter().copied(), &mut out), Ok(Some(99)));
        assert_eq!(out.len(), 3);
        assert_eq!(out.get_all("set-cookie").iter().count(), 2);
        let split: [(&[u8], &[u8]); 1] = [(b"x", b"a\r\nb: c")];
        assert_eq!(for_answer(split.iter().copied(), &mut out), Err(FieldError::Value("x".into())));
        let name: [(&[u8], &[u8]); 1] = [(b"x y", b"a")];
        assert_eq!(for_answer(name.iter().copied(), &mut out), Err(FieldError::Name("x y".into())));
    }

    #[test]
    fn ids() {
        for (id, expect) in [("a-1", true), ("", false), ("a b", false), ("a\"", false), ("é", false)] {
            assert_eq!(is_well_formed_id(id.as_bytes()), expect, "{id}");
        }
        assert!(!is_well_formed_id(&[b'a'; 129]));
    }
}
