//! `runway`: the payload that runway's Lambda backend makes of a request.
//!
//! A JSON object of five keys in alphabetical order, as Go writes a map: `httpMethod`, `path`, `headers` (a name's first
//! value, names as Go spells them, without `Host`), `pathParameters`, and either `queryParameters` (lists, `GET` only)
//! or `body` (text, every other method). Nothing else of the request is told: the query of a `POST` is not, and a body
//! that is no UTF-8 loses the bytes that are none.
//!
//! Sources: runway's document "AWS Lambda Backend" for the two shapes, its `internal` handler for the order of keys and
//! for what the document leaves open. `pathParameters` is `{}` where there are none, as the document has it (runway
//! itself writes `null`). The answer is the payload as it is, as with [`crate::body`].

use std::borrow::Cow;

use crate::json::{Object, go};
use crate::path::unescape_bytes;
use crate::query;
use crate::request::{Context, Field, Request};

pub(crate) fn encode_request(request: &Request<'_>, context: &Context<'_>, out: &mut Vec<u8>) {
    let get = request.method == "GET";
    let mut payload = Object::open(out);
    if !get {
        go::string(payload.key("body"), request.body);
    }
    headers(payload.key("headers"), request.headers);
    go::string(payload.key("httpMethod"), request.method.as_bytes());
    go::string(payload.key("path"), &unescape_bytes(request.path, false));
    path_parameters(payload.key("pathParameters"), context);
    if get {
        query_parameters(payload.key("queryParameters"), request.query);
    }
    payload.close();
}

