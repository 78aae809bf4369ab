//! The bench: where the programs are, which core is whose, and how one load is put on one contestant.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;

use super::process::Process;
use super::report::{Row, Sample};
use crate::workspace::Workspace;

/// The core of the process under test.
pub const TEST_CORE: usize = 0;
/// The core of the load generator and the fakes.
pub const LOAD_CORE: usize = 1;

/// Where everything is, and how much of it to do.
#[derive(Debug)]
pub struct Rig {
    /// The programs under test.
    programs: PathBuf,
    benches: PathBuf,
    /// Peers, installed once.
    pub tools: PathBuf,
    /// Configuration files and logs of this run.
    pub scratch: PathBuf,
    /// The project's examples.
    pub examples: PathBuf,
    /// Rounds in turn.
    pub rounds: usize,
    divisor: usize,
    pin: bool,
}

/// One load: so many requests of a kind.
#[derive(Debug, Clone, Copy)]
pub struct Load<'a> {
    /// `GET`, `POST`.
    pub method: &'a str,
    /// From `/` on.
    pub path: &'a str,
    /// As `load` takes it: bytes of text, `json:N` for a JSON string.
    pub body: &'a str,
    /// How many for the CPU figure.
    pub requests: usize,
}

/// A running process and how to reach it.
#[derive(Debug)]
pub struct Contestant {
    pub name: &'static str,
    pub process: Process,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// In front of [`Load::path`].
    pub prefix: &'static str,
}

impl Rig {
    /// Prepares the scratch folder.
    pub fn new(workspace: &Workspace, profile: &str, rounds: usize, divisor: usize) -> Result<Rig, String> {
        let target = &workspace.target;
        let scratch = target.join("bench");
        let tools = target.join("tools");
        for folder in [&scratch, &tools] {
            std::fs::create_dir_all(folder)
                .map_err(|error| format!("cannot make `{}`: {error}", folder.display()))?;
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pin = cores > 1 && on_path("taskset");
        if !pin {
            println!(
                "no second core, or no `taskset`: nothing is pinned, and the figures are the noisier for it"
            );
        }
        let programs = target.join(if profile == "dev" { "debug" } else { profile });
        let examples = workspace.root.join("examples");
        Ok(Rig { programs, benches: target.join("release"), tools, scratch, examples, rounds, divisor, pin })
    }

    /// A program of `benches/`.
    pub fn bench(&self, name: &str) -> PathBuf {
        self.benches.join(name)
    }

    /// A program under test.
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Fewer with `--quick`.
    pub fn scaled(&self, count: usize) -> usize {
        (count / self.divisor).max(4)
    }

    /// `program` on `core`.
    pub fn pinned(&self, core: usize, program: &Path) -> Command {
        if !self.pin {
            return Command::new(program);
        }
        let mut command = Command::new("taskset");
        command.args(["-c", &core.to_string()]).arg(program);
        command
    }

    /// Starts a program that says `listening on URL`, on the load's core.
    pub fn fake(&self, name: &str) -> Result<(Process, String), String> {
        let mut command = self.pinned(LOAD_CORE, &self.bench(name));
        Process::listening(command.arg("127.0.0.1:0"), name, &self.scratch)
    }

    /// Writes a configuration file and says where it is.
    pub fn config(&self, name: &str, text: &str) -> Result<PathBuf, String> {
        let path = self.scratch.join(name);
        std::fs::write(&path, text).map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
        Ok(path)
    }

    /// Puts `load` on every contestant in turn, round by round; CPU under 16 connections, latency on one. Each round begins
    /// with another, so that nobody always comes behind the same neighbour.
    pub fn in_turn(&self, contestants: &[Contestant], load: Load<'_>) -> Result<Vec<Row>, String> {
        let requests = self.scaled(load.requests);
        let mut rows: Vec<Row> = contestants.iter().map(|c| Row::new(c.name)).collect();
        for round in 0..=self.rounds {
            for place in 0..contestants.len() {
                let index = (round + place) % contestants.len();
                let (contestant, row) = (&contestants[index], &mut rows[index]);
                if row.failure.is_some() {
                    continue;
                }
                // Round zero warms up.
                let count = if round == 0 { (requests / 5).max(16) } else { requests };
                let busy = self.burden(contestant, load, 16, count).and_then(|(cpu, _)| {
                    let (_, line) = self.burden(contestant, load, 1, (count / 10).max(20))?;
                    Ok(Sample::of(cpu, &line))
                });
                match busy {
                    Ok(sample) if round > 0 => row.samples.push(sample),
                    Ok(_) => {}
                    Err(failure) => row.failure = Some(failure),
                }
            }
        }
        for (contestant, row) in contestants.iter().zip(&mut rows) {
            row.peak_kib = contestant.process.peak_kib();
        }
        Ok(rows)
    }

    /// What a load generator of `benches/` says of its run.
    pub fn said(&self, generator: &str, arguments: &[String]) -> Result<Value, String> {
        let output = self
            .pinned(LOAD_CORE, &self.bench(generator))
            .args(arguments)
            .output()
            .map_err(|error| format!("cannot run `{generator}`: {error}"))?;
        verdict(&output.stdout)
    }

    /// One run of the load generator: CPU microseconds per request of the contestant, and what `load` said.
    fn burden(
        &self,
        contestant: &Contestant,
        load: Load<'_>,
        connections: usize,
        requests: usize,
    ) -> Result<(f64, Value), String> {
        let url = format!("{}{}{}", contestant.url, contestant.prefix, load.path);
        let before = contestant.process.cpu_us()?;
        let (connections, count) = (connections.to_string(), requests.to_string());
        let arguments = [load.method, &url, &connections, &count, load.body].map(str::to_owned);
        let line = self.said("load", &arguments)?;
        let after = contestant.process.cpu_us()?;
        Ok(((after - before) / requests as f64, line))
    }
}

/// Reads the one line of `load` or `fake_runtime`; a failed request fails the run.
pub fn verdict(line: &[u8]) -> Result<Value, String> {
    let line: Value = serde_json::from_slice(line)
        .map_err(|_| format!("the load generator said `{}`", String::from_utf8_lossy(line)))?;
    match line["failed"].as_u64() {
        Some(0) => Ok(line),
        failed => Err(format!("{} requests failed: {}", failed.unwrap_or(0), line["failure"])),
    }
}

/// `POST url`, whole answer in memory: enough HTTP to steer a fake.
pub fn post(url: &str, path: &str) -> Result<Vec<u8>, String> {
    let address = url.trim_start_matches("http://");
    let ask = || -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(400)))?;
        write!(
            stream,
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().map_err(|error| format!("`POST {url}{path}` failed: {error}"))?;
    let end =
        answer.windows(4).position(|four| four == b"\r\n\r\n").ok_or("an answer without an end of head")?;
    Ok(answer[end + 4..].to_vec())
}

/// A port that was free a moment ago, for programs that cannot choose one and say which.
pub fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|error| format!("no free port: {error}"))?;
    listener.local_addr().map(|address| address.port()).map_err(|error| error.to_string())
}

/// Whether a command of that name exists.
pub fn on_path(name: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
}
