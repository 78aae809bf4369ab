//! Answers recorded from AWS, beside the emulator's to the same calls.
//!
//! The file names its source. A recording is what an SDK made of the answer; status, headers and body are found again in it.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::support::{Answer, Plan, plan};

const PATH: &str = "/2015-03-31/functions/f/invocations";

fn recording(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("recorded/localstack-lambda.json")).unwrap();
    all[name]["answer"].clone()
}

/// Whether `found` is `expect`, where each `<...>` stands for any text.
fn fits(found: &str, expect: &str) -> bool {
    let Some((before, rest)) = expect.split_once('<') else { return found == expect };
    let Some(found) = found.strip_prefix(before) else { return false };
    let (_, after) = rest.split_once('>').unwrap();
    (0..=found.len()).any(|skip| found.is_char_boundary(skip) && fits(&found[skip..], after))
}

#[track_caller]
fn same(found: &Value, expect: &Value) {
    match (found, expect) {
        (Value::String(found), Value::String(expect)) => {
            assert!(fits(found, expect), "{found:?} is not {expect:?}")
        }
        (Value::Object(found), Value::Object(expect)) => {
            assert_eq!(found.keys().collect::<Vec<_>>(), expect.keys().collect::<Vec<_>>());
            found.iter().for_each(|(key, value)| same(value, &expect[key]));
        }
        _ => assert_eq!(found, expect),
    }
}

#[track_caller]
fn compare(name: &str, answer: &Answer, mut expect: Value) {
    let headers = [
        ("ExecutedVersion", "x-amz-executed-version"),
        ("FunctionError", "x-amz-function-error"),
        ("LogResult", "x-amz-log-result"),
    ];
    assert_eq!(answer.status, expect["ResponseMetadata"]["HTTPStatusCode"], "{name}");
    for (member, header) in headers {
        let found = answer.headers.contains_key(header).then(|| answer.header(header));
        match member {
            // Its text is the function's own.
            "LogResult" => assert_eq!(found.is_some(), expect.get(member).is_some(), "{name}"),
            _ => assert_eq!(found, expect.get(member).and_then(Value::as_str), "{name}"),
        }
    }
    assert_eq!(answer.header("x-amzn-requestid").len(), 36, "{name}");
    let body = match expect.get("Error").cloned() {
        Some(error) => {
            assert_eq!(answer.header("x-amzn-errortype"), error["Code"].as_str().unwrap(), "{name}");
            let members: &mut Map<String, Value> = expect.as_object_mut().unwrap();
            members.retain(|key, _| !["Error", "ResponseMetadata"].contains(&key.as_str()));
            expect.to_string()
        }
        None => match &expect["Payload"] {
            Value::String(empty) => {
                assert_eq!((answer.body.as_str(), empty.as_str()), ("", ""), "{name}");
                return;
            }
            payload => payload.to_string(),
        },
    };
    let expect = body
        .replace("<partition>", "aws")
        .replace("<region>", "us-east-1")
        .replace("<function-name:1>", "f")
        .replace("111111111111", "000000000000");
    same(&answer.json(), &serde_json::from_str(&expect).unwrap());
}

async fn check(name: &str, plan: Plan, path: &str, headers: &[(&str, &str)], event: &[u8]) {
    let answer = plan.start().await.post(path, headers, event.to_vec()).await;
    compare(name, &answer, recording(name));
}

#[tokio::test]
async fn successes() {
    let kind = |kind| [("x-amz-invocation-type", kind)];
    let plain = || plan("plain");
    let name = |what: &str| format!("test_invocation_type_{what}[python3.10]");
    check(&name("request_response"), plain(), PATH, &kind("RequestResponse"), b"{}").await;
    check(&name("event"), plain(), PATH, &kind("Event"), b"{}").await;
    check(&name("dry_run"), plain(), PATH, &kind("DryRun"), b"{}").await;
    check("test_invocation_with_logs[python3.10]", plain(), PATH, &[("x-amz-log-type", "Tail")], b"{}").await;
}

#[tokio::test]
async fn functions_that_fail() {
    let mut brief = plan("plain");
    brief.run.timeout = Duration::from_secs(1);
    check("test_lambda_invoke_with_timeout", brief, PATH, &[], br#"{"do":"hang"}"#).await;
    check("test_lambda_handler_exit", plan("plain"), PATH, &[], br#"{"do":"exit","code":0}"#).await;
    check("test_lambda_runtime_exit", plan("init-exit 0"), PATH, &[], b"{}").await;
    check("test_lambda_runtime_wrapper_not_found", plan("init-exit 127"), PATH, &[], b"{}").await;
    check("test_lambda_too_large_response", plan("plain"), PATH, &[], br#"{"do":"flood"}"#).await;
}

#[tokio::test]
async fn refusals() {
    let unknown = "/2015-03-31/functions/doesnotexist/invocations";
    check("test_invoke_exceptions", plan("plain"), unknown, &[], b"{}").await;
    let alias = format!("{PATH}?Qualifier=non-existent-alias");
    check("test_lambda_alias_moving", plan("plain"), &alias, &[], b"{}").await;
    let mut none = plan("plain");
    none.run.instances = 0;
    none.run.queue = 0;
    check("test_reserved_concurrency", none, PATH, &[], b"{}").await;
    let bytes = b"n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt";
    check("test_lambda_invoke_payload_encoding_error", plan("plain"), PATH, &[], bytes).await;
}
