//! One tree for YAML and JSON, in which every value knows where it was written.
//!
//! Scalars keep their text as written (`1.10` stays `1.10`) beside what YAML's core schema makes of it, so that a
//! reader who wants text loses nothing and one who wants a number can insist on it. Aliases are expanded; keys are
//! always text and never stand twice in one map.
//!
//! Everything is bounded, since a document may come from anyone who can write to a folder or a cluster: the size of
//! a file (in `source`), nesting, the number of values, and what aliases may add.
//! Source: YAML 1.2.2, section 10.3 (core schema); RFC 8259 for JSON.

mod json;
mod yaml;

use std::sync::Arc;

use lambridge_model::Origin;

use crate::report::Report;

/// Maps and lists inside each other.
pub const MAX_DEPTH: usize = 64;
/// Values in one file, those that aliases repeat included.
pub const MAX_NODES: usize = 200_000;
/// Bytes of text that aliases may repeat in one file.
pub const MAX_ALIAS_TEXT: usize = 4 << 20;

/// Where something was written. Line and column count from 1, in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    pub file: Arc<str>,
    pub line: u32,
    pub column: u32,
    pub length: u32,
}

impl Span {
    /// The place as the model keeps it.
    pub fn origin(&self) -> Origin {
        Origin { file: self.file.to_string(), line: self.line, column: self.column }
    }
}

/// A value and its place.
#[derive(Debug, Clone)]
pub struct Node {
    pub value: Value,
    pub span: Span,
}

/// What a node holds.
#[derive(Debug, Clone)]
pub enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    /// In file order; no key twice.
    Map(Vec<(Key, Node)>),
}

/// Text, and what it means.
#[derive(Debug, Clone)]
pub struct Scalar {
    pub text: String,
    pub kind: ScalarKind,
    /// The text before references were replaced, when there were any: messages show this one.
    pub written: Option<String>,
    /// Line and column at which a template begins, if its lines are lines of the file, each beginning in that column.
    pub begins: Option<(u32, u32)>,
}

/// What the core schema makes of a scalar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScalarKind {
    Text,
    Number,
    Bool,
    Null,
}

/// A key of a map.
#[derive(Debug, Clone)]
pub struct Key {
    pub text: String,
    pub span: Span,
}

/// One document of a file.
#[derive(Debug)]
pub struct Document {
    pub root: Node,
}

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    Yaml,
    Json,
}

impl Syntax {
    /// `.json` is JSON, all else YAML.
    pub fn of(name: &str) -> Self {
        let json = name.rsplit_once('.').is_some_and(|(_, end)| end.eq_ignore_ascii_case("json"));
        if json { Syntax::Json } else { Syntax::Yaml }
    }
}

/// Reads every document of a file; a document with nothing in it is none. `None` when a syntax error was reported:
/// half a file is no file, so the documents before it are left out too.
pub fn parse(file: &Arc<str>, text: &str, report: &mut Report) -> Option<Vec<Document>> {
    let read = match Syntax::of(file) {
        Syntax::Yaml => yaml::parse(file, text, report),
        Syntax::Json => json::parse(file, text, report),
    };
    match read {
        Ok(roots) => {
            Some(roots.into_iter().filter(|root| !root.is_nothing()).map(|root| Document { root }).collect())
        }
        Err(Broken { span, message, help }) => {
            report.error(&span, message).help(help);
            None
        }
    }
}

/// Why a file cannot be read as a tree.
#[derive(Debug)]
struct Broken {
    span: Span,
    message: String,
    help: &'static str,
}

/// What nesting, size and aliases leave.
#[derive(Debug, Default)]
struct Budget {
    nodes: usize,
    alias_text: usize,
}

impl Budget {
    fn take(&mut self, nodes: usize, span: &Span) -> Result<(), Broken> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes <= MAX_NODES {
            return Ok(());
        }
        Err(Broken {
            span: span.clone(),
            message: format!("the file has more than {MAX_NODES} values"),
            help: "split the file, or use fewer aliases (`*name`)",
        })
    }

    fn take_alias(&mut self, nodes: usize, text: usize, span: &Span) -> Result<(), Broken> {
        self.take(nodes, span)?;
        self.alias_text = self.alias_text.saturating_add(text);
        if self.alias_text <= MAX_ALIAS_TEXT {
            return Ok(());
        }
        Err(Broken {
            span: span.clone(),
            message: format!("aliases repeat more than {} MiB of text", MAX_ALIAS_TEXT >> 20),
            help: "write the text once and refer to it by a file or a variable",
        })
    }
}

