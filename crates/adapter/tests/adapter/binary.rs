//! The binary itself: starts, serves, ends on SIGTERM; and outside Lambda it is not in the way.

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
    let mut command = Command::new(env!("CARGO_BIN_EXE_lambda-adapter"));
    command.env_clear().envs(env).stdout(Stdio::null());
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
