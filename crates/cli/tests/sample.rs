//! README command 1, as a newcomer types it: the built-in sample, every thing it says to try.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const DEADLINE: Duration = Duration::from_secs(30);

/// A running `lambridge dev`, ended with its last user.
struct Sample {
    child: Child,
    gateway: String,
}

impl Sample {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lambridge"))
            .args(["dev", "--address", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the built binary starts");
        let mut lines = BufReader::new(child.stdout.take().expect("stdout is piped")).lines();
        let (mut gateway, mut emulator) = (None, None);
        while gateway.is_none() || emulator.is_none() {
            let line = lines.next().expect("dev prints both addresses before it ends").unwrap();
            if let Some(address) = line.strip_prefix("listening on http://") {
                gateway = Some(address.to_owned());
            }
            if let Some(address) = line.strip_prefix("emulator on http://") {
                emulator = Some(address.to_owned());
            }
        }
        // The access log goes on; a full pipe would stop it.
        std::thread::spawn(move || lines.count());
        Self { child, gateway: gateway.unwrap() }
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Response<Bytes> {
        let exchange = async {
            let stream = TcpStream::connect(&self.gateway).await.unwrap();
            let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
            tokio::spawn(connection);
            let mut request = Request::builder().method(method).uri(path).header("host", &self.gateway);
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let answer =
                sender.send_request(request.body(Full::new(Bytes::from(body))).unwrap()).await.unwrap();
            let (head, body) = answer.into_parts();
            Response::from_parts(head, body.collect().await.unwrap().to_bytes())
        };
        tokio::time::timeout(DEADLINE, exchange).await.expect("an answer in time")
    }

    async fn get(&self, path: &str) -> Response<Bytes> {
        self.send("GET", path, &[], Vec::new()).await
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn json(answer: &Response<Bytes>) -> serde_json::Value {
    serde_json::from_slice(answer.body()).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

#[tokio::test]
async fn everything_the_sample_says_to_try() {
    let sample = Sample::start();

    let page = sample.get("/").await;
    assert_eq!(page.status(), 200);
    assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
    let id = page.headers()["x-request-id"].to_str().unwrap().to_owned();
    let text = String::from_utf8(page.body().to_vec()).unwrap();
    assert!(text.contains(&format!("data-request=\"{id}\"")), "the page knows the id of its own request");

    let stations = json(&sample.get(&format!("/stations/{id}")).await);
    assert_eq!(stations["http"]["target"], "/");
    let event: serde_json::Value =
        serde_json::from_str(stations["lambda"]["event"].as_str().unwrap()).unwrap();
    assert_eq!(event["requestContext"]["requestId"], id.as_str());
    assert_eq!(stations["app"]["method"], "GET");
    assert!(stations["times_us"]["total"].as_u64().unwrap() > 0);

    assert_eq!(json(&sample.get("/json").await)["message"], "hello from a web app");

    let kind = ("content-type", "application/x-www-form-urlencoded");
    let form = sample.send("POST", "/form", &[kind], b"name=ada&note=a+b%21".to_vec()).await;
    assert_eq!(json(&form)["form"], serde_json::json!([["name", "ada"], ["note", "a b!"]]));

    let cookies = sample.get("/cookies").await;
    let all = |name| cookies.headers().get_all(name).iter().map(|v| v.to_str().unwrap()).collect::<Vec<_>>();
    assert_eq!(
        all("set-cookie"),
        ["session=abc; Path=/; HttpOnly", "theme=dark; Expires=Wed, 21 Oct 2037 07:28:00 GMT"]
    );
    // A v2 answer has one string a name, so that repeats become one list (RFC 9110, 5.3).
    assert_eq!(all("x-sample"), ["first, second"]);

    let headers = sample.send("GET", "/headers", &[("x-twice", "1"), ("x-twice", "2")], Vec::new()).await;
    let headers = json(&headers)["headers"].to_string();
    assert!(
        headers.contains(r#"["x-twice","1,2"]"#) || headers.contains(r#"["x-twice","1"],["x-twice","2"]"#),
        "{headers}"
    );

    let missing = sample.get("/missing").await;
    assert_eq!((missing.status().as_u16(), &missing.body()[..]), (404, &b"the app has no such page\n"[..]));
    let redirect = sample.get("/redirect").await;
    assert_eq!(
        (redirect.status().as_u16(), redirect.headers()["location"].to_str().unwrap()),
        (302, "/json")
    );
    let empty = sample.get("/empty").await;
    assert_eq!((empty.status().as_u16(), empty.body().len()), (204, 0));

    assert_eq!(json(&sample.get("/hello/ada").await)["hello"], "ada");
    let failed = sample.get("/fail").await;
    assert_eq!(failed.status(), 502);
    assert!(json(&failed)["type"].as_str().unwrap().ends_with("function_error"));
    assert!(!String::from_utf8_lossy(failed.body()).contains("asked to fail"), "clients never see why");
    assert_eq!(sample.get("/hello/again").await.status(), 200, "the next request works");
}

#[tokio::test]
async fn bodies_byte_for_byte_and_their_limits() {
    let sample = Sample::start();
    let every_byte: Vec<u8> = (0..=u8::MAX).cycle().take(300_000).collect();
    let echo = sample.send("POST", "/echo", &[("content-type", "image/png")], every_byte.clone()).await;
    assert_eq!(echo.headers()["content-type"], "image/png");
    assert!(echo.body()[..] == every_byte[..], "binary bodies are not touched");
    let download = sample.get("/download?size=300000").await;
    assert!(download.body()[..] == every_byte[..]);

    let five: Vec<u8> = b"five megabytes of text. ".iter().copied().cycle().take(5 << 20).collect();
    let echo = sample.send("POST", "/echo", &[("content-type", "text/plain")], five.clone()).await;
    assert_eq!(
        echo.status(),
        200,
        "{:?}",
        String::from_utf8_lossy(&echo.body()[..echo.body().len().min(300)])
    );
    assert!(echo.body()[..] == five[..]);

    // Refused at the head, so that nobody needs to send seven megabytes to learn it.
    let mut stream = TcpStream::connect(&sample.gateway).await.unwrap();
    let head =
        format!("POST /echo HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n\r\n", sample.gateway, 7 << 20);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(DEADLINE, stream.read_to_string(&mut answer)).await;
    read.expect("an answer in time").unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("body_too_large"), "{answer}");
}

#[tokio::test]
async fn children_end_with_a_killed_parent() {
    let sample = Sample::start();
    assert_eq!(sample.get("/hello/ada").await.status(), 200);
    let children = descendants(sample.child.id());
    assert!(!children.is_empty(), "the function runs in a child");
    drop(sample);
    let ended = async {
        while children.iter().any(|&pid| alive(pid)) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(DEADLINE, ended).await.expect("children end with a parent that was killed");
}

#[test]
fn a_busy_port_and_a_wrong_file_are_clear() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.yaml");
    std::fs::write(
        &file,
        "lambridge: 1\nroutes:\n  - id: a\n    match: { path: /a }\n    function: nobody\n",
    )
    .unwrap();
    let run = |command: &str| {
        Command::new(env!("CARGO_BIN_EXE_lambridge")).args([command, "-c"]).arg(&file).output().unwrap()
    };
    let check = run("check");
    assert!(!check.status.success());
    let text = String::from_utf8(check.stdout).unwrap();
    assert!(text.contains("wrong.yaml:5:") && text.contains("nobody"), "{text}");
    for command in ["gateway", "dev", "emulator"] {
        let refused = run(command);
        assert!(!refused.status.success(), "{command}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("wrong.yaml:5:"), "{command}");
    }
}

fn descendants(parent: u32) -> Vec<u32> {
    let mut found = vec![parent];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        next += 1;
        let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
        for thread in threads {
            let children = std::fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            found.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
    }
    found.split_off(1)
}

/// A zombie has ended; only its parent has not looked yet.
fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| !rest.trim().is_empty() && !rest.trim_start().starts_with(['Z', 'X']))
}