fn too_deep(span: &Span) -> Broken {
    Broken {
        span: span.clone(),
        message: format!("values are nested more than {MAX_DEPTH} deep"),
        help: "no configuration needs that; look for an unclosed `[` or `{`",
    }
}

/// The key stands twice: an error, but the rest of the file is still read.
fn report_duplicate(key: &Key, first: &Key, report: &mut Report) {
    let message = format!("key {} stands twice: first at {}", report_name(&key.text), first.span);
    report.error(&key.span, message).help("remove one of them");
}

fn report_name(text: &str) -> String {
    crate::report::quoted(text)
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

impl Node {
    /// What a message calls this value: `a list`, `text`, ….
    pub fn kind_name(&self) -> &'static str {
        match &self.value {
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
            Value::Scalar(scalar) => match scalar.kind {
                ScalarKind::Text => "text",
                ScalarKind::Number => "a number",
                ScalarKind::Bool => "true or false",
                ScalarKind::Null => "nothing",
            },
        }
    }

    /// Entries, if this is a map.
    pub fn as_map(&self) -> Option<&[(Key, Node)]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of `key`, if this is a map with that key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.iter().find(|(name, _)| name.text == key).map(|(_, node)| node)
    }

    /// The scalar, if this is one.
    pub fn as_scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// Whether this is the empty value.
    pub fn is_nothing(&self) -> bool {
        self.as_scalar().is_some_and(|scalar| scalar.kind == ScalarKind::Null)
    }

    /// Where to point for the map as a whole: at its first key, which says more than a brace.
    pub fn head(&self) -> &Span {
        match self.as_map().and_then(<[_]>::first) {
            Some((key, _)) => &key.span,
            None => &self.span,
        }
    }

    /// Nodes, bytes of text and height of this tree.
    fn weight(&self) -> Weight {
        let mut sum = Weight { nodes: 1, text: 0, height: 0 };
        let mut add = |node: &Node| {
            let inner = node.weight();
            sum.nodes += inner.nodes;
            sum.text += inner.text;
            sum.height = sum.height.max(inner.height + 1);
        };
        match &self.value {
            Value::Scalar(scalar) => sum.text = scalar.text.len(),
            Value::List(nodes) => nodes.iter().for_each(&mut add),
            Value::Map(entries) => {
                entries.iter().for_each(|(_, node)| add(node));
                sum.text += entries.iter().map(|(key, _)| key.text.len()).sum::<usize>();
                sum.height = sum.height.max(1);
            }
        }
        sum
    }
}

#[derive(Debug, Clone, Copy)]
struct Weight {
    nodes: usize,
    text: usize,
    height: usize,
}

/// What a plain scalar means by the core schema.
pub fn resolve(text: &str) -> ScalarKind {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => ScalarKind::Null,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => ScalarKind::Bool,
        _ if is_number(text) => ScalarKind::Number,
        _ => ScalarKind::Text,
    }
}

/// `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`, or `0x…`, `0o…`.
fn is_number(text: &str) -> bool {
    if let Some(hex) = text.strip_prefix("0x") {
        return !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return !octal.is_empty() && octal.bytes().all(|b| (b'0'..=b'7').contains(&b));
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['-', '+']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let whole = match mantissa.split_once('.') {
        Some((whole, fraction)) => {
            digits(whole) && digits(fraction) && !(whole.is_empty() && fraction.is_empty())
        }
        None => !mantissa.is_empty() && digits(mantissa),
    };
    whole && exponent.is_none_or(|exponent| !exponent.is_empty() && digits(exponent))
}

#[cfg(test)]
mod tests {
    use super::{ScalarKind, Syntax, resolve};

    #[test]
    fn core_schema() {
        for (text, expect) in [
            ("", ScalarKind::Null),
            ("~", ScalarKind::Null),
            ("true", ScalarKind::Bool),
            ("yes", ScalarKind::Text),
            ("off", ScalarKind::Text),
            ("12", ScalarKind::Number),
            ("-1.5e3", ScalarKind::Number),
            (".5", ScalarKind::Number),
            ("0x1F", ScalarKind::Number),
            (".", ScalarKind::Text),
            ("1.2.3", ScalarKind::Text),
            ("30s", ScalarKind::Text),
            ("e5", ScalarKind::Text),
        ] {
            assert_eq!(resolve(text), expect, "{text}");
        }
    }

    #[test]
    fn syntax_by_name() {
        assert_eq!(Syntax::of("a.JSON"), Syntax::Json);
        assert_eq!(Syntax::of("a.yml"), Syntax::Yaml);
        assert_eq!(Syntax::of("json"), Syntax::Yaml);
    }
}
