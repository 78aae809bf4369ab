//! HTTP services behind routes, seen from both sides.

use std::time::Duration;

use lambridge_model::{
    Endpoint, HeaderChanges, HostRule, Model, PathMatch, PathRewrite, Policies, Rewrite, Target, Upstream,
};
use lambridge_testkit::{Answer, FakeApp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::{get, rest, talk, verdict};
use crate::world::{Client, PATIENCE, World, check, start};

fn upstream(model: &mut Model) -> &mut Upstream {
    match &mut model.routes[0].target {
        Target::Upstream(upstream) => upstream,
        other => panic!("{other:?}"),
    }
}

fn at(address: std::net::SocketAddr) -> String {
    format!("http://{address}")
}

/// A gateway before `app`.
async fn before(app: &FakeApp, change: impl FnOnce(&mut Model)) -> World {
    start(|model| {
        model.routes[0].target = Target::Upstream(Upstream::new(at(app.address())));
        change(model);
    })
    .await
}

/// An address that nobody listens on.
async fn nowhere() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_goes_on_as_it_came() {
    let app = FakeApp::answering(
        Answer::new(201)
            .header("content-type", "text/plain")
            .header("set-cookie", "a=1")
            .header("set-cookie", "b=2")
            .header("connection", "x-hop")
            .header("x-hop", "1")
            .header("x-request-id", "theirs")
            .body("made"),
    );
    let world = before(&app, |_| {}).await;
    let request = "POST /a%2Fb//c?q=%20&q=2 HTTP/1.1\r\nhost: shop.example:81\r\nconnection: x-gone, close\r\n\
        x-gone: 1\r\nte: trailers\r\nx-amz-date: now\r\nx-forwarded-for: 1.2.3.4\r\nx-twice: 1\r\nx-twice: 2\r\n\
        content-type: text/plain\r\ncontent-length: 4\r\n\r\nbody";
    let answer = talk(world.address, request.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nmade"), "{answer}");
    assert!(answer.contains("content-length: 4\r\n") && !answer.contains("x-hop"), "{answer}");
    assert!(answer.contains("set-cookie: a=1\r\nset-cookie: b=2\r\n"), "{answer}");
    assert!(!answer.contains("theirs"), "{answer}");
    let got = &app.requests()[0];
    assert_eq!((got.method.as_str(), got.target.as_str()), ("POST", "/a%2Fb//c?q=%20&q=2"));
    assert_eq!(got.text(), "body");
    assert_eq!(got.header_all("host"), ["shop.example:81"]);
    assert_eq!(got.header_all("x-twice"), ["1", "2"]);
    assert_eq!(got.header_all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(got.header("x-forwarded-proto").as_deref(), Some("http"));
    assert_eq!(got.header_all("content-length"), ["4"]);
    for name in ["x-gone", "te", "x-amz-date", "x-forwarded-host", "transfer-encoding"] {
        assert_eq!(got.header(name), None, "{name}");
    }
    let id = answer.split("x-request-id: ").nth(1).and_then(|tail| tail.split('\r').next());
    assert_eq!(got.header("x-request-id").as_deref(), id);
    let lines = world.lines.wait_for(1).await;
    assert!(lines[0].contains(" 201 ") && !lines[0].contains("reason="), "{lines:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_target_is_told_instead() {
    let app = FakeApp::answering(Answer::ok("ok").header("x-powered-by", "magic").header("server", "app"));
    let pairs = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let world = before(&app, |model| {
        model.routes[0].matcher.path = PathMatch::PrefixTemplate("/t/{tenant}".parse().unwrap());
        upstream(model).endpoints[0].url.push_str("/base");
        model.routes[0].policies = Policies {
            rewrite: Rewrite {
                path: Some(PathRewrite::Prefix("/v2".into())),
                host: Some("in.example".into()),
            },
            request_headers: HeaderChanges {
                set: pairs(&[("x-set", "new")]),
                add: pairs(&[("x-add", "2")]),
                remove: vec!["x-secret".into()],
            },
            answer_headers: HeaderChanges {
                set: pairs(&[("server", "gateway")]),
                add: pairs(&[("x-more", "1")]),
                remove: vec!["x-powered-by".into()],
            },
            ..Policies::default()
        };
    })
    .await;
    let request = "GET /t/7/a?x=1 HTTP/1.1\r\nhost: out.example\r\nconnection: close\r\nx-set: old\r\nx-set: older\r\n\
        x-add: 1\r\nx-secret: 1\r\n\r\n";
    let answer = talk(world.address, request.as_bytes()).await;
    assert!(answer.contains("server: gateway\r\n") && answer.contains("x-more: 1\r\n"), "{answer}");
    assert!(!answer.contains("x-powered-by"), "{answer}");
    let got = &app.requests()[0];
    assert_eq!(got.target, "/base/v2/a?x=1");
    assert_eq!(got.header_all("host"), ["in.example"]);
    assert_eq!(got.header_all("x-forwarded-host"), ["out.example"]);
    assert_eq!(got.header_all("x-set"), ["new"]);
    assert_eq!(got.header_all("x-add"), ["1", "2"]);
    assert_eq!(got.header("x-secret"), None);
    // The log has what the client asked for.
    assert!(world.lines.wait_for(1).await[0].contains("/t/7/a?x=1"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_of_the_service() {
    let app = FakeApp::answering(Answer::ok("ok"));
    let world = before(&app, |model| upstream(model).host = HostRule::Upstream).await;
    get(world.address, "GET", "/").await;
    let got = &app.requests()[0];
    assert_eq!(got.header_all("host"), [app.address().to_string()]);
    assert_eq!(got.header_all("x-forwarded-host"), ["h"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_are_told_the_same_instead() {
    let world = start(|model| {
        model.routes[0].matcher.path = PathMatch::Prefix("/api".into());
        model.routes[0].policies.rewrite =
            Rewrite { path: Some(PathRewrite::Prefix("/".into())), host: Some("in.example".into()) };
        model.routes[0].policies.request_headers.set = vec![("x-set".into(), "new".into())];
    })
    .await;
    assert_eq!(verdict(&get(world.address, "GET", "/api/users?x=1").await).0, 200);
    let event = world.lambda.requests()[0].text();
    for part in [
        r#""rawPath":"/users""#,
        r#""rawQueryString":"x=1""#,
        r#""domainName":"in.example""#,
        r#""x-set":"new""#,
    ] {
        assert!(event.contains(part), "{part} in {event}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_kept() {
    let app = FakeApp::answering(Answer::ok("ok"));
    let world = before(&app, |_| {}).await;
    let mut client = Client::connect(world.address).await;
    for method in ["GET", "POST", "HEAD", "GET"] {
        client.send(format!("{method} / HTTP/1.1\r\nhost: h\r\ncontent-length: 0\r\n\r\n").as_bytes()).await;
        let head = client.head().await;
        assert!(head.contains("content-length: 2\r\n"), "{method}: {head}");
        if method != "HEAD" {
            assert_eq!(client.bytes(2).await, "ok");
        }
    }
    let used: Vec<usize> = app.requests().iter().map(|request| request.connection).collect();
    assert_eq!(used, [0; 4]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_passes_while_it_is_given() {
    let (answer, pieces) = Answer::new(200).header("content-type", "text/event-stream").live();
    let app = FakeApp::answering(Answer::new(500));
    app.push(answer);
    let world = before(&app, |_| {}).await;
    let mut client = Client::connect(world.address).await;
    client.ask("/").await;
    pieces.send(b"one".to_vec()).await.unwrap();
    assert!(client.head().await.contains("transfer-encoding: chunked\r\n"));
    assert_eq!(client.bytes(8).await, "3\r\none\r\n");
    pieces.send(b"two".to_vec()).await.unwrap();
    assert_eq!(client.bytes(8).await, "3\r\ntwo\r\n");
    assert!(world.lines.now().is_empty(), "it goes on");
    // A client that goes takes the answer with it.
    drop(client);
    let gone = async { while pieces.send(b"more".to_vec()).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, gone).await.expect("the service is told");
    assert!(world.lines.wait_for(1).await[0].contains("reason=client_gone"));
}

/// Reads until what was read contains `text`.
async fn until(stream: &mut TcpStream, text: &str) -> String {
    let mut seen = Vec::new();
    let read = async {
        while !String::from_utf8_lossy(&seen).contains(text) {
            assert!(stream.read_buf(&mut seen).await.unwrap() > 0, "it ended after {seen:?}");
        }
    };
    tokio::time::timeout(PATIENCE, read).await.unwrap_or_else(|_| panic!("no `{text}` in time"));
    String::from_utf8_lossy(&seen).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_passes_while_it_comes() {
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = service.local_addr().unwrap();
    let world = start(|model| model.routes[0].target = Target::Upstream(Upstream::new(at(address)))).await;
    let mut client = Client::connect(world.address).await;
    let head = "POST / HTTP/1.1\r\nhost: h\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n";
    client.send(head.as_bytes()).await;
    let (mut stream, _) = service.accept().await.unwrap();
    assert!(client.head().await.starts_with("HTTP/1.1 100 Continue"), "the service is there");
    client.send(b"3\r\none\r\n").await;
    let seen = until(&mut stream, "one").await;
    assert!(seen.contains("transfer-encoding: chunked\r\n") && !seen.contains("expect"), "{seen}");
    client.send(b"3\r\ntwo\r\n0\r\nx-trailer: 1\r\n\r\n").await;
    let seen = until(&mut stream, "0\r\n\r\n").await;
    assert!(seen.contains("two") && !seen.contains("x-trailer"), "{seen}");
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
    assert!(client.answer().await.ends_with("ok"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_does_not_read_stops_the_service() {
    let service = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = service.local_addr().unwrap();
    let world = start(|model| model.routes[0].target = Target::Upstream(Upstream::new(at(address)))).await;
    let mut client = Client::connect(world.address).await;
    client.ask("/").await;
    let (mut stream, _) = service.accept().await.unwrap();
    until(&mut stream, "\r\n\r\n").await;
    let total: usize = 256 << 20;
    let (told, mut written) = mpsc::channel(1024);
    tokio::spawn(async move {
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {total}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let piece = vec![b'x'; 1 << 20];
        for at in 0..total >> 20 {
            stream.write_all(&piece).await.unwrap();
            told.send(at).await.unwrap();
        }
    });
    // It stops by itself, far from the end: what stands between is buffers of the kernel.
    let mut last = 0;
    while let Ok(Some(at)) = tokio::time::timeout(Duration::from_secs(1), written.recv()).await {
        last = at;
    }
    assert!(last < 64, "{last} MiB went into nowhere");
    client.head().await;
    let mut left = total;
    while left > 0 {
        let part = left.min(1 << 20);
        client.bytes(part).await;
        left -= part;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_endpoint_takes_what_was_surely_not_sent() {
    let app = FakeApp::answering(Answer::ok("ok"));
    let dead = nowhere().await;
    let world = before(&app, |model| {
        upstream(model).endpoints.push(Endpoint { url: at(dead), weight: 100 });
        upstream(model).endpoints.push(Endpoint { url: at(dead), weight: 100 });
    })
    .await;
    for _ in 0..20 {
        let request = "POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n";
        let answer = talk(world.address, request.as_bytes()).await;
        assert_eq!(verdict(&answer).0, 200, "{answer}");
    }
    assert!(app.requests().iter().all(|request| request.text() == "body"));
    assert_eq!(app.requests().len(), 20);
    let lines = world.lines.wait_for(20).await;
    assert!(
        lines.iter().any(|line| line.contains("attempts=2") || line.contains("attempts=3")),
        "{lines:#?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures() {
    let app = FakeApp::answering(Answer::ok("ok"));
    let world = before(&app, |model| upstream(model).timeout = Duration::from_millis(300)).await;
    for (answer, status, reason) in [
        (Answer::close(), 502, "upstream_error"),
        (Answer::reset(), 502, "upstream_error"),
        (Answer::silence(), 504, "timeout"),
        (
            Answer::raw("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n"),
            502,
            "upstream_error",
        ),
        (Answer::raw("no HTTP at all\r\n\r\n"), 502, "upstream_error"),
        (
            Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx"),
            502,
            "upstream_error",
        ),
    ] {
        let before = app.requests().len();
        app.push(answer);
        check(&world, &get(world.address, "GET", "/").await, status, reason).await;
        assert_eq!(app.requests().len(), before + 1, "what may have been executed is not tried again");
    }
    // After the head there is no other status to give: the answer is cut.
    app.push(Answer::ok("0123456789").close_in_body(4));
    let mut stream = TcpStream::connect(world.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    let cut = rest(&mut stream).await;
    assert!(cut.starts_with("HTTP/1.1 200") && !cut.ends_with("0123456789"), "{cut}");
    let line = world.lines.wait_for(7).await.pop().unwrap();
    assert!(line.contains("reason=upstream_error"), "{line}");
    assert!(get(world.address, "GET", "/").await.ends_with("ok"));
    drop(app);
    check(&world, &get(world.address, "GET", "/").await, 502, "upstream_error").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_within_the_answer_is_bounded() {
    let (answer, pieces) = Answer::new(200).live();
    let app = FakeApp::answering(answer);
    let world = before(&app, |model| upstream(model).idle_timeout = Duration::from_millis(200)).await;
    let mut client = Client::connect(world.address).await;
    client.ask("/").await;
    pieces.send(b"one".to_vec()).await.unwrap();
    client.head().await;
    assert_eq!(client.end().await, "3\r\none\r\n", "no last chunk");
    assert!(world.lines.wait_for(1).await[0].contains("reason=timeout"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bodies_are_bounded() {
    let app = FakeApp::answering(Answer::ok("ok"));
    let world = before(&app, |model| {
        model.routes[0].policies.body_max = Some(8);
        model.limits.body_timeout = Duration::from_millis(300);
    })
    .await;
    let ask = |rest: &str| format!("POST / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n{rest}");
    let declared = talk(world.address, ask("content-length: 9\r\n\r\n").as_bytes()).await;
    check(&world, &declared, 413, "body_too_large").await;
    assert!(app.requests().is_empty(), "refused at the head");
    let chunked = ask("transfer-encoding: chunked\r\n\r\n9\r\n123456789\r\n0\r\n\r\n");
    check(&world, &talk(world.address, chunked.as_bytes()).await, 413, "body_too_large").await;
    let slow = ask("content-length: 8\r\n\r\n1234");
    check(&world, &talk(world.address, slow.as_bytes()).await, 408, "request_timeout").await;
    let fits = ask("content-length: 8\r\n\r\n12345678");
    assert_eq!(verdict(&talk(world.address, fits.as_bytes()).await).0, 200);
    let whole = app.requests().into_iter().filter(|request| request.complete);
    assert_eq!(whole.count(), 1, "a broken body is no request");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_other_protocol() {
    let app = FakeApp::answering(Answer::ok("ok"));
    let world = before(&app, |_| {}).await;
    let ask = |upgrade: &str| {
        format!("GET / HTTP/1.1\r\nhost: h\r\nconnection: upgrade, close\r\nupgrade: {upgrade}\r\n\r\n")
    };
    let answer = talk(world.address, ask("websocket").as_bytes()).await;
    check(&world, &answer, 501, "upgrade_refused").await;
    assert!(app.requests().is_empty());
    // An offer that may be ignored is.
    assert_eq!(verdict(&talk(world.address, ask("h2c").as_bytes()).await).0, 200);
    assert_eq!(app.requests()[0].header("upgrade"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_without_a_body() {
    let app = FakeApp::answering(Answer::ok("ok"));
    let world = before(&app, |_| {}).await;
    let mut client = Client::connect(world.address).await;
    for status in [204, 304, 205] {
        app.push(Answer::new(status).header("etag", "x"));
        client.ask("/").await;
        let head = client.head().await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")) && head.contains("etag: x"), "{head}");
    }
    assert!(client.get("/").await.ends_with("ok"));
}
