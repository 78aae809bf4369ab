//! What a sandbox knows: who polls, who was given what, what is unanswered. No waiting, no sockets.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use lambridge_wire::extensions::{Event, EventType, Tracing};
use lambridge_wire::runtime::{ErrorReport, Invocation};
use tokio::sync::oneshot;

use crate::context::Context;
use crate::stream::Sink;

/// Late answers that are still known as such.
const EXPIRED: usize = 64;

/// An invocation on its way to the runtime.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// The head of the answer to `/next`.
    pub(crate) head: Invocation,
    pub(crate) event: Bytes,
    /// For an answer that is streamed.
    pub(crate) sink: Option<Sink>,
}

/// How an invocation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) payload: Bytes,
    /// `X-Amz-Function-Error` is to be set.
    pub(crate) failed: bool,
}

impl Outcome {
    /// A failure in the platform's words: `RequestId: <id> Error: <message>`.
    pub(crate) fn platform(request_id: &str, error_type: &str, message: &str) -> Self {
        let report = ErrorReport::new(error_type, format!("RequestId: {request_id} Error: {message}"));
        Self { payload: platform_json(&report), failed: true }
    }
}

/// Type first, as the platform's own errors were recorded; those of runtimes have the message first.
fn platform_json(report: &ErrorReport) -> Bytes {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let (kind, message) = (quoted(&report.error_type), quoted(&report.error_message));
    format!("{{\"errorType\":{kind},\"errorMessage\":{message}}}").into()
}

/// A process that polls.
#[derive(Debug)]
pub(crate) struct Side<T> {
    waiting: VecDeque<oneshot::Sender<T>>,
    inbox: VecDeque<T>,
    /// It has polled at least once.
    pub(crate) polled: bool,
}

impl<T> Default for Side<T> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), inbox: VecDeque::new(), polled: false }
    }
}

impl<T> Side<T> {
    /// Gives `item` to a poll that still waits, or keeps it for the next.
    fn give(&mut self, mut item: T) {
        while let Some(poll) = self.waiting.pop_front() {
            match poll.send(item) {
                Ok(()) => return,
                Err(back) => item = back,
            }
        }
        self.inbox.push_back(item);
    }

    /// A poll: what there is, now or later.
    pub(crate) fn poll(&mut self) -> oneshot::Receiver<T> {
        self.polled = true;
        let (give, take) = oneshot::channel();
        match self.inbox.pop_front() {
            Some(item) => {
                if let Err(back) = give.send(item) {
                    self.inbox.push_front(back);
                }
            }
            None => {
                self.waiting.retain(|poll| !poll.is_closed());
                self.waiting.push_back(give);
            }
        }
        take
    }

    /// Whether a poll waits, so that all that was given has been dealt with.
    fn idle(&self) -> bool {
        self.inbox.is_empty() && self.waiting.iter().any(|poll| !poll.is_closed())
    }
}

/// An extension that registered.
#[derive(Debug)]
pub(crate) struct Registered {
    pub(crate) identifier: String,
    pub(crate) name: String,
    pub(crate) events: Vec<EventType>,
    pub(crate) side: Side<Event>,
    /// It reported its end.
    pub(crate) exited: bool,
}

impl Registered {
    fn listens(&self, kind: EventType) -> bool {
        !self.exited && self.events.contains(&kind)
    }

    /// Nothing to wait for: it polls, or it asked for no event at all.
    fn idle(&self) -> bool {
        self.exited || self.events.is_empty() || self.side.idle()
    }
}

#[derive(Debug)]
struct Open {
    outcome: oneshot::Sender<Outcome>,
    /// `Lambda-Runtime-Invocation-Id` of this delivery.
    delivery: Option<String>,
    sink: Option<Sink>,
}

