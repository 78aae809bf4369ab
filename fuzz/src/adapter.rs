//! The adapter's whole loop, between a Runtime API and an application that says what the fuzzer says.
//!
//! An input is an event, a line `----`, and the bytes that the application answers before it closes the connection; the
//! first byte chooses the settings. Whatever they are: the invocation is answered once, in a form that Lambda takes, and
//! the adapter is there for the next one. A connection each makes this slower than the decoders' targets, by far.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use lambridge_adapter::settings::Settings;
use lambridge_event::{Kind, kind};
use lambridge_testkit::{Answer, FakeApp, FakeRuntime, Invocation, Outcome};
use serde_json::Value;
use tokio::runtime::Runtime;

/// Fakes remember all they saw, so that they are replaced now and then.
const RUNS: usize = 500;

const SETTINGS: [&[(&str, &str)]; 3] = [
    &[],
    &[("AWS_LWA_INVOKE_MODE", "response_stream"), ("AWS_LWA_STREAM_COMPRESSION", "true")],
    &[
        ("AWS_LWA_ENABLE_COMPRESSION", "true"),
        ("AWS_LWA_WEBSOCKET_PATH", "/ws"),
        ("AWS_LWA_REMOVE_BASE_PATH", "/a"),
    ],
];

struct Sandbox {
    runtime: FakeRuntime,
    says: Arc<Mutex<Vec<u8>>>,
    _app: FakeApp,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    adapter: Option<std::thread::JoinHandle<()>>,
    runs: usize,
}

impl Sandbox {
    fn start(settings: &[(&str, &str)]) -> Sandbox {
        let runtime = FakeRuntime::start();
        let says = Arc::new(Mutex::new(Vec::new()));
        let to_say = says.clone();
        let app = FakeApp::with(move |_| Answer::raw(lock(&to_say).clone()));
        let mut env = vec![
            ("AWS_LAMBDA_RUNTIME_API".to_owned(), runtime.address().to_string()),
            ("AWS_LWA_PORT".to_owned(), app.address().port().to_string()),
            ("AWS_LWA_READINESS_CHECK_PROTOCOL".to_owned(), "tcp".to_owned()),
            ("AWS_LAMBDA_LOG_LEVEL".to_owned(), "FATAL".to_owned()),
        ];
        env.extend(settings.iter().map(|(name, value)| (name.to_string(), value.to_string())));
        let (settings, _) = Settings::from_env(env.into_iter());
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let adapter = std::thread::spawn(move || {
            own_runtime().block_on(lambridge_adapter::serve_with(settings, async {
                let _ = stopped.await;
            }));
        });
        Sandbox { runtime, says, _app: app, stop: Some(stop), adapter: Some(adapter), runs: 0 }
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(adapter) = self.adapter.take() {
            adapter.join().expect("the adapter does not panic");
        }
    }
}

/// One invocation.
pub fn exchange(bytes: &[u8]) {
    static SANDBOXES: [Mutex<Option<Sandbox>>; 3] = [const { Mutex::new(None) }; 3];
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let Some((&first, rest)) = bytes.split_first() else { return };
    let (event, says) = halves(rest);
    let which = usize::from(first) % SETTINGS.len();
    let mut slot = lock(&SANDBOXES[which]);
    if slot.as_ref().is_some_and(|sandbox| sandbox.runs >= RUNS) {
        *slot = None;
    }
    let sandbox = slot.get_or_insert_with(|| Sandbox::start(SETTINGS[which]));
    sandbox.runs += 1;
    *lock(&sandbox.says) = says.to_vec();
    let invoking = sandbox.runtime.invoke(Invocation::new(event));
    let outcome = RUNTIME.get_or_init(own_runtime).block_on(invoking);
    judge(event, &outcome);
}

/// What Lambda takes: a whole request; JSON, with a status for an HTTP event; or an error with its type.
fn judge(event: &[u8], outcome: &Outcome) {
    assert!(outcome.request.complete);
    let body = &outcome.request.body;
    if !outcome.answered {
        let report: Value = serde_json::from_slice(body).expect("an error is JSON");
        assert!(report["errorType"].is_string() && report["errorMessage"].is_string());
        assert!(!matches!(kind(event), Some(kind) if http(kind)), "an HTTP client waits for an answer");
        return;
    }
    let streamed = outcome.request.header("lambda-runtime-function-response-mode").is_some();
    let head = if streamed {
        let end = body.windows(8).position(|window| window == [0; 8]).expect("a prelude ends");
        &body[..end]
    } else {
        body.as_slice()
    };
    let answer: Value = serde_json::from_slice(head).expect("an answer is JSON");
    if matches!(kind(event), Some(kind) if http(kind)) {
        assert!(answer["statusCode"].as_u64().is_some_and(|status| (100..=999).contains(&status)));
    }
}

fn http(kind: Kind) -> bool {
    !matches!(kind, Kind::Other | Kind::WebSocket)
}

fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    const BETWEEN: &[u8] = b"\n----\n";
    match bytes.windows(BETWEEN.len()).position(|window| window == BETWEEN) {
        Some(at) => (&bytes[..at], &bytes[at + BETWEEN.len()..]),
        None => (bytes, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    }
}

fn own_runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be made")
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
