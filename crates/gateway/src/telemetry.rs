//! Traces and metrics for an OpenTelemetry collector: OTLP over HTTP or gRPC, in protobuf.
//!
//! A request that is recorded gives a span of its own, and one for the call behind it. What the span says is in the record
//! anyway; at its end the record's facts go into a bounded queue, and what does not fit is counted and lost: no request
//! waits for a collector. A task of its own encodes and sends (`export`), so the cost on a request's way is two
//! random numbers and a few clones, and nothing where telemetry is off.
//!
//! Whether a request is recorded is its caller's decision where a trace came that counts, else a share of the trace ids,
//! as OpenTelemetry's `parentbased_traceidratio` has it. A recorded call is told to the function as a child of our span.
//!
//! The protobuf is written by hand (`proto`), and so is gRPC's part (`grpc`): OTLP's messages are few and settled, and the
//! libraries that have them bring an SDK and a second HTTP stack; tests read what is written with OpenTelemetry's own types,
//! and its collector takes it.
//!
//! Sources: OTLP specification 1.x; OpenTelemetry semantic conventions for HTTP, FaaS and AWS SDK spans; "SDK environment
//! variables".

mod collector;
mod export;
mod grpc;
mod proto;
mod settings;
mod sheet;
mod span;

use std::io::Write as _;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use http::request::Parts;
use lambridge_invoke::Pool;
use lambridge_model::{Model, SpanId, TraceContext, TraceId};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::metrics::Counter;
use crate::record::Facts;
use crate::trace::Trace;
use crate::{Environment, Shared};

use collector::Collector;
use export::Exporter;
use settings::Settings;
pub(crate) use span::{Recorded, Recording};

/// Finished requests that wait to be sent. OpenTelemetry's own default.
const QUEUE: usize = 2048;

/// The longest wait for the collector at the end.
const FLUSH: Duration = Duration::from_secs(3);

/// Where recorded requests go. What sends them and the metrics ends when the last handle is gone, or is told to; it sends
/// what is left.
#[derive(Debug)]
pub(crate) struct Telemetry {
    settings: Settings,
    /// `None` where no spans are sent.
    queue: Option<mpsc::Sender<Box<Recorded>>>,
    counts: Arc<Counts>,
    ending: watch::Sender<bool>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// Whether the gateway ends, as those who send are told.
#[derive(Debug, Clone)]
struct Ending(watch::Receiver<bool>);

impl Ending {
    /// Returns when it ends.
    async fn come(&mut self) {
        // Who would tell being gone is an end, too.
        let _ = self.0.wait_for(|is_ending| *is_ending).await;
    }

    /// Waits for so long, or until it ends; whether it does.
    async fn comes_within(&mut self, time: Duration) -> bool {
        tokio::time::timeout(time, self.come()).await.is_ok()
    }
}

/// What became of spans and requests to the collector.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) sent: Counter,
    /// The queue was full.
    pub(crate) dropped: Counter,
    /// The collector did not take them.
    pub(crate) failed: Counter,
}

impl Telemetry {
    /// Telemetry as `model` and the environment want it: none, `earlier` if nothing changed, or a new one. Only told of
    /// trouble by a line: a gateway without telemetry serves.
    pub(crate) fn of(
        model: &Model,
        env: &Environment,
        pool: &Pool,
        earlier: Option<&Arc<Self>>,
    ) -> Option<Arc<Self>> {
        LazyLock::force(&sheet::STARTED);
        let settings = match Settings::of(model.telemetry.as_ref(), &**env) {
            Ok(settings) => settings?,
            Err(problem) => {
                say(&format!("no telemetry: {problem}"));
                return None;
            }
        };
        if let Some(earlier) = earlier.filter(|earlier| earlier.settings == settings) {
            return Some(Arc::clone(earlier));
        }
        let mut telemetry = Self {
            settings,
            queue: None,
            counts: Arc::default(),
            ending: watch::Sender::new(false),
            tasks: Mutex::default(),
        };
        if let Some(destination) = &telemetry.settings.traces {
            let (settings, counts) = (&telemetry.settings, Arc::clone(&telemetry.counts));
            match Exporter::new(destination, settings, pool, counts, telemetry.ending()) {
                Ok(exporter) => {
                    let (queue, waiting) = mpsc::channel(QUEUE);
                    telemetry.spawn(exporter.run(waiting));
                    telemetry.queue = Some(queue);
                }
                Err(problem) => say(&format!("no traces for the collector: {problem}")),
            }
        }
        Some(Arc::new(telemetry))
    }

