//! The core group: `Secret`.

use lambridge_model::Secret as Hidden;

use super::{Body, Kind};
use crate::document::Node;
use crate::kubernetes::support::core::SECRET;
use crate::reader::{Fields, Leaf, Reader};

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
    let scalar = node.as_scalar();
    let lines = scalar.map_or(0, |scalar| scalar.text.matches('\n').count());
    reader.report.secret(&key.span, 0);
    reader.report.secret(&node.span, lines.saturating_add(1));
    let Some(scalar) = scalar else {
        let message = format!("{} takes a single value, not {}", key.shown, node.kind_name());
        reader.report.error(&key.span, message).help("write it as text");
        return None;
    };
    Some(Entry { key, text: Hidden::new(scalar.text.clone()), base64 })
}
