//! The gateway through real sockets, before a fake Lambda that does what it is told.

// Tests may fail by unwrapping; clippy's own exception does not reach functions beside them.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use lambridge_gateway::{Gateway, StartError};
use lambridge_model::{Concurrency, Invocation, PathMatch, RetryOn, StaticAnswer, Target, Weighted};
use lambridge_testkit::{Answer, FakeLambda};
use support::{get, model, rest, route, start, surroundings, talk, verdict};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A function URL answer.
fn proxy(body: &str) -> Answer {
    Answer::ok(format!(r#"{{"statusCode":200,"headers":{{"content-type":"text/plain"}},"body":"{body}"}}"#))
        .header("x-amzn-RequestId", "aws-1")
}

fn aws_error(status: u16, kind: &str) -> Answer {
    Answer::new(status)
        .header("x-amzn-ErrorType", kind)
        .body(r#"{"Message":"arn:aws:lambda:us-east-1:123456789012:function:secret"}"#)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_becomes_an_event_and_an_answer() {
    let world = start(FakeLambda::answering(proxy("hello")), |_| {}).await;
    let answer = get(world.address, "GET", "/a%20b?x=1").await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\nhello"), "{answer}");
    assert!(answer.contains("content-length: 5\r\n"), "{answer}");
    let id = answer.split("x-request-id: ").nth(1).unwrap().split('\r').next().unwrap();
    let event = world.lambda.requests()[0].text();
    for part in [r#""rawPath":"/a%20b""#, r#""rawQueryString":"x=1""#, id] {
        assert!(event.contains(part), "{part} in {event}");
    }
    let lines = world.lines.lock().unwrap().clone();
    assert_eq!(lines.len(), 1);
    for part in ["GET /a%20b?x=1 200", "lambda_request_id=aws-1", "route=all", "function=f", id] {
        assert!(lines[0].contains(part), "{part} in {}", lines[0]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_error_table() {
    let world = start(FakeLambda::echo(), |model| {
        model.routes[0].matcher.path = PathMatch::Prefix("/f".into());
        let mut none = route("none", PathMatch::Prefix("/none".into()));
        none.target = Target::Functions(vec![Weighted { function: "f".into(), weight: 0 }]);
        let mut get = route("get", PathMatch::Prefix("/get".into()));
        get.matcher.methods = vec!["GET".into(), "PUT".into()];
        model.routes.extend([none, get]);
        model.functions.get_mut("f").unwrap().timeout = Duration::from_millis(300);
    })
    .await;
    let failed = |payload: &str| Answer::ok(payload).header("X-Amz-Function-Error", "Unhandled");
    let rows = [
        ("GET", "/nowhere", None, 404, "no_route"),
        ("GET", "/none", None, 503, "no_target"),
        ("POST", "/get", None, 405, "method_not_allowed"),
        ("GET", "/f", Some(failed(r#"{"errorMessage":"secret"}"#)), 502, "function_error"),
        (
            "GET",
            "/f",
            Some(failed(r#"{"errorType":"Function.ResponseSizeTooLarge"}"#)),
            502,
            "answer_too_large",
        ),
        ("GET", "/f", Some(Answer::ok(r#"{"statusCode":"x"}"#)), 502, "malformed_answer"),
        ("GET", "/f", Some(Answer::ok(r#"{"statusCode":100}"#)), 502, "malformed_answer"),
        ("GET", "/f", Some(Answer::ok(r#"{"statusCode":600}"#)), 502, "malformed_answer"),
        (
            "GET",
            "/f",
            Some(Answer::ok(r#"{"statusCode":200,"headers":{"a\n":"b"}}"#)),
            502,
            "malformed_answer",
        ),
        ("GET", "/f", Some(aws_error(400, "InvalidRequestContentException")), 502, "invalid_request"),
        ("GET", "/f", Some(aws_error(413, "RequestTooLargeException")), 413, "event_too_large"),
        ("GET", "/f", Some(aws_error(429, "TooManyRequestsException")), 503, "throttled"),
        ("GET", "/f", Some(aws_error(404, "ResourceNotFoundException")), 502, "not_found"),
        ("GET", "/f", Some(aws_error(403, "AccessDeniedException")), 502, "access_denied"),
        ("GET", "/f", Some(aws_error(500, "ServiceException")), 502, "service_error"),
        ("GET", "/f", Some(Answer::reset()), 502, "unreachable"),
        ("GET", "/f", Some(Answer::silence()), 504, "timeout"),
    ];
    for (method, path, lambda, status, reason) in rows {
        if let Some(answer) = lambda {
            world.lambda.push(answer);
        }
        let answer = get(world.address, method, path).await;
        assert_eq!(verdict(&answer), (status, reason.to_owned()), "{method} {path}: {answer}");
        assert!(answer.contains("application/problem+json"), "{answer}");
        assert!(!answer.contains("secret") && !answer.contains("arn:"), "{answer}");
        assert!(world.lines.lock().unwrap().last().unwrap().contains(&format!("reason={reason}")));
        assert_eq!(answer.contains("allow: GET, PUT\r\n"), status == 405, "{answer}");
        assert_eq!(answer.contains("retry-after: "), reason == "throttled", "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_heads_are_answered_and_the_connection_closes() {
    let world = start(FakeLambda::answering(proxy("ok")), |model| model.limits.head = 1000).await;
    let rows = [
        (
            "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n",
            400,
            "bad_request",
        ),
        ("POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n", 400, "bad_request"),
        ("GET / HTTP/1.1\r\nhost: h\r\nx: a\r\n b\r\n\r\n", 400, "bad_request"),
        ("GET / HTTP/1.1\nhost: h\n\n", 400, "bad_request"),
        ("GET / HTTP/1.1\r\nhost : h\r\n\r\n", 400, "bad_request"),
        ("GET / HTTP/1.1\r\n\r\n", 400, "bad_request"),
        ("GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400, "bad_request"),
        ("GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400, "bad_request"),
        ("POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400, "bad_request"),
    ];
    for (bytes, status, reason) in rows {
        let answer = talk(world.address, bytes.as_bytes()).await;
        assert_eq!(verdict(&answer), (status, reason.to_owned()), "{bytes:?}: {answer}");
        // As far as it was read: the bare LF made the line none.
        let line = world.lines.lock().unwrap().last().unwrap().clone();
        let (asked, _) = bytes.split_once(" HTTP/1.1\r\n").unwrap_or(("- -", ""));
        assert!(line.contains(&format!(" {asked} {status} reason={reason} ")), "{bytes:?}: {line}");
    }
    let long = format!("GET / HTTP/1.1\r\nhost: h\r\nx: {}\r\n\r\n", "a".repeat(5000));
    assert_eq!(verdict(&talk(world.address, long.as_bytes()).await).1, "head_too_large");
    assert!(world.lambda.requests().is_empty());
    let lines = world.lines.lock().unwrap();
    assert_eq!(lines.len(), rows.len() + 1);
    assert!(lines[rows.len()].contains(" GET / 431 reason=head_too_large "), "{lines:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_pipelined_head_is_answered_after_the_good_one() {
    let world = start(FakeLambda::answering(proxy("first")), |_| {}).await;
    let bytes = "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nabcGET /x HTTP/1.1\r\nhost: h\r\n\r\n\
                 GET / HTTP/1.1\r\nhost: h\r\nx : y\r\n\r\n";
    let answer = talk(world.address, bytes.as_bytes()).await;
    let statuses: Vec<&str> = answer.split("HTTP/1.1 ").skip(1).map(|part| &part[..3]).collect();
    assert_eq!(statuses, ["200", "200", "400"], "{answer}");
    assert_eq!(world.lambda.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_clients() {
    let short = Duration::from_millis(50);
    let world = start(FakeLambda::answering(proxy("ok")), |model| {
        model.limits.head_timeout = short;
        model.limits.body_timeout = short;
        model.limits.idle = short;
    })
    .await;
    assert_eq!(verdict(&talk(world.address, b"GET / HT").await), (408, "request_timeout".into()));
    let half = talk(world.address, b"GET /half HTTP/1.1\r\nhost").await;
    assert_eq!(verdict(&half), (408, "request_timeout".into()));
    for (line, asked) in world.lines.lock().unwrap().iter().zip(["- -", "GET /half"]) {
        assert!(line.contains(&format!(" {asked} 408 reason=request_timeout ")), "{line}");
    }
    let body = b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\na";
    assert_eq!(verdict(&talk(world.address, body).await), (408, "request_timeout".into()));
    assert_eq!(talk(world.address, b"").await, "", "an idle connection ends without a word");
    let kept = talk(world.address, b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert!(kept.ends_with("\r\n\r\nok"), "{kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_bounded() {
    let world = start(FakeLambda::answering(proxy("ok")), |model| {
        model.limits.body = 3000;
        model.limits.buffered_total = 2000;
        model.functions.get_mut("f").unwrap().invoke = Invocation::Async;
    })
    .await;
    let expect = "POST / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 3001\r\n\r\n";
    let answer = talk(world.address, expect.as_bytes()).await;
    assert_eq!(verdict(&answer), (413, "body_too_large".into()), "no 100 first: {answer}");
    let chunk = format!("{:x}\r\n{}\r\n", 1000, "a".repeat(1000));
    let head = "POST / HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n";
    let answer = talk(world.address, format!("{head}{}", chunk.repeat(3)).as_bytes()).await;
    assert_eq!(verdict(&answer), (503, "overloaded".into()), "the memory of all: {answer}");
    assert!(world.lambda.requests().is_empty());
    let fits = format!("{head}{:x}\r\n{}\r\n0\r\n\r\n", 500, "a".repeat(500));
    let answer = talk(world.address, fits.replace("host", "connection: close\r\nhost").as_bytes()).await;
    assert_eq!(verdict(&answer).0, 202, "{answer}");

    let world = start(FakeLambda::echo(), |model| {
        model.functions.get_mut("f").unwrap().invoke = Invocation::Async;
    })
    .await;
    // Quotes double in JSON: the body fits, the event does not.
    let quotes = format!(
        "POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-type: text/plain\r\ncontent-length: 700000\r\n\r\n{}",
        "\"".repeat(700_000)
    );
    assert_eq!(verdict(&talk(world.address, quotes.as_bytes()).await), (413, "event_too_large".into()));
    assert!(world.lambda.requests().is_empty(), "before any call");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodiless_answers() {
    let world = start(FakeLambda::answering(proxy("hello")), |_| {}).await;
    let head = get(world.address, "HEAD", "/").await;
    assert!(head.contains("content-length: 5\r\n") && head.ends_with("\r\n\r\n"), "{head}");
    for status in [204, 205, 304] {
        world.lambda.push(Answer::ok(format!(
            r#"{{"statusCode":{status},"headers":{{"content-length":"9","connection":"x-hop","x-hop":"1"}},"body":"x"}}"#
        )));
        let answer = get(world.address, "GET", "/").await;
        assert_eq!(verdict(&answer).0, status);
        assert!(answer.ends_with("\r\n\r\n"), "{answer}");
        assert!(!answer.contains("content-type") && !answer.contains("x-hop"), "{answer}");
        // Only of a 205 its length says that there is nothing: RFC 9110 section 15.3.6.
        assert_eq!(answer.contains("content-length: 0\r\n"), status == 205, "{answer}");
        assert!(!answer.contains("content-length: 9"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retries() {
    // Method, rule, first answer, calls.
    let rows = [
        ("GET", RetryOn::Safe, aws_error(500, "ServiceException"), 2),
        ("POST", RetryOn::Safe, aws_error(500, "ServiceException"), 1),
        ("POST", RetryOn::Sdk, aws_error(500, "ServiceException"), 2),
        ("POST", RetryOn::Safe, aws_error(429, "TooManyRequestsException"), 2),
        ("GET", RetryOn::Safe, Answer::reset(), 2),
        ("POST", RetryOn::Safe, Answer::reset(), 1),
        ("GET", RetryOn::Sdk, Answer::ok("{}").header("X-Amz-Function-Error", "Unhandled"), 1),
        ("GET", RetryOn::Sdk, aws_error(403, "AccessDeniedException"), 1),
    ];
    for (method, on, first, calls) in rows {
        let world = start(FakeLambda::answering(proxy("ok")), |model| {
            model.functions.get_mut("f").unwrap().retries =
                lambridge_model::Retries { max: 2, on, ..Default::default() };
        })
        .await;
        world.lambda.push(first.clone());
        let answer = get(world.address, method, "/").await;
        assert_eq!(world.lambda.requests().len(), calls, "{method} {on:?} {first:?}");
        assert_eq!(verdict(&answer).0 == 200, calls == 2, "{method} {on:?} {first:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_ids() {
    let world = start(FakeLambda::answering(proxy("ok")), |_| {}).await;
    let ask =
        |id: &str| format!("GET / HTTP/1.1\r\nhost: h\r\nx-request-id: {id}\r\nconnection: close\r\n\r\n");
    assert!(!talk(world.address, ask("theirs").as_bytes()).await.contains("theirs"), "a stranger's");
    let world = start(FakeLambda::answering(proxy("ok")), |model| {
        model.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
    })
    .await;
    assert!(talk(world.address, ask("theirs").as_bytes()).await.contains("x-request-id: theirs\r\n"));
    assert!(!talk(world.address, ask("no good").as_bytes()).await.contains("no good"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weights_and_static_answers() {
    let other = FakeLambda::answering(proxy("other"));
    let world = start(FakeLambda::answering(proxy("f")), |model| {
        model.functions.insert("g".into(), support::function(&other.endpoint()));
        model.routes[0].target = Target::Functions(vec![
            Weighted { function: "f".into(), weight: 0 },
            Weighted { function: "g".into(), weight: 3 },
        ]);
        let mut fixed = route("fixed", PathMatch::Prefix("/fixed".into()));
        let headers = vec![("x-a".into(), "1".into())];
        fixed.target = Target::Static(StaticAnswer { status: 418, headers, body: b"tea".to_vec() });
        model.routes.push(fixed);
    })
    .await;
    for _ in 0..10 {
        assert!(get(world.address, "GET", "/").await.ends_with("other"));
    }
    let answer = get(world.address, "GET", "/fixed/x").await;
    assert!(
        verdict(&answer).0 == 418 && answer.contains("x-a: 1\r\n") && answer.ends_with("tea"),
        "{answer}"
    );
    assert!(world.lambda.requests().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_queue_is_overloaded() {
    let world = start(FakeLambda::answering(proxy("ok")), |model| {
        let concurrency =
            Concurrency { max: 1, queue: 0, wait: Duration::from_secs(9), ..Concurrency::default() };
        model.functions.get_mut("f").unwrap().concurrency = concurrency;
    })
    .await;
    world.lambda.push(Answer::silence());
    let mut first = TcpStream::connect(world.address).await.unwrap();
    first.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    world.lambda.wait_for(1).await;
    let answer = get(world.address, "GET", "/").await;
    assert_eq!(verdict(&answer), (503, "overloaded".into()));
    assert!(answer.contains("retry-after: 1\r\n"));
    // The client goes; Lambda runs on, and so does the permit.
    drop(first);
    assert_eq!(verdict(&get(world.address, "GET", "/").await).0, 503);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_outlives_its_client() {
    let world = start(FakeLambda::answering(proxy("ok")), |_| {}).await;
    world.lambda.push(proxy("late").after(Duration::from_millis(200)));
    let mut client = TcpStream::connect(world.address).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    world.lambda.wait_for(1).await;
    drop(client);
    let lines = world.lines.clone();
    world.gateway.drain().await;
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].contains("reason=client_gone") && lines[0].contains("lambda_request_id=aws-1"),
        "{}",
        lines[0]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_finishes_what_is_in_flight() {
    let world = start(FakeLambda::answering(proxy("ok").after(Duration::from_millis(200))), |_| {}).await;
    let mut idle = TcpStream::connect(world.address).await.unwrap();
    let mut busy = TcpStream::connect(world.address).await.unwrap();
    busy.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    world.lambda.wait_for(1).await;
    world.gateway.drain().await;
    assert!(rest(&mut busy).await.ends_with("ok"));
    assert_eq!(rest(&mut idle).await, "");
    assert!(TcpStream::connect(world.address).await.is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_is_whole_or_nothing() {
    let world = start(FakeLambda::answering(proxy("ok")), |_| {}).await;
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut wrong = model(&world.lambda.endpoint());
    let mut second = wrong.listeners[0].clone();
    second.address = taken.local_addr().unwrap();
    wrong.listeners.insert(0, second);
    wrong.routes.clear();
    assert!(matches!(world.gateway.reload(wrong.clone()).await, Err(StartError::Bind { .. })));
    assert_eq!(world.gateway.addresses(), [world.address]);
    assert_eq!(verdict(&get(world.address, "GET", "/").await).0, 200);
    wrong.listeners.remove(0);
    wrong.routes = vec![route("bad", PathMatch::Regex("(".into()))];
    assert!(matches!(world.gateway.reload(wrong.clone()).await, Err(StartError::Problems(_))));
    wrong.routes.clear();
    let mut kept = TcpStream::connect(world.address).await.unwrap();
    kept.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let mut first = [0; 12];
    kept.read_exact(&mut first).await.unwrap();
    assert_eq!(&first[9..], b"200");
    world.gateway.reload(wrong).await.unwrap();
    assert_eq!(world.gateway.addresses(), [world.address], "port 0 keeps its port");
    kept.write_all(b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").await.unwrap();
    assert!(rest(&mut kept).await.contains("HTTP/1.1 404"), "an open connection sees it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn problems_are_reported_together() {
    let mut wrong = model("ftp://x");
    wrong.routes.push(route("bad", PathMatch::Regex("(".into())));
    wrong.listeners[0].tls = Some(lambridge_model::Tls {
        cert_file: "absent.crt".into(),
        key_file: "absent.key".into(),
        client_ca_file: None,
    });
    let messages: Vec<String> = lambridge_gateway::check(&wrong).into_iter().map(|p| p.message).collect();
    for part in ["ftp://x", "`(`", "absent.crt"] {
        assert!(messages.iter().any(|m| m.contains(part)), "{part} in {messages:?}");
    }
    assert!(matches!(Gateway::start(wrong, surroundings().0).await, Err(StartError::Problems(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parallel_requests_are_not_mixed_up() {
    // The fake gives back each event's own path.
    let lambda = FakeLambda::with(|request| {
        let event = request.text();
        let path =
            event.split(r#""rawPath":""#).nth(1).and_then(|t| t.split('"').next()).unwrap_or("?").to_owned();
        proxy(&path)
    });
    let world = start(lambda, |_| {}).await;
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..50 {
        let address = world.address;
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            let asked: String =
                (0..40).map(|n| format!("GET /{client}-{n}. HTTP/1.1\r\nhost: h\r\n\r\n")).collect();
            let last = format!("GET /{client}-end. HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
            stream.write_all((asked + &last).as_bytes()).await.unwrap();
            let answers = rest(&mut stream).await;
            let bodies: Vec<String> = answers
                .split("HTTP/1.1 200 OK\r\n")
                .skip(1)
                .map(|answer| answer.split("\r\n\r\n").nth(1).unwrap().to_owned())
                .collect();
            let expect: Vec<String> =
                (0..40).map(|n| format!("/{client}-{n}.")).chain([format!("/{client}-end.")]).collect();
            assert_eq!(bodies, expect);
        });
    }
    while let Some(task) = tasks.join_next().await {
        task.unwrap();
    }
    assert_eq!(world.lambda.requests().len(), 50 * 41);
}
