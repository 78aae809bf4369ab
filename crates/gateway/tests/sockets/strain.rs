//! Thousands of clients that do nothing, or do it slowly, are no one else's trouble.
//!
//! What is asked is the order of things, not their time: with all of them connected, another client is served, again and
//! again, and afterwards each of the idle and the slow ones still gets its own answer.

use std::time::Duration;

use crate::support::verdict;
use crate::world::{Client, PATIENCE, start};

const IDLE: usize = 10_000;
const SLOW: usize = 1_000;

/// How many of both this process may hold: each takes a descriptor here and one in the gateway, which is the same process.
fn affordable() -> (usize, usize) {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let soft = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft =
        soft.and_then(|line| line.split_ascii_whitespace().next()?.parse::<usize>().ok()).unwrap_or(1024);
    // The other tests of this binary run at the same time.
    let pairs = soft.saturating_sub(500) / 2;
    let slow = (pairs / 11).clamp(10, SLOW);
    (pairs.saturating_sub(slow).clamp(50, IDLE), slow)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_and_slow_clients_hold_no_one_up() {
    let (idle, slow) = affordable();
    // For who reads the output: fewer than the full number means a low bound on descriptors.
    eprintln!("{idle} idle and {slow} slow clients of {IDLE} and {SLOW}");
    let world = start(|model| {
        model.limits.connections = IDLE + SLOW + 100;
        model.limits.head_timeout = Duration::from_secs(600);
        model.limits.idle = Duration::from_secs(600);
    })
    .await;
    let mut sleepers = Vec::with_capacity(idle);
    for _ in 0..idle {
        sleepers.push(Client::connect(world.address).await);
    }
    let mut dawdlers = Vec::with_capacity(slow);
    for _ in 0..slow {
        let mut client = Client::connect(world.address).await;
        client.send(b"GET /slow HTTP/1.1\r\nhost: lo").await;
        dawdlers.push(client);
    }
    let mut other = Client::connect(world.address).await;
    for round in 0..20 {
        // A byte more from each: the gateway has something to do for them, too.
        for client in &mut dawdlers {
            client.send(b"c").await;
        }
        for _ in 0..10 {
            assert_eq!(verdict(&other.get("/other").await).0, 200, "round {round}");
        }
    }
    let served = world.lambda.requests();
    assert_eq!(served.len(), 200, "only the other client was served so far");
    let ends = async {
        for client in &mut dawdlers {
            client.send(b"\r\n\r\n").await;
            assert_eq!(verdict(&client.answer().await).0, 200);
        }
        for client in sleepers.iter_mut().step_by(idle.div_ceil(100)) {
            assert_eq!(verdict(&client.get("/idle").await).0, 200);
        }
    };
    tokio::time::timeout(PATIENCE * 10, ends).await.expect("each gets its answer");
}
