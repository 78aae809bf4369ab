//! Known signatures, and those of AWS's own signer.

use std::time::{Duration, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use proptest::prelude::*;

use super::*;

const NOW: &str = "20260710T191904Z";

/// Signs with our own pieces; that they agree with AWS's is what the known signing key below shows.
fn signed(secret: &str, date: &str, service: &str, body: &[u8]) -> Parts {
    let request = http::Request::post("/2015-03-31/functions/arn%3Aaws/invocations?Qualifier=a%2Fb&A=1")
        .header("host", "127.0.0.1:9000")
        .header("x-amz-date", date)
        .header("x-note", "  two   words ");
    let (mut head, ()) = request.body(()).unwrap().into_parts();
    let day = &date[..8];
    let authorization = |signature: &str| {
        format!(
            "{ALGORITHM} Credential=AKID/{day}/us-east-1/{service}/aws4_request, SignedHeaders=host;x-amz-date;x-note, Signature={signature}"
        )
    };
    let unsigned = authorization("");
    let canonical = canonical_request(&head, body, &Authorization::parse(&unsigned).unwrap()).unwrap();
    assert!(canonical.starts_with(
        "POST\n/2015-03-31/functions/arn%253Aaws/invocations\nA=1&Qualifier=a%2Fb\nhost:127.0.0.1:9000\n"
    ));
    assert!(canonical.contains("\nx-note:two words\n\n"));
    let hash = hex(&Sha256::digest(canonical.as_bytes()));
    let to_sign = format!("{ALGORITHM}\n{date}\n{day}/us-east-1/{service}/aws4_request\n{hash}");
    let key = ["us-east-1", service, "aws4_request"]
        .iter()
        .fold(mac(format!("AWS4{secret}").as_bytes(), day.as_bytes()), |key, part| {
            mac(&key, part.as_bytes())
        });
    let signature = hex(&mac(&key, to_sign.as_bytes()));
    head.headers.insert("authorization", authorization(&signature).parse().unwrap());
    head
}

#[track_caller]
fn check(head: &Parts, body: &[u8], expect: Option<&str>) {
    let keys = [("AKID".to_owned(), Secret::new("secret"))];
    let result = verify(head, body, &keys, seconds(NOW).unwrap());
    assert_eq!(result.err().map(|(name, _)| name), expect);
}

#[test]
fn signatures() {
    let invalid = Some("InvalidSignatureException");
    check(&signed("secret", NOW, "lambda", b"{}"), b"{}", None);
    check(&signed("secret", "20260710T190500Z", "lambda", b"{}"), b"{}", None);
    check(&signed("secret", "20260710T190403Z", "lambda", b"{}"), b"{}", invalid);
    check(&signed("secret", "20260710T193405Z", "lambda", b"{}"), b"{}", invalid);
    check(&signed("secret", NOW, "lambda", b"{}"), b"[]", invalid);
    check(&signed("wrong", NOW, "lambda", b"{}"), b"{}", invalid);
    check(&signed("secret", NOW, "s3", b"{}"), b"{}", invalid);
    let with = |value: Option<&str>| {
        let mut head = signed("secret", NOW, "lambda", b"{}");
        head.headers.remove("authorization");
        if let Some(value) = value {
            head.headers.insert("authorization", value.parse().unwrap());
        }
        head
    };
    let incomplete = Some("IncompleteSignature");
    check(&with(None), b"", Some("MissingAuthenticationTokenException"));
    check(&with(Some("Basic eA==")), b"", incomplete);
    check(&with(Some("AWS4-HMAC-SHA256 Credential=AKID/x")), b"", incomplete);
    let other = "AWS4-HMAC-SHA256 Credential=OTHER/20260710/r/lambda/aws4_request, SignedHeaders=host;x-amz-date, Signature=0";
    check(&with(Some(other)), b"", Some("UnrecognizedClientException"));
}

/// Source: AWS general reference, "Examples of how to derive a signing key".
#[test]
fn a_known_signing_key() {
    let mut key = mac(b"AWS4wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", b"20120215");
    for part in ["us-east-1", "iam", "aws4_request"] {
        key = mac(&key, part.as_bytes());
    }
    assert_eq!(hex(&key), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
}

#[test]
fn dates() {
    for text in [
        "",
        "20260710T191904",
        "20261310T191904Z",
        "2026071+T191904Z",
        "20260710T191904Zx",
        "é0260710T19190Z",
    ] {
        assert_eq!(seconds(text), None, "{text}");
    }
    assert_eq!(seconds("19700101T000001Z"), Some(1));
}

/// The request as AWS's signer signs it for `secret`, at [`NOW`].
fn signed_by_aws(request: http::Request<Vec<u8>>, secret: &str, token: Option<&str>) -> (Parts, Vec<u8>) {
    let identity = Credentials::new("AKID", secret, token.map(str::to_owned), None, "test").into();
    let time = UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds(NOW).unwrap()).unwrap());
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("eu-west-1")
        .name("lambda")
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let mut request = request;
    let headers: Vec<_> =
        request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
    let uri = format!("http://127.0.0.1:9000{}", request.uri());
    let method = request.method().to_string();
    let signable =
        SignableRequest::new(&method, &uri, headers.into_iter(), SignableBody::Bytes(request.body()))
            .unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    instructions.apply_to_request_http1x(&mut request);
    request.into_parts()
}

fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> http::Request<Vec<u8>> {
    let mut request = http::Request::builder().method(method).uri(target).header("host", "127.0.0.1:9000");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.to_vec()).unwrap()
}

#[test]
fn as_aws_signs() {
    let invoke = "/2015-03-31/functions/f/invocations";
    let arn =
        "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Af/invocations";
    let listed = "/2015-03-31/functions?FunctionVersion=ALL&Marker=a%2B%2F%3D&MaxItems=2";
    for (method, target, headers, body) in [
        ("POST", invoke, &[][..], &b""[..]),
        ("POST", invoke, &[("content-type", "application/json"), ("x-amz-log-type", "Tail")], b"{}"),
        ("POST", &format!("{arn}?Qualifier=%24LATEST"), &[("x-amz-client-context", "eyJhIjoxfQ==")], b"{}"),
        ("GET", listed, &[("x-note", " two   words "), ("x-note", "more")], b""),
        ("GET", "/?b=2&a-b=1&a=&a=0&c", &[], b""),
    ] {
        for token in [None, Some("token/with+signs==")] {
            let (head, body) = signed_by_aws(request(method, target, headers, body), "secret", token);
            check(&head, &body, None);
            let (head, body) = signed_by_aws(request(method, target, headers, &body), "other", token);
            check(&head, &body, Some("InvalidSignatureException"));
        }
    }
}

proptest! {
    #[test]
    fn any_request(
        name in "[a-zA-Z0-9][a-zA-Z0-9:$._ü-]{0,29}",
        pairs in proptest::collection::vec(("[a-zA-Z.~_-]{1,4}", ".{0,8}"), 0..5),
        value in "[!-~]([ -~]{0,20}[!-~])?",
        body in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        let mut target = "/2015-03-31/functions/".to_owned();
        encode_segment(&name, &mut target);
        for (index, (name, value)) in pairs.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            target.push_str(name);
            target.push('=');
            encode_segment(value, &mut target);
        }
        let (mut head, body) = signed_by_aws(request("POST", &target, &[("x-value", &value)], &body), "secret", None);
        check(&head, &body, None);
        let more = [&body[..], b"x"].concat();
        check(&head, &more, Some("InvalidSignatureException"));
        head.headers.insert("x-value", "another one".parse().unwrap());
        check(&head, &body, Some("InvalidSignatureException"));
    }
}
