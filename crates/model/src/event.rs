//! What a function is given.

use lambridge_event::Format;

use crate::Origin;

/// The event of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// One of the formats that sources of Lambda events have.
    Format(Format),
    /// Written by the configuration.
    Template(EventTemplate),
}

impl Default for Event {
    fn default() -> Self {
        Self::Format(Format::default())
    }
}

impl From<Format> for Event {
    fn from(format: Format) -> Self {
        Self::Format(format)
    }
}

impl Event {
    /// The name in the native configuration.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Format(format) => format.name(),
            Self::Template(_) => "template",
        }
    }

    /// The same with a blank place.
    pub(crate) fn without_place(&self) -> Self {
        match self {
            Self::Format(format) => Self::Format(*format),
            Self::Template(EventTemplate { text, .. }) => Self::Template(EventTemplate {
                text: text.clone(),
                origin: Origin::default(),
                in_place: false,
            }),
        }
    }
}

/// JSON with values of the request in it, not compiled yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventTemplate {
    /// As written.
    pub text: String,
    /// Where its first character stands, or else the value as a whole.
    pub origin: Origin,
    /// Its lines are lines of the file, each beginning in the column of `origin`.
    pub in_place: bool,
}
