//! `limits.connections`.

use crate::support::{model, verdict};
use crate::world::{Client, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_above_the_limit_waits_for_one_to_end() {
    let world = start(|model| model.limits.connections = 2).await;
    let mut first = Client::connect(world.address).await;
    let mut second = Client::connect(world.address).await;
    assert_eq!(verdict(&first.get("/first").await).0, 200);
    assert_eq!(verdict(&second.get("/second").await).0, 200);
    let mut third = Client::connect(world.address).await;
    third.ask("/third").await;
    assert!(third.is_silent().await);
    assert_eq!(verdict(&first.get("/first").await).0, 200, "those that are there are served");
    assert_eq!(world.lambda.requests().len(), 3);
    drop(first);
    assert_eq!(verdict(&third.answer().await).0, 200);
    let mut fourth = Client::connect(world.address).await;
    fourth.ask("/fourth").await;
    assert!(fourth.is_silent().await, "one went, one came");

    // A reload that raises the limit lets the waiting one in.
    let mut more = world.model.clone();
    more.limits.connections = 3;
    world.gateway.reload(more).await.unwrap();
    assert_eq!(verdict(&fourth.answer().await).0, 200);
}

/// A listener that waits for a client must not hold a place that a client of another one needs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_listeners_take_no_place() {
    let world = start(|model| {
        model.limits.connections = 1;
        let one = model.listeners[0].clone();
        model.listeners = vec![one.clone(), one.clone(), one];
    })
    .await;
    let addresses = world.gateway.addresses();
    assert_eq!(addresses.len(), 3);
    // Not in turn: after any of them, any other must be free to serve.
    for at in [2, 2, 0, 0, 1, 2] {
        let mut client = Client::connect(addresses[at]).await;
        assert_eq!(verdict(&client.get("/").await).0, 200, "listener {at}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_place_is_lost() {
    let world = start(|model| {
        model.limits.connections = 2;
        model.limits.head_timeout = crate::world::MOMENT;
    })
    .await;
    for _ in 0..3 {
        // Every way a connection can end: refused, at once, half-way, in order.
        for bytes in
            ["GET / HTTP/1.1\n\n", "", "GET / HT", "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"]
        {
            let mut client = Client::connect(world.address).await;
            client.send(bytes.as_bytes()).await;
            if bytes.is_empty() {
                drop(client);
            } else {
                client.end().await;
            }
        }
    }
    let mut client = Client::connect(world.address).await;
    assert_eq!(verdict(&client.get("/").await).0, 200);
}

#[test]
fn the_default_is_as_documented() {
    assert_eq!(model("http://127.0.0.1:1").limits.connections, 20_000);
}
