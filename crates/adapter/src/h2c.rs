//! HTTP/2 without TLS, for applications that speak it: hyper's client, a kept connection, and the rule for repeats that
//! [`Link`](crate::link::Link) has.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::HOST;
use http::response::Parts;
use http::uri::{Authority, Scheme};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http2::{Builder, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};

use crate::link::LinkError;
use crate::payload::Payload;
use crate::settings::Endpoint;
use crate::socket::connect;

/// What an application may send ahead.
const WINDOW: u32 = 1024 * 1024;
/// Of a head, as over HTTP/1.1.
const HEAD: u32 = 256 * 1024;

/// An endpoint, the connection to it if there is one, and the answer that is being read.
#[derive(Debug)]
pub struct H2c {
    endpoint: Endpoint,
    idle: Duration,
    kept: Option<(SendRequest<Payload>, Instant)>,
    body: Option<Incoming>,
    piece: Bytes,
}

impl H2c {
    /// No connection yet; one that lay idle for `idle` is not used again.
    pub fn new(endpoint: Endpoint, idle: Duration) -> H2c {
        H2c { endpoint, idle, kept: None, body: None, piece: Bytes::new() }
    }

    /// Sends a request and waits for the head of the answer.
    pub async fn send(&mut self, mut request: Request<Payload>) -> Result<Parts, LinkError> {
        self.body = None;
        let head_only = request.method() == Method::HEAD;
        absolute(&mut request, &self.endpoint.authority);
        if let Some(mut sender) = self.reusable().await {
            match sender.try_send_request(request).await {
                Ok(answer) => return Ok(self.keep(sender, answer.into_parts(), head_only)),
                Err(mut failed) => match failed.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(failed.into_error().into()),
                },
            }
        }
        let failed = |source| LinkError::Connect { endpoint: self.endpoint.to_string(), source };
        let socket = connect(&self.endpoint).await.map_err(failed)?;
        let mut builder = Builder::new(TokioExecutor::new());
        builder.initial_stream_window_size(WINDOW).initial_connection_window_size(WINDOW);
        builder.max_header_list_size(HEAD);
        let (mut sender, connection) = builder.handshake(TokioIo::new(socket)).await?;
        tokio::spawn(async move {
            // Its errors reach the request that meets them.
            let _ = connection.await;
        });
        let answer = sender.send_request(request).await?;
        Ok(self.keep(sender, answer.into_parts(), head_only))
    }

    /// The next request needs a fresh connection.
    pub fn forget(&mut self) {
        (self.kept, self.body) = (None, None);
    }

    /// How long the rest of the body is, where it is known.
    pub fn length(&self) -> Option<u64> {
        self.body.as_ref().map_or(Some(0), |body| body.size_hint().exact())
    }

    /// Whether the body goes on: there is another [`piece`](H2c::piece) then.
    pub fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, LinkError>> {
        loop {
            let Some(body) = &mut self.body else { return Poll::Ready(Ok(false)) };
            match ready!(Pin::new(body).poll_frame(cx)) {
                // The application's own trailers have no place in a Lambda answer.
                Some(frame) => match frame?.into_data() {
                    Ok(data) if !data.is_empty() => {
                        self.piece = data;
                        return Poll::Ready(Ok(true));
                    }
                    _ => {}
                },
                None => self.body = None,
            }
        }
    }

    /// What the last [`poll_piece`](H2c::poll_piece) found.
    pub fn piece(&self) -> &[u8] {
        &self.piece
    }

    fn keep(
        &mut self,
        sender: SendRequest<Payload>,
        (head, body): (Parts, Incoming),
        head_only: bool,
    ) -> Parts {
        if !self.idle.is_zero() {
            self.kept = Some((sender, Instant::now()));
        }
        // A length that such a head announces is that of a body which does not come (RFC 9110, section 8.6).
        let bodiless = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        self.body = (!head_only && !bodiless).then_some(body);
        head
    }

    async fn reusable(&mut self) -> Option<SendRequest<Payload>> {
        let (mut sender, used) = self.kept.take()?;
        if used.elapsed() >= self.idle {
            return None;
        }
        // The connection's task sees an end before anything is written.
        tokio::task::yield_now().await;
        poll_fn(|cx| sender.poll_ready(cx)).await.ok()?;
        Some(sender)
    }
}

/// HTTP/2 has the host in the target (RFC 9113, section 8.3.1). One that is no authority is not sent.
fn absolute(request: &mut Request<Payload>, otherwise: &HeaderValue) {
    let host = request.headers_mut().remove(HOST);
    if request.uri().authority().is_some() {
        return;
    }
    let authority = |host: &HeaderValue| {
        let authority = Authority::try_from(host.as_bytes()).ok()?;
        (!authority.as_str().contains('@')).then_some(authority)
    };
    let mut parts = request.uri().clone().into_parts();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = host.as_ref().and_then(authority).or_else(|| authority(otherwise));
    if let Ok(target) = Uri::from_parts(parts) {
        *request.uri_mut() = target;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets() {
        for (target, host, expect) in [
            ("/a?b=1", Some("h.example"), "http://h.example/a?b=1"),
            ("/", Some("h.example:81"), "http://h.example:81/"),
            ("//a", Some("[::1]:80"), "http://[::1]:80//a"),
            ("/", None, "http://127.0.0.1:8080/"),
            ("/", Some("a^b"), "http://127.0.0.1:8080/"),
            ("/", Some("user@h"), "http://127.0.0.1:8080/"),
            ("/", Some(""), "http://127.0.0.1:8080/"),
            ("http://h.example/again", None, "http://h.example/again"),
        ] {
            let mut request = Request::new(Payload::new(Bytes::new()));
            *request.uri_mut() = target.parse().unwrap();
            if let Some(host) = host {
                request.headers_mut().insert(HOST, HeaderValue::from_static(host));
            }
            absolute(&mut request, &HeaderValue::from_static("127.0.0.1:8080"));
            assert_eq!(
                (request.uri().to_string().as_str(), request.headers().len()),
                (expect, 0),
                "{host:?}"
            );
        }
    }
}
