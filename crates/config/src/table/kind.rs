//! What a key takes, and what counts where it is absent: the half of a row that a schema and a reference are made of.
//!
//! The reader does not ask these: it says itself what it takes, and tests hold each row against it, value by value.

use super::Key;

/// What a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What the rows below it say: a map, a list, words. Without any, text.
    Rows,
    /// A single value; the word says what it is.
    Text(&'static str),
    /// `true` or `false`.
    Bool,
    /// A whole number between two, both included.
    Number(u64, u64),
    /// `64KiB`, between two.
    Size(&'static str, &'static str),
    /// `1m30s`, between two.
    Duration(&'static str, &'static str),
    /// `12.5%`.
    Share,
    /// US dollars, as `0.0000166667`.
    Price,
    /// A list of single values.
    List(&'static str),
    /// Single values by names of the writer's choice.
    Map(&'static str),
    /// The same where a value may also be a list of values.
    MapOfLists(&'static str),
}

/// What counts where a key is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    /// Nothing does.
    Nothing,
    /// The same as if this were written.
    Value(&'static str),
    /// What these words say.
    Said(&'static str),
    /// It has to be there, if what is around it is.
    Wrong,
}

impl Key {
    /// A single value of this sort: `address`, `URL`, `file`.
    pub const fn text(self, sort: &'static str) -> Self {
        Self { kind: Kind::Text(sort), ..self }
    }

    /// `true` or `false`, and `false` when absent.
    pub const fn bool(self) -> Self {
        Self { kind: Kind::Bool, absent: Absent::Value("false"), ..self }
    }

    /// A whole number, both ends included.
    pub const fn number(self, low: u64, high: u64) -> Self {
        Self { kind: Kind::Number(low, high), ..self }
    }

    /// A number of bytes, both ends included.
    pub const fn size(self, low: &'static str, high: &'static str) -> Self {
        Self { kind: Kind::Size(low, high), ..self }
    }

    /// A time, both ends included.
    pub const fn duration(self, low: &'static str, high: &'static str) -> Self {
        Self { kind: Kind::Duration(low, high), ..self }
    }

    /// A share of a whole.
    pub const fn share(self) -> Self {
        Self { kind: Kind::Share, ..self }
    }

    /// Money.
    pub const fn price(self) -> Self {
        Self { kind: Kind::Price, ..self }
    }

    /// A list of values of this sort.
    pub const fn list(self, sort: &'static str) -> Self {
        Self { kind: Kind::List(sort), ..self }
    }

    /// Values of this sort by name.
    pub const fn map(self, sort: &'static str) -> Self {
        Self { kind: Kind::Map(sort), ..self }
    }

    /// Values, or lists of values, by name.
    pub const fn map_of_lists(self, sort: &'static str) -> Self {
        Self { kind: Kind::MapOfLists(sort), ..self }
    }

    /// What counts where it is absent, as it would be written.
    pub const fn default(self, value: &'static str) -> Self {
        Self { absent: Absent::Value(value), ..self }
    }

    /// The same where no value says it.
    pub const fn absent(self, words: &'static str) -> Self {
        Self { absent: Absent::Said(words), ..self }
    }

    /// It has to be there.
    pub const fn required(self) -> Self {
        Self { absent: Absent::Wrong, ..self }
    }
}
