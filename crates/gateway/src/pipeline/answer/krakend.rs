//! The function's payload as KrakenD answers it: a JSON object, shaped and encoded anew, always with status 200.
//!
//! `X-Krakend-Completed` is true when there is anything in the answer; only then is it said to be cacheable. The status, headers
//! and body of a payload in API Gateway's shape are data like any other.
//!
//! The payload is read into a tree: its keys come out sorted, so none of it can be passed on as it stands.
//!
//! Source: krakend/krakend-lambda and luraproject/lura (Apache-2.0), read July 2026.

mod shape;

use std::collections::BTreeMap;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Response};
use http_body_util::Full;
use lambridge_event::Tree;
use lambridge_invoke::Invoked;
use lambridge_model::{KrakendAnswer, KrakendEncoding};

use crate::problem::{self, Reason, Refusal};

const EXECUTED_VERSION: HeaderName = HeaderName::from_static("x-amz-executed-version");

/// Reads, shapes and encodes the payload.
pub(super) fn decode(rule: &KrakendAnswer, invoked: &Invoked) -> Result<Response<Full<Bytes>>, Refusal> {
    let data = read(&invoked.payload)?;
    let data = shape::shape(rule, data);
    let complete = data.as_ref().is_some_and(|data| !data.is_empty());
    let (content_type, body) = encode(rule.encoding, data);
    let mut response = Response::new(Full::new(body));
    let headers = response.headers_mut();
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    problem::krakend::mark(headers, complete);
    if complete {
        let version = invoked.executed_version.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
        if let Some(version) = version {
            headers.insert(EXECUTED_VERSION, version);
        }
        let seconds = rule.cache_ttl.as_secs();
        let cacheable = HeaderValue::from_str(&format!("public, max-age={seconds}"));
        if let Some(cacheable) = cacheable.ok().filter(|_| seconds > 0) {
            headers.insert(CACHE_CONTROL, cacheable);
        }
    }
    Ok(response)
}

/// The object, or nothing for `null`.
fn read(payload: &[u8]) -> Result<Option<BTreeMap<String, Tree>>, Refusal> {
    let malformed = |detail: String| Refusal::from(Reason::MalformedAnswer).with_detail(detail);
    match Tree::read(payload).map_err(|error| malformed(error.to_string()))? {
        Tree::Object(entries) => Ok(Some(entries)),
        Tree::Null => Ok(None),
        other => Err(malformed(format!("the answer is {}, not an object", other.kind()))),
    }
}