fn headers(out: &mut Vec<u8>, fields: &[Field<'_>]) {
    let mut order: Vec<usize> = (0..fields.len()).collect();
    // The sort keeps the order of a name's values, of which the first counts.
    order.sort_by(|&a, &b| spelled(fields[a].0).cmp(spelled(fields[b].0)));
    order.dedup_by(|a, b| fields[*a].0.eq_ignore_ascii_case(fields[*b].0));
    order.retain(|&at| !fields[at].0.eq_ignore_ascii_case(b"host"));
    let mut name = Vec::new();
    let mut map = Object::open(out);
    for at in order {
        name.clear();
        name.extend(spelled(fields[at].0));
        go::string(go_key(&mut map, &name), fields[at].1);
    }
    map.close();
}

/// `X-Request-Id`: a capital at the start and after each hyphen. Source: `textproto.CanonicalMIMEHeaderKey`.
fn spelled(name: &[u8]) -> impl Iterator<Item = u8> {
    let mut start = true;
    name.iter().map(move |byte| {
        let byte = if start { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() };
        start = byte == b'-';
        byte
    })
}

fn path_parameters(out: &mut Vec<u8>, context: &Context<'_>) {
    let mut order: Vec<&(&str, &str)> = context.path_parameters.iter().collect();
    order.sort_by_key(|(name, _)| *name);
    let mut map = Object::open(out);
    for (name, value) in order {
        go::string(go_key(&mut map, name.as_bytes()), &unescape_bytes(value, false));
    }
    map.close();
}

fn query_parameters(out: &mut Vec<u8>, raw: &str) {
    type Text<'a> = Cow<'a, [u8]>;
    let decode = |(key, value)| (text(unescape_bytes(key, true)), unescape_bytes(value, true));
    let mut pairs: Vec<(Text<'_>, Text<'_>)> = query::raw_pairs(raw).map(decode).collect();
    pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
    let mut map = Object::open(out);
    for run in pairs.chunk_by(|(a, _), (b, _)| a == b) {
        let out = go_key(&mut map, &run[0].0);
        crate::json::writer::array(out, run, |out, (_, value)| go::string(out, value));
    }
    map.close();
}

/// A key as it will be read, so that two that are no UTF-8 and read the same are one.
fn text(key: Cow<'_, [u8]>) -> Cow<'_, [u8]> {
    if std::str::from_utf8(&key).is_ok() {
        return key;
    }
    let mut text = String::new();
    for chunk in key.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    Cow::Owned(text.into_bytes())
}

/// A key that came from outside, escaped as Go does it.
fn go_key<'o>(map: &'o mut Object<'_>, key: &[u8]) -> &'o mut Vec<u8> {
    let out = map.written_key();
    go::string(out, key);
    out.push(b':');
    out
}

#[cfg(test)]
mod tests {
    use super::encode_request;
    use crate::request::{Context, Field, Request};

    fn check(line: &str, headers: &[Field<'_>], body: &[u8], parameters: &[(&str, &str)], expect: &str) {
        let (method, target) = line.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
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
            path_parameters: parameters,
            binary_media_types: None,
            target_group_arn: "",
        };
        let mut out = Vec::new();
        encode_request(&Request { method, path, query, headers, body }, &context, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expect, "{line}");
    }

    const JSON: &[Field<'static>] = &[(b"content-type", b"application/json")];

    #[test]
    fn the_two_shapes_of_the_document() {
        check(
            "GET /api/compute/data?key=value",
            JSON,
            b"",
            &[],
            r#"{"headers":{"Content-Type":"application/json"},"httpMethod":"GET","path":"/api/compute/data","pathParameters":{},"queryParameters":{"key":["value"]}}"#,
        );
        check(
            "POST /api/compute/data?key=value",
            JSON,
            br#"{"name": "example"}"#,
            &[],
            r#"{"body":"{\"name\": \"example\"}","headers":{"Content-Type":"application/json"},"httpMethod":"POST","path":"/api/compute/data","pathParameters":{}}"#,
        );
    }

    #[test]
    fn every_method_but_get_has_a_body() {
        for method in ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get"] {
            let expect = format!(
                r#"{{"body":"","headers":{{}},"httpMethod":"{method}","path":"/","pathParameters":{{}}}}"#
            );
            check(&format!("{method} /?a=1"), &[], b"", &[], &expect);
        }
        // A GET's body is not told.
        let expect =
            r#"{"headers":{},"httpMethod":"GET","path":"/","pathParameters":{},"queryParameters":{}}"#;
        check("GET /", &[], b"body", &[], expect);
    }

    #[test]
    fn names_are_spelled_and_sorted_as_in_go() {
        check(
            "PUT /",
            &[
                (b"x-request-id", b"1"),
                (b"host", b"h"),
                (b"ACCEPT", b"a"),
                (b"x-b", b"first"),
                (b"accept", b"b"),
                (b"X-B", b"second"),
                (b"x--y", b"<caf\xe9>"),
            ],
            b"",
            &[],
            r#"{"body":"","headers":{"Accept":"a","X--Y":"\u003ccaf\ufffd\u003e","X-B":"first","X-Request-Id":"1"},"httpMethod":"PUT","path":"/","pathParameters":{}}"#,
        );
    }

    #[test]
    fn paths_and_queries_are_decoded() {
        check(
            "GET /a%20b+c/%3Cd%3E%e9?b=2&a=1+%2B&b=1&flag&&=x&%zz=%26",
            &[],
            b"",
            &[("z", "a%20b+c"), ("b", "%3Cd%3E%e9")],
            r#"{"headers":{},"httpMethod":"GET","path":"/a b+c/\u003cd\u003e\ufffd","pathParameters":{"b":"\u003cd\u003e\ufffd","z":"a b+c"},"queryParameters":{"":["x"],"%zz":["\u0026"],"a":["1 +"],"b":["2","1"],"flag":[""]}}"#,
        );
    }

    #[test]
    fn a_key_stands_once() {
        check(
            "GET /?%80=1&a=2&%A0=3",
            &[],
            b"",
            &[],
            r#"{"headers":{},"httpMethod":"GET","path":"/","pathParameters":{},"queryParameters":{"a":["2"],"�":["1","3"]}}"#,
        );
    }

    #[test]
    fn bodies_are_text() {
        check(
            "POST /",
            &[],
            b"<a>&\xff\n",
            &[],
            r#"{"body":"\u003ca\u003e\u0026\ufffd\n","headers":{},"httpMethod":"POST","path":"/","pathParameters":{}}"#,
        );
    }
}
