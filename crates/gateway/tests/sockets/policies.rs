//! What routes do whatever their target: redirects, limits.

use std::time::Duration;

use lambridge_model::{PathMatch, PathRewrite, RateKey, RateLimit, Redirect, Scheme, StaticAnswer, Target};

use crate::support::{get, talk, verdict};
use crate::world::{Client, check, start};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects() {
    let world = start(|model| {
        model.routes[0].matcher.path = PathMatch::Prefix("/old".into());
        model.routes[0].target = Target::Redirect(Redirect {
            scheme: Some(Scheme::Https),
            host: None,
            port: None,
            path: Some(PathRewrite::Prefix("/new".into())),
            status: 308,
        });
    })
    .await;
    let mut client = Client::connect(world.address).await;
    let answer = client.get("/old/a%20b?x=1").await;
    assert!(answer.starts_with("HTTP/1.1 308 Permanent Redirect\r\n"), "{answer}");
    assert!(answer.contains("location: https://localhost/new/a%20b?x=1\r\n"), "{answer}");
    assert!(answer.contains("content-length: 0\r\n"), "{answer}");
    assert!(world.lambda.requests().is_empty());
    let old = talk(world.address, b"GET /old HTTP/1.0\r\n\r\n").await;
    check(&world, &old, 400, "bad_request").await;
}

fn limit(burst: u32, by: RateKey) -> Option<RateLimit> {
    Some(RateLimit { rate: 1, period: Duration::from_secs(3600), burst, by })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_too_often_is_told_when_to_come_back() {
    let world = start(|model| {
        model.routes[0].policies.rate_limit = limit(2, RateKey::Ip);
        let teapot = StaticAnswer { status: 418, headers: vec![], body: vec![] };
        let mut other = crate::support::route("other", PathMatch::Prefix("/other".into()));
        other.target = Target::Static(teapot);
        model.routes.push(other);
    })
    .await;
    for left in ["1", "0"] {
        let answer = get(world.address, "GET", "/").await;
        assert_eq!(verdict(&answer).0, 200, "{answer}");
        assert!(answer.contains("x-ratelimit-limit: 2\r\n"), "{answer}");
        assert!(answer.contains(&format!("x-ratelimit-remaining: {left}\r\n")), "{answer}");
        assert!(answer.contains("x-ratelimit-reset: "), "{answer}");
    }
    let refused = get(world.address, "POST", "/").await;
    check(&world, &refused, 429, "rate_limited").await;
    let wait: u64 =
        refused.split("retry-after: ").nth(1).unwrap().split('\r').next().unwrap().parse().unwrap();
    assert!((1..=3600).contains(&wait), "{refused}");
    assert_eq!(world.lambda.requests().len(), 2);
    assert_eq!(verdict(&get(world.address, "GET", "/other").await).0, 418, "other routes have their own");

    // A reload that leaves the limit alone leaves the counts alone; another limit begins anew.
    world.gateway.reload(world.model.clone()).await.unwrap();
    assert_eq!(verdict(&get(world.address, "GET", "/").await).0, 429);
    let mut more = world.model.clone();
    more.routes[0].policies.rate_limit = limit(1, RateKey::Header("x-key".into()));
    world.gateway.reload(more).await.unwrap();
    let with = |key: &str| format!("GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\nx-key: {key}\r\n\r\n");
    for (key, status) in [("a", 200), ("b", 200), ("a", 429)] {
        assert_eq!(verdict(&talk(world.address, with(key).as_bytes()).await).0, status, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_route_has_its_own_bound_on_bodies() {
    let world = start(|model| {
        model.limits.body = 4;
        model.routes[0].policies.body_max = Some(8);
        model.routes.push(crate::support::route("small", PathMatch::Prefix("/small".into())));
    })
    .await;
    let ask = |path: &str, length: usize| {
        let body = "x".repeat(length);
        format!(
            "POST {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        )
    };
    for (path, length, status) in [("/", 8, 200), ("/", 9, 413), ("/small", 4, 200), ("/small", 5, 413)] {
        let answer = talk(world.address, ask(path, length).as_bytes()).await;
        assert_eq!(verdict(&answer).0, status, "{path} {length}: {answer}");
    }
}
