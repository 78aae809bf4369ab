//! A gateway in front of a fake Lambda, and the plainest client there is.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use lambridge_gateway::{Gateway, Surroundings};
use lambridge_model::{
    ConnectionSettings, Credentials, Function, Listener, Matcher, Model, PathMatch, Retries, Route, Secret,
    Target, Weighted,
};
use lambridge_testkit::FakeLambda;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Log lines so far.
pub type Lines = Arc<Mutex<Vec<String>>>;

pub fn function(endpoint: &str) -> Function {
    Function {
        region: Some("us-east-1".into()),
        endpoint: Some(endpoint.into()),
        credentials: Credentials::Static {
            access_key_id: "AKID".into(),
            secret_access_key: Secret::new("secret"),
            session_token: None,
        },
        timeout: Duration::from_secs(20),
        retries: Retries { max: 0, ..Retries::default() },
        ..Function::new("f".parse().unwrap())
    }
}

pub fn route(id: &str, path: PathMatch) -> Route {
    let target = Target::Functions(vec![Weighted { function: "f".into(), weight: 1 }]);
    Route { id: id.into(), ..Route::new(Matcher::path(path), target) }
}

/// Everything goes to `f`.
pub fn model(endpoint: &str) -> Model {
    Model {
        listeners: vec![Listener::new(([127, 0, 0, 1], 0).into())],
        functions: [("f".to_owned(), function(endpoint))].into(),
        routes: vec![route("all", PathMatch::Prefix("/".into()))],
        connections: ConnectionSettings { max: 512, ..ConnectionSettings::default() },
        ..Model::default()
    }
}

pub fn surroundings() -> (Surroundings, Lines) {
    let lines = Lines::default();
    let kept = lines.clone();
    let access_log = Arc::new(move |line: &str| kept.lock().unwrap().push(line.to_owned()));
    (Surroundings { env: Arc::new(|_| None), access_log, observer: None }, lines)
}

pub struct World {
    pub gateway: Gateway,
    pub address: SocketAddr,
    pub lambda: FakeLambda,
    pub lines: Lines,
}

/// Starts a gateway before `lambda` with a changed model.
pub async fn start(lambda: FakeLambda, change: impl FnOnce(&mut Model)) -> World {
    let mut model = model(&lambda.endpoint());
    change(&mut model);
    let (surroundings, lines) = surroundings();
    let gateway = Gateway::start(model, surroundings).await.unwrap();
    let address = gateway.addresses()[0];
    World { gateway, address, lambda, lines }
}

/// Sends bytes on a new connection, reads until it ends.
pub async fn talk(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(bytes).await.unwrap();
    rest(&mut stream).await
}

/// Reads until the connection ends.
pub async fn rest(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    tokio::time::timeout(Duration::from_secs(30), stream.read_to_end(&mut all))
        .await
        .expect("the gateway closes")
        .expect("no reset");
    String::from_utf8_lossy(&all).into_owned()
}

/// One request that asks for the connection's end.
pub async fn get(address: SocketAddr, method: &str, path: &str) -> String {
    talk(address, format!("{method} {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n").as_bytes())
        .await
}

/// Status and problem reason of an answer.
pub fn verdict(answer: &str) -> (u16, String) {
    let status = answer.get(9..12).and_then(|s| s.parse().ok()).unwrap_or(0);
    let reason = answer
        .split_once("urn:lambridge:problem:")
        .and_then(|(_, tail)| tail.split_once('"'))
        .map_or(String::new(), |(reason, _)| reason.to_owned());
    (status, reason)
}
