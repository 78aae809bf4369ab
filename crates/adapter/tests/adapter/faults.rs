//! What goes wrong, and that the invocation after it works.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use crate::sandbox::*;
use lambridge_adapter::settings::Settings;
use lambridge_testkit::{Answer, FakeApp, FakeRuntime, Invocation, Outcome};

/// An HTTP event got an answer with this status and reason.
#[track_caller]
fn problem(outcome: &Outcome, code: u64, reason: &str) {
    assert!(outcome.answered, "{}", outcome.text());
    let problem: serde_json::Value = serde_json::from_str(&body(outcome)).unwrap();
    let kind = problem["type"].as_str().unwrap_or_default();
    assert!(status(outcome) == code && kind.ends_with(reason), "{}", outcome.text());
}

#[tokio::test]
async fn an_application_that_breaks_off() {
    let sandbox = Sandbox::new();
    let faults: [fn() -> Answer; 10] = [
        Answer::reset_unread,
        Answer::reset,
        Answer::close,
        || Answer::raw("nonsense\r\n\r\n"),
        || Answer::raw("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        || Answer::raw("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"),
        || Answer::ok("hello").reset_after(20),
        || Answer::ok("hello").reset_in_body(2),
        || Answer::ok("hello").close_in_body(2),
        || Answer::ok("").chunks(&[b"hello"], Duration::ZERO).close_in_body(6),
    ];
    for (n, fault) in faults.iter().enumerate() {
        for event in [V2, REST, ALB, ALB_MULTI] {
            let outcome = sandbox.answer(event, fault()).await;
            problem(&outcome, 502, "upstream_error");
            sandbox.still_works().await;
        }
        let outcome = sandbox.answer(SQS, fault()).await;
        assert!(!outcome.answered, "{n}");
        assert_eq!(json(&outcome)["errorType"], "Function.AppFailed");
        sandbox.still_works().await;
    }
}

/// A large image, whose length is announced: it leaves while it arrives.
fn image() -> Answer {
    Answer::ok(vec![7; IMAGE]).header("content-type", "image/png")
}

const IMAGE: usize = 700_000;

/// What has left cannot be taken back, and the status is told all the same.
#[tokio::test]
async fn an_application_that_breaks_off_a_large_answer() {
    let sandbox = Sandbox::new();
    for sent in [0, 1, 2, IMAGE / 2, IMAGE - 1] {
        for fault in [image().reset_in_body(sent), image().close_in_body(sent)] {
            for event in [V2, REST, ALB, ALB_MULTI] {
                let outcome = sandbox.answer(event, fault.clone()).await;
                assert!(outcome.answered, "{sent}: {}", outcome.text());
                let answer = json(&outcome);
                assert_eq!(answer["statusCode"], 502, "{sent}");
                let headers = format!("{}{}", answer["headers"], answer["multiValueHeaders"]);
                assert!(headers.contains("lambda-adapter; error=http_response_incomplete"), "{headers}");
                let body = base64_simd::STANDARD.decode_to_vec(answer["body"].as_str().unwrap()).unwrap();
                // A reset may overtake what was sent before it.
                assert!(body.len() <= sent && body.iter().all(|byte| *byte == 7), "{sent}");
                sandbox.still_works().await;
            }
        }
    }
}

/// What was refused is lost, and no other. It cannot be posted again after a broken connection either, but that can be told.
#[tokio::test]
async fn a_runtime_api_that_does_not_take_a_large_answer() {
    let sandbox = Sandbox::new();
    sandbox.still_works().await;
    for refusal in [Answer::new(413), Answer::new(400)] {
        sandbox.runtime.fail_post(refusal);
        sandbox.app.push(image());
        drop(sandbox.runtime.queue(Invocation::new(V2)));
        sandbox.still_works().await;
    }
    let told =
        || sandbox.runtime.requests().iter().filter(|request| request.text().contains("not_posted")).count();
    for (at, fault) in [Answer::reset(), Answer::close(), Answer::reset_unread()].into_iter().enumerate() {
        sandbox.runtime.fail_post(fault);
        sandbox.app.push(image());
        drop(sandbox.runtime.queue(Invocation::new(V2)));
        sandbox.still_works().await;
        assert_eq!(told(), at + 1);
        sandbox.still_works().await;
    }
}

#[tokio::test]
async fn an_application_that_is_slow() {
    let sandbox = Sandbox::new();
    sandbox.still_works().await;
    for fault in [Answer::silence(), Answer::ok("hello").silence_in_body(2)] {
        for event in [V2, SQS] {
            sandbox.app.push(fault.clone());
            // Of two seconds the adapter keeps 200 ms to answer in: as much as a busy machine may be late.
            let (start, limit) = (Instant::now(), Duration::from_secs(2));
            let outcome = sandbox.runtime.invoke(Invocation::new(event).deadline(limit)).await;
            assert!(start.elapsed() < limit, "{:?}", start.elapsed());
            if event == V2 {
                problem(&outcome, 504, "timeout");
            } else {
                assert_eq!(json(&outcome)["errorType"], "Function.Timeout");
            }
            sandbox.still_works().await;
        }
    }
}

/// An application that answers every request with `first`, and then `more` for as long as anyone listens. It ends with the
/// test's process.
fn endless(first: &'static str, more: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]);
            let mut said = stream.write_all(first.as_bytes());
            let more = more.repeat(64 * 1024 / more.len());
            while said.is_ok() {
                said = stream.write_all(more.as_bytes());
            }
        }
    });
    address
}