/// Why an answer is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unanswerable {
    /// No such invocation.
    Unknown,
    /// It timed out, or was delivered again since.
    Late,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct State {
    /// More than one invocation at once.
    managed: bool,
    /// The external extensions that are started, and must register before init can end.
    pub(crate) external: Vec<String>,
    pub(crate) runtime: Side<Arc<Delivery>>,
    pub(crate) extensions: Vec<Registered>,
    open: HashMap<String, Open>,
    expired: VecDeque<String>,
    /// Init ended well.
    initialized: bool,
    /// The sandbox failed; the payload that says so.
    pub(crate) failure: Option<Bytes>,
    /// It is to take no more work.
    pub(crate) ending: bool,
    /// How the runtime's exit reads, once it has exited.
    pub(crate) exit: Option<(&'static str, String)>,
    pub(crate) runtime_gone: bool,
    /// External extensions whose processes have not ended.
    pub(crate) extensions_running: usize,
}

impl State {
    pub(crate) fn new(context: &Context) -> Self {
        Self {
            managed: context.run.concurrency > 1,
            external: Vec::new(),
            runtime: Side::default(),
            extensions: Vec::new(),
            open: HashMap::new(),
            expired: VecDeque::new(),
            initialized: false,
            failure: None,
            ending: false,
            exit: None,
            // Nothing was started yet; starting says otherwise.
            runtime_gone: true,
            extensions_running: 0,
        }
    }

    pub(crate) fn is_external(&self, name: &str) -> bool {
        self.external.iter().any(|external| external == name)
    }

    pub(crate) fn is_managed(&self) -> bool {
        self.managed
    }

    /// Looks at all who must have polled for init to end.
    pub(crate) fn is_ready(&mut self) -> bool {
        if !self.initialized {
            let registered = self.external.iter().all(|name| self.extensions.iter().any(|e| e.name == *name));
            self.initialized = registered
                && self.runtime.polled
                && self.extensions.iter().all(|extension| {
                    extension.exited || extension.events.is_empty() || extension.side.polled
                });
        }
        self.initialized && self.failure.is_none() && !self.ending
    }

    pub(crate) fn is_initialized(&self) -> bool {
        self.initialized
    }

    /// Whether no process is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.runtime_gone && self.extensions_running == 0
    }

    /// Whether no invocation can be given or answered any more.
    pub(crate) fn ended(&self) -> bool {
        self.ending || self.failure.is_some() || self.exit.is_some()
    }

    /// Whether runtime and extensions have come back from the last invocation.
    pub(crate) fn is_settled(&self) -> bool {
        let notified = |e: &&Registered| e.events.contains(&EventType::Invoke);
        self.managed || self.runtime.idle() && self.extensions.iter().filter(notified).all(Registered::idle)
    }

    /// Whether the runtime was given an invocation that it has not answered.
    pub(crate) fn is_running(&self) -> bool {
        !self.open.is_empty() && self.runtime.inbox.is_empty()
    }

    pub(crate) fn dispatch(&mut self, delivery: Arc<Delivery>) -> oneshot::Receiver<Outcome> {
        let (outcome, receiver) = oneshot::channel();
        if self.ended() {
            return receiver;
        }
        let head = &delivery.head;
        self.open.insert(
            head.request_id.clone(),
            Open { outcome, delivery: head.invocation_id.clone(), sink: delivery.sink.clone() },
        );
        self.notify(EventType::Invoke, &|| Event::Invoke {
            deadline_ms: head.deadline_ms.unwrap_or_default(),
            request_id: head.request_id.clone(),
            invoked_function_arn: head.function_arn.clone().unwrap_or_default(),
            tracing: Tracing::new(head.trace_id.clone().unwrap_or_default()),
        });
        self.runtime.give(delivery);
        receiver
    }

    /// Tells the extensions that asked for `kind`.
    pub(crate) fn notify(&mut self, kind: EventType, event: &dyn Fn() -> Event) {
        for extension in self.extensions.iter_mut().filter(|e| e.listens(kind)) {
            extension.side.give(event());
        }
    }

    /// Whether the extension `name` asked for `kind`.
    pub(crate) fn listens(&self, name: &str, kind: EventType) -> bool {
        self.extensions.iter().any(|extension| extension.name == name && extension.listens(kind))
    }

    /// Whether `id` waits for an answer, and this is the delivery it waits for.
    pub(crate) fn check(&self, id: &str, delivery: Option<&str>) -> Result<(), Unanswerable> {
        match self.open.get(id) {
            Some(open) if delivery.is_none_or(|echoed| Some(echoed) == open.delivery.as_deref()) => Ok(()),
            Some(_) => Err(Unanswerable::Late),
            None if self.expired.iter().any(|expired| expired == id) => Err(Unanswerable::Late),
            None => Err(Unanswerable::Unknown),
        }
    }

    /// Where a streamed answer to `id` goes, if its caller wants it so. Given once.
    pub(crate) fn take_sink(&mut self, id: &str) -> Option<Sink> {
        self.open.get_mut(id)?.sink.take()
    }

    /// Ends the invocation `id`; whoever waited may have gone.
    pub(crate) fn answer(&mut self, id: &str, outcome: Outcome) {
        if let Some(open) = self.open.remove(id) {
            drop(open.outcome.send(outcome));
        }
    }

    /// The invocation `id` timed out: its answer will be refused.
    pub(crate) fn expire(&mut self, id: &str) {
        if self.open.remove(id).is_some() {
            if self.expired.len() == EXPIRED {
                self.expired.pop_front();
            }
            self.expired.push_back(id.to_owned());
        }
    }

    /// Remembers a failure; the first one counts.
    pub(crate) fn fail(&mut self, report: Bytes) {
        self.failure.get_or_insert(report);
        self.drop_open();
    }

    /// Whoever waits for an outcome learns that there will be none.
    pub(crate) fn drop_open(&mut self) {
        self.open.clear();
    }
}
