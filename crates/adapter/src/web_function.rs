//! `AWS_LWA_WEB_FUNCTION`: requests as Lambda Web Functions hand them to an application, so that one that was written for
//! those runs behind a function URL, an API or a load balancer, too.
//!
//! * The application listens where `AWS_LAMBDA_HTTP_ENDPOINT` says, `0.0.0.0:3000` by default.
//! * Of a request these do not get through: what is between two hops, `Proxy-…`, `X-Real-IP`, what would override the method
//!   (`X-HTTP-Method`, `X-HTTP-Method-Override`, `X-Method-Override`), and `Lambda-Web-…`.
//! * These come: `lambda-web-request-id` and `lambda-web-endpoint-name`, and the client's address at the end of
//!   `X-Forwarded-For`. The adapter's own context headers stay away.
//! * Methods are the seven usual ones; any other is answered 400.
//! * The answer gets `lambda-web-request-id`, and `lambda-web-logstream` where the adapter knows it.
//!
//! Not the same: the `Host` is not compared with an endpoint's names, of which there are none here.
//!
//! Source: "Lambda Web Functions" of the Lambda developer guide, 2026.

use http::header::EXPECT;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use crate::context;
use crate::exchange::Failure;
use crate::runtime::Delivery;
use crate::settings::Function;

const REQUEST_ID: HeaderName = HeaderName::from_static("lambda-web-request-id");
const ENDPOINT_NAME: HeaderName = HeaderName::from_static("lambda-web-endpoint-name");
const LOG_STREAM: HeaderName = HeaderName::from_static("lambda-web-logstream");
const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

const STRIPPED: [HeaderName; 5] = [
    EXPECT,
    HeaderName::from_static("x-real-ip"),
    HeaderName::from_static("x-http-method"),
    HeaderName::from_static("x-http-method-override"),
    HeaderName::from_static("x-method-override"),
];
const FAMILIES: [&str; 2] = ["lambda-web-", "proxy-"];

/// Whether a request with this method gets through.
pub fn admit(method: &Method) -> Result<(), Failure> {
    const METHODS: [Method; 7] = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::OPTIONS,
        Method::DELETE,
    ];
    if METHODS.contains(method) {
        Ok(())
    } else {
        Err(Failure::BadRequest("a web function takes GET, HEAD, POST, PUT, PATCH, OPTIONS and DELETE"))
    }
}

/// The fields of a request, those between hops gone already; in place of the adapter's own context.
pub fn request(
    headers: &mut HeaderMap,
    delivery: &Delivery,
    function: &Function,
    request_context: Option<&str>,
) {
    for name in STRIPPED.iter().chain(&context::OWN) {
        headers.remove(name);
    }
    let named: Vec<HeaderName> = headers
        .keys()
        .filter(|name| FAMILIES.iter().any(|family| name.as_str().starts_with(family)))
        .cloned()
        .collect();
    for name in named {
        headers.remove(name);
    }
    if let Some(id) = delivery.request_id().and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert(REQUEST_ID, id);
    }
    if let Ok(name) = HeaderValue::from_str(&function.name) {
        headers.insert(ENDPOINT_NAME, name);
    }
    if let Some(address) = request_context.and_then(source) {
        forwarded(headers, &address);
    }
}

/// The fields of an answer.
pub fn answer(headers: &mut HeaderMap, delivery: &Delivery, function: &Function) {
    let id = delivery.request_id().unwrap_or_default();
    for (name, value) in [(REQUEST_ID, id), (LOG_STREAM, &function.log_stream)] {
        headers.remove(&name);
        if let Some(value) = HeaderValue::from_str(value).ok().filter(|value| !value.is_empty()) {
            headers.insert(name, value);
        }
    }
}

/// Puts the client's address at the end, unless the event's source has done so.
fn forwarded(headers: &mut HeaderMap, address: &str) {
    let all: Vec<&str> =
        headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let mut list = all.join(", ");
    if list.rsplit(',').next().is_some_and(|last| last.trim() == address) {
        return;
    }
    if !list.is_empty() {
        list.push_str(", ");
    }
    list.push_str(address);
    if let Ok(list) = HeaderValue::try_from(list) {
        headers.insert(FORWARDED_FOR, list);
    }
}

/// The client's address, as HTTP APIs, function URLs and REST APIs give it.
fn source(context: &str) -> Option<String> {
    let context: serde_json::Value = serde_json::from_str(context).ok()?;
    let address = ["http", "identity"].into_iter().find_map(|part| context[part]["sourceIp"].as_str())?;
    (!address.is_empty()).then(|| address.to_owned())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use lambridge_wire::runtime as wire;

    use super::*;

    fn map(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    fn delivery() -> Delivery {
        Delivery::new(&[(wire::REQUEST_ID, "id")], Bytes::new())
    }

    fn function() -> Function {
        Function { name: "f".into(), log_stream: "stream".into(), ..Function::default() }
    }

    #[test]
    fn fields_of_a_request() {
        let check = |client: &[(&'static str, &'static str)],
                     context: Option<&str>,
                     expect: &[(&'static str, &'static str)]| {
            let mut headers = map(client);
            request(&mut headers, &delivery(), &function(), context);
            let mut whole = map(&[("lambda-web-request-id", "id"), ("lambda-web-endpoint-name", "f")]);
            whole.extend(map(expect));
            assert_eq!(headers, whole, "{client:?} {context:?}");
        };
        check(&[("accept", "*/*")], None, &[("accept", "*/*")]);
        check(
            &[
                ("expect", "100-continue"),
                ("x-real-ip", "1"),
                ("x-http-method", "DELETE"),
                ("x-http-method-override", "DELETE"),
                ("x-method-override", "DELETE"),
                ("lambda-web-request-id", "forged"),
                ("lambda-web-anything", "forged"),
                ("proxy-authorization", "x"),
            ],
            None,
            &[],
        );
        let v2 = r#"{"http":{"sourceIp":"203.0.113.7"}}"#;
        let rest = r#"{"identity":{"sourceIp":"203.0.113.7"}}"#;
        for context in [v2, rest] {
            check(&[], Some(context), &[("x-forwarded-for", "203.0.113.7")]);
        }
        let after = &[("x-forwarded-for", "10.0.0.1, 203.0.113.7")];
        check(&[("x-forwarded-for", "10.0.0.1")], Some(v2), after);
        check(after, Some(v2), after);
        for odd in ["{}", "5", r#"{"http":{"sourceIp":"a\nb"}}"#, r#"{"http":{"sourceIp":5}}"#] {
            check(&[("x-forwarded-for", "10.0.0.1")], Some(odd), &[("x-forwarded-for", "10.0.0.1")]);
        }
    }

    #[test]
    fn fields_of_an_answer() {
        let mut headers = map(&[("lambda-web-request-id", "of the application"), ("x", "1")]);
        answer(&mut headers, &delivery(), &function());
        let expect = [("lambda-web-request-id", "id"), ("lambda-web-logstream", "stream"), ("x", "1")];
        assert_eq!(headers, map(&expect));
    }

    #[test]
    fn methods() {
        for (method, expect) in [("GET", true), ("DELETE", true), ("TRACE", false), ("PURGE", false)] {
            assert_eq!(admit(&method.parse().unwrap()).is_ok(), expect, "{method}");
        }
    }
}
