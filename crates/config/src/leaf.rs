//! What a leaf says, for every dialect: numbers, durations, words, addresses, each with its complaint and its way out.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lambridge_model::{Cidr, PathMatch, Percent};

use lambridge_wire::name::FunctionName;

use crate::document::{ScalarKind, Span};
use crate::reader::Leaf;
use crate::report::Report;
use crate::suggest::nearest;
use crate::table::{Support, Table};
use crate::values;

const DURATION_HELP: &str = "a duration is a number and a unit: `400ms`, `30s`, `1m30s`";
const GO_DURATION_HELP: &str = "a duration is written as in Go: `400ms`, `1.5s`, `1m30s`";
const SIZE_HELP: &str = "a size is `64KiB`, `6MiB`, `1GiB`, or a plain number of bytes";

/// A compiled regex, in bytes: the bound of the data plane.
const MAX_REGEX: usize = 1 << 20;

/// Hosts in one list.
const MAX_HOSTS: usize = 64;

/// What lowering needs beside the document.
pub struct Lower<'a> {
    /// Where relative paths start.
    pub folder: &'a Path,
    pub report: &'a mut Report,
    pub table: &'static Table,
}

impl Lower<'_> {
    pub fn wrong(&mut self, leaf: &Leaf, message: impl Display, help: &str) {
        self.report.error(&leaf.span, format!("{} {message}", leaf.shown)).help(help);
    }

    pub fn required<'l>(
        &mut self,
        leaf: &'l Option<Leaf>,
        span: &Span,
        section: &str,
        name: &str,
    ) -> Option<&'l Leaf> {
        if leaf.is_none() {
            self.report
                .error(span, format!("`{name}` is missing in `{section}`"))
                .help(format!("add `{name}: …`"));
        }
        leaf.as_ref()
    }

    /// The leaf's own place, or that of the section around it.
    pub fn span_of(&self, leaf: &Option<Leaf>, section: &Span) -> Span {
        leaf.as_ref().map_or_else(|| section.clone(), |leaf| leaf.span.clone())
    }

    pub fn number(&mut self, leaf: &Option<Leaf>, range: RangeInclusive<usize>) -> Option<usize> {
        let leaf = leaf.as_ref()?;
        let (low, high) = (*range.start(), *range.end());
        let help = format!("write a whole number from {low} to {high}");
        if leaf.kind == ScalarKind::Text && !leaf.referred && leaf.text.bytes().all(|b| b.is_ascii_digit()) {
            self.wrong(leaf, "is text, not a number", "write it without quotes");
            return None;
        }
        match leaf.text.parse::<usize>() {
            Ok(number) if range.contains(&number) => Some(number),
            _ if leaf.kind == ScalarKind::Number => {
                self.wrong(leaf, "is out of range", &help);
                None
            }
            _ => {
                self.wrong(leaf, "is not a number", &help);
                None
            }
        }
    }

    pub fn bool(&mut self, leaf: &Option<Leaf>) -> Option<bool> {
        let leaf = leaf.as_ref()?;
        match leaf.text.as_str() {
            "true" if leaf.kind == ScalarKind::Bool || leaf.referred => Some(true),
            "false" if leaf.kind == ScalarKind::Bool || leaf.referred => Some(false),
            _ => {
                self.wrong(leaf, "is neither true nor false", "write `true` or `false`, without quotes");
                None
            }
        }
    }

    pub fn duration(&mut self, leaf: &Option<Leaf>, range: RangeInclusive<Duration>) -> Option<Duration> {
        self.duration_by(values::duration, DURATION_HELP, leaf, range)
    }

    /// The same as Go writes it.
    pub fn go_duration(&mut self, leaf: &Option<Leaf>, range: RangeInclusive<Duration>) -> Option<Duration> {
        self.duration_by(values::go_duration, GO_DURATION_HELP, leaf, range)
    }

    fn duration_by(
        &mut self,
        read: fn(&str) -> Result<Duration, String>,
        help: &str,
        leaf: &Option<Leaf>,
        range: RangeInclusive<Duration>,
    ) -> Option<Duration> {
        let leaf = leaf.as_ref()?;
        match read(&leaf.text) {
            Ok(duration) if range.contains(&duration) => Some(duration),
            Ok(_) => {
                let (low, high) =
                    (values::show_duration(*range.start()), values::show_duration(*range.end()));
                self.wrong(leaf, "is out of range", &format!("write a duration from {low} to {high}"));
                None
            }
            Err(reason) => {
                self.wrong(leaf, format!("is not a duration: {reason}"), help);
                None
            }
        }
    }

    pub fn percent(&mut self, leaf: &Option<Leaf>) -> Option<Percent> {
        let leaf = leaf.as_ref()?;
        match leaf.text.parse() {
            Ok(percent) => Some(percent),
            Err(reason) => {
                self.wrong(
                    leaf,
                    format!("is not a share: {reason}"),
                    "a share is `50%` or `0.5%`, 100% at most",
                );
                None
            }
        }
    }

    pub fn size(&mut self, leaf: &Option<Leaf>, range: RangeInclusive<usize>) -> Option<usize> {
        let leaf = leaf.as_ref()?;
        match values::size(&leaf.text) {
            Ok(size) if range.contains(&size) => Some(size),
            Ok(_) => {
                let (low, high) = (values::show_size(*range.start()), values::show_size(*range.end()));
                self.wrong(leaf, "is out of range", &format!("write a size from {low} to {high}"));
                None
            }
            Err(reason) => {
                self.wrong(leaf, format!("is not a size: {reason}"), SIZE_HELP);
                None
            }
        }
    }

    /// One of the words that the table has for the key at `path`.
    pub fn word<T: Clone>(&mut self, leaf: &Option<Leaf>, path: &str, known: &[(&str, T)]) -> Option<T> {
        let leaf = leaf.as_ref()?;
        if let Some((_, value)) = known.iter().find(|(word, _)| *word == leaf.text) {
            return Some(value.clone());
        }
        let name = path.rsplit('.').next().unwrap_or(path);
        if let Some((word, key)) = self.table.words(path).find(|(word, _)| *word == leaf.text) {
            match key.support {
                Support::Yes => {}
                Support::Ignored { why } => {
                    let message = format!("`{name}: {word}` ({}) is ignored", key.about);
                    self.report.warning(&leaf.span, message).help(why);
                }
                Support::Refused { way_out } => {
                    let message = format!("`{name}: {word}` ({}) is not supported yet", key.about);
                    self.report.error(&leaf.span, message).help(way_out);
                }
            }
            return None;
        }
        let supported: Vec<&str> = known.iter().map(|(word, _)| *word).collect();
        let help = match nearest(&leaf.text, supported.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("write one of `{}`", supported.join("`, `")),
        };
        self.wrong(leaf, format!("is not known to `{name}`"), &help);
        None
    }

    pub fn address(&mut self, leaf: &Leaf) -> Option<SocketAddr> {
        let address = leaf.text.parse().ok();
        if address.is_none() {
            let help = if leaf.text.contains("localhost") {
                "write the address, `127.0.0.1:8080`; names are not looked up"
            } else {
                "write an IP address and a port: `0.0.0.0:8080`, `[::]:8080`"
            };
            self.wrong(leaf, "is not an address and a port", help);
        }
        address
    }

    /// Names or `*.name`, each once.
    pub fn hosts(&mut self, leaves: &[Leaf]) -> Vec<String> {
        let mut hosts: Vec<String> = Vec::new();
        if let Some(leaf) = leaves.get(MAX_HOSTS) {
            self.report.error(&leaf.span, format!("there are {MAX_HOSTS} hosts at most"));
        }
        for leaf in leaves.iter().take(MAX_HOSTS) {
            match values::host(&leaf.text) {
                Ok((host, _)) if hosts.contains(&host) => {
                    self.wrong(leaf, "stands twice", "remove one of them");
                }
                Ok((host, _)) => hosts.push(host),
                Err(reason) => {
                    let help = "write `api.example.com` or `*.example.com`";
                    self.wrong(leaf, format!("is not a host: {reason}"), help);
                }
            }
        }
        hosts
    }

    pub fn network(&mut self, leaf: &Leaf) -> Option<Cidr> {
        let network = leaf.text.parse().ok();
        if network.is_none() {
            self.wrong(leaf, "is not a network", "write `10.0.0.0/8`, `2001:db8::/32` or one address");
        }
        network
    }

    pub fn path(&mut self, leaf: Option<&Leaf>) -> Option<PathBuf> {
        let leaf = leaf?;
        if leaf.text.is_empty() || leaf.text.contains('\0') {
            self.wrong(leaf, "is not a path", "write a path; relative ones start at this file's folder");
            return None;
        }
        Some(self.folder.join(&leaf.text))
    }

    pub fn path_regex(&mut self, leaf: &Leaf) -> Option<PathMatch> {
        self.regex(leaf).map(PathMatch::Regex)
    }

    /// A pattern of a whole text. Compiled once here, only to complain at its place; the data plane compiles its own.
    pub fn regex(&mut self, leaf: &Leaf) -> Option<String> {
        let anchored = format!("^(?:{})$", leaf.text);
        // `a)(b` would be well formed only inside the anchors, so the text itself must compile too.
        let compile = |text: &str| regex::RegexBuilder::new(text).size_limit(MAX_REGEX).build();
        match compile(&leaf.text).and_then(|_| compile(&anchored)) {
            Ok(_) => Some(leaf.text.clone()),
            Err(error) => {
                let reason = match &error {
                    regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
                    // The last line of a syntax error says what is wrong; those above draw the text.
                    error => {
                        let text = error.to_string();
                        text.lines().last().unwrap_or("").trim_start_matches("error: ").to_owned()
                    }
                };
                let help = "the syntax is that of Rust's `regex`: no look-around, no back-references";
                self.wrong(leaf, format!("is not a regular expression: {reason}"), help);
                None
            }
        }
    }

    pub fn not_empty(&mut self, leaf: &Leaf) -> Option<String> {
        if leaf.text.is_empty() {
            self.wrong(leaf, "is empty", "write a value, or remove the key");
            return None;
        }
        Some(leaf.text.clone())
    }

    /// A version or an alias beside a name that may have one too. Empty is none: a shell makes that of an unquoted
    /// `$LATEST`.
    pub fn qualifier(&mut self, leaf: &Option<Leaf>, name: Option<&FunctionName>) -> Option<String> {
        let leaf = leaf.as_ref().filter(|leaf| !leaf.text.is_empty())?;
        if !values::is_qualifier(&leaf.text) {
            self.wrong(leaf, "is not a qualifier", "write a version's number, an alias or `$LATEST`");
            return None;
        }
        if let Some(other) = name.and_then(FunctionName::qualifier).filter(|other| *other != leaf.text) {
            let message = format!("differs from the qualifier `{other}` in the name");
            self.wrong(leaf, message, "keep one of them");
        }
        Some(leaf.text.clone())
    }

    pub fn region(&mut self, leaf: &Option<Leaf>) -> Option<String> {
        let leaf = leaf.as_ref()?;
        if !values::is_region(&leaf.text) {
            self.wrong(leaf, "is not a region", "write a region's name, as `us-east-1`");
            return None;
        }
        Some(leaf.text.clone())
    }

    pub fn endpoint(&mut self, leaf: &Option<Leaf>) -> Option<String> {
        let leaf = leaf.as_ref()?;
        match values::endpoint(&leaf.text) {
            Ok(endpoint) => Some(endpoint),
            Err(reason) => {
                let help = "write the base URL of the Lambda API, as `http://127.0.0.1:9000`";
                self.wrong(leaf, format!("is not a base URL: {reason}"), help);
                None
            }
        }
    }

    pub fn key_id(&mut self, leaf: &Leaf) -> Option<String> {
        let good = (1..=128).contains(&leaf.text.len())
            && leaf.text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !good {
            // Not quoted: a secret may have been put here by mistake.
            self.report
                .error(&leaf.span, "the value of `access_key_id` is not an access key id")
                .help("it has letters, digits and `_` only; the longer value is `secret_access_key`");
            return None;
        }
        Some(leaf.text.clone())
    }
}
