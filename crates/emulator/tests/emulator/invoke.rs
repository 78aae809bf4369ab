//! What a caller of Invoke gets for what a function does.

use std::time::Duration;

use crate::support::{eventually, plan};

#[tokio::test]
async fn a_command_answers() {
    let house = plan("plain").start().await;
    let answer = house.invoke(r#"{"a":1}"#).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, r#"{"a": 1}"#));
    assert_eq!(answer.header("x-amz-executed-version"), "$LATEST");
    assert_eq!(answer.header("x-amz-function-error"), "");
    let recorded = house.emulator.as_ref().unwrap().recorded(answer.header("x-amzn-requestid")).unwrap();
    assert_eq!((recorded.function.as_str(), recorded.event.as_slice()), ("f", br#"{"a":1}"#.as_slice()));
    assert!(recorded.cold);
    let again = house.invoke("").await;
    assert_eq!(again.body, "{}");
    let recorder = house.emulator.as_ref().unwrap().recorder();
    assert!(!recorder(again.header("x-amzn-requestid")).unwrap().cold);
}

#[tokio::test]
async fn function_errors() {
    let house = plan("plain").start().await;
    let exit = |how: &str| format!("Runtime exited {how}");
    for (event, kind, message) in [
        (r#"{"do":"raise"}"#, "Luck", "no luck".to_owned()),
        (r#"{"do":"exit","code":1}"#, "Runtime.ExitError", exit("with error: exit status 1")),
        (r#"{"do":"exit","code":0}"#, "Runtime.ExitError", exit("without providing a reason")),
        (r#"{"do":"signal","signal":9}"#, "Runtime.ExitError", exit("with error: signal: killed")),
        (
            r#"{"do":"flood"}"#,
            "Function.ResponseSizeTooLarge",
            "Response payload size exceeded maximum allowed payload size (6291556 bytes).".to_owned(),
        ),
    ] {
        let answer = house.invoke(event).await;
        assert_eq!(answer.status, 200, "{event}");
        assert_eq!(answer.header("x-amz-function-error"), "Unhandled", "{event}");
        let body = answer.json();
        assert_eq!(body["errorType"], kind, "{event}");
        let message = match kind {
            "Runtime.ExitError" => {
                format!("RequestId: {} Error: {message}", answer.header("x-amzn-requestid"))
            }
            _ => message,
        };
        assert_eq!(body["errorMessage"], message, "{event}");
        assert!(!house.invoke("{}").await.failed(), "the next one works after {event}");
    }
    assert_eq!(house.notes(), ["413"]);
}

#[tokio::test]
async fn a_timeout_ends_the_process() {
    let mut plan = plan("plain");
    plan.run.timeout = Duration::from_secs(1);
    let house = plan.start().await;
    let before = house.invoke(r#"{"do":"pid"}"#).await.body;
    let answer = house.invoke(r#"{"do":"hang"}"#).await;
    let id = answer.header("x-amzn-requestid");
    // Recorded from AWS: localstack, `test_lambda_invoke_with_timeout`.
    let expect = format!(
        r#"{{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: {id} Error: Task timed out after 1.00 seconds"}}"#
    );
    assert_eq!((answer.status, answer.body.as_str(), answer.failed()), (200, expect.as_str(), true));
    let after = house.invoke(r#"{"do":"pid"}"#).await.body;
    assert_ne!(before, after);
    assert!(!crate::support::runs(&before));
}

#[tokio::test]
async fn an_exit_after_the_answer_harms_nobody() {
    let house = plan("plain").start().await;
    for _ in 0..3 {
        let answer = house.invoke(r#"{"do":"answer-and-exit"}"#).await;
        assert_eq!((answer.body.as_str(), answer.failed()), ("1", false));
    }
}

#[tokio::test]
async fn the_runtime_api_refuses() {
    let house = plan("plain").start().await;
    for (what, status, kind) in [
        ("wrong-id", 400, "InvalidRequestID"),
        ("wrong-mode", 400, "InvalidFunctionResponseMode"),
        ("next-twice", 403, "InvalidStateTransition"),
        ("stale", 410, "InvokeTimeout"),
    ] {
        let answer = house.invoke(&format!(r#"{{"do":"{what}"}}"#)).await.json();
        assert_eq!(
            (&answer["status"], &answer["body"]["errorType"]),
            (&status.into(), &kind.into()),
            "{what}"
        );
    }
}

#[tokio::test]
async fn streams_are_collected() {
    let house = plan("plain").start().await;
    let answer = house.invoke(r#"{"do":"stream"}"#).await;
    assert_eq!((answer.body.as_str(), answer.failed()), (r#"{"a":1}"#, false));
    let answer = house.invoke(r#"{"do":"broken-stream"}"#).await;
    assert_eq!(answer.body, r#"{"errorType":"Runtime.Half","errorMessage":"half"}"#);
    assert!(answer.failed());
}

#[tokio::test]
async fn the_head_of_an_event() {
    let house = plan("plain").start().await;
    let headers = [
        ("x-amz-client-context", "eyJhIjoxfQ=="),
        ("x-amzn-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=1"),
        ("x-amz-tenant-id", "blue"),
        ("x-amzn-requestid", "00000000-0000-4000-8000-000000000001"),
    ];
    let answer = house.post("/2015-03-31/functions/f/invocations", &headers, r#"{"do":"head"}"#).await;
    assert_eq!(answer.header("x-amzn-requestid"), "00000000-0000-4000-8000-000000000001");
    let head = answer.json();
    for (name, expect) in [
        ("lambda-runtime-aws-request-id", "00000000-0000-4000-8000-000000000001"),
        ("lambda-runtime-client-context", r#"{"a":1}"#),
        ("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=1"),
        ("lambda-runtime-aws-tenant-id", "blue"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:f"),
        ("content-type", "application/json"),
    ] {
        assert_eq!(head[name], expect, "{name}");
    }
    assert!(head["lambda-runtime-deadline-ms"].as_str().unwrap().parse::<u64>().unwrap() > 1_700_000_000_000);
    assert_eq!(head["lambda-runtime-invocation-id"].as_str().unwrap().len(), 36);
}

#[tokio::test]
async fn the_environment() {
    let mut plan = plan("plain");
    plan.run.env.insert("AWS_REGION".to_owned(), "elsewhere".to_owned());
    plan.run.env.insert("AWS_LAMBDA_FUNCTION_NAME".to_owned(), "other".to_owned());
    let house = plan.start().await;
    let environment = house.invoke(r#"{"do":"environment"}"#).await.json();
    for (name, expect) in [
        ("AWS_LAMBDA_FUNCTION_NAME", "f"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/f"),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"),
        ("AWS_REGION", "elsewhere"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("TZ", ":UTC"),
    ] {
        assert_eq!(environment[name], expect, "{name}");
    }
    assert!(environment.get("CARGO_MANIFEST_DIR").is_none(), "nothing else is inherited");
    assert!(environment.get("_LAMBRIDGE_PARENT").is_none());
}

#[tokio::test]
async fn versions_and_aliases() {
    let mut plan = plan("plain");
    for version in ["2", "10"] {
        let mut run = plan.run.clone();
        run.env.insert("WHICH".to_owned(), version.to_owned());
        plan.run.versions.insert(version.to_owned(), run);
    }
    plan.run.aliases.insert("live".to_owned(), "2".to_owned());
    plan.run.aliases.insert("lost".to_owned(), "7".to_owned());
    let house = plan.start().await;
    let arn = "arn:aws:lambda:us-east-1:000000000000:function:f";
    let encoded = "arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Af%3Alive";
    for (path, version, invoked) in [
        ("f/invocations?Qualifier=live", "2", format!("{arn}:live")),
        ("f:live/invocations", "2", format!("{arn}:live")),
        (&format!("{encoded}/invocations?Qualifier=live"), "2", format!("{arn}:live")),
        ("f/invocations?Qualifier=10", "10", format!("{arn}:10")),
        ("f/invocations?Qualifier=%24LATEST.PUBLISHED", "10", format!("{arn}:$LATEST.PUBLISHED")),
        ("f/invocations?Qualifier=%24LATEST", "$LATEST", format!("{arn}:$LATEST")),
        ("f/invocations", "$LATEST", arn.to_owned()),
    ] {
        let answer = house.post(&format!("/2015-03-31/functions/{path}"), &[], r#"{"do":"head"}"#).await;
        assert_eq!(answer.header("x-amz-executed-version"), version, "{path}");
        assert_eq!(answer.json()["lambda-runtime-invoked-function-arn"], invoked, "{path}");
    }
    let mut processes = std::collections::BTreeSet::new();
    for (qualifier, version, which) in
        [("live", "2", "2"), ("2", "2", "2"), ("10", "10", "10"), ("$LATEST", "$LATEST", "")]
    {
        let path = format!("/2015-03-31/functions/f:{qualifier}/invocations");
        let environment = house.post(&path, &[], r#"{"do":"environment"}"#).await.json();
        assert_eq!(environment["AWS_LAMBDA_FUNCTION_VERSION"], version, "{qualifier}");
        assert_eq!(environment["WHICH"].as_str().unwrap_or_default(), which, "{qualifier}");
        processes.insert(house.post(&path, &[], r#"{"do":"pid"}"#).await.body);
    }
    assert_eq!(processes.len(), 3, "each version runs its own process");
    for qualifier in ["lost", "dead", "3"] {
        let path = format!("/2015-03-31/functions/f/invocations?Qualifier={qualifier}");
        let answer = house.post(&path, &[], "").await;
        assert_eq!((answer.status, answer.header("x-amzn-errortype")), (404, "ResourceNotFoundException"));
        assert_eq!(answer.json()["Message"], format!("Function not found: {arn}:{qualifier}"));
    }
}

#[tokio::test]
async fn the_log_tail() {
    let house = plan("plain").start().await;
    let tail = async |event: &str| {
        let path = "/2015-03-31/functions/f/invocations";
        let answer = house.post(path, &[("x-amz-log-type", "Tail")], event.to_owned()).await;
        let tail = base64_simd::STANDARD.decode_to_vec(answer.header("x-amz-log-result")).unwrap();
        (answer.header("x-amzn-requestid").to_owned(), String::from_utf8(tail).unwrap())
    };
    let (id, text) = tail(r#"{"do":"print"}"#).await;
    let expect = format!(
        "START RequestId: {id} Version: $LATEST\nfirst\nsecond\nthird\nEND RequestId: {id}\nREPORT RequestId: {id}\tDuration: "
    );
    assert!(text.starts_with(&expect), "{text}");
    assert!(text.contains("\tMemory Size: 128 MB\t") && text.contains("\tInit Duration: "), "{text}");
    assert!(text.ends_with(" ms\t\n"), "{text}");
    let (_, text) = tail("{}").await;
    assert!(!text.contains("Init Duration") && !text.contains("first"), "{text}");
    let (_, text) = tail(r#"{"do":"print-much"}"#).await;
    assert_eq!(text.len(), 4096);
    assert!(text.starts_with("yyy") && text.contains("REPORT"));
    assert!(house.lines.lock().unwrap().iter().any(|line| line == "second"));
}

#[tokio::test]
async fn asynchronous_invocations() {
    let house = plan("plain").start().await;
    let path = "/2015-03-31/functions/f/invocations";
    let kind = [("x-amz-invocation-type", "Event")];
    let answer = house.post(path, &kind, r#"{"do":"fail-until","tries":9}"#).await;
    assert_eq!((answer.status, answer.body.as_str()), (202, ""));
    let id = answer.header("x-amzn-requestid");
    eventually("giving up", || {
        house.lines.lock().unwrap().iter().any(|line| line.contains("was given up")).then_some(())
    })
    .await;
    assert_eq!(house.notes(), [id, id, id], "two more tries, under the same id");
    let answer = house.post(path, &[("x-amz-invocation-type", "DryRun")], "{}").await;
    assert_eq!((answer.status, answer.body.as_str()), (204, ""));
}

#[tokio::test]
async fn many_calls_share_the_instances() {
    let mut plan = plan("plain");
    plan.run.instances = 4;
    plan.run.queue = 200;
    let house = std::sync::Arc::new(plan.start().await);
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..200 {
        let house = std::sync::Arc::clone(&house);
        calls.spawn(async move {
            let answer = house.invoke(&format!(r#"{{"id":{number}}}"#)).await;
            assert_eq!((answer.status, answer.json()["id"].clone()), (200, number.into()));
        });
    }
    while let Some(call) = calls.join_next().await {
        call.unwrap();
    }
}

#[tokio::test]
async fn a_managed_instance_takes_several_at_once() {
    let mut plan = plan("managed");
    plan.run.concurrency = 3;
    plan.run.queue = 0;
    plan.run.timeout = Duration::from_secs(5);
    let house = std::sync::Arc::new(plan.start().await);
    let go = house.path("go");
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..3 {
        let (house, go) = (std::sync::Arc::clone(&house), go.clone());
        calls.spawn(async move { house.invoke(&format!(r#"{{"do":"wait","until":"{go}"}}"#)).await });
    }
    eventually("three at once", || (house.notes().len() == 3).then_some(())).await;
    assert_eq!(house.invoke("{}").await.status, 429);
    std::fs::write(&go, "").unwrap();
    while let Some(call) = calls.join_next().await {
        assert!(!call.unwrap().failed());
    }
}

#[tokio::test]
async fn a_timeout_does_not_end_a_managed_instance() {
    let mut plan = plan("managed");
    plan.run.concurrency = 2;
    plan.run.timeout = Duration::from_secs(1);
    let house = plan.start().await;
    let before = house.invoke(r#"{"do":"pid"}"#).await.body;
    let answer = house.invoke(r#"{"do":"hang"}"#).await;
    assert_eq!(answer.json()["errorType"], "Sandbox.Timedout");
    assert_eq!(house.invoke(r#"{"do":"pid"}"#).await.body, before);
}
