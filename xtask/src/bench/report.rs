//! Rows, ratios and the tables in `docs/performance.md`.

use std::fmt::Write;
use std::path::Path;

use serde_json::Value;

/// One round of one contestant.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    cpu_us: f64,
    p50_us: f64,
    p99_us: f64,
}

impl Sample {
    /// From the CPU per request and a line of the load generator.
    pub fn of(cpu_us: f64, line: &Value) -> Sample {
        let number = |key: &str| line[key].as_f64().unwrap_or(0.0);
        Sample { cpu_us, p50_us: number("p50_us"), p99_us: number("p99_us") }
    }
}

/// One contestant of a table.
#[derive(Debug)]
pub struct Row {
    name: String,
    pub samples: Vec<Sample>,
    pub peak_kib: u64,
    /// Why it has no figures.
    pub failure: Option<String>,
}

impl Row {
    /// Without samples yet.
    pub fn new(name: &str) -> Row {
        Row { name: name.to_owned(), samples: Vec::new(), peak_kib: 0, failure: None }
    }

    /// One that did not start.
    pub fn absent(name: &str, reason: String) -> Row {
        Row { failure: Some(reason), ..Row::new(name) }
    }

    fn sorted(&self, value: impl Fn(&Sample) -> f64) -> Vec<f64> {
        let mut values: Vec<f64> = self.samples.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    fn median(&self, value: impl Fn(&Sample) -> f64) -> Option<f64> {
        median(self.samples.iter().map(value).collect())
    }

    fn cpu(&self) -> Option<f64> {
        self.median(|sample| sample.cpu_us).filter(|_| self.failure.is_none())
    }

    /// Its CPU as a multiple of another's: the median of the rounds' own ratios. A machine that others share is slower in one
    /// round and faster in the next, for all who take their turn in it.
    fn cpu_beside(&self, other: &Row) -> Option<f64> {
        if self.failure.is_some() || other.failure.is_some() {
            return None;
        }
        let rounds = self.samples.iter().zip(&other.samples).filter(|(_, other)| other.cpu_us > 0.0);
        median(rounds.map(|(own, other)| own.cpu_us / other.cpu_us).collect())
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

/// How long a contestant takes until it is of use, and how large it is.
#[derive(Debug)]
pub struct Start {
    pub name: &'static str,
    pub program_bytes: u64,
    pub took_us: Vec<f64>,
    /// Why it has no figures.
    pub failure: Option<String>,
}

/// A table of starts, beside that of `against`.
pub fn starts(title: &str, rows: &mut [Start], against: &str) -> String {
    let mut text =
        format!("| {title} | median (range) | {against} = 1 | program |\n| --- | ---: | ---: | ---: |\n");
    rows.iter_mut().for_each(|row| row.took_us.sort_by(f64::total_cmp));
    let usual = |row: &Start| median(row.took_us.clone()).filter(|_| row.failure.is_none());
    let base = rows.iter().find(|row| row.name == against).and_then(usual);
    for row in &*rows {
        let (Some(took), [first, .., last]) = (usual(row), row.took_us.as_slice()) else {
            let reason = row.failure.as_deref().unwrap_or("no figures").replace(['|', '\n'], " ");
            let _ = writeln!(text, "| {} | {reason} | | |", row.name);
            continue;
        };
        let ratio = base.map_or("–".to_owned(), |base| format!("{:.2}", took / base));
        let _ = writeln!(
            text,
            "| {} | {} ({}–{}) | {ratio} | {:.2} MB |",
            row.name,
            time(took),
            time(*first),
            time(*last),
            row.program_bytes as f64 / 1e6
        );
    }
    text
}

/// One table: a line a contestant, with its CPU as a ratio to each of `against`.
pub fn table(title: &str, rows: &[Row], against: &[&str]) -> String {
    let mut text = format!("| {title} | CPU per request, median (range) |");
    for name in against {
        let _ = write!(text, " CPU, {name} = 1 |");
    }
    text.push_str(" latency p50 / p99 | peak memory |\n| --- | ---: |");
    text.push_str(&" ---: |".repeat(against.len() + 2));
    text.push('\n');
    for row in rows {
        let Some(cpu) = row.cpu() else {
            let reason = row.failure.as_deref().unwrap_or("no figures").replace(['|', '\n'], " ");
            let _ = writeln!(text, "| {} | {reason} |{}", row.name, " |".repeat(against.len() + 2));
            continue;
        };
        let range = row.sorted(|sample| sample.cpu_us);
        let ends = (range.first().copied().unwrap_or(cpu), range.last().copied().unwrap_or(cpu));
        let _ = write!(text, "| {} | {} ({}–{}) |", row.name, time(cpu), time(ends.0), time(ends.1));
        for name in against {
            let other = rows.iter().find(|row| row.name == *name);
            let _ = match other.and_then(|other| row.cpu_beside(other)) {
                Some(ratio) => write!(text, " {ratio:.2} |"),
                None => write!(text, " – |"),
            };
        }
        let latency = |value: fn(&Sample) -> f64| time(row.median(value).unwrap_or(0.0));
        let _ = writeln!(
            text,
            " {} / {} | {:.1} MB |",
            latency(|sample| sample.p50_us),
            latency(|sample| sample.p99_us),
            row.peak_kib as f64 / 1024.0
        );
    }
    text
}

/// A table of rows beside their twins, (row, twin): ratio and difference; and everything beside `base`.
pub fn pairs(title: &str, rows: &[Row], twins: &[(&str, &str)], base: &str) -> String {
    let named = |name: &str| rows.iter().find(|row| row.name == name);
    let mut text = format!(
        "| {title} | CPU per request, median (range) | beside | its CPU = 1 | difference | CPU, {base} = 1 |\n\
         | --- | ---: | --- | ---: | ---: | ---: |\n"
    );
    for row in rows {
        let Some(own) = row.cpu() else {
            let reason = row.failure.as_deref().unwrap_or("no figures").replace(['|', '\n'], " ");
            let _ = writeln!(text, "| {} | {reason} | | | | |", row.name);
            continue;
        };
        let range = row.sorted(|sample| sample.cpu_us);
        let ends = (range.first().copied().unwrap_or(own), range.last().copied().unwrap_or(own));
        let _ = write!(text, "| {} | {} ({}–{}) |", row.name, time(own), time(ends.0), time(ends.1));
        let twin = twins.iter().find(|(name, _)| *name == row.name);
        let beside = |name: &str| {
            let other = named(name)?;
            Some((row.cpu_beside(other)?, own - other.cpu()?))
        };
        let _ = match twin.map(|(_, twin)| (twin, beside(twin))) {
            None => write!(text, " | | |"),
            Some((twin, None)) => write!(text, " {twin} | – | – |"),
            Some((twin, Some((ratio, difference)))) => {
                write!(text, " {twin} | {ratio:.2} | {difference:+.1} µs |")
            }
        };
        let _ = match beside(base) {
            Some((ratio, _)) => writeln!(text, " {ratio:.2} |"),
            None => writeln!(text, " – |"),
        };
    }
    text
}

/// A table of percentiles: a line a contestant, from what its load generator said.
pub fn latencies(title: &str, rows: &[(String, Result<Value, String>)], columns: &[(&str, &str)]) -> String {
    let mut text = format!("| {title} |");
    for (name, _) in columns {
        let _ = write!(text, " {name} |");
    }
    let _ = writeln!(text, "\n| --- |{}", " ---: |".repeat(columns.len()));
    for (name, said) in rows {
        let _ = write!(text, "| {name} |");
        match said {
            Ok(line) => {
                for (_, key) in columns {
                    let _ = write!(text, " {} |", time(line[key].as_f64().unwrap_or(0.0)));
                }
            }
            Err(reason) => {
                let _ =
                    write!(text, " {} |{}", reason.replace(['|', '\n'], " "), " |".repeat(columns.len() - 1));
            }
        }
        text.push('\n');
    }
    text
}

fn time(us: f64) -> String {
    match us {
        us if us < 100.0 => format!("{us:.1} µs"),
        us if us < 1000.0 => format!("{us:.0} µs"),
        us => format!("{:.2} ms", us / 1000.0),
    }
}

/// Replaces what stands between the markers of `suite` in the page.
pub fn record(page: &Path, suite: &str, section: &str) -> Result<(), String> {
    let shown = page.display();
    let text = std::fs::read_to_string(page).map_err(|error| format!("cannot read `{shown}`: {error}"))?;
    let text = replaced(&text, suite, section).ok_or(format!("`{shown}` has no markers for `{suite}`"))?;
    std::fs::write(page, text).map_err(|error| format!("cannot write `{shown}`: {error}"))
}

fn replaced(text: &str, suite: &str, section: &str) -> Option<String> {
    let (before, rest) = text.split_once(&format!("<!-- {suite}: begin -->"))?;
    let (_, after) = rest.split_once(&format!("<!-- {suite}: end -->"))?;
    let section = section.trim();
    Some(format!("{before}<!-- {suite}: begin -->\n\n{section}\n\n<!-- {suite}: end -->{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, cpu: &[f64]) -> Row {
        let sample = |cpu: &f64| Sample { cpu_us: *cpu, p50_us: 10.0, p99_us: 2000.0 };
        Row { samples: cpu.iter().map(sample).collect(), peak_kib: 2048, ..Row::new(name) }
    }

    #[test]
    fn ratios_of_rounds() {
        let mut broken = row("c", &[]);
        broken.failure = Some("no such\npackage".to_owned());
        // The slow round is slow for both; the medians alone would say 0.50.
        let rows = [row("a", &[30.0, 10.0, 20.0]), row("b", &[120.0, 30.0, 40.0]), broken];
        let text = table("small", &rows, &["b", "c"]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2], "| a | 20.0 µs (10.0 µs–30.0 µs) | 0.33 | – | 10.0 µs / 2.00 ms | 2.0 MB |");
        assert_eq!(lines[4], "| c | no such package | | | | |");
    }

    #[test]
    fn starts_beside_the_peers() {
        let start = |name, took_us: &[f64], failure: Option<&str>| Start {
            name,
            program_bytes: 3_210_000,
            took_us: took_us.to_vec(),
            failure: failure.map(str::to_owned),
        };
        let mut rows = [
            start("a", &[3000.0, 1000.0, 2000.0], None),
            start("b", &[4000.0, 4000.0], None),
            start("c", &[1.0, 2.0], Some("died")),
        ];
        let text = starts("start", &mut rows, "b");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2], "| a | 2.00 ms (1.00 ms–3.00 ms) | 0.50 | 3.21 MB |");
        assert_eq!(lines[4], "| c | died | | |");
        assert!(starts("start", &mut rows, "c").lines().nth(2).is_some_and(|line| line.contains("| – |")));
    }

    #[test]
    fn rows_and_their_twins() {
        let rows = [row("a", &[20.0]), row("b", &[40.0]), row("c", &[])];
        let text = pairs("small", &rows, &[("b", "a"), ("a", "c")], "b");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[2], "| a | 20.0 µs (20.0 µs–20.0 µs) | c | – | – | 0.50 |");
        assert_eq!(lines[3], "| b | 40.0 µs (40.0 µs–40.0 µs) | a | 2.00 | +20.0 µs | 1.00 |");
        assert_eq!(lines[4], "| c | no figures | | | | |");
    }

    #[test]
    fn percentiles() {
        let said = serde_json::json!({"a": 12, "b": 3400});
        let rows = [("x".to_owned(), Ok(said)), ("y".to_owned(), Err("no\nway".to_owned()))];
        let text = latencies("slow", &rows, &[("A", "a"), ("B", "b")]);
        assert_eq!(
            text,
            "| slow | A | B |\n| --- | ---: | ---: |\n| x | 12.0 µs | 3.40 ms |\n| y | no way | |\n"
        );
    }

    #[test]
    fn markers() {
        let page = "a\n<!-- x: begin -->\nold\n<!-- x: end -->\nb";
        let expect = "a\n<!-- x: begin -->\n\nnew\n\n<!-- x: end -->\nb";
        assert_eq!(replaced(page, "x", "new\n").as_deref(), Some(expect));
        assert_eq!(replaced(page, "y", "new"), None);
    }
}
