//! SIGTERM, as an operator or a cluster sends it: what is at hand is finished, what is kept is closed, exit 0.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use lambridge_testkit::{Answer, FakeLambda};
use tempfile::TempDir;
use tokio::sync::Notify;

const DEADLINE: Duration = Duration::from_secs(30);

/// A running `lambridge gateway`.
struct Gateway {
    child: Child,
    address: String,
    /// What it printed after its address.
    lines: Receiver<String>,
    _folder: TempDir,
}

impl Gateway {
    fn start(lambda: &FakeLambda, drain: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("lambridge.yaml");
        let endpoint = lambda.endpoint();
        let text = format!(
            "lambridge: 1\nlisteners: [{{ address: 127.0.0.1:0 }}]\ndrain: {{ {drain} }}\n\
             aws: {{ region: us-east-1, endpoint: \"{endpoint}\", credentials: {{ access_key_id: AKID, secret_access_key: s }} }}\n\
             functions: {{ f: {{}} }}\nroutes: [{{ match: {{ path_prefix: / }}, function: f }}]\n"
        );
        std::fs::write(&file, text).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_lambridge"))
            .args(["gateway", "-c"])
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut printed = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = printed.next().expect("it says where it listens").unwrap();
        let address = first.strip_prefix("listening on http://").expect("an address").to_owned();
        let (sender, lines) = channel();
        std::thread::spawn(move || printed.map_while(Result::ok).for_each(|line| drop(sender.send(line))));
        Self { child, address, lines, _folder: folder }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    fn terminate(&self) {
        self.signal("-TERM");
    }

    fn signal(&self, signal: &str) {
        let killed = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// Waits for the end of the process.
    async fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "it did not end");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until no connection is taken any more.
    async fn refuses(&self) {
        let end = Instant::now() + DEADLINE;
        while TcpStream::connect(&self.address).is_ok() {
            assert!(Instant::now() < end, "it still listens");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ask(stream: &mut TcpStream) {
    stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").unwrap();
}

/// Reads up to the end of an answer whose body is `body`.
fn answer(stream: &mut TcpStream, body: &str) -> String {
    let mut text = String::new();
    let mut byte = [0];
    while !text.ends_with(&format!("\r\n\r\n{body}")) {
        assert_eq!(stream.read(&mut byte).unwrap(), 1, "it ended after {text:?}");
        text.push(char::from(byte[0]));
    }
    text
}

fn rest(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[tokio::test]
async fn the_request_at_hand_is_finished() {
    let lambda = FakeLambda::answering(Answer::ok(r#"{"statusCode":200,"body":"ok"}"#));
    let mut gateway = Gateway::start(&lambda, "deadline: 60s");
    let mut kept = gateway.connect();
    ask(&mut kept);
    answer(&mut kept, "ok");
    let told = Arc::new(Notify::new());
    lambda.push(Answer::ok(r#"{"statusCode":200,"body":"late"}"#).when(&told));
    let mut busy = gateway.connect();
    ask(&mut busy);
    lambda.wait_for(2).await;

    gateway.terminate();
    gateway.refuses().await;
    assert_eq!(rest(&mut kept), "", "a kept connection is closed at once");
    assert_eq!(gateway.child.try_wait().unwrap(), None, "the process waits for the other");
    told.notify_one();
    assert!(answer(&mut busy, "late").contains("connection: close\r\n"));
    assert_eq!(rest(&mut busy), "");
    assert_eq!(gateway.ended().await.code(), Some(0));
    assert_eq!(
        gateway.lines.iter().filter(|line| line.contains(" GET / 200 ")).count(),
        2,
        "no line is lost"
    );
}

#[tokio::test]
async fn what_does_not_end_is_cut() {
    let lambda = FakeLambda::answering(Answer::silence());
    let mut gateway = Gateway::start(&lambda, "deadline: 100ms");
    let mut busy = gateway.connect();
    ask(&mut busy);
    lambda.wait_for(1).await;
    gateway.terminate();
    assert_eq!(gateway.ended().await.code(), Some(0));
    // The end of a process closes or resets its connections; there is no answer either way.
    let mut text = Vec::new();
    let _ = busy.read_to_end(&mut text);
    assert_eq!(text, b"");
    let lines: Vec<String> = gateway.lines.iter().collect();
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains(" GET / 503 reason=draining "), "{}", lines[0]);
}

#[tokio::test]
async fn a_second_interrupt_does_not_wait() {
    let lambda = FakeLambda::answering(Answer::silence());
    let mut gateway = Gateway::start(&lambda, "deadline: 60s");
    let mut busy = gateway.connect();
    ask(&mut busy);
    lambda.wait_for(1).await;
    gateway.signal("-INT");
    gateway.refuses().await;
    assert_eq!(gateway.child.try_wait().unwrap(), None, "the first one waits");
    gateway.signal("-INT");
    assert_eq!(gateway.ended().await.code(), Some(0));
}

/// The address is printed only when the process listens to signals.
#[tokio::test]
async fn told_at_once() {
    let lambda = FakeLambda::echo();
    for _ in 0..5 {
        let mut gateway = Gateway::start(&lambda, "deadline: 1s");
        gateway.terminate();
        assert_eq!(gateway.ended().await.code(), Some(0));
    }
}
