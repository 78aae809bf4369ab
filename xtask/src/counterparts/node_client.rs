//! The native half of npm's `aws-lambda-ric`, which runs JavaScript functions as Lambda does.
//!
//! The package's own install script wants autoconf, automake, libtool, cmake, make and root's apt for them. Here its
//! sources are built by `tests/real/aws-lambda-ric/CMakeLists.txt` with the CMake and the ninja of the virtual environment,
//! so that a machine with Rust, Python and Node has all it takes: a minute at the first time, nothing later. Without a C++
//! compiler, the one in PyPI's `ziglang` is installed beside them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{fresh, read};
use crate::step::run;

/// A C and C++ compiler as a Python package, for machines that have none.
const COMPILER: &str = "ziglang==0.17.1";

/// Builds `rapid-client.node` if it is missing, and puts it where the package looks for it.
pub fn provide(folder: &Path, pins: &Path, python: &Path) -> Result<(), String> {
    let project = pins.join("aws-lambda-ric");
    let packages = folder.join("node_modules");
    let package = packages.join("aws-lambda-ric");
    let placed = package.join("dist/rapid-client.node");
    let made = folder.join("aws-lambda-ric");
    let stamp = [read(&project.join("CMakeLists.txt"))?, read(&package.join("package.json"))?].join("\n");
    fresh(&made, &stamp, || {
        // What was built from an older text.
        drop(std::fs::remove_file(&placed));
        let sources = made.join("sources");
        make_folder(&sources)?;
        for archive in archives(&package.join("deps"))? {
            run(Command::new(python).args(["-m", "tarfile", "--extract"]).arg(archive).arg(&sources))?;
        }
        let build = made.join("build");
        run(&mut configure(&project, &packages, &sources, &build, python)?)?;
        run(Command::new(beside(python, "ninja")).args(["--quiet", "-C"]).arg(&build).arg("rapid-client"))?;
        copy(&build.join("rapid-client.node"), &made.join("rapid-client.node"))?;
        // A hundred times what comes out of them.
        for spent in [&sources, &build] {
            std::fs::remove_dir_all(spent)
                .map_err(|error| format!("cannot remove `{}`: {error}", spent.display()))?;
        }
        Ok(())
    })?;
    copy(&made.join("rapid-client.node"), &placed)
}

fn configure(
    project: &Path,
    packages: &Path,
    sources: &Path,
    build: &Path,
    python: &Path,
) -> Result<Command, String> {
    let mut command = Command::new(beside(python, "cmake"));
    command.args(["-G", "Ninja", "--log-level=WARNING", "-DCMAKE_BUILD_TYPE=Release"]);
    // The CMake files of its libcurl are older than what today's CMake still takes without being told.
    command.args(["-DCMAKE_POLICY_VERSION_MINIMUM=3.5", "-S"]).arg(project).arg("-B").arg(build);
    command.arg(define("CMAKE_MAKE_PROGRAM", &beside(python, "ninja")));
    command.arg(define("PACKAGES", packages)).arg(define("SOURCES", sources));
    let named = std::env::var_os("CXX").is_some();
    if !named && Command::new("c++").arg("--version").output().is_err() {
        run(Command::new(python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", COMPILER])
            .env("PIP_REQUIRE_VIRTUALENV", "1"))
        .map_err(|error| {
            format!("{error}; without it the Node runtime client needs a C++ compiler, `c++`")
        })?;
        for (variable, language) in [("CC", "cc"), ("CXX", "c++")] {
            command.env(variable, format!("{} -m ziglang {language}", python.display()));
        }
    }
    Ok(command)
}

fn define(name: &str, path: &Path) -> String {
    format!("-D{name}={}", path.display())
}

/// A program of the same virtual environment.
fn beside(python: &Path, program: &str) -> PathBuf {
    python.with_file_name(program)
}

fn archives(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries =
        std::fs::read_dir(folder).map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    Ok(paths.filter(|path| path.extension().is_some_and(|end| end == "gz")).collect())
}

fn make_folder(folder: &Path) -> Result<(), String> {
    std::fs::create_dir_all(folder).map_err(|error| format!("cannot make `{}`: {error}", folder.display()))
}

/// Does nothing if `to` is there: it goes with its package, and a process may have it loaded.
fn copy(from: &Path, to: &Path) -> Result<(), String> {
    if to.exists() {
        return Ok(());
    }
    std::fs::copy(from, to)
        .map(drop)
        .map_err(|error| format!("cannot copy `{}` to `{}`: {error}", from.display(), to.display()))
}