/// Content type and body.
fn encode(encoding: KrakendEncoding, data: Option<BTreeMap<String, Tree>>) -> (Option<&'static str>, Bytes) {
    const JSON: Option<&str> = Some("application/json; charset=utf-8");
    let written = |tree: &Tree| {
        let mut out = Vec::new();
        tree.write(&mut out);
        Bytes::from(out)
    };
    match encoding {
        KrakendEncoding::Json => (JSON, written(&data.map_or(Tree::Null, Tree::Object))),
        KrakendEncoding::JsonCollection => match data.and_then(|mut data| data.remove("collection")) {
            Some(collection) => (JSON, written(&collection)),
            None => (JSON, Bytes::from_static(b"[]")),
        },
        KrakendEncoding::String => {
            let content = match data.and_then(|mut data| data.remove("content")) {
                Some(Tree::String(text)) => Bytes::from(text),
                _ => Bytes::new(),
            };
            (Some("text/plain; charset=utf-8"), content)
        }
        KrakendEncoding::NoOp => (None, Bytes::new()),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http_body_util::{BodyExt as _, Full};
    use lambridge_invoke::Invoked;
    use lambridge_model::{KrakendAnswer, KrakendEncoding};

    fn decode(rule: &KrakendAnswer, payload: &'static str) -> Result<http::Response<Full<Bytes>>, String> {
        let invoked = Invoked {
            status: 200,
            payload: Bytes::from_static(payload.as_bytes()),
            function_error: None,
            executed_version: Some("$LATEST".to_owned()),
            log_tail: None,
            request_id: None,
        };
        super::decode(rule, &invoked).map_err(|refusal| refusal.detail.unwrap_or_default())
    }

    /// `expect` is the content type, whether it is complete, and the body.
    async fn check(
        encoding: KrakendEncoding,
        payload: &'static str,
        expect: Result<(&str, &str, &str), &str>,
    ) {
        let rule = KrakendAnswer { encoding, ..KrakendAnswer::default() };
        match (decode(&rule, payload), expect) {
            (Ok(response), Ok((content_type, complete, body))) => {
                assert_eq!(response.status(), 200);
                let header = |name| {
                    response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned()
                };
                assert_eq!(header("content-type"), content_type, "{payload}");
                assert_eq!(header("x-krakend-completed"), complete, "{payload}");
                assert_eq!(header("x-krakend"), "Version 2.13.8");
                assert_eq!(header("cache-control"), "");
                assert_eq!(header("x-amz-executed-version"), if complete == "true" { "$LATEST" } else { "" });
                let found = response.into_body().collect().await.unwrap().to_bytes();
                assert_eq!(String::from_utf8_lossy(&found), body);
            }
            (found, expect) => assert_eq!(found.map(|_| ()).unwrap_err(), expect.unwrap_err(), "{payload}"),
        }
    }

    #[tokio::test]
    async fn encodings() {
        use KrakendEncoding::{Json, JsonCollection, NoOp, String};
        const JSON: &str = "application/json; charset=utf-8";
        const TEXT: &str = "text/plain; charset=utf-8";
        let hello = r#"{ "message": "Hello World" }"#;
        check(Json, hello, Ok((JSON, "true", r#"{"message":"Hello World"}"#))).await;
        check(Json, r#"{"b":1.0,"a":"<"}"#, Ok((JSON, "true", r#"{"a":"\u003c","b":1.0}"#))).await;
        let proxy = r#"{"statusCode":404,"body":"x"}"#;
        check(Json, proxy, Ok((JSON, "true", r#"{"body":"x","statusCode":404}"#))).await;
        check(Json, "{}", Ok((JSON, "false", "{}"))).await;
        check(Json, "null", Ok((JSON, "false", "null"))).await;
        for (payload, message) in [
            ("[1]", "the answer is an array, not an object"),
            ("\"x\"", "the answer is a string, not an object"),
            ("7", "the answer is a number, not an object"),
            ("true", "the answer is a boolean, not an object"),
            ("", "the answer is not JSON: the text ends early at byte 0"),
            ("{", "the answer is not JSON: expected a key at byte 1"),
        ] {
            check(Json, payload, Err(message)).await;
            check(NoOp, payload, Err(message)).await;
        }
        check(JsonCollection, r#"{"collection":[1, 2]}"#, Ok((JSON, "true", "[1,2]"))).await;
        check(JsonCollection, hello, Ok((JSON, "true", "[]"))).await;
        check(JsonCollection, "null", Ok((JSON, "false", "[]"))).await;
        check(String, r#"{"content":"a <b>"}"#, Ok((TEXT, "true", "a <b>"))).await;
        check(String, r#"{"content":7}"#, Ok((TEXT, "true", ""))).await;
        check(NoOp, hello, Ok(("", "true", ""))).await;
    }

    #[test]
    fn only_what_is_complete_is_cacheable() {
        let rule = KrakendAnswer { cache_ttl: Duration::from_secs(300), ..KrakendAnswer::default() };
        assert_eq!(decode(&rule, r#"{"a":1}"#).unwrap().headers()["cache-control"], "public, max-age=300");
        assert!(!decode(&rule, "{}").unwrap().headers().contains_key("cache-control"));
        let short = KrakendAnswer { cache_ttl: Duration::from_millis(900), ..KrakendAnswer::default() };
        assert!(!decode(&short, r#"{"a":1}"#).unwrap().headers().contains_key("cache-control"));
    }
}
