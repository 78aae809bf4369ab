//! `AWS_LWA_APP_PROTOCOL=h2c`: an application that speaks HTTP/2 without TLS, and nothing else.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use lambridge_testkit::{FakeApp, FakeRuntime, Invocation, Outcome};
use tokio::net::TcpListener;

use crate::sandbox::*;

/// What the application was asked: connection, method, target, and the length of the body.
type Seen = Arc<Mutex<Vec<(usize, String, usize)>>>;

struct Application {
    address: SocketAddr,
    seen: Seen,
}

/// Answers with what its path says.
async fn application() -> Application {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let to_see = seen.clone();
    tokio::spawn(async move {
        for connection in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let seen = to_see.clone();
            let service = service_fn(move |request| answer(connection, request, seen.clone()));
            let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                let mut serving = std::pin::pin!(serving);
                let _ = serving.as_mut().await;
            });
        }
    });
    Application { address, seen }
}

async fn answer(
    connection: usize,
    request: Request<Incoming>,
    seen: Seen,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let line = format!("{} {}", head.method, head.uri);
    seen.lock().unwrap().push((connection, line, body.len()));
    let mut response = Response::new(Full::new(match head.uri.path() {
        _ if head.method == "HEAD" => Bytes::new(),
        "/echo" => body,
        "/large" => vec![0xff; 3_000_000].into(),
        _ => Bytes::from_static(b"hello"),
    }));
    response.headers_mut().append("set-cookie", "a=1".parse().unwrap());
    response.headers_mut().append("set-cookie", "b=2".parse().unwrap());
    if head.uri.path() == "/wide" {
        response.headers_mut().insert("x-wide", "x".repeat(60_000).parse().unwrap());
    }
    if head.uri.path() == "/huge" {
        // Of a body that does not come: more than Lambda takes.
        response.headers_mut().insert("content-length", "9000000".parse().unwrap());
        let status = head.uri.query().map_or("200", |status| status);
        *response.status_mut() = status.parse().unwrap();
        *response.body_mut() = Full::default();
    }
    if head.uri.path() != "/large" {
        response.headers_mut().insert("content-type", "text/plain".parse().unwrap());
    }
    Ok(response)
}

async fn invoke(runtime: &FakeRuntime, event: impl Into<Vec<u8>>) -> Outcome {
    runtime.invoke(Invocation::new(event)).await
}

#[tokio::test]
async fn requests_and_answers() {
    let app = application().await;
    let runtime = FakeRuntime::start();
    let _adapter = Adapter::start(env(&runtime, app.address, &[("AWS_LWA_APP_PROTOCOL", "h2c")]));
    let outcome = invoke(&runtime, V2).await;
    assert_eq!((status(&outcome), body(&outcome).as_str()), (200, "hello"));
    assert_eq!(json(&outcome)["cookies"], serde_json::json!(["a=1", "b=2"]));
    let outcome = invoke(&runtime, v2("POST", "/echo", "ping", false)).await;
    assert_eq!(body(&outcome), "ping");
    let outcome = invoke(&runtime, v2("GET", "/large", "", false)).await;
    assert_eq!(json(&outcome)["isBase64Encoded"], true);
    assert_eq!(body(&outcome).len(), 4_000_000);
    let outcome = invoke(&runtime, v2("HEAD", "/", "", false)).await;
    assert_eq!((status(&outcome), body(&outcome).as_str()), (200, ""));
    let outcome = invoke(&runtime, v2("GET", "/wide", "", false)).await;
    assert_eq!(
        json(&outcome)["headers"]["x-wide"].as_str().map(str::len),
        Some(60_000),
        "{}",
        outcome.text()
    );
    // A body above the window, base64 on its way.
    let outcome = invoke(&runtime, v2("POST", "/count", &"QUJD".repeat(700_000), true)).await;
    assert_eq!(status(&outcome), 200);
    let outcome = invoke(&runtime, SQS).await;
    assert_eq!(outcome.text(), "null");
    let seen = app.seen.lock().unwrap().clone();
    let lines: Vec<_> = seen.iter().map(|(_, line, length)| (line.as_str(), *length)).collect();
    let own = format!("http://{}", app.address);
    assert_eq!(
        lines,
        [
            (format!("GET {own}/").as_str(), 0),
            ("GET http://h.example/a%20b?x=1&x=2", 0),
            ("POST http://h.example/echo", 4),
            ("GET http://h.example/large", 0),
            ("HEAD http://h.example/", 0),
            ("GET http://h.example/wide", 0),
            ("POST http://h.example/count", 2_100_000),
            (format!("POST {own}/events").as_str(), SQS.len()),
        ]
    );
    let mut connections: Vec<_> = seen.iter().skip(1).map(|(connection, ..)| *connection).collect();
    connections.dedup();
    assert_eq!(connections.len(), 1, "the connection is kept");
}

