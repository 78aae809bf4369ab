//! All objects of all files, and who they are to each other.
//!
//! An object is known by group, kind, namespace and name; its version is no part of that, as in a cluster.

use std::collections::HashMap;

use super::syntax::{Body, Object};
use crate::report::{Report, quoted};
use crate::suggest::nearest;

/// What names one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reference<'a> {
    /// Empty for the core group.
    pub group: &'a str,
    pub kind: &'a str,
    /// Empty for kinds without one.
    pub namespace: &'a str,
    pub name: &'a str,
}

impl std::fmt::Display for Reference<'_> {
    /// `Backend kgateway-system/lambda`, in backticks and safe for terminals.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = match self.namespace {
            "" => self.name.to_owned(),
            namespace => format!("{namespace}/{}", self.name),
        };
        write!(f, "{} {}", self.kind, quoted(&name))
    }
}

impl Object {
    /// What names it.
    pub fn reference(&self) -> Reference<'_> {
        Reference { group: &self.group, kind: &self.kind, namespace: &self.namespace, name: &self.name.text }
    }
}

/// The objects, each once.
#[derive(Debug)]
pub struct Set<'o> {
    objects: Vec<&'o Object>,
    index: HashMap<Reference<'o>, &'o Object>,
}

impl<'o> Set<'o> {
    /// Reports objects that stand twice, and once a kind those that are read over.
    pub fn new(objects: &'o [Object], report: &mut Report) -> Self {
        let mut set = Self { objects: Vec::new(), index: HashMap::new() };
        let mut others: Vec<(&Object, usize)> = Vec::new();
        let mut places: HashMap<(&str, &str), usize> = HashMap::new();
        for object in objects {
            if matches!(object.body, Body::Other) {
                let next = others.len();
                let at = *places.entry((&object.group, &object.kind)).or_insert(next);
                match others.get_mut(at) {
                    Some((_, count)) => *count += 1,
                    None => others.push((object, 1)),
                }
                continue;
            }
            match set.index.get(&object.reference()) {
                Some(first) => {
                    let message = format!("{} stands twice: first at {}", object.reference(), first.span);
                    report.error(&object.span, message).help("remove one of them, or give it another name");
                }
                None => {
                    set.index.insert(object.reference(), object);
                    set.objects.push(object);
                }
            }
        }
        for (object, count) in others {
            let kind = quoted(&object.kind);
            let message = match count {
                1 => format!("this {kind} is read over"),
                _ => format!("this {kind} and {} more are read over", count - 1),
            };
            report.warning(&object.span, message).help("it says nothing about requests and functions");
        }
        set
    }

    /// In the order of the files.
    pub fn objects(&self) -> impl Iterator<Item = &'o Object> + '_ {
        self.objects.iter().copied()
    }

    /// The object with that name.
    pub fn find(&self, reference: Reference<'_>) -> Option<&'o Object> {
        // A key of a shorter life cannot be looked up in the map's own, but `get` borrows only for the call.
        let index: &HashMap<Reference<'_>, &'o Object> = &self.index;
        index.get(&reference).copied()
    }

    /// The way out for a reference to an object that is not there.
    pub fn help_for_missing(&self, reference: Reference<'_>) -> String {
        let same = |object: &&&Object| object.kind == reference.kind && object.group == reference.group;
        let elsewhere = self.objects.iter().filter(same).find(|object| object.name.text == reference.name);
        if let Some(object) = elsewhere {
            return format!("there is a {}; add `namespace: {}`", object.reference(), object.namespace);
        }
        let here = self.objects.iter().filter(same).filter(|object| object.namespace == reference.namespace);
        match nearest(reference.name, here.map(|object| object.name.text.as_str())) {
            Some(near) => format!("did you mean {}?", quoted(near)),
            None => format!("add the file with that {} to those that are read", reference.kind),
        }
    }
}