#[tokio::test]
async fn an_application_that_never_stops() {
    const INTERIM: &str = "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n";
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n";
    let runtime = FakeRuntime::start();
    let check = async |first, more, settings: &[(&str, &str)]| {
        // Readiness is a connection: the check would listen for ever, too.
        let mut env = env(&runtime, endless(first, more), settings);
        env.push(("AWS_LWA_READINESS_CHECK_PROTOCOL".into(), "tcp".into()));
        let _adapter = Adapter::start(env);
        let invoked = runtime.invoke(Invocation::new(V2).deadline(Duration::from_secs(1)));
        tokio::time::timeout(Duration::from_secs(30), invoked).await.unwrap()
    };
    problem(&check("", INTERIM, &[]).await, 504, "timeout");
    problem(&check(HEAD, "hello", &[]).await, 502, "answer_too_large");
    let streamed = check(HEAD, "hello", &[("AWS_LWA_INVOKE_MODE", "response_stream")]).await;
    assert_eq!(streamed.request.trailers[0].1, b"Runtime.StreamError");
}

#[tokio::test]
async fn an_application_that_went_away_and_comes_back() {
    let mut sandbox = Sandbox::new();
    sandbox.still_works().await;
    let address = sandbox.app.address();
    let elsewhere = FakeApp::answering(Answer::ok(""));
    drop(std::mem::replace(&mut sandbox.app, elsewhere));
    let outcome = sandbox.runtime.invoke(Invocation::new(V2)).await;
    problem(&outcome, 502, "upstream_error");
    sandbox.app = FakeApp::at(address, |_| Answer::ok("hello"));
    sandbox.still_works().await;
}

#[tokio::test]
async fn a_connection_that_the_application_closed_meanwhile() {
    let sandbox = Sandbox::new();
    for _ in 0..3 {
        let outcome = sandbox.answer(V2, Answer::ok("bye").then_close()).await;
        assert_eq!(body(&outcome), "bye");
        // The end is seen before the next request: it goes over a fresh connection.
        tokio::time::sleep(Duration::from_millis(20)).await;
        sandbox.still_works().await;
    }
}

/// What may have arrived is the application's to repeat, not ours, whatever the method.
#[tokio::test]
async fn a_request_that_may_have_arrived_is_not_sent_again() {
    let sandbox = Sandbox::new();
    sandbox.still_works().await;
    for fault in [Answer::reset(), Answer::close(), Answer::ok("hello").reset_in_body(2)] {
        for method in ["GET", "POST"] {
            let before = sandbox.app.requests().len();
            let outcome = sandbox.answer(&v2(method, "/once", "x", false), fault.clone()).await;
            problem(&outcome, 502, "upstream_error");
            sandbox.still_works().await;
            let since = sandbox.app.requests().split_off(before);
            let lines: Vec<_> = since.iter().map(|r| r.path()).collect();
            assert_eq!(lines, ["/once", "/a%20b"], "{method}");
        }
    }
}

