//! The sample's web app: an ordinary HTTP server that knows nothing of Lambda.
//!
//! It has a path for each thing worth trying through the bridge, and a page that shows the visitor's own request
//! at each station.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

use crate::gateway::exit;
use crate::output;

/// Names the address that tells what gateway and emulator saw of a request.
pub const STATIONS: &str = "LAMBRIDGE_STATIONS";

const PAGE: &str = include_str!("page.html");
const BODY_LIMIT: usize = 8 << 20;
/// Requests kept for the page.
const KEPT: usize = 64;
const ASK_TIMEOUT: Duration = Duration::from_secs(2);

type Answer = Response<Full<Bytes>>;

pub fn run() -> ExitCode {
    let port = std::env::var("PORT").ok().and_then(|port| port.parse().ok()).unwrap_or(8080);
    let app = Arc::new(App { stations: std::env::var(STATIONS).ok(), seen: Mutex::default() });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    exit(match runtime {
        Ok(runtime) => runtime.block_on(serve(app, port)),
        Err(error) => Err(error.to_string()),
    })
}

struct App {
    stations: Option<String>,
    seen: Mutex<VecDeque<(String, Value)>>,
}

async fn serve(app: Arc<App>, port: u16) -> Result<(), String> {
    let listener =
        TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| format!("port {port}: {error}"))?;
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                output::complain(&format!("accept: {error}"));
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let app = Arc::clone(&app);
        let service = service_fn(move |request| {
            let app = Arc::clone(&app);
            async move { Ok::<_, Infallible>(app.answer(request).await) }
        });
        tokio::spawn(async move {
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl App {
    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let start = Instant::now();
        let (head, body) = request.into_parts();
        let body = match Limited::new(body, BODY_LIMIT).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) => return text(StatusCode::BAD_REQUEST, &format!("no body: {error}\n")),
        };
        let path = head.uri.path();
        let answer = match path {
            "/" => page(&head.headers),
            "/json" => json_answer(&json!({ "message": "hello from a web app", "path": path })),
            "/form" => json_answer(&json!({ "form": form(&body) })),
            "/echo" => echo(&head.headers, body.clone()),
            "/headers" => json_answer(&json!({ "headers": pairs(&head.headers) })),
            "/cookies" => cookies(),
            "/redirect" => redirect(),
            "/empty" => bare(StatusCode::NO_CONTENT),
            "/download" => download(head.uri.query()),
            "/favicon.ico" => bare(StatusCode::NO_CONTENT),
            _ => match path.strip_prefix("/stations/") {
                Some(id) => return self.stations(id).await,
                None => text(StatusCode::NOT_FOUND, "the app has no such page\n"),
            },
        };
        self.note(&head, &body, start);
        answer
    }

    fn note(&self, head: &hyper::http::request::Parts, body: &Bytes, start: Instant) {
        let Some(id) = request_id(&head.headers) else { return };
        let seen = json!({
            "method": head.method.as_str(),
            "target": head.uri.to_string(),
            "headers": pairs(&head.headers),
            "body_bytes": body.len(),
            "took_us": u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX),
        });
        let mut book = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if book.len() == KEPT {
            book.pop_front();
        }
        book.push_back((id, seen));
    }

    /// What gateway, emulator and this app saw of the request `id`.
    async fn stations(&self, id: &str) -> Answer {
        let app = {
            let book = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
            book.iter().rev().find(|(seen, _)| seen == id).map(|(_, seen)| seen.clone())
        };
        let mut page = match &self.stations {
            None => Value::Null,
            Some(url) => match tokio::time::timeout(ASK_TIMEOUT, ask(url, id)).await {
                Ok(Some(page)) => page,
                Ok(None) | Err(_) => Value::Null,
            },
        };
        if page.is_null() {
            return text(StatusCode::NOT_FOUND, "no longer known\n");
        }
        page["app"] = app.unwrap_or(Value::Null);
        json_answer(&page)
    }
}

