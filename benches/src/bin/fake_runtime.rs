//! The Runtime and Extensions API with fixed events, one invocation at a time, as fast as they are asked for.
//!
//! `POST /bench/KIND/COUNT` hands out COUNT events of a kind (`small`, `text`, `binary`, `upload`) and answers, when
//! the last answer has come, one JSON line as `load` prints it. Between two such calls `…/invocation/next` hangs, as it
//! does in Lambda; `POST /bench/asked` answers when it was asked for. Each event's method and path stand in two headers too, for `floor_adapter`, which reads no JSON.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::{Request, Response};
use lambridge_benches::{Failure, HUGE_BINARY, answer, binary, full, percentiles, run, serve};
use tokio::sync::Notify;

/// No adapter needs longer for one call's events.
const DEADLINE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Job {
    event: Bytes,
    method: &'static str,
    path: &'static str,
    left: usize,
    running: usize,
    handed_out: Option<Instant>,
    times: Vec<u64>,
    failed: usize,
    answer_bytes: usize,
    sample: Bytes,
}

#[derive(Default)]
struct State {
    job: RefCell<Job>,
    more: Notify,
    done: Notify,
    asked: Notify,
}

fn main() -> Result<(), Failure> {
    let state = Rc::new(State::default());
    let upload = Bytes::from(event("POST", "/upload", Some(&binary(HUGE_BINARY))));
    run(serve(move |request| handle(Rc::clone(&state), upload.clone(), request)))
}

async fn handle(
    state: Rc<State>,
    upload: Bytes,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Failure> {
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts.as_slice() {
        ["bench", "asked"] => {
            let in_time = tokio::time::timeout(DEADLINE, state.asked.notified()).await.is_ok();
            answer("text/plain", Bytes::from_static(if in_time { b"asked" } else { b"not asked" }))
        }
        ["bench", kind, count] => start(&state, kind, count.parse()?, upload).await,
        ["2020-01-01", "extension", "register"] => Ok(Response::builder()
            .header("lambda-extension-identifier", "b3c1a8de-0000-4000-8000-000000000001")
            .header("content-type", "application/json")
            .body(full(r#"{"functionName":"bench","functionVersion":"$LATEST","handler":"run.sh"}"#))?),
        ["2020-01-01", ..] => std::future::pending().await,
        [.., "invocation", "next"] => next(&state).await,
        [.., "invocation", _, outcome] => {
            let failed = *outcome != "response";
            finish(&state, failed, request.into_body()).await?;
            Ok(Response::builder().status(202).body(full(r#"{"status":"OK"}"#))?)
        }
        _ => Ok(Response::builder().status(404).body(full(""))?),
    }
}

async fn start(
    state: &State,
    kind: &str,
    count: usize,
    upload: Bytes,
) -> Result<Response<Full<Bytes>>, Failure> {
    let (method, path) = match kind {
        "small" => ("GET", "/"),
        "text" => ("GET", "/text"),
        "binary" => ("GET", "/binary"),
        "upload" => ("POST", "/upload"),
        _ => return Ok(Response::builder().status(404).body(full("no such kind"))?),
    };
    let event = if kind == "upload" { upload } else { Bytes::from(event(method, path, None)) };
    *state.job.borrow_mut() = Job { event, method, path, left: count, ..Job::default() };
    let started = Instant::now();
    state.more.notify_one();
    // Without an adapter nobody would ever finish.
    let in_time = tokio::time::timeout(DEADLINE, state.done.notified()).await.is_ok();
    let mut job = state.job.borrow_mut();
    job.left = 0;
    let (p50, p99) = percentiles(&mut job.times);
    let head = &job.sample[..job.sample.len().min(300)];
    let line = serde_json::json!({
        "ok": job.times.len(), "failed": job.failed,
        "failure": if in_time { String::from_utf8_lossy(head) } else { "timed out".into() },
        "answer_bytes": job.answer_bytes, "wall_ms": started.elapsed().as_millis() as u64,
        "p50_us": p50, "p99_us": p99,
    });
    answer("application/json", Bytes::from(line.to_string()))
}

async fn next(state: &State) -> Result<Response<Full<Bytes>>, Failure> {
    state.asked.notify_one();
    loop {
        if state.job.borrow().left > 0 {
            break;
        }
        state.more.notified().await;
    }
    let mut job = state.job.borrow_mut();
    job.left -= 1;
    job.running += 1;
    job.handed_out = Some(Instant::now());
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() + 60_000;
    Ok(Response::builder()
        .header("content-type", "application/json")
        .header("lambda-runtime-aws-request-id", format!("8476a536-e9f4-11e8-9739-{:012}", job.left))
        .header("lambda-runtime-deadline-ms", deadline.to_string())
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:123456789012:function:bench")
        .header("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0")
        .header("bench-method", job.method)
        .header("bench-path", job.path)
        .body(full(job.event.clone()))?)
}

async fn finish(state: &State, failed: bool, mut body: Incoming) -> Result<(), Failure> {
    let mut length = 0;
    let mut first = None;
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            length += data.len();
            first.get_or_insert(data);
        }
    }
    let mut job = state.job.borrow_mut();
    if job.running == 0 {
        return Ok(());
    }
    job.running -= 1;
    job.answer_bytes = length;
    job.sample = first.unwrap_or_default();
    let took = job.handed_out.map_or(0, |at| at.elapsed().as_micros() as u64);
    if failed {
        job.failed += 1;
    } else {
        job.times.push(took);
    }
    if job.left == 0 && job.running == 0 {
        state.done.notify_one();
    }
    Ok(())
}

/// A function URL's event with the headers of a browser.
fn event(method: &str, path: &str, body: Option<&[u8]>) -> String {
    let body = body.map_or_else(String::new, |bytes| {
        format!(r#","body":"{}""#, base64_simd::STANDARD.encode_to_string(bytes))
    });
    let encoded = !body.is_empty();
    format!(
        r#"{{"version":"2.0","routeKey":"$default","rawPath":"{path}","rawQueryString":"a=1&b=two","cookies":["session=5f2c","theme=dark"],"headers":{{"accept":"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8","accept-encoding":"gzip, deflate, br","accept-language":"en-GB,en;q=0.9","content-type":"application/octet-stream","host":"abcdefghijklmnop.lambda-url.us-east-1.on.aws","user-agent":"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0","x-amzn-trace-id":"Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700","x-forwarded-for":"203.0.113.7","x-forwarded-port":"443","x-forwarded-proto":"https"}},"queryStringParameters":{{"a":"1","b":"two"}},"requestContext":{{"accountId":"anonymous","apiId":"abcdefghijklmnop","domainName":"abcdefghijklmnop.lambda-url.us-east-1.on.aws","domainPrefix":"abcdefghijklmnop","http":{{"method":"{method}","path":"{path}","protocol":"HTTP/1.1","sourceIp":"203.0.113.7","userAgent":"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}},"requestId":"8476a536-e9f4-11e8-9739-2dfe598c3fcd","routeKey":"$default","stage":"$default","time":"12/Mar/2026:19:03:58 +0000","timeEpoch":1773342238390}}{body},"isBase64Encoded":{encoded}}}"#
    )
}
