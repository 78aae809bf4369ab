//! What one request looked like at each station of its way, for the page of the built-in sample.
//!
//! The gateway notes each finished request, the emulator keeps the event, and a loopback address gives both to
//! the sample's web app as JSON. Bounded, and only `lambridge dev` starts it.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use bytes::Bytes;
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use lambridge_emulator::Recorded;
use lambridge_gateway::Finished;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// Requests kept.
const KEPT: usize = 256;

type Recorder = Arc<dyn Fn(&str) -> Option<Recorded> + Send + Sync>;

/// A shared book of finished requests.
#[derive(Clone)]
pub struct Stations {
    address: SocketAddr,
    book: Arc<Book>,
}

#[derive(Default)]
struct Book {
    finished: Mutex<VecDeque<Finished>>,
    recorder: OnceLock<Recorder>,
}

impl Stations {
    /// Opens the loopback address.
    pub async fn start() -> Result<Self, String> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| error.to_string())?;
        let address = listener.local_addr().map_err(|error| error.to_string())?;
        let book = Arc::new(Book::default());
        tokio::spawn(serve(listener, address, Arc::clone(&book)));
        Ok(Self { address, book })
    }

    /// Where the sample's app asks.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Where events are looked up.
    pub fn follow(&self, recorder: Recorder) {
        let _ = self.book.recorder.set(recorder);
    }

    /// Keeps a finished request.
    pub fn note(&self, finished: &Finished) {
        let mut book = self.book.finished.lock().unwrap_or_else(PoisonError::into_inner);
        if book.len() == KEPT {
            book.pop_front();
        }
        book.push_back(finished.clone());
    }
}

impl Book {
    fn page(&self, request_id: &str) -> Option<Value> {
        let finished = {
            let book = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
            book.iter().rev().find(|finished| finished.request_id == request_id).cloned()?
        };
        let lambda = finished.lambda_request_id.as_deref().and_then(|id| self.recorder.get()?(id));
        Some(json!({
            "request_id": finished.request_id,
            "http": {
                "method": finished.method,
                "target": finished.target,
                "headers": finished.headers,
                "status": finished.status,
                "route": finished.route,
            },
            "lambda": lambda.as_ref().map(|lambda| json!({
                "request_id": lambda.request_id,
                "function": lambda.function,
                "event": String::from_utf8_lossy(&lambda.event),
                "cold": lambda.cold,
            })),
            "times_us": {
                "gateway": finished.total_us.saturating_sub(finished.invoke_us),
                "invoke": finished.invoke_us,
                "queue": lambda.as_ref().map(|lambda| lambda.queued_us),
                "instance": lambda.as_ref().map(|lambda| lambda.run_us),
                "total": finished.total_us,
            },
        }))
    }
}

async fn serve(listener: TcpListener, address: SocketAddr, book: Arc<Book>) {
    while let Ok((stream, _)) = listener.accept().await {
        let book = Arc::clone(&book);
        let service = service_fn(move |request| {
            let answer = answer(&request, address, &book);
            async move { Ok::<_, Infallible>(answer) }
        });
        tokio::spawn(async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

fn answer(
    request: &Request<hyper::body::Incoming>,
    address: SocketAddr,
    book: &Book,
) -> Response<Full<Bytes>> {
    // A page elsewhere must not read it through a name that resolves to this machine.
    let host = request.headers().get("host").map(|host| host.as_bytes());
    let known = host == Some(address.to_string().as_bytes());
    let page = if known { book.page(request.uri().path().trim_start_matches('/')) } else { None };
    let (status, body) = match page {
        Some(page) => (200, page.to_string()),
        None => (404, "null".to_owned()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
    response
        .headers_mut()
        .insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    response
}
