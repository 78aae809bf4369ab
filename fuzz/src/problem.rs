//! What the gateway's framing needs of its surroundings.

/// The rows of the gateway's error table that the framing names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    BadRequest,
    HeadTooLarge,
}
