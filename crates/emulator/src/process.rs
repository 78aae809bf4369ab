//! Child processes: started by one thread, in a group of their own, and never left behind.
//!
//! A parent-death signal (see [`crate::exec_child`]) is sent when the *thread* that forked ends, not the process, and
//! threads of an async runtime come and go. So one thread does nothing but start children, and lives as long as the
//! emulator. Each child leads a process group; whoever drops a [`Process`] kills that group, and the [`Guardian`] does
//! where nobody of us is left.
//!
//! That a child has ended is known when it was waited for. Others may know sooner: an exit closes the sockets first. So
//! [`Process::is_dead`] looks at what an exit gives up before it closes anything, the memory: whoever saw a connection of
//! the child break because it died, and tells, tells of a child that is seen to be dead by then.
//!
//! Source: prctl(2), `PR_SET_PDEATHSIG`; setpgid(2); proc_pid_statm(5); the order of `do_exit` in Linux's `kernel/exit.c`.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use crate::guardian::Guardian;

/// Starts that may wait for the thread; more than any configuration starts at once.
const BACKLOG: usize = 1024;

struct Order {
    command: Command,
    started: oneshot::Sender<io::Result<Child>>,
}

/// The thread that starts children. Ends when the last handle is dropped.
#[derive(Debug, Clone)]
pub(crate) struct Spawner {
    orders: mpsc::SyncSender<Order>,
    guardian: Arc<Option<Guardian>>,
}

impl Spawner {
    /// Must be called within a tokio runtime, which then waits for the children. `guardian` kills what they have
    /// started when we are gone.
    pub(crate) fn start(guardian: Option<Guardian>) -> io::Result<Self> {
        let guardian = Arc::new(guardian);
        let (orders, inbox) = mpsc::sync_channel::<Order>(BACKLOG);
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new().name("lambridge-spawn".to_owned()).spawn(move || {
            let _inside = runtime.enter();
            for Order { mut command, started } in inbox {
                // Nobody waits any more: the child is dropped, which kills it.
                drop(started.send(command.spawn()));
            }
        })?;
        Ok(Self { orders, guardian })
    }

    /// Starts `command` as the leader of a new process group.
    pub(crate) async fn spawn(&self, mut command: Command) -> io::Result<(Arc<Process>, Child)> {
        command.process_group(0).kill_on_drop(true);
        let (started, child) = oneshot::channel();
        self.orders
            .try_send(Order { command, started })
            .map_err(|_| io::Error::other("no thread starts children"))?;
        let child = child.await.map_err(|_| io::Error::other("the thread that starts children ended"))??;
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        if let (Some(guardian), Some(leader)) = (&*self.guardian, leader) {
            guardian.guard(leader);
        }
        // Open from now on: it stays this child's, even when its number is given to another.
        let memory = child.id().and_then(|id| File::open(format!("/proc/{id}/statm")).ok());
        let guardian = Arc::clone(&self.guardian);
        Ok((Arc::new(Process { group: Mutex::new(leader), memory, guardian }), child))
    }
}

/// A process group of ours. Dropping it kills the group.
#[derive(Debug)]
pub(crate) struct Process {
    /// `None` once the leader was waited for: the number may then belong to another.
    group: Mutex<Option<Pid>>,
    /// The leader's sizes in pages, the whole first. `None` where there is no `/proc`.
    memory: Option<File>,
    guardian: Arc<Option<Guardian>>,
}

impl Process {
    /// Sends `signal` to the whole group, if its leader still runs.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(group) = *self.group.lock().unwrap_or_else(PoisonError::into_inner) {
            // The only failure is that the group has ended already.
            let _ = kill_process_group(group, signal);
        }
    }

    /// Whether the leader has exited, or has begun to. Takes a microsecond, and does not wait for it.
    pub(crate) fn is_dead(&self) -> bool {
        if let Some(memory) = &self.memory {
            let mut sizes = [0; 32];
            // Once it was waited for, there is no such process.
            return memory.read_at(&mut sizes, 0).map_or(true, |read| sizes[..read.min(2)] == *b"0 ");
        }
        let group = *self.group.lock().unwrap_or_else(PoisonError::into_inner);
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        group.is_none_or(|leader| !matches!(waitid(WaitId::Pid(leader), look), Ok(None)))
    }

    /// Waits for the leader, then kills what is left of the group.
    pub(crate) async fn wait(&self, mut child: Child) -> io::Result<ExitStatus> {
        let status = child.wait().await;
        self.signal(Signal::KILL);
        let ended = self.group.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let (Some(guardian), Some(leader)) = (&*self.guardian, ended) {
            guardian.release(leader);
        }
        status
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// How a process ended, in the words of the sandbox, e.g. `exit status 1` or `signal: killed`; `None` for a clean exit.
/// Source: the runtime interface emulator prints Go's `ExitError`.
pub(crate) fn ending(status: ExitStatus) -> Option<String> {
    match (status.code(), status.signal()) {
        (Some(0), _) => None,
        (Some(code), _) => Some(format!("exit status {code}")),
        (None, Some(signal)) => {
            let core = if status.core_dumped() { " (core dumped)" } else { "" };
            Some(format!("signal: {}{core}", signal_name(signal)))
        }
        (None, None) => Some("exit status unknown".to_owned()),
    }
}

/// Go's names of the signals that end processes.
fn signal_name(number: i32) -> String {
    let name = match number {
        1 => "hangup",
        2 => "interrupt",
        3 => "quit",
        4 => "illegal instruction",
        5 => "trace/breakpoint trap",
        6 => "aborted",
        7 => "bus error",
        8 => "floating point exception",
        9 => "killed",
        10 => "user defined signal 1",
        11 => "segmentation fault",
        12 => "user defined signal 2",
        13 => "broken pipe",
        14 => "alarm clock",
        15 => "terminated",
        _ => return format!("signal {number}"),
    };
    name.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(raw: i32, expect: Option<&str>) {
        assert_eq!(ending(ExitStatus::from_raw(raw)).as_deref(), expect, "{raw:#x}");
    }

    #[test]
    fn endings() {
        check(0, None);
        check(1 << 8, Some("exit status 1"));
        check(127 << 8, Some("exit status 127"));
        check(9, Some("signal: killed"));
        check(11 | 0x80, Some("signal: segmentation fault (core dumped)"));
        check(60, Some("signal: signal 60"));
    }

    #[tokio::test]
    async fn the_dead_are_seen_before_they_are_waited_for() {
        for memory in [true, false] {
            let mut command = Command::new("sleep");
            command.arg("600");
            let (process, child) = Spawner::start(None).unwrap().spawn(command).await.unwrap();
            let mut process = Arc::into_inner(process).unwrap();
            if !memory {
                process.memory = None;
            }
            assert!(!process.is_dead());
            process.signal(Signal::KILL);
            // This thread does not let go, so the runtime cannot wait for the child meanwhile.
            while !process.is_dead() {
                std::thread::yield_now();
            }
            assert_eq!(ending(process.wait(child).await.unwrap()).as_deref(), Some("signal: killed"));
            assert!(process.is_dead());
        }
    }
}
