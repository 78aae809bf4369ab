//! Calls against a fake of Lambda that can also fail: every outcome, and what each says about the function.

#![allow(clippy::unwrap_used)] // A file of tests: helpers outside of test functions panic as they do.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials as SdkKeys;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use lambridge_invoke::{
    Call, ClientError, Executed, InvokeError, Invoked, Lambda, Listed, ListedAlias, Pool,
};
use lambridge_model::{AssumeRole, ConnectionSettings, Credentials, Function, Secret};
use lambridge_testkit::{Answer, FakeLambda, Request};
use lambridge_wire::invoke::InvocationType;
use tokio::time::Instant;

const SECRET: &str = "hunter2hunter2";
/// Longer than any test needs.
const LONG: Duration = Duration::from_secs(20);

fn keys() -> Credentials {
    Credentials::Static {
        access_key_id: "AKIDEXAMPLE".to_owned(),
        secret_access_key: Secret::new(SECRET),
        session_token: None,
    }
}

fn function(endpoint: &str) -> Function {
    Function {
        region: Some("eu-west-1".to_owned()),
        endpoint: Some(endpoint.to_owned()),
        credentials: keys(),
        timeout: LONG,
        ..Function::new("shop:live".parse().unwrap())
    }
}

fn pool(max: usize) -> Pool {
    Pool::new(Arc::new(|_| None), ConnectionSettings { max, ..ConnectionSettings::default() })
}

fn client(endpoint: &str) -> Lambda {
    pool(10).client(&function(endpoint)).unwrap()
}

async fn call_within(client: &Lambda, payload: &str, within: Duration) -> Result<Invoked, InvokeError> {
    let target = Lambda::target(&function("http://unused"));
    let call = Call {
        target: &target,
        kind: InvocationType::RequestResponse,
        payload: payload.to_owned().into(),
        log_tail: false,
        trace_id: None,
        tenant_id: None,
        deadline: Instant::now() + within,
    };
    client.invoke(call).await
}

async fn call(client: &Lambda, payload: &str) -> Result<Invoked, InvokeError> {
    call_within(client, payload, LONG).await
}

#[tokio::test]
async fn an_answer() {
    let lambda = FakeLambda::answering(
        Answer::ok("{\"a\":1}")
            .header("X-Amz-Executed-Version", "7")
            .header("X-Amz-Function-Error", "Unhandled")
            .header("X-Amz-Log-Result", "bG9n")
            .header("x-amzn-RequestId", "id-1"),
    );
    let client = client(&lambda.endpoint());
    let target = Lambda::target(&function("http://unused"));
    let invoked = client
        .invoke(Call {
            target: &target,
            kind: InvocationType::Event,
            payload: "{}".into(),
            log_tail: true,
            trace_id: Some("Root=1-2-3"),
            tenant_id: None,
            deadline: Instant::now() + LONG,
        })
        .await
        .unwrap();
    assert_eq!((invoked.status, &invoked.payload[..]), (200, &b"{\"a\":1}"[..]));
    assert_eq!(invoked.function_error.as_deref(), Some("Unhandled"));
    assert_eq!(invoked.executed_version.as_deref(), Some("7"));
    assert_eq!(invoked.log_tail.as_deref(), Some("bG9n"));
    assert_eq!(invoked.request_id.as_deref(), Some("id-1"));

    let request = &lambda.requests()[0];
    assert_eq!(request.method, "POST");
    assert_eq!(request.target, "/2015-03-31/functions/shop/invocations?Qualifier=live");
    assert_eq!(request.body, b"{}");
    for (name, value) in [
        ("x-amz-invocation-type", "Event"),
        ("x-amz-log-type", "Tail"),
        ("x-amzn-trace-id", "Root=1-2-3"),
        ("content-type", "application/json"),
        ("content-length", "2"),
    ] {
        assert_eq!(request.header(name).as_deref(), Some(value), "{name}");
    }
}

