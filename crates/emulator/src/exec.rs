//! The step between us and a child's program: ask to be killed with the parent, then become that program.
//!
//! The parent may have ended before the request was made; then the signal never comes. So the parent tells its number
//! in [`PARENT`], and whoever finds another parent ends. Nothing here needs `unsafe`, as a hook between fork and exec would.
//!
//! Source: prctl(2), `PR_SET_PDEATHSIG`.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

/// Number of the process that must be the parent. Not passed on to the program.
pub(crate) const PARENT: &str = "_LAMBRIDGE_PARENT";

/// Becomes the program that `args` names, which dies with our parent. Returns only what went wrong.
pub fn exec_child(args: impl IntoIterator<Item = OsString>) -> io::Error {
    let mut args = args.into_iter();
    let Some(program) = args.next() else {
        return io::Error::new(io::ErrorKind::InvalidInput, "no program to start");
    };
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    let expected = std::env::var(PARENT).ok().and_then(|text| text.parse().ok()).and_then(Pid::from_raw);
    if expected.is_some() && getppid() != expected {
        return io::Error::other("the parent has ended");
    }
    Command::new(&program).args(args).env_remove(PARENT).exec()
}

#[cfg(test)]
mod tests {
    use super::exec_child;

    #[test]
    fn failures_return() {
        assert_eq!(exec_child([]).kind(), std::io::ErrorKind::InvalidInput);
    }
}
