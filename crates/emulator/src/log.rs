//! What children print: whole lines to the sink, the end of it for `X-Amz-Log-Result`.
//!
//! One pipe carries standard output and standard error of a sandbox, so that their order is kept. Lines longer than
//! [`LINE`] are cut in pieces. The last 4 KB stay in a ring; an invocation remembers how much had been written when it
//! began and takes what came since. A runtime prints before it answers, so what belongs to an invocation is in the pipe
//! when its answer arrives: [`Output::drain`] reads it then, without waiting for the reader's turn.
//!
//! Source: Invoke API reference, `LogResult`: the last 4 KB.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

use lambridge_wire::limits::LOG_TAIL;
use tokio::net::unix::pipe::Receiver;

use crate::LogSink;

/// Longest line, in bytes.
const LINE: usize = 16 * 1024;
/// Bytes a reader takes at once; a pipe holds 64 KiB.
const READ: usize = 64 * 1024;
/// Reads before the reader lets others have a turn.
const TURN: usize = 8;

/// Where a sandbox's lines go, and the last of them.
pub(crate) struct Output {
    function: String,
    instance: usize,
    sink: LogSink,
    lines: Mutex<Lines>,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("function", &self.function).field("instance", &self.instance).finish()
    }
}

#[derive(Default)]
struct Lines {
    partial: Vec<u8>,
    tail: VecDeque<u8>,
    /// Bytes that ever went into `tail`.
    total: u64,
}

impl Output {
    pub(crate) fn new(function: &str, instance: usize, sink: LogSink) -> Self {
        Self { function: function.to_owned(), instance, sink, lines: Mutex::default() }
    }

    /// One line of the emulator's own.
    pub(crate) fn say(&self, line: &str) {
        (self.sink.0)(&self.function, self.instance, line);
    }

    /// The position of what is written next, for [`Output::since`].
    pub(crate) fn mark(&self) -> u64 {
        self.lock().total
    }

    /// What was written since `mark`, at most its last 4 KB.
    pub(crate) fn since(&self, mark: u64) -> Vec<u8> {
        let lines = self.lock();
        let fresh = usize::try_from(lines.total.saturating_sub(mark)).unwrap_or(usize::MAX);
        let skip = lines.tail.len().saturating_sub(fresh);
        lines.tail.iter().skip(skip).copied().chain(lines.partial.iter().copied()).collect()
    }

    /// Reads `pipe` until every writer has gone.
    pub(crate) async fn follow(&self, pipe: Arc<Receiver>) {
        let mut buffer = vec![0; READ];
        let mut reads = 0;
        while pipe.readable().await.is_ok() {
            match pipe.try_read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => self.take(buffer.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(_) => break,
            }
            reads += 1;
            if reads % TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
        self.end();
    }

    /// Takes what is in the pipe now.
    pub(crate) fn drain(&self, pipe: &Receiver) {
        let mut buffer = vec![0; READ];
        for _ in 0..TURN {
            match rustix::io::read(pipe.as_fd(), &mut buffer[..]) {
                Ok(length) if length > 0 => self.take(buffer.get(..length).unwrap_or_default()),
                _ => break,
            }
        }
    }

    fn take(&self, mut bytes: &[u8]) {
        let mut lines = self.lock();
        while let Some(&first) = bytes.first() {
            let room = LINE - lines.partial.len().min(LINE - 1);
            let piece = bytes.get(..room).unwrap_or(bytes);
            match piece.iter().position(|&byte| byte == b'\n') {
                Some(end) => {
                    lines.partial.extend_from_slice(piece.get(..end).unwrap_or_default());
                    bytes = bytes.get(end + 1..).unwrap_or_default();
                    self.finish(&mut lines);
                }
                None => {
                    debug_assert_ne!(first, b'\n');
                    lines.partial.extend_from_slice(piece);
                    bytes = bytes.get(piece.len()..).unwrap_or_default();
                    if lines.partial.len() >= LINE {
                        self.finish(&mut lines);
                    }
                }
            }
        }
    }

    /// Gives out an unfinished last line.
    fn end(&self) {
        let mut lines = self.lock();
        if !lines.partial.is_empty() {
            self.finish(&mut lines);
        }
    }

    fn finish(&self, lines: &mut Lines) {
        let line = std::mem::take(&mut lines.partial);
        lines.total += line.len() as u64 + 1;
        lines.tail.extend(line.iter().rev().take(LOG_TAIL).rev());
        lines.tail.push_back(b'\n');
        let surplus = lines.tail.len().saturating_sub(LOG_TAIL);
        lines.tail.drain(..surplus);
        (self.sink.0)(&self.function, self.instance, &String::from_utf8_lossy(&line));
        lines.partial = line;
        lines.partial.clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Lines> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&[u8]], expect: &[&str]) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let sink = LogSink(Arc::new({
            let seen = Arc::clone(&seen);
            move |_: &str, _, line: &str| seen.lock().unwrap().push(line.to_owned())
        }));
        let output = Output::new("f", 0, sink);
        for piece in pieces {
            output.take(piece);
        }
        output.end();
        assert_eq!(*seen.lock().unwrap(), expect);
        assert!(output.since(0).len() <= LOG_TAIL);
    }

    #[test]
    fn lines() {
        check(&[b"a\nb\n"], &["a", "b"]);
        check(&[b"a", b"b\n", b"\nc"], &["ab", "", "c"]);
        check(&[b"\xff\n"], &["\u{fffd}"]);
        let long = "x".repeat(LINE);
        check(&[long.as_bytes(), b"y\n"], &[&long, "y"]);
        check(&[long.as_bytes(), long.as_bytes()], &[&long, &long]);
    }

    #[test]
    fn the_tail_starts_at_its_mark() {
        let output = Output::new("f", 0, LogSink(Arc::new(|_, _, _| {})));
        output.take(b"before\n");
        let mark = output.mark();
        output.take(b"one\ntwo\n");
        assert_eq!(output.since(mark), b"one\ntwo\n");
        output.take(&[b'x'; 3 * LOG_TAIL]);
        output.take(b"\n");
        assert_eq!(output.since(mark).len(), LOG_TAIL);
    }
}
