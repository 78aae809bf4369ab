//! The way to the collector: batches, one request at a time, a few tries.
//!
//! A batch goes out when it is full, or when its oldest span has waited for the delay. What the collector asks to be sent
//! again (429, 502, 503, 504), and what did not reach it, is tried twice more after a wait; what it refuses is not.
//! A failure is one line when it begins, and one when it is over.
//!
//! Source: OTLP specification, "OTLP/HTTP Response", "Retryable Response Codes".

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, Uri};
use lambridge_invoke::{Payload, Pool, Service};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::settings::Settings;
use super::span::Recorded;
use super::{Counts, Item, span};

/// Spans in one request; each of ours has one or two. OpenTelemetry's own default.
const BATCH: usize = 512;
const TRIES: u32 = 3;
/// Before the second try; doubled before the third.
const PAUSE: Duration = Duration::from_secs(1);

/// Sends spans until no one records any more.
pub(super) struct Exporter {
    collector: Collector,
    settings: Settings,
    counts: Arc<Counts>,
}

impl Exporter {
    pub(super) fn new(settings: &Settings, pool: &Pool, counts: Arc<Counts>) -> Result<Self, String> {
        let collector = Collector::new(&settings.traces_url, settings, pool)?;
        Ok(Self { collector, settings: settings.clone(), counts })
    }

    pub(super) async fn run(mut self, mut waiting: mpsc::Receiver<Item>) {
        let mut batch: Vec<Recorded> = Vec::with_capacity(BATCH);
        let mut until = Instant::now();
        loop {
            let next = if batch.is_empty() {
                let Some(first) = waiting.recv().await else { return };
                until = Instant::now() + self.settings.delay;
                Ok(Some(first))
            } else {
                tokio::time::timeout_at(until, waiting.recv()).await
            };
            let flushed = match next {
                Ok(Some(Item::Span(recorded))) => {
                    batch.push(*recorded);
                    if batch.len() < BATCH {
                        continue;
                    }
                    None
                }
                Ok(Some(Item::Flush(done))) => Some(done),
                // No one records any more, or the oldest has waited long enough.
                Ok(None) | Err(_) => None,
            };
            self.send(&mut batch).await;
            if let Some(done) = flushed {
                // Who asked may have gone on.
                let _ = done.send(());
            }
        }
    }

    async fn send(&mut self, batch: &mut Vec<Recorded>) {
        if !batch.is_empty() {
            let body = span::request(batch, &self.settings.resource);
            let counter =
                if self.collector.send(body.into()).await { &self.counts.sent } else { &self.counts.failed };
            counter.add(batch.len() as u64);
            batch.clear();
        }
    }
}

/// One URL of the collector.
pub(super) struct Collector {
    service: Service,
    target: Uri,
    headers: HeaderMap,
    timeout: Duration,
    /// The last request went well.
    well: bool,
}

impl Collector {
    pub(super) fn new(url: &str, settings: &Settings, pool: &Pool) -> Result<Self, String> {
        // Path and query stand in the request; the connection knows scheme and host.
        let parsed: Uri = url.parse().map_err(|_| format!("`{url}` is not a URL"))?;
        let (Some(scheme), Some(authority)) = (parsed.scheme_str(), parsed.authority()) else {
            return Err(format!("`{url}` is not a URL with a host"));
        };
        let service = pool.service(&format!("{scheme}://{authority}"), None, 1);
        let service = service.map_err(|error| format!("`{url}`: {error}"))?;
        let target = parsed.path_and_query().map_or("/", |target| target.as_str());
        let target = target.parse().map_err(|_| format!("`{url}` is not a URL"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &settings.headers {
            let wrong = |_| format!("the header `{name}` cannot be sent");
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong(()))?;
            let mut value = HeaderValue::from_str(value.expose()).map_err(|_| wrong(()))?;
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
        headers.insert(HOST, service.host().clone());
        Ok(Self { service, target, headers, timeout: settings.timeout, well: true })
    }

    /// Whether the collector took it, at the latest try.
    pub(super) async fn send(&mut self, body: Bytes) -> bool {
        let mut problem = String::new();
        for attempt in 0..TRIES {
            if attempt > 0 {
                tokio::time::sleep(PAUSE * attempt).await;
            }
            match tokio::time::timeout(self.timeout, self.try_once(body.clone())).await {
                Ok(Ok(status)) if status.is_success() => {
                    if !self.well {
                        say("the collector takes telemetry again");
                    }
                    self.well = true;
                    return true;
                }
                Ok(Ok(status)) => {
                    problem = format!("it answered {status}");
                    if !matches!(status.as_u16(), 429 | 502 | 503 | 504) {
                        break;
                    }
                }
                Ok(Err(message)) => problem = message,
                Err(_elapsed) => problem = "it did not answer in time".to_owned(),
            }
        }
        if self.well {
            say(&format!("the collector takes no telemetry: {problem}"));
        }
        self.well = false;
        false
    }

    async fn try_once(&self, body: Bytes) -> Result<http::StatusCode, String> {
        let mut request = Request::new(Payload::from(body));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.target.clone();
        *request.headers_mut() = self.headers.clone();
        let answer = self.service.send(request, self.timeout).await.map_err(|error| error.to_string())?;
        let status = answer.status();
        let mut body = answer.into_body();
        // Read to its end, so that the connection can be used again; what it says is of no use.
        let mut left: usize = 64 << 10;
        while let Some(Ok(piece)) = body.next().await {
            left = left.saturating_sub(piece.len());
            if left == 0 {
                break;
            }
        }
        Ok(status)
    }
}

/// A line for the operator.
pub(super) fn say(line: &str) {
    // No one to tell is no reason to end.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
