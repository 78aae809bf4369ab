//! The step between us and a child's program: ask to be killed with the parent, then become that program.
//!
//! The parent may have ended before the request was made; then the signal never comes. So the parent tells its number
//! in [`PARENT`], and whoever finds another parent ends. Nothing here needs `unsafe`, as a hook between fork and exec would.
//!
//! The program of an image is found in that image: [`root`] makes its folder the root of all before the program starts.
//!
//! Source: prctl(2), `PR_SET_PDEATHSIG`.

mod root;

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::{Pid, Signal, getppid, set_parent_process_death_signal};

/// Number of the process that must be the parent. Not passed on to the program.
pub(crate) const PARENT: &str = "_LAMBRIDGE_PARENT";
/// The folder that is to be `/`. Not passed on either, nor is the next.
pub(crate) const ROOT: &str = "_LAMBRIDGE_ROOT";
/// The working directory below [`ROOT`].
pub(crate) const DIRECTORY: &str = "_LAMBRIDGE_DIRECTORY";

/// Becomes the program that `args` names, which dies with our parent. Returns only what went wrong.
pub fn exec_child(args: impl IntoIterator<Item = OsString>) -> io::Error {
    let mut args = args.into_iter();
    let Some(program) = args.next() else {
        return io::Error::new(io::ErrorKind::InvalidInput, "no program to start");
    };
    // Before the signal is asked for, since a change of credentials takes it back.
    if let Some(root) = std::env::var_os(ROOT) {
        let directory = std::env::var_os(DIRECTORY).unwrap_or_else(|| "/".into());
        if let Err(error) = root::enter(Path::new(&root), Path::new(&directory)) {
            return error;
        }
    }
    if let Err(error) = set_parent_process_death_signal(Some(Signal::KILL)) {
        return error.into();
    }
    let expected = std::env::var(PARENT).ok().and_then(|text| text.parse().ok()).and_then(Pid::from_raw);
    if expected.is_some() && getppid() != expected {
        return io::Error::other("the parent has ended");
    }
    Command::new(&program).args(args).env_remove(PARENT).env_remove(ROOT).env_remove(DIRECTORY).exec()
}

#[cfg(test)]
mod tests {
    use super::exec_child;

    #[test]
    fn failures_return() {
        assert_eq!(exec_child([]).kind(), std::io::ErrorKind::InvalidInput);
    }
}
