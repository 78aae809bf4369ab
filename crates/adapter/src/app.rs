//! The application, in whichever HTTP it speaks: a request, the head of the answer, and its body piece by piece.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::response::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use lambridge_wire::http1::Asked;

use crate::h2c::H2c;
use crate::link::{Link, LinkError, write_field};
use crate::payload::Payload;
use crate::settings::{Endpoint, Speaks};

/// A connection to it, if there is one, and the answer that is being read.
#[derive(Debug)]
pub enum App {
    /// HTTP/1.1.
    Http1(Link),
    /// HTTP/2.
    H2c(H2c),
}

impl App {
    /// No connection yet; one that lay idle for `idle` is not used again.
    pub fn new(endpoint: Endpoint, idle: Duration) -> App {
        match endpoint.speaks {
            Speaks::Http1 => App::Http1(Link::new(endpoint, idle)),
            Speaks::H2c => App::H2c(H2c::new(endpoint, idle)),
        }
    }

    /// Sends a request and waits for the head of the answer. Dropping the future drops the connection.
    pub async fn send(&mut self, request: Request<Payload>) -> Result<Parts, LinkError> {
        let link = match self {
            App::Http1(link) => link,
            App::H2c(h2c) => return h2c.send(request).await,
        };
        let (head, mut payload) = request.into_parts();
        let length = payload.len();
        let asked = if head.method == Method::HEAD { Asked::HeadOnly } else { Asked::Body };
        let (mut answer, ()) = Response::new(()).into_parts();
        let write = |_: &Endpoint, out: &mut Vec<u8>| write(&head, length, out);
        let status = link.send(write, &mut payload, asked, |name, value| {
            // What was read as a field is one.
            if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value)) {
                answer.headers.append(name, value);
            }
        });
        let status = status.await?;
        link.send_on(payload);
        answer.status = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
        Ok(answer)
    }

    /// The next request needs a fresh connection.
    pub fn forget(&mut self) {
        match self {
            App::Http1(link) => link.forget(),
            App::H2c(h2c) => h2c.forget(),
        }
    }

    /// How long the rest of the body is, where it is known.
    pub fn length(&self) -> Option<usize> {
        let length = match self {
            App::Http1(link) => link.length(),
            App::H2c(h2c) => h2c.length(),
        };
        length.map(|length| usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// Whether the body goes on; the piece is [`piece`](App::piece) then.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, LinkError>> {
        match self {
            App::Http1(link) => link.poll_piece(cx),
            App::H2c(h2c) => h2c.poll_piece(cx),
        }
    }

    /// What the last [`poll_next`](App::poll_next) found.
    pub fn piece(&self) -> &[u8] {
        match self {
            App::Http1(link) => link.piece(),
            App::H2c(h2c) => h2c.piece(),
        }
    }

    /// The next piece of the body; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<&[u8]>, LinkError> {
        let more = poll_fn(|cx| self.poll_next(cx)).await?;
        Ok(more.then(|| self.piece()))
    }

    /// The rest of the body in one piece.
    pub async fn collect(&mut self, limit: usize) -> Result<Bytes, LinkError> {
        if let App::Http1(link) = self {
            return link.collect(limit, Vec::new()).await;
        }
        let mut all = Vec::new();
        while let Some(piece) = self.next().await? {
            if all.len() + piece.len() > limit {
                return Err(LinkError::TooLong { limit });
            }
            all.extend_from_slice(piece);
        }
        Ok(all.into())
    }
}

/// A request's head.
fn write(head: &http::request::Parts, length: usize, out: &mut Vec<u8>) {
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    for part in [head.method.as_str(), " ", target, " HTTP/1.1\r\n"] {
        out.extend_from_slice(part.as_bytes());
    }
    for (name, value) in &head.headers {
        write_field(name.as_str(), value.as_bytes(), out);
    }
    if length > 0 && !head.headers.contains_key(CONTENT_LENGTH) {
        write_field("content-length", length.to_string().as_bytes(), out);
    }
    out.extend_from_slice(b"\r\n");
}
