//! The reference of the native dialect is its table. `UPDATE_DOCS=1` writes it.
//!
//! The page's head is written by hand, down to the mark; all below it is made here.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use lambridge_config::{Absent, Key, Kind, Support, tables};

const MARK: &str =
    "<!-- made from the code: UPDATE_DOCS=1 cargo test -p lambridge-config --test reference -->";

#[test]
fn the_reference_is_current() {
    let (_, _, keys) = tables().into_iter().find(|(page, _, _)| *page == "native").unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/native.md");
    let text = fs::read_to_string(&path).unwrap();
    let (head, found) = text.split_once(MARK).unwrap_or_else(|| panic!("the page has no mark:\n{MARK}"));
    let expect = format!("\n\n{}", rendered(keys).trim_end());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, format!("{head}{MARK}{expect}\n")).unwrap();
    } else {
        assert!(found.trim_end() == expect, "the reference is not current: UPDATE_DOCS=1 writes it");
    }
}

/// A section for each key of the top, and for `run`, which is for `dev` and the emulator alone.
fn rendered(keys: &[Key]) -> String {
    let mut out = String::new();
    let mut current = String::new();
    for (at, key) in keys.iter().enumerate().filter(|(_, key)| !key.path.contains(": ")) {
        let section = section(key.path);
        if section != current {
            let _ = write!(out, "{}## `{section}`\n\n", if current.is_empty() { "" } else { "\n" });
            out.push_str("| key | takes | when absent | |\n| --- | --- | --- | --- |\n");
            current = section.to_owned();
        }
        let words = words(keys, at);
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            cell(key.path),
            cell(&takes(key, keys, &words)),
            cell(&absent(key)),
            cell(&about(key, &words))
        );
    }
    out
}

fn section(path: &str) -> &str {
    const RUN: &str = "functions.*.run";
    match path.strip_prefix(RUN) {
        Some(_) => RUN,
        None => path.split(['.', '[']).next().unwrap_or(path),
    }
}

/// The words that the key takes, and what each is for.
fn words(keys: &[Key], at: usize) -> Vec<(&'static str, &Key)> {
    let word = |key: &Key| key.path.strip_prefix(keys[at].path)?.strip_prefix(": ");
    keys.iter().filter_map(|key| Some((word(key)?, key))).collect()
}

fn takes(key: &Key, keys: &[Key], words: &[(&str, &Key)]) -> String {
    let below = |end: &str| keys.iter().any(|other| other.path.starts_with(&format!("{}{end}", key.path)));
    match key.kind {
        Kind::Rows if !words.is_empty() => {
            let served = words.iter().filter(|(_, key)| key.support == Support::Yes);
            served.map(|(word, _)| format!("`{word}`")).collect::<Vec<_>>().join(", ")
        }
        Kind::Rows if below("[]") => "list of maps".to_owned(),
        Kind::Rows if below(".*") => "map of maps, by name".to_owned(),
        Kind::Rows if below(".") => "map".to_owned(),
        Kind::Rows => "text".to_owned(),
        Kind::Text(sort) => sort.to_owned(),
        Kind::Bool => "`true`, `false`".to_owned(),
        Kind::Number(low, high) if low == high => format!("`{low}`"),
        Kind::Number(low, high) => format!("number, {low} to {high}"),
        Kind::Size(low, high) => format!("size, {low} to {high}"),
        Kind::Duration(low, high) => format!("duration, {low} to {high}"),
        Kind::Share => "share, as `12.5%`".to_owned(),
        Kind::Price => "US dollars, 0 to 1000".to_owned(),
        Kind::List(sort) => format!("list, each {sort}"),
        Kind::Map(sort) => format!("{sort} by name"),
        Kind::MapOfLists(sort) => format!("{sort}, or a list of it, by name"),
    }
}

fn absent(key: &Key) -> String {
    match key.absent {
        _ if key.support != Support::Yes => String::new(),
        Absent::Nothing => "–".to_owned(),
        Absent::Value(value) => format!("`{value}`"),
        Absent::Said(words) => words.to_owned(),
        Absent::Wrong => "an error".to_owned(),
    }
}

fn about(key: &Key, words: &[(&str, &Key)]) -> String {
    let mut about = match key.support {
        Support::Yes => key.about.to_owned(),
        Support::Ignored { why } => format!("{}; ignored: {why}", key.about),
        Support::Refused { way_out } => format!("{}; refused: {way_out}", key.about),
    };
    let each = words.iter().map(|(word, key)| match key.support {
        Support::Refused { way_out } => format!("`{word}` is refused: {way_out}"),
        _ => format!("`{word}`: {}", key.about),
    });
    let each: Vec<String> = each.collect();
    if !each.is_empty() {
        let _ = write!(about, ". {}", each.join("; "));
    }
    about
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
