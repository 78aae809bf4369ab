//! Batches of spans.
//!
//! A batch goes out when it is full, or when its oldest request has waited for the delay; what waits goes out at the
//! gateway's end. One that would be larger than collectors take is halved.

use std::sync::Arc;

use lambridge_invoke::Pool;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::collector::Collector;
use super::settings::{Destination, Settings};
use super::span::{self, Recorded};
use super::{Counts, Ending};

/// Requests in one message; each of ours has one or two spans. OpenTelemetry's own default.
const BATCH: usize = 512;

/// What servers of gRPC take at most, unless they are told otherwise. OTLP specification, "OTLP/gRPC Request".
const LARGEST: usize = 4 << 20;

/// Sends spans until the gateway ends, or no one records any more.
pub(super) struct Exporter {
    collector: Collector,
    settings: Settings,
    counts: Arc<Counts>,
    ending: Ending,
}

impl Exporter {
    pub(super) fn new(
        destination: &Destination,
        settings: &Settings,
        pool: &Pool,
        counts: Arc<Counts>,
        ending: Ending,
    ) -> Result<Self, String> {
        let collector = Collector::new("traces", destination, pool, ending.clone())?;
        Ok(Self { collector, settings: settings.clone(), counts, ending })
    }

    pub(super) async fn run(mut self, mut waiting: mpsc::Receiver<Box<Recorded>>) {
        let mut ending = self.ending.clone();
        let mut batch: Vec<Recorded> = Vec::with_capacity(BATCH);
        let mut until = Instant::now();
        loop {
            tokio::select! {
                next = waiting.recv() => {
                    let Some(recorded) = next else {
                        return self.send(&batch).await;
                    };
                    if batch.is_empty() {
                        until = Instant::now() + self.settings.delay;
                    }
                    batch.push(*recorded);
                    if batch.len() < BATCH {
                        continue;
                    }
                }
                () = tokio::time::sleep_until(until), if !batch.is_empty() => {}
                () = ending.come(), if !waiting.is_closed() => {
                    // What is in there still comes out.
                    waiting.close();
                    continue;
                }
            }
            self.send(&batch).await;
            batch.clear();
        }
    }

    async fn send(&mut self, batch: &[Recorded]) {
        let mut waiting = vec![batch];
        while let Some(batch) = waiting.pop().filter(|batch| !batch.is_empty()) {
            let message = span::request(batch, &self.settings.resource);
            if message.len() > LARGEST && batch.len() > 1 {
                let (first, second) = batch.split_at(batch.len() / 2);
                waiting.extend([second, first]);
                continue;
            }
            let whole = batch.len() as u64;
            // Of a request whose span was thrown away, the other may have been too.
            let failed = self.collector.send(message).await.map_or(whole, |rejected| rejected.min(whole));
            self.counts.failed.add(failed);
            self.counts.sent.add(whole - failed);
        }
    }
}
