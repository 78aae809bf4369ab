//! Load generator: a fixed count of requests a second, whatever the answers take.
//!
//! `rate URL CONNECTIONS REQUESTS A_SECOND` prints one JSON line: how many succeeded and failed, and percentiles of latency in
//! microseconds, counted from when each request was due: one that had to wait for a free connection was late already.
//! Requests are due at each millisecond, so many at once as the rate says.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::client::conn::http1::SendRequest;
use lambridge_benches::{Failure, at, connect, drain, run};
use tokio::sync::Notify;
use tokio::task::spawn_local;
use tokio::time::{Instant, MissedTickBehavior};

/// No answer is worth waiting longer for.
const DEADLINE: Duration = Duration::from_secs(10);

#[derive(Default)]
struct Queue {
    due: VecDeque<Instant>,
    closed: bool,
    times: Vec<u64>,
    failed: usize,
    failure: String,
}

#[expect(clippy::print_stdout, reason = "its result is its output")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, connections, requests, rate] = arguments.as_slice() else {
        return Err("usage: rate URL CONNECTIONS REQUESTS A_SECOND".into());
    };
    let rest = url.strip_prefix("http://").ok_or("only http:// URLs")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let target = Rc::new((host.to_owned(), path.to_owned()));
    let (connections, requests, rate): (usize, usize, usize) =
        (connections.parse()?, requests.parse()?, rate.parse()?);
    let queue = Rc::new(RefCell::new(Queue::default()));
    let shared = Rc::clone(&queue);
    run(async move {
        let wake = Rc::new(Notify::new());
        let tasks: Vec<_> = (0..connections)
            .map(|_| spawn_local(client(Rc::clone(&target), Rc::clone(&shared), Rc::clone(&wake))))
            .collect();
        let mut ticks = tokio::time::interval(Duration::from_millis(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        let (mut asked, mut tick) = (0, 0);
        while asked < requests {
            ticks.tick().await;
            tick += 1;
            let due = (tick * rate / 1000).min(requests);
            let now = Instant::now();
            for _ in asked..due {
                shared.borrow_mut().due.push_back(now);
                wake.notify_one();
            }
            asked = due;
        }
        shared.borrow_mut().closed = true;
        wake.notify_waiters();
        for task in tasks {
            // One that waits for more is told once; it may have looked just before.
            while !task.is_finished() {
                wake.notify_waiters();
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        }
        Ok(())
    })?;
    let mut queue = queue.borrow_mut();
    queue.times.sort_unstable();
    let times = &queue.times;
    println!(
        "{}",
        serde_json::json!({
            "ok": times.len(), "failed": queue.failed, "failure": queue.failure,
            "p50_us": at(times, 500), "p99_us": at(times, 990), "p999_us": at(times, 999),
        })
    );
    Ok(())
}

async fn client(target: Rc<(String, String)>, queue: Rc<RefCell<Queue>>, wake: Rc<Notify>) {
    let mut connection = None;
    loop {
        let next = queue.borrow_mut().due.pop_front();
        let Some(due) = next else {
            if queue.borrow().closed {
                return;
            }
            wake.notified().await;
            continue;
        };
        let result = tokio::time::timeout(DEADLINE, ask(&target, &mut connection)).await;
        let mut queue = queue.borrow_mut();
        match result.unwrap_or_else(|_| Err("no answer within 10 s".into())) {
            Ok(()) => queue.times.push(due.elapsed().as_micros() as u64),
            Err(failure) => {
                connection = None;
                queue.failed += 1;
                queue.failure = failure.to_string();
            }
        }
    }
}

async fn ask(
    (host, path): &(String, String),
    connection: &mut Option<SendRequest<Full<Bytes>>>,
) -> Result<(), Failure> {
    let sender = match connection {
        Some(sender) => sender,
        None => connection.insert(connect(host).await?),
    };
    sender.ready().await?;
    let request = Request::get(path).header("host", host).header("user-agent", "lambridge-bench/1");
    let answer = sender.send_request(request.body(Full::default())?).await?;
    let status = answer.status();
    drain(answer.into_body()).await?;
    if status.is_success() { Ok(()) } else { Err(format!("status {status}").into()) }
}
