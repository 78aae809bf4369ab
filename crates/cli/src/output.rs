//! Standard output and standard error. A reader that goes away is no reason to end.

use std::io::{self, BufWriter, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};

/// Log lines waiting for a slow reader; more are dropped and counted, so that a stuck terminal stops no request.
const WAITING_LINES: usize = 16 * 1024;

/// Prints a line for the user.
pub fn say(line: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{line}");
    let _ = out.flush();
}

/// Prints a message about a problem.
pub fn complain(message: &str) {
    let _ = writeln!(io::stderr().lock(), "{message}");
}

/// A sink for log lines that never blocks its caller: one thread writes them to standard output, flushing when
/// no more wait.
pub fn log_lines() -> Arc<dyn Fn(&str) + Send + Sync> {
    let (sender, receiver) = sync_channel::<String>(WAITING_LINES);
    let dropped = Arc::new(AtomicU64::new(0));
    let lost = Arc::clone(&dropped);
    std::thread::spawn(move || {
        while let Ok(first) = receiver.recv() {
            let mut out = BufWriter::with_capacity(64 * 1024, io::stdout().lock());
            let _ = writeln!(out, "{first}");
            while let Ok(line) = receiver.try_recv() {
                let _ = writeln!(out, "{line}");
            }
            let lost = lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                let _ = writeln!(out, "{lost} log lines were dropped: the reader is too slow");
            }
            let _ = out.flush();
        }
    });
    Arc::new(move |line| send(&sender, &dropped, line))
}

fn send(sender: &SyncSender<String>, dropped: &AtomicU64, line: &str) {
    if sender.try_send(line.to_owned()).is_err() {
        dropped.fetch_add(1, Ordering::Relaxed);
    }
}
