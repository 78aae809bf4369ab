//! A fake of what a Lambda sandbox offers: the Runtime API and the Extensions API.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Notify, oneshot};

use crate::answer::Answer;
use crate::request::Request;
use crate::server::{PATIENCE, Server, lock};

/// An event on its way to the runtime.
#[derive(Debug, Clone)]
pub struct Invocation {
    named: bool,
    headers: Vec<(String, Vec<u8>)>,
    event: Vec<u8>,
}

impl Invocation {
    /// With the headers that Lambda always sends: request id, a deadline in a minute, the function's ARN.
    pub fn new(event: impl Into<Vec<u8>>) -> Invocation {
        Invocation { named: true, headers: Vec::new(), event: event.into() }
            .deadline(Duration::from_secs(60))
            .header("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:f")
            .header("Content-Type", "application/json")
    }

    /// Without any header but the request id.
    pub fn bare(event: impl Into<Vec<u8>>) -> Invocation {
        Invocation { named: true, headers: Vec::new(), event: event.into() }
    }

    /// Without any header at all, the request id included: nobody can answer it.
    pub fn nameless(event: impl Into<Vec<u8>>) -> Invocation {
        Invocation { named: false, headers: Vec::new(), event: event.into() }
    }

    /// Adds a header of the `/next` answer, in place of one of the same name.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Invocation {
        self.headers.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
        self.headers.push((name.into(), value.as_ref().to_vec()));
        self
    }

    /// `Lambda-Runtime-Deadline-Ms`, from now.
    pub fn deadline(self, from_now: Duration) -> Invocation {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + from_now;
        self.header("Lambda-Runtime-Deadline-Ms", at.as_millis().to_string())
    }
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Posted to `/response`, not to `/error`.
    pub answered: bool,
    /// The whole request that posted it.
    pub request: Request,
}

impl Outcome {
    /// What was posted, as text, lossy.
    pub fn text(&self) -> String {
        self.request.text()
    }
}

#[derive(Default)]
struct State {
    next_id: u64,
    waiting: VecDeque<(String, Invocation)>,
    open: HashMap<String, oneshot::Sender<Outcome>>,
    next_faults: VecDeque<Answer>,
    post_faults: VecDeque<Answer>,
    register_faults: VecDeque<Answer>,
}

/// The Runtime and Extensions API of a sandbox.
pub struct FakeRuntime {
    server: Server,
    state: Arc<Mutex<State>>,
    wake: Arc<Notify>,
}

impl FakeRuntime {
    /// Starts without any event.
    pub fn start() -> FakeRuntime {
        let state = Arc::new(Mutex::new(State::default()));
        let wake = Arc::new(Notify::new());
        let (handler_state, handler_wake) = (state.clone(), wake.clone());
        let server = Server::anywhere(Arc::new(move |request| {
            let (state, wake) = (handler_state.clone(), handler_wake.clone());
            Box::pin(async move { answer(request, &state, &wake).await })
        }));
        FakeRuntime { server, state, wake }
    }

    /// `AWS_LAMBDA_RUNTIME_API`.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Queues an event and returns what resolves to its outcome.
    pub fn queue(&self, invocation: Invocation) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        let mut state = lock(&self.state);
        state.next_id += 1;
        let id = format!("8476a536-e9f4-11e8-9739-{:012}", state.next_id);
        state.open.insert(id.clone(), sender);
        state.waiting.push_back((id, invocation));
        drop(state);
        self.wake.notify_one();
        receiver
    }

    /// Queues an event and waits for its outcome.
    pub async fn invoke(&self, invocation: Invocation) -> Outcome {
        let outcome = self.queue(invocation);
        let outcome = tokio::time::timeout(PATIENCE, outcome).await;
        outcome
            .expect("the invocation was answered in time")
            .expect("the fake runtime outlives its invocations")
    }

    /// Queues an answer for a coming `/next` that is not an event: a failure.
    pub fn fail_next(&self, answer: Answer) {
        lock(&self.state).next_faults.push_back(answer);
        self.wake.notify_one();
    }

    /// Queues an answer for a coming `/response` or `/error`; the outcome counts as posted all the same.
    pub fn fail_post(&self, answer: Answer) {
        lock(&self.state).post_faults.push_back(answer);
    }

    /// Queues an answer for a coming `/extension/register`.
    pub fn fail_register(&self, answer: Answer) {
        lock(&self.state).register_faults.push_back(answer);
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// Waits until `count` requests arrived.
    pub async fn wait_for(&self, count: usize) -> Vec<Request> {
        self.server.wait_for(count).await
    }
}

impl fmt::Debug for FakeRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FakeRuntime({})", self.address())
    }
}

async fn answer(request: Request, state: &Mutex<State>, wake: &Notify) -> Answer {
    let path = request.path().to_owned();
    match path.as_str() {
        "/2020-01-01/extension/register" => {
            let fault = lock(state).register_faults.pop_front();
            fault.unwrap_or_else(|| {
                Answer::ok(r#"{"functionName":"f","functionVersion":"$LATEST","handler":"run.sh"}"#)
                    .header("Lambda-Extension-Identifier", "f9c0e8a1-5b1d-4f0e-9a4e-3a4b5c6d7e8f")
            })
        }
        "/2020-01-01/extension/event/next" => Answer::silence(),
        "/2018-06-01/runtime/invocation/next" => next(state, wake).await,
        "/2018-06-01/runtime/init/error" | "/2018-06-01/runtime/restore/error" => accepted(),
        "/2018-06-01/runtime/restore/next" => Answer::ok(""),
        "/2018-06-01/ping" => Answer::ok("pong"),
        _ => posted(&path, request, state),
    }
}

async fn next(state: &Mutex<State>, wake: &Notify) -> Answer {
    loop {
        {
            let mut state = lock(state);
            if let Some(fault) = state.next_faults.pop_front() {
                return fault;
            }
            if let Some((id, invocation)) = state.waiting.pop_front() {
                if !state.waiting.is_empty() || !state.next_faults.is_empty() {
                    wake.notify_one();
                }
                let mut answer = Answer::ok(invocation.event);
                if invocation.named {
                    answer.headers.push(("Lambda-Runtime-Aws-Request-Id".into(), id.into_bytes()));
                }
                answer.headers.extend(invocation.headers);
                return answer;
            }
        }
        wake.notified().await;
    }
}

fn posted(path: &str, request: Request, state: &Mutex<State>) -> Answer {
    let ending = path
        .strip_prefix("/2018-06-01/runtime/invocation/")
        .and_then(|rest| rest.split_once('/'))
        .filter(|(_, what)| matches!(*what, "response" | "error"));
    let Some((id, what)) = ending else { return Answer::new(404) };
    let mut state = lock(state);
    let Some(open) = state.open.remove(id) else {
        return Answer::new(400)
            .body(r#"{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}"#);
    };
    let _ = open.send(Outcome { answered: what == "response", request });
    state.post_faults.pop_front().unwrap_or_else(accepted)
}

fn accepted() -> Answer {
    Answer::new(202).header("Content-Type", "application/json").body("{\"status\":\"OK\"}\n")
}
