//! Bounds that take their time: what the documents promise in seconds, waited for once.

use std::time::{Duration, Instant};

use lambridge_testkit::{Answer, FakeApp, FakeRuntime, Invocation};

use crate::sandbox::*;

/// Longer than either bound, on a machine that does much else.
const LATE: Duration = Duration::from_secs(60);

/// `AWS_LWA_ASYNC_INIT`: after 9.8 seconds the adapter asks for an event, which ends the init phase, although the
/// application is not up; the first invocation waits for it.
#[tokio::test]
async fn an_application_slower_than_the_init_phase() {
    let runtime = FakeRuntime::start();
    let address = FakeApp::answering(Answer::ok("")).address();
    let start = Instant::now();
    let adapter = Adapter::start(env(&runtime, address, &[("AWS_LWA_ASYNC_INIT", "true")]));
    let asked = |runtime: &FakeRuntime| {
        runtime.requests().iter().filter(|r| r.path().ends_with("/invocation/next")).count()
    };
    // Registered, and its extension asks for events; the third request is the one for an invocation.
    tokio::time::timeout(LATE, async {
        while asked(&runtime) == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert!(start.elapsed() >= Duration::from_millis(9_800), "{:?}", start.elapsed());
    let waiting = runtime.queue(Invocation::new(V2));
    let app = FakeApp::at(address, |_| Answer::ok("hello"));
    let outcome = tokio::time::timeout(LATE, waiting).await.unwrap().unwrap();
    assert_eq!(body(&outcome), "hello");
    Sandbox { runtime, app, adapter }.still_works().await;
}

/// A readiness check that nobody answers is given up after ten seconds, and made again.
#[tokio::test]
async fn a_readiness_check_that_hangs() {
    let runtime = FakeRuntime::start();
    let app = FakeApp::answering(Answer::ok("hello"));
    app.push(Answer::silence());
    let start = Instant::now();
    let adapter = Adapter::start(env(&runtime, app.address(), &[]));
    tokio::time::timeout(LATE, async {
        while app.requests().len() < 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    })
    .await
    .unwrap();
    assert!(start.elapsed() >= Duration::from_secs(10), "{:?}", start.elapsed());
    Sandbox { runtime, app, adapter }.still_works().await;
}

/// An event that breaks off within its body, with the connection open, is given up after ten seconds.
#[tokio::test]
async fn half_an_event() {
    let sandbox = Sandbox::new();
    sandbox.still_works().await;
    let start = Instant::now();
    sandbox.runtime.fail_next(Answer::ok("hello").silence_in_body(2));
    sandbox.still_works().await;
    assert!(start.elapsed() >= Duration::from_secs(10), "{:?}", start.elapsed());
}
