//! YAML, one line after the other: maps and lists by indentation, scalars quoted where a reader could take them for
//! something else.
//!
//! References are for `interpolate`: `${` in a text is written `$${`, so that what is printed is read as it was.

use std::fmt::Write as _;

/// A document being written.
#[derive(Debug, Default)]
pub struct Yaml {
    out: String,
    depth: usize,
    /// The next line begins an item of a list: its dash is still to be written.
    item: bool,
}

impl Yaml {
    /// `key: value`, with the value as text.
    pub fn text(&mut self, key: &str, value: &str) {
        if is_block(value) {
            self.line(&format!("{}: {}", scalar(key), block_head(value)));
            self.block(value);
        } else {
            self.line(&format!("{}: {}", scalar(key), quoted(value)));
        }
    }

    /// `key: value` with a value that needs no quotes: a number, a word of the dialect, a duration.
    pub fn word(&mut self, key: &str, value: impl std::fmt::Display) {
        self.line(&format!("{key}: {value}"));
    }

    /// `key: "${file:…}"` and the like: a reference stays one.
    pub fn reference(&mut self, key: &str, value: &str) {
        self.line(&format!("{key}: {}", json(value)));
    }

    /// `key: [a, b]`
    pub fn texts<'a>(&mut self, key: &str, values: impl IntoIterator<Item = &'a str>) {
        let values: Vec<String> = values.into_iter().map(quoted).collect();
        self.line(&format!("{}: [{}]", scalar(key), values.join(", ")));
    }

    /// A map below `key`.
    pub fn map(&mut self, key: &str, each: impl FnOnce(&mut Self)) {
        let before = self.out.len();
        self.line(&format!("{}:", scalar(key)));
        let after = self.out.len();
        self.depth += 1;
        each(self);
        self.depth -= 1;
        if self.out.len() == after {
            // An empty map is written as one.
            self.out.truncate(self.out.trim_end().len());
            self.out.push_str(" {}\n");
        }
        debug_assert!(self.out.len() > before);
    }

    /// A list of maps below `key`.
    pub fn list<T>(&mut self, key: &str, items: &[T], mut each: impl FnMut(&mut Self, &T)) {
        if items.is_empty() {
            return;
        }
        self.line(&format!("{}:", scalar(key)));
        for item in items {
            self.depth += 1;
            self.item = true;
            self.depth += 1;
            each(self, item);
            self.depth -= 2;
            self.item = false;
        }
    }

    pub fn finish(self) -> String {
        self.out
    }

    fn line(&mut self, text: &str) {
        let depth = if self.item { self.depth - 1 } else { self.depth };
        let dash = if std::mem::take(&mut self.item) { "- " } else { "" };
        let _ = writeln!(self.out, "{:indent$}{dash}{text}", "", indent = depth * 2);
    }

    fn block(&mut self, text: &str) {
        let text = escaped(text);
        for line in text.strip_suffix('\n').unwrap_or(&text).split('\n') {
            let indent = if line.is_empty() { 0 } else { (self.depth + 1) * 2 };
            let _ = writeln!(self.out, "{:indent$}{line}", "");
        }
    }
}

/// Several lines that a block can hold as they are.
fn is_block(text: &str) -> bool {
    let lines = text.strip_suffix('\n').unwrap_or(text);
    lines.contains('\n')
        && !lines.starts_with([' ', '\t', '\n'])
        && !lines.ends_with('\n')
        && text.chars().all(|c| c == '\n' || c == '\t' || (' '..='\u{7e}').contains(&c))
}

fn block_head(text: &str) -> &'static str {
    if text.ends_with('\n') { "|" } else { "|-" }
}

/// A value. Keys hold no references, so only values are escaped.
fn quoted(text: &str) -> String {
    scalar(&escaped(text))
}

/// Plain where nothing else can be read in it, in double quotes otherwise.
fn scalar(text: &str) -> String {
    let plain = text.bytes().next().is_some_and(|b| b.is_ascii_alphabetic() || b == b'/')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/_-.".contains(&b))
        && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { json(text) }
}

/// A JSON string is a double-quoted scalar of YAML 1.2.
fn json(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            // YAML's own line ends and what no reader takes as it is.
            c if c.is_control()
                || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}') =>
            {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

#[cfg(test)]
mod tests {
    use super::{Yaml, quoted};

    #[test]
    fn scalars() {
        for (text, expect) in [
            ("abc", "abc"),
            ("/users/x", "/users/x"),
            ("", "\"\""),
            ("1", "\"1\""),
            ("true", "\"true\""),
            ("No", "\"No\""),
            ("a b", "\"a b\""),
            ("{id}", "\"{id}\""),
            ("a\"b\\", "\"a\\\"b\\\\\""),
            ("${env:X}", "\"$${env:X}\""),
            ("\u{1b}", "\"\\u001b\""),
        ] {
            assert_eq!(quoted(text), expect);
        }
    }

    #[test]
    fn shapes() {
        let mut yaml = Yaml::default();
        yaml.word("lambridge", 1);
        yaml.map("functions", |yaml| yaml.map("a", |_| {}));
        yaml.list("routes", &["x", "y"], |yaml, id| {
            yaml.text("id", id);
            yaml.map("match", |yaml| yaml.text("path", "/"));
            yaml.text("code", "if x\nthen y\n");
        });
        let expect = "lambridge: 1\nfunctions:\n  a: {}\nroutes:\n  - id: x\n    match:\n      path: /\n    code: |\n      \
                      if x\n      then y\n  - id: \"y\"\n    match:\n      path: /\n    code: |\n      if x\n      then y\n";
        assert_eq!(yaml.finish(), expect);
    }
}
