//! What is said about the environment at the start, one line each.

use std::fmt;

/// Something in the environment that does not count, or will not for long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// The value cannot be read; the default holds.
    Unreadable {
        /// The variable.
        name: &'static str,
        /// What it says.
        value: String,
        /// What would be read.
        expected: &'static str,
        /// What happens instead.
        instead: &'static str,
    },
    /// An older name.
    Deprecated {
        /// The name in use.
        old: &'static str,
        /// The name to use.
        new: &'static str,
    },
    /// A port that is not the application's to take.
    Port {
        /// The port.
        port: u16,
        /// Whose it is.
        whose: String,
    },
    /// Something this version does not do.
    Unsupported {
        /// The variable.
        name: &'static str,
        /// What happens instead.
        instead: &'static str,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { name, value, expected, instead } => {
                write!(f, "{name} is `{value}`, expected {expected}; {instead}")
            }
            Self::Deprecated { old, new } => {
                write!(f, "{old} is deprecated and will be removed in version 2.0, use {new} instead")
            }
            Self::Port { port, whose } => {
                write!(f, "the application's port, {port} of AWS_LWA_PORT or PORT, {whose}; give it another")
            }
            Self::Unsupported { name, instead } => write!(f, "{name}: {instead}"),
        }
    }
}
