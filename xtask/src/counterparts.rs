//! The real programs that the tests in `tests/real` talk to, under `target/test-env`.
//!
//! * `venv`: AWS's Python SDK, command line and runtime client, moto, cfn-lint, and the Python web frameworks of the examples.
//! * `node_modules`: AWS's JavaScript SDK and runtime client, and Express.
//! * `aws-lambda-ric`: the native half of that runtime client, see [`node_client`].
//! * AWS Lambda Web Adapter, the one that the benchmarks measure too, under `target/tools`.
//! * Chromium, skopeo, umoci and promtool, of the system: see [`system`].
//! * `rust`: the example function on AWS's Rust runtime client.
//! * `collector`: OpenTelemetry's collector, where there is Go to build it from its modules.
//!
//! All versions are pinned, the indirect ones too, by `tests/real/requirements.txt`, `tests/real/package-lock.json`, the
//! example's `Cargo.lock`, and `tests/real/collector/go.mod` with its `go.sum`. Each environment carries a stamp: the text
//! that it was made from. A second run with the same text finds the stamp and installs nothing.

mod node_client;
mod system;

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::bench::peers;
use crate::step::{run, step};
use crate::workspace::{Workspace, cargo};

/// Where the counterparts were put.
#[derive(Debug)]
pub struct Counterparts {
    /// The Python interpreter of the virtual environment.
    pub python: PathBuf,
    /// The folder of the environments.
    pub folder: PathBuf,
    /// The Rust example function.
    pub rust_function: PathBuf,
    /// AWS's `lambda-adapter`.
    pub web_adapter: PathBuf,
    /// Prometheus's `promtool`, unless it is on the path or cannot be had.
    pub promtool: Option<PathBuf>,
    /// OpenTelemetry's collector, unless it cannot be built.
    pub collector: Option<PathBuf>,
}

/// Installs and builds what is missing.
pub fn prepare(workspace: &Workspace) -> Result<Counterparts, String> {
    let folder = workspace.target.join("test-env");
    let pins = workspace.root.join("tests/real");
    std::fs::create_dir_all(&folder)
        .map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
    let python = step("python counterparts", || python(&folder, &pins.join("requirements.txt")))?;
    step("node counterparts", || node(&folder, &pins))?;
    step("node runtime client", || node_client::provide(&folder, &pins, &python))?;
    step("browser", system::browser)?;
    step("image readers", system::image_readers)?;
    let rust_function = step("rust function", || rust(&folder, &workspace.root))?;
    let web_adapter = step("aws lambda web adapter", || peers::web_adapter(&workspace.target.join("tools")))?;
    let promtool = step("metrics reader", || system::promtool(&workspace.target.join("tools")))?;
    let collector = step("collector", || collector(&folder, &pins.join("collector")))?;
    Ok(Counterparts { python, folder, rust_function, web_adapter, promtool, collector })
}

fn python(folder: &Path, requirements: &Path) -> Result<PathBuf, String> {
    let venv = folder.join("venv");
    let python = venv.join("bin/python");
    let stamp = format!("{}\n{}", version("python3")?, read(requirements)?);
    fresh(&venv, &stamp, || {
        run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        run(Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
            .arg(requirements))
    })?;
    Ok(python)
}

fn node(folder: &Path, pins: &Path) -> Result<(), String> {
    let lock = pins.join("package-lock.json");
    let stamp = format!("{}\n{}", version("node")?, read(&lock)?);
    fresh(&folder.join("node_modules"), &stamp, || {
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(pins.join(name), folder.join(name))
                .map_err(|error| format!("cannot copy `{name}`: {error}"))?;
        }
        run(Command::new("npm").current_dir(folder).args([
            "ci",
            // The only script is the runtime client's build, which is done without what it asks for.
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]))
    })
}

fn rust(folder: &Path, root: &Path) -> Result<PathBuf, String> {
    // Cargo knows by itself what has changed; the target directory is apart, since the dependency tree is.
    let target = folder.join("rust");
    run(cargo()
        .args(["build", "--quiet", "--locked", "--manifest-path"])
        .arg(root.join("examples/rust-function/Cargo.toml"))
        .arg("--target-dir")
        .arg(&target))?;
    Ok(target.join("debug/rust-function"))
}

/// OpenTelemetry's collector from its modules: their checksums are pinned, and one `go build` is all it takes.
fn collector(folder: &Path, module: &Path) -> Result<Option<PathBuf>, String> {
    let made = folder.join("collector");
    let program = made.join("collector");
    let Ok(go) = Command::new("go").arg("version").output() else {
        println!("no Go here, and so no OpenTelemetry collector to test with");
        return Ok(None);
    };
    let mut stamp = String::from_utf8_lossy(&go.stdout).into_owned();
    for name in ["main.go", "go.mod", "go.sum"] {
        stamp += &read(&module.join(name))?;
    }
    let built = fresh(&made, &stamp, || {
        println!("building the OpenTelemetry collector takes two minutes, once");
        std::fs::create_dir_all(&made)
            .map_err(|error| format!("cannot make `{}`: {error}", made.display()))?;
        let build = ["build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o"];
        run(Command::new("go").current_dir(module).args(build).arg(&program).arg("."))
    });
    match built {
        Ok(()) => Ok(Some(program)),
        Err(message) => {
            println!("no OpenTelemetry collector to test with: {message}");
            Ok(None)
        }
    }
}

/// Runs `make` for `made` unless its stamp says that it was made from the same text.
fn fresh(made: &Path, stamp: &str, make: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
    let mark = made.join(".stamp");
    if std::fs::read_to_string(&mark).is_ok_and(|old| old == stamp) {
        return Ok(());
    }
    if made.exists() {
        std::fs::remove_dir_all(made)
            .map_err(|error| format!("cannot remove `{}`: {error}", made.display()))?;
    }
    make()?;
    std::fs::write(&mark, stamp).map_err(|error| format!("cannot write `{}`: {error}", mark.display()))
}

fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

fn version(program: &str) -> Result<String, String> {
    let output = Command::new(program)
        .arg("--version")
        .output()
        .map_err(|error| format!("`{program}` is needed for the tests against real parts: {error}"))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn made_again_only_when_the_stamp_differs() {
        let folder = std::env::temp_dir().join(format!("lambridge-xtask-{}", std::process::id()));
        let made = folder.join("venv");
        let times = Cell::new(0);
        let make = || {
            times.set(times.get() + 1);
            std::fs::create_dir_all(&made).map_err(|error| error.to_string())
        };
        for (stamp, expect) in [("boto3==1", 1), ("boto3==1", 1), ("boto3==2", 2), ("boto3==2", 2)] {
            fresh(&made, stamp, make).unwrap();
            assert_eq!(times.get(), expect, "{stamp}");
        }
        // What failed leaves no stamp, so that the next run tries again.
        let failed = fresh(&made, "boto3==3", || Err("no network".to_owned()));
        assert_eq!(failed, Err("no network".to_owned()));
        fresh(&made, "boto3==3", make).unwrap();
        assert_eq!(times.get(), 3);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
