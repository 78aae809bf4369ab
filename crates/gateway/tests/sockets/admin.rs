//! The admin address, over a socket.

use std::net::SocketAddr;
use std::time::Duration;

use lambridge_model::{Admin, Model};
use tokio::sync::Notify;

use crate::support::{rest, talk, verdict};
use crate::world::{Client, PATIENCE, World, answer, refuses, start};

fn with_admin(model: &mut Model) {
    model.admin = Some(Admin { address: ([127, 0, 0, 1], 0).into() });
}

async fn probe(address: SocketAddr, path: &str, host: &str) -> (u16, String) {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\r\n");
    let answer = talk(address, request.as_bytes()).await;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body).to_owned();
    (verdict(&answer).0, body)
}

/// Asks until the answer is this one, which it becomes soon.
async fn becomes_unready(admin: SocketAddr) {
    let asked = async { while probe(admin, "/readyz", "localhost").await != (503, "draining\n".into()) {} };
    tokio::time::timeout(PATIENCE, asked).await.expect("it says that it drains");
}

fn admin_of(world: &World) -> SocketAddr {
    world.gateway.admin_address().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_and_hosts() {
    let world = start(with_admin).await;
    let admin = admin_of(&world);
    assert_ne!(admin, world.address);
    let rows = [
        ("/healthz", "localhost", 200, "ok\n"),
        ("/readyz", "localhost:1", 200, "ready\n"),
        ("/readyz", "127.0.0.1", 200, "ready\n"),
        ("/readyz", "[::1]:80", 200, "ready\n"),
        ("/", "localhost", 404, "not found\n"),
        ("/healthz", "rebound.example", 403, "the Host must name this machine's loopback\n"),
        ("/healthz", "localhost.example", 403, "the Host must name this machine's loopback\n"),
        ("/healthz", "", 403, "the Host must name this machine's loopback\n"),
    ];
    for (path, host, status, body) in rows {
        assert_eq!(probe(admin, path, host).await, (status, body.to_owned()), "{path} {host}");
    }
    // Its paths are not the gateway's, nor the other way round.
    assert_eq!(probe(world.address, "/healthz", "localhost").await.1, "ok");
    assert_eq!(world.lambda.requests().len(), 1);
    assert_eq!(world.lines.now().len(), 1, "probes are not logged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_get_through_when_every_connection_is_taken() {
    let world = start(|model| {
        with_admin(model);
        model.limits.connections = 1;
    })
    .await;
    let mut kept = Client::connect(world.address).await;
    assert_eq!(verdict(&kept.get("/").await).0, 200);
    assert_eq!(probe(admin_of(&world), "/healthz", "localhost").await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readiness_is_withdrawn_before_connections_are_refused() {
    let world = start(|model| {
        with_admin(model);
        model.drain.delay = Duration::from_secs(3600);
    })
    .await;
    let admin = admin_of(&world);
    let (address, lambda) = (world.address, world.lambda);
    let drain = tokio::spawn(world.gateway.drain());
    becomes_unready(admin).await;
    assert_eq!(probe(admin, "/healthz", "localhost").await.0, 200, "it is still alive");
    assert_eq!(probe(address, "/", "localhost").await, (200, "ok".into()), "and still serves");
    assert_eq!(lambda.requests().len(), 1);
    drain.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn probes_are_answered_until_the_drain_is_over() {
    let world = start(with_admin).await;
    let (admin, address) = (admin_of(&world), world.address);
    // A prober that keeps its connection does not hold the drain up.
    let mut kept = tokio::net::TcpStream::connect(admin).await.unwrap();
    let told = Notify::new().into();
    world.lambda.push(answer("late").when(&told));
    let mut busy = Client::connect(address).await;
    busy.ask("/").await;
    world.lambda.wait_for(1).await;
    let drain = tokio::spawn(world.gateway.drain());
    refuses(address).await;
    assert_eq!(probe(admin, "/readyz", "localhost").await, (503, "draining\n".into()));
    assert_eq!(probe(admin, "/healthz", "localhost").await.0, 200);
    told.notify_one();
    assert!(busy.answer().await.ends_with("late"));
    tokio::time::timeout(PATIENCE, drain).await.expect("the drain ends").unwrap();
    assert_eq!(rest(&mut kept).await, "");
}
