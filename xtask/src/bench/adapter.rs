//! The adapter's suite: each contestant between a fake Runtime API of its own and one fake app.
//!
//! Then how long each takes from its start to its first question for an event, which is its part of a cold start.
//!
//! The floor takes and posts the same number of exchanges, with no JSON and no base64 in them. It keeps bodies whole in
//! memory, as any adapter must that does not stream.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use super::peers;
use super::process::Process;
use super::report::{Row, Sample, Start, starts, table};
use super::rig::{Rig, TEST_CORE, post, verdict};

const OURS: &str = "lambridge `lambda-adapter`";
const FLOOR: &str = "three bare exchanges";
const PEER: &str = "AWS Lambda Web Adapter 1.0.0-rc1";

const LOADS: [(&str, &str, usize); 4] = [
    ("small request and answer", "small", 8_000),
    ("5 MB text answer", "text", 60),
    ("4 MB binary answer", "binary", 60),
    ("4 MB binary request", "upload", 60),
];

/// Starts of each, in turn.
const STARTS: usize = 15;

struct Stand {
    runtime: String,
    adapter: Process,
    _runtime: Process,
}

/// Every load on every contestant that starts.
pub fn measure(rig: &Rig) -> Result<String, String> {
    let peer = peers::web_adapter(&rig.tools);
    let (_app, app) = rig.fake("fake_app")?;
    let mut section = String::new();
    for (title, kind, count) in LOADS {
        let mut rows = Vec::new();
        let mut stands = Vec::new();
        for name in [OURS, FLOOR, PEER] {
            let started = match (name, &peer) {
                (PEER, Err(reason)) => Err(reason.clone()),
                (PEER, Ok(program)) => stand(rig, program.clone(), "web-adapter", &app),
                (OURS, _) => stand(rig, rig.program("lambda-adapter"), "lambridge-adapter", &app),
                _ => stand(rig, rig.bench("floor_adapter"), "floor-adapter", &app),
            };
            let mut row = Row::new(name);
            match started {
                Ok(stand) => stands.push(Some(stand)),
                Err(reason) => {
                    row.failure = Some(reason);
                    stands.push(None);
                }
            }
            rows.push(row);
        }
        for round in 0..=rig.rounds {
            for (stand, row) in stands.iter().zip(&mut rows) {
                let (Some(stand), None) = (stand, &row.failure) else { continue };
                let requests = rig.scaled(if round == 0 { count / 5 } else { count });
                match burden(stand, kind, requests) {
                    Ok(sample) if round > 0 => row.samples.push(sample),
                    Ok(_) => {}
                    Err(failure) => row.failure = Some(failure),
                }
            }
        }
        for (stand, row) in stands.iter().zip(&mut rows) {
            row.peak_kib = stand.as_ref().map_or(0, |stand| stand.adapter.peak_kib());
        }
        section.push_str(&table(title, &rows, &[FLOOR, PEER]));
        section.push('\n');
    }
    section.push_str(&cold(rig, &peer, &app)?);
    section.push('\n');
    Ok(section)
}

/// From the start of each to its first `/next`, in turn. The app is there already.
fn cold(rig: &Rig, peer: &Result<PathBuf, String>, app: &str) -> Result<String, String> {
    let ours = Ok(rig.program("lambda-adapter"));
    let mut rows =
        [(OURS, "lambridge-adapter", &ours), (PEER, "web-adapter", peer)].map(|(name, log, program)| {
            let row = Start { name, program_bytes: 0, took_us: Vec::new(), failure: None };
            (row, log, program)
        });
    for round in 0..=rig.scaled(STARTS) {
        for (row, log, program) in &mut rows {
            let took = program.as_ref().map_err(String::clone).and_then(|program| {
                row.program_bytes = std::fs::metadata(program).map_or(0, |found| found.len());
                first_next(rig, program, log, app)
            });
            match took {
                Ok(took) if round > 0 => row.took_us.push(took),
                Ok(_) => {}
                Err(failure) => row.failure = Some(failure),
            }
        }
    }
    Ok(starts("start to the first `/next`", rows.map(|(row, ..)| row).as_mut_slice(), PEER))
}

/// Microseconds.
fn first_next(rig: &Rig, program: &Path, name: &str, app: &str) -> Result<f64, String> {
    let (_fake, runtime) = rig.fake("fake_runtime")?;
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| post(&runtime, "/bench/asked"));
        let mut command = command(rig, program, name, &runtime, app);
        let started = Instant::now();
        let _process = Process::start(&mut command, name, &rig.scratch)?;
        let said = asked.join().map_err(|_| "no answer of the fake Runtime API")??;
        let took = started.elapsed();
        if said != b"asked" {
            return Err(format!("{name} did not ask for an event"));
        }
        Ok(took.as_secs_f64() * 1e6)
    })
}

fn stand(rig: &Rig, program: PathBuf, name: &str, app: &str) -> Result<Stand, String> {
    let (fake, runtime) = rig.fake("fake_runtime")?;
    let adapter = Process::start(&mut command(rig, &program, name, &runtime, app), name, &rig.scratch)?;
    Ok(Stand { runtime, adapter, _runtime: fake })
}

/// With what Lambda sets for every extension and runtime, and where the app is.
fn command(rig: &Rig, program: &Path, name: &str, runtime: &str, app: &str) -> Command {
    let (api, app) = (runtime.trim_start_matches("http://"), app.trim_start_matches("http://"));
    let mut command = rig.pinned(TEST_CORE, program);
    if name == "floor-adapter" {
        command.args([api, app]);
    }
    let port = app.rsplit(':').next().unwrap_or_default();
    for (key, value) in [
        ("AWS_LAMBDA_RUNTIME_API", api),
        ("AWS_LWA_PORT", port),
        ("AWS_LAMBDA_FUNCTION_NAME", "bench"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
        ("AWS_LAMBDA_LOG_GROUP_NAME", "/aws/lambda/bench"),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "bench"),
        ("AWS_REGION", "us-east-1"),
    ] {
        command.env(key, value);
    }
    command
}

fn burden(stand: &Stand, kind: &str, requests: usize) -> Result<Sample, String> {
    let before = stand.adapter.cpu_us()?;
    let line = post(&stand.runtime, &format!("/bench/{kind}/{requests}"))?;
    let after = stand.adapter.cpu_us()?;
    let line = verdict(&line)?;
    if line["ok"].as_u64() != Some(requests as u64) {
        return Err(format!("{} of {requests} answers came", line["ok"]));
    }
    Ok(Sample::of((after - before) / requests as f64, &line))
}
