//! Where the lines of the access log go: standard output, behind a buffer.
//!
//! A line costs a lock and a copy; a thread of its own writes ten times a second, or when 64 KiB have gathered. While output is
//! slow, who logs waits: nothing is lost, and no more than 1 MiB is held. But a reader that reads nothing must not
//! hold the gateway up: after a second in which nothing was written no one waits any more, and lines are lost until
//! output goes on. A reader that went away and a full disk lose lines too. What is lost is counted, and standard error has
//! a line on it; never from who logs, since whoever does not read the one may not read the other. At the end what is left is
//! written, if that takes no more than a moment.

use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Lines of the process's log that were not written.
static LOST: AtomicU64 = AtomicU64::new(0);

const WRITE_AT: usize = 64 << 10;
const HOLD_AT: usize = 1 << 20;
/// The longest wait for output, of who logs and at the end.
const PATIENCE: Duration = Duration::from_secs(1);

/// Lines that were lost so far.
pub(crate) fn lost() -> u64 {
    LOST.load(Ordering::Relaxed)
}

/// The default access log.
pub(crate) fn to_standard_output() -> Arc<dyn Fn(&str) + Send + Sync> {
    let owner = Owner::of(std::io::stdout(), PATIENCE, &LOST);
    Arc::new(move |line| owner.push(line))
}

#[derive(Debug)]
struct Buffered {
    lines: Mutex<Pending>,
    wake: Condvar,
    written: Condvar,
    patience: Duration,
    lost: &'static AtomicU64,
}

#[derive(Debug, Default)]
struct Pending {
    text: Vec<u8>,
    /// No one waits for output any more.
    is_stuck: bool,
    /// Lines that were lost since then.
    lost: u64,
    /// No more lines come.
    is_over: bool,
    /// All of them are written, as far as they could be.
    is_done: bool,
}

/// Writes what is left when it goes.
struct Owner(Arc<Buffered>);

impl Owner {
    fn of(out: impl Write + Send + 'static, patience: Duration, lost: &'static AtomicU64) -> Self {
        let (lines, wake, written) = (Mutex::default(), Condvar::new(), Condvar::new());
        let buffered = Arc::new(Buffered { lines, wake, written, patience, lost });
        let writer = Arc::clone(&buffered);
        let spawned =
            std::thread::Builder::new().name("access-log".to_owned()).spawn(move || writer.run(out));
        if spawned.is_err() {
            // A process that gets no thread has other troubles; it serves without a log, and counts.
            buffered.lock().is_stuck = true;
            buffered.lock().is_done = true;
        }
        Self(buffered)
    }

    fn push(&self, line: &str) {
        let buffered = &*self.0;
        let mut lines = buffered.lock();
        while lines.text.len() > HOLD_AT {
            if lines.is_stuck {
                lines.lost += 1;
                buffered.lost.fetch_add(1, Ordering::Relaxed);
                return;
            }
            let waited = buffered.written.wait_timeout(lines, buffered.patience);
            let (back, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            lines = back;
            lines.is_stuck |= timeout.timed_out();
        }
        lines.text.extend_from_slice(line.as_bytes());
        lines.text.push(b'\n');
        if lines.text.len() >= WRITE_AT {
            buffered.wake.notify_one();
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let mut lines = self.0.lock();
        lines.is_over = true;
        self.0.wake.notify_one();
        // The thread may hang in a write for ever; the process does not.
        let _ = self.0.written.wait_timeout_while(lines, self.0.patience, |lines| !lines.is_done);
    }
}

impl Buffered {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        // A poisoned lock holds whole lines: each change is one call.
        self.lines.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut out: impl Write) {
        let mut spare = Vec::new();
        let mut well = true;
        loop {
            let mut lines = self.lock();
            if lines.text.len() < WRITE_AT && !lines.is_over {
                let waited = self.wake.wait_timeout(lines, Duration::from_millis(100));
                lines = waited.unwrap_or_else(PoisonError::into_inner).0;
            }
            let is_over = lines.is_over;
            std::mem::swap(&mut lines.text, &mut spare);
            drop(lines);
            if !spare.is_empty() {
                self.write(&mut out, &spare, &mut well);
                spare.clear();
            }
            let mut lines = self.lock();
            lines.is_stuck = false;
            lines.is_done = is_over;
            let lost = std::mem::take(&mut lines.lost);
            drop(lines);
            self.written.notify_all();
            if lost > 0 {
                say(&format!("no one read the access log for a while: {lost} of its lines are lost"));
            }
            if is_over {
                return;
            }
        }
    }

    fn write(&self, out: &mut impl Write, lines: &[u8], well: &mut bool) {
        let outcome = out.write_all(lines).and_then(|()| out.flush());
        match outcome {
            Err(error) => {
                let count = memchr::memchr_iter(b'\n', lines).count() as u64;
                self.lost.fetch_add(count, Ordering::Relaxed);
                if std::mem::replace(well, false) {
                    say(&format!("the access log cannot be written: {error}; lines are lost"));
                }
            }
            Ok(()) if !std::mem::replace(well, true) => say("the access log is written again"),
            Ok(()) => {}
        }
    }
}

/// A line for the operator.
fn say(line: &str) {
    // No one to tell is no reason to end.
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind, Write};
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
    use std::time::Duration;

