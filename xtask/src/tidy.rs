//! `cargo xtask tidy`: the rules of the house that the compiler does not know.
//!
//! * Which crate may depend on which ([`CRATES`]): the two narrow waists stay narrow only while nobody takes a short cut.
//! * Which crates are pure: no runtime, no socket, no process in them.
//! * Every crate follows the workspace's lints.
//!
//! The rules read what cargo says about the manifests (`cargo metadata --no-deps`), so a renamed or a target-specific
//! dependency is seen too.

use std::path::Path;

use serde_json::Value;

use crate::workspace;

/// One row of the table in ARCHITECTURE.md.
struct Rule {
    /// The package, without `lambridge-`.
    name: &'static str,
    /// The packages it may depend on, also without `lambridge-`.
    may: &'static [&'static str],
    /// Crates from outside that would break its charter.
    never: &'static [&'static str],
}

/// A runtime, a socket or a process: not in a crate that is pure.
const IMPURE: &[&str] = &["tokio", "hyper", "hyper-util", "rustix", "socket2", "getrandom"];

const CRATES: &[Rule] = &[
    Rule { name: "event", may: &[], never: IMPURE },
    Rule { name: "wire", may: &[], never: IMPURE },
    Rule { name: "model", may: &["event", "wire"], never: IMPURE },
    Rule { name: "config", may: &["model", "event", "wire"], never: &["tokio", "hyper"] },
    Rule { name: "invoke", may: &["wire", "model"], never: &[] },
    Rule { name: "gateway", may: &["model", "event", "wire", "invoke"], never: &["notify", "saphyr-parser"] },
    Rule { name: "adapter", may: &["event", "wire"], never: &["rustls", "tokio-rustls", "regex"] },
    Rule { name: "emulator", may: &["event", "wire", "model"], never: &[] },
    Rule { name: "kubernetes", may: &["config", "model", "invoke"], never: &[] },
    Rule {
        name: "cli",
        may: &["event", "wire", "model", "config", "invoke", "gateway", "adapter", "emulator", "kubernetes"],
        never: &[],
    },
    Rule { name: "testkit", may: &["event", "wire", "model"], never: &[] },
    Rule { name: "benches", may: &["event", "wire"], never: &[] },
];

/// Reads the manifests and reports every rule that is broken.
pub fn run() -> Result<(), String> {
    let workspace = workspace::load()?;
    let mut broken = arrows(&workspace.metadata);
    let mut crates = 0;
    for package in packages(&workspace.metadata) {
        let manifest = package["manifest_path"].as_str().unwrap_or_default();
        let text = std::fs::read_to_string(manifest).map_err(|e| format!("cannot read `{manifest}`: {e}"))?;
        let shown = Path::new(manifest).strip_prefix(&workspace.root).unwrap_or(Path::new(manifest));
        if !follows_lints(&text) {
            broken.push(format!("{}: `[lints] workspace = true` is missing", shown.display()));
        }
        crates += 1;
    }
    if broken.is_empty() {
        println!("tidy: {crates} crates, nothing to say");
        return Ok(());
    }
    Err(format!("{}\ntidy: {} broken rules", broken.join("\n"), broken.len()))
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    metadata["packages"].as_array().into_iter().flatten()
}

/// Every arrow that is not in the table, and every dependency that breaks a charter.
fn arrows(metadata: &Value) -> Vec<String> {
    let mut broken = Vec::new();
    for package in packages(metadata) {
        let full = package["name"].as_str().unwrap_or_default();
        let Some(name) = full.strip_prefix("lambridge-") else { continue };
        let Some(rule) = CRATES.iter().find(|rule| rule.name == name) else {
            broken.push(format!("`{full}` has no row in the table of xtask/src/tidy.rs and ARCHITECTURE.md"));
            continue;
        };
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            // What only tests need is free: the arrow does not exist in what is shipped.
            if dependency["kind"].as_str() == Some("dev") {
                continue;
            }
            let target = dependency["name"].as_str().unwrap_or_default();
            let ours = target.strip_prefix("lambridge-");
            if ours == Some("testkit") {
                broken.push(format!("`{full}` depends on `{target}`, which is for tests only"));
            } else if ours.is_some_and(|ours| !rule.may.contains(&ours)) {
                broken.push(format!("`{full}` must not depend on `{target}`"));
            } else if rule.never.contains(&target) {
                broken.push(format!("`{full}` must not depend on `{target}`: it breaks its charter"));
            }
        }
    }
    broken
}

