//! Every key of runway's configuration: what is read, what is ignored and why, what is refused and the way out.

use crate::table::{Key, Table, Unknown};

/// The table of the dialect.
pub const TABLE: Table = Table { keys: KEYS, unknown: Unknown::Warning, notes: &[] };

/// Its rows.
pub const KEYS: &[Key] = &[];
