//! Every form of signature against AWS's own signer.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use proptest::prelude::*;

use super::*;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// The `authorization` header that `aws-sigv4` gives.
fn oracle(
    request: &Request<'_>,
    payload: &[u8],
    token: Option<&str>,
    region: &str,
    time: SystemTime,
) -> String {
    let identity = Credentials::new("AKIDEXAMPLE", SECRET, token.map(str::to_owned), None, "test").into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("lambda")
        .time(time)
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let headers = request.headers.iter().copied().chain([("host", request.host)]);
    let uri = format!("http://{}{}", request.host, request.path_and_query);
    let signable = SignableRequest::new(request.method, &uri, headers, SignableBody::Bytes(payload)).unwrap();
    let (instructions, _) = sign(signable, &params).unwrap().into_parts();
    let mut http = http::Request::builder().uri(uri).body(()).unwrap();
    instructions.apply_to_request_http1x(&mut http);
    http.headers()["authorization"].to_str().unwrap().to_owned()
}

fn authorization(signing: &Signing, payload: &[u8]) -> String {
    format!("{}{}", signing.head(), std::str::from_utf8(&signing.signature(payload)).unwrap())
}

#[track_caller]
fn check(path_and_query: &str, headers: &[(&'static str, &str)], payload: &[u8], token: Option<&str>) {
    check_method("POST", path_and_query, headers, payload, token);
}

#[track_caller]
fn check_method(
    method: &str,
    path_and_query: &str,
    headers: &[(&'static str, &str)],
    payload: &[u8],
    token: Option<&str>,
) {
    let time = UNIX_EPOCH + Duration::from_secs(1_763_735_675);
    let request = Request { method, path_and_query, host: "lambda.eu-west-1.amazonaws.com", headers };
    let keys = Keys::new("AKIDEXAMPLE", SECRET, token);
    let date = AmzDate::at(time);
    for _ in 0..2 {
        let found = authorization(&keys.signing(&request, "eu-west-1", &date), payload);
        assert_eq!(found, oracle(&request, payload, token, "eu-west-1", time));
    }
}

#[test]
fn as_aws_signs() {
    let json = [("content-type", "application/json")];
    let path = "/2015-03-31/functions/f/invocations";
    let arn =
        "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Af/invocations";
    check(path, &[], b"", None);
    check(path, &json, b"{}", None);
    check(path, &json, b"{}", Some("token/with+signs=="));
    check(arn, &json, b"{}", None);
    check(&format!("{arn}?Qualifier=%24LATEST"), &json, b"{}", None);
    check(&format!("/base{path}?Qualifier=live"), &json, &[0xff; 10_000], None);
    let all = [
        ("content-type", "application/json"),
        ("x-amz-invocation-type", "Event"),
        ("x-amz-log-type", "Tail"),
    ];
    check(path, &all, b"{}", Some("token"));
    let tenant = [("content-type", "application/json"), ("x-amz-tenant-id", "a  b   c:d/e=f+g-h@i")];
    check(path, &tenant, b"{}", Some("token"));
}

#[test]
fn lists_as_aws_signs() {
    use lambridge_wire::list::{aliases_path, functions_path};
    for marker in [None, Some("a+b/c=="), Some("ü~*' &")] {
        check_method("GET", &functions_path(marker), &[], b"", Some("token"));
        check_method("GET", &aliases_path("arn:aws:lambda:eu-west-1:1:function:f", marker), &[], b"", None);
    }
    check_method("GET", "/p?a=1&a-b=2&a=0&B=&c", &[], b"", None);
    check_method("GET", "/p?", &[], b"", None);
}

#[test]
fn the_key_follows_day_and_region() {
    let keys = Keys::new("AKIDEXAMPLE", SECRET, None);
    let request = Request { method: "GET", path_and_query: "/", host: "h", headers: &[] };
    for (seconds, region) in [(0, "a-b-1"), (0, "a-b-2"), (86_400, "a-b-2"), (86_401, "a-b-1"), (0, "a-b-1")]
    {
        let time = UNIX_EPOCH + Duration::from_secs(seconds);
        let found = authorization(&keys.signing(&request, region, &AmzDate::at(time)), b"");
        assert_eq!(found, oracle(&request, b"", None, region, time));
    }
}

#[test]
fn debug_shows_nothing() {
    let shown = format!("{:?}", Keys::new("AKIDEXAMPLE", SECRET, Some("token")));
    assert_eq!(shown, "Keys(***)");
}

proptest! {
    #[test]
    fn any_name(name in "[a-zA-Z0-9_][a-zA-Z0-9:$._-]{0,40}", qualifier in proptest::option::of("[a-zA-Z0-9$._-]{1,20}"), payload in ".{0,200}") {
        let path = lambridge_wire::invoke::invoke_path(&name, qualifier.as_deref());
        check(&path, &[("content-type", "application/json")], payload.as_bytes(), None);
    }
    #[test]
    fn any_query(pairs in proptest::collection::vec(("[a-zA-Z.~_-]{1,4}", ".{0,8}"), 0..5)) {
        let mut target = "/2015-03-31/functions".to_owned();
        for (index, (name, value)) in pairs.iter().enumerate() {
            target.push(if index == 0 { '?' } else { '&' });
            target.push_str(name);
            target.push('=');
            lambridge_wire::invoke::encode_segment(value, &mut target);
        }
        check_method("GET", &target, &[], b"", None);
    }
}

/// Not a test of time, which a shared machine cannot give: prints what a signature costs.
#[test]
#[ignore = "a measurement"]
fn cost() {
    let keys = Keys::new("AKIDEXAMPLE", SECRET, Some(&"t".repeat(400)));
    let payload = vec![b'x'; 1024];
    let headers = [("content-type", "application/json")];
    let path_and_query = "/2015-03-31/functions/my-function/invocations?Qualifier=live";
    let host = "lambda.eu-west-1.amazonaws.com";
    let request = Request { method: "POST", path_and_query, host, headers: &headers };
    let signing = keys.signing(&request, "eu-west-1", &AmzDate::at(SystemTime::now()));
    let rounds = 100_000;
    let start = std::time::Instant::now();
    for _ in 0..rounds {
        std::hint::black_box(signing.signature(&payload));
    }
    eprintln!("{:?} a signature", start.elapsed() / rounds);
}