#[tokio::test]
async fn refusals() {
    let lambda = FakeLambda::echo();
    let client = client(&lambda.endpoint());
    let no = Executed::No;
    for (status, kind, body, text, executed) in [
        (429, "TooManyRequestsException", r#"{"Reason":"R"}"#, "throttled: R", no),
        (404, "ResourceNotFoundException:http://x", r#"{"Message":"m"}"#, "function not found: m", no),
        (403, "AccessDeniedException", r#"{"message":"m"}"#, "access denied (AccessDeniedException): m", no),
        (413, "RequestTooLargeException", "{}", "the event is larger than Lambda takes", no),
        (400, "K", r#"{"message":"m"}"#, "Lambda refused the request with 400 K: m", no),
        (502, "ENINotReadyException", "{}", "Lambda failed with 502 ENINotReadyException: ", no),
        (502, "KMSDisabledException", "{}", "Lambda failed with 502 KMSDisabledException: ", Executed::Maybe),
        (
            500,
            "ServiceException",
            r#"{"Message":"m"}"#,
            "Lambda failed with 500 ServiceException: m",
            Executed::Maybe,
        ),
    ] {
        lambda.push(
            Answer::new(status).header("x-amzn-ErrorType", kind).header("x-amzn-RequestId", "id").body(body),
        );
        let error = call(&client, "{}").await.unwrap_err();
        assert_eq!((error.to_string().as_str(), error.executed()), (text, executed));
        assert_eq!(error.request_id(), (status != 413).then_some("id"));
    }
    let connections: BTreeSet<_> = lambda.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections.len(), 1, "a refusal does not cost the connection");
}

#[tokio::test]
async fn other_kinds_of_success() {
    let lambda = FakeLambda::echo();
    let client = client(&lambda.endpoint());
    for status in [200, 202, 204] {
        lambda.push(Answer::new(status));
        let invoked = call(&client, "{}").await.unwrap();
        assert_eq!((invoked.status, invoked.payload.len(), invoked.function_error), (status, 0, None));
    }
}

#[tokio::test]
async fn refused_connection() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let error = call(&client(&format!("http://127.0.0.1:{port}")), "{}").await.unwrap_err();
    assert!(matches!(error, InvokeError::Unreachable { executed: Executed::No, .. }), "{error:?}");
}

#[tokio::test]
async fn broken_after_the_request() {
    for answer in [
        Answer::reset(),
        Answer::close(),
        Answer::raw("nonsense\r\n\r\n"),
        Answer::ok("0123456789").close_in_body(3),
        Answer::ok("0123456789").reset_in_body(3),
    ] {
        let lambda = FakeLambda::answering(answer);
        let error = call(&client(&lambda.endpoint()), "{}").await.unwrap_err();
        assert!(matches!(error, InvokeError::Unreachable { executed: Executed::Maybe, .. }), "{error:?}");
        assert_eq!(lambda.requests().len(), 1, "nothing is sent twice");
    }
}

#[tokio::test]
async fn a_deadline_says_whether_the_request_had_left() {
    let lambda = FakeLambda::answering(Answer::silence());
    let short = Duration::from_millis(150);
    let client = pool(1).client(&function(&lambda.endpoint())).unwrap();
    let first = call_within(&client, "{}", LONG);
    let second = async {
        lambda.wait_for(1).await;
        call_within(&client, "{}", short).await
    };
    tokio::select! {
        outcome = first => panic!("{outcome:?}"),
        outcome = second => assert!(matches!(outcome, Err(InvokeError::Timeout { executed: Executed::No })), "{outcome:?}"),
    }
    // The first call was given up, so its connection is free for this one, which is sent.
    let outcome = call_within(&client, "{}", short).await;
    assert!(matches!(outcome, Err(InvokeError::Timeout { executed: Executed::Maybe })), "{outcome:?}");
    let body = FakeLambda::answering(Answer::ok("0123456789").silence_in_body(3));
    let outcome = call_within(&self::client(&body.endpoint()), "{}", short).await;
    assert!(matches!(outcome, Err(InvokeError::Timeout { executed: Executed::Maybe })), "{outcome:?}");
}

#[tokio::test]
async fn connections_are_kept() {
    let lambda = FakeLambda::echo();
    let client = client(&lambda.endpoint());
    let large = "x".repeat(3_000_000);
    for payload in ["{}", &large, "", "[1]"] {
        assert_eq!(call(&client, payload).await.unwrap().payload, payload);
    }
    assert!(lambda.requests().iter().all(|request| request.connection == 0));
}

#[tokio::test]
async fn a_connection_closed_at_rest_is_noticed() {
    let lambda = FakeLambda::echo();
    let (client, other) = (client(&lambda.endpoint()), client(&lambda.endpoint()));
    for round in 0..20 {
        let unannounced = Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}");
        lambda.push(if round % 2 == 0 { unannounced } else { Answer::ok("{}").then_close() });
        call(&client, "{}").await.unwrap();
        // The fake is one thread: once it has answered another client, it has closed.
        call(&other, "{}").await.unwrap();
        assert_eq!(call(&client, "again").await.unwrap().payload, "again");
    }
}

#[tokio::test]
async fn chunked_answers_are_joined_and_bounded() {
    let lambda =
        FakeLambda::answering(Answer::ok("").chunks(&[b"ab", b"cd", b"e"], Duration::from_millis(1)));
    assert_eq!(call(&client(&lambda.endpoint()), "{}").await.unwrap().payload, "abcde");

    let half = vec![b'x'; 4 * 1024 * 1024];
    for answer in [
        Answer::ok([half.clone(), half.clone()].concat()),
        Answer::ok("").chunks(&[&half, &half], Duration::ZERO),
    ] {
        let lambda = FakeLambda::answering(answer);
        let error = call(&client(&lambda.endpoint()), "{}").await.unwrap_err();
        assert!(matches!(error, InvokeError::AnswerTooLarge { limit: 6_291_556 }), "{error:?}");
    }
}

#[tokio::test]
async fn at_most_so_many_connections() {
    let lambda = FakeLambda::answering(Answer::ok("{}").after(Duration::from_millis(5)));
    let client = pool(3).client(&function(&lambda.endpoint())).unwrap();
    let calls: Vec<_> = (0..30)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { call(&client, "{}").await.map(|_| ()) })
        })
        .collect();
    for call in calls {
        call.await.unwrap().unwrap();
    }
    let connections: BTreeSet<_> = lambda.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections.len(), 3);
}

