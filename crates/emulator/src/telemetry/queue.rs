//! Events on their way to one subscriber: gathered up to a count, a size or an age, bounded by what fits.
//!
//! A subscriber that does not keep up loses the newest, not the emulator its memory; how much was lost is an event of its
//! own, `platform.logsDropped`, at the head of the next delivery.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use lambridge_wire::telemetry::Buffering;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::{event, record};

/// Deliveries that may wait.
const ROOM: usize = 4;

/// See the module.
#[derive(Debug)]
pub(crate) struct Queue {
    buffering: Buffering,
    buffer: Mutex<Buffer>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct Buffer {
    events: VecDeque<Bytes>,
    bytes: usize,
    /// When the oldest must go.
    due: Option<Instant>,
    lost: Lost,
}

/// Events that never arrived.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lost {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

impl Queue {
    pub(super) fn new(buffering: Buffering) -> Self {
        Self { buffering, buffer: Mutex::default(), changed: Notify::new() }
    }

    /// Adds an event, or counts it as lost.
    pub(super) fn push(&self, event: Bytes) {
        let mut buffer = self.buffer();
        if buffer.events.len() >= ROOM * self.buffering.max_items
            || buffer.bytes + event.len() > ROOM * self.buffering.max_bytes
        {
            buffer.lost.records += 1;
            buffer.lost.bytes += event.len();
            return;
        }
        buffer.bytes += event.len();
        buffer.events.push_back(event);
        let age = Duration::from_millis(self.buffering.timeout_ms);
        buffer.due.get_or_insert_with(|| Instant::now() + age);
        drop(buffer);
        self.changed.notify_one();
    }

    /// What has gathered goes out now.
    pub(super) fn flush(&self) {
        self.buffer().due = Some(Instant::now());
        self.changed.notify_one();
    }

    /// Events that did not arrive.
    pub(super) fn lose(&self, events: &[Bytes]) {
        let mut buffer = self.buffer();
        buffer.lost.records += events.len();
        buffer.lost.bytes += events.iter().map(Bytes::len).sum::<usize>();
    }

    /// Waits until a delivery is due.
    pub(super) async fn next(&self) -> Vec<Bytes> {
        loop {
            let due = {
                let buffer = self.buffer();
                let full = buffer.events.len() >= self.buffering.max_items
                    || buffer.bytes >= self.buffering.max_bytes;
                if full { Some(Instant::now()) } else { buffer.due }
            };
            match due {
                Some(due) if due <= Instant::now() => {
                    let events = self.take();
                    if !events.is_empty() {
                        return events;
                    }
                }
                Some(due) => {
                    // Whichever is first; what it means is looked up above.
                    drop(tokio::time::timeout_at(due, self.changed.notified()).await);
                }
                None => self.changed.notified().await,
            }
        }
    }

    /// One delivery, as far as it fits.
    pub(super) fn take(&self) -> Vec<Bytes> {
        let mut buffer = self.buffer();
        let mut events = Vec::new();
        let lost = std::mem::take(&mut buffer.lost);
        if lost != Lost::default() {
            events.push(Bytes::from(event(
                "platform.logsDropped",
                &record::logs_dropped(lost.records, lost.bytes),
            )));
        }
        let mut bytes = 0;
        while let Some(first) = buffer.events.front()
            && events.len() < self.buffering.max_items
            && (bytes == 0 || bytes + first.len() <= self.buffering.max_bytes)
        {
            bytes += first.len();
            events.extend(buffer.events.pop_front());
        }
        buffer.bytes -= bytes;
        // What is left stays due when its oldest was.
        buffer.due = buffer.due.filter(|_| !buffer.events.is_empty());
        events
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(timeout_ms: u64) -> Queue {
        Queue::new(Buffering { max_items: 3, max_bytes: 10, timeout_ms })
    }

    fn text(events: &[Bytes]) -> Vec<&str> {
        events.iter().map(|event| std::str::from_utf8(event).unwrap()).collect()
    }

    /// In an hour nothing is due by its age.
    const HOUR: u64 = 3_600_000;

    #[tokio::test]
    async fn due_by_count_by_size_by_age_and_at_the_end() {
        let queue = queue(HOUR);
        ["1", "2", "3", "4"].iter().for_each(|event| queue.push(Bytes::from(*event)));
        assert_eq!(text(&queue.next().await), ["1", "2", "3"]);
        queue.push(Bytes::from("123456789"));
        assert_eq!(text(&queue.next().await), ["4", "123456789"]);
        queue.push(Bytes::from("5"));
        queue.flush();
        assert_eq!(text(&queue.next().await), ["5"]);
        // With nothing there, flushing is nothing to deliver.
        queue.flush();
        queue.push(Bytes::from("6"));
        assert_eq!(text(&queue.next().await), ["6"]);

        let queue = self::queue(1);
        queue.push(Bytes::from("7"));
        assert_eq!(text(&queue.next().await), ["7"]);
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let queue = queue(HOUR);
        for _ in 0..13 {
            queue.push(Bytes::from("x"));
        }
        queue.lose(&[Bytes::from("ab")]);
        let events = queue.take();
        let first: serde_json::Value = serde_json::from_slice(&events[0]).unwrap();
        assert_eq!(first["type"], "platform.logsDropped");
        assert_eq!(
            (&first["record"]["droppedRecords"], &first["record"]["droppedBytes"]),
            (&2.into(), &3.into())
        );
        assert_eq!(text(&events[1..]), ["x", "x"]);
    }
}
