//! `${env:NAME}` and `${file:PATH}` in values.
//!
//! A reference may stand anywhere in a value and any number of times. A file's text loses one line break at its end,
//! since that is how secrets are mounted. `$${` is a plain `${`. `${NAME}` without a colon is nobody's reference here
//! and stays as it is; `${word:…}` with another word is an error, because it is most often a slip.
//! What a reference gave is not looked at again, and never stands in a message.
//!
//! runway's `${NAME}` is a step of its own before that: [`bare`].

use std::path::{Path, PathBuf};

use crate::document::{Node, Scalar, ScalarKind, Span, Value, resolve};
use crate::report::{Report, quoted};
use crate::source::Files;

/// All that references may add to one document.
const MAX_TOTAL: usize = 8 << 20;

/// Files that one document refers to.
const MAX_FILES: usize = 200;

/// A piece of a value.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Env(&'a str),
    File(&'a str),
    /// The reference as written, and what is wrong with it.
    Wrong(&'a str, &'static str),
}

/// The files that values below `node` refer to, relative ones joined to `folder`.
pub fn references(node: &Node, folder: &Path, found: &mut Vec<PathBuf>) {
    visit(node, &mut |scalar| {
        for piece in split(&scalar.text) {
            if let Piece::File(path) = piece {
                let path = folder.join(path);
                if found.len() < MAX_FILES && !found.contains(&path) {
                    found.push(path);
                }
            }
        }
    });
}

/// Replaces every reference below `node`.
pub fn interpolate(
    node: &mut Node,
    folder: &Path,
    env: &dyn Fn(&str) -> Option<String>,
    files: &Files,
    report: &mut Report,
) {
    Interpolation { folder, env, files, report, left: MAX_TOTAL }.node(node);
}

/// Replaces every `${NAME}` below `node` whose variable is set; one that is not set stays, with a warning. What it gave is
/// read like the rest of the file, so it may be a reference itself.
///
/// runway does so in the text before it is YAML; here a variable fills a value and is never structure.
/// Source: its `config` package, `expandEnvVars`.
pub fn bare(node: &mut Node, env: &dyn Fn(&str) -> Option<String>, report: &mut Report) {
    let mut left = MAX_TOTAL;
    visit_mut(node, &mut |scalar, span| bare_scalar(scalar, span, env, report, &mut left));
}

fn bare_scalar(
    scalar: &mut Scalar,
    span: &Span,
    env: &dyn Fn(&str) -> Option<String>,
    report: &mut Report,
    left: &mut usize,
) {
    let mut out = String::new();
    let mut rest = scalar.text.as_str();
    let mut replaced = false;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let name = from[2..].split('}').next().unwrap_or_default();
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && from.len() > name.len() + 2;
        if !is_name {
            out.push_str("${");
            rest = &from[2..];
            continue;
        }
        let whole = &from[..name.len() + 3];
        rest = &from[name.len() + 3..];
        match env(name) {
            Some(value) if value.len() <= *left => {
                *left -= value.len();
                out.push_str(&value);
                replaced = true;
            }
            Some(_) => {
                report.error(span, format!("references add more than {} MiB", MAX_TOTAL >> 20));
            }
            None => {
                report
                    .warning(span, format!("the environment variable {} is not set", quoted(name)))
                    .help(format!("set it; as it is, {} stays as written", quoted(whole)));
                out.push_str(whole);
            }
        }
    }
    if !replaced {
        return;
    }
    out.push_str(rest);
    let written = std::mem::replace(&mut scalar.text, out);
    if scalar.kind == ScalarKind::Text {
        scalar.kind = resolve(&scalar.text);
    }
    scalar.written.get_or_insert(written);
}

struct Interpolation<'a> {
    folder: &'a Path,
    env: &'a dyn Fn(&str) -> Option<String>,
    files: &'a Files,
    report: &'a mut Report,
    left: usize,
}

impl Interpolation<'_> {
    fn node(&mut self, node: &mut Node) {
        match &mut node.value {
            Value::Scalar(scalar) => self.scalar(scalar, &node.span),
            Value::List(nodes) => nodes.iter_mut().for_each(|node| self.node(node)),
            Value::Map(entries) => entries.iter_mut().for_each(|(_, node)| self.node(node)),
        }
    }

    fn scalar(&mut self, scalar: &mut Scalar, span: &Span) {
        if !scalar.text.contains("${") {
            return;
        }
        let mut out = String::new();
        let mut replaced = false;
        let mut failed = false;
        for piece in split(&scalar.text) {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Wrong(text, reason) => {
                    failed = true;
                    let message = format!("{} is not a reference: {reason}", quoted(text));
                    self.report
                        .error(span, message)
                        .help("references are `${env:NAME}` and `${file:PATH}`; `$${` is a plain `${`");
                }
                Piece::Env(name) => match (self.env)(name) {
                    Some(value) => {
                        replaced = true;
                        self.add(&mut out, &value, span);
                    }
                    None => {
                        failed = true;
                        let message = format!("the environment variable {} is not set", quoted(name));
                        self.report.error(span, message).help("set it, or write the value");
                    }
                },
                Piece::File(path) => match self.files.get(&self.folder.join(path)) {
                    Some(Ok(text)) => {
                        let text = text.strip_suffix('\n').unwrap_or(text);
                        replaced = true;
                        self.add(&mut out, text.strip_suffix('\r').unwrap_or(text), span);
                    }
                    unread => {
                        failed = true;
                        let reason = match unread {
                            Some(Err(reason)) => reason,
                            _ => "there are too many references to files",
                        };
                        let message = format!("the file {} cannot be read: {reason}", quoted(path));
                        self.report.error(span, message).help("relative paths start at this file's folder");
                    }
                },
            }
        }
        let written = std::mem::replace(&mut scalar.text, out);
        if failed {
            // Judging what is left of the value would only repeat the error.
            self.report.settle(span);
        }
        if replaced || failed {
            scalar.kind = match resolve(&scalar.text) {
                // An empty variable is empty text, not a missing value.
                ScalarKind::Null => ScalarKind::Text,
                kind => kind,
            };
            scalar.written.get_or_insert(written);
        }
    }

    fn add(&mut self, out: &mut String, text: &str, span: &Span) {
        match self.left.checked_sub(text.len()) {
            Some(left) => {
                self.left = left;
                out.push_str(text);
            }
            None => {
                let message = format!("references add more than {} MiB", MAX_TOTAL >> 20);
                self.report.error(span, message);
            }
        }
    }
}

