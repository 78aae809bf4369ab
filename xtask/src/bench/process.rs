//! A process under measurement: started, waited for, read from `/proc`, ended when dropped.
//!
//! What it writes to standard error goes to a file in the scratch folder, so that a contestant which does not start
//! can be asked why.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// No contestant needs longer to start.
const START: Duration = Duration::from_secs(60);

/// A child that ends with its owner.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    log: PathBuf,
}

impl Process {
    /// Starts `command` and lets it be.
    pub fn start(command: &mut Command, name: &str, scratch: &Path) -> Result<Process, String> {
        let log = scratch.join(format!("{name}.log"));
        let file = File::create(&log).map_err(|error| format!("cannot make `{}`: {error}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .map_err(|error| format!("cannot start {name}: {error}"))?;
        Ok(Process { child, name: name.to_owned(), log })
    }

    /// Starts `command` and waits for its line `… listening on URL`.
    pub fn listening(command: &mut Command, name: &str, scratch: &Path) -> Result<(Process, String), String> {
        let mut process = Process::start(command, name, scratch)?;
        let output = process.child.stdout.take().ok_or("standard output is a pipe")?;
        let (sender, receiver) = mpsc::sync_channel(1);
        std::thread::spawn(move || {
            // Reads on to the end, so that the child never writes into a full pipe.
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some((_, url)) = line.split_once("listening on ") {
                    let _ = sender.try_send(url.split_whitespace().next().unwrap_or_default().to_owned());
                }
            }
        });
        match receiver.recv_timeout(START) {
            Ok(url) => Ok((process, url)),
            Err(_) => Err(process.did_not_start()),
        }
    }

    /// Starts `command` and waits until something accepts on `port`.
    pub fn on_port(
        command: &mut Command,
        name: &str,
        scratch: &Path,
        port: u16,
    ) -> Result<(Process, String), String> {
        let mut process = Process::start(command, name, scratch)?;
        if let Some(mut output) = process.child.stdout.take() {
            std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        }
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        let started = Instant::now();
        while TcpStream::connect(address).is_err() {
            if started.elapsed() > START || process.ended() {
                return Err(process.did_not_start());
            }
            pause();
        }
        Ok((process, format!("http://{address}")))
    }

    fn ended(&mut self) -> bool {
        self.child.try_wait().is_ok_and(|status| status.is_some())
    }

    fn did_not_start(&mut self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(4).collect();
        let said: Vec<&str> = lines.into_iter().rev().collect();
        format!("{} did not start; it said: {}", self.name, said.join(" / "))
    }

    /// User and system time of the process, all its threads and all its living descendants, in microseconds.
    pub fn cpu_us(&self) -> Result<f64, String> {
        let table = processes();
        let mut family = vec![self.child.id()];
        let mut ticks = 0;
        let mut next = 0;
        while let Some(&pid) = family.get(next) {
            next += 1;
            ticks += table.iter().find(|stat| stat.pid == pid).map_or(0, |stat| stat.ticks);
            family.extend(table.iter().filter(|stat| stat.parent == pid).map(|stat| stat.pid));
        }
        if ticks == 0 && !table.iter().any(|stat| stat.pid == self.child.id()) {
            return Err(format!("{} has ended", self.name));
        }
        // USER_HZ is 100 on every Linux that has a /proc.
        Ok(ticks as f64 * 10_000.0)
    }

    /// Peak resident memory of the process itself, in KiB.
    pub fn peak_kib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        line.split_whitespace().next().and_then(|number| number.parse().ok()).unwrap_or(0)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Stat {
    pid: u32,
    parent: u32,
    ticks: u64,
}

fn processes() -> Vec<Stat> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let pid = entry.file_name().to_str()?.parse().ok()?;
            stat(pid, &std::fs::read_to_string(entry.path().join("stat")).ok()?)
        })
        .collect()
}

/// Fields 3, 4, 14 and 15 of `/proc/PID/stat`; the name in field 2 may hold spaces and brackets (proc(5)).
fn stat(pid: u32, line: &str) -> Option<Stat> {
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    // Ended, and not yet waited for.
    if fields.first() == Some(&"Z") {
        return None;
    }
    let number = |field: usize| fields.get(field - 3)?.parse::<u64>().ok();
    Some(Stat { pid, parent: u32::try_from(number(4)?).ok()?, ticks: number(14)? + number(15)? })
}

#[expect(
    clippy::disallowed_methods,
    reason = "nothing else runs in this thread, and a port tells nobody it is open"
)]
fn pause() {
    std::thread::sleep(Duration::from_millis(20));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_lines() {
        let line = "42 (a (b) c) S 7 42 42 0 -1 4194560 1 0 0 0 150 25 0 0 20 0 3 0 1 1 1";
        let found = stat(42, line).unwrap();
        assert_eq!((found.parent, found.ticks), (7, 175));
        assert!(stat(42, "42 a").is_none());
        assert!(stat(42, &line.replace(" S ", " Z ")).is_none());
    }
}
