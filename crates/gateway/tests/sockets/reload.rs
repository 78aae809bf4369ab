//! What a reload keeps, and what it does not.

use std::time::Duration;

use lambridge_gateway::StartError;
use lambridge_model::{Admin, Concurrency, Model, Origin, PathMatch, StaticAnswer, Target};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::support::{get, route, verdict};
use crate::world::{Client, World, answer, check, f, refuses, start};

/// One call at a time, and it is taken.
async fn busy() -> (World, Client) {
    let world = start(|model| {
        f(model).concurrency =
            Concurrency { max: 1, queue: 0, wait: Duration::from_secs(9), ..Concurrency::default() };
    })
    .await;
    let never = Notify::new().into();
    world.lambda.push(answer("never").when(&never));
    let mut first = Client::connect(world.address).await;
    first.ask("/first").await;
    world.lambda.wait_for(1).await;
    (world, first)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn permits_stay_while_a_functions_settings_are_equal() {
    let (world, _first) = busy().await;
    let mut moved = world.model.clone();
    // Everything around the function may change, the line it stands on too.
    f(&mut moved).origin = Origin { file: "b.yaml".into(), line: 7, column: 3 };
    moved.limits.body = 1000;
    moved.routes.push(route("other", PathMatch::Prefix("/other".into())));
    let other = f(&mut moved).clone();
    moved.functions.insert("a".into(), other);
    world.gateway.reload(moved).await.unwrap();
    check(&world, &get(world.address, "GET", "/other").await, 503, "overloaded").await;
    assert_eq!(world.lambda.requests().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_setting_is_another_function() {
    let change: [fn(&mut Model); 3] = [
        |model| f(model).timeout += Duration::from_secs(1),
        |model| f(model).concurrency.max = 2,
        |model| f(model).qualifier = Some("live".into()),
    ];
    for change in change {
        let (world, _first) = busy().await;
        let mut changed = world.model.clone();
        change(&mut changed);
        world.gateway.reload(changed).await.unwrap();
        let answer = get(world.address, "GET", "/second").await;
        assert_eq!(verdict(&answer).0, 200, "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_in_a_queue_waits_on() {
    let world = start(|model| {
        f(model).concurrency =
            Concurrency { max: 1, queue: 1, wait: Duration::from_secs(9), ..Concurrency::default() };
    })
    .await;
    let told = Notify::new().into();
    world.lambda.push(answer("first").when(&told));
    let mut first = Client::connect(world.address).await;
    first.ask("/first").await;
    world.lambda.wait_for(1).await;
    let mut second = Client::connect(world.address).await;
    second.ask("/second").await;
    assert!(second.is_silent().await);
    // Its route is gone with the reload; a request keeps the configuration it began with.
    let mut without = world.model.clone();
    without.routes.clear();
    without.functions.clear();
    world.gateway.reload(without).await.unwrap();
    told.notify_one();
    assert!(first.answer().await.ends_with("first"));
    assert_eq!(verdict(&second.answer().await).0, 200);
    check(&world, &second.get("/third").await, 404, "no_route").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_is_taken_rejects_the_whole() {
    let world = start(|model| model.admin = Some(Admin { address: ([127, 0, 0, 1], 0).into() })).await;
    let admin = world.gateway.admin_address().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let free = {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
        free.local_addr().unwrap()
    };
    // A listener that could be bound, then one that cannot, and other routes.
    let mut wrong = world.model.clone();
    let mut second = wrong.listeners[0].clone();
    second.address = free;
    wrong.listeners.push(second);
    wrong.admin = Some(Admin { address: taken.local_addr().unwrap() });
    wrong.routes = vec![route("fixed", PathMatch::Prefix("/".into()))];
    wrong.routes[0].target = Target::Static(StaticAnswer { status: 418, headers: vec![], body: vec![] });
    match world.gateway.reload(wrong.clone()).await {
        Err(StartError::Bind { address, .. }) => assert_eq!(address, taken.local_addr().unwrap()),
        other => panic!("{other:?}"),
    }
    assert_eq!(world.gateway.addresses(), [world.address]);
    assert_eq!(world.gateway.admin_address(), Some(admin));
    assert_eq!(verdict(&get(world.address, "GET", "/").await).0, 200, "the old routes");
    assert_eq!(verdict(&get(admin, "GET", "/").await).0, 403, "the old admin address");
    drop(TcpListener::bind(free).await.expect("what was bound on the way is free again"));

    drop(taken);
    world.gateway.reload(wrong).await.unwrap();
    assert_eq!(world.gateway.addresses(), [world.address, free]);
    for address in [world.address, free] {
        assert_eq!(verdict(&get(address, "GET", "/").await).0, 418);
    }
    assert!(tokio::net::TcpStream::connect(admin).await.is_err(), "the old admin address is closed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_that_goes_finishes_what_it_has() {
    let world = start(|model| model.listeners.push(model.listeners[0].clone())).await;
    let [stays, goes] = world.gateway.addresses()[..] else { panic!("two listeners") };
    let mut idle = Client::connect(goes).await;
    assert_eq!(verdict(&idle.get("/idle").await).0, 200);
    let told = Notify::new().into();
    world.lambda.push(answer("late").when(&told));
    let mut busy = Client::connect(goes).await;
    busy.ask("/busy").await;
    world.lambda.wait_for(2).await;
    let mut kept = Client::connect(stays).await;
    assert_eq!(verdict(&kept.get("/kept").await).0, 200);

    let mut fewer = world.model.clone();
    fewer.listeners.pop();
    world.gateway.reload(fewer).await.unwrap();
    refuses(goes).await;
    assert_eq!(idle.end().await, "");
    told.notify_one();
    let last = busy.answer().await;
    assert!(last.ends_with("late") && last.contains("connection: close\r\n"), "{last}");
    assert_eq!(verdict(&kept.get("/kept").await).0, 200, "the other listener's connections stay");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_change_with_a_reload() {
    let world = start(|_| {}).await;
    let mut kept = Client::connect(world.address).await;
    let post = b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nabc";
    kept.send(post).await;
    assert_eq!(verdict(&kept.answer().await).0, 200);
    let mut less = world.model.clone();
    less.limits.body = 2;
    less.limits.head = 40;
    world.gateway.reload(less).await.unwrap();
    // A connection keeps the head's limit that it began with, a request that of its configuration.
    kept.send(post).await;
    check(&world, &kept.answer().await, 413, "body_too_large").await;
    let mut fresh = Client::connect(world.address).await;
    fresh.send(post).await;
    check(&world, &fresh.answer().await, 431, "head_too_large").await;
}
