//! `convert` and `explain` through the binary.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Output};

const FILE: &str = "lambridge: 1
listeners: [{ address: 127.0.0.1:8080, tls: { cert_file: chain.pem, key_file: key.pem } }]
functions:
  shop:
    region: eu-west-1
    use_fips: true
    failover: [{ region: cn-north-1, endpoint: 'http://h:1/base', name: spare }]
    credentials: { access_key_id: AKID, secret_access_key: hunter2 }
    run: { command: ./run, dir: app }
routes:
  - { id: item, match: { path: '/items/{id}', methods: [GET] }, function: shop }
  - { id: any, match: { path_prefix: / }, static: { status: 404, body: '${file:body.txt}' } }
";

fn lambridge(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_lambridge")).args(arguments).current_dir(folder).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A folder with the file above and what it names.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("gateway.yaml"),
        FILE.replace(", tls: { cert_file: chain.pem, key_file: key.pem }", ""),
    )
    .unwrap();
    fs::write(folder.path().join("body.txt"), "it is ${gone}\n").unwrap();
    folder
}

#[test]
fn secrets_go_to_files_of_their_own() {
    let folder = folder();
    let path = folder.path();
    let output = lambridge(path, &["convert", "-c", "gateway.yaml", "-o", "out/native.yaml"]);
    assert!(!output.status.success(), "the folder of the output is not made up");
    fs::create_dir(path.join("out")).unwrap();
    let output = lambridge(path, &["convert", "-c", "gateway.yaml", "-o", "out/native.yaml"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let secret = path.join("out/secrets/shop.secret_access_key");
    assert!(text(&output.stderr).contains("1 secret was written to "), "{}", text(&output.stderr));
    assert_eq!(fs::read_to_string(&secret).unwrap(), "hunter2");
    assert_eq!(fs::metadata(&secret).unwrap().permissions().mode() & 0o777, 0o600);
    let printed = fs::read_to_string(path.join("out/native.yaml")).unwrap();
    assert!(!printed.contains("hunter2"), "{printed}");
    assert!(printed.contains(&format!("dir: {}", path.join("app").display())), "{printed}");
    assert!(printed.contains("body: \"it is $${gone}\""), "{printed}");

    // What was printed prints itself.
    let again = lambridge(path, &["convert", "-c", "out/native.yaml", "--secrets", "out/secrets"]);
    assert_eq!(text(&again.stdout).trim_end(), printed.trim_end());
    let shown = lambridge(path, &["convert", "-c", "gateway.yaml", "--show-secrets"]);
    assert!(text(&shown.stdout).contains("secret_access_key: \"hunter2\""));
}

#[test]
fn explain_names_the_route_and_why_not_the_others() {
    let folder = folder();
    let explain = |arguments: &[&str]| {
        let arguments = [&["explain", "-c", "gateway.yaml"], arguments].concat();
        lambridge(folder.path(), &arguments)
    };
    let output = explain(&["GET", "http://localhost:8080/items/7?x=1"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(
        text(&output.stdout),
        "route `item` answers (gateway.yaml:11:7)
  function `shop`: shop, event http_v2, at https://lambda-fips.eu-west-1.amazonaws.com, signed for eu-west-1
  failing that, spare, event http_v2, at http://h:1/base, signed for cn-north-1
  id = 7
why not the others:
  `any`: it matches too, but its path is less specific than that of `item` (gateway.yaml:12:7)
"
    );
    let output = explain(&["DELETE", "/items/7", "--format", "json"]);
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["route"]["id"], "any");
    assert_eq!(found["others"][0]["reason"], "it takes GET");
    let output = explain(&["GET", "items"]);
    assert!(text(&output.stderr).contains("has no path"), "{}", text(&output.stderr));
    assert!(!output.status.success());
}
