//! A document taken apart along its dialect's table: maps, lists and leaves, each with its place.
//!
//! Only the shape is judged here, and whether a key is known, ignored or refused. What a leaf says is for `lower`.

use crate::document::{Key, Node, Scalar, ScalarKind, Span, Value};
use crate::report::{Report, quoted};
use crate::suggest::nearest;
use crate::table::{Support, Table, Unknown};

/// A single value: its text, what the core schema makes of it, how a message may name it, its place.
#[derive(Debug, Clone)]
pub struct Leaf {
    pub text: String,
    pub kind: ScalarKind,
    /// In backticks; the reference as written where there was one.
    pub shown: String,
    /// A reference gave the text, so that its kind says nothing about how it was meant.
    pub referred: bool,
    pub span: Span,
    /// As in [`Scalar`]; not of a text that a reference gave.
    pub begins: Option<(u32, u32)>,
}

/// The entries of one map, all of them in the table.
pub struct Fields<'n> {
    /// Where to point for the map as a whole.
    pub span: Span,
    path: &'static str,
    entries: &'n [(Key, Node)],
}

impl Fields<'_> {
    /// A map without entries.
    pub fn none(span: &Span) -> Self {
        Self { span: span.clone(), path: "", entries: &[] }
    }

    /// Whether the key was written, even if what it says could not be read.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn get(&self, name: &str) -> Option<(&Key, &Node)> {
        self.entries.iter().find(|(key, _)| key.text == name).map(|(key, node)| (key, node))
    }
}

/// Reads documents of one dialect.
pub struct Reader<'a> {
    pub report: &'a mut Report,
    pub table: &'static Table,
}

