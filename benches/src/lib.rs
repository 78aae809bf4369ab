//! What every program of the benchmarks shares: a server loop, an HTTP/1.1 client and the fixed test data.
//!
//! The programs are deliberately plain. Each runs on one thread, keeps its connections alive, sets `TCP_NODELAY` and
//! prints `listening on http://ADDRESS` when it is ready, as `lambridge` itself does. None of them parses JSON, so that
//! what is left of the machine belongs to the program under test.
//!
//! | program | role |
//! | --- | --- |
//! | `load` | load generator: keep-alive connections, a fixed count of requests |
//! | `rate` | load generator: a fixed count of requests a second, whatever the answers take |
//! | `stream` | reads streamed answers, and says how late each piece is |
//! | `fake_lambda` | the Invoke API with fixed answers, behind the gateway and its peers |
//! | `fake_runtime` | the Runtime and Extensions API with fixed events, before the adapter and its peers |
//! | `fake_app` | the web application behind the adapter |
//! | `floor_proxy` | a bare hyper reverse proxy: the least a gateway can cost in this house |
//! | `floor_adapter` | the adapter's three exchanges without reading a byte of JSON |
//! | `echo_function` | a function that answers its event, for the emulator |
//! | `codecs` | timing loops over the event codecs |

use std::error::Error;
use std::future::Future;
use std::net::SocketAddr;
use std::rc::Rc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::SendRequest;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{LocalSet, spawn_local};

/// Whatever went wrong: a benchmark has nobody to tell the kinds apart for.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Bytes of the "100 KB" cases.
pub const LARGE: usize = 100 * 1024;
/// Bytes of the "4 MB" cases of the gateway.
pub const HUGE: usize = 4 * 1024 * 1024;
/// Bytes of the adapter's text answer.
pub const HUGE_TEXT: usize = 5 * 1024 * 1024;
/// Bytes of the adapter's binary bodies.
pub const HUGE_BINARY: usize = 4 * 1024 * 1024;

/// Runs `main` on one thread, with `spawn_local` at hand.
pub fn run<F: Future<Output = Result<(), Failure>>>(main: F) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, main)
}

/// Serves HTTP/1.1 for ever on the address of the first argument, a free loopback port without one.
#[expect(clippy::print_stdout, reason = "the ready line is the programs' interface")]
pub async fn serve<H, F, B>(handler: H) -> Result<(), Failure>
where
    H: Fn(Request<Incoming>) -> F + 'static,
    F: Future<Output = Result<Response<B>, Failure>> + 'static,
    B: Body + 'static,
    B::Error: Into<Failure>,
{
    let address: SocketAddr = std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:0").parse()?;
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let handler = Rc::new(handler);
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let handler = Rc::clone(&handler);
        spawn_local(async move {
            let service = service_fn(move |request| handler(request));
            // A connection that ends early is the client's business.
            let _ = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}

/// Opens one keep-alive connection to `address` (`host:port`).
pub async fn connect<B>(address: &str) -> Result<SendRequest<B>, Failure>
where
    B: Body + 'static,
    B::Data: Send,
    B::Error: Into<Failure>,
{
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    spawn_local(async move {
        // The sender reports what went wrong; the driver's own end says nothing more.
        let _ = connection.await;
    });
    Ok(sender)
}

/// Reads a body to its end and says how many bytes it had.
pub async fn drain(mut body: Incoming) -> Result<usize, hyper::Error> {
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        length += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(length)
}

/// A whole body in memory.
pub fn full(bytes: impl Into<Bytes>) -> Full<Bytes> {
    Full::new(bytes.into())
}

/// A handler's answer that cannot fail.
pub fn answer(content_type: &str, body: Bytes) -> Result<Response<Full<Bytes>>, Failure> {
    Ok(Response::builder().header("content-type", content_type).body(Full::new(body))?)
}

/// `length` bytes of HTML-like text with quotes and line ends: about one byte in fifteen needs a JSON escape.
pub fn text(length: usize) -> Vec<u8> {
    let line = b"<li class=\"row\"><a href=\"/users/42\">Grace Hopper, Arlington</a></li>\n";
    line.iter().copied().cycle().take(length).collect()
}

/// `length` bytes that are no text (a linear congruence, so that every run has the same).
pub fn binary(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    // A JPEG's first bytes, which are no UTF-8.
    [0xff, 0xd8, 0xff, 0xe0].into_iter().chain(std::iter::repeat_with(&mut next)).take(length).collect()
}

/// `text` as a JSON string, quotes included.
pub fn json_string(text: &[u8]) -> String {
    serde_json::Value::from(String::from_utf8_lossy(text)).to_string()
}

/// Middle and 99th percentile of `times`, which it sorts.
pub fn percentiles(times: &mut [u64]) -> (u64, u64) {
    times.sort_unstable();
    (at(times, 500), at(times, 990))
}

/// What so many in a thousand of the sorted `times` do not exceed.
pub fn at(times: &[u64], permille: usize) -> u64 {
    let place = (times.len() * permille / 1000).min(times.len().saturating_sub(1));
    times.get(place).copied().unwrap_or(0)
}
