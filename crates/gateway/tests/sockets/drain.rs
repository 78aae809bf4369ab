//! How a gateway ends.

use std::time::{Duration, Instant};

use lambridge_model::Concurrency;
use tokio::sync::Notify;

use crate::support::verdict;
use crate::world::{Client, PATIENCE, World, answer, check, f, refuses, start};

const LONG: Duration = Duration::from_secs(3600);

/// Begins to drain; returns once the listeners are closed.
async fn begin(mut world: World) -> (World, tokio::task::JoinHandle<()>) {
    // The place of the real one, which the drain takes.
    let empty = start(|_| {}).await.gateway;
    let drain = tokio::spawn(std::mem::replace(&mut world.gateway, empty).drain());
    refuses(world.address).await;
    (world, drain)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kept_connections_end_after_the_request_at_hand() {
    let world = start(|_| {}).await;
    let mut idle = Client::connect(world.address).await;
    assert_eq!(verdict(&idle.get("/").await).0, 200);
    let fresh = Client::connect(world.address).await;
    let mut half = Client::connect(world.address).await;
    half.send(b"GET / HTTP/1.1\r\nhost: ").await;
    let told = Notify::new().into();
    world.lambda.push(answer("late").when(&told));
    let mut busy = Client::connect(world.address).await;
    busy.send("GET / HTTP/1.1\r\nhost: h\r\n\r\n".repeat(2).as_bytes()).await;
    world.lambda.wait_for(2).await;

    let (world, drain) = begin(world).await;
    assert_eq!(idle.end().await, "");
    assert_eq!(fresh.end().await, "");
    assert_eq!(half.end().await, "", "a request that was not there yet is not waited for");
    assert!(!drain.is_finished());
    told.notify_one();
    let last = busy.answer().await;
    assert!(last.ends_with("late") && last.contains("connection: close\r\n"), "{last}");
    assert_eq!(busy.end().await, "", "the pipelined one is for another gateway");
    tokio::time::timeout(PATIENCE, drain).await.expect("nothing is left").unwrap();
    assert_eq!(world.lambda.requests().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deadline_cuts_what_does_not_end() {
    let deadline = Duration::from_millis(200);
    let world = start(|model| {
        model.drain.deadline = deadline;
        f(model).concurrency = Concurrency { max: 1, queue: 9, wait: LONG, ..Concurrency::default() };
        f(model).timeout = LONG;
    })
    .await;
    let told = Notify::new().into();
    world.lambda.push(answer("never").when(&told));
    let mut called = Client::connect(world.address).await;
    called.ask("/called").await;
    world.lambda.wait_for(1).await;
    let mut queued = Client::connect(world.address).await;
    queued.ask("/queued").await;
    assert!(queued.is_silent().await);

    let began = Instant::now();
    let (world, drain) = begin(world).await;
    let refused = queued.answer().await;
    assert!(began.elapsed() >= deadline, "it has its time");
    check(&world, &refused, 503, "draining").await;
    assert!(refused.contains("connection: close\r\n"), "{refused}");
    tokio::time::timeout(PATIENCE, drain)
        .await
        .expect("a call without end does not hold the process")
        .unwrap();
    assert_eq!(world.lambda.requests().len(), 1, "nothing new is called");
    drop(called);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_without_a_client_is_waited_for() {
    let world = start(|_| {}).await;
    let told = Notify::new().into();
    world.lambda.push(answer("late").when(&told));
    let mut leaving = Client::connect(world.address).await;
    leaving.ask("/leaving").await;
    world.lambda.wait_for(1).await;
    drop(leaving);
    let (world, drain) = begin(world).await;
    assert!(!drain.is_finished());
    told.notify_one();
    tokio::time::timeout(PATIENCE, drain).await.unwrap().unwrap();
    assert!(world.lines.now()[0].contains("reason=client_gone"));
}
