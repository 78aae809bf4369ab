//! The tables of `docs/compatibility/*.md` are those of the code. `UPDATE_DOCS=1` writes them.
//!
//! A page's head is written by hand, down to the mark; all below it is made here.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use lambridge_config::{Key, Support, tables};

const MARK: &str =
    "<!-- made from the code: UPDATE_DOCS=1 cargo test -p lambridge-config --test compatibility -->";

#[test]
fn pages_are_current() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/compatibility");
    let mut pages: BTreeMap<&str, String> = BTreeMap::new();
    // The native dialect has a reference, which says more of a key: `tests/reference.rs`.
    for (page, part, keys) in tables().into_iter().filter(|(page, _, _)| *page != "native") {
        pages.entry(page).or_default().push_str(&rendered(part, keys));
    }
    assert!(pages.len() >= 4, "only {} pages", pages.len());
    for (page, tables) in pages {
        let path = folder.join(format!("{page}.md"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (head, found) = text.split_once(MARK).unwrap_or_else(|| panic!("{page}.md has no mark:\n{MARK}"));
        let expect = format!("\n\n{}", tables.trim_end());
        if std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&path, format!("{head}{MARK}{expect}\n")).unwrap();
        } else {
            assert!(found.trim_end() == expect, "{page}.md is not current: UPDATE_DOCS=1 writes it");
        }
    }
}

fn rendered(part: &str, keys: &[Key]) -> String {
    let count = |wanted: fn(&Support) -> bool| keys.iter().filter(|key| wanted(&key.support)).count();
    let supported = count(|support| *support == Support::Yes);
    let ignored = count(|support| matches!(support, Support::Ignored { .. }));
    let refused = count(|support| matches!(support, Support::Refused { .. }));
    let mut out = format!("## {part}\n\n{supported} supported, {ignored} ignored, {refused} refused.\n\n");
    out.push_str("| key | what it does | |\n| --- | --- | --- |\n");
    for key in keys {
        let support = match key.support {
            Support::Yes => "yes".to_owned(),
            Support::Ignored { why } => format!("ignored: {why}"),
            Support::Refused { way_out } => format!("refused: {way_out}"),
        };
        let _ = writeln!(out, "| `{}` | {} | {} |", cell(key.path), cell(key.about), cell(&support));
    }
    out.push('\n');
    out
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
