//! The admin address, over a socket.

use std::net::SocketAddr;
use std::time::Duration;

use lambridge_model::{Admin, Model, PathMatch, Prices};
use lambridge_testkit::Answer;
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

/// The value of a sample; `None` where there is none.
fn sample(metrics: &str, name: &str) -> Option<String> {
    let line = metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?;
    Some(line.to_owned())
}

/// Asks for the metrics until a sample has this value.
async fn becomes(admin: SocketAddr, name: &str, expect: &str) -> String {
    let asked = async {
        loop {
            let (_, metrics) = probe(admin, "/metrics", "localhost").await;
            if sample(&metrics, name).as_deref() == Some(expect) {
                return metrics;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("{name} becomes {expect}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_say_what_became_of_requests() {
    let world = start(|model| {
        with_admin(model);
        model.routes[0].matcher.path = PathMatch::Prefix("/shop".into());
    })
    .await;
    let admin = admin_of(&world);
    let mut client = Client::connect(world.address).await;
    assert_eq!(verdict(&client.get("/shop").await).0, 200);
    assert_eq!(verdict(&client.get("/else").await).0, 404);
    world.lambda.push(Answer::ok(r#"{"errorMessage":"no"}"#).header("x-amz-function-error", "Unhandled"));
    assert_eq!(verdict(&client.get("/shop").await).0, 502);
    for reason in ["CallerRateLimitExceeded", r#"New\"Word"#] {
        let body = format!(r#"{{"message":"slow","Reason":"{reason}"}}"#);
        world.lambda.push(Answer::new(429).header("x-amzn-errortype", "TooManyRequestsException").body(body));
        assert_eq!(verdict(&client.get("/shop").await).0, 503);
    }
    world.lines.wait_for(5).await;
    let (_, metrics) = probe(admin, "/metrics", "localhost").await;
    let rows = [
        (r#"lambridge_requests_total{route="all",method="GET",status="2xx"}"#, Some("1")),
        (r#"lambridge_requests_total{route="all",method="GET",status="5xx"}"#, Some("3")),
        (r#"lambridge_requests_total{route="",method="GET",status="4xx"}"#, Some("1")),
        (r#"lambridge_problems_total{route="all",reason="function_error"}"#, Some("1")),
        (r#"lambridge_problems_total{route="all",reason="throttled"}"#, Some("2")),
        (r#"lambridge_problems_total{route="",reason="no_route"}"#, Some("1")),
        (r#"lambridge_request_duration_seconds_count{route="all"}"#, Some("4")),
        (r#"lambridge_request_duration_seconds_bucket{route="all",le="+Inf"}"#, Some("4")),
        (r#"lambridge_answer_bytes_total{route="all"}"#, None),
        (r#"lambridge_invokes_total{function="f",outcome="ok"}"#, Some("1")),
        (r#"lambridge_invokes_total{function="f",outcome="function_error"}"#, Some("1")),
        (r#"lambridge_invokes_total{function="f",outcome="throttled"}"#, Some("2")),
        (r#"lambridge_throttles_total{function="f",reason="CallerRateLimitExceeded"}"#, Some("1")),
        (r#"lambridge_throttles_total{function="f",reason="other"}"#, Some("1")),
        (r#"lambridge_invoke_duration_seconds_count{function="f"}"#, Some("4")),
        (r#"lambridge_calls_in_flight{function="f"}"#, Some("0")),
        (r#"lambridge_concurrency_limit{function="f"}"#, Some("1000")),
        ("lambridge_connections", Some("1")),
        ("lambridge_connections_total", Some("1")),
        ("lambridge_ready", Some("1")),
        (r#"lambridge_config_reloads_total{result="ok"}"#, Some("0")),
    ];
    for (name, expect) in rows {
        let found = sample(&metrics, name);
        match expect {
            Some(expect) => assert_eq!(found.as_deref(), Some(expect), "{name} in {metrics}"),
            None => assert!(found.is_some_and(|value| value != "0"), "{name} in {metrics}"),
        }
    }
    assert!(sample(&metrics, "process_resident_memory_bytes").is_some(), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_show_who_waits() {
    let world = start(|model| {
        with_admin(model);
        model.functions.get_mut("f").unwrap().concurrency.max = 1;
    })
    .await;
    let admin = admin_of(&world);
    let told = Notify::new().into();
    world.lambda.push(answer("late").when(&told));
    let mut first = Client::connect(world.address).await;
    first.ask("/").await;
    world.lambda.wait_for(1).await;
    let mut second = Client::connect(world.address).await;
    second.ask("/").await;
    let metrics = becomes(admin, r#"lambridge_queue_length{function="f"}"#, "1").await;
    assert_eq!(sample(&metrics, r#"lambridge_calls_in_flight{function="f"}"#).as_deref(), Some("1"));
    let (_, functions) = probe(admin, "/functions", "localhost").await;
    assert!(functions.contains(r#""in_flight":1,"limit":1,"waiting":1,"queue":1000"#), "{functions}");
    told.notify_one();
    assert!(first.answer().await.ends_with("late"));
    assert!(second.answer().await.ends_with("ok"));
    let metrics = becomes(admin, r#"lambridge_queue_length{function="f"}"#, "0").await;
    assert_eq!(sample(&metrics, r#"lambridge_queue_wait_seconds_count{function="f"}"#).as_deref(), Some("1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_outlive_a_reload_and_it_is_counted() {
    let world = start(with_admin).await;
    let admin = admin_of(&world);
    let mut client = Client::connect(world.address).await;
    client.get("/").await;
    let mut other = world.model.clone();
    other.functions.get_mut("f").unwrap().timeout = Duration::from_secs(7);
    other.connections.max = 7;
    world.gateway.reload(other.clone()).await.unwrap();
    other.routes[0].matcher.path = PathMatch::Regex("(".into());
    world.gateway.reload(other).await.unwrap_err();
    world.gateway.reload_refused();
    client.get("/").await;
    world.lines.wait_for(2).await;
    let name = r#"lambridge_requests_total{route="all",method="GET",status="2xx"}"#;
    let metrics = becomes(admin, name, "2").await;
    for (name, expect) in [
        (r#"lambridge_invokes_total{function="f",outcome="ok"}"#, "2"),
        (r#"lambridge_config_reloads_total{result="ok"}"#, "1"),
        (r#"lambridge_config_reloads_total{result="rejected"}"#, "2"),
    ] {
        assert_eq!(sample(&metrics, name).as_deref(), Some(expect), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn state_is_shown() {
    let world = start(|model| {
        with_admin(model);
        let mut exact = model.routes[0].clone();
        exact.id = "exact".into();
        exact.matcher.path = PathMatch::Template("/a".parse().unwrap());
        exact.matcher.headers = vec![("x-key".into(), "hush".into())];
        model.routes.push(exact);
    })
    .await;
    let admin = admin_of(&world);
    let (status, routes) = probe(admin, "/routes", "localhost").await;
    let expect = concat!(
        r#"[{"errors":"native","functions":[{"name":"f","weight":1}],"id":"exact","match":{"headers":["x-key"],"path":"/a"}},"#,
        "\n ",
        r#"{"errors":"native","functions":[{"name":"f","weight":1}],"id":"all","match":{"path_prefix":"/"}}]"#,
        "\n"
    );
    assert_eq!((status, &*routes), (200, expect));
    assert_eq!(probe(admin, "/config", "localhost").await, (200, String::new()));
    world.gateway.show("lambridge: 1\n".into());
    assert_eq!(probe(admin, "/config", "localhost").await, (200, "lambridge: 1\n".into()));
    let (_, functions) = probe(admin, "/functions", "localhost").await;
    assert!(
        functions.starts_with(r#"[{"key":"f","name":"f","region":"us-east-1","endpoint":"http://127"#),
        "{functions}"
    );
    assert!(!functions.contains("AKID") && !functions.contains("secret"), "{functions}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn log_reports_become_numbers_and_reach_no_client() {
    let world = start(|model| {
        with_admin(model);
        model.functions.get_mut("f").unwrap().log_tail = Some(Prices::default());
    })
    .await;
    let admin = admin_of(&world);
    let report = |more: &str| {
        let log = format!(
            "START\nhush\nREPORT RequestId: r\tDuration: 2.93 ms\tBilled Duration: 1000 ms\tMemory Size: 1024 MB\tMax Memory Used: 65 MB\t{more}\n"
        );
        base64_simd::STANDARD.encode_to_string(log)
    };
    let mut client = Client::connect(world.address).await;
    world.lambda.push(answer("cold").header("x-amz-log-result", report("Init Duration: 250.00 ms\t")));
    world.lambda.push(answer("warm").header("x-amz-log-result", report("")));
    world.lambda.push(answer("odd").header("x-amz-log-result", "%%%"));
    for expect in ["cold", "warm", "odd"] {
        let answer = client.get("/").await;
        assert!(answer.ends_with(expect) && !answer.to_lowercase().contains("log-result"), "{answer}");
    }
    assert!(
        world.lambda.requests().iter().all(|call| call.header("x-amz-log-type").as_deref() == Some("Tail"))
    );
    world.lines.wait_for(3).await;
    let (_, metrics) = probe(admin, "/metrics", "localhost").await;
    for (name, expect) in [
        (r#"lambridge_reports_total{function="f"}"#, "2"),
        (r#"lambridge_cold_starts_total{function="f"}"#, "1"),
        (r#"lambridge_init_seconds_total{function="f"}"#, "0.250000"),
        (r#"lambridge_billed_seconds_total{function="f"}"#, "2.000000"),
        (r#"lambridge_billed_gigabyte_seconds_total{function="f"}"#, "2"),
        (r#"lambridge_function_memory_bytes{function="f"}"#, "1073741824"),
        (r#"lambridge_function_memory_used_max_bytes{function="f"}"#, "68157440"),
        (r#"lambridge_function_cost_dollars_total{function="f"}"#, "0.000033733400"),
        (r#"lambridge_cost_dollars_total{route="all"}"#, "0.000033733400"),
    ] {
        assert_eq!(sample(&metrics, name).as_deref(), Some(expect), "{name}");
    }
}
