//! `krakend`: the payload that KrakenD's Lambda backend makes of a GET request: the parameters of the path.
//!
//! A flat JSON object with one newline behind it, `{}` when there are no parameters: values are strings, percent-decoded
//! once; keys are in lower case, sorted. The query, the headers and the body are no part of it. Of two keys that are
//! equal in lower case the later one counts; KrakenD leaves that open. Requests of other methods are the body as it
//! came, which is the format `body`.
//!
//! Source: `backend.go` of krakend/krakend-lambda (Apache-2.0), read July 2026, and Go's `encoding/json` for the text.

mod text;
mod tree;

use std::collections::BTreeMap;

pub use tree::Tree;

use crate::path;
use crate::request::{Context, Request};

pub(crate) fn encode_request(_: &Request<'_>, context: &Context<'_>, out: &mut Vec<u8>) {
    let parameters = context.path_parameters.iter();
    let sorted: BTreeMap<String, _> =
        parameters.map(|(name, value)| (name.to_lowercase(), path::decode(value))).collect();
    out.push(b'{');
    for (place, (name, value)) in sorted.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        text::write(out, name);
        out.push(b':');
        text::write(out, value);
    }
    out.extend_from_slice(b"}\n");
}

#[cfg(test)]
mod tests {
    use crate::{Context, Format, Request, encode_request};

    fn check(path_parameters: &[(&str, &str)], expect: &str) {
        let request =
            Request { method: "GET", path: "/", query: "a=b", headers: &[(b"x", b"y")], body: b"body" };
        let context = Context {
            request_id: "",
            time_ms: 0,
            source_ip: "",
            protocol: "HTTP/1.1",
            domain_name: "",
            account_id: "",
            region: "",
            api_id: "",
            stage: "",
            resource: None,
            path_parameters,
            binary_media_types: None,
            target_group_arn: "",
        };
        let mut out = Vec::new();
        encode_request(Format::Krakend, &request, &context, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expect);
    }

    #[test]
    fn parameters_are_the_payload() {
        check(&[], "{}\n");
        check(&[("Lambda", "my-lambda")], "{\"lambda\":\"my-lambda\"}\n");
        check(&[("UserId", "1"), ("Id", "true")], "{\"id\":\"true\",\"userid\":\"1\"}\n");
        check(&[("Name", "my-fn%3Av1")], "{\"name\":\"my-fn:v1\"}\n");
        // Decoded once only.
        check(&[("A", "%253A")], "{\"a\":\"%3A\"}\n");
        check(&[("A", "%3Cb%3E%26%22\\%0a")], "{\"a\":\"\\u003cb\\u003e\\u0026\\\"\\\\\\n\"}\n");
        check(&[("A", "1"), ("a", "2")], "{\"a\":\"2\"}\n");
        check(&[("A", "%FF")], "{\"a\":\"\u{fffd}\"}\n");
    }
}
