//! Init, its failures, the line before a busy function, and the end of all children.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Plan, eventually, plan, runs};

#[tokio::test]
async fn init_failures_are_the_result() {
    let check = async |mode: &str, kind: &str, message: &str| {
        let mut plan = plan(mode);
        if mode == "init-hang" {
            // The others must be able to start, on a machine with other work too.
            plan.timing.init = Duration::from_millis(500);
            plan.run.timeout = Duration::from_secs(1);
        }
        let house = plan.start().await;
        let tail = ("x-amz-log-type", "Tail");
        let answer = house.post("/2015-03-31/functions/f/invocations", &[tail], "{}").await;
        assert!(answer.failed(), "{mode}");
        let body = answer.json();
        assert_eq!(body["errorType"], kind, "{mode}");
        let text = body["errorMessage"].as_str().unwrap();
        assert!(text.ends_with(message), "{mode}: {text}");
        if let Some((_, exit)) = message.split_once("Error: Runtime exited") {
            let said = format!("Runtime.ExitError: Runtime exited{exit}");
            assert_eq!(house.lines.lock().unwrap().iter().filter(|line| **line == said).count(), 2, "{mode}");
        }
        if mode == "init-hang" {
            // The second init is part of the invocation: a second of it, which is the timeout.
            let tail = base64_simd::STANDARD.decode_to_vec(answer.header("x-amz-log-result")).unwrap();
            let tail = String::from_utf8(tail).unwrap();
            let report: Vec<_> = tail.split('\t').collect();
            let took: f64 = report[1]["Duration: ".len()..].strip_suffix(" ms").unwrap().parse().unwrap();
            let init: f64 =
                report[5]["Init Duration: ".len()..].strip_suffix(" ms").unwrap().parse().unwrap();
            assert!(took >= 1000.0 && init >= 500.0, "{tail}");
        }
    };
    check("init-error", "Start", "cannot start").await;
    check("init-exit 0", "Runtime.ExitError", "Error: Runtime exited without providing a reason").await;
    check("init-exit 127", "Runtime.ExitError", "Error: Runtime exited with error: exit status 127").await;
    check("init-hang", "Sandbox.Timedout", "Error: Task timed out after 1.00 seconds").await;
}

#[tokio::test]
async fn a_second_init_may_succeed() {
    let house = plan("init-once {}/started").start().await;
    assert!(!house.invoke("{}").await.failed());
}

