//! Load generator: a fixed count of requests over a fixed count of keep-alive connections.
//!
//! `load METHOD URL CONNECTIONS REQUESTS BODY` prints one JSON line (BODY is a count of bytes of text, or `json:COUNT`
//! for the same as a JSON string): how many requests succeeded and failed, the
//! length of the last answer, the time all took and two percentiles of latency in microseconds. A failed request is
//! counted, its connection is opened again, and the run goes on; who reads the line decides what failures mean.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http1::SendRequest;
use hyper::{Method, Request};
use lambridge_benches::{Failure, connect, drain, full, json_string, percentiles, run, text};
use tokio::task::spawn_local;

/// No answer is worth waiting longer for.
const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Tally {
    left: usize,
    times: Vec<u64>,
    failed: usize,
    answer_bytes: usize,
    failure: String,
}

struct Target {
    method: Method,
    host: String,
    path: String,
    body: Bytes,
}

#[expect(clippy::print_stdout, reason = "its result is its output")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [method, url, connections, requests, body] = arguments.as_slice() else {
        return Err("usage: load METHOD URL CONNECTIONS REQUESTS BODY".into());
    };
    let rest = url.strip_prefix("http://").ok_or("only http:// URLs")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let target = Rc::new(Target {
        method: method.parse()?,
        host: host.to_owned(),
        path: if path.is_empty() { "/".to_owned() } else { path.to_owned() },
        body: match body.strip_prefix("json:") {
            Some(count) => Bytes::from(json_string(&text(count.parse()?))),
            None => Bytes::from(text(body.parse()?)),
        },
    });
    let tally = Rc::new(RefCell::new(Tally { left: requests.parse()?, ..Tally::default() }));
    let connections: usize = connections.parse()?;
    let shared = Rc::clone(&tally);
    let started = Instant::now();
    run(async move {
        let tasks: Vec<_> =
            (0..connections).map(|_| spawn_local(client(Rc::clone(&target), Rc::clone(&shared)))).collect();
        for task in tasks {
            task.await?;
        }
        Ok(())
    })?;
    let wall = started.elapsed();
    let mut tally = tally.borrow_mut();
    let (p50, p99) = percentiles(&mut tally.times);
    println!(
        "{}",
        serde_json::json!({
            "ok": tally.times.len(), "failed": tally.failed, "failure": tally.failure,
            "answer_bytes": tally.answer_bytes, "wall_ms": wall.as_millis() as u64, "p50_us": p50, "p99_us": p99,
        })
    );
    Ok(())
}

async fn client(target: Rc<Target>, tally: Rc<RefCell<Tally>>) {
    let mut connection = None;
    while take(&tally) {
        let started = Instant::now();
        let result = tokio::time::timeout(DEADLINE, ask(&target, &mut connection)).await;
        let mut tally = tally.borrow_mut();
        match result.unwrap_or_else(|_| Err("no answer within 10 s".into())) {
            Ok(bytes) => {
                tally.times.push(started.elapsed().as_micros() as u64);
                tally.answer_bytes = bytes;
            }
            Err(failure) => {
                connection = None;
                tally.failed += 1;
                tally.failure = failure.to_string();
            }
        }
    }
}

fn take(tally: &RefCell<Tally>) -> bool {
    let mut tally = tally.borrow_mut();
    let more = tally.left > 0;
    tally.left = tally.left.saturating_sub(1);
    more
}

async fn ask(target: &Target, connection: &mut Option<SendRequest<Full<Bytes>>>) -> Result<usize, Failure> {
    let sender = match connection {
        Some(sender) => sender,
        None => connection.insert(connect(&target.host).await?),
    };
    sender.ready().await?;
    let mut request = Request::builder()
        .method(&target.method)
        .uri(&target.path)
        .header("host", &target.host)
        .header("accept", "text/html,application/json;q=0.9,*/*;q=0.8")
        .header("accept-language", "en-GB,en;q=0.9")
        .header("user-agent", "lambridge-bench/1");
    if !target.body.is_empty() {
        request = request.header("content-type", "text/plain; charset=utf-8");
    }
    let answer = sender.send_request(request.body(full(target.body.clone()))?).await?;
    let status = answer.status();
    let length = drain(answer.into_body()).await?;
    if status.is_success() { Ok(length) } else { Err(format!("status {status}").into()) }
}
