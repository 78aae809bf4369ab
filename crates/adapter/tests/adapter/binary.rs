//! The binary itself: starts, serves, ends on SIGTERM; and outside Lambda it is not in the way.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};

use crate::sandbox::*;
use lambridge_testkit::{Answer, FakeApp, FakeRuntime, Invocation};

/// A child that does not outlive its test.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn adapter(env: Vec<(String, String)>) -> Guard {
    logging(env, Stdio::null())
}

fn logging(env: Vec<(String, String)>, to: Stdio) -> Guard {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-adapter"));
    command.env_clear().envs(env).stdout(to);
    Guard(command.spawn().unwrap())
}

#[tokio::test]
async fn serves_and_ends_on_sigterm() {
    let runtime = FakeRuntime::start();
    let app = FakeApp::answering(Answer::ok("hello"));
    let mut child = adapter(env(&runtime, app.address(), &[]));
    let outcome = runtime.invoke(Invocation::new(V2)).await;
    assert_eq!(body(&outcome), "hello");
    Command::new("kill").args(["-TERM", &child.0.id().to_string()]).status().unwrap();
    assert!(child.0.wait().unwrap().success());
}

#[tokio::test]
async fn outside_lambda_there_is_nothing_to_do() {
    assert!(adapter(Vec::new()).0.wait().unwrap().success());
}

#[tokio::test]
async fn a_setting_without_a_default_that_could_be_meant_ends_the_start() {
    let runtime = FakeRuntime::start();
    let app = FakeApp::answering(Answer::ok("hello"));
    let mut env = env(&runtime, app.address(), &[]);
    env.push(("AWS_LWA_PORT".into(), "http".into()));
    assert_eq!(adapter(env).0.wait().unwrap().code(), Some(1));
    let said: Vec<_> = runtime.requests().into_iter().filter(|r| r.path().ends_with("/init/error")).collect();
    assert_eq!(said.len(), 1);
    let text = said[0].text();
    assert!(text.contains("Function.InvalidSetting") && text.contains("AWS_LWA_PORT is `http`"), "{text}");
}

/// Each invocation that fails is one line, which says which one, what the client got, and why.
#[tokio::test]
async fn a_failure_is_one_line() {
    let runtime = FakeRuntime::start();
    let app = FakeApp::answering(Answer::ok("hello"));
    let mut env = env(&runtime, app.address(), &[]);
    // The last of two equal names counts for a command.
    env.push(("AWS_LAMBDA_LOG_LEVEL".into(), "INFO".into()));
    env.push(("AWS_LAMBDA_LOG_FORMAT".into(), "JSON".into()));
    let mut child = logging(env, Stdio::piped());
    app.wait_for(1).await;
    for event in [V2, SQS] {
        app.push(Answer::reset());
        runtime.invoke(Invocation::new(event)).await;
        assert!(runtime.invoke(Invocation::new(V2)).await.answered);
    }
    runtime.invoke(Invocation::new("{")).await;
    Command::new("kill").args(["-TERM", &child.0.id().to_string()]).status().unwrap();
    let mut text = String::new();
    child.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let said: Vec<String> = lines
        .iter()
        .map(|line| {
            ["level", "status", "reason", "path"].map(|key| line[key].as_str().unwrap_or("none")).join(" ")
        })
        .collect();
    assert_eq!(
        said,
        ["ERROR 502 upstream_error /a%20b", "ERROR 502 upstream_error /events", "ERROR 400 bad_request none"],
        "{text}"
    );
    assert!(lines.iter().all(|line| line["requestId"].as_str().is_some_and(|id| id.len() > 30)), "{text}");
}

/// Two lines an invocation, if asked for, whatever the level of the log: what happened, and its metrics.
#[tokio::test]
async fn what_is_written_down_about_each() {
    let runtime = FakeRuntime::start();
    let app = FakeApp::answering(Answer::ok("hello"));
    let mut env = env(
        &runtime,
        app.address(),
        &[
            ("AWS_LWA_ACCESS_LOG", "true"),
            ("AWS_LWA_METRICS_NAMESPACE", "My/App"),
            ("AWS_LWA_INVOKE_MODE", "response_stream"),
        ],
    );
    env.push(("AWS_LAMBDA_LOG_LEVEL".into(), "FATAL".into()));
    let mut child = logging(env, Stdio::piped());
    app.wait_for(1).await;
    let rows = [
        (V2, Answer::ok("hello"), "http_v2 GET /a%20b 200 ok", 0),
        (V2, Answer::new(500), "http_v2 GET /a%20b 500 ok", 1),
        (V2, Answer::reset(), "http_v2 GET /a%20b 502 upstream_error", 1),
        (V2, Answer::ok("hello").close_in_body(2), "http_v2 GET /a%20b 200 broke_off", 1),
        (ALB, Answer::new(404), "alb GET /a 404 ok", 0),
        (SQS, Answer::ok("null"), "other POST /events 200 ok", 0),
    ];
    for (event, answer, ..) in &rows {
        app.push(answer.clone());
        runtime.invoke(Invocation::new(*event)).await;
    }
    Command::new("kill").args(["-TERM", &child.0.id().to_string()]).status().unwrap();
    let mut text = String::new();
    child.0.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    let lines: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2 * rows.len(), "{text}");
    for (at, (pair, (_, _, expect, errors))) in lines.chunks(2).zip(rows).enumerate() {
        let [access, metrics] = pair else { panic!("{pair:?}") };
        let word = |key: &str| access[key].as_str().unwrap_or_default().to_owned();
        let found = format!(
            "{} {} {} {} {}",
            word("source"),
            word("method"),
            word("path"),
            access["status"],
            word("reason")
        );
        assert_eq!(found, expect);
        assert_eq!(access["coldStart"], at == 0);
        assert_eq!(access["requestId"], metrics["requestId"]);
        assert_eq!(metrics["_aws"]["CloudWatchMetrics"][0]["Namespace"], "My/App");
        assert_eq!((&metrics["Errors"], &metrics["ColdStart"]), (&errors.into(), &i32::from(at == 0).into()));
        assert_eq!(metrics["FunctionName"], "f");
    }
}