impl Reader<'_> {
    /// The map at `node`, whose keys the table has at `path`. Unknown and refused keys are reported.
    pub fn fields<'n>(&mut self, node: &'n Node, path: &'static str) -> Option<Fields<'n>> {
        let Some(entries) = node.as_map() else {
            self.wrong(node, path, "a map");
            return None;
        };
        for (key, _) in entries {
            self.check_key(key, path);
        }
        Some(Fields { span: node.head().clone(), path, entries })
    }

    fn check_key(&mut self, key: &Key, path: &'static str) {
        let place = if path.is_empty() { "at the top".to_owned() } else { format!("in `{}`", plain(path)) };
        let name = quoted(&key.text);
        let Some(known) = self.table.find(path, &key.text) else {
            if self.table.is_note(&key.text) {
                return;
            }
            let message = format!("unknown key {name} {place}");
            let help = self.help_for_unknown(key, path);
            match self.table.unknown {
                Unknown::Error => self.report.error(&key.span, message).help(help),
                Unknown::Warning => {
                    self.report.warning(&key.span, format!("{message} is ignored")).help(help)
                }
            }
            return;
        };
        match known.support {
            Support::Yes => {}
            Support::Ignored { why } => {
                self.report.warning(&key.span, format!("{name} ({}) is ignored", known.about)).help(why);
            }
            Support::Refused { way_out } => {
                let message = format!("{name} ({}) is not supported yet", known.about);
                self.report.error(&key.span, message).help(way_out);
            }
        }
    }

    fn help_for_unknown(&self, key: &Key, path: &'static str) -> String {
        let near = nearest(&key.text, self.table.children(path).map(|(name, _)| name));
        match (near, self.table.elsewhere(&key.text)) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            _ if key.text == "<<" => "merge keys are not part of YAML 1.2; write the keys out".to_owned(),
            (None, Some(path)) => match path.rsplit_once('.') {
                Some((parent, _)) => format!("that key belongs in `{}`", plain(parent)),
                None => "that key belongs at the top".to_owned(),
            },
            (None, None) => {
                let served = self.table.children(path).filter(|(_, key)| key.support == Support::Yes);
                let known: Vec<String> = served.map(|(name, _)| format!("`{name}`")).collect();
                format!("known here: {}", known.join(", "))
            }
        }
    }

    /// The path of the table's row for `name` below `fields`.
    fn path_of(&self, fields: &Fields<'_>, name: &str) -> &'static str {
        self.table.find(fields.path, name).map_or("", |key| key.path)
    }

    /// The map at `name`, read by `each`.
    pub fn section<T>(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        each: impl FnOnce(&mut Self, &Fields<'_>) -> T,
    ) -> Option<T> {
        let (key, node) = fields.get(name)?;
        // A key that the table has not here was reported; what stands below it is not looked at.
        let mut inner = self.fields(node, self.table.find(fields.path, name)?.path)?;
        if inner.entries.is_empty() {
            inner.span = key.span.clone();
        }
        Some(each(self, &inner))
    }

    /// The list at `name`, with the place of its key; items that cannot be read are left out.
    pub fn list<T>(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        mut each: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) -> Option<(Span, Vec<T>)> {
        let (key, node) = fields.get(name)?;
        let Value::List(nodes) = &node.value else {
            self.wrong(node, self.path_of(fields, name), "a list");
            return None;
        };
        Some((key.span.clone(), nodes.iter().filter_map(|node| each(self, node)).collect()))
    }

    /// The list of maps at `name`, each read by `each`. The table has their keys at `…name[]`.
    pub fn list_of_maps<T>(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        mut each: impl FnMut(&mut Self, &Fields<'_>) -> T,
    ) -> Vec<T> {
        let path = self.table.items(fields.path, name);
        let items = self.list(fields, name, |reader, node| {
            let fields = reader.fields(node, path)?;
            Some(each(reader, &fields))
        });
        items.map(|(_, items)| items).unwrap_or_default()
    }

    /// The map at `name` whose keys are the writer's own.
    pub fn entries<T>(
        &mut self,
        fields: &Fields<'_>,
        name: &str,
        mut each: impl FnMut(&mut Self, Leaf, &Node) -> T,
    ) -> Vec<T> {
        let Some((_, node)) = fields.get(name) else { return Vec::new() };
        let Some(entries) = node.as_map() else {
            self.wrong(node, self.path_of(fields, name), "a map");
            return Vec::new();
        };
        entries.iter().map(|(key, node)| each(self, leaf_of_key(key), node)).collect()
    }

    /// Names and values of the writer's own.
    pub fn pairs(&mut self, fields: &Fields<'_>, name: &str) -> Option<Vec<(Leaf, Leaf)>> {
        fields.get(name)?;
        let pairs = self.entries(fields, name, |reader, key, node| {
            let value = reader.value(node, &key.text)?;
            Some((key, value))
        });
        Some(pairs.into_iter().flatten().collect())
    }

    /// The same where a value may also be a list of values.
    pub fn multi_pairs(&mut self, fields: &Fields<'_>, name: &str) -> Vec<(Leaf, Vec<Leaf>)> {
        self.entries(fields, name, |reader, key, node| {
            let values = match &node.value {
                Value::List(nodes) => nodes.iter().filter_map(|node| reader.value(node, &key.text)).collect(),
                _ => reader.value(node, &key.text).into_iter().collect(),
            };
            (key, values)
        })
    }

    /// The list of leaves at `name`, with the place of its key.
    pub fn leaves(&mut self, fields: &Fields<'_>, name: &str) -> Option<(Span, Vec<Leaf>)> {
        self.list(fields, name, |reader, node| reader.value(node, name))
    }

    /// The single value at `name`.
    pub fn leaf(&mut self, fields: &Fields<'_>, name: &str) -> Option<Leaf> {
        let (_, node) = fields.get(name)?;
        self.value(node, name)
    }

    /// The same for a secret: no message names it, and no source line shows it.
    pub fn secret(&mut self, fields: &Fields<'_>, name: &str) -> Option<Leaf> {
        let (key, node) = fields.get(name)?;
        let scalar = node.as_scalar();
        if let Some(scalar) = scalar.filter(|scalar| scalar.written.is_none()) {
            let lines = scalar.text.matches('\n').count();
            // A value in the key's own line is masked by that line's look.
            if node.span.line != key.span.line {
                self.report.secret(&node.span, lines);
            } else if lines > 0 {
                let below = Span { line: node.span.line.saturating_add(1), ..node.span.clone() };
                self.report.secret(&below, lines);
            }
        }
        let leaf = self.value(node, name)?;
        Some(Leaf { shown: "the secret".to_owned(), ..leaf })
    }

    /// Names and values where every value is a secret.
    pub fn secret_pairs(&mut self, fields: &Fields<'_>, name: &str) -> Vec<(Leaf, Leaf)> {
        self.entries(fields, name, |reader, key, node| {
            let scalar = node.as_scalar().filter(|scalar| scalar.written.is_none());
            if let Some(scalar) = scalar {
                reader.report.secret(&node.span, scalar.text.matches('\n').count());
            }
            let leaf = reader.value(node, &key.text)?;
            Some((key, Leaf { shown: "the secret".to_owned(), ..leaf }))
        })
        .into_iter()
        .flatten()
        .collect()
    }

    /// The single value at `node`, which stands at `name`.
    pub fn value(&mut self, node: &Node, name: &str) -> Option<Leaf> {
        match node.as_scalar() {
            Some(scalar) if scalar.kind != ScalarKind::Null => Some(leaf_of_scalar(scalar, &node.span)),
            Some(_) => {
                let message = format!("{} has no value", quoted(name));
                self.report
                    .error(&node.span, message)
                    .help("give it one, remove it, or write `\"\"` for empty text");
                None
            }
            None => {
                let message = format!("{} takes a single value, not {}", quoted(name), node.kind_name());
                self.report.error(node.head(), message);
                None
            }
        }
    }

    fn wrong(&mut self, node: &Node, path: &str, expect: &str) {
        let name = match path {
            "" => "the document".to_owned(),
            _ if path.ends_with(['*', ']']) => format!("an entry of `{}`", plain(path)),
            _ => format!("`{}`", plain(path)),
        };
        if node.is_nothing() {
            let empty = if expect == "a list" { "[]" } else { "{}" };
            self.report
                .error(&node.span, format!("{name} has no value"))
                .help(format!("remove it, or write `{empty}`"));
            return;
        }
        self.report.error(&node.span, format!("{name} takes {expect}, not {}", node.kind_name()));
    }
}

fn leaf_of_scalar(scalar: &Scalar, span: &Span) -> Leaf {
    Leaf {
        text: scalar.text.clone(),
        kind: scalar.kind,
        shown: quoted(scalar.written.as_ref().unwrap_or(&scalar.text)),
        referred: scalar.written.is_some(),
        span: span.clone(),
        begins: scalar.begins.filter(|_| scalar.written.is_none()),
    }
}

fn leaf_of_key(key: &Key) -> Leaf {
    Leaf {
        text: key.text.clone(),
        kind: ScalarKind::Text,
        shown: quoted(&key.text),
        referred: false,
        span: key.span.clone(),
        begins: None,
    }
}

/// `routes[].match` is `match` to a reader who stands in a route; what the writer chose is left out.
fn plain(path: &str) -> &str {
    let path = path.trim_end_matches(".*").trim_end_matches("[]");
    let start = path.rfind("*.").max(path.rfind("].")).map_or(0, |at| at + 2);
    &path[start..]
}
