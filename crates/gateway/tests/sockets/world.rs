//! A gateway whose log lines can be waited for, and a client that keeps its connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lambridge_gateway::{Gateway, Surroundings};
use lambridge_model::{Function, Model};
use lambridge_testkit::{Answer, FakeLambda};
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::support::{model, verdict};

/// For what should happen at once.
pub const PATIENCE: Duration = Duration::from_secs(20);
/// For what should not happen at all: long enough for a fault to show, short enough to wait for.
pub const MOMENT: Duration = Duration::from_millis(100);

/// The access log so far.
#[derive(Clone)]
pub struct Lines(watch::Receiver<Vec<String>>);

impl Lines {
    pub fn now(&self) -> Vec<String> {
        self.0.borrow().clone()
    }

    /// Waits until there are `count` lines; all there are.
    pub async fn wait_for(&self, count: usize) -> Vec<String> {
        let mut lines = self.0.clone();
        match tokio::time::timeout(PATIENCE, lines.wait_for(|lines| lines.len() >= count)).await {
            Ok(lines) => lines.unwrap().clone(),
            Err(_) => panic!("waited for {count} lines, have {:#?}", self.now()),
        }
    }
}

/// Surroundings with this environment, and the log that they keep.
pub fn surroundings(env: &'static [(&'static str, &'static str)]) -> (Surroundings, Lines) {
    let (sender, lines) = watch::channel(Vec::new());
    let access_log = Arc::new(move |line: &str| sender.send_modify(|lines| lines.push(line.to_owned())));
    let env = Arc::new(move |name: &str| {
        env.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    });
    (Surroundings { env, access_log, observer: None }, Lines(lines))
}

pub struct World {
    pub gateway: Gateway,
    pub address: SocketAddr,
    pub lambda: FakeLambda,
    pub lines: Lines,
    /// What the gateway was started with.
    pub model: Model,
}

/// A gateway before a fake Lambda that answers `ok`, with a changed model.
pub async fn start(change: impl FnOnce(&mut Model)) -> World {
    start_in(&[], change).await
}

/// As [`start`], with an environment.
pub async fn start_in(
    env: &'static [(&'static str, &'static str)],
    change: impl FnOnce(&mut Model),
) -> World {
    let lambda = FakeLambda::answering(answer("ok"));
    let mut model = model(&lambda.endpoint());
    change(&mut model);
    let (surroundings, lines) = surroundings(env);
    let gateway = Gateway::start(model.clone(), surroundings).await.unwrap();
    let address = gateway.addresses()[0];
    World { gateway, address, lambda, lines, model }
}

/// The one function of the model.
pub fn f(model: &mut Model) -> &mut Function {
    model.functions.get_mut("f").unwrap()
}

/// A function URL answer with this body.
pub fn answer(body: &str) -> Answer {
    Answer::ok(format!(r#"{{"statusCode":200,"headers":{{"content-type":"text/plain"}},"body":"{body}"}}"#))
        .header("x-amzn-RequestId", "aws-1")
}

/// Waits until an address takes no connections any more.
pub async fn refuses(address: SocketAddr) {
    let closed = async { while TcpStream::connect(address).await.is_ok() {} };
    tokio::time::timeout(PATIENCE, closed).await.expect("the listener closes");
}

/// A connection that stays open.
pub struct Client<IO = TcpStream>(BufReader<IO>);

impl Client {
    pub async fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap())
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Client<IO> {
    pub fn over(io: IO) -> Self {
        Self(BufReader::new(io))
    }

    /// Sends a GET without waiting for its answer.
    pub async fn ask(&mut self, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await;
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Reads one answer, head and body.
    pub async fn answer(&mut self) -> String {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("an answer in time")
    }

    async fn read(&mut self) -> String {
        let mut text = String::new();
        let mut length = 0;
        while !text.ends_with("\r\n\r\n") {
            let start = text.len();
            assert!(self.0.read_line(&mut text).await.unwrap() > 0, "it ended after {text:?}");
            if let Some(value) = text[start..].strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).await.unwrap();
        text + std::str::from_utf8(&body).unwrap()
    }

    /// A request and its answer.
    pub async fn get(&mut self, path: &str) -> String {
        self.ask(path).await;
        self.answer().await
    }

    /// Reads a head.
    pub async fn head(&mut self) -> String {
        let mut text = String::new();
        while !text.ends_with("\r\n\r\n") {
            let read =
                tokio::time::timeout(PATIENCE, self.0.read_line(&mut text)).await.expect("a head in time");
            assert!(read.unwrap() > 0, "it ended after {text:?}");
        }
        text
    }

    /// Reads so many bytes.
    pub async fn bytes(&mut self, count: usize) -> String {
        let mut bytes = vec![0; count];
        tokio::time::timeout(PATIENCE, self.0.read_exact(&mut bytes)).await.expect("bytes in time").unwrap();
        String::from_utf8(bytes).unwrap()
    }

    /// Whether nothing at all comes for a moment.
    pub async fn is_silent(&mut self) -> bool {
        tokio::time::timeout(MOMENT, self.0.fill_buf()).await.is_err()
    }

    /// Waits for the connection's end, which is an error; its kind.
    pub async fn reset(mut self) -> std::io::ErrorKind {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut rest)).await.expect("it ends");
        ended.expect_err("a reset").kind()
    }

    /// Waits for the connection's end, however it comes; what was read before.
    pub async fn end(mut self) -> String {
        let mut rest = Vec::new();
        // A reset is an end too.
        let _ = tokio::time::timeout(PATIENCE, self.0.read_to_end(&mut rest)).await.expect("it ends");
        String::from_utf8_lossy(&rest).into_owned()
    }
}

/// Checks an answer's status and reason, and that its id stands in exactly one line of the log, with the same two.
pub async fn check(world: &World, answer: &str, status: u16, reason: &str) {
    assert_eq!(verdict(answer), (status, reason.to_owned()), "{answer}");
    let id = answer.split("x-request-id: ").nth(1).and_then(|tail| tail.split('\r').next()).unwrap();
    assert!(answer.contains(&format!(r#""request_id":"{id}""#)), "{answer}");
    // The line is written before the answer goes out.
    let lines = world.lines.now();
    let own: Vec<&String> = lines.iter().filter(|line| line.contains(id)).collect();
    assert_eq!(own.len(), 1, "{lines:#?}");
    assert!(own[0].contains(&format!(" {status} reason={reason} ")), "{}", own[0]);
    assert!(!answer.contains("arn:aws"), "{answer}");
}
