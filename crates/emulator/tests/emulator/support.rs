//! An emulator with the Python runtime behind it, and a client in front.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use lambridge_emulator::{Emulator, LogSink, Settings, Timing};
use lambridge_model::{Program, Run, Secret};
use tempfile::TempDir;

/// Nothing here takes longer unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(120);

pub struct House {
    pub emulator: Option<Emulator>,
    pub folder: TempDir,
    pub address: SocketAddr,
    pub lines: Arc<Mutex<Vec<String>>>,
}

pub struct Plan {
    pub mode: Vec<String>,
    pub run: Run,
    pub timing: Timing,
    pub key_pairs: Vec<(String, Secret)>,
    /// Others than those may call as well.
    pub strangers: bool,
    pub child_prefix: Vec<std::ffi::OsString>,
    pub web: bool,
    /// Programs below the folder that stands for `/opt`, and their text; `{}` is the runtime's command.
    pub opt: Vec<(&'static str, &'static str)>,
    /// Functions beside `f`, the same as it.
    pub others: Vec<&'static str>,
}

/// One instance in the runtime's mode `mode`, of which words are split at spaces; `{}` is the test's folder.
pub fn plan(mode: &str) -> Plan {
    Plan {
        mode: mode.split(' ').map(str::to_owned).collect(),
        run: Run {
            program: Program::Command(Vec::new()),
            dir: PathBuf::new(),
            opt: None,
            image: None,
            handler: None,
            env: BTreeMap::new(),
            instances: 1,
            timeout: Duration::from_secs(60),
            memory: 128,
            queue: 100,
            port: None,
            concurrency: 1,
            versions: BTreeMap::new(),
            aliases: BTreeMap::new(),
            url: None,
        },
        // Lambda's own bounds would be met by whatever else this machine does meanwhile.
        timing: Timing {
            init: Duration::from_secs(60),
            shutdown_internal: Duration::from_secs(20),
            shutdown_external: Duration::from_secs(20),
            async_retries: vec![Duration::from_millis(1); 2],
        },
        key_pairs: Vec::new(),
        strangers: false,
        child_prefix: Vec::new(),
        web: false,
        opt: Vec::new(),
        others: Vec::new(),
    }
}

impl Plan {
    pub async fn start(mut self) -> House {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("runtime.py");
        std::fs::write(&script, include_str!("runtime.py")).unwrap();
        let path = folder.path().display().to_string();
        let line = |mode: &[String]| {
            let words = mode.iter().map(|word| word.replace("{}", &path));
            ["python3".to_owned(), script.display().to_string()].into_iter().chain(words).collect::<Vec<_>>()
        };
        let program = match self.web {
            true => Program::Web(line(&["app".to_owned()])),
            false => Program::Command(line(&self.mode)),
        };
        for (name, text) in &self.opt {
            let file = folder.path().join("opt").join(name);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            let runtime = format!("python3 '{}'", script.display());
            std::fs::write(&file, text.replace("{}", &runtime)).unwrap();
            std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
        }
        let opt = (!self.opt.is_empty()).then(|| folder.path().join("opt"));
        let complete = |run: &mut Run| {
            run.opt.clone_from(&opt);
            run.program = program.clone();
            run.dir = folder.path().to_owned();
            run.env.insert("NOTES".to_owned(), format!("{path}/notes"));
        };
        complete(&mut self.run);
        self.run.versions.values_mut().for_each(complete);
        let lines = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&lines);
        let settings = Settings {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            region: "us-east-1".to_owned(),
            account_id: "000000000000".to_owned(),
            signed: !self.key_pairs.is_empty() && !self.strangers,
            key_pairs: self.key_pairs,
            functions: self
                .others
                .iter()
                .chain([&"f"])
                .map(|name| ((*name).to_owned(), self.run.clone()))
                .collect(),
            adapter: line(&["adapter".to_owned()]).into_iter().map(Into::into).collect(),
            child_prefix: self.child_prefix,
            guardian: Vec::new(),
            inherit: std::env::var_os("PATH").map(|path| ("PATH".into(), path)).into_iter().collect(),
            log: LogSink(Arc::new(move |_, _, line| sink.lock().unwrap().push(line.to_owned()))),
        };
        let emulator = Emulator::start_with(settings, self.timing).await.unwrap();
        House { address: emulator.address(), emulator: Some(emulator), folder, lines }
    }
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn failed(&self) -> bool {
        self.headers.contains_key("x-amz-function-error")
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

pub fn request(path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let mut request = Request::post(path);
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        request = request.header("host", "127.0.0.1");
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(body.into())).unwrap()
}

pub async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Answer {
    let exchange = async {
        let stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let (mut client, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        // Whoever stops waiting for the answer closes the connection.
        let mut connections = tokio::task::JoinSet::new();
        connections.spawn(connection);
        let answer = client.send_request(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        drop(client);
        drop(connections);
        let body = String::from_utf8(body.to_vec()).unwrap();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    };
    tokio::time::timeout(PATIENCE, exchange).await.expect("an answer in time")
}

/// An answer that is read as it comes.
pub struct Opened {
    pub status: u16,
    pub headers: HeaderMap,
    body: hyper::body::Incoming,
    _connection: tokio::task::JoinSet<Result<(), hyper::Error>>,
}

impl Opened {
    /// The next bytes; `None` at the end, an error if it is cut.
    pub async fn next(&mut self) -> Option<Result<Bytes, hyper::Error>> {
        let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await.expect("a piece in time")?;
        Some(frame.map(|frame| frame.into_data().unwrap()))
    }
}

/// Sends a request, and gives its answer as soon as the head is there.
pub async fn open(address: SocketAddr, request: Request<Full<Bytes>>) -> Opened {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    let mut connections = tokio::task::JoinSet::new();
    connections.spawn(connection);
    let answer = tokio::time::timeout(PATIENCE, client.send_request(request)).await.expect("a head in time");
    let (head, body) = answer.unwrap().into_parts();
    Opened { status: head.status.as_u16(), headers: head.headers, body, _connection: connections }
}

impl House {
    pub async fn post(&self, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
        send(self.address, request(path, headers, body)).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        let mut request = request(path, &[], "");
        *request.method_mut() = http::Method::GET;
        send(self.address, request).await
    }

    pub async fn invoke(&self, event: &str) -> Answer {
        self.post("/2015-03-31/functions/f/invocations", &[], event.to_owned()).await
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    pub fn notes(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.folder.path().join("notes")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub async fn shutdown(&mut self) {
        self.emulator.take().unwrap().shutdown().await;
    }
}

/// Waits until `look` finds something.
pub async fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "{what} did not happen");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Whether a process runs; one that ended and was not waited for does not.
pub fn runs(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.trim().is_empty() && !rest.trim().starts_with('Z'))
}
