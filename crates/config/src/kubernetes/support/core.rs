//! What every object has, and the core group.

use crate::table::{Key, Table, Unknown, ignored, no, yes};

/// `metadata` of every kind.
pub const METADATA: Table = Table { keys: METADATA_KEYS, unknown: Unknown::Warning, notes: &[] };

/// Its rows. What a cluster writes there is known, and of no matter.
pub const METADATA_KEYS: &[Key] = &[
    yes("name", "name of the object"),
    yes("namespace", "`default` when absent"),
    yes("labels", "the writer's own"),
    yes("annotations", "the writer's own"),
    yes("creationTimestamp", "written by the cluster"),
    yes("deletionTimestamp", "written by the cluster"),
    yes("deletionGracePeriodSeconds", "written by the cluster"),
    yes("finalizers", "written by controllers"),
    yes("generation", "written by the cluster"),
    yes("managedFields", "written by the cluster"),
    yes("ownerReferences", "written by controllers"),
    yes("resourceVersion", "written by the cluster"),
    yes("selfLink", "written by the cluster"),
    yes("uid", "written by the cluster"),
    no("generateName", "a name that the cluster makes up", "write `name`"),
];

/// `List`.
pub const LIST: Table = Table {
    keys: &[
        yes("apiVersion", "`v1`"),
        yes("kind", "`List`"),
        yes("metadata", "written by the cluster"),
        yes("items", "objects"),
    ],
    unknown: Unknown::Warning,
    notes: &[],
};

/// `Secret`.
pub const SECRET: Table = Table { keys: SECRET_KEYS, unknown: Unknown::Warning, notes: &[] };

/// Its rows.
pub const SECRET_KEYS: &[Key] = &[
    yes("apiVersion", "`v1`"),
    yes("kind", "`Secret`"),
    yes("metadata", "name and namespace"),
    yes("type", "any: a Secret is recognised by its keys"),
    yes("data", "values in base64"),
    yes("stringData", "values as text; they win over those of `data`"),
    ignored("immutable", "whether it may be changed", "files are read anew when they change"),
];

#[cfg(test)]
mod tests {
    #[test]
    fn the_tables_are_whole() {
        for table in [&super::METADATA, &super::LIST, &super::SECRET] {
            crate::table::check(table);
        }
    }
}
