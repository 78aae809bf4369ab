//! Objects taken apart: the same shape as the text, every leaf with its place.
//!
//! [`KINDS`] says what is read: group, kind, versions, the table of keys, and who takes the body apart. A `List`, as
//! `kubectl get -o yaml` prints it, is its items.
//!
//! Keys whose value is null are as good as absent, as the API server treats them: `qualifier:` with nothing behind it,
//! which a shell makes of an unquoted `$LATEST`, is no qualifier.

pub mod core;
pub mod gateway_api;
pub mod gloo;
pub mod kgateway;

use crate::document::{Node, Span, Value};
use crate::reader::{Fields, Leaf, Reader};
use crate::report::{Report, quoted};
use crate::suggest::nearest;
use crate::table::Table;

use super::support::{self, GATEWAY_API, GLOO, GLOO_GATEWAY, KGATEWAY};

/// One kind that is read.
#[derive(Debug)]
pub struct Kind {
    /// Empty for the core group.
    pub group: &'static str,
    pub name: &'static str,
    /// Those that are known, the current one first.
    pub versions: &'static [&'static str],
    /// Whether objects of the kind live in a namespace.
    pub namespaced: bool,
    pub table: &'static Table,
    /// Takes apart what stands beside `metadata`.
    pub read: fn(&mut Reader<'_>, &Fields<'_>) -> Body,
}

/// Every kind that is read.
pub const KINDS: &[&[Kind]] = &[core::KINDS, gateway_api::KINDS, kgateway::KINDS, gloo::KINDS];

/// Groups whose other kinds are refused instead of read over.
const OWN_GROUPS: [&str; 4] = [GATEWAY_API, KGATEWAY, GLOO, GLOO_GATEWAY];

/// One object.
#[derive(Debug)]
pub struct Object {
    pub group: String,
    pub kind: String,
    /// The object's name, also where it was written.
    pub name: Leaf,
    /// `default` when the file says nothing; empty for kinds without a namespace.
    pub namespace: String,
    /// Where to point for the object as a whole.
    pub span: Span,
    pub body: Body,
}

/// What an object says beside its metadata.
#[derive(Debug)]
pub enum Body {
    Secret(core::Secret),
    GatewayClass(gateway_api::GatewayClass),
    Gateway(gateway_api::Gateway),
    HttpRoute(gateway_api::HttpRoute),
    ReferenceGrant(gateway_api::ReferenceGrant),
    Backend(Box<kgateway::Backend>),
    Gloo(gloo::Body),
    /// Of no matter to requests.
    Other,
}

/// Takes `root` apart by its `apiVersion` and `kind`; what cannot be read is reported and left out.
pub fn read(root: &Node, report: &mut Report) -> Vec<Object> {
    let mut out = Vec::new();
    one(&without_nulls(root), report, &mut out);
    out
}

fn one(root: &Node, report: &mut Report, out: &mut Vec<Object>) {
    let text = |key: &str| root.get(key).and_then(Node::as_scalar).map(|scalar| scalar.text.as_str());
    let (Some(version), Some(kind)) = (text("apiVersion"), text("kind")) else {
        report
            .error(root.head(), "an object has a text as `apiVersion` and another as `kind`")
            .help("begin with `apiVersion: …` and `kind: …`");
        return;
    };
    if kind == "Secret" {
        core::hide(root, report);
    }
    // The core group has no name, so that its `apiVersion` is a version alone.
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    if (group, kind) == ("", "List") {
        let mut reader = Reader { report, table: &support::core::LIST };
        let Some(top) = reader.fields(root, "") else { return };
        reader.list(&top, "items", |reader, item| {
            one(item, reader.report, out);
            Some(())
        });
        return;
    }
    let known = KINDS.iter().copied().flatten().find(|known| known.group == group && known.name == kind);
    let body = match known {
        Some(known) => {
            check_version(known, version, root, report);
            let mut reader = Reader { report, table: known.table };
            let Some(top) = reader.fields(root, "") else { return };
            (known.read)(&mut reader, &top)
        }
        None if OWN_GROUPS.contains(&group) && !support::IGNORED_KINDS.contains(&(group, kind)) => {
            refuse(group, kind, root, report);
            return;
        }
        None => Body::Other,
    };
    let namespaced = known.is_none_or(|known| known.namespaced);
    out.extend(object(group, kind, namespaced, root, body, report));
}

