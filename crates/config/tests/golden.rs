//! Golden folders, by dialect: `input.yaml` (or `.json`, or a folder `input`) beside the diagnostics and the model it gives.
//!
//! `UPDATE_GOLDEN=1` writes what is there now; without it a difference fails, and names the folder.

use std::fs;
use std::path::{Path, PathBuf};

use lambridge_config::load;

#[test]
fn every_dialect() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut cases: Vec<PathBuf> = below(&root).iter().flat_map(|dialect| below(dialect)).collect();
    cases.sort();
    assert!(cases.len() >= 25, "only {} cases", cases.len());
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut different = Vec::new();
    for case in &cases {
        let (diagnostics, model) = run(case);
        for (name, found) in [("diagnostics.txt", diagnostics), ("model.txt", model)] {
            let path = case.join(name);
            if update {
                fs::write(&path, found).unwrap();
            } else if fs::read_to_string(&path).unwrap_or_default() != found {
                different.push(format!("{}\n{found}", path.display()));
            }
        }
    }
    assert!(different.is_empty(), "different (UPDATE_GOLDEN=1 accepts):\n{}", different.join("\n"));
}

fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of cases");
    entries.map(|entry| entry.expect("an entry").path()).filter(|path| path.is_dir()).collect()
}

/// Paths in the output start at the case's folder, so that it reads the same everywhere.
fn run(case: &Path) -> (String, String) {
    let input = ["input", "input.yaml", "input.json"].map(|name| case.join(name));
    let input = input.into_iter().find(|path| path.exists()).expect("a case has an input");
    let env = |name: &str| match name {
        "REGION" => Some("eu-west-1".to_owned()),
        "MAX" => Some("7".to_owned()),
        "KEY" => Some("hunter2".to_owned()),
        "EMPTY" => Some(String::new()),
        _ => None,
    };
    let loaded = load(&[input], &env);
    assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
    let folder = format!("{}/", case.display());
    let diagnostics = loaded.diagnostics.render_text().replace(&folder, "");
    assert!(!diagnostics.contains("hunter2"), "a secret is shown:\n{diagnostics}");
    let model = loaded.model.map(|model| format!("{model:#?}\n")).unwrap_or_default();
    let model = model.replace(&folder, "").replace(&case.display().to_string(), "");
    (diagnostics, model)
}
