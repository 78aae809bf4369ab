//! `cargo xtask fuzz [TARGET…] [--seconds N]`: the fuzz targets, one after the other, each for a while.
//!
//! A target is built with the coverage that libFuzzer steers by, and with the address sanitizer; both want a nightly
//! compiler, nothing else has to be installed. It starts from `fuzz/seeds/TARGET`, from the golden files that are inputs of
//! its kind, and from what earlier runs have found: that is kept under the target directory, as are inputs that broke
//! something and each run's own output.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::step::{run as run_command, step};
use crate::workspace::{self, Workspace};

const USAGE: &str = "\
usage: cargo xtask fuzz [TARGET]... [--seconds N]

  without a target all run, one after the other
  --seconds N  how long each (60)";

/// What libFuzzer needs to see: which edges are taken, and what is compared with what. Assertions stay in.
const FLAGS: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares -Zsanitizer=address -Cdebug-assertions -Coverflow-checks";

/// Golden files that are inputs: whose target, and where.
const GOLDEN: [(&str, &str); 6] = [
    ("config_kubernetes", "crates/config/tests/golden/gloo"),
    ("config_kubernetes", "crates/config/tests/golden/kubernetes"),
    ("config_krakend", "crates/config/tests/golden/krakend"),
    ("config_native", "crates/config/tests/golden/native"),
    ("config_runway", "crates/config/tests/golden/runway"),
    ("decode_request", "crates/event/tests/golden"),
];

#[derive(Debug, PartialEq, Eq)]
struct Options {
    targets: Vec<String>,
    seconds: u32,
}

/// Builds and runs; an input that breaks a target does not keep the next one from its turn.
pub fn run(arguments: impl Iterator<Item = String>) -> Result<(), String> {
    let Some(mut options) = parse(arguments)? else {
        println!("{USAGE}");
        return Ok(());
    };
    let workspace = workspace::load()?;
    let known = targets(&workspace)?;
    if let Some(unknown) = options.targets.iter().find(|target| !known.contains(target)) {
        return Err(format!("`{unknown}` is no target; there are {}", known.join(", ")));
    }
    if options.targets.is_empty() {
        options.targets = known;
    }
    step("build", || build(&workspace, &options.targets))?;
    let mut failed = Vec::new();
    for target in &options.targets {
        failed.extend(fuzz(&workspace, target, options.seconds).err());
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// `None` where the arguments ask for help.
fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options { targets: Vec::new(), seconds: 60 };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "help" | "--help" | "-h" => return Ok(None),
            "--seconds" => {
                let count = arguments.next().unwrap_or_default();
                let seconds = count.parse().ok().filter(|seconds| *seconds > 0);
                options.seconds = seconds.ok_or(format!("`{count}` is no number of seconds\n{USAGE}"))?;
            }
            option if option.starts_with('-') => return Err(format!("`{option}` is no option\n{USAGE}")),
            target => options.targets.push(target.to_owned()),
        }
    }
    Ok(Some(options))
}

