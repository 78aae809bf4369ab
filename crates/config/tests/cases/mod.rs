//! The golden folders, by dialect, and how each is read.

use std::fs;
use std::path::{Path, PathBuf};

use lambridge_config::{Loaded, load};

/// Every case of every dialect, in order.
pub fn all() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut cases: Vec<PathBuf> = below(&root).iter().flat_map(|dialect| below(dialect)).collect();
    cases.sort();
    cases
}

/// Reads a case's input.
pub fn read(case: &Path) -> Loaded {
    let input = ["input", "input.yaml", "input.json"].map(|name| case.join(name));
    let input = input.into_iter().find(|path| path.exists()).expect("a case has an input");
    let env = |name: &str| match name {
        "REGION" => Some("eu-west-1".to_owned()),
        "MAX" => Some("7".to_owned()),
        "KEY" => Some("hunter2".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    load(&[input], &env)
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of cases");
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()).collect()
}