async fn ask(url: &str, id: &str) -> Option<Value> {
    let address = url.strip_prefix("http://")?.trim_end_matches('/');
    let known = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let path = known.then(|| format!("/{id}"))?;
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let request = Request::get(path).header("host", address).body(Full::<Bytes>::default()).ok()?;
    let answer = sender.send_request(request).await.ok()?;
    let body = Limited::new(answer.into_body(), 1 << 20).collect().await.ok()?.to_bytes();
    serde_json::from_slice(&body).ok()
}

/// The gateway's id of this request, as the adapter hands over the event's request context.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let context: Value = serde_json::from_slice(headers.get("x-amzn-request-context")?.as_bytes()).ok()?;
    Some(context["requestId"].as_str()?.to_owned())
}

fn page(headers: &HeaderMap) -> Answer {
    let id = request_id(headers).unwrap_or_default();
    // An id is letters, digits and dashes; anything else must not become part of the page.
    let id: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    with_type(PAGE.replace("{{request_id}}", &id).into(), "text/html; charset=utf-8")
}

fn json_answer(value: &Value) -> Answer {
    with_type(format!("{value}\n").into(), "application/json")
}

fn echo(headers: &HeaderMap, body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    let kind = headers.get(CONTENT_TYPE).cloned();
    answer
        .headers_mut()
        .insert(CONTENT_TYPE, kind.unwrap_or_else(|| HeaderValue::from_static("application/octet-stream")));
    answer
}

fn cookies() -> Answer {
    let mut answer = text(StatusCode::OK, "two cookies, two x-sample fields\n");
    let headers = answer.headers_mut();
    headers.append(SET_COOKIE, HeaderValue::from_static("session=abc; Path=/; HttpOnly"));
    headers.append(SET_COOKIE, HeaderValue::from_static("theme=dark; Expires=Wed, 21 Oct 2037 07:28:00 GMT"));
    let sample = HeaderName::from_static("x-sample");
    headers.append(sample.clone(), HeaderValue::from_static("first"));
    headers.append(sample, HeaderValue::from_static("second"));
    answer
}

fn redirect() -> Answer {
    let mut answer = bare(StatusCode::FOUND);
    answer.headers_mut().insert(LOCATION, HeaderValue::from_static("/json"));
    answer
}

/// `size` bytes (64 KiB unless said) in which every value of a byte occurs.
fn download(query: Option<&str>) -> Answer {
    let size = query.and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("size=")));
    let size = size.and_then(|size| size.parse().ok()).unwrap_or(64 << 10).min(BODY_LIMIT);
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(size).collect();
    with_type(bytes.into(), "application/octet-stream")
}

fn text(status: StatusCode, body: &str) -> Answer {
    let mut answer = with_type(body.to_owned().into(), "text/plain; charset=utf-8");
    *answer.status_mut() = status;
    answer
}

fn bare(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

fn with_type(body: Bytes, kind: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(body));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    answer
}

fn pairs(headers: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
}

/// `application/x-www-form-urlencoded`, in order.
fn form(body: &[u8]) -> Vec<(String, String)> {
    let pairs = body.split(|&byte| byte == b'&').filter(|pair| !pair.is_empty());
    let decoded = pairs.map(|pair| {
        let mut halves = pair.splitn(2, |&byte| byte == b'=');
        let mut half = || percent_decode(halves.next().unwrap_or_default());
        (half(), half())
    });
    decoded.collect()
}

fn percent_decode(text: &[u8]) -> String {
    let digit = |at: usize| text.get(at).and_then(|&byte| char::from(byte).to_digit(16));
    let mut bytes = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        let pair = if byte == b'%' { digit(at + 1).zip(digit(at + 2)) } else { None };
        match (byte, pair) {
            (_, Some((high, low))) => {
                bytes.push(u8::try_from(high * 16 + low).unwrap_or_default());
                at += 2;
            }
            (b'+', None) => bytes.push(b' '),
            (byte, None) => bytes.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::form;

    #[test]
    fn forms() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(form(b"a=1&b=x+y%21&c"), [pair("a", "1"), pair("b", "x y!"), pair("c", "")]);
        assert_eq!(form(b"%zz=%"), [pair("%zz", "%")]);
        assert_eq!(form(b""), []);
    }
}
