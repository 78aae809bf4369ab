//! Whatever the bytes: a model or an error, no panic, and in bounded time.

use std::time::{Duration, Instant};

use lambridge_config::{load, load_text};
use proptest::prelude::*;

const VALID: &str = include_str!("golden/native/everything/input.yaml");
const KRAKEND: &str = include_str!("golden/krakend/answers/input.yaml");
const RUNWAY: &str = include_str!("golden/runway/everything/input.yaml");
const KUBERNETES: &str = include_str!("golden/kubernetes/kgateway-everything/input.yaml");
const VALID_JSON: &str = include_str!("golden/native/json-native/input.json");

/// Far above what any of these inputs takes, far below what a blow-up would.
const LONG: Duration = Duration::from_secs(120);

fn check(name: &str, text: &str) {
    let start = Instant::now();
    let loaded = load_text(name, text, &|name| (name == "SET").then(|| "value".to_owned()));
    assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
    let _ = (loaded.diagnostics.render_text(), loaded.diagnostics.render_json());
    assert!(start.elapsed() < LONG, "{:?} for {} bytes", start.elapsed(), text.len());
}

/// Pieces of `text` taken out, repeated, or replaced by marks that mean something.
fn mutate(text: &str, edits: &[(usize, usize, u8)]) -> String {
    const MARKS: [&str; 20] = [
        "{", "}", "[", "]", ":", "\n", "- ", "&a ", "*a", "|\n", "\"", "'", "#", "? ", "!!str ", "---\n",
        "\t", "${env:", "\u{0}", "é",
    ];
    let mut chars: Vec<char> = text.chars().collect();
    for &(at, length, what) in edits {
        let at = at % (chars.len() + 1);
        let end = (at + length).min(chars.len());
        let piece: Vec<char> = match what {
            0..=19 => MARKS[usize::from(what)].chars().collect(),
            20..=25 => Vec::new(),
            _ => [&chars[at..end], &chars[at..end]].concat(),
        };
        chars.splice(at..end, piece);
    }
    chars.into_iter().collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn bytes(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a.yaml", "a.json"] {
            std::fs::write(folder.path().join(name), &bytes).unwrap();
        }
        let loaded = load(&[folder.path().to_path_buf()], &|_| None);
        prop_assert_eq!(loaded.model.is_none(), loaded.diagnostics.has_errors());
    }

    #[test]
    fn texts(text in "[ \\n\\t\\-:,#&*!|>'\"%@`{}\\[\\]?a-c0-9$é]{0,300}") {
        check("a.yaml", &text);
        check("a.json", &text);
    }

    #[test]
    fn mutated(edits in proptest::collection::vec((any::<usize>(), 0..60usize, 0..30u8), 1..6)) {
        check("a.yaml", &mutate(VALID, &edits));
        check("a.json", &mutate(VALID_JSON, &edits));
        check("a.yaml", &mutate(RUNWAY, &edits));
        check("a.yaml", &mutate(KRAKEND, &edits));
        check("a.yaml", &mutate(KUBERNETES, &edits));
    }
}

#[test]
fn blow_ups() {
    let bomb = |width: usize| {
        let mut text = "lambridge: 1\nz0: &z0 [x]\n".to_owned();
        for level in 1..40 {
            let aliases = vec![format!("*z{}", level - 1); width].join(", ");
            text.push_str(&format!("z{level}: &z{level} [{aliases}]\n"));
        }
        text
    };
    for text in [
        "[".repeat(200_000),
        "{".repeat(200_000),
        "- ".repeat(200_000),
        "? ".repeat(100_000),
        "a: ".repeat(100_000),
        "{a: ".repeat(100_000),
        "\"".repeat(300_000),
        "&a ".repeat(100_000),
        "!".repeat(300_000),
        "|\n".repeat(100_000),
        " \n".repeat(300_000),
        "#".repeat(1_000_000),
        "a\n".repeat(300_000),
        format!("lambridge: 1\n{}", "a: 1\n".repeat(50_000)),
        format!("lambridge: 1\nx: &x {}\ny: [{}]\n", "t".repeat(100_000), "*x, ".repeat(100_000)),
        format!("lambridge: 1\nroutes: [{}]\n", "{match: {path: /}}, ".repeat(3000)),
        format!(
            "lambridge: 1\nfunctions: {{ {} }}\n",
            (0..5000).map(|n| format!("f{n}: , ")).collect::<String>()
        ),
        format!(
            "routes: [{}]\n",
            "{id: a, path: /a, max_body_size: 1, lambda: {enabled: true}}, ".repeat(3000)
        ),
        format!("routes: [{{id: a, path: /a, match: {{domains: [{}]}}}}]\n", "a.b, ".repeat(20_000)),
        format!(
            "version: 3\nendpoints: [{}]\n",
            (0..5000).map(|n| format!("{{endpoint: /{n}, backend: [{{extra_config: {{backend/lambda: {{function_name: f}}}}}}]}}, ")).collect::<String>()
        ),
        bomb(2),
        bomb(50),
        (0..64).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect(),
        (0..80).map(|depth| format!("{}a: &a{depth}\n", " ".repeat(depth))).collect(),
    ] {
        check("a.yaml", &text);
        check("a.json", &text);
    }
}
