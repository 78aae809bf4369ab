//! Extensions inside the runtime and beside it, the web app that is driven by one, and what else lies in `/opt`.

use crate::support::{House, eventually, plan, runs};

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
        "telemetry 403",
        "ping pong",
        "early 403",
    ] {
        assert!(house.notes().iter().any(|one| one == note), "{note}: {:?}", house.notes());
    }
    house.shutdown().await;
}

#[tokio::test]
async fn extensions_that_report_their_end() {
    for when in ["init", "exit"] {
        let house = plan(&format!("extension-error {when}")).start().await;
        let answer = house.invoke("{}").await;
        let error = answer.json();
        let kind = if when == "init" { "Extension.InitError" } else { "Extension.ExitError" };
        assert_eq!((answer.failed(), &error["errorType"]), (true, &kind.into()), "{when}: {error}");
        assert_eq!(error["errorMessage"], "Extension.Sad", "{when}");
        let expect = [
            "init 403 Extension.MissingExtensionIdentifier",
            "init 403 Extension.InvalidExtensionIdentifier",
            "init 403 Extension.UnknownExtensionIdentifier",
            "init 403 Extension.MissingHeader",
        ];
        assert_eq!(house.notes()[..4], expect, "{when}");
        let line = format!("{kind}: Extension.Sad why");
        assert!(house.lines.lock().unwrap().contains(&line), "the log has what it said");
    }
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

/// The application is told as Lambda Web Functions tell it, the adapter where it listens.
#[tokio::test]
async fn a_web_function() {
    for (value, on) in [("true", true), ("false", false)] {
        let mut plan = plan("app");
        plan.web = true;
        plan.run.env.insert("AWS_LWA_WEB_FUNCTION".to_owned(), value.to_owned());
        let mut house = plan.start().await;
        assert_eq!(house.invoke("[1]").await.body, "[1]");
        // A busy machine may have to start either twice: the application's port is one that the adapter knows.
        let ports = |who: &str| -> Vec<String> {
            let notes = house.notes().into_iter().filter(|note| note.starts_with(who));
            notes.filter_map(|note| note.split(' ').nth(2).map(str::to_owned)).collect()
        };
        let port = eventually("the app's start", || ports("app ").pop()).await;
        assert!(ports("adapter ").contains(&port), "{:?}", house.notes());
        assert_eq!(port.starts_with("127.0.0.1:"), on, "{port}");
        let expect = if on {
            "environment native-http"
        } else {
            "environment on-demand AWS_LAMBDA_FUNCTION_NAME AWS_LWA_PORT"
        };
        assert!(house.notes().iter().any(|note| note == expect), "{:?}", house.notes());
        house.shutdown().await;
    }
}

/// Process numbers that have been noted, the last one last.
fn pids(house: &House, who: &str) -> Vec<i32> {
    let notes = house.notes();
    let of = notes.iter().filter(|note| note.starts_with(&format!("{who} ")));
    of.filter_map(|note| note.split(' ').nth(1)?.parse().ok()).collect()
}

#[tokio::test]
async fn a_web_app_that_dies_is_started_again() {
    let mut plan = plan("app");
    plan.web = true;
    let house = plan.start().await;
    for round in 1..5 {
        assert_eq!(
            house.invoke("[1]").await.body,
            "[1]",
            "the death is seen before the invocation is given away"
        );
        let app = eventually("the app's start", || pids(&house, "app").get(round - 1).copied()).await;
        let pid = rustix::process::Pid::from_raw(app).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        // Nothing else runs on this thread meanwhile, so the emulator has not been told.
        while runs(&app.to_string()) {
            std::thread::yield_now();
        }
    }
}

#[tokio::test]
async fn the_death_of_a_web_app_is_the_platforms_to_tell() {
    let mut plan = plan("app");
    plan.web = true;
    let house = plan.start().await;
    for round in 0..3 {
        assert_eq!(house.invoke("[1]").await.body, "[1]");
        let app = eventually("the app's start", || pids(&house, "app").get(round).copied()).await;
        let large = round == 1;
        let answer = house.invoke(&format!(r#"{{"do":"blame","app":{app},"large":{large}}}"#)).await;
        assert!(answer.failed(), "{answer:?}");
        assert_eq!(answer.json()["errorType"], "Runtime.ExitError");
        assert!(answer.body.contains("signal: killed"), "{answer:?}");
    }
    assert!(!house.notes().contains(&"next refused".to_owned()), "the adapter's end is all it hears of");
    let living = format!(r#"{{"do":"blame","app":{}}}"#, std::process::id());
    assert!(!house.invoke(&living).await.failed(), "of an app that lives, the adapter's word is taken");
}

/// The adapter of an image: a file in `/opt/extensions`, beside the image's command.
const ADAPTER: (&str, &str) = ("extensions/lambda-adapter", "#!/bin/sh\nexec {} adapter\n");

#[tokio::test]
async fn an_image_with_its_extensions() {
    let mut plan = plan("app");
    plan.run.env =
        [("PORT".to_owned(), "7000".to_owned()), ("AWS_LWA_PORT".to_owned(), "7000".to_owned())].into();
    plan.opt = vec![ADAPTER, ("extensions/watcher", "#!/bin/sh\nexec {} watcher\n")];
    let mut house = plan.start().await;
    assert_eq!(house.invoke("[1]").await.body, "[1]");
    let noted = |start: &str| house.notes().iter().find(|note| note.starts_with(start)).cloned();
    let app = eventually("the app's start", || noted("app ")).await;
    assert!(app.ends_with(" 7000"), "{app}");
    let adapter = noted("adapter ").unwrap();
    let watcher = noted("watcher ").unwrap();
    let pid = |note: &str| note.split(' ').nth(1).unwrap().to_owned();
    house.shutdown().await;
    let ends = house.notes().into_iter().filter(|note| note == "SHUTDOWN spindown").count();
    assert_eq!(ends, 2, "each extension is told: {:?}", house.notes());
    for process in [app, adapter, watcher] {
        assert!(!runs(&pid(&process)), "{process}");
    }
}

#[tokio::test]
async fn an_extension_in_opt_is_the_adapter_of_a_web_app() {
    let mut plan = plan("app");
    plan.web = true;
    plan.opt = vec![ADAPTER];
    let house = plan.start().await;
    assert_eq!(house.invoke("[1]").await.body, "[1]");
    let adapters = house.notes().iter().filter(|note| note.starts_with("adapter ")).count();
    assert_eq!(adapters, 1, "{:?}", house.notes());
}

#[tokio::test]
async fn a_wrapper_takes_the_place_of_the_runtime() {
    let mut plan = plan("plain");
    plan.run.env = [("AWS_LAMBDA_EXEC_WRAPPER".to_owned(), "/opt/wrap".to_owned())].into();
    plan.run.handler = Some("run.sh".to_owned());
    plan.opt = vec![
        (
            "wrap",
            "#!/bin/sh\ntool\necho \"wrapped $1 $_HANDLER $LAMBDA_TASK_ROOT\" >> \"$NOTES\"\nexec \"$@\"\n",
        ),
        ("bin/tool", "#!/bin/sh\necho tool >> \"$NOTES\"\n"),
    ];
    let house = plan.start().await;
    assert_eq!(house.invoke("[1]").await.body, "[1]");
    let folder = house.folder.path().display();
    assert_eq!(house.notes(), ["tool".to_owned(), format!("wrapped python3 run.sh {folder}")]);
}

#[tokio::test]
async fn what_in_opt_goes_wrong() {
    let check = async |wrapper: &str, opt: Vec<(&'static str, &'static str)>, kind: &str, message: &str| {
        let mut plan = plan("plain");
        plan.run.env = [("AWS_LAMBDA_EXEC_WRAPPER".to_owned(), wrapper.to_owned())].into();
        plan.opt = opt;
        let answer = plan.start().await.invoke("[1]").await;
        assert!(answer.failed(), "{answer:?}");
        let error = answer.json();
        assert_eq!(error["errorType"], kind, "{error}");
        assert!(error["errorMessage"].as_str().unwrap().contains(message), "{error}");
    };
    let missing = "AWS_LAMBDA_EXEC_WRAPPER: `/opt/bootstrap` is no file";
    check("/opt/bootstrap", vec![("other", "")], "Runtime.InvalidEntrypoint", missing).await;
    // A program that is no extension ends before it has registered.
    let quits = ("extensions/quits", "#!/bin/sh\nexit 4\n");
    check("", vec![quits], "Extension.Crash", "exit status 4").await;
    let no_program = ("extensions/text", "#!/nowhere/at/all\n");
    check("", vec![no_program], "Extension.LaunchError", "cannot start").await;
}

#[tokio::test]
async fn a_port_of_its_own() {
    // Free a moment ago; the app of this test does not open it.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut plan = plan("app");
    plan.web = true;
    plan.run.port = Some(port);
    plan.run.instances = 4;
    let house = std::sync::Arc::new(plan.start().await);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let house = std::sync::Arc::clone(&house);
        calls.spawn(async move { house.invoke("[1]").await.body });
    }
    while let Some(body) = calls.join_next().await {
        assert_eq!(body.unwrap(), "[1]");
    }
    let started = || house.notes().into_iter().find(|note| note.starts_with("app "));
    let app = eventually("the app's start", started).await;
    assert_eq!(app.split(' ').nth(2), Some(port.to_string().as_str()));
    assert_eq!(pids(&house, "adapter").len(), 1, "two could not have the port");
}
