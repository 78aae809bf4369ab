//! Reads streamed answers of `fake_lambda`: how late their pieces are.
//!
//! `stream URL CONNECTIONS ANSWERS` prints one JSON line: how many answers came whole, and percentiles in microseconds of the
//! time from the sending of a piece to its arrival here, for first pieces (`p50_us`, `p99_us`) and for all others
//! (`next_p50_us`, `next_p99_us`). Both ends read the same clock.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use lambridge_benches::{Failure, connect, percentiles, run};
use tokio::task::spawn_local;

#[derive(Default)]
struct Tally {
    left: usize,
    ok: usize,
    failed: usize,
    failure: String,
    first: Vec<u64>,
    next: Vec<u64>,
}

#[expect(clippy::print_stdout, reason = "its result is its output")]
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, connections, answers] = arguments.as_slice() else {
        return Err("usage: stream URL CONNECTIONS ANSWERS".into());
    };
    let rest = url.strip_prefix("http://").ok_or("only http:// URLs")?;
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let target = Rc::new((host.to_owned(), path.to_owned()));
    let tally = Rc::new(RefCell::new(Tally { left: answers.parse()?, ..Tally::default() }));
    let connections: usize = connections.parse()?;
    let shared = Rc::clone(&tally);
    run(async move {
        let tasks: Vec<_> =
            (0..connections).map(|_| spawn_local(client(Rc::clone(&target), Rc::clone(&shared)))).collect();
        for task in tasks {
            task.await?;
        }
        Ok(())
    })?;
    let mut tally = tally.borrow_mut();
    let (p50, p99) = percentiles(&mut tally.first);
    let (next_p50, next_p99) = percentiles(&mut tally.next);
    println!(
        "{}",
        serde_json::json!({
            "ok": tally.ok, "failed": tally.failed, "failure": tally.failure,
            "p50_us": p50, "p99_us": p99, "next_p50_us": next_p50, "next_p99_us": next_p99,
        })
    );
    Ok(())
}

async fn client(target: Rc<(String, String)>, tally: Rc<RefCell<Tally>>) {
    loop {
        {
            let mut tally = tally.borrow_mut();
            if tally.left == 0 {
                return;
            }
            tally.left -= 1;
        }
        let result = read(&target, &tally).await;
        let mut tally = tally.borrow_mut();
        match result {
            Ok(()) => tally.ok += 1,
            Err(failure) => {
                tally.failed += 1;
                tally.failure = failure.to_string();
            }
        }
    }
}

/// One answer, on a connection of its own.
async fn read((host, path): &(String, String), tally: &RefCell<Tally>) -> Result<(), Failure> {
    let mut sender = connect(host).await?;
    let request = Request::get(path).header("host", host).body(Full::<Bytes>::default())?;
    let answer = sender.send_request(request).await?;
    if !answer.status().is_success() {
        return Err(format!("status {}", answer.status()).into());
    }
    let mut body = answer.into_body();
    let mut is_first = true;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos();
        for sent in stamps(&data) {
            let late = u64::try_from(now.saturating_sub(sent) / 1000)?;
            let mut tally = tally.borrow_mut();
            let list = if std::mem::take(&mut is_first) { &mut tally.first } else { &mut tally.next };
            list.push(late);
        }
    }
    if is_first { Err("no piece came".into()) } else { Ok(()) }
}

/// The numbers between `@` and `;`.
fn stamps(data: &[u8]) -> impl Iterator<Item = u128> {
    data.split(|&byte| byte == b'@').skip(1).filter_map(|rest| {
        let digits = rest.split(|&byte| byte == b';').next()?;
        std::str::from_utf8(digits).ok()?.parse().ok()
    })
}
