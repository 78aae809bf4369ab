//! Function URLs, through real HTTP.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings};
use aws_sigv4::sign::v4;
use lambridge_emulator::Emulator;
use lambridge_model::{Secret, Url, UrlAuth, UrlCors, UrlMode};

use crate::support::{Answer, House, Plan, plan, request, send};

fn with_url(mode: &str) -> Plan {
    let mut plan = plan(mode);
    plan.run.url = Some(Url {
        address: (Ipv4Addr::LOCALHOST, 0).into(),
        mode: UrlMode::Buffered,
        auth: UrlAuth::None,
        cors: None,
    });
    plan
}

fn url(house: &House) -> SocketAddr {
    let urls = house.emulator.as_ref().map(Emulator::urls).unwrap();
    assert_eq!(urls[0].0, "f");
    urls[0].1
}

async fn ask(house: &House, method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = request(target, headers, body.to_owned());
    *request.method_mut() = method.parse().unwrap();
    send(url(house), request).await
}

/// What the function says, and what its caller gets. The first nine rows are recorded from AWS: localstack,
/// `test_lambda_url_invocation`.
#[tokio::test]
async fn answers() {
    let house = with_url("plain").start().await;
    for (payload, status, kind, body) in [
        (r#"{"hello": "world"}"#, 200, "application/json", r#"{"hello":"world"}"#),
        (r#"{"statusCode": 200, "body": "body123"}"#, 200, "application/json", "body123"),
        (
            r#"{"statusCode": 200, "body": "{\"hello\": \"world\"}"}"#,
            200,
            "application/json",
            r#"{"hello": "world"}"#,
        ),
        (r#"["hello", 3, true]"#, 200, "application/json", r#"["hello",3,true]"#),
        (r#""hello""#, 200, "application/json", "hello"),
        ("3", 200, "application/json", "3"),
        ("3.1", 200, "application/json", "3.1"),
        ("true", 200, "application/json", "true"),
        (r#"{"statusCode": "418", "headers": {"content-type": "a/b"}, "body": "x"}"#, 418, "a/b", "x"),
        (r#"{"statusCode": 200, "isBase64Encoded": true, "body": "aGk="}"#, 200, "application/json", "hi"),
        (r#"{"statusCode": 200, "body": {}}"#, 502, "text/plain", "Internal Server Error"),
        (r#"{"statusCode": 600}"#, 502, "text/plain", "Internal Server Error"),
        ("not json", 502, "text/plain", "Internal Server Error"),
    ] {
        let answer = ask(&house, "POST", "/say", &[("content-type", "text/plain")], payload).await;
        let found = (answer.status, answer.header("content-type"), answer.body.as_str());
        assert_eq!(found, (status, kind, body), "{payload}");
        assert_eq!(answer.header("content-length"), body.len().to_string(), "{payload}");
        assert_eq!(answer.header("x-amzn-requestid").len(), 36, "{payload}");
        assert!(answer.header("x-amzn-trace-id").starts_with("Root=1-"), "{payload}");
    }
    let cookies =
        r#"{"statusCode": 200, "cookies": ["a=1; Path=/", "b=2"], "headers": {"content-length": "9"}}"#;
    let answer = ask(&house, "POST", "/say", &[("content-type", "text/plain")], cookies).await;
    let set: Vec<_> = answer.headers.get_all("set-cookie").iter().collect();
    assert_eq!(set, ["a=1; Path=/", "b=2"]);
    assert_eq!(
        (answer.header("content-length"), answer.header("x-amzn-remapped-content-length")),
        ("0", "9")
    );
}

#[tokio::test]
async fn the_event() {
    let house = with_url("plain").start().await;
    let headers = [
        ("host", "shop.example.com:81"),
        ("cookie", "a=1; b=2"),
        ("x-forwarded-for", "192.0.2.1"),
        ("connection", "x-mine, host"),
        ("x-mine", "1"),
        ("x-many", "one"),
        ("x-many", "two"),
    ];
    let answer = ask(&house, "PUT", "/pa2%2Fth/1?x=1&x=2&y=a+b", &headers, "").await;
    let event = answer.json();
    let context = &event["requestContext"];
    for (found, expect) in [
        (&event["rawPath"], "/pa2%2Fth/1"),
        (&event["rawQueryString"], "x=1&x=2&y=a+b"),
        (&event["queryStringParameters"]["x"], "1,2"),
        (&event["routeKey"], "$default"),
        (&event["headers"]["x-many"], "one,two"),
        (&event["headers"]["host"], "shop.example.com:81"),
        (&event["headers"]["x-forwarded-for"], "127.0.0.1"),
        (&event["headers"]["x-forwarded-proto"], "http"),
        (&event["headers"]["x-forwarded-port"], &url(&house).port().to_string()),
        (&event["cookies"][1], "b=2"),
        (&context["domainName"], "shop.example.com"),
        (&context["accountId"], "anonymous"),
        (&context["http"]["method"], "PUT"),
        (&context["http"]["path"], "/pa2/th/1"),
        (&context["http"]["sourceIp"], "127.0.0.1"),
        (&context["requestId"], answer.header("x-amzn-requestid")),
    ] {
        assert_eq!(found, expect, "{event}");
    }
    assert_eq!(context["apiId"].as_str().unwrap().len(), 32);
    assert!(event["headers"].get("x-mine").is_none() && event.get("body").is_none(), "{event}");
    let id = answer.header("x-amzn-requestid");
    assert!(house.emulator.as_ref().unwrap().recorded(id).is_some());
}

#[tokio::test]
async fn pages_of_other_origins() {
    let mut plan = with_url("plain");
    if let Some(url) = &mut plan.run.url {
        let allow_origins = vec!["https://a.example".to_owned()];
        url.cors = Some(UrlCors { allow_origins, allow_methods: vec!["*".to_owned()], ..UrlCors::default() });
    }
    let house = plan.start().await;
    let origin = ("origin", "https://a.example");
    let asked = [origin, ("access-control-request-method", "PUT")];
    let preflight = ask(&house, "OPTIONS", "/raise", &asked, "").await;
    assert_eq!((preflight.status, preflight.body.as_str()), (200, ""), "the function is not asked");
    assert_eq!(preflight.header("access-control-allow-origin"), "https://a.example");
    assert_eq!(preflight.header("access-control-allow-methods"), "*");
    let own =
        r#"{"statusCode":200,"headers":{"access-control-allow-origin":"*","vary":"Accept"},"body":"x"}"#;
    let kind = ("content-type", "text/plain");
    for (headers, expect) in [(vec![kind, origin], "https://a.example"), (vec![kind], "")] {
        let answer = ask(&house, "POST", "/say", &headers, own).await;
        assert_eq!((answer.body.as_str(), answer.header("access-control-allow-origin")), ("x", expect));
        assert_eq!(answer.header("vary"), "Accept");
    }
    let failed = ask(&house, "GET", "/raise", &[origin], "").await;
    assert_eq!((failed.status, failed.header("access-control-allow-origin")), (502, "https://a.example"));
}

#[tokio::test]
async fn signed_requests_only() {
    let keys = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(id, secret)| ((*id).to_owned(), Secret::new(*secret))).collect::<Vec<_>>()
    };
    let start = async |pairs: &[(&str, &str)], strangers| {
        let mut plan = with_url("plain");
        plan.key_pairs = keys(pairs);
        plan.strangers = strangers;
        if let Some(url) = &mut plan.run.url {
            url.auth = UrlAuth::AwsIam;
        }
        plan.start().await
    };
    let house = start(&[("AKIDEXAMPLE", "right")], false).await;
    let unsigned = ask(&house, "GET", "/", &[], "").await;
    assert_eq!((unsigned.status, unsigned.header("x-amzn-errortype")), (403, "AccessDeniedException"));
    assert_eq!(unsigned.body, r#"{"Message":"Forbidden"}"#);

    let signed = async |house: &House, secret: &str| {
        let host = url(house).to_string();
        let headers = sign(&host, "/x?a=1", secret);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        ask(house, "GET", "/x?a=1", &headers, "").await
    };
    let wrong = signed(&house, "wrong").await;
    assert_eq!((wrong.status, wrong.header("x-amzn-errortype")), (403, "InvalidSignatureException"));
    let event = signed(&house, "right").await.json();
    let context = &event["requestContext"];
    assert_eq!(context["accountId"], "000000000000");
    let iam = &context["authorizer"]["iam"];
    assert_eq!((&iam["accessKey"], &iam["accountId"]), (&"AKIDEXAMPLE".into(), &"000000000000".into()));
    assert_eq!(iam["userArn"], "arn:aws:iam::000000000000:user/local");
    assert_eq!(context["http"]["method"], "GET");
    assert!(event["headers"].get("authorization").is_none() && !event["headers"]["x-amz-date"].is_null());

    // Without credentials any key may sign.
    assert_eq!(signed(&start(&[], false).await, "any").await.status, 200);

    // As in `lambridge dev`, which signs with a pair of its own: a stranger's key is as good as without it, a known one is checked.
    assert_eq!(signed(&start(&[("AKIDOTHER", "own")], true).await, "any").await.status, 200);
    let house = start(&[("AKIDEXAMPLE", "right")], true).await;
    assert_eq!(signed(&house, "wrong").await.status, 403);
    assert_eq!(ask(&house, "GET", "/", &[], "").await.status, 403);
}

/// The headers of a request without a body, by AWS's own signer.
fn sign(host: &str, target: &str, secret: &str) -> Vec<(String, String)> {
    let credentials = aws_credential_types::Credentials::new("AKIDEXAMPLE", secret, None, None, "test");
    let identity = credentials.into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("lambda")
        .time(std::time::SystemTime::now())
        .settings(SigningSettings::default())
        .build()
        .unwrap()
        .into();
    let uri = format!("http://{host}{target}");
    let request =
        SignableRequest::new("GET", uri, [("host", host)].into_iter(), SignableBody::Bytes(b"")).unwrap();
    let (instructions, _) = aws_sigv4::http_request::sign(request, &params).unwrap().into_parts();
    let (headers, _) = instructions.into_parts();
    let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let signed = headers.iter().map(|header| own(header.name(), header.value()));
    signed.chain([own("host", host)]).collect()
}

#[tokio::test]
async fn failures() {
    let mut plan = with_url("plain");
    plan.run.timeout = Duration::from_secs(2);
    let house = plan.start().await;
    for what in ["raise", "hang", "flood"] {
        let answer = ask(&house, "GET", &format!("/{what}"), &[], "").await;
        assert_eq!((answer.status, answer.body.as_str()), (502, "Internal Server Error"), "{what}");
    }
    let answer = ask(&house, "POST", "/say", &[], &"x".repeat(6_291_557)).await;
    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (413, "RequestTooLargeException"));
    let mut none = with_url("plain");
    none.run.instances = 0;
    none.run.queue = 0;
    let answer = ask(&none.start().await, "GET", "/", &[], "").await;
    assert_eq!((answer.status, answer.header("x-amzn-errortype")), (429, "TooManyRequestsException"));
}
