//! Answers of functions, format by format: what is taken, and what is refused with which reason.

use std::borrow::Cow;

use lambridge_event::{
    Answer, AnswerError, Format, Kind, decode_answer, decode_prelude, encode_answer, encode_prelude,
};
use serde_json::{Value, json};

type Row<'a> = (u16, &'a [(&'a str, &'a str)], &'a [u8]);

fn check(formats: &[Format], payload: &str, expect: Result<Row<'_>, &str>) {
    for &format in formats {
        match (decode_answer(format, payload.as_bytes()), &expect) {
            (Ok(answer), Ok((status, headers, body))) => {
                let found: Vec<(&str, &str)> = answer
                    .headers
                    .iter()
                    .map(|(n, v)| (std::str::from_utf8(n).unwrap(), std::str::from_utf8(v).unwrap()))
                    .collect();
                assert_eq!(
                    (answer.status, &found[..], &*answer.body),
                    (*status, *headers, *body),
                    "{format:?} {payload}"
                );
            }
            (Err(error), Err(message)) => assert_eq!(&error.to_string(), message, "{format:?} {payload}"),
            (found, expect) => panic!("{format:?} {payload}: {found:?} instead of {expect:?}"),
        }
    }
}

const V2: &[Format] = &[Format::HttpV2];
const REST: &[Format] = &[Format::RestV1];
const ALBS: &[Format] = &[Format::Alb, Format::AlbMultiValue, Format::LatticeV2];
const PROXIES: &[Format] =
    &[Format::HttpV2, Format::RestV1, Format::Alb, Format::AlbMultiValue, Format::LatticeV2];
const JSON: (&str, &str) = ("content-type", "application/json");
const HTML: (&str, &str) = ("content-type", "text/html");

