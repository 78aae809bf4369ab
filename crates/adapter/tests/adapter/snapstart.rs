//! SnapStart: hooks around the snapshot, and that nobody else calls them.

use lambridge_testkit::{Answer, FakeApp, FakeRuntime};

use crate::sandbox::*;

const HOOKS: [(&str, &str); 3] = [
    ("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start"),
    ("AWS_LWA_SNAPSTART_BEFORE_CHECKPOINT_PATH", "/before"),
    ("AWS_LWA_SNAPSTART_AFTER_RESTORE_PATH", "/after?x=1"),
];

/// Method and target of what the application got.
fn seen(app: &FakeApp) -> Vec<String> {
    app.requests().iter().map(|request| format!("{} {}", request.method, request.target)).collect()
}

fn paths(runtime: &FakeRuntime) -> Vec<String> {
    let paths = runtime.requests().into_iter().map(|request| request.path().to_owned());
    paths.filter(|path| path.starts_with("/2018-06-01/")).collect()
}

#[tokio::test]
async fn hooks_are_called_around_the_snapshot() {
    let sandbox = Sandbox::with(&HOOKS);
    sandbox.still_works().await;
    assert_eq!(
        seen(&sandbox.app),
        ["GET /", "POST /before", "POST /after?x=1", "GET /", "GET /a%20b?x=1&x=2"]
    );
    let paths = paths(&sandbox.runtime);
    assert_eq!(paths[..2], ["/2018-06-01/runtime/restore/next", "/2018-06-01/runtime/invocation/next"]);
}

#[tokio::test]
async fn without_a_snapshot_no_hook_is_called() {
    for more in [&HOOKS[1..], &HOOKS[..1]] {
        let sandbox = Sandbox::with(more);
        sandbox.still_works().await;
        assert_eq!(seen(&sandbox.app), ["GET /", "GET /a%20b?x=1&x=2"]);
        assert_eq!(paths(&sandbox.runtime)[0], "/2018-06-01/runtime/invocation/next");
    }
}

#[tokio::test]
async fn hooks_that_fail_end_the_phase() {
    for (fails, report, error) in [
        ("/before", "/2018-06-01/runtime/init/error", "Function.BeforeCheckpointFailed"),
        ("/after", "/2018-06-01/runtime/restore/error", "Function.AfterRestoreFailed"),
    ] {
        for fault in [Answer::new(500), Answer::new(302), Answer::reset()] {
            let runtime = FakeRuntime::start();
            let app = FakeApp::with(
                move |request| {
                    if request.path() == fails { fault.clone() } else { Answer::ok("") }
                },
            );
            let mut adapter = Adapter::start(env(&runtime, app.address(), &HOOKS));
            assert!(adapter.ended().await.contains("(1)"));
            let last = runtime.requests().pop().unwrap();
            assert_eq!(last.path(), report);
            assert_eq!(last.header_all("lambda-runtime-function-error-type"), [error]);
            assert!(last.text().contains(fails), "{}", last.text());
        }
    }
}

#[tokio::test]
async fn clients_cannot_call_a_hook() {
    let sandbox = Sandbox::with(&HOOKS);
    sandbox.still_works().await;
    let before = sandbox.app.requests().len();
    for path in ["/before", "/x/%2e%2e/BEFORE;a", "//after/"] {
        let outcome =
            sandbox.runtime.invoke(lambridge_testkit::Invocation::new(v2("POST", path, "", false))).await;
        assert_eq!((status(&outcome), body(&outcome).as_str()), (403, ""), "{path}");
    }
    assert_eq!(sandbox.app.requests().len(), before);
    sandbox.still_works().await;
}
