//! The process itself, under the names that every Prometheus client gives it. Linux tells; elsewhere they are absent.
//!
//! Source: proc(5); Prometheus documentation, "Writing client libraries", process metrics.

use super::text::Sheet;

/// Ticks a second in `/proc/PID/stat`: the kernel's USER_HZ, 100 on every architecture that Rust's Linux targets have.
const TICKS: f64 = 100.0;

pub(super) fn render(text: &mut dyn Sheet) {
    let read = |name: &str| std::fs::read_to_string(name).unwrap_or_default();
    if let Some(stat) = Stat::parse(&read("/proc/self/stat")) {
        text.family("process_cpu_seconds_total", "counter", "User and system CPU time.");
        text.real("process_cpu_seconds_total", &[], stat.cpu_ticks as f64 / TICKS);
        if let Some(booted) = booted(&read("/proc/stat")) {
            text.family("process_start_time_seconds", "gauge", "When the process started, since 1970.");
            text.real("process_start_time_seconds", &[], booted as f64 + stat.started_ticks as f64 / TICKS);
        }
        text.family("process_virtual_memory_bytes", "gauge", "Virtual memory.");
        text.number("process_virtual_memory_bytes", &[], stat.virtual_bytes);
        text.family("process_threads", "gauge", "Threads.");
        text.number("process_threads", &[], stat.threads);
    }
    if let Some(kb) = resident(&read("/proc/self/status")) {
        text.family("process_resident_memory_bytes", "gauge", "Resident memory.");
        text.number("process_resident_memory_bytes", &[], kb << 10);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        text.family("process_open_fds", "gauge", "Open file descriptors.");
        // One of them is the folder being read.
        text.number("process_open_fds", &[], open.count().saturating_sub(1) as u64);
    }
    if let Some(max) = descriptors_max(&read("/proc/self/limits")) {
        text.family("process_max_fds", "gauge", "File descriptors that may be open.");
        text.number("process_max_fds", &[], max);
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Stat {
    cpu_ticks: u64,
    threads: u64,
    started_ticks: u64,
    virtual_bytes: u64,
}

impl Stat {
    /// The second field is the program's name in parentheses, and may hold anything: what follows the last `)` counts.
    fn parse(text: &str) -> Option<Self> {
        let (_, rest) = text.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // The first field here is field 3 of proc(5).
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)?.saturating_add(field(15)?),
            threads: field(20)?,
            started_ticks: field(22)?,
            virtual_bytes: field(23)?,
        })
    }
}

fn booted(text: &str) -> Option<u64> {
    text.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}

/// In units of 1024 bytes.
fn resident(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

fn descriptors_max(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{Stat, booted, descriptors_max, resident};

    #[test]
    fn files_of_linux() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194304 95 0 0 0 11 22 0 0 20 0 5 0 3456 7890 123 0";
        let expect = Stat { cpu_ticks: 33, threads: 5, started_ticks: 3456, virtual_bytes: 7890 };
        assert_eq!(Stat::parse(stat), Some(expect));
        assert_eq!(Stat::parse("7 (a) S 1"), None);
        assert_eq!(Stat::parse(""), None);
        assert_eq!(booted("cpu 1\nbtime 1700000000\n"), Some(1_700_000_000));
        assert_eq!(resident("Name:\tx\nVmRSS:\t    5120 kB\n"), Some(5120));
        assert_eq!(
            descriptors_max("Max open files            1024                 4096       files\n"),
            Some(1024)
        );
        assert_eq!(
            descriptors_max("Max open files            unlimited            unlimited  files\n"),
            None
        );
    }
}
