//! The core group: `Secret`.

use lambridge_model::Secret as Hidden;

use super::{Body, Kind};
use crate::document::{Node, Value};
use crate::kubernetes::support::core::SECRET;
use crate::reader::{Fields, Leaf, Reader};
use crate::report::Report;

pub const KINDS: &[Kind] =
    &[Kind { group: "", name: "Secret", versions: &["v1"], namespaced: true, table: &SECRET, read: secret }];

/// Values by key; what they say is for [`crate::kubernetes::lower::secret`].
#[derive(Debug)]
pub struct Secret {
    pub entries: Vec<Entry>,
}

/// One value.
#[derive(Debug)]
pub struct Entry {
    /// The key, and its place: no message points at the value itself.
    pub key: Leaf,
    pub text: Hidden,
    /// From `data`, where values are written in base64; those of `stringData` are not.
    pub base64: bool,
}

fn secret(reader: &mut Reader<'_>, top: &Fields<'_>) -> Body {
    let mut entries = Vec::new();
    for (section, base64) in [("data", true), ("stringData", false)] {
        let found = reader.entries(top, section, |reader, key, node| entry(reader, key, node, base64));
        entries.extend(found.into_iter().flatten());
    }
    Body::Secret(Secret { entries })
}

fn entry(reader: &mut Reader<'_>, key: Leaf, node: &Node, base64: bool) -> Option<Entry> {
    let Some(scalar) = node.as_scalar() else {
        let message = format!("{} takes a single value, not {}", key.shown, node.kind_name());
        reader.report.error(&key.span, message).help("write it as text");
        return None;
    };
    Some(Entry { key, text: Hidden::new(scalar.text.clone()), base64 })
}

/// Keeps the values of a Secret out of every message, whatever is wrong around them. `kubectl apply` leaves a copy of
/// them in an annotation.
pub fn hide(root: &Node, report: &mut Report) {
    let annotations = root.get("metadata").and_then(|metadata| metadata.get("annotations"));
    for node in [root.get("data"), root.get("stringData"), annotations].into_iter().flatten() {
        hide_all(node, report);
    }
}

fn hide_all(node: &Node, report: &mut Report) {
    match &node.value {
        Value::Scalar(scalar) => {
            report.secret(&node.span, scalar.text.matches('\n').count().saturating_add(1));
        }
        Value::List(nodes) => nodes.iter().for_each(|node| hide_all(node, report)),
        Value::Map(entries) => {
            for (key, node) in entries {
                report.secret(&key.span, 0);
                hide_all(node, report);
            }
        }
    }
}
