//! Clients that go away before their answer.

use std::time::Duration;

use lambridge_model::Concurrency;
use tokio::sync::Notify;

use crate::support::verdict;
use crate::world::{Client, answer, check, f, start};

const LONG: Duration = Duration::from_secs(3600);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gone_while_queued_means_no_call() {
    let world = start(|model| {
        f(model).concurrency = Concurrency { max: 1, queue: 1, wait: LONG, ..Concurrency::default() };
        f(model).timeout = LONG;
    })
    .await;
    let told = Notify::new().into();
    world.lambda.push(answer("first").when(&told));
    let mut first = Client::connect(world.address).await;
    first.ask("/first").await;
    world.lambda.wait_for(1).await;

    // There is one place in the queue: who of two is refused says that the other has it.
    let (mut one, mut other) = (Client::connect(world.address).await, Client::connect(world.address).await);
    one.ask("/waiting").await;
    other.ask("/waiting").await;
    let (refused, leaving) = tokio::select! {
        refused = one.answer() => (refused, other),
        refused = other.answer() => (refused, one),
    };
    check(&world, &refused, 503, "overloaded").await;
    drop(leaving);

    // Its line comes at once, and its place is free for the next.
    let lines = world.lines.wait_for(2).await;
    let own = lines.iter().find(|line| line.contains("client_gone")).expect("a line of its own");
    assert!(own.contains(" GET /waiting 499 reason=client_gone "), "{own}");
    assert!(!own.contains("invoke_us"), "no call: {own}");
    let mut next = Client::connect(world.address).await;
    next.ask("/next").await;
    assert!(next.is_silent().await);
    told.notify_one();
    assert!(first.answer().await.ends_with("first"));
    assert_eq!(verdict(&next.answer().await).0, 200);
    let seen: Vec<bool> =
        world.lambda.requests().iter().map(|call| call.text().contains("/leaving")).collect();
    assert_eq!(seen, [false, false], "what nobody waits for is not called");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gone_during_the_call_holds_the_permit_to_its_end() {
    let world = start(|model| {
        f(model).concurrency = Concurrency { max: 1, queue: 0, wait: LONG, ..Concurrency::default() };
    })
    .await;
    let told = Notify::new().into();
    world.lambda.push(answer("late").when(&told));
    let mut leaving = Client::connect(world.address).await;
    leaving.ask("/leaving").await;
    world.lambda.wait_for(1).await;
    drop(leaving);
    // Lambda still runs: the function has no free place, and the request no line yet.
    for _ in 0..3 {
        let mut other = Client::connect(world.address).await;
        assert!(world.lines.now().iter().all(|line| !line.contains("/leaving")));
        check(&world, &other.get("/other").await, 503, "overloaded").await;
    }
    told.notify_one();
    let lines = world.lines.wait_for(4).await;
    let own: Vec<&String> = lines.iter().filter(|line| line.contains("GET /leaving ")).collect();
    assert_eq!(own.len(), 1, "{lines:#?}");
    for part in [" 499 reason=client_gone ", "lambda_request_id=aws-1", "invoke_us=", "bytes_out=0"] {
        assert!(own[0].contains(part), "{part} in {}", own[0]);
    }
    let mut other = Client::connect(world.address).await;
    assert_eq!(verdict(&other.get("/after").await).0, 200, "the call's end frees its place");
    assert_eq!(world.lambda.requests().len(), 2);
}
