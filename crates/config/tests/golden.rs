//! Golden folders, by dialect: `input.yaml` (or `.json`, or a folder `input`) beside the diagnostics and the model it gives.
//!
//! `UPDATE_GOLDEN=1` writes what is there now; without it a difference fails, and names the folder.

use std::fs;
use std::path::Path;

mod cases;

#[test]
fn every_dialect() {
    let cases = cases::all();
    assert!(cases.len() >= 25, "only {} cases", cases.len());
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut different = Vec::new();
    for case in &cases {
        let (diagnostics, model) = run(case);
        // A slip in such a file would end the test of all that is in it.
        let whole = ["everything", "whole"].iter().any(|name| case.ends_with(name));
        assert!(!whole || !model.is_empty(), "{}:\n{diagnostics}", case.display());
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

/// Paths in the output start at the case's folder, so that it reads the same everywhere.
fn run(case: &Path) -> (String, String) {
    let loaded = cases::read(case);
    assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
    let folder = format!("{}/", case.display());
    let diagnostics = loaded.diagnostics.render_text().replace(&folder, "");
    assert!(!diagnostics.contains("hunter2"), "a secret is shown:\n{diagnostics}");
    let model = loaded.model.map(|model| format!("{model:#?}\n")).unwrap_or_default();
    let model = model.replace(&folder, "").replace(&case.display().to_string(), "");
    (diagnostics, model)
}
