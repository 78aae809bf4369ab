//! Weighted functions with a client's word, a cookie and a rollback, seen from clients, from Lambda and by the operator.

use std::net::SocketAddr;
use std::time::Duration;

use lambridge_model::{Admin, Canary, Model, Percent, Rollback, Sticky, Target, Weighted};
use lambridge_testkit::Answer;

use crate::support::{function, talk, verdict};
use crate::world::{PATIENCE, World, answer, start};

/// `f` and `g` in front of the same fake Lambda, by name `f` and `new:2`.
fn two(model: &mut Model, weights: [u32; 2], canary: Canary) {
    let endpoint = model.functions["f"].endpoint.clone().unwrap();
    let mut new = function(&endpoint);
    new.name = "new:2".parse().unwrap();
    model.functions.insert("g".into(), new);
    let shares = ["f", "g"].iter().zip(weights);
    let shares = shares.map(|(key, weight)| Weighted { function: (*key).into(), weight });
    model.routes[0].target = Target::Functions(shares.collect());
    model.routes[0].canary = canary;
    model.admin = Some(Admin { address: ([127, 0, 0, 1], 0).into() });
}

async fn ask(address: SocketAddr, fields: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\nhost: localhost\r\n{fields}connection: close\r\n\r\n");
    talk(address, request.as_bytes()).await
}

/// Which function the last call went to.
fn called(world: &World) -> String {
    let target = world.lambda.requests().last().unwrap().target.clone();
    target.split('/').nth(3).unwrap().to_owned()
}

async fn admin(world: &World, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    talk(world.gateway.admin_address().unwrap(), request.as_bytes()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tester_names_the_function() {
    let canary = Canary { override_by: Some("x-canary".into()), ..Canary::default() };
    let world = start(|model| two(model, [1, 0], canary)).await;
    for (fields, expect) in
        [("", "f"), ("x-canary: g\r\n", "new"), ("x-canary: 2\r\n", "new"), ("X-Canary: f\r\n", "f")]
    {
        assert_eq!(verdict(&ask(world.address, fields).await).0, 200, "{fields}");
        assert_eq!(called(&world), expect, "{fields}");
    }
    let calls = world.lambda.requests().len();
    assert_eq!(verdict(&ask(world.address, "x-canary: shop\r\n").await), (400, "bad_request".into()));
    assert_eq!(world.lambda.requests().len(), calls, "an unknown name calls nothing");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cookie_keeps_a_client_where_it_is() {
    let sticky = Sticky::Cookie { name: "lb".into(), max_age: Duration::from_secs(60) };
    let world = start(|model| two(model, [1, 1], Canary { sticky: Some(sticky), ..Canary::default() })).await;
    let mut seen = Vec::new();
    for _ in 0..24 {
        let given = ask(world.address, "").await;
        let first = called(&world);
        let (_, cookie) = given.split_once("set-cookie: ").unwrap();
        let (pair, attributes) = cookie.lines().next().unwrap().split_once("; ").unwrap();
        assert_eq!(attributes, "Path=/; Max-Age=60; HttpOnly; SameSite=Lax");
        for _ in 0..3 {
            let again = ask(world.address, &format!("cookie: a=b; {pair}\r\n")).await;
            assert!(!again.contains("set-cookie"), "{again}");
            assert_eq!(called(&world), first);
        }
        seen.push(first);
    }
    assert!(["f", "new"].iter().all(|name| seen.iter().any(|seen| seen == name)), "{seen:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_that_fails_is_rolled_back_until_its_route_changes() {
    let canary = Canary {
        override_by: Some("x-canary".into()),
        rollback: Some(Rollback {
            function: "g".into(),
            errors: Percent::new(50),
            over: Duration::from_secs(3600),
            min_calls: 4,
        }),
        ..Canary::default()
    };
    let world = start(|model| two(model, [0, 1], canary)).await;
    world.lambda.push(Answer::ok("{}").header("x-amz-function-error", "Unhandled"));
    // Throttles say nothing about the function, however many.
    (0..4).for_each(|_| world.lambda.push(Answer::new(429)));
    world.lambda.push(answer("fine"));
    world.lambda.push(Answer::ok(r#"{"statusCode":500,"body":"app"}"#));
    let mut statuses = Vec::new();
    for _ in 0..7 {
        statuses.push(verdict(&ask(world.address, "").await).0);
        assert_eq!(called(&world), "new");
    }
    assert_eq!(statuses, [502, 503, 503, 503, 503, 200, 500]);
    world.lines.wait_for(7).await;
    let gauge = r#"lambridge_rolled_back{route="all",function="g"}"#;
    assert!(admin(&world, "/metrics").await.contains(&format!("{gauge} 0\n")), "three calls say nothing");
    world.lambda.push(Answer::new(500));
    assert_eq!(verdict(&ask(world.address, "").await).0, 502);
    let struck = async { while !admin(&world, "/metrics").await.contains(&format!("{gauge} 1\n")) {} };
    tokio::time::timeout(PATIENCE, struck).await.expect("it is rolled back");
    assert!(admin(&world, "/routes").await.contains(r#""rolled_back":true"#));
    // It had all the weight, and the other has none.
    assert_eq!(verdict(&ask(world.address, "").await), (503, "no_target".into()));
    assert_eq!(verdict(&ask(world.address, "x-canary: g\r\n").await).0, 200, "a tester still reaches it");

    // An unrelated change leaves it so; one of the route begins anew.
    let mut other = world.model.clone();
    other.functions.get_mut("f").unwrap().timeout = Duration::from_secs(9);
    world.gateway.reload(other.clone()).await.unwrap();
    assert_eq!(verdict(&ask(world.address, "").await), (503, "no_target".into()));
    let Target::Functions(shares) = &mut other.routes[0].target else { panic!("functions") };
    shares[0].weight = 1;
    shares[1].weight = 1000;
    world.gateway.reload(other).await.unwrap();
    assert!(admin(&world, "/routes").await.contains(r#""rolled_back":false"#));
    assert_eq!(verdict(&ask(world.address, "").await).0, 200);
}