    use super::{HOLD_AT, Owner};

    /// Takes so many bytes with each word that it is given, and tells whom it may concern.
    struct Slow {
        words: Receiver<usize>,
        taken: Sender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
            let count = self.words.recv().map_err(|_| ErrorKind::BrokenPipe)?.min(bytes.len());
            self.taken.send(bytes[..count].to_vec()).map_err(|_| ErrorKind::BrokenPipe)?;
            Ok(count)
        }

        fn flush(&mut self) -> Result<(), Error> {
            Ok(())
        }
    }

    fn slow(patience_ms: u64, lost: &'static AtomicU64) -> (Owner, SyncSender<usize>, Receiver<Vec<u8>>) {
        let ((told, words), (taken, tells)) = (sync_channel(1), channel());
        (Owner::of(Slow { words, taken }, Duration::from_millis(patience_ms), lost), told, tells)
    }

    #[test]
    fn what_is_slow_loses_nothing() {
        static LOST: AtomicU64 = AtomicU64::new(0);
        let (owner, told, tells) = slow(60_000, &LOST);
        let line = "x".repeat(1023);
        let lines = 3 * HOLD_AT / 1024;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for _ in 0..lines {
                    owner.push(&line);
                }
            });
            let mut read = 0;
            while read < lines * 1024 {
                told.send(100_000).unwrap();
                read += tells.recv().unwrap().len();
            }
        });
        assert_eq!(LOST.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn what_is_stuck_holds_no_one_up() {
        static LOST: AtomicU64 = AtomicU64::new(0);
        let (owner, told, tells) = slow(50, &LOST);
        let line = "x".repeat(1023);
        // It takes two buffers: one is being written, the other waits.
        let lines = 4 * HOLD_AT / 1024;
        for _ in 0..lines {
            owner.push(&line);
        }
        let lost = LOST.load(Ordering::Relaxed);
        assert!(lost > 0);
        let held = (lines - lost as usize) * 1024;
        // Once it is read again, lines are whole, and none is lost.
        std::thread::scope(|scope| {
            scope.spawn(move || while told.send(1 << 20).is_ok() {});
            let mut read = Vec::new();
            while read.len() < held {
                read.extend(tells.recv().unwrap());
            }
            owner.push("after");
            while !read.ends_with(b"after\n") {
                read.extend(tells.recv().unwrap());
            }
            assert_eq!(LOST.load(Ordering::Relaxed), lost);
            drop((owner, tells));
        });
    }

    #[test]
    fn a_reader_that_is_gone_is_no_end() {
        static LOST: AtomicU64 = AtomicU64::new(0);
        let (owner, told, tells) = slow(60_000, &LOST);
        drop((told, tells));
        for _ in 0..100_000 {
            owner.push("one line");
        }
        drop(owner);
        assert_eq!(LOST.load(Ordering::Relaxed), 100_000);
    }

    #[test]
    fn the_end_waits_for_a_moment_only() {
        static LOST: AtomicU64 = AtomicU64::new(0);
        let (owner, told, tells) = slow(50, &LOST);
        owner.push("one line");
        // No one lets it write.
        drop(owner);
        drop((told, tells));
    }
}
