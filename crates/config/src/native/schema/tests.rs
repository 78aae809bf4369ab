//! The schema and the reader say the same: of every golden file and example, and of every key, value by value.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use boon::{Compiler, SchemaIndex, Schemas, ValidationError};
use serde_json::Value;

use super::schema;
use crate::document::{self, Node, ScalarKind};
use crate::native::support::TABLE;
use crate::report::Report;
use crate::table::{Absent, Key, Kind, Support};
use crate::values;

struct Validator {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Validator {
    fn new() -> Self {
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource("native.json", schema()).unwrap();
        let index = compiler.compile("native.json", &mut schemas).unwrap();
        Self { schemas, index }
    }

    fn judge(&self, value: &Value) -> Result<(), String> {
        self.schemas.validate(value, self.index).map_err(|error| error.to_string())
    }

    /// Whether it has something against the value at the key of `path`, or below it.
    fn objects(&self, value: &Value, path: &str) -> bool {
        let pointer = format!("/{}", path.replace("[]", ".0").replace('*', "1").replace('.', "/"));
        let found = self.schemas.validate(value, self.index);
        found.is_err_and(|error| stands_below(&error, &pointer))
    }
}

fn stands_below(error: &ValidationError<'_, '_>, pointer: &str) -> bool {
    let place = error.instance_location.to_string();
    let below = place.strip_prefix(pointer).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    below || error.causes.iter().any(|cause| stands_below(cause, pointer))
}

/// A document with one value in question, and its line.
struct Probe {
    text: String,
    line: u32,
}

impl Probe {
    /// The same without that value, and an empty map where it was alone.
    fn without(&self) -> String {
        let mut lines: Vec<String> = self.text.lines().map(str::to_owned).collect();
        let at = usize::try_from(self.line).unwrap() - 1;
        let name = lines[at].trim_start_matches([' ', '-']).len();
        let lead = lines[at][..lines[at].len() - name].to_owned();
        let alone = lead.contains('-') || at == 0 || lines[at - 1].ends_with(':');
        lines[at] = if alone { lead + "{}" } else { "# absent".to_owned() };
        lines.join("\n") + "\n"
    }
}

/// What a map needs to be looked at, by the end of its path: the key in question stands after these lines.
const BESIDE: &[(&str, &[&str])] = &[
    ("listeners[]", &["address: 127.0.0.1:0"]),
    ("listeners[].tls", &["cert_file: a", "key_file: a"]),
    ("admin", &["address: 127.0.0.1:0"]),
    ("assume_role", &["arn: arn:aws:iam::123456789012:role/a"]),
    ("assume_role.via[]", &["arn: arn:aws:iam::123456789012:role/a"]),
    ("functions.*", &["region: us-east-1"]),
    ("functions.*.failover[]", &["region: us-west-2"]),
    ("functions.*.run", &["web: x"]),
    ("functions.*.run.versions.*", &["web: x"]),
    ("functions.*.run.url", &["address: 127.0.0.1:0"]),
    ("functions.*.run.url.cors", &["allow_origins: [\"*\"]"]),
    ("routes[]", &["match: { path_prefix: / }"]),
    ("routes[].match", &["path_prefix: /"]),
    ("routes[].functions[]", &["name: x"]),
    ("routes[].sticky", &["cookie: x"]),
    ("routes[].override", &["header: x"]),
    ("routes[].rollback", &["function: x", "errors: 5%"]),
    ("routes[].upstream", &["endpoints: [{ url: http://a }]"]),
    ("routes[].upstream.endpoints[]", &["url: http://a"]),
    ("routes[].redirect", &["host: a"]),
    ("routes[].rewrite", &["host: a"]),
    ("routes[].rate_limit", &["rate: 5"]),
    ("routes[].function_from", &["function: x", "path: x", "allow: [x]"]),
    ("routes[].scripts", &["pre: x()"]),
    ("routes[].scripts.sources[]", &["name: x", "text: x()"]),
    ("emulator.credentials", &["access_key_id: A", "secret_access_key: a"]),
];

/// What a key needs in the map around it, beside what that map always needs.
const NEEDS: &[(&str, &str)] = &[
    ("functions.*.krakend", "answer: krakend"),
    ("functions.*.idle_timeout", "invoke: stream"),
    ("functions.*.prices", "log_tail: true"),
    ("functions.*.binary_media_types", "event: rest_v1"),
    ("functions.*.concurrency.min", "adaptive: true"),
    ("routes[].sticky", "functions: [{ name: x, weight: 1 }, { name: y }]"),
    ("routes[].override", "functions: [{ name: x, weight: 1 }, { name: y }]"),
    ("routes[].rollback", "functions: [{ name: x, weight: 1 }, { name: y }]"),
    ("routes[].scripts", "function: x"),
    ("routes[].order", "static: {}"),
    ("routes[].errors", "static: {}"),
    ("routes[].limits", "static: {}"),
    ("routes[].rate_limit", "static: {}"),
];

/// The document with `value` at the key of `path`, on a line of its own.
fn document(path: &str, value: &str) -> Probe {
    let mut text = "lambridge: 1\n".to_owned();
    let (mut here, mut indent, mut dash) = (String::new(), 0, false);
    let mut parts = path.split('.').peekable();
    while let Some(part) = parts.next() {
        let (name, list) = match part.strip_suffix("[]") {
            Some(name) => (name, true),
            None => (part, false),
        };
        let last = parts.peek().is_none();
        let full = if here.is_empty() { part.to_owned() } else { format!("{here}.{part}") };
        let own = full.trim_end_matches("[]");
        let is_here = |end: &str| here == end || here.ends_with(&format!(".{end}"));
        let beside = BESIDE.iter().filter(|(end, _)| is_here(end)).flat_map(|(_, lines)| *lines);
        let needed = NEEDS.iter().filter(|(path, _)| *path == own).map(|(_, line)| line);
        for line in beside.chain(needed) {
            if line.split(':').next() != Some(name) {
                let _ = writeln!(text, "{}{}{line}", " ".repeat(indent), if dash { "- " } else { "" });
                indent += if dash { 2 } else { 0 };
                dash = false;
            }
        }
        let lead = format!("{}{}", " ".repeat(indent), if dash { "- " } else { "" });
        indent += if dash { 2 } else { 0 };
        dash = false;
        let name = if name == "*" { "1" } else { name };
        if last {
            writeln!(text, "{lead}{name}: {value}").unwrap();
        } else {
            writeln!(text, "{lead}{name}:").unwrap();
            indent += 2;
            dash = list;
        }
        here = full;
    }
    let line = u32::try_from(text.lines().count()).unwrap();
    // Functions that routes name are there, and all of them are.
    if path.starts_with("routes") {
        text.push_str("functions: { x: { region: us-east-1 }, y: { region: us-east-1 } }\n");
    }
    Probe { text, line }
}

/// What the reader has against the type of the value there.
fn complaint(probe: &Probe) -> Option<String> {
    const OF_TYPES: &[&str] = &[
        "is out of range",
        "is not a number",
        "is text, not a number",
        "is not a duration",
        "is not a size",
        "is not a share",
        "is not a price",
        "is neither true nor false",
        "is not known to",
        "is not supported yet",
        "takes a single value",
        "takes a list",
        "takes a map",
        "has no value",
    ];
    let found = crate::load_text("probe.yaml", &probe.text, &|_| Some("x".to_owned()));
    let of_type = |message: &str| OF_TYPES.iter().any(|part| message.contains(part));
    let told = found.diagnostics.0.iter().find(|diagnostic| {
        diagnostic.place.as_ref().is_some_and(|place| place.line == probe.line)
            && of_type(&diagnostic.message)
    });
    told.map(|diagnostic| diagnostic.message.clone())
}

fn json_of(text: &str) -> Value {
    let mut report = Report::default();
    let documents = document::parse(&Arc::from("probe.yaml"), text, &mut report).unwrap();
    json_of_node(&documents[0].root)
}

fn json_of_node(node: &Node) -> Value {
    match &node.value {
        document::Value::Map(entries) => {
            entries.iter().map(|(key, node)| (key.text.clone(), json_of_node(node))).collect()
        }
        document::Value::List(nodes) => nodes.iter().map(json_of_node).collect(),
        document::Value::Scalar(scalar) => match scalar.kind {
            ScalarKind::Text => scalar.text.clone().into(),
            ScalarKind::Null => Value::Null,
            ScalarKind::Bool => (scalar.text == "true").into(),
            ScalarKind::Number => scalar.text.parse().unwrap_or_else(|_| scalar.text.clone().into()),
        },
    }
}

fn served() -> impl Iterator<Item = &'static Key> {
    TABLE
        .keys
        .iter()
        .filter(|key| key.support == Support::Yes && !key.path.contains(": ") && key.path != "lambridge")
}