fn check_version(known: &Kind, version: &str, root: &Node, report: &mut Report) {
    if known.versions.contains(&version) {
        return;
    }
    let span = root.get("apiVersion").map_or(root.head(), |node| &node.span);
    let message = format!("version {} of `{}` is not known", quoted(version), known.name);
    let prefix = if known.group.is_empty() { String::new() } else { format!("{}/", known.group) };
    let current = known.versions.first().copied().unwrap_or_default();
    report.error(span, message).help(format!("write `apiVersion: {prefix}{current}`"));
}

fn refuse(group: &str, kind: &str, root: &Node, report: &mut Report) {
    let span = root.get("kind").map_or(root.head(), |node| &node.span);
    if let Some((.., way_out)) =
        support::REFUSED_KINDS.iter().find(|(other, name, _)| (*other, *name) == (group, kind))
    {
        report
            .error(span, format!("objects of kind `{kind}` ({group}) are not supported yet"))
            .help(*way_out);
        return;
    }
    let names = KINDS.iter().copied().flatten().filter(|known| known.group == group).map(|known| known.name);
    let help = match nearest(kind, names.clone()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("of that group are known: `{}`", names.collect::<Vec<_>>().join("`, `")),
    };
    report
        .error(span, format!("objects of kind {} ({}) are not known", quoted(kind), quoted(group)))
        .help(help);
}

/// Reads `metadata`, whose keys are the same for every kind.
fn object(
    group: &str,
    kind: &str,
    namespaced: bool,
    root: &Node,
    body: Body,
    report: &mut Report,
) -> Option<Object> {
    let known = !matches!(body, Body::Other);
    let shown = quoted(kind);
    let Some(meta) = root.get("metadata") else {
        if known {
            report
                .error(root.head(), format!("this {shown} has no `metadata`"))
                .help("add `metadata: { name: … }`");
        }
        return None;
    };
    let mut reader = Reader { report, table: &support::core::METADATA };
    let fields = reader.fields(meta, "metadata")?;
    let name = reader.leaf(&fields, "name");
    let namespace = reader.leaf(&fields, "namespace");
    reader.pairs(&fields, "labels");
    reader.pairs(&fields, "annotations");
    if name.is_none() && known && !fields.has("name") {
        reader
            .report
            .error(&fields.span, format!("this {shown} has no name"))
            .help("add `name: …` to its `metadata`");
    }
    let name = name?;
    for leaf in [Some(&name), namespace.as_ref()].into_iter().flatten().filter(|_| known) {
        if !is_name(&leaf.text) {
            reader
                .report
                .error(&leaf.span, format!("{} is not the name of an object", leaf.shown))
                .help("lower-case letters, digits, `-` and `.`; letters or digits at both ends");
        }
    }
    let namespace = match namespace {
        _ if !namespaced => String::new(),
        Some(leaf) => leaf.text,
        None => "default".to_owned(),
    };
    let span = name.span.clone();
    Some(Object { group: group.to_owned(), kind: kind.to_owned(), name, namespace, span, body })
}

/// Source: Kubernetes documentation, object names: RFC 1123 subdomains.
pub fn is_name(text: &str) -> bool {
    let ends = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    (1..=253).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
        && ends(text.bytes().next())
        && ends(text.bytes().last())
}

/// The tree without the keys that say nothing. Its depth is bounded by the document's.
fn without_nulls(node: &Node) -> Node {
    let value = match &node.value {
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .filter(|(_, node)| !node.is_nothing())
                .map(|(key, node)| (key.clone(), without_nulls(node)))
                .collect(),
        ),
        Value::List(nodes) => Value::List(nodes.iter().map(without_nulls).collect()),
        Value::Scalar(scalar) => Value::Scalar(scalar.clone()),
    };
    Node { value, span: node.span.clone() }
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names() {
        for text in ["a", "aws-creds", "a.b-c.1", "1"] {
            assert!(is_name(text), "{text}");
        }
        for text in ["", "-a", "a-", "A", "a_b", "a b", ".a", "é", &"x".repeat(254)] {
            assert!(!is_name(text), "{text}");
        }
    }
}
