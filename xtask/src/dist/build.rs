//! The adapter as a static program, for this machine or for the other architecture.
//!
//! Static, because it runs in images that hold nothing else, and in runtimes of any age. It is linked with glibc rather
//! than musl: that target comes with every toolchain, and its allocator is the faster one. Names are looked up nowhere but
//! for the application's host, which is `127.0.0.1` unless someone sets another.
//!
//! A foreign architecture needs its standard library and its linker. rustup has the first where its target was added;
//! elsewhere Debian's own compiler is unpacked beside it, without being installed: the packages come from apt's index
//! under the target directory, and the system's own is left alone. The linker is Debian's cross compiler.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::arch::Arch;
use crate::step::{run, step};
use crate::workspace::{Workspace, cargo};

/// Debian's compiler with the libraries that it needs; its standard library is at the same version.
const DEBIAN_RUST: [&str; 7] = [
    "rustc-web:amd64",
    "libstd-rust-web-dev:amd64",
    "libstd-rust-web-1.96:amd64",
    "libllvm22:amd64",
    "libz3-4:amd64",
    "libedit2:amd64",
    "libstd-rust-web-dev:arm64",
];
/// A linker for it, and what runs its programs here.
const DEBIAN_CROSS: [&str; 3] = ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross", "qemu-user"];

/// Builds it and gives its path.
pub fn adapter(workspace: &Workspace, arch: Arch) -> Result<PathBuf, String> {
    let triple = arch.triple();
    let mut build = cargo();
    build.args(["build", "--profile", "dist", "--package", "lambridge-adapter", "--bin", "lambda-adapter"]);
    build.args(["--target", triple]).env("RUSTFLAGS", "-C target-feature=+crt-static");
    let mut target = workspace.target.clone();
    if arch != Arch::host()? {
        if arch != Arch::Arm64 {
            let help = "build it on such a machine, and pack it here with `--adapter`";
            return Err(format!("{} is not built on this machine: {help}", arch.aws()));
        }
        let linker = step("linker for arm64", linker)?;
        build.env(format!("CARGO_TARGET_{}_LINKER", triple.to_uppercase().replace('-', "_")), linker);
        if !has_std(triple)? {
            let tools = workspace.target.join("tools");
            build.env("RUSTC", step("compiler for arm64", || debian_rust(&tools))?);
            // What two compilers make must not meet in one folder.
            target.push("arm64");
        }
    }
    step(&format!("build for {}", arch.aws()), || run(build.arg("--target-dir").arg(&target)))?;
    let program = target.join(triple).join("dist/lambda-adapter");
    step(&format!("start on {}", arch.aws()), || starts(&program, arch))?;
    Ok(program)
}

/// Outside Lambda the adapter ends at once, and well: so much can be seen without a Lambda, on any processor.
fn starts(program: &Path, arch: Arch) -> Result<(), String> {
    let mut command = match arch == Arch::host()? {
        true => Command::new(program),
        false => {
            let mut command = Command::new("qemu-aarch64");
            command.arg(program);
            command
        }
    };
    run(command.env_remove("AWS_LAMBDA_RUNTIME_API"))
}

/// Whether the compiler in use has the standard library of `triple`.
fn has_std(triple: &str) -> Result<bool, String> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).output();
    let output = output.map_err(|error| format!("cannot run `rustc`: {error}"))?;
    let root = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    Ok(root.join("lib/rustlib").join(triple).join("lib").is_dir())
}

fn linker() -> Result<&'static str, String> {
    const NAME: &str = "aarch64-linux-gnu-gcc";
    let found = |name: &str| Command::new(name).arg("--version").output().is_ok();
    if !found(NAME) || !found("qemu-aarch64") {
        let mut install = apt("apt-get");
        run(install.args(["install", "-y", "--no-install-recommends"]).args(DEBIAN_CROSS))
            .map_err(|error| format!("{error}; packing for arm64 needs {}", DEBIAN_CROSS.join(", ")))?;
    }
    Ok(NAME)
}

/// Unpacks Debian's compiler and both standard libraries; gives the program that stands for `rustc`.
fn debian_rust(tools: &Path) -> Result<PathBuf, String> {
    let (root, debs) = (tools.join("debrust"), tools.join("debs"));
    let wrapper = root.join("rustc.sh");
    if wrapper.exists() {
        return Ok(wrapper);
    }
    let state = debs.join("apt");
    let make = |path: &Path| {
        std::fs::create_dir_all(path).map_err(|error| format!("cannot make `{}`: {error}", path.display()))
    };
    make(&state.join("lists/partial"))?;
    make(&state.join("cache/archives/partial"))?;
    make(&root)?;
    // An index of its own for both architectures: adding one to the system is not ours to do.
    let own = |command: &mut Command| {
        command.current_dir(&debs).args([
            "-o",
            "APT::Architectures=amd64,arm64",
            "-o",
            "APT::Sandbox::User=root",
        ]);
        command.arg("-o").arg(format!("Dir::State={}", state.display()));
        command.arg("-o").arg(format!("Dir::Cache={}", state.join("cache").display()));
        command.args(["-o", "Dir::State::status=/var/lib/dpkg/status"]);
    };
    let mut update = apt("apt-get");
    own(&mut update);
    run(update.arg("update"))?;
    let mut download = apt("apt-get");
    own(&mut download);
    run(download.arg("download").args(DEBIAN_RUST))?;
    for entry in std::fs::read_dir(&debs).map_err(|error| error.to_string())? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.extension().is_some_and(|extension| extension == "deb") {
            run(Command::new("dpkg").arg("-x").arg(&path).arg(&root))?;
        }
    }
    let usr = root.join("usr");
    let text = format!(
        "#!/bin/sh\nLD_LIBRARY_PATH='{usr}/lib/x86_64-linux-gnu' exec '{usr}/bin/rustc' --sysroot '{usr}' \"$@\"\n",
        usr = usr.display()
    );
    std::fs::write(&wrapper, text)
        .map_err(|error| format!("cannot write `{}`: {error}", wrapper.display()))?;
    run(Command::new("chmod").arg("755").arg(&wrapper))?;
    Ok(wrapper)
}

fn apt(name: &str) -> Command {
    let mut command = Command::new(name);
    command.env("DEBIAN_FRONTEND", "noninteractive").arg("-q");
    command
}
