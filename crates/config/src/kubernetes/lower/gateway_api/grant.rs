//! `ReferenceGrant`: who may refer to objects of another namespace.
//!
//! References across namespaces need the consent of the namespace that is referred to, in a file as in a cluster, so
//! that files which are served here are served there.

use crate::document::Span;
use crate::kubernetes::set::{Reference, Set};
use crate::kubernetes::syntax::gateway_api::ReferenceGrant;
use crate::kubernetes::syntax::{Body, Object};
use crate::leaf::Lower;
use crate::reader::Leaf;
use crate::report::Report;

/// Whose reference it is.
#[derive(Debug, Clone, Copy)]
pub struct Referrer<'a> {
    pub group: &'a str,
    pub kind: &'a str,
    pub namespace: &'a str,
}

/// `None` when a reference was reported as not allowed.
pub fn check(
    set: &Set<'_>,
    from: Referrer<'_>,
    to: Reference<'_>,
    span: &Span,
    report: &mut Report,
) -> Option<()> {
    if from.namespace == to.namespace || allowed(set, from, to) {
        return Some(());
    }
    let Referrer { group, kind, namespace } = from;
    let to_group = if to.group.is_empty() { "\"\"" } else { to.group };
    report
        .error(span, format!("{to} may not be referred to by objects of kind `{kind}` in `{namespace}`"))
        .help(format!(
            "add a `ReferenceGrant` in namespace `{}`: `from: [{{ group: {group}, kind: {kind}, namespace: {namespace} }}]`, \
             `to: [{{ group: {to_group}, kind: {} }}]`",
            to.namespace, to.kind
        ));
    None
}

fn allowed(set: &Set<'_>, from: Referrer<'_>, to: Reference<'_>) -> bool {
    let is = |leaf: &Option<Leaf>, text: &str| leaf.as_ref().map_or("", |leaf| leaf.text.as_str()) == text;
    set.objects().filter(|object| object.namespace == to.namespace).any(|object| {
        let Body::ReferenceGrant(grant) = &object.body else { return false };
        let comes = grant.from.iter().any(|one| {
            is(&one.group, from.group) && is(&one.kind, from.kind) && is(&one.namespace, from.namespace)
        });
        let goes = grant.to.iter().any(|one| {
            let named = one.name.as_ref().is_none_or(|leaf| leaf.text.is_empty() || leaf.text == to.name);
            is(&one.group, to.group) && is(&one.kind, to.kind) && named
        });
        comes && goes
    })
}

/// What a grant lacks.
pub fn complain(grant: &ReferenceGrant, object: &Object, lower: &mut Lower<'_>) {
    for (name, count) in [("from", grant.from.len()), ("to", grant.to.len())] {
        if count == 0 {
            let message = format!("{} has nothing in `{name}`", object.reference());
            lower
                .report
                .error(&object.span, message)
                .help(format!("add `{name}: [ … ]`, or remove the grant"));
        }
    }
    for one in &grant.from {
        for (name, leaf) in [("kind", &one.kind), ("namespace", &one.namespace)] {
            lower.required(leaf, &object.span, "from", name);
        }
    }
    for one in &grant.to {
        lower.required(&one.kind, &object.span, "to", "kind");
    }
}
