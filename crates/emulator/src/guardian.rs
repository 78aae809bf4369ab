//! The process that outlives a killed emulator, by a moment: it ends what the emulator can no longer end.
//!
//! A child that was started through [`crate::exec_child`] dies with us, but what that child has started does not: a
//! parent-death signal goes to one process. So a process of ours waits at a pipe whose other end only we hold, and is told
//! each process group that begins and ends. When we end, however we do, the pipe ends too, and every group that is still
//! on the list is killed. It has a group of its own: what a terminal sends to ours does not reach it first.
//!
//! Whoever leaves its group (setsid) is out of reach, as it is when a sandbox ends.
//!
//! Source: pipe(7); kill(2), of which a negative number means a group.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, PipeWriter, Read, Write};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::Command;

/// Our end of the pipe.
#[derive(Debug)]
pub(crate) struct Guardian(PipeWriter);

impl Guardian {
    /// Starts it by `words`. Must be called within a tokio runtime, which reaps it.
    pub(crate) fn start(words: &[OsString]) -> io::Result<Option<Self>> {
        let Some((program, arguments)) = words.split_first() else { return Ok(None) };
        let (theirs, ours) = io::pipe()?;
        // Whoever starts a child must not wait for a guardian that was stopped. What it is not told is not guarded.
        rustix::io::ioctl_fionbio(&ours, true)?;
        let mut command = Command::new(program);
        command.args(arguments).env_clear().stdin(theirs).stdout(Stdio::null()).stderr(Stdio::null());
        drop(command.process_group(0).spawn()?);
        Ok(Some(Self(ours)))
    }

    /// A group began.
    pub(crate) fn guard(&self, group: Pid) {
        self.tell('+', group);
    }

    /// A group ended: its number may be another's from now on.
    pub(crate) fn release(&self, group: Pid) {
        self.tell('-', group);
    }

    fn tell(&self, what: char, group: Pid) {
        // One write, which a pipe takes whole or not at all.
        let _ = (&self.0).write_all(format!("{what}{}\n", group.as_raw_nonzero()).as_bytes());
    }
}

/// The other process: reads which groups begin and end, and kills those that are left when `pipe` ends.
pub fn guard_children(pipe: impl Read) {
    for group in left(pipe).into_iter().filter_map(Pid::from_raw) {
        // The only failure is that it has ended already.
        let _ = kill_process_group(group, Signal::KILL);
    }
}

fn left(pipe: impl Read) -> BTreeSet<i32> {
    let mut groups = BTreeSet::new();
    let mut pipe = BufReader::new(pipe);
    let mut line = String::new();
    while pipe.read_line(&mut line).is_ok_and(|length| length > 0) {
        // Half a number is another one.
        let Some(whole) = line.strip_suffix('\n') else { break };
        let (what, number) = whole.split_at_checked(1).unwrap_or_default();
        match (what, number.parse()) {
            // 1 is the system's first process, and 0 would be our own group.
            ("+", Ok(group @ 2..)) => drop(groups.insert(group)),
            ("-", Ok(group)) => drop(groups.remove(&group)),
            _ => {}
        }
        line.clear();
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left() {
        let check = |told: &str, expect: &[i32]| {
            let found: Vec<i32> = left(told.as_bytes()).into_iter().collect();
            assert_eq!(found, expect, "{told}");
        };
        check("", &[]);
        check("+20\n+30\n-20\n", &[30]);
        check("+20\n-20\n+20\n", &[20]);
        // Cut off, or nothing that we say.
        check("+20\n+3", &[20]);
        check("+\n\n+x\n+0\n+1\n+-5\n-7\n", &[]);
    }
}
