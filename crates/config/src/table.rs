//! The table of a dialect: every key of its format, once, with what becomes of it.
//!
//! Each dialect has one, in its `support.rs`. The reader knows no key that is not in it, so no key is dropped
//! silently, and the compatibility pages are made from it.
//!
//! A path names a key: `*` stands for a name of the writer's choice, `[]` for an item of a list, and `path: word` for
//! one of the words a key takes. The native dialect's rows say too what a key takes and what counts without it
//! (`kind.rs`): its schema and its reference are made of that.

mod kind;

pub use kind::{Absent, Kind};

/// What becomes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It does what the table says.
    Yes,
    /// It is read over, with a warning: what it asks for happens anyway, or makes no difference to requests.
    Ignored {
        /// Why that is harmless.
        why: &'static str,
    },
    /// It is part of the format, but a file that has it is not served: it would not behave as written.
    Refused {
        /// The way out.
        way_out: &'static str,
    },
}

/// One row.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Where it stands.
    pub path: &'static str,
    /// What becomes of it.
    pub support: Support,
    /// What it does.
    pub about: &'static str,
    /// What it takes; told of the native dialect only, the others have documentation of their own.
    pub kind: Kind,
    /// What counts where it is absent; as `kind`.
    pub absent: Absent,
}

const fn row(path: &'static str, support: Support, about: &'static str) -> Key {
    Key { path, support, about, kind: Kind::Rows, absent: Absent::Nothing }
}

/// A key that does what the table says.
pub const fn yes(path: &'static str, about: &'static str) -> Key {
    row(path, Support::Yes, about)
}

/// A key that is read over.
pub const fn ignored(path: &'static str, about: &'static str, why: &'static str) -> Key {
    row(path, Support::Ignored { why }, about)
}

/// A key that is refused.
pub const fn no(path: &'static str, about: &'static str, way_out: &'static str) -> Key {
    row(path, Support::Refused { way_out }, about)
}

/// What a key that is in no row is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// A mistake.
    Error,
    /// Told, and read over: the system itself reads over it too.
    Warning,
}

/// All rows of a dialect.
#[derive(Debug, Clone, Copy)]
pub struct Table {
    /// In the order of the documentation.
    pub keys: &'static [Key],
    /// What becomes of other keys.
    pub unknown: Unknown,
    /// Keys that begin with one of these are the writer's own notes.
    pub notes: &'static [char],
}

impl Table {
    /// The row of one key directly below `path` (empty for the top).
    pub fn find(&self, path: &str, name: &str) -> Option<&'static Key> {
        self.children(path).find(|(child, _)| *child == name).map(|(_, key)| key)
    }

    /// Names and rows of the keys directly below `path`, in the order of the table.
    pub fn children(&self, path: &str) -> impl Iterator<Item = (&'static str, &'static Key)> {
        self.keys.iter().filter_map(move |key| {
            let name = match path {
                "" => key.path,
                _ => key.path.strip_prefix(path)?.strip_prefix('.')?,
            };
            (!name.contains(['.', '[', ':'])).then_some((name, key))
        })
    }

    /// The path of the items of the list `name` below `path`: `routes[]` for `routes`.
    pub fn items(&self, path: &str, name: &str) -> &'static str {
        let list = self.find(path, name).map_or("", |key| key.path);
        let item = |key: &Key| {
            let rest = key.path.strip_prefix(list)?;
            rest.starts_with("[]").then(|| &key.path[..list.len() + 2])
        };
        self.keys.iter().find_map(item).unwrap_or("")
    }

    /// The words that the key at `path` takes, with their rows.
    pub fn words(&self, path: &str) -> impl Iterator<Item = (&'static str, &'static Key)> {
        self.keys.iter().filter_map(move |key| Some((key.path.strip_prefix(path)?.strip_prefix(": ")?, key)))
    }

    /// Where a key belongs that was written in a wrong place, if it has one place only.
    pub fn elsewhere(&self, name: &str) -> Option<&'static str> {
        let mut found = self
            .keys
            .iter()
            .filter(|key| key.path.rsplit('.').next() == Some(name) && !key.path.contains(':'));
        let first = found.next()?;
        found.next().is_none().then_some(first.path)
    }

    /// Whether the key is the writer's own note.
    pub fn is_note(&self, name: &str) -> bool {
        name.starts_with(self.notes)
    }
}

/// What every table holds to: paths are unique, and what stands below a key has that key.
#[cfg(test)]
pub fn check(table: &Table) {
    for (index, key) in table.keys.iter().enumerate() {
        assert!(!table.keys[..index].iter().any(|other| other.path == key.path), "{} stands twice", key.path);
        if let Some((parent, _)) = key.path.rsplit_once(['.', ':']) {
            let parent = parent.trim_end_matches(".*").trim_end_matches("[]");
            let known = table.keys.iter().any(|other| other.path == parent);
            assert!(known, "{} has no parent in the table", key.path);
        }
        assert!(!key.about.is_empty(), "{} says nothing", key.path);
    }
}
