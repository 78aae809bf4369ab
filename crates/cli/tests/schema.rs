//! What editors and shells ask for: the schema, and completions.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

fn lambridge(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lambridge")).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_schema_is_json() {
    let schema: serde_json::Value = serde_json::from_str(&lambridge(&["schema"])).unwrap();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["properties"]["log"]["properties"]["format"]["default"], "text");
}

#[test]
fn shells_complete() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = lambridge(&["completions", shell]);
        assert!(script.contains("gateway") && script.contains("bind"), "{shell}:\n{script}");
        assert!(!script.contains("exec-child --"), "hidden commands are offered by {shell}");
    }
    let script = lambridge(&["completions", "bash"]);
    let asked =
        "COMP_WORDS=(lambridge sch); COMP_CWORD=1; _lambridge lambridge sch lambridge; echo ${COMPREPLY[@]}";
    let bash = Command::new("bash").args(["-c", &format!("{script}\n{asked}")]).output().unwrap();
    let found = String::from_utf8_lossy(&bash.stdout).into_owned();
    assert_eq!(found.trim(), "schema", "{}", String::from_utf8_lossy(&bash.stderr));
}