fn visit(node: &Node, each: &mut impl FnMut(&Scalar)) {
    match &node.value {
        Value::Scalar(scalar) => each(scalar),
        Value::List(nodes) => nodes.iter().for_each(|node| visit(node, each)),
        Value::Map(entries) => entries.iter().for_each(|(_, node)| visit(node, each)),
    }
}

fn visit_mut(node: &mut Node, each: &mut impl FnMut(&mut Scalar, &Span)) {
    match &mut node.value {
        Value::Scalar(scalar) => each(scalar, &node.span),
        Value::List(nodes) => nodes.iter_mut().for_each(|node| visit_mut(node, each)),
        Value::Map(entries) => entries.iter_mut().for_each(|(_, node)| visit_mut(node, each)),
    }
}

fn split(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        if let Some(before) = before.strip_suffix('$') {
            if !before.is_empty() {
                pieces.push(Piece::Text(before));
            }
            pieces.push(Piece::Text("${"));
            rest = &from[2..];
            continue;
        }
        if !before.is_empty() {
            pieces.push(Piece::Text(before));
        }
        let word_end =
            from[2..].find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).map_or(from.len(), |n| n + 2);
        if !from[word_end..].starts_with(':') {
            pieces.push(Piece::Text(&from[..word_end]));
            rest = &from[word_end..];
            continue;
        }
        let Some(end) = from.find('}') else {
            pieces.push(Piece::Wrong(from, "`}` is missing"));
            return pieces;
        };
        let (word, value) = (&from[2..word_end], &from[word_end + 1..end]);
        let whole = &from[..=end];
        pieces.push(match (word, value) {
            (_, "") => Piece::Wrong(whole, "nothing stands after the colon"),
            ("env", name) if name.contains([':', '=', '\0']) => {
                Piece::Wrong(whole, "that is not the name of a variable")
            }
            ("env", name) => Piece::Env(name),
            ("file", path) if path.contains('\0') => Piece::Wrong(whole, "that is not a path"),
            ("file", path) => Piece::File(path),
            _ => Piece::Wrong(whole, "only `env` and `file` are known"),
        });
        rest = &from[end + 1..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest));
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::Piece::{Env, File, Text, Wrong};
    use super::{Piece, bare, split};
    use crate::document;
    use crate::report::Report;

    fn check(text: &str, expect: &[Piece<'_>]) {
        assert_eq!(split(text), expect, "{text}");
    }

    #[test]
    fn pieces() {
        check("plain", &[Text("plain")]);
        check("${env:A}", &[Env("A")]);
        check(
            "http://${env:HOST}:${env:PORT}/",
            &[Text("http://"), Env("HOST"), Text(":"), Env("PORT"), Text("/")],
        );
        check("${file:a/b.txt}", &[File("a/b.txt")]);
        check("$${env:A}", &[Text("${"), Text("env:A}")]);
        check("${HOME}/x", &[Text("${HOME"), Text("}/x")]);
        check("${", &[Text("${")]);
        check("${env:A", &[Wrong("${env:A", "`}` is missing")]);
        check("${env:}", &[Wrong("${env:}", "nothing stands after the colon")]);
        check("${evn:A}", &[Wrong("${evn:A}", "only `env` and `file` are known")]);
        check("${env:A:-b}", &[Wrong("${env:A:-b}", "that is not the name of a variable")]);
    }

    /// Expected: the value, and how many messages.
    fn check_bare(text: &str, expect: &str, messages: usize) {
        let mut report = Report::default();
        let mut documents = document::parse(&"a.yaml".into(), &format!("a: '{text}'"), &mut report).unwrap();
        let env = |name: &str| match name {
            "A" => Some("1".to_owned()),
            "B_2" => Some("${env:C}".to_owned()),
            _ => None,
        };
        bare(&mut documents[0].root, &env, &mut report);
        let found = documents[0].root.get("a").and_then(|node| node.as_scalar()).unwrap();
        assert_eq!(found.text, expect, "{text}");
        assert_eq!(report.finish(&[]).0.len(), messages, "{text}");
    }

    #[test]
    fn bare_names() {
        check_bare("plain $A $$ {A}", "plain $A $$ {A}", 0);
        check_bare("${A}", "1", 0);
        check_bare("x${A}${A}y", "x11y", 0);
        check_bare("${B_2}", "${env:C}", 0);
        check_bare("${UNSET} ${A}", "${UNSET} 1", 1);
        check_bare("${env:A}", "${env:A}", 0);
        check_bare("${", "${", 0);
        check_bare("${A", "${A", 0);
        check_bare("${1A} ${} ${A-b}", "${1A} ${} ${A-b}", 0);
        check_bare("$${A}", "$1", 0);
    }
}
