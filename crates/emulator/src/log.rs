//! What children print: whole lines to the sink, the end of it for `X-Amz-Log-Result`.
//!
//! One pipe carries standard output and standard error of a sandbox's runtime, so that their order is kept, and another
//! those of its extensions, so that telemetry can tell them apart. Lines longer than [`LINE`] are cut in pieces. The last 4 KB stay in a ring; an invocation remembers how much had been written when it
//! began and takes what came since. A runtime prints before it answers, so what belongs to an invocation is in the pipe
//! when its answer arrives: [`Output::drain`] reads it then, without waiting for the reader's turn.
//!
//! Source: Invoke API reference, `LogResult`: the last 4 KB.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, PoisonError};

use lambridge_wire::limits::LOG_TAIL;
use lambridge_wire::telemetry::Kind;
use tokio::net::unix::pipe::Receiver;

use crate::LogSink;
use crate::telemetry::Telemetry;

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
    telemetry: Arc<Telemetry>,
    lines: Mutex<Lines>,
}

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Output").field("function", &self.function).field("instance", &self.instance).finish()
    }
}

#[derive(Default)]
struct Lines {
    /// Of the runtime, and of the extensions.
    partial: [Vec<u8>; 2],
    tail: VecDeque<u8>,
    /// Bytes that ever went into `tail`.
    total: u64,
}

impl Output {
    pub(crate) fn new(function: &str, instance: usize, sink: LogSink, telemetry: Arc<Telemetry>) -> Self {
        Self { function: function.to_owned(), instance, sink, telemetry, lines: Mutex::default() }
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
        lines.tail.iter().skip(skip).chain(lines.partial.iter().flatten()).copied().collect()
    }

    /// Reads `pipe` until every writer has gone.
    pub(crate) async fn follow(&self, kind: Kind, pipe: Arc<Receiver>) {
        let mut buffer = vec![0; READ];
        let mut reads = 0;
        while pipe.readable().await.is_ok() {
            match pipe.try_read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => self.take(kind, buffer.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(_) => break,
            }
            reads += 1;
            if reads % TURN == 0 {
                tokio::task::yield_now().await;
            }
        }
        self.end(kind);
    }

    /// Takes what is in the pipe now.
    pub(crate) fn drain(&self, kind: Kind, pipe: &Receiver) {
        let mut buffer = vec![0; READ];
        for _ in 0..TURN {
            match rustix::io::read(pipe.as_fd(), &mut buffer[..]) {
                Ok(length) if length > 0 => self.take(kind, buffer.get(..length).unwrap_or_default()),
                _ => break,
            }
        }
    }

    fn take(&self, kind: Kind, mut bytes: &[u8]) {
        let mut lines = self.lock();
        let lines = &mut *lines;
        let own = usize::from(kind == Kind::Extension);
        while let Some(&first) = bytes.first() {
            let room = LINE - lines.partial[own].len().min(LINE - 1);
            let piece = bytes.get(..room).unwrap_or(bytes);
            match piece.iter().position(|&byte| byte == b'\n') {
                Some(end) => {
                    lines.partial[own].extend_from_slice(piece.get(..end).unwrap_or_default());
                    bytes = bytes.get(end + 1..).unwrap_or_default();
                    self.finish(kind, lines);
                }
                None => {
                    debug_assert_ne!(first, b'\n');
                    lines.partial[own].extend_from_slice(piece);
                    bytes = bytes.get(piece.len()..).unwrap_or_default();
                    if lines.partial[own].len() >= LINE {
                        self.finish(kind, lines);
                    }
                }
            }
        }
    }

    /// Gives out an unfinished last line.
    fn end(&self, kind: Kind) {
        let mut lines = self.lock();
        if !lines.partial[usize::from(kind == Kind::Extension)].is_empty() {
            self.finish(kind, &mut lines);
        }
    }

    fn finish(&self, kind: Kind, lines: &mut Lines) {
        let own = usize::from(kind == Kind::Extension);
        let mut line = std::mem::take(&mut lines.partial[own]);
        lines.total += line.len() as u64 + 1;
        lines.tail.extend(line.iter().rev().take(LOG_TAIL).rev());
        lines.tail.push_back(b'\n');
        let surplus = lines.tail.len().saturating_sub(LOG_TAIL);
        lines.tail.drain(..surplus);
        let text = String::from_utf8_lossy(&line);
        (self.sink.0)(&self.function, self.instance, &text);
        self.telemetry.line(kind, &text);
        drop(text);
        line.clear();
        lines.partial[own] = line;
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
        let output = Output::new("f", 0, sink, Arc::new(Telemetry::new(false)));
        for piece in pieces {
            output.take(Kind::Function, piece);
        }
        output.end(Kind::Function);
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
        let telemetry = Arc::new(Telemetry::new(false));
        let output = Output::new("f", 0, LogSink(Arc::new(|_, _, _| {})), telemetry);
        output.take(Kind::Function, b"before\n");
        let mark = output.mark();
        output.take(Kind::Function, b"one\ntw");
        output.take(Kind::Extension, b"other\n");
        output.take(Kind::Function, b"o\n");
        assert_eq!(output.since(mark), b"one\nother\ntwo\n");
        output.take(Kind::Function, &[b'x'; 3 * LOG_TAIL]);
        output.take(Kind::Function, b"\n");
        assert_eq!(output.since(mark).len(), LOG_TAIL);
    }
}
