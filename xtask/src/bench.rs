//! `cargo xtask bench`: what lambridge costs, beside its peers and beside a floor of our own.
//!
//! Cost is CPU time per request of the process under test: user and system time of all its threads from
//! `/proc/PID/stat`, over a fixed count of requests. The process under test has one core, the load generator and the
//! fake behind it the other; contestants take turns, round by round, and the middle round counts. The machine's own
//! speed falls out of the ratios, which is all that a reader should take home.
//!
//! Six suites and the codecs:
//!
//! * [`gateway`]: `lambridge gateway`, Envoy's `aws_lambda` filter, HAProxy and nginx as plain proxies, and a bare hyper
//!   proxy, all before the same fake Lambda.
//! * [`adapter`]: our `lambda-adapter`, AWS Lambda Web Adapter, and three bare HTTP exchanges, between the same fake
//!   Runtime API and the same app.
//! * [`emulator`]: `lambridge emulator` and serverless-offline, called through their Invoke API.
//! * [`ways`]: `lambridge gateway` with logs, with many routes, with TLS to Lambda, beside itself without.
//! * [`latency`]: what a client waits, at fixed rates and for the pieces of a stream.
//! * [`dialects`]: `lambridge gateway` on the files of other systems, beside native routes that do the same.
//!
//! Peers come from package registries into `target/tools`. One that cannot be had is left out, with a line that says so.
//! The tables are printed and, unless `--quick`, written into `docs/performance.md` between its markers.

mod adapter;
mod dialects;
mod emulator;
mod gateway;
mod latency;
pub mod peers;
mod process;
mod report;
mod rig;
mod ways;

use std::process::Command;

use crate::step::{run as run_command, step};
use crate::workspace::{self, Workspace, cargo};
use rig::Rig;

const USAGE: &str = "\
usage: cargo xtask bench [gateway] [ways] [latency] [adapter] [emulator] [dialects] [codecs]
                         [--quick] [--rounds N] [--profile NAME]

  without a suite all seven run
  --quick         a tenth of the requests, two rounds, and docs/performance.md stays as it is
  --rounds N      rounds in turn (5)
  --profile NAME  the cargo profile of the programs under test (release); `dist` is what ships";

const SUITES: [&str; 7] = ["gateway", "ways", "latency", "adapter", "emulator", "dialects", "codecs"];

#[derive(Debug)]
struct Options {
    suites: Vec<String>,
    quick: bool,
    rounds: usize,
    profile: String,
}

/// Builds, measures, prints and records.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let Some(options) = parse(arguments)? else {
        println!("{USAGE}");
        return Ok(());
    };
    let workspace = workspace::load()?;
    step("build", || build(&workspace, &options))?;
    let rig = Rig::new(&workspace, &options.profile, options.rounds, if options.quick { 10 } else { 1 })?;
    for suite in &options.suites {
        let section = step(suite, || match suite.as_str() {
            "gateway" => gateway::measure(&rig),
            "ways" => ways::measure(&rig),
            "latency" => latency::measure(&rig),
            "adapter" => adapter::measure(&rig),
            "emulator" => emulator::measure(&rig),
            "dialects" => dialects::measure(&rig),
            _ => codecs(&rig),
        })?;
        println!("\n{section}");
        if !options.quick {
            report::record(&workspace.root.join("docs/performance.md"), suite, &section)?;
        }
    }
    Ok(())
}

/// `None` where the arguments ask for help.
fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options { suites: Vec::new(), quick: false, rounds: 0, profile: "release".to_owned() };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "help" | "--help" | "-h" => return Ok(None),
            "--quick" => options.quick = true,
            "--rounds" => {
                let count = arguments.next().unwrap_or_default();
                options.rounds =
                    count.parse().map_err(|_| format!("`{count}` is no count of rounds\n{USAGE}"))?;
            }
            "--profile" => options.profile = arguments.next().ok_or(USAGE)?,
            suite if SUITES.contains(&suite) => options.suites.push(suite.to_owned()),
            other => return Err(format!("`{other}` is no suite and no option\n{USAGE}")),
        }
    }
    if options.rounds == 0 {
        options.rounds = if options.quick { 2 } else { 5 };
    }
    if options.suites.is_empty() {
        options.suites = SUITES.map(str::to_owned).to_vec();
    }
    Ok(Some(options))
}

fn build(workspace: &Workspace, options: &Options) -> Result<(), String> {
    // The fakes and floors keep one profile, so that a run of `dist` differs in the programs under test alone.
    let mut benches = cargo();
    benches.current_dir(&workspace.root).args(["build", "--release", "-p", "lambridge-benches"]);
    run_command(&mut benches)?;
    let mut programs: Command = cargo();
    programs.current_dir(&workspace.root).args(["build", "--profile", &options.profile]);
    // The adapter alone is built in a fraction of the time.
    let all = options.suites.iter().any(|suite| !matches!(suite.as_str(), "adapter" | "codecs"));
    programs.args(["-p", "lambridge-adapter"]);
    run_command(if all { programs.args(["-p", "lambridge-cli"]) } else { &mut programs })
}

fn codecs(rig: &Rig) -> Result<String, String> {
    let output = rig
        .pinned(rig::TEST_CORE, &rig.bench("codecs"))
        .output()
        .map_err(|error| format!("cannot run `codecs`: {error}"))?;
    if !output.status.success() {
        return Err(format!("`codecs` failed: {}", String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let check = |line: &str, expect: Result<(usize, usize), &str>| {
            let parsed = parse(line.split_whitespace().map(str::to_owned));
            match (parsed, expect) {
                (Ok(Some(options)), Ok(expect)) => {
                    assert_eq!((options.suites.len(), options.rounds), expect, "{line}")
                }
                (Err(message), Err(part)) => assert!(message.contains(part), "{line}: {message}"),
                (parsed, _) => panic!("{line}: {parsed:?}"),
            }
        };
        check("", Ok((7, 5)));
        check("gateway adapter", Ok((2, 5)));
        check("--quick codecs", Ok((1, 2)));
        check("--quick --rounds 3", Ok((7, 3)));
        check("--rounds many", Err("`many`"));
        check("proxy", Err("`proxy`"));
    }

    #[test]
    fn help_is_no_mistake() {
        for line in ["help", "--help", "-h", "gateway --quick help"] {
            // Only help returns without a build: anything else would take minutes.
            assert_eq!(run(line.split_whitespace().map(str::to_owned)), Ok(()), "{line}");
        }
    }
}