#[tokio::test]
async fn answers_that_are_too_large() {
    let sandbox = Sandbox::new();
    for size in [6 * 1024 * 1024, 7 * 1024 * 1024] {
        let answer = Answer::ok(vec![0xff; size]).header("content-type", "image/png");
        let outcome = sandbox.answer(V2, answer.clone()).await;
        problem(&outcome, 502, "answer_too_large");
        let outcome = sandbox.answer(SQS, Answer::ok(vec![b' '; 7 * 1024 * 1024])).await;
        assert_eq!(json(&outcome)["errorType"], "Function.ResponseSizeTooLarge");
        sandbox.still_works().await;
    }
}

#[tokio::test]
async fn events_that_cannot_be_read() {
    let sandbox = Sandbox::new();
    for event in [String::new(), "{".to_owned(), "\"".to_owned(), "\u{0}".to_owned()] {
        let (outcome, _) = sandbox.invoke(event).await;
        assert!(!outcome.answered, "{}", outcome.text());
        assert_eq!(json(&outcome)["errorType"], "Runtime.InvalidEvent");
        sandbox.still_works().await;
    }
    let (outcome, _) = sandbox.invoke(v2("CONNECT", "/", "", false)).await;
    problem(&outcome, 400, "bad_request");
    sandbox.still_works().await;
}