#[test]
fn every_value_is_judged_as_the_reader_judges_it() {
    let validator = Validator::new();
    let mut wrong = Vec::new();
    for key in served() {
        let bounds = match key.kind {
            Kind::Number(low, high) => vec![low.to_string(), high.to_string(), (high + 1).to_string()],
            _ => Vec::new(),
        };
        let words = TABLE.words(key.path).map(|(word, _)| word.to_owned());
        let usual = [
            "some text",
            "true",
            "7",
            "\"7\"",
            "5s",
            "1m 5s",
            "12%",
            "200%%",
            "6MiB",
            "[x]",
            "{ a: b }",
            "~",
        ];
        for value in usual.map(str::to_owned).into_iter().chain(bounds).chain(words) {
            let probe = document(key.path, &value);
            let reader = complaint(&probe);
            let schema = validator.objects(&json_of(&probe.text), key.path);
            // Bounds of times and sizes are no matter of a schema, names of the writer's choice none of the value's.
            let bound = reader.as_ref().is_some_and(|said| said.contains("out of range"))
                && matches!(key.kind, Kind::Duration(..) | Kind::Size(..));
            let shape = value.starts_with('{') && matches!(key.kind, Kind::Rows);
            if reader.is_some() != schema && !bound && !shape {
                wrong.push(format!("{}: {value}: reader {reader:?}, schema {schema}", key.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_bound_is_the_readers() {
    let mut wrong = Vec::new();
    for key in served() {
        let (low, high, below, above) = match key.kind {
            Kind::Number(low, high) => (
                low.to_string(),
                high.to_string(),
                low.checked_sub(1).map(|n| n.to_string()),
                (high + 1).to_string(),
            ),
            Kind::Size(low, high) => {
                let (from, to) = (values::size(low).unwrap(), values::size(high).unwrap());
                (
                    low.to_owned(),
                    high.to_owned(),
                    from.checked_sub(1).map(|n| n.to_string()),
                    (to + 1).to_string(),
                )
            }
            Kind::Duration(low, high) => {
                let (from, to) = (values::duration(low).unwrap(), values::duration(high).unwrap());
                let ms = |n: u128| format!("{n}ms");
                let below = from.as_millis().checked_sub(1).map(ms);
                (low.to_owned(), high.to_owned(), below, ms(to.as_millis() + 1))
            }
            _ => continue,
        };
        for (value, expect) in [(Some(low), false), (Some(high), false), (below, true), (Some(above), true)] {
            let Some(value) = value else { continue };
            let found = complaint(&document(key.path, &value));
            if found.is_some() != expect {
                wrong.push(format!("{}: {value}: {found:?}", key.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What the table says of an absent key is what the reader does without it.
#[test]
fn every_default_is_the_readers() {
    let mut wrong = Vec::new();
    for key in served() {
        let Absent::Value(value) = key.absent else { continue };
        let model = |text: &str| {
            let found = crate::load_text("probe.yaml", text, &|_| None);
            found.model.map(|model| format!("{model:#?}")).ok_or_else(|| found.diagnostics.render_text())
        };
        let plain = matches!(key.kind, Kind::Number(..) | Kind::Bool | Kind::Price);
        let probe = document(key.path, &if plain { value.to_owned() } else { format!("\"{value}\"") });
        match (model(&probe.text), model(&probe.without())) {
            (Ok(with), Ok(without)) if with == without => {}
            (Ok(with), Ok(without)) => {
                let differ = with.lines().zip(without.lines()).find(|(a, b)| a != b);
                wrong.push(format!("{}: {value}: {differ:?}", key.path));
            }
            (with, without) => {
                let said = with.err().or(without.err()).unwrap_or_default();
                wrong.push(format!("{}: {value}: cannot be read:\n{said}\n{}", key.path, probe.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A key that has to be there is missed.
#[test]
fn every_required_key_is_missed() {
    let validator = Validator::new();
    for key in served().filter(|key| key.absent == Absent::Wrong) {
        let text = document(key.path, "x").without();
        let name = format!("`{}`", key.path.rsplit('.').next().unwrap());
        let found = crate::load_text("probe.yaml", &text, &|_| None).diagnostics;
        let about = |message: &str| message.contains(&name) || message.contains("allows no origin");
        assert!(found.0.iter().any(|told| about(&told.message)), "{text}\n{}", found.render_text());
        assert!(validator.judge(&json_of(&text)).is_err(), "{text}");
    }
}

#[test]
fn every_native_file_that_is_read_is_valid() {
    let validator = Validator::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    below(&root.join("tests/golden/native"), &mut files);
    below(&root.join("../../examples"), &mut files);
    let mut seen = 0;
    for file in &files {
        let text = fs::read_to_string(file).unwrap();
        let mut report = Report::default();
        let name = Arc::from(file.display().to_string().as_str());
        let Some(documents) = document::parse(&name, &text, &mut report) else { continue };
        for document in documents {
            if document.root.get("lambridge").is_none() || report.has_errors() {
                continue;
            }
            let mut found = Report::default();
            let read = super::super::syntax::read(&document.root, &mut found);
            let folder = file.parent().unwrap();
            super::super::lower::lower(&[read], folder, &mut found);
            if found.has_errors() {
                continue;
            }
            seen += 1;
            let value = json_of_node(&document.root);
            validator.judge(&value).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
    }
    assert!(seen >= 40, "only {seen} documents");
}

/// Configurations below a folder.
fn below(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), "node_modules" | "target" | ".venv") {
                below(&path, out);
            }
        } else if [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end)) {
            out.push(path);
        }
    }
}
