//! Telemetry of a sandbox: what happens in it, for the extensions that asked to hear of it.
//!
//! Each event is written once, as JSON, and given to the queue of every subscriber that wants its kind; a queue has a task
//! that delivers. Subscriptions come during init, when some has happened already, so events are kept until init is over,
//! and a subscriber gets those first. Afterwards a sandbox without subscribers keeps nothing and writes nothing.
//!
//! Source: Lambda developer guide, "Accessing real-time telemetry data for extensions using the Telemetry API".

mod delivery;
mod queue;
pub(crate) mod record;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use lambridge_wire::telemetry::{Kind, Subscription};
use serde_json::Value;

pub(crate) use self::delivery::deliver;
pub(crate) use self::queue::Queue;

/// Events of the init phase that are kept, and their bytes.
const EARLY: usize = 1000;
/// See [`EARLY`].
const EARLY_BYTES: usize = 256 * 1024;

/// See the module.
#[derive(Debug)]
pub(crate) struct Telemetry {
    /// Whether lines of output are JSON.
    json: bool,
    /// Whether an event would reach anybody.
    wanted: AtomicBool,
    hub: Mutex<Hub>,
}

#[derive(Debug)]
struct Hub {
    /// `None` once init is over.
    early: Option<Early>,
    subscribers: Vec<(Vec<Kind>, Arc<Queue>)>,
}

#[derive(Debug, Default)]
struct Early {
    events: Vec<(Kind, Bytes)>,
    bytes: usize,
}

impl Telemetry {
    /// `json`: lines of output that are JSON are given as such.
    pub(crate) fn new(json: bool) -> Self {
        let hub = Hub { early: Some(Early::default()), subscribers: Vec::new() };
        Self { json, wanted: AtomicBool::new(true), hub: Mutex::new(hub) }
    }

    /// Tells of an event; `record` is made only if somebody wants it.
    pub(crate) fn publish(&self, kind: Kind, name: &str, record: impl FnOnce() -> Value) {
        if !self.wanted.load(Ordering::Relaxed) {
            return;
        }
        let event = Bytes::from(event(name, &record()));
        let mut hub = self.hub();
        if let Some(early) = &mut hub.early
            && early.events.len() < EARLY
            && early.bytes + event.len() <= EARLY_BYTES
        {
            early.bytes += event.len();
            early.events.push((kind, event.clone()));
        }
        for (_, queue) in hub.subscribers.iter().filter(|(kinds, _)| kinds.contains(&kind)) {
            queue.push(event.clone());
        }
    }

    /// A line that a process printed.
    pub(crate) fn line(&self, kind: Kind, line: &str) {
        let name = if kind == Kind::Extension { "extension" } else { "function" };
        self.publish(kind, name, || record::line(line, self.json));
    }

    /// Adds a subscriber, who gets what has happened so far. `None`: init is over.
    pub(crate) fn subscribe(&self, subscription: &Subscription) -> Option<Arc<Queue>> {
        let mut hub = self.hub();
        let early = hub.early.as_ref()?;
        let queue = Arc::new(Queue::new(subscription.buffering));
        for (_, event) in early.events.iter().filter(|(kind, _)| subscription.kinds.contains(kind)) {
            queue.push(event.clone());
        }
        hub.subscribers.push((subscription.kinds.clone(), Arc::clone(&queue)));
        Some(queue)
    }

    /// Init is over: nobody can subscribe any more.
    pub(crate) fn settle(&self) {
        let mut hub = self.hub();
        self.wanted.store(!hub.subscribers.is_empty(), Ordering::Relaxed);
        hub.early = None;
    }

    /// Delivers what has gathered: the sandbox is about to end.
    pub(crate) fn flush(&self) {
        self.hub().subscribers.iter().for_each(|(_, queue)| queue.flush());
    }

    fn hub(&self) -> MutexGuard<'_, Hub> {
        self.hub.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `{"time":…,"type":…,"record":…}`.
fn event(name: &str, record: &Value) -> String {
    let time = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ");
    format!(r#"{{"time":"{time}","type":"{name}","record":{record}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_subscribes_in_time_hears_it_all() {
        let telemetry = Telemetry::new(false);
        telemetry.line(Kind::Function, "before");
        telemetry.publish(Kind::Platform, "platform.start", || Value::Null);
        let body = br#"{"types":["function"],"destination":{"protocol":"TCP","port":9}}"#;
        let subscription = Subscription::parse(body).unwrap();
        let queue = telemetry.subscribe(&subscription).unwrap();
        telemetry.line(Kind::Function, "after");
        telemetry.line(Kind::Extension, "other");
        telemetry.settle();
        assert!(telemetry.subscribe(&subscription).is_none());
        telemetry.line(Kind::Function, "late");
        let records: Vec<Value> = queue
            .take()
            .iter()
            .map(|event| serde_json::from_slice::<Value>(event).unwrap()["record"].clone())
            .collect();
        assert_eq!(records, ["before", "after", "late"]);
    }

    #[test]
    fn without_subscribers_nothing_is_written() {
        let telemetry = Telemetry::new(false);
        telemetry.settle();
        telemetry.publish(Kind::Platform, "platform.start", || panic!("it is written"));
    }
}