/// A head without a body may announce the length that the body would have.
#[tokio::test]
async fn heads_without_a_body() {
    let app = application().await;
    for mode in ["buffered", "response_stream"] {
        let runtime = FakeRuntime::start();
        let settings = [("AWS_LWA_APP_PROTOCOL", "h2c"), ("AWS_LWA_INVOKE_MODE", mode)];
        let _adapter = Adapter::start(env(&runtime, app.address, &settings));
        for (event, expect) in [
            (v2("HEAD", "/huge", "", false), 200),
            (
                v2("GET", "/huge", "", false).replace(r#""rawQueryString":"""#, r#""rawQueryString":"304""#),
                304,
            ),
        ] {
            let outcome = invoke(&runtime, event).await;
            let text = outcome.text();
            assert!(outcome.answered && text.contains(&format!("\"statusCode\":{expect}")), "{mode}: {text}");
            assert!(text.contains("9000000"), "{mode}: {text}");
        }
    }
}

#[tokio::test]
async fn streams() {
    let app = application().await;
    let runtime = FakeRuntime::start();
    let settings = [("AWS_LWA_APP_PROTOCOL", "h2c"), ("AWS_LWA_INVOKE_MODE", "response_stream")];
    let _adapter = Adapter::start(env(&runtime, app.address, &settings));
    let outcome = invoke(&runtime, v2("GET", "/large", "", false)).await;
    assert!(outcome.request.body.ends_with(&[0xff; 3_000_000]));
    assert!(outcome.request.trailers.is_empty());
}

/// An application that speaks HTTP/1.1 alone is never up; once one that speaks HTTP/2 is there, it is.
#[tokio::test]
async fn what_speaks_something_else_is_not_ready() {
    let wrong = FakeApp::answering(lambridge_testkit::Answer::ok("hello"));
    let runtime = FakeRuntime::start();
    let settings = [("AWS_LWA_APP_PROTOCOL", "h2c"), ("AWS_LWA_READINESS_CHECK_TIMEOUT_SECONDS", "0.3")];
    let mut adapter = Adapter::start(env(&runtime, wrong.address(), &settings));
    assert!(adapter.ended().await.contains("(1)"));
    let said: Vec<_> = runtime.requests().into_iter().filter(|r| r.path().ends_with("/init/error")).collect();
    assert_eq!(said.len(), 1);
    assert!(said[0].text().contains("Function.AppNotReady"), "{}", said[0].text());
}

/// The application ends its connections, as a new version of it would: the next request goes over a fresh one.
#[tokio::test]
async fn a_connection_that_the_application_ended() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let seen = Seen::default();
    let to_see = seen.clone();
    tokio::spawn(async move {
        for connection in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            let (seen, done) = (to_see.clone(), Arc::new(tokio::sync::Notify::new()));
            let told = done.clone();
            let service = service_fn(move |request| {
                told.notify_one();
                answer(connection, request, seen.clone())
            });
            let serving = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                let mut serving = std::pin::pin!(serving);
                tokio::select! {
                    _ = &mut serving => return,
                    () = done.notified() => serving.as_mut().graceful_shutdown(),
                }
                let _ = serving.await;
            });
        }
    });
    let runtime = FakeRuntime::start();
    let _adapter = Adapter::start(env(&runtime, address, &[("AWS_LWA_APP_PROTOCOL", "h2c")]));
    for _ in 0..4 {
        let outcome = invoke(&runtime, V2).await;
        assert_eq!((status(&outcome), body(&outcome).as_str()), (200, "hello"));
    }
    // The end may be on its way while the next request is, which is served then.
    let last = seen.lock().unwrap().last().map(|(connection, ..)| *connection);
    assert!(last > Some(1), "{last:?}");
}