#[test]
fn v2_infers_without_a_status() {
    check(V2, r#"{"message": "hi", "n": [1, 2]}"#, Ok((200, &[JSON], br#"{"message":"hi","n":[1,2]}"#)));
    check(V2, r#"["hello", 3, true]"#, Ok((200, &[JSON], br#"["hello",3,true]"#)));
    check(V2, r#""a \"string\" \u00e9""#, Ok((200, &[JSON], "a \"string\" é".as_bytes())));
    check(V2, "null", Ok((200, &[JSON], b"null")));
    check(V2, " 12 ", Ok((200, &[JSON], b"12")));
    check(V2, "{}", Ok((200, &[JSON], b"{}")));
    check(V2, "", Err("the answer is not JSON: the text ends early at byte 0"));
    check(V2, "{]", Err("the answer is not JSON: expected a key at byte 1"));
    check(V2, r#"{"a":1} x"#, Err("the answer is not JSON: something follows the value at byte 8"));
}

#[test]
fn v2_cookies_and_unknown_keys() {
    check(
        V2,
        r#"{"statusCode":"418","headers":{"Set-Cookie":"c=3","X-N":7},"cookies":["a=1; Path=/","b=2"],"multiValueHeaders":{"x":["y"]},"other":1}"#,
        Ok((
            418,
            &[
                ("set-cookie", "a=1; Path=/"),
                ("set-cookie", "b=2"),
                ("Set-Cookie", "c=3"),
                ("X-N", "7"),
                JSON,
            ],
            b"",
        )),
    );
    check(
        V2,
        r#"{"statusCode":200,"cookies":"a=1"}"#,
        Err("`cookies` of the answer: expected a list, found a string"),
    );
    check(
        V2,
        r#"{"statusCode":200,"cookies":[1]}"#,
        Err("`cookies` of the answer: expected strings, found a number"),
    );
    check(
        V2,
        r#"{"statusCode":200,"cookies":["a\r\nb: c"]}"#,
        Err("`cookies` of the answer: the value of `set-cookie` has control characters"),
    );
}

#[test]
fn rest_keys() {
    check(REST, "{}", Ok((200, &[JSON], b"")));
    check(REST, r#"{"statusCode":200,"cookies":[]}"#, Err("unknown key `cookies` in the answer"));
    check(REST, "[]", Err("the answer is an array, not an object"));
    check(REST, "3", Err("the answer is a number, not an object"));
    check(REST, "null", Err("the answer is null, not an object"));
    check(
        REST,
        r#"{"multiValueHeaders":{"a":["1","2"],"b":["3"]},"headers":{"A":"4","c":"5","content-type":"text/html"}}"#,
        Ok((200, &[("a", "1"), ("a", "2"), ("a", "4"), ("b", "3"), ("c", "5"), HTML], b"")),
    );
}

#[test]
fn alb_styles() {
    let octets = ("content-type", "application/octet-stream");
    let both = r#"{"statusCode":200,"headers":{"a":"1"},"multiValueHeaders":{"a":["2","3"]}}"#;
    check(&[Format::Alb], both, Ok((200, &[("a", "1"), octets], b"")));
    check(&[Format::AlbMultiValue], both, Ok((200, &[("a", "2"), ("a", "3"), octets], b"")));
    check(
        ALBS,
        r#"{"statusCode":200,"headers":{"a":"1"},"statusDescription":"x"}"#,
        Ok((200, &[("a", "1"), octets], b"")),
    );
    check(ALBS, r#"{"headers":{}}"#, Err("`statusCode` of the answer: it is missing"));
    check(ALBS, r#""text""#, Err("the answer is a string, not an object"));
}

#[test]
fn shared_rules() {
    let html = |rest: &str| format!(r#"{{"statusCode":200,"headers":{{"content-type":"text/html"}}{rest}}}"#);
    check(PROXIES, &html(r#","body":"<p>\u00e9\n""#), Ok((200, &[HTML], "<p>é\n".as_bytes())));
    check(PROXIES, &html(r#","body":null,"isBase64Encoded":null"#), Ok((200, &[HTML], b"")));
    check(PROXIES, &html(r#","body":"//8=","isBase64Encoded":true"#), Ok((200, &[HTML], b"\xff\xff")));
    check(PROXIES, &html(r#","body":"\/\/8=","isBase64Encoded":true"#), Ok((200, &[HTML], b"\xff\xff")));
    check(
        PROXIES,
        &html(r#","body":"**","isBase64Encoded":true"#),
        Err("the answer's body is not valid base64"),
    );
    check(PROXIES, &html(r#","body":{}"#), Err("`body` of the answer: expected a string, found an object"));
    check(
        PROXIES,
        &html(r#","isBase64Encoded":"true""#),
        Err("`isBase64Encoded` of the answer: expected a boolean, found a string"),
    );
    // The last of two equal keys counts, as in every JSON parser that functions use.
    check(PROXIES, &html(r#","body":"a","body":"b""#), Ok((200, &[HTML], b"b")));
    check(PROXIES, r#"{"statusCode":204}"#, Ok((204, &[], b"")));
    check(PROXIES, r#"{"statusCode":204.0}"#, Ok((204, &[], b"")));
    check(PROXIES, r#"{"statusCode":204.5}"#, Err("`statusCode` of the answer: `204.5` is no status"));
    check(PROXIES, r#"{"statusCode":304,"headers":null}"#, Ok((304, &[], b"")));
}

#[test]
fn statuses() {
    for (status, shown) in [
        ("99", "`99`"),
        ("1000", "`1000`"),
        ("-200", "`-200`"),
        ("200.5", "`200.5`"),
        ("2e2", "`2e2`"),
        (r#""abc""#, "`abc`"),
        (r#""+20""#, "`+20`"),
        (r#""""#, "``"),
    ] {
        let payload = format!(r#"{{"statusCode":{status}}}"#);
        check(PROXIES, &payload, Err(&format!("`statusCode` of the answer: {shown} is no status")));
    }
    check(
        PROXIES,
        r#"{"statusCode":[]}"#,
        Err("`statusCode` of the answer: expected a number, found an array"),
    );
}

#[test]
fn headers_that_http_cannot_carry() {
    let single = |header: &str| format!(r#"{{"statusCode":200,"headers":{{{header}}}}}"#);
    for value in [r"a\r\nb", r"a\nb", r"a\rb", r"a\u0000b", "\u{7f}"] {
        let payload = single(&format!(r#""x":"{value}""#));
        check(PROXIES, &payload, Err("`headers` of the answer: the value of `x` has control characters"));
    }
    for (name, shown) in [("", ""), ("a b", "a b"), ("a:", "a:"), (r"a\r\n", r"a\r\n"), ("é", "é")] {
        let payload = single(&format!(r#""{name}":"v""#));
        check(PROXIES, &payload, Err(&format!("`headers` of the answer: `{shown}` is no header name")));
    }
    check(
        PROXIES,
        &single(r#""x":["a"]"#),
        Err("`headers` of the answer: expected single values, found an array"),
    );
    check(
        PROXIES,
        r#"{"statusCode":200,"headers":[]}"#,
        Err("`headers` of the answer: expected an object, found an array"),
    );
    let many: Vec<String> = (0..1025).map(|at| format!(r#""h{at}":"""#)).collect();
    check(PROXIES, &single(&many.join(",")), Err("`headers` of the answer: more than 1024 values"));
}

#[test]
fn depth_is_no_danger() {
    let deep = "[".repeat(2_000_000);
    for format in PROXIES {
        assert!(matches!(decode_answer(*format, deep.as_bytes()), Err(AnswerError::NotJson { .. })));
    }
    let closed = format!(r#"{{"statusCode":200,"other":{}{}}}"#, "[".repeat(500_000), "]".repeat(500_000));
    assert!(decode_answer(Format::HttpV2, closed.as_bytes()).is_ok());
}

#[test]
fn raw_bodies() {
    check(&[Format::Body], "anything", Ok((200, &[JSON], b"anything")));
}

#[test]
fn preludes() {
    let answer = decode_prelude(br#"{"headers":{"a":"b"},"cookies":["c=d"]}"#).unwrap();
    assert_eq!((answer.status, answer.headers.len()), (200, 2));
    assert_eq!(
        decode_prelude(br#"{"statusCode":201,"multiValueHeaders":{"a":["b","c"]}}"#).unwrap().headers.len(),
        2
    );
    assert_eq!(decode_prelude(b"1").unwrap_err(), AnswerError::NotAnObject { found: "a number" });
    let mut out = Vec::new();
    encode_prelude(&answer, &mut out);
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"statusCode":200,"headers":{"a":"b"},"cookies":["c=d"]}"#
    );
}

fn answer<'a>(status: u16, headers: &[(&'a str, &'a str)], body: &'a [u8]) -> Answer<'a> {
    let headers =
        headers.iter().map(|(n, v)| (Cow::Borrowed(n.as_bytes()), Cow::Borrowed(v.as_bytes()))).collect();
    Answer { status, headers, body: Cow::Borrowed(body) }
}

fn encoded(kind: Kind, answer: &Answer<'_>) -> Value {
    let mut out = Vec::new();
    encode_answer(kind, answer, &mut out);
    serde_json::from_slice(&out).unwrap()
}

#[test]
fn encoded_shapes() {
    let headers = [
        ("content-type", "text/plain"),
        ("x", "1"),
        ("set-cookie", "a=1"),
        ("X", "2"),
        ("Set-Cookie", "b=2"),
    ];
    let answer = answer(404, &headers, b"no\n");
    assert_eq!(
        encoded(Kind::HttpV2, &answer),
        json!({"statusCode": 404, "headers": {"content-type": "text/plain", "x": "1, 2"}, "cookies": ["a=1", "b=2"],
               "body": "no\n", "isBase64Encoded": false})
    );
    let lists = json!({"content-type": ["text/plain"], "x": ["1", "2"], "set-cookie": ["a=1", "b=2"]});
    assert_eq!(
        encoded(Kind::RestV1, &answer),
        json!({"statusCode": 404, "multiValueHeaders": lists, "body": "no\n", "isBase64Encoded": false})
    );
    assert_eq!(
        encoded(Kind::AlbMultiValue, &answer),
        json!({"statusCode": 404, "statusDescription": "404 Not Found", "multiValueHeaders": lists,
               "body": "no\n", "isBase64Encoded": false})
    );
    assert_eq!(
        encoded(Kind::Alb, &answer),
        json!({"statusCode": 404, "statusDescription": "404 Not Found", "body": "no\n", "isBase64Encoded": false,
               "headers": {"content-type": "text/plain", "x": "1, 2", "set-cookie": "a=1", "Set-cookie": "b=2"}})
    );
}

#[test]
fn encoded_bodies() {
    for (headers, body, expect) in [
        (&[("content-type", "image/png")][..], &b"\x89PNG"[..], json!(["iVBORw==", true])),
        (&[("content-type", "text/plain; charset=latin1")], b"caf\xe9", json!(["Y2Fm6Q==", true])),
        (&[("content-type", "text/plain"), ("content-encoding", "gzip")], b"x", json!(["eA==", true])),
        (&[("content-type", "image/png")], b"", json!(["", false])),
        (&[], b"plain", json!(["plain", false])),
    ] {
        for kind in [Kind::HttpV2, Kind::RestV1, Kind::Alb, Kind::AlbMultiValue] {
            let found = encoded(kind, &answer(200, headers, body));
            assert_eq!(json!([found["body"], found["isBase64Encoded"]]), expect, "{kind:?}");
        }
    }
}

#[test]
fn answers_to_other_events() {
    for (body, expect) in [
        (&br#"{"batchItemFailures": []}"#[..], &br#"{"batchItemFailures": []}"#[..]),
        (b"OK", b"null"),
        (b"", b"null"),
        (b"\xff", b"null"),
    ] {
        let mut out = Vec::new();
        encode_answer(Kind::Other, &answer(200, &[], body), &mut out);
        assert_eq!(out, expect);
    }
}

#[test]
fn header_bytes_survive_as_json_can() {
    let headers = vec![(Cow::Borrowed(&b"x"[..]), Cow::Borrowed(&b"caf\xe9"[..]))];
    let answer = Answer { status: 200, headers, body: Cow::Borrowed(b"") };
    assert_eq!(encoded(Kind::HttpV2, &answer)["headers"]["x"], "café");
}
