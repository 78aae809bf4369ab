//! Requests that two parsers could read differently, and clients that mean no good: each has its answer, nobody else
//! notices, and nothing that was hidden in another request is ever executed. Before functions and before HTTP services,
//! where a hidden request would go on over a connection that other clients share.

use std::time::Duration;

use lambridge_model::{PathMatch, Target, Upstream};
use lambridge_testkit::{Answer, FakeApp};

use crate::support::{route, talk, verdict};
use crate::world::{Client, World, start};

const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nhost: h\r\n\r\n";

/// Functions at `/`, a service at `/app`.
async fn both() -> (World, FakeApp) {
    let app = FakeApp::answering(Answer::ok("ok"));
    let url = format!("http://{}", app.address());
    let world = start(|model| {
        let mut other = route("app", PathMatch::Prefix("/app".into()));
        other.target = Target::Upstream(Upstream::new(url));
        model.routes.push(other);
        model.limits.head = 8 << 10;
    })
    .await;
    (world, app)
}

/// Whether nothing hidden got through, and others are served.
async fn is_well(world: &World, app: &FakeApp, row: &str) {
    let calls = world.lambda.requests();
    assert!(calls.iter().all(|call| !call.text().contains("/hidden")), "{row:?}");
    assert!(app.requests().iter().all(|request| request.target != "/hidden"), "{row:?}");
    for path in ["/", "/app"] {
        let mut other = Client::connect(world.address).await;
        assert_eq!(verdict(&other.get(path).await).0, 200, "{row:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_two_parsers_could_read_differently() {
    let (world, app) = both().await;
    let rows = [
        // Two lengths, equal or not; a length beside chunks, in either order; lengths that are none.
        "content-length: 0\r\ncontent-length: 44\r\n\r\n",
        "content-length: 5\r\ncontent-length: 5\r\n\r\nabcde",
        "content-length: 5, 5\r\n\r\nabcde",
        "content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
        "content-length: -1\r\n\r\n",
        "content-length: +0\r\n\r\n",
        "content-length: 0x0\r\n\r\n",
        "content-length: 18446744073709551616\r\n\r\n",
        "content-length:\r\n\r\n",
        // Transfer codings by every other name.
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: identity\r\n\r\n",
        "transfer-encoding: \"chunked\"\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding:\u{b}chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding\r\n\r\n",
        // Names and lines that are almost right.
        "transfer-encoding : chunked\r\n\r\n0\r\n\r\n",
        "content-length : 0\r\n\r\n",
        "x: a\r\n transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "x: a\r\n\ttransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "x: a\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "x: a\rtransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "x: a\0\r\n\r\n",
        "\u{1}x: a\r\n\r\n",
        "x: a\n\n",
        // Who is asked.
        "host: other\r\n\r\n",
        "host: h, other\r\n\r\n",
    ];
    for row in rows {
        for path in ["/", "/app"] {
            let host = if row.starts_with("host: h,") { "" } else { "host: h\r\n" };
            let bytes = format!("POST {path} HTTP/1.1\r\n{host}{row}{HIDDEN}");
            let answer = talk(world.address, bytes.as_bytes()).await;
            assert_eq!(verdict(&answer), (400, "bad_request".to_owned()), "{row:?}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{row:?}: {answer}");
        }
        is_well(&world, &app, row).await;
    }
    assert!(app.requests().iter().all(|request| request.method == "GET"), "none of them got so far");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_that_are_none() {
    let (world, app) = both().await;
    for row in [
        "zz\r\n",
        "-1\r\n",
        "0x3\r\nabc\r\n",
        "3\nabc\r\n0\r\n\r\n",
        "3\r\nabcd\r\n0\r\n\r\n",
        "3 \r\nabc\r\n",
        " 3\r\nabc\r\n",
        "3\r\nabc0\r\n\r\n",
        "10000000000000000\r\n",
        "0\r\nx : a\r\n\r\n",
        "0\r\n x: a\r\n\r\n",
        "3;a\nabc\r\n",
        "0\r\n\n",
    ] {
        for path in ["/", "/app"] {
            let bytes =
                format!("POST {path} HTTP/1.1\r\nhost: h\r\ntransfer-encoding: chunked\r\n\r\n{row}{HIDDEN}");
            let answer = talk(world.address, bytes.as_bytes()).await;
            assert_eq!(verdict(&answer).0, 400, "{path} {row:?}: {answer}");
            assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{row:?}: {answer}");
        }
        is_well(&world, &app, row).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn request_lines_that_are_none() {
    let (world, app) = both().await;
    for row in [
        "GET /",
        "GET",
        "",
        "GET / HTTP/3.0",
        "GET / HTTP/1.2",
        "GET / http/1.1",
        "GET  / HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET /a b HTTP/1.1",
        "GET \t/ HTTP/1.1",
        "G(T / HTTP/1.1",
        "CONNECT / HTTP/1.1",
        "GET /\u{7f} HTTP/1.1",
        "\u{16}\u{3}\u{1}",
        "PRI * HTTP/2.0",
    ] {
        // Two empty lines before a request are passed over, as RFC 9112 section 2.2 asks.
        let line = if row.is_empty() { "\r\n\r\n" } else { row };
        let answer = talk(world.address, format!("{line}\r\nhost: h\r\n\r\n{HIDDEN}").as_bytes()).await;
        assert_eq!(verdict(&answer), (400, "bad_request".to_owned()), "{row:?}: {answer}");
        is_well(&world, &app, row).await;
    }
    let long = format!("GET /{} HTTP/1.1\r\nhost: h\r\n\r\n", "x".repeat(9000));
    let many = format!("GET / HTTP/1.1\r\nhost: h\r\n{}\r\n", "x: y\r\n".repeat(101));
    for bytes in [long, many] {
        let answer = talk(world.address, bytes.as_bytes()).await;
        assert_eq!(verdict(&answer), (431, "head_too_large".to_owned()), "{answer}");
    }
    is_well(&world, &app, "too large").await;
}

/// Answers come in the order of the requests, whoever gives them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelines_keep_their_order() {
    let (world, app) = both().await;
    let mut bytes = String::new();
    for at in 0..10 {
        let path = if at % 2 == 0 { "/" } else { "/app" };
        let status = 201 + at;
        bytes += &format!("POST {path} HTTP/1.1\r\nhost: h\r\ncontent-length: 3\r\n\r\nabc");
        if at % 2 == 0 {
            world.lambda.push(Answer::ok(format!(r#"{{"statusCode":{status},"body":"{at}"}}"#)));
        } else {
            app.push(Answer::new(status).body(format!("{at}")));
        }
    }
    bytes += "GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
    let answer = talk(world.address, bytes.as_bytes()).await;
    let statuses: Vec<&str> = answer.split("HTTP/1.1 ").skip(1).map(|part| &part[..3]).collect();
    // 204 and 205 among them have no body, and break nothing.
    assert_eq!(
        statuses,
        ["201", "202", "203", "204", "205", "206", "207", "208", "209", "210", "200"],
        "{answer}"
    );
    assert!(answer.ends_with("ok"), "{answer}");
}

/// Many who never come to the point keep nobody from it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn slow_heads_and_bodies_are_nobodys_loss() {
    let world = start(|model| {
        model.limits.head_timeout = Duration::from_secs(1);
        model.limits.body_timeout = Duration::from_secs(1);
    })
    .await;
    let mut slow = Vec::new();
    for at in 0..200 {
        let mut client = Client::connect(world.address).await;
        let beginning = if at % 2 == 0 {
            "GET / HTTP/1.1\r\nhost: h\r\nx-"
        } else {
            "POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 100\r\n\r\nx"
        };
        client.send(beginning.as_bytes()).await;
        slow.push(client);
    }
    for _ in 0..20 {
        let mut other = Client::connect(world.address).await;
        assert_eq!(verdict(&other.get("/").await).0, 200);
    }
    for client in slow {
        assert_eq!(verdict(&client.end().await), (408, "request_timeout".to_owned()));
    }
    assert_eq!(world.lambda.requests().len(), 20);
}

/// RFC 9110 section 10.1.1: the invitation comes when the body is wanted, and not before a refusal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_is_asked_for_when_it_is_wanted() {
    let (world, app) = both().await;
    for path in ["/", "/app"] {
        let mut client = Client::connect(world.address).await;
        let head =
            format!("POST {path} HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n");
        client.send(head.as_bytes()).await;
        assert!(client.head().await.starts_with("HTTP/1.1 100 "), "{path}");
        client.send(b"ab").await;
        assert_eq!(verdict(&client.answer().await).0, 200, "{path}");
        let large = head.replace("content-length: 2", "content-length: 99999999");
        let answer = talk(world.address, large.as_bytes()).await;
        assert_eq!(verdict(&answer).0, 413, "{answer}");
    }
    is_well(&world, &app, "expect").await;
}