/// Whether a manifest has `workspace = true` in its `[lints]` table; the metadata does not say.
fn follows_lints(manifest: &str) -> bool {
    let mut table = "";
    for line in manifest.lines().map(|line| line.split('#').next().unwrap_or_default().trim()) {
        if line.starts_with('[') {
            table = line;
        } else if table == "[lints]" && line.replace(' ', "") == "workspace=true" {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A workspace with one package `name` that depends on `(name, kind)`s; what tidy says about it.
    fn check(name: &str, dependencies: &[(&str, Option<&str>)], expect: &[&str]) {
        let dependencies: Vec<Value> =
            dependencies.iter().map(|(name, kind)| json!({ "name": name, "kind": kind })).collect();
        let metadata = json!({ "packages": [{ "name": name, "dependencies": dependencies }] });
        assert_eq!(arrows(&metadata), expect, "{name}");
    }

    #[test]
    fn arrows_in_the_table_pass() {
        check("lambridge-model", &[("lambridge-event", None), ("lambridge-wire", None)], &[]);
        check("lambridge-cli", &[("lambridge-gateway", None), ("tokio", None)], &[]);
        check("lambridge-gateway", &[("lambridge-invoke", None), ("hyper", None)], &[]);
        check("xtask", &[("serde_json", None)], &[]);
    }

    #[test]
    fn arrows_outside_the_table_are_named() {
        check(
            "lambridge-gateway",
            &[("lambridge-config", None)],
            &["`lambridge-gateway` must not depend on `lambridge-config`"],
        );
        check(
            "lambridge-event",
            &[("lambridge-wire", None)],
            &["`lambridge-event` must not depend on `lambridge-wire`"],
        );
        check(
            "lambridge-wire",
            &[("lambridge-event", Some("build"))],
            &["`lambridge-wire` must not depend on `lambridge-event`"],
        );
    }

    #[test]
    fn testkit_is_for_tests() {
        check("lambridge-emulator", &[("lambridge-testkit", Some("dev"))], &[]);
        check(
            "lambridge-emulator",
            &[("lambridge-testkit", None)],
            &["`lambridge-emulator` depends on `lambridge-testkit`, which is for tests only"],
        );
    }

    #[test]
    fn pure_crates_stay_pure() {
        for name in ["event", "wire", "model"] {
            for outside in ["tokio", "hyper", "rustix"] {
                let expect =
                    format!("`lambridge-{name}` must not depend on `{outside}`: it breaks its charter");
                check(&format!("lambridge-{name}"), &[(outside, None)], &[&expect]);
                check(&format!("lambridge-{name}"), &[(outside, Some("dev"))], &[]);
            }
        }
    }

    #[test]
    fn every_fault_is_reported() {
        check(
            "lambridge-adapter",
            &[("regex", None), ("lambridge-model", None)],
            &[
                "`lambridge-adapter` must not depend on `regex`: it breaks its charter",
                "`lambridge-adapter` must not depend on `lambridge-model`",
            ],
        );
    }

    #[test]
    fn a_new_crate_needs_a_row() {
        check(
            "lambridge-extra",
            &[],
            &["`lambridge-extra` has no row in the table of xtask/src/tidy.rs and ARCHITECTURE.md"],
        );
    }

    #[test]
    fn lints_are_found_in_their_own_table_only() {
        for (manifest, expect) in [
            ("[lints]\nworkspace = true\n", true),
            ("[package]\nname = \"a\"\n\n[lints]\nworkspace=true # policy\n", true),
            ("[package]\nworkspace = true\n", false),
            ("[lints]\n\n[dependencies]\nworkspace = true\n", false),
            ("[lints]\n# workspace = true\n", false),
            ("[lints.rust]\nunsafe_code = \"deny\"\n", false),
        ] {
            assert_eq!(follows_lints(manifest), expect, "{manifest}");
        }
    }
}
