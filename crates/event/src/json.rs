//! The JSON of events and answers, read and written without a tree in between.
//!
//! The rule: a body is megabytes, everything else is small, so a string is looked at once on its way in and once on
//! its way out, by a scan in vectors that finds the special bytes of 64 at a step, or by the loops of
//! [`vector`](crate::vector) where the processor has what they need. [`reader`] walks an object key by key and hands out slices
//! of the input; only a string with escapes is copied, once. [`writer`] escapes straight into the caller's buffer.
//!
//! It is strict where RFC 8259 is (control characters, numbers, escapes, what follows the value) and lenient in one
//! point: half a surrogate pair, which JavaScript can emit, becomes U+FFFD and is no error. Nesting is followed with
//! one bit a level and no recursion, so that depth costs memory in proportion to the input and never the stack.

pub(crate) mod go;
pub(crate) mod reader;
mod scan;
pub(crate) mod writer;

pub(crate) use reader::{JsonError, Reader, Text, Value};
pub(crate) use writer::Object;