#[tokio::test]
async fn starts_that_fail_are_spaced_out() {
    let house = plan("init-exit 1").start().await;
    let begun = std::time::Instant::now();
    for _ in 0..3 {
        assert!(house.invoke("{}").await.failed());
    }
    // Six starts: two at once, then after 100, 200, 400 and 800 ms.
    assert!(begun.elapsed() >= Duration::from_millis(1500), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn the_line_is_bounded() {
    let house = Arc::new(queued(1).start().await);
    let go = house.path("go");
    let event = format!(r#"{{"do":"wait","until":"{go}"}}"#);
    let call = |event: String| {
        let house = Arc::clone(&house);
        tokio::spawn(async move { house.invoke(&event).await })
    };
    let first = call(event.clone());
    eventually("the first has begun", || (!house.notes().is_empty()).then_some(())).await;
    let second = call(r#"{"n":2}"#.to_owned());
    let third = call(r#"{"n":3}"#.to_owned());
    // One of them waits; the other is refused while nothing moves.
    let refused = tokio::select! {
        answer = second => answer.unwrap(),
        answer = third => answer.unwrap(),
    };
    assert_eq!((refused.status, refused.header("retry-after")), (429, "1"));
    assert_eq!(refused.header("x-amzn-errortype"), "TooManyRequestsException");
    // Recorded from AWS: localstack, `test_reserved_concurrency`.
    let body = refused.json();
    assert_eq!(body["Reason"], "ReservedFunctionConcurrentInvocationLimitExceeded");
    assert_eq!((&body["Type"], &body["message"]), (&"User".into(), &"Rate Exceeded.".into()));
    std::fs::write(&go, "").unwrap();
    assert!(!first.await.unwrap().failed());
}

fn queued(queue: usize) -> Plan {
    let mut plan = plan("plain");
    plan.run.queue = queue;
    plan
}

#[tokio::test]
async fn without_a_line_calls_one_after_the_other_still_work() {
    let house = queued(0).start().await;
    for _ in 0..50 {
        assert_eq!(house.invoke("{}").await.status, 200);
    }
}

#[tokio::test]
async fn who_leaves_the_line_is_not_run() {
    let house = Arc::new(queued(1).start().await);
    let go = house.path("go");
    let call = |event: String| {
        let house = Arc::clone(&house);
        tokio::spawn(async move { house.invoke(&event).await })
    };
    let first = call(format!(r#"{{"do":"wait","until":"{go}"}}"#));
    eventually("the first has begun", || (!house.notes().is_empty()).then_some(())).await;
    // It is in the line once another is refused. If the other came first, it was the one to be refused.
    let moment = Duration::from_millis(50);
    let leaver = loop {
        let mut leaver = call("[1]".to_owned());
        let refused = tokio::time::timeout(moment, &mut leaver).await.is_ok();
        let probe = tokio::time::timeout(moment, house.invoke("{}")).await;
        if !refused && !leaver.is_finished() && probe.is_ok_and(|answer| answer.status == 429) {
            break leaver;
        }
        leaver.abort();
    };
    leaver.abort();
    // Its place in the line is free again.
    let mut next = call("[2]".to_owned());
    while let Ok(answer) = tokio::time::timeout(Duration::from_millis(50), &mut next).await {
        assert_eq!(answer.unwrap().status, 429);
        next = call("[2]".to_owned());
    }
    std::fs::write(&go, "").unwrap();
    assert!(!first.await.unwrap().failed());
    assert_eq!(next.await.unwrap().body, "[2]");
}

#[tokio::test]
async fn no_child_outlives_a_shutdown() {
    let mut house = plan("plain").start().await;
    let pid = house.invoke(r#"{"do":"pid"}"#).await.body;
    assert!(runs(&pid));
    house.shutdown().await;
    assert!(!runs(&pid));
}

#[tokio::test]
async fn no_child_outlives_a_drop() {
    let mut house = plan("plain").start().await;
    let pid = house.invoke(r#"{"do":"pid"}"#).await.body;
    drop(house.emulator.take());
    eventually("the child's end", || (!runs(&pid)).then_some(())).await;
}

#[tokio::test]
async fn a_busy_child_ends_too() {
    let house = Arc::new(plan("plain").start().await);
    let pid = house.invoke(r#"{"do":"pid"}"#).await.body;
    let call = tokio::spawn({
        let house = Arc::clone(&house);
        async move { house.invoke(r#"{"do":"wait","until":"/nowhere"}"#).await }
    });
    eventually("the call has begun", || (!house.notes().is_empty()).then_some(())).await;
    call.abort();
    drop(call.await);
    let mut house = Arc::into_inner(house).unwrap();
    house.shutdown().await;
    assert!(!runs(&pid));
}

#[tokio::test]
async fn warm_starts_ahead() {
    let house = plan("internal").start().await;
    house.emulator.as_ref().unwrap().warm();
    eventually("the start", || house.notes().iter().any(|note| note.starts_with("early")).then_some(()))
        .await;
}

#[tokio::test]
async fn a_program_that_cannot_start() {
    let mut plan = plan("plain");
    plan.child_prefix = vec!["/does/not/exist".into()];
    plan.run.timeout = Duration::from_secs(5);
    let house = plan.start().await;
    let answer = house.invoke("{}").await;
    assert_eq!(answer.json()["errorType"], "Runtime.InvalidEntrypoint");
}