/// Whether `request` is signed as AWS's own signer would have within the last seconds.
fn is_well_signed(request: &Request, endpoint: &str, id: &str, secret: &str, token: Option<&str>) -> bool {
    let authorization = request.header("authorization").unwrap();
    let signed =
        authorization.split("SignedHeaders=").nth(1).and_then(|rest| rest.split(',').next()).unwrap();
    let added = ["x-amz-date", "x-amz-security-token"];
    let headers: Vec<(String, String)> = signed
        .split(';')
        .filter(|name| !added.contains(name))
        .map(|name| (name.to_owned(), request.header(name).unwrap()))
        .collect();
    let uri = format!("{endpoint}{}", request.target);
    let identity = SdkKeys::new(id, secret, token.map(str::to_owned), None, "test").into();
    (0..60).any(|age| {
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region("eu-west-1")
            .name("lambda")
            .time(SystemTime::now() - Duration::from_secs(age))
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let pairs = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let signable =
            SignableRequest::new(&request.method, &uri, pairs, SignableBody::Bytes(&request.body)).unwrap();
        let (_, signature) = sign(signable, &params).unwrap().into_parts();
        authorization.ends_with(&format!("Signature={signature}"))
    })
}

#[tokio::test]
async fn what_arrives_is_well_signed() {
    let lambda = FakeLambda::echo();
    let endpoint = lambda.endpoint();
    let arn = "arn:aws:lambda:eu-west-1:123456789012:function:shop".parse().unwrap();
    let function = Function {
        name: arn,
        qualifier: Some("$LATEST".to_owned()),
        ..function(&format!("{endpoint}/base/"))
    };
    let target = Lambda::target(&function);
    for (kind, log_tail) in [(InvocationType::RequestResponse, false), (InvocationType::DryRun, true)] {
        let payload = "{\"a\":1}".into();
        let deadline = Instant::now() + LONG;
        let call = Call {
            target: &target,
            kind,
            payload,
            log_tail,
            trace_id: Some("Root=1"),
            tenant_id: None,
            deadline,
        };
        pool(1).client(&function).unwrap().invoke(call).await.unwrap();
    }
    for request in lambda.requests() {
        assert!(
            request.target.starts_with("/base/2015-03-31/functions/arn%3Aaws%3Alambda"),
            "{}",
            request.target
        );
        assert!(is_well_signed(&request, &endpoint, "AKIDEXAMPLE", SECRET, None), "{request:?}");
        assert!(!is_well_signed(&request, &endpoint, "AKIDEXAMPLE", "other", None));
    }
}

