//! What every object has, and the core group.

use crate::table::{Key, Table, Unknown, ignored, no, yes};

/// `metadata` of every kind.
pub const METADATA: Table = Table { keys: METADATA_KEYS, unknown: Unknown::Warning, notes: &[] };

/// Its rows. What a cluster writes there is known, and of no matter.
pub const METADATA_KEYS: &[Key] = &[
    yes("metadata", "who the object is"),
    yes("metadata.name", "name of the object"),
    yes("metadata.namespace", "`default` when absent"),
    yes("metadata.labels", "the writer's own"),
    yes("metadata.annotations", "the writer's own"),
    yes("metadata.creationTimestamp", "written by the cluster"),
    yes("metadata.deletionTimestamp", "written by the cluster"),
    yes("metadata.deletionGracePeriodSeconds", "written by the cluster"),
    yes("metadata.finalizers", "written by controllers"),
    yes("metadata.generation", "written by the cluster"),
    yes("metadata.managedFields", "written by the cluster"),
    yes("metadata.ownerReferences", "written by controllers"),
    yes("metadata.resourceVersion", "written by the cluster"),
    yes("metadata.selfLink", "written by the cluster"),
    yes("metadata.uid", "written by the cluster"),
    no("metadata.generateName", "a name that the cluster makes up", "write `name`"),
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