#[tokio::test]
async fn a_runtime_api_that_fails_and_recovers() {
    let sandbox = Sandbox::new();
    sandbox.still_works().await;
    for fault in [
        Answer::new(500).body(r#"{"errorType":"InternalServerError"}"#),
        Answer::new(403),
        Answer::new(204),
        Answer::reset(),
        Answer::close(),
        Answer::raw("nonsense\r\n\r\n"),
        Answer::ok("{}").reset_in_body(1),
    ] {
        sandbox.runtime.fail_next(fault.clone());
        sandbox.runtime.fail_next(fault);
        sandbox.still_works().await;
    }
    for fault in [Answer::new(413), Answer::new(400), Answer::new(410), Answer::reset(), Answer::close()] {
        sandbox.runtime.fail_post(fault);
        sandbox.still_works().await;
        sandbox.still_works().await;
    }
    drop(sandbox.runtime.queue(Invocation::nameless(V2)));
    sandbox.still_works().await;
}

#[tokio::test]
async fn an_application_that_starts_late() {
    let runtime = FakeRuntime::start();
    let address = FakeApp::answering(Answer::ok("")).address();
    let adapter = Adapter::start(env(&runtime, address, &[("AWS_LWA_READINESS_CHECK_PATH", "/up?x")]));
    runtime.wait_for(2).await;
    let early = runtime.requests();
    assert!(early.iter().all(|r| r.path().starts_with("/2020-01-01/extension/")), "{early:#?}");
    assert_eq!(early[0].header("lambda-extension-name").as_deref(), Some("lambda-adapter"));
    assert_eq!(early[0].text(), r#"{"events":[]}"#);
    let app = FakeApp::at(address, |_| Answer::ok("hello"));
    app.push(Answer::new(500));
    app.push(Answer::reset());
    app.push(Answer::new(503));
    let sandbox = Sandbox { runtime, app, adapter };
    sandbox.still_works().await;
    let checks: Vec<_> = sandbox.app.requests().into_iter().map(|r| r.target).collect();
    assert_eq!(checks, ["/up?x", "/up?x", "/up?x", "/up?x", "/a%20b?x=1&x=2"]);
}

#[tokio::test]
async fn an_application_that_starts_after_the_init_phase() {
    let runtime = FakeRuntime::start();
    let address = FakeApp::answering(Answer::ok("")).address();
    let env = env(&runtime, address, &[("AWS_LWA_ASYNC_INIT", "true")]);
    let mut settings = Settings::from_env(env.into_iter()).0;
    assert_eq!(settings.async_init, Some(Duration::from_millis(9_800)));
    settings.async_init = Some(Duration::from_millis(50));
    let adapter = Adapter::start_with(settings);
    let early = runtime.invoke(Invocation::new(V2).deadline(Duration::from_millis(300))).await;
    problem(&early, 504, "timeout");
    let waiting = runtime.queue(Invocation::new(V2));
    let app = FakeApp::at(address, |_| Answer::ok("hello"));
    let outcome = tokio::time::timeout(SOON, waiting).await.unwrap().unwrap();
    assert_eq!(body(&outcome), "hello");
    Sandbox { runtime, app, adapter }.still_works().await;
}

#[tokio::test]
async fn readiness_by_connection() {
    let sandbox = Sandbox::with(&[("AWS_LWA_READINESS_CHECK_PROTOCOL", "tcp")]);
    sandbox.still_works().await;
    assert_eq!(sandbox.app.requests().len(), 1);
}

#[tokio::test]
async fn an_application_that_never_starts() {
    let runtime = FakeRuntime::start();
    let address = FakeApp::answering(Answer::ok("")).address();
    let settings = [("AWS_LWA_READINESS_CHECK_TIMEOUT_SECONDS", "0.2")];
    let mut adapter = Adapter::start(env(&runtime, address, &settings));
    assert!(adapter.ended().await.contains("(1)"));
    let report = runtime.requests().pop().unwrap();
    assert_eq!(report.path(), "/2018-06-01/runtime/init/error");
}

#[tokio::test]
async fn registration_that_fails() {
    for (refusals, works) in [(2, true), (9, false)] {
        let runtime = FakeRuntime::start();
        for _ in 0..refusals {
            runtime.fail_register(Answer::new(403).body(r#"{"errorType":"Extension.InvalidExtensionName"}"#));
        }
        let app = FakeApp::answering(Answer::ok("hello"));
        let mut adapter = Adapter::start(env(&runtime, app.address(), &[]));
        if works {
            Sandbox { runtime, app, adapter }.still_works().await;
        } else {
            assert!(adapter.ended().await.contains("(1)"));
        }
    }
}

#[tokio::test]
async fn stopping_lets_an_invocation_finish() {
    let mut sandbox = Sandbox::new();
    sandbox.still_works().await;
    let before = sandbox.app.requests().len();
    sandbox.app.push(Answer::ok("late").after(Duration::from_millis(200)));
    let outcome = sandbox.runtime.queue(Invocation::new(V2));
    sandbox.app.wait_for(before + 1).await;
    sandbox.adapter.stop();
    let outcome = tokio::time::timeout(SOON, outcome).await.unwrap().unwrap();
    assert_eq!(body(&outcome), "late");
    assert!(sandbox.adapter.ended().await.contains("(0)"));
}

#[tokio::test]
async fn workers_serve_at_once() {
    let sandbox = Sandbox::with(&[("AWS_LAMBDA_MAX_CONCURRENCY", "4")]);
    sandbox.still_works().await;
    for _ in 0..4 {
        sandbox.app.push(Answer::ok("slow").after(Duration::from_millis(300)));
    }
    let start = Instant::now();
    let open: Vec<_> = (0..4).map(|_| sandbox.runtime.queue(Invocation::new(V2))).collect();
    for outcome in open {
        assert_eq!(body(&tokio::time::timeout(SOON, outcome).await.unwrap().unwrap()), "slow");
    }
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
}

#[tokio::test]
async fn the_runtime_api_may_be_behind_a_proxy() {
    let direct = FakeRuntime::start();
    let proxy = FakeRuntime::start();
    let app = FakeApp::answering(Answer::ok("hello"));
    let url = format!("http://{}", proxy.address());
    let settings = [("AWS_LWA_LAMBDA_RUNTIME_API_PROXY", url.as_str())];
    let adapter = Adapter::start(env(&direct, app.address(), &settings));
    let sandbox = Sandbox { runtime: proxy, app, adapter };
    sandbox.still_works().await;
    assert!(direct.requests().iter().all(|r| r.path().starts_with("/2020-01-01/extension/")));
    assert!(sandbox.runtime.requests().iter().all(|r| r.path().starts_with("/2018-06-01/runtime/")));
}