/// The names in `fuzz/targets`.
fn targets(workspace: &Workspace) -> Result<Vec<String>, String> {
    let folder = workspace.root.join("fuzz/targets");
    let entries =
        std::fs::read_dir(&folder).map_err(|error| format!("cannot read `{}`: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| Some(entry.ok()?.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    Ok(names)
}

fn build(workspace: &Workspace, targets: &[String]) -> Result<(), String> {
    // The compiler of the house runs this command; rustup gives the other.
    let mut command = Command::new("rustup");
    command
        .args(["run", "nightly", "cargo", "build", "--release", "--target", &platform(), "--manifest-path"])
        .arg(workspace.root.join("fuzz/Cargo.toml"))
        .args(targets.iter().flat_map(|target| ["--bin", target]))
        .env("CARGO_TARGET_DIR", folder(workspace))
        .env("RUSTFLAGS", FLAGS);
    run_command(&mut command)
}

/// One target's turn; prints how it went.
fn fuzz(workspace: &Workspace, target: &str, seconds: u32) -> Result<(), String> {
    let folder = folder(workspace);
    let (corpus, log) = (folder.join("corpus").join(target), folder.join("logs").join(target));
    let broken = folder.join("broken").join(target);
    for wanted in [&corpus, &broken, &folder.join("logs")] {
        std::fs::create_dir_all(wanted)
            .map_err(|error| format!("cannot make `{}`: {error}", wanted.display()))?;
    }
    let output = File::create(&log).map_err(|error| format!("cannot write `{}`: {error}", log.display()))?;
    let mut command = Command::new(folder.join(platform()).join("release").join(target));
    command
        .arg(corpus)
        .args(seeds(workspace, target))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", broken.display()))
        // One input takes no time at all, but the machine may have other work.
        .args(["-timeout=60", "-print_final_stats=1"])
        .stdout(output.try_clone().map_err(|error| error.to_string())?)
        .stderr(output);
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("cannot run `{target}`: {error}"))?;
    let text = std::fs::read(&log).map_err(|error| format!("cannot read `{}`: {error}", log.display()))?;
    let seen = Seen::in_log(&String::from_utf8_lossy(&text));
    println!(
        "{target:<30} {:>10} runs {:>5} s {:>6} edges {:>6} inputs  {}",
        seen.runs,
        start.elapsed().as_secs(),
        seen.edges,
        seen.inputs,
        if status.success() { "ok" } else { "BROKEN" }
    );
    if status.success() {
        return Ok(());
    }
    Err(format!("`{target}` ended with {status}: see `{}` and `{}`", log.display(), broken.display()))
}

/// Where an input may be found to start from.
fn seeds(workspace: &Workspace, target: &str) -> Vec<PathBuf> {
    let golden = GOLDEN.iter().filter(|(whose, _)| *whose == target).map(|(_, path)| Path::new(path));
    let own = Path::new("fuzz/seeds").join(target);
    let all = golden.chain([own.as_path()]).map(|path| workspace.root.join(path));
    all.filter(|path| path.is_dir()).collect()
}

/// Named, so that build scripts and macros go without the sanitizer.
fn platform() -> String {
    format!("{}-unknown-linux-gnu", std::env::consts::ARCH)
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.target.join("fuzz")
}

/// What libFuzzer says of a run.
#[derive(Debug, Default, PartialEq, Eq)]
struct Seen {
    runs: u64,
    /// How many edges of the program were taken.
    edges: u64,
    /// How many inputs it takes to reach them.
    inputs: u64,
}

impl Seen {
    /// Lines such as `#4711 NEW    cov: 210 ft: 512 corp: 44/2Kb …` follow each other; the last one counts.
    fn in_log(log: &str) -> Seen {
        let mut seen = Seen::default();
        for line in log.lines().filter(|line| line.starts_with('#')) {
            let mut words = line[1..].split_whitespace();
            let runs = words.next().and_then(|count| count.parse().ok());
            let words: Vec<&str> = words.collect();
            let value = |name: &str| {
                let at = words.iter().position(|word| *word == name)?;
                words.get(at + 1)?.split('/').next()?.parse().ok()
            };
            // Stack traces have such lines too.
            if let (Some(runs), Some(edges), Some(inputs)) = (runs, value("cov:"), value("corp:")) {
                seen = Seen { runs, edges, inputs };
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments() {
        let check = |line: &str, expect: Result<(&[&str], u32), &str>| {
            let parsed = parse(line.split_whitespace().map(str::to_owned));
            match (parsed, expect) {
                (Ok(Some(options)), Ok((targets, seconds))) => {
                    assert_eq!(
                        (options.targets, options.seconds),
                        (targets.iter().map(|t| t.to_string()).collect(), seconds),
                        "{line}"
                    )
                }
                (Err(message), Err(part)) => assert!(message.contains(part), "{line}: {message}"),
                (Ok(None), Err("help")) => {}
                (parsed, _) => panic!("{line}: {parsed:?}"),
            }
        };
        check("", Ok((&[], 60)));
        check("head_guard adapter --seconds 600", Ok((&["head_guard", "adapter"], 600)));
        check("--seconds soon", Err("`soon`"));
        check("--seconds 0", Err("`0`"));
        check("--seconds", Err("``"));
        check("--jobs", Err("`--jobs`"));
        check("head_guard --help", Err("help"));
    }

    #[test]
    fn logs() {
        let check = |log: &str, runs, edges, inputs| {
            assert_eq!(Seen::in_log(log), Seen { runs, edges, inputs }, "{log}");
        };
        check("", 0, 0, 0);
        check("INFO: Seed: 1\n#2\tINITED cov: 12 ft: 13 corp: 1/1b exec/s: 0 rss: 30Mb\n", 2, 12, 1);
        check(
            "#2\tINITED cov: 12 ft: 13 corp: 1/1b\n#400\tNEW    cov: 20 ft: 31 corp: 7/90b lim: 4\n==1== ERROR\n",
            400,
            20,
            7,
        );
        check(
            "#9\tNEW    cov: 20 ft: 31 corp: 7/9Kb\n#900\tDONE   cov: 21 ft: 33 corp: 8/9Kb\nDone 900 runs\n",
            900,
            21,
            8,
        );
        check("#1 0x55 in main\n#2 0x66 in start\n", 0, 0, 0);
    }

    /// Seeds are found where the table says.
    #[test]
    fn golden_files_are_there() {
        let workspace = workspace::load().unwrap();
        let known = targets(&workspace).unwrap();
        for (target, path) in GOLDEN {
            assert!(known.iter().any(|name| name == target), "{target}");
            assert!(workspace.root.join(path).is_dir(), "{path}");
        }
    }
}
