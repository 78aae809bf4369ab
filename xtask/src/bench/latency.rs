//! Latency: at fixed rates, and of streamed pieces.
//!
//! CPU time says what a machine carries; this says what a client waits, when the machine is not full. A rate is kept
//! whatever the answers take, so a contestant that stalls is not spared the requests that were due meanwhile. The pieces of
//! a stream say themselves when they were sent; HAProxy passes the same frames on as they are, which is what
//! any proxy adds.

use serde_json::Value;

use super::gateway::{CONTESTANTS, configured, haproxy};
use super::process::Process;
use super::report::latencies;
use super::rig::Rig;

/// Requests a second; the second is about half of what the dearest contestant can.
const RATES: [usize; 2] = [500, 4_000];
const SECONDS: usize = 5;
/// Answers of 50 pieces, and how many at once.
const ANSWERS: usize = 200;
const AT_ONCE: usize = 8;
/// Where the fake's streams are.
const STREAM: &str = "/2021-11-15/functions/stream/response-streaming-invocations";

/// All of it.
pub fn measure(rig: &Rig) -> Result<String, String> {
    let (_fake, upstream) = rig.fake("fake_lambda")?;
    let upstream = upstream.trim_start_matches("http://");
    let mut section = String::new();
    for rate in RATES {
        let count = rig.scaled(rate * SECONDS);
        let rows = CONTESTANTS.map(|(name, start)| {
            let said = start(rig, upstream).and_then(|(_process, url)| {
                let run = |count: usize| {
                    rig.said(
                        "rate",
                        &[format!("{url}/hello"), "32".to_owned(), count.to_string(), rate.to_string()],
                    )
                };
                run(count / 5 + 1)?;
                middle(rig.rounds, || run(count))
            });
            (name.to_owned(), said)
        });
        let columns = [("p50", "p50_us"), ("p99", "p99_us"), ("p99.9", "p999_us")];
        section.push_str(&latencies(&format!("{rate} requests a second"), &rows, &columns));
        section.push('\n');
    }
    let direct = ("no proxy".to_owned(), streams(rig, &format!("http://{upstream}{STREAM}")));
    let plain = haproxy(rig, upstream).and_then(|(_process, url)| streams(rig, &format!("{url}{STREAM}")));
    let ours = lambridge(rig, upstream).and_then(|(_process, url)| streams(rig, &format!("{url}/stream")));
    let rows = [("lambridge gateway".to_owned(), ours), ("HAProxy, plain".to_owned(), plain), direct];
    let columns = [
        ("first piece p50", "p50_us"),
        ("p99", "p99_us"),
        ("later pieces p50", "next_p50_us"),
        ("p99", "next_p99_us"),
    ];
    section.push_str(&latencies("a streamed piece, from its sending to its arrival", &rows, &columns));
    Ok(section)
}

fn streams(rig: &Rig, url: &str) -> Result<Value, String> {
    let run = |count: usize| {
        rig.said("stream", &[url.to_owned(), AT_ONCE.to_string(), rig.scaled(count).to_string()])
    };
    run(ANSWERS / 5)?;
    middle(rig.rounds, || run(ANSWERS))
}

/// The run with the middle p99.
fn middle(rounds: usize, run: impl Fn() -> Result<Value, String>) -> Result<Value, String> {
    let mut runs = (0..rounds).map(|_| run()).collect::<Result<Vec<_>, _>>()?;
    runs.sort_by_key(|run| run["p99_us"].as_u64());
    let middle = runs.len() / 2;
    runs.into_iter().nth(middle).ok_or_else(|| "no rounds".to_owned())
}

fn lambridge(rig: &Rig, upstream: &str) -> Result<(Process, String), String> {
    let routes = "functions: { stream: { invoke: stream } }\n\
                  routes: [{ id: all, match: { path_prefix: / }, function: stream }]\n";
    configured(rig, "stream", &format!("http://{upstream}"), routes, |_| ())
}
