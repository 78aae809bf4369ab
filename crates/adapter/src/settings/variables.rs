//! The environment as it is read: variables by name, what is wrong with them, and what that costs.
//!
//! A value that cannot be read is a [`Warning`], and the default holds; of a vital one it is the fault that ends the
//! init phase.

use std::collections::HashMap;

use super::parse::{StatusSet, boolean};
use super::warning::Warning;

/// A variable.
#[derive(Clone, Copy)]
pub(super) struct Name {
    name: &'static str,
    /// The name that stands in for it.
    older: Option<&'static str>,
    /// No default could be meant where the value cannot be read.
    vital: bool,
}

/// A variable that has one name.
pub(super) const fn name(name: &'static str) -> Name {
    Name { name, older: None, vital: false }
}

/// A variable that had another name.
pub(super) const fn renamed(name: &'static str, older: &'static str) -> Name {
    Name { name, older: Some(older), vital: false }
}

impl Name {
    /// The function must not start where the value cannot be read.
    pub(super) const fn vital(self) -> Name {
        Name { vital: true, ..self }
    }
}

/// All variables, and what was found about those that were read.
pub(super) struct Variables {
    vars: HashMap<String, String>,
    pub(super) warnings: Vec<Warning>,
    pub(super) fault: Option<String>,
}

impl Variables {
    /// The first of two equal names wins, as with the C library.
    pub(super) fn new(env: impl Iterator<Item = (String, String)>) -> Variables {
        let mut vars = HashMap::new();
        for (name, value) in env {
            vars.entry(name).or_insert(value);
        }
        Variables { vars, warnings: Vec::new(), fault: None }
    }

    /// What Lambda says, as it says it; nothing is the empty text.
    pub(super) fn said(&self, name: &str) -> String {
        self.vars.get(name).cloned().unwrap_or_default()
    }

    /// The value, if `parse` can read it.
    pub(super) fn read<T>(
        &mut self,
        asked: Name,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let (name, value) = self.get(asked)?;
        let parsed = parse(&value);
        if parsed.is_none() && asked.vital {
            self.fault.get_or_insert_with(|| format!("{name} is `{value}`, expected {expected}"));
        } else if parsed.is_none() {
            let instead = "the default is used";
            self.warnings.push(Warning::Unreadable { name, value, expected, instead });
        }
        parsed
    }

    /// `true` or `false`; false without it.
    pub(super) fn flag(&mut self, name: Name) -> bool {
        self.read(name, "`true` or `false`", boolean).unwrap_or(false)
    }

    /// A path that starts with `/`; one that does not is taken to mean so, with a warning.
    pub(super) fn path(&mut self, name: Name) -> Option<String> {
        let (name, path) = self.get(name)?;
        if path.starts_with('/') {
            return Some(path);
        }
        let slashed = format!("/{path}");
        self.warnings.push(Warning::Unreadable {
            name,
            value: path,
            expected: "a path that starts with `/`",
            instead: "one is put in front",
        });
        Some(slashed)
    }

    /// A set of statuses, of which those count that can be read.
    pub(super) fn statuses(&mut self, name: Name) -> Option<StatusSet> {
        let (name, value) = self.get(name)?;
        let (set, bad) = StatusSet::parse(&value);
        self.warnings.extend(bad.into_iter().map(|value| Warning::Unreadable {
            name,
            value,
            expected: "a status or a range such as `500-599`",
            instead: "it does not count",
        }));
        (!set.is_empty()).then_some(set)
    }

    /// The value, without blanks around it, and the name it was found under. An empty value counts as none.
    pub(super) fn get(&mut self, Name { name, older, .. }: Name) -> Option<(&'static str, String)> {
        let present = |name: &'static str| {
            let value = self.vars.get(name)?.trim();
            (!value.is_empty()).then(|| (name, value.to_owned()))
        };
        if let Some(found) = present(name) {
            return Some(found);
        }
        let found = present(older?)?;
        if found.0 != "PORT" {
            self.warnings.push(Warning::Deprecated { old: found.0, new: name });
        }
        Some(found)
    }
}