#[tokio::test]
async fn all_pages_of_a_list() {
    let lambda = FakeLambda::echo();
    let endpoint = lambda.endpoint();
    let client = client(&format!("{endpoint}/base"));
    let entry = |name: &str, version: &str| {
        format!(r#"{{"FunctionName":"{name}","Version":"{version}","FunctionArn":"a","CodeSize":1}}"#)
    };
    let (first, second) = (entry("f", "$LATEST"), entry("f", "7"));
    lambda.push(Answer::ok(format!(r#"{{"Functions":[{first},{second}],"NextMarker":"a+/ =="}}"#)));
    lambda.push(Answer::ok(format!(r#"{{"Functions":[{}],"NextMarker":null}}"#, entry("g", "$LATEST"))));
    let listed = client.list_functions(Instant::now() + LONG).await.unwrap();
    let expect = [("f", "$LATEST"), ("f", "7"), ("g", "$LATEST")]
        .map(|(name, version)| Listed { name: name.to_owned(), version: version.to_owned() });
    assert_eq!(listed, expect);

    lambda.push(Answer::ok(r#"{"Aliases":[{"Name":"live","FunctionVersion":"7"}]}"#));
    let name = "arn:aws:lambda:eu-west-1:123456789012:function:f:live".parse().unwrap();
    let listed = client.list_aliases(&name, Instant::now() + LONG).await.unwrap();
    assert_eq!(listed, [ListedAlias { name: "live".to_owned(), version: "7".to_owned() }]);

    let requests = lambda.requests();
    let targets: Vec<_> = requests.iter().map(|request| request.target.as_str()).collect();
    assert_eq!(
        targets,
        [
            "/base/2015-03-31/functions?FunctionVersion=ALL",
            "/base/2015-03-31/functions?FunctionVersion=ALL&Marker=a%2B%2F%20%3D%3D",
            "/base/2015-03-31/functions/arn%3Aaws%3Alambda%3Aeu-west-1%3A123456789012%3Afunction%3Af/aliases",
        ]
    );
    for request in requests {
        assert_eq!((request.method.as_str(), request.body.len()), ("GET", 0));
        assert!(is_well_signed(&request, &endpoint, "AKIDEXAMPLE", SECRET, None), "{request:?}");
    }
}

#[tokio::test]
async fn lists_that_fail() {
    let lambda = FakeLambda::echo();
    let client = client(&lambda.endpoint());
    let page = |marker: &str| Answer::ok(format!(r#"{{"Functions":[],"NextMarker":"{marker}"}}"#));
    let denied =
        Answer::new(403).header("x-amzn-ErrorType", "AccessDeniedException").body(r#"{"Message":"m"}"#);
    for (answers, expect) in [
        (vec![Answer::ok("[1")], "Lambda failed with 200 MalformedAnswer: the list cannot be read: "),
        (vec![page("a"), page("a")], "Lambda failed with 200 MalformedAnswer: the list repeats a page"),
        (
            vec![page(&"a".repeat(8193))],
            "Lambda failed with 200 MalformedAnswer: the list's marker is too long",
        ),
        (vec![page("a"), denied], "access denied (AccessDeniedException): m"),
        (vec![Answer::ok("x".repeat(6_291_557))], "the answer is larger than 6291556 bytes"),
    ] {
        answers.into_iter().for_each(|answer| lambda.push(answer));
        let error = client.list_functions(Instant::now() + LONG).await.unwrap_err();
        assert!(error.to_string().starts_with(expect), "{error}");
    }
    lambda.push(Answer::silence());
    let error = client.list_functions(Instant::now() + Duration::from_millis(100)).await.unwrap_err();
    assert!(matches!(error, InvokeError::Timeout { .. }), "{error:?}");
}

#[tokio::test]
async fn a_list_without_end() {
    let count = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let pages = Arc::clone(&count);
    let lambda = FakeLambda::with(move |_| {
        let number = pages.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Answer::ok(format!(r#"{{"Functions":[],"NextMarker":"{number}"}}"#))
    });
    let error = client(&lambda.endpoint()).list_functions(Instant::now() + LONG).await.unwrap_err();
    assert!(matches!(error, InvokeError::AnswerTooLarge { .. }), "{error:?}");
    assert_eq!(count.load(std::sync::atomic::Ordering::Relaxed), 2000);
}

/// What STS answers to AssumeRole.
fn assumed(id: &str, secret: &str, token: &str) -> Answer {
    Answer::ok(format!(
        "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>\
        <AssumedRoleUser><AssumedRoleId>R:s</AssumedRoleId><Arn>arn:aws:sts::1:assumed-role/r/s</Arn></AssumedRoleUser>\
        <Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{secret}</SecretAccessKey>\
        <SessionToken>{token}</SessionToken><Expiration>2199-01-01T00:00:00Z</Expiration></Credentials>\
        </AssumeRoleResult></AssumeRoleResponse>"
    ))
    .header("content-type", "text/xml")
}

/// The second role is assumed with the keys of the first, and only a transitive tag is said to be one.
#[tokio::test]
async fn a_chain_of_roles_with_tags() {
    let sts = FakeLambda::echo();
    sts.push(assumed("ASIAFIRST", "first-secret", "first-token"));
    sts.push(assumed("ASIASECOND", "second-secret", "second-token"));
    let lambda = FakeLambda::echo();
    let url = sts.endpoint();
    let pool = Pool::new(
        Arc::new(move |name| (name == "AWS_ENDPOINT_URL_STS").then(|| url.clone())),
        ConnectionSettings::default(),
    );
    let first = AssumeRole {
        tags: [("team", "shop"), ("cost center", "1")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
        transitive_tags: vec!["team".to_owned()],
        ..AssumeRole::new("arn:aws:iam::123456789012:role/first".to_owned(), keys())
    };
    let base = Credentials::AssumeRole(Box::new(first));
    let second = AssumeRole::new("arn:aws:iam::123456789012:role/second".to_owned(), base);
    let credentials = Credentials::AssumeRole(Box::new(second));
    let client = pool.client(&Function { credentials, ..function(&lambda.endpoint()) }).unwrap();
    call(&client, "{}").await.unwrap();
    let asked: Vec<(String, String)> = sts
        .requests()
        .iter()
        .map(|request| {
            let form = String::from_utf8_lossy(&request.body).into_owned();
            (request.header("authorization").unwrap_or_default(), form)
        })
        .collect();
    let [(by_keys, first), (by_first, second)] = asked.as_slice() else { panic!("{asked:?}") };
    assert!(
        by_keys.contains("Credential=AKIDEXAMPLE/") && by_first.contains("Credential=ASIAFIRST/"),
        "{asked:?}"
    );
    for part in [
        "Tags.member.1.Key=cost%20center&Tags.member.1.Value=1",
        "Tags.member.2.Key=team&Tags.member.2.Value=shop",
        "TransitiveTagKeys.member.1=team",
    ] {
        assert!(first.contains(part), "{first}");
    }
    assert!(!second.contains("Tag"), "{second}");
    let request = &lambda.requests()[0];
    assert!(is_well_signed(request, &lambda.endpoint(), "ASIASECOND", "second-secret", Some("second-token")));
}

/// A tenant is signed as it is sent, spaces included.
#[tokio::test]
async fn a_tenant() {
    let lambda = FakeLambda::echo();
    let client = client(&lambda.endpoint());
    let target = Lambda::target(&function("http://unused"));
    for tenant in [Some("blue"), Some("a  b@c"), None] {
        let call = Call {
            target: &target,
            kind: InvocationType::RequestResponse,
            payload: "{}".into(),
            log_tail: false,
            trace_id: None,
            tenant_id: tenant,
            deadline: Instant::now() + LONG,
        };
        client.invoke(call).await.unwrap();
        let request = lambda.requests().pop().unwrap();
        assert_eq!(request.header("x-amz-tenant-id").as_deref(), tenant);
        assert!(is_well_signed(&request, &lambda.endpoint(), "AKIDEXAMPLE", SECRET, None));
        let signed = request.header("authorization").unwrap_or_default();
        assert_eq!(signed.contains("x-amz-tenant-id"), tenant.is_some(), "{signed}");
    }
}

#[tokio::test]
async fn a_role_is_assumed_once() {
    let sts = FakeLambda::answering(assumed("ASIAROLE", "role-secret", "role-token"));
    let lambda = FakeLambda::echo();
    let url = sts.endpoint();
    let pool = Pool::new(
        Arc::new(move |name| (name == "AWS_ENDPOINT_URL_STS").then(|| url.clone())),
        ConnectionSettings::default(),
    );
    let role = AssumeRole {
        external_id: Some("partner-42".to_owned()),
        ..AssumeRole::new("arn:aws:iam::123456789012:role/invoke".to_owned(), keys())
    };
    let credentials = Credentials::AssumeRole(Box::new(role));
    let client = pool.client(&Function { credentials, ..function(&lambda.endpoint()) }).unwrap();
    for _ in 0..3 {
        call(&client, "{}").await.unwrap();
    }
    let asked = sts.requests();
    assert_eq!(asked.len(), 1);
    for part in ["Action=AssumeRole", "ExternalId=partner-42", "RoleSessionName=lambridge"] {
        assert!(
            asked[0].text().contains(part) || String::from_utf8_lossy(&asked[0].body).contains(part),
            "{asked:?}"
        );
    }
    for request in lambda.requests() {
        assert_eq!(request.header("x-amz-security-token").as_deref(), Some("role-token"));
        assert!(is_well_signed(&request, &lambda.endpoint(), "ASIAROLE", "role-secret", Some("role-token")));
    }
}

#[tokio::test]
async fn no_credentials() {
    let lambda = FakeLambda::echo();
    let credentials = Credentials::Profile("there-is-no-such-profile".to_owned());
    let client = pool(1).client(&Function { credentials, ..function(&lambda.endpoint()) }).unwrap();
    let error = call(&client, "{}").await.unwrap_err();
    assert!(matches!(error, InvokeError::NoCredentials { .. }), "{error:?}");
    assert_eq!((error.executed(), lambda.requests().len()), (Executed::No, 0));
}

#[tokio::test]
async fn equal_settings_share_a_client() {
    let lambda = FakeLambda::echo();
    let pool = pool(10);
    let first = pool.client(&function(&lambda.endpoint())).unwrap();
    call(&first, "{}").await.unwrap();
    let renamed = Function { name: "other".parse().unwrap(), ..function(&lambda.endpoint()) };
    call(&pool.client(&renamed).unwrap(), "{}").await.unwrap();
    let elsewhere = Function { region: Some("us-east-1".to_owned()), ..function(&lambda.endpoint()) };
    call(&pool.client(&elsewhere).unwrap(), "{}").await.unwrap();
    let connections: Vec<_> = lambda.requests().iter().map(|request| request.connection).collect();
    assert_eq!(connections, [0, 0, 1]);
}

#[tokio::test]
async fn settings_from_the_environment() {
    let lambda = FakeLambda::echo();
    let url = lambda.endpoint();
    let env = move |name: &str| match name {
        "AWS_ENDPOINT_URL_LAMBDA" => Some(url.clone()),
        "AWS_ENDPOINT_URL" => Some("http://127.0.0.1:1".to_owned()),
        "AWS_REGION" => Some(String::new()),
        "AWS_DEFAULT_REGION" => Some("sa-east-1".to_owned()),
        _ => None,
    };
    let bare = Function { region: None, endpoint: None, ..function("") };
    call(&Pool::new(Arc::new(env), ConnectionSettings::default()).client(&bare).unwrap(), "{}")
        .await
        .unwrap();
    let authorization = lambda.requests()[0].header("authorization").unwrap();
    assert!(authorization.contains("/sa-east-1/lambda/aws4_request"), "{authorization}");
}

#[test]
fn a_bad_endpoint() {
    let error = pool(1).client(&function("localhost:9000")).unwrap_err();
    assert_eq!(error, ClientError::BadEndpoint { endpoint: "localhost:9000".to_owned() });
}

#[test]
fn debug_shows_no_secret() {
    let pool = pool(1);
    let client = pool.client(&function("http://127.0.0.1:9000")).unwrap();
    let shown = format!("{pool:?} {client:?}");
    assert!(!shown.contains(SECRET) && !shown.contains("AKID"), "{shown}");
}
