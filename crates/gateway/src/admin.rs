//! The admin address: `/healthz` (the process runs), `/readyz` (it wants requests; 503 while it drains), `/metrics` for
//! Prometheus, and the gateway's state: `/routes` in the order in which they are asked, `/functions` with what each has in
//! flight, `/config` as it is in effect, without secrets, and `/lambda` (what came of each route's calls, see [`crate::calls`]).
//! `/health` and `/ready` are the first two under the names that runway's probes use.
//!
//! Nothing can be changed here, so that who reaches the address by mistake can only look.
//!
//! On a loopback address the Host must name loopback too, so that a web page cannot reach it by a name of its own
//! that resolves to 127.0.0.1.

mod state;

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::router::without_port;
use crate::{Shared, calls, metrics};

/// Serves one connection.
pub(crate) async fn serve(
    stream: TcpStream,
    shared: &Shared,
    address: SocketAddr,
    mut stopped: watch::Receiver<bool>,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = answer(&request, address, shared.is_ready(), |document| document.write(shared));
        async move { Ok::<_, std::convert::Infallible>(answer) }
    });
    let mut http = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(Duration::from_secs(10))
            .serve_connection(TokioIo::new(stream), service)
    );
    // How a probe's connection ends is the prober's affair.
    tokio::select! {
        _ = http.as_mut() => return,
        _ = stopped.wait_for(|&stop| stop) => http.as_mut().graceful_shutdown(),
    }
    let _ = http.await;
}

/// What is made anew each time it is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Document {
    Metrics,
    Routes,
    Functions,
    Config,
    Lambda,
}

impl Document {
    fn at(path: &str) -> Option<Self> {
        Some(match path {
            "/metrics" => Self::Metrics,
            "/routes" => Self::Routes,
            "/functions" => Self::Functions,
            "/config" => Self::Config,
            "/lambda" => Self::Lambda,
            _ => return None,
        })
    }

    fn media_type(self) -> &'static str {
        match self {
            Self::Metrics => metrics::MEDIA_TYPE,
            Self::Config => "application/yaml",
            Self::Routes | Self::Functions | Self::Lambda => "application/json",
        }
    }

    fn write(self, shared: &Shared) -> String {
        let snapshot = shared.snapshot.load();
        match self {
            Self::Metrics => metrics::render(shared),
            Self::Routes => state::routes(&snapshot),
            Self::Functions => state::functions(&snapshot),
            Self::Config => shared.shown.load().to_string(),
            Self::Lambda => calls::report(&snapshot.routes),
        }
    }
}

fn answer<B>(
    request: &Request<B>,
    address: SocketAddr,
    ready: bool,
    write: impl FnOnce(Document) -> String,
) -> Response<Full<Bytes>> {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    if address.ip().is_loopback() && !is_loopback(host) {
        return text(StatusCode::FORBIDDEN, "the Host must name this machine's loopback\n");
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "GET only\n");
    }
    match request.uri().path() {
        "/healthz" | "/health" => text(StatusCode::OK, "ok\n"),
        "/readyz" | "/ready" if ready => text(StatusCode::OK, "ready\n"),
        "/readyz" | "/ready" => text(StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
        path => match Document::at(path) {
            None => text(StatusCode::NOT_FOUND, "not found\n"),
            Some(document) => {
                let media_type = HeaderValue::from_static(document.media_type());
                body(StatusCode::OK, media_type, Bytes::from(write(document)))
            }
        },
    }
}

fn is_loopback(host: &str) -> bool {
    let name = without_port(host).trim_start_matches('[').trim_end_matches(']');
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn text(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    body(status, plain, Bytes::from_static(text.as_bytes()))
}

fn body(status: StatusCode, media_type: HeaderValue, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, media_type);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::answer;

    fn check(address: &str, method: &str, host: &str, path: &str, ready: bool, expect: u16) {
        let request =
            http::Request::builder().method(method).uri(path).header("host", host).body(()).unwrap();
        let write = |_| "{}\n".to_owned();
        let found = answer(&request, address.parse().unwrap(), ready, write).status().as_u16();
        assert_eq!(found, expect, "{address} {method} {host} {path}");
    }

    #[test]
    fn answers() {
        let here = "127.0.0.1:8081";
        check(here, "GET", "127.0.0.1:8081", "/healthz", false, 200);
        check(here, "GET", "localhost:1", "/readyz", true, 200);
        check(here, "GET", "[::1]:1", "/readyz", false, 503);
        check(here, "GET", "evil.example", "/healthz", true, 403);
        check(here, "GET", "127.0.0.1.evil.example", "/healthz", true, 403);
        check(here, "POST", "localhost", "/healthz", true, 405);
        check(here, "GET", "localhost", "/health", true, 200);
        check(here, "GET", "localhost", "/ready", false, 503);
        check(here, "GET", "localhost", "/lambda", true, 200);
        for path in ["/metrics", "/routes", "/functions", "/config"] {
            check(here, "GET", "localhost", path, true, 200);
            check(here, "GET", "evil.example", path, true, 403);
            check(here, "POST", "localhost", path, true, 405);
        }
        check(here, "GET", "localhost", "/x", true, 404);
        check("0.0.0.0:8081", "GET", "pod.example", "/healthz", true, 200);
    }
}
