//! Extensions inside the runtime and beside it, and the web app that is driven by one.

use crate::support::{eventually, plan, runs};

#[tokio::test]
async fn an_internal_extension() {
    let mut house = plan("internal").start().await;
    let answer = house.invoke("[1]").await;
    assert_eq!(answer.body, "[1]");
    let invoked = format!("INVOKE {}", answer.header("x-amzn-requestid"));
    // The caller may have its answer before the extension has noted the event.
    eventually("the event", || house.notes().contains(&invoked).then_some(())).await;
    for note in [
        "registered 200 000000000000",
        "shutdown 403",
        "unknown 403",
        "telemetry 202",
        "ping pong",
        "early 403",
    ] {
        assert!(house.notes().iter().any(|one| one == note), "{note}: {:?}", house.notes());
    }
    house.shutdown().await;
}

#[tokio::test]
async fn a_web_app_and_its_adapter() {
    let mut plan = plan("app");
    plan.web = true;
    let mut house = plan.start().await;
    let answer = house.invoke("[1]").await;
    assert_eq!(answer.body, "[1]");
    let word = |who: &str, position: usize| {
        let notes = house.notes();
        let note = notes.iter().find(|note| note.starts_with(&format!("{who} "))).cloned();
        note.and_then(|note| note.split(' ').nth(position).map(str::to_owned))
    };
    let app = eventually("the app's start", || word("app", 1)).await;
    let adapter = word("adapter", 1).unwrap();
    assert_eq!(word("app", 2), word("adapter", 2), "both know the port");
    assert_eq!(word("adapter", 3).unwrap(), "False", "an extension sees no _HANDLER");
    assert!(runs(&app) && runs(&adapter));
    house.shutdown().await;
    assert!(!runs(&app) && !runs(&adapter));
    let notes = house.notes();
    assert!(notes.iter().any(|note| note == "app SIGTERM"), "{notes:?}");
    assert!(notes.iter().any(|note| note == "SHUTDOWN spindown"), "{notes:?}");
}

#[tokio::test]
async fn a_web_app_that_dies_is_started_again() {
    let mut plan = plan("app");
    plan.web = true;
    let house = plan.start().await;
    assert_eq!(house.invoke("[1]").await.body, "[1]");
    let pids = |who: &str| -> Vec<i32> {
        let notes = house.notes();
        let of = notes.iter().filter(|note| note.starts_with(&format!("{who} ")));
        of.filter_map(|note| note.split(' ').nth(1)?.parse().ok()).collect()
    };
    let app = eventually("the app's start", || pids("app").first().copied()).await;
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(app).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
    let restarted = async {
        // The death is noticed on its own time; a call before that fails as its app did.
        while pids("adapter").len() < 2 {
            house.invoke("[2]").await;
        }
    };
    tokio::time::timeout(crate::support::PATIENCE, restarted).await.unwrap();
    assert_eq!(house.invoke("[3]").await.body, "[3]");
}
