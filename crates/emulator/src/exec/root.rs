//! A folder becomes the root of everything, for this process and what it becomes.
//!
//! As root that is `chroot`; anyone else asks for a user namespace first, in which they are root. In a mount namespace of
//! the process's own the image is given what a container has and a file alone cannot hold: `/proc`, `/dev`, `/sys`, and this
//! machine's way of finding names. Nothing of it is seen outside, and it ends with the process; where no such namespace
//! can be had, root goes without. This is not a jail: it keeps a function's files apart from this machine's, not a hostile
//! program in.
//!
//! What is mounted lies below the folder and behind no symbolic link, which might lead out of it.
//!
//! Source: unshare(2), user_namespaces(7), mount(2), chroot(2).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::mount::{MountPropagationFlags, mount_bind_recursive, mount_change};
use rustix::process::{chdir, chroot, getegid, geteuid};
use rustix::thread::UnshareFlags;

/// Folders and files of this machine that an image borrows.
const FOLDERS: [&str; 3] = ["proc", "dev", "sys"];
const FILES: [&str; 2] = ["etc/resolv.conf", "etc/hosts"];

/// Enters `root`, in its folder `directory`. The process must have one thread.
pub(super) fn enter(root: &Path, directory: &Path) -> io::Result<()> {
    let root = root.canonicalize().map_err(|error| failed("find the image", error))?;
    let (user, group) = (geteuid(), getegid());
    let private = if user.is_root() {
        unshare(UnshareFlags::NEWNS).is_ok()
    } else {
        let both = UnshareFlags::NEWUSER | UnshareFlags::NEWNS;
        unshare(both).map_err(|error| failed("make a user namespace (as root none is needed)", error))?;
        // Without this nobody but root may map groups.
        fs::write("/proc/self/setgroups", "deny")?;
        fs::write("/proc/self/uid_map", format!("0 {} 1", user.as_raw()))?;
        fs::write("/proc/self/gid_map", format!("0 {} 1", group.as_raw()))?;
        true
    };
    let apart = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    if private && mount_change("/", apart).is_ok() {
        borrow(&root);
    }
    chdir(&root)?;
    chroot(".").map_err(|error| failed("enter the image", error.into()))?;
    chdir(directory).map_err(|error| failed(&format!("enter `{}`", directory.display()), error.into()))
}

/// What cannot be had is left out: many programs need none of it.
fn borrow(root: &Path) {
    for name in FOLDERS {
        if let Some(target) = below(root, name)
            && fs::create_dir_all(&target).is_ok()
        {
            let _ = mount_bind_recursive(Path::new("/").join(name), target);
        }
    }
    for name in FILES {
        let Some(target) = below(root, name) else { continue };
        let made = target.parent().map_or(Ok(()), fs::create_dir_all);
        if made.is_ok() && fs::OpenOptions::new().append(true).create(true).open(&target).is_ok() {
            let _ = mount_bind_recursive(Path::new("/").join(name), target);
        }
    }
}

/// The path of `name` below `root`, unless there is a symbolic link on the way.
fn below(root: &Path, name: &str) -> Option<PathBuf> {
    let mut path = root.to_owned();
    for part in name.split('/') {
        path.push(part);
        if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) {
            return None;
        }
    }
    Some(path)
}

#[expect(
    deprecated,
    reason = "its hazard is a table of descriptors that is no longer shared, which is not asked for"
)]
fn unshare(what: UnshareFlags) -> io::Result<()> {
    Ok(rustix::thread::unshare(what)?)
}

fn failed(what: &str, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot {what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir(root.join("etc")).unwrap();
        std::os::unix::fs::symlink("/run/resolv.conf", root.join("etc/resolv.conf")).unwrap();
        std::os::unix::fs::symlink("/", root.join("dev")).unwrap();
        assert_eq!(below(root, "proc"), Some(root.join("proc")));
        assert_eq!(below(root, "etc/hosts"), Some(root.join("etc/hosts")));
        assert_eq!(below(root, "etc/resolv.conf"), None);
        assert_eq!(below(root, "dev"), None);
    }
}