    fn ending(&self) -> Ending {
        Ending(self.ending.subscribe())
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(tokio::spawn(task));
    }

    /// Begins to record a request, if it is to be: its facts get the spans, and the trace that the function is told.
    pub(crate) fn begin(
        self: &Arc<Self>,
        head: &Parts,
        tls: bool,
        facts: &mut Facts,
        draw: impl Fn() -> u64,
    ) {
        if self.queue.is_none() {
            return;
        }
        let known = facts.trace.context;
        let context = known.unwrap_or_else(|| TraceContext {
            trace: TraceId::begin(facts.time_ms / 1000, draw(), draw()),
            parent: None,
            sampled: None,
        });
        if !context.sampled.unwrap_or_else(|| self.settings.is_sampled(context.trace)) {
            return;
        }
        let context = TraceContext { sampled: Some(true), ..context };
        let (server, call) = (SpanId::new(draw()), SpanId::new(draw()));
        let told = context.within(call);
        facts.trace = Trace {
            context: Some(context),
            xray: Some(with_the_rest(told.xray(), facts.trace.xray.as_deref())),
            parent: Some(told.traceparent(call)),
            is_new: facts.trace.is_new || known.is_none(),
        };
        facts.recording = Some(Box::new(Recording::new(Arc::clone(self), context, server, call, head, tls)));
    }

    /// Hands a finished request over, if there is room.
    pub(crate) fn end(&self, recorded: Box<Recorded>) {
        if self.queue.as_ref().is_some_and(|queue| queue.try_send(recorded).is_err()) {
            self.counts.dropped.add(1);
        }
    }

    /// Has the spans that wait and the last metrics sent at once, for a moment: the gateway ends.
    pub(crate) async fn flush(&self) {
        self.ending.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        let sent = async {
            for task in tasks {
                let _ = task.await;
            }
        };
        // A collector that is slow does not keep the process.
        let _ = tokio::time::timeout(FLUSH, sent).await;
    }

    pub(crate) fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Sends what the gateway has counted, now and then, as long as this is the telemetry in use.
    pub(crate) fn report(&self, shared: &Arc<Shared>, pool: &Pool) {
        let Some(destination) = &self.settings.metrics else { return };
        match Collector::new("metrics", destination, pool, self.ending()) {
            Ok(collector) => {
                let (interval, resource) = (self.settings.interval, self.settings.resource.clone());
                self.spawn(sheet::report(
                    Arc::downgrade(shared),
                    collector,
                    self.ending(),
                    interval,
                    resource,
                ));
            }
            Err(problem) => say(&format!("no metrics for the collector: {problem}")),
        }
    }
}

/// A line for the operator.
fn say(line: &str) {
    // No one to tell is no reason to end.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

/// `X-Amzn-Trace-Id` of ours, with what theirs says beside the trace (`Lineage`, by which Lambda finds loops).
fn with_the_rest(ours: String, theirs: Option<&str>) -> String {
    let known = ["Root=", "Parent=", "Sampled="];
    let rest = theirs.into_iter().flat_map(|theirs| theirs.split(';')).map(str::trim);
    let rest = rest.filter(|field| !field.is_empty() && !known.iter().any(|name| field.starts_with(name)));
    rest.fold(ours, |ours, field| ours + ";" + field)
}

#[cfg(test)]
mod tests {
    use super::with_the_rest;

    #[test]
    fn what_stands_beside_the_trace_stays() {
        let check = |theirs: Option<&str>, expect: &str| {
            assert_eq!(with_the_rest("Root=1;Sampled=1".to_owned(), theirs), expect);
        };
        check(None, "Root=1;Sampled=1");
        check(Some("Root=2;Parent=3;Sampled=0"), "Root=1;Sampled=1");
        check(Some("Root=2; Lineage=a:1;Self=x"), "Root=1;Sampled=1;Lineage=a:1;Self=x");
    }
}
