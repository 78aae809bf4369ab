//! The tables of envoy-gloo's tests, and rows for what its code does beside them.

use super::{GlooError, decode_alb, decode_api_gateway};
use crate::answer::Answer;

/// Status, `name: value` lines with names in lower case, body.
fn show(answer: &Answer<'_>) -> String {
    let mut text = answer.status.to_string();
    for (name, value) in &answer.headers {
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        text.push_str(&format!("|{name}: {}", String::from_utf8_lossy(value)));
    }
    format!("{text}|{}", String::from_utf8_lossy(&answer.body))
}

fn shown(decoded: Result<Answer<'_>, GlooError>) -> String {
    match decoded {
        Ok(answer) => show(&answer),
        Err(GlooError::Shown { answer, .. }) => show(&answer),
        Err(GlooError::Malformed(error)) => format!("malformed: {error}"),
    }
}

fn check_alb(payload: &str, expect: &str) {
    assert_eq!(shown(decode_alb(payload.as_bytes())), expect, "{payload}");
}

fn check_api(payload: &str, expect: &str) {
    assert_eq!(shown(decode_api_gateway(payload.as_bytes())), expect, "{payload}");
}

/// An error of `unwrapAsApiGateway`.
fn text(text: &str) -> String {
    format!("500|content-type: text/plain|x-amzn-errortype: 500|500: {text}")
}

const TYPE: &str = "content-type: application/json";

