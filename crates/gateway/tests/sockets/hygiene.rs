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
        "content-length: 18446744073709551615\r\n\r\n",
        "content-length: 18446744073709551616\r\n\r\n",
        "content-length:\r\n\r\n",
        // Transfer codings by every other name.
        "transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "transfer-encoding: identity, chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "transfer-encoding: chunked;q=1\r\n\r\n0\r\n\r\n",
        "transfer-encoding:\r\n\r\n",
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
        "host: h\r\n\r\n",
        "only-host: h, other\r\n\r\n",
        "only-host: user@h\r\n\r\n",
        "only-host: h/hidden\r\n\r\n",
        "only-host: \u{e9}\r\n\r\n",
        "only-no-host: h\r\n\r\n",
    ];
    for row in rows {
        for path in ["/", "/app"] {
            let (host, row) = match row.strip_prefix("only-") {
                Some(only) => ("", only),
                None => ("host: h\r\n", row),
            };
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
        "fffffffffffffff0\r\nabc",
        "00000000000000003\r\nabc\r\n0\r\n\r\n",
        ";x\r\n",
        "3;\0\r\nabc\r\n0\r\n\r\n",
        // As long as a line can be before it is refused: nobody collects what an extension says.
        format!("3;{}\r\nabc\r\n0\r\n\r\n", "x".repeat(5000)).as_str(),
        format!("0\r\n{}\r\n", "x: y\r\n".repeat(101)).as_str(),
        format!("0\r\nx: {}\r\n\r\n", "y".repeat(17 << 10)).as_str(),
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
        "GET /\r\n",
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
        "CONNECT h:443 HTTP/1.1",
        "GET http:// HTTP/1.1",
        "GET http://user@h/ HTTP/1.1",
        "GET //\u{0}/ HTTP/1.1",
        "GET h HTTP/1.1",
        "GET /public#/../hidden HTTP/1.1",
        "\0GET / HTTP/1.1",
        "GETGETGETGETGETGETGETGETGETGETGETGET / HTTP/1.1",
        "GET /\u{7f} HTTP/1.1",
        "\u{16}\u{3}\u{1}",
        "PRI * HTTP/2.0",
        "GET h HTTP/1.1",
        "GET h:80 HTTP/1.1",
        "GET http://name:password@h/ HTTP/1.1",
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

/// The host that the route is found by is the one that functions and services see.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_absolute_target_leaves_no_second_host() {
    let (world, app) = both().await;
    for path in ["/", "/app"] {
        let bytes = format!("GET http://inside{path} HTTP/1.1\r\nhost: outside\r\nconnection: close\r\n\r\n");
        let answer = talk(world.address, bytes.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    let event = world.lambda.requests()[0].text();
    assert!(event.contains(r#""host":"inside""#) && !event.contains("outside"), "{event}");
    let passed = &app.requests()[0];
    let hosts: Vec<_> = passed.headers.iter().filter(|(name, _)| name == "host").collect();
    assert!(matches!(hosts[..], [(_, host)] if host == b"inside"), "{hosts:?}");
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

/// Whoever is named last in the head is not whom the rest of the gateway thinks is asked: there is one host, and it is the
/// target's where the target has one (RFC 9112 section 3.2.2).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_host_for_all() {
    let (world, app) = both().await;
    for path in ["/", "/app"] {
        let bytes = format!(
            "GET http://shop.example:81{path} HTTP/1.1\r\nhost: other.example\r\nconnection: close, host\r\n\r\n"
        );
        let answer = talk(world.address, bytes.as_bytes()).await;
        assert_eq!(verdict(&answer).0, 200, "{answer}");
    }
    let event = world.lambda.requests()[0].text();
    for part in [r#""host":"shop.example:81""#, r#""domainName":"shop.example""#, r#""rawPath":"/""#] {
        assert!(event.contains(part), "{part} in {event}");
    }
    assert!(!event.contains("other.example"), "{event}");
    let got = &app.requests()[0];
    assert_eq!((got.target.as_str(), got.header_all("host")), ("/app", vec!["shop.example:81".to_owned()]));
    // Of the whole server, and of none before there was a version that had to say.
    for (bytes, status) in [
        ("OPTIONS * HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n", 404),
        ("GET / HTTP/1.0\r\n\r\n", 200),
        ("GET http://h HTTP/1.0\r\n\r\n", 200),
        ("GET / HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n", 200),
    ] {
        let answer = talk(world.address, bytes.as_bytes()).await;
        assert_eq!(verdict(&answer).0, status, "{bytes:?}: {answer}");
    }
}

/// What stands behind a body is no head: it names nobody, and sets no length.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trailers_end_here() {
    let (world, app) = both().await;
    for path in ["/", "/app"] {
        let bytes = format!(
            "POST {path} HTTP/1.1\r\nhost: h\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\
             trailer: x-user\r\n\r\n3;x=y\r\nabc\r\n0\r\n\
             x-user: root\r\nhost: other\r\ncontent-length: 99\r\nx-amzn-trace-id: theirs\r\n\r\n\
             GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"
        );
        let answer = talk(world.address, bytes.as_bytes()).await;
        assert_eq!(answer.matches("HTTP/1.1 200 ").count(), 2, "{answer}");
    }
    let events = world.lambda.requests().iter().map(|call| call.text()).collect::<Vec<_>>();
    assert!(events[0].contains(r#""body":"abc""#), "{events:?}");
    let got = app.requests();
    assert_eq!(got[0].text(), "abc");
    for text in ["root", "other", "theirs"] {
        assert!(events.iter().all(|event| !event.contains(text)), "{text} in {events:?}");
        let told = |field: &(String, Vec<u8>)| String::from_utf8_lossy(&field.1).contains(text);
        assert!(!got.iter().any(|request| request.headers.iter().any(told)), "{text} in {got:?}");
        assert!(got.iter().all(|request| request.trailers.is_empty()), "{got:?}");
    }
}

/// A client's `Connection` takes no field away that others vouch for, and no framing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connection_names_only_what_is_the_clients() {
    let (world, app) = both().await;
    for path in ["/", "/app"] {
        let bytes = format!(
            "POST {path} HTTP/1.1\r\nhost: h\r\nconnection: close, x-forwarded-for, x-request-id, content-length, host, \
             x-own, authorization\r\nx-own: 1\r\nauthorization: Bearer t\r\ncontent-type: text/plain\r\n\
             content-length: 3\r\n\r\nabc"
        );
        assert_eq!(verdict(&talk(world.address, bytes.as_bytes()).await).0, 200, "{path}");
    }
    let event = world.lambda.requests()[0].text();
    for part in [
        r#""x-forwarded-for":"127.0.0.1""#,
        r#""x-request-id":""#,
        r#""authorization":"Bearer t""#,
        r#""body":"abc""#,
    ] {
        assert!(event.contains(part), "{part} in {event}");
    }
    assert!(!event.contains("x-own"), "{event}");
    let got = &app.requests()[0];
    assert_eq!(
        (got.header("x-forwarded-for").as_deref(), got.header("x-own").as_deref()),
        (Some("127.0.0.1"), None)
    );
    assert_eq!((got.header("authorization").as_deref(), got.text()), (Some("Bearer t"), "abc".to_owned()));
}

/// Memory is for bodies that come, not for those that are announced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn promises_take_no_memory() {
    let world = start(|model| model.limits.buffered_total = 1 << 20).await;
    let mut promises = Vec::new();
    for _ in 0..20 {
        let mut client = Client::connect(world.address).await;
        client
            .send(b"POST / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ncontent-length: 900000\r\n\r\n")
            .await;
        assert!(client.head().await.starts_with("HTTP/1.1 100 "));
        promises.push(client);
    }
    let body = "x".repeat(100_000);
    let bytes =
        format!("POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 100000\r\n\r\n{body}");
    assert_eq!(verdict(&talk(world.address, bytes.as_bytes()).await).0, 200);
}