#[test]
fn alb_as_tested_by_gloo() {
    check_alb(
        concat!(
            r#"{"isBase64Encoded":false,"statusCode":200,"statusDescription":"200 OK","#,
            r#""headers":{"Set-cookie":"cookies","Content-Type":"application/json"},"#,
            r#""body":"Hello from Lambda (optional)"}"#
        ),
        "200|set-cookie: cookies|content-type: application/json|Hello from Lambda (optional)",
    );
    check_alb(
        concat!(
            r#"{"multiValueHeaders":{"Set-cookie":["cookie-name=cookie-value;Domain=myweb.com;Secure;HttpOnly","#,
            r#""cookie-name=cookie-value;Expires=May 8, 2019"],"Content-Type":["application/json"]},}"#
        ),
        concat!(
            "200|set-cookie: cookie-name=cookie-value;Domain=myweb.com;Secure;HttpOnly",
            "|set-cookie: cookie-name=cookie-value;Expires=May 8, 2019|content-type: application/json|"
        ),
    );
    check_alb(
        r#"{"isBase64Encoded":true,"statusCode":201,"body":"SGVsbG8gZnJvbSBMYW1iZGEgKG9wdGlvbmFsKQ=="}"#,
        &format!("201|{TYPE}|Hello from Lambda (optional)"),
    );
    check_alb(r#"{"isBase64Encoded":"notabool","statusCode":201,"body":"else=="}"#, "500|");
    check_alb(r#"{"isBase64Encoded":floof,"statusCode":201,"body":"something"}"body":"else=="}"#, "500|");
}

#[test]
fn alb_as_coded_by_gloo() {
    check_alb("", &format!("200|{TYPE}|"));
    check_alb("[]", "500|");
    check_alb("hello", "500|");
    check_alb("{}", &format!("200|{TYPE}|"));
    check_alb(r#"{"statusCode":"200"}"#, "500|");
    check_alb(r#"{"statusCode":null}"#, "500|");
    check_alb(r#"{"statusCode":201.6}"#, &format!("201|{TYPE}|"));
    check_alb(r#"{"statusCode":99}"#, "500|");
    check_alb(r#"{"statusCode":1e9}"#, "500|");
    check_alb(r#"{"body":{"a":1}}"#, &format!("200|{TYPE}|"));
    check_alb(r#"{"body":"x","isBase64Encoded":null}"#, "500|");
    check_alb(r#"{"isBase64Encoded":"x"}"#, &format!("200|{TYPE}|"));
    check_alb(r#"{"headers":{"x":1}}"#, &format!("200|x: |{TYPE}|"));
    check_alb(r#"{"headers":["x"],"multiValueHeaders":{"x":"y"}}"#, &format!("200|{TYPE}|"));
    check_alb(
        r#"{"headers":{"x":"1"},"multiValueHeaders":{"x":["2",3]}}"#,
        &format!("200|x: 1|x: 2|x: |{TYPE}|"),
    );
    check_alb(
        r#"{"body":",}","headers":{"x":"a\\",},"statusCode":202, }"#,
        &format!("202|x: a\\|{TYPE}|,}}"),
    );
    check_alb(r#"{"a":[1,],"body":"b"}"#, &format!("200|{TYPE}|b"));
    check_alb("{,}", &format!("200|{TYPE}|"));
}

#[test]
fn alb_where_gloo_loses_something() {
    check_alb(r#"{"body":"!!","isBase64Encoded":true}"#, "malformed: the answer's body is not valid base64");
    check_alb(r#"{"headers":{"Content-Type":"text/html"},"body":"x"}"#, "200|content-type: text/html|x");
    check_alb(
        r#"{"headers":{"Content-Type":"a/b"},"multiValueHeaders":{"content-type":["c/d"]}}"#,
        "200|content-type: c/d|",
    );
    check_alb(r#"{"body":"a\u0000b"}"#, &format!("200|{TYPE}|a\0b"));
    check_alb(r#"{"statusCode":204}"#, "204|");
    check_alb(
        r#"{"headers":{"x":"a\r\nset-cookie: b"}}"#,
        "malformed: `headers` of the answer: `x` is not a header that HTTP can carry",
    );
}

#[test]
fn api_gateway_as_tested_by_gloo() {
    check_api(
        r#"{"statusCode":200,"headers":{"Content-Type":"application/json"}}"#,
        &format!("200|{TYPE}|{{}}"),
    );
    check_api(
        r#"{"statusCode":200,"headers":{"Content-Type":"application/json"},"body":{"test": "test-value"}}"#,
        &format!(r#"200|{TYPE}|{{"test":"test-value"}}"#),
    );
    check_api(
        r#"{"multiValueHeaders":{"test-multi-header":["multi-value-1","multi-value-2"]},"body":""}"#,
        "200|test-multi-header: multi-value-1,multi-value-2|",
    );
    check_api(
        concat!(
            r#"{"headers":{"test-multi-header":"multi-value-0"},"body":"","#,
            r#""multiValueHeaders":{"Test-Multi-Header":["multi-value-1","multi-value-2"]}}"#
        ),
        "200|test-multi-header: multi-value-0,multi-value-1,multi-value-2|",
    );
    check_api(
        r#"{"headers":{"a":"test_value","b":400,"c":{"test": "test-value"}},"body":""}"#,
        r#"200|a: test_value|b: 400|c: {"test":"test-value"}|"#,
    );
    check_api(
        r#"{"isBase64Encoded":true,"statusCode":201,"body":"SGVsbG8gZnJvbSBMYW1iZGEgKG9wdGlvbmFsKQ=="}"#,
        "201|Hello from Lambda (optional)",
    );
    check_api(
        r#"{"headers":{"test-multi-header":"multi-value-0","test-multi-header":"multi-value-1"}}"#,
        "200|test-multi-header: multi-value-1|{}",
    );
    check_api("{invalid json}", &text("failed to parse response body as JSON"));
    check_api(
        concat!(
            r#"{"statusCode":200,"headers":{"Set-cookie":"cookies","Content-Type":"application/json"},"#,
            r#""body":"Hello from Lambda (optional)"}"#
        ),
        "200|set-cookie: cookies|content-type: application/json|Hello from Lambda (optional)",
    );
    check_api(
        concat!(
            r#"{"headers":{"Content-Type":"application/test"},"body":"solo.io","#,
            r#""multiValueHeaders":{"x-header":["value-1","value-2"]},"statusCode":201,"queryStringParameters":{}}"#
        ),
        "201|content-type: application/test|x-header: value-1,value-2|solo.io",
    );
    check_api(
        r#"{"body":"\"test body\"","multiValueHeaders":{"foo":[null,"bar",123]}}"#,
        r#"200|foo: null,bar,123|"test body""#,
    );
}

/// The answer that the documentation shows to its `curl`.
#[test]
fn api_gateway_as_documented() {
    check_api(
        concat!(
            r#"{"body": "gloo edge is inserting this body", "headers": {"test-header-key": "test-header-value"}, "#,
            r#""statusCode": 201}"#
        ),
        "201|test-header-key: test-header-value|gloo edge is inserting this body",
    );
}

#[test]
fn api_gateway_multi_values() {
    let row = |value: &str, expect: &str| {
        let payload = format!(r#"{{"multiValueHeaders":{{"test-multi-header":{value}}},"body":""}}"#);
        check_api(&payload, &format!("200|test-multi-header: {expect}|"));
    };
    row("123", "123");
    row("123.456", "123.456");
    row(r#"["test-value"]"#, "test-value");
    row(r#"["test-value",null]"#, "test-value,null");
    row(r#"["test-value",123]"#, "test-value,123");
    row(r#"["test-value",123.456]"#, "test-value,123.456");
    row(r#"["test-value",{"test":"test-value"}]"#, r#"test-value,{"test":"test-value"}"#);
    row(r#"["test-value",["test-value"]]"#, r#"test-value,["test-value"]"#);
    row(r#"["test-value",[null]]"#, "test-value,[null]");
    check_api(r#"{"multiValueHeaders":{"test-multi-header":null},"body":""}"#, "200|");
    check_api(r#"{"multiValueHeaders":{"test-multi-header":[]},"body":""}"#, "200|");
    check_api(
        r#"{"multiValueHeaders":{"test-multi-header":{"test":"test-value"}}}"#,
        &text("invalid multi header value object"),
    );
    check_api(r#"{"multiValueHeaders":null}"#, &text("invalid multiValueHeaders object"));
    check_api(r#"{"headers":null}"#, &text("invalid headers object"));
    check_api(r#"{"headers":{"a b":"c","d":"e\nf","g":"h"},"body":""}"#, "200|g: h|");
}

#[test]
fn api_gateway_statuses() {
    check_api(r#"{"statusCode":200}"#, "200|{}");
    for wrong in [
        "null",
        r#""200""#,
        r#""200fasdfasdf""#,
        "-200",
        "201.6",
        r#"{"test":"test-value"}"#,
        r#"["test-value"]"#,
        "99",
        "70000",
    ] {
        let payload = format!(r#"{{"statusCode":{wrong}}}"#);
        check_api(&payload, &text("cannot parse non unsigned integer status code"));
    }
}

#[test]
fn api_gateway_bodies() {
    check_api("", "200|");
    check_api("{}", "200|{}");
    check_api("[1]", "200|{}");
    check_api("null", "200|{}");
    check_api(r#"{"body":null}"#, "200|null");
    check_api(r#"{"body":[1, 2]}"#, "200|[1,2]");
    check_api(r#"{"body":"eA==","isBase64Encoded":"true"}"#, "200|eA==");
    check_api(r#"{"body":"!!","isBase64Encoded":true}"#, "malformed: the answer's body is not valid base64");
    check_api(r#"{"body":"a\u0000b"}"#, "200|a\0b");
    check_api(
        r#"{"headers":{"set-cookie":"a=1"},"multiValueHeaders":{"Set-Cookie":["b=2","c=3"]},"body":""}"#,
        "200|set-cookie: a=1|set-cookie: b=2|set-cookie: c=3|",
    );
}

#[test]
fn headers_are_bounded() {
    let many: Vec<String> = (0..2000).map(|at| format!(r#""h{at}":"v""#)).collect();
    let payload = format!(r#"{{"headers":{{{}}}}}"#, many.join(","));
    for decode in [decode_alb, decode_api_gateway] {
        assert!(
            shown(decode(payload.as_bytes())).starts_with("malformed: `headers` of the answer: more than")
        );
    }
}
