//! Where in a JSON text the next byte goes: between quotes, behind a backslash there, or at the place of a value.
//!
//! The text is followed as it is written; nothing is parsed twice, and nothing is guessed from the template. What is
//! collected on the way (`{% set x %}…{% endset %}`) is no part of the event and passes here only when it is written out,
//! as a value like any other.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use memchr::{memchr, memchr2};
use minijinja::value::Object;

/// What the next byte is to a reader of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// No string is open.
    Value = 0,
    /// Part of a string.
    Text = 1,
    /// The second half of an escape.
    Escape = 2,
}

/// The place, shared by the writer and by what formats values.
#[derive(Debug, Clone, Default)]
pub(super) struct Place(Arc<AtomicU8>);

impl Object for Place {}

impl Place {
    pub(super) fn now(&self) -> Kind {
        match self.0.load(Ordering::Relaxed) {
            0 => Kind::Value,
            1 => Kind::Text,
            _ => Kind::Escape,
        }
    }

    fn follow(&self, mut text: &[u8]) {
        let mut kind = self.now();
        loop {
            let found = match kind {
                Kind::Value => memchr(b'"', text),
                Kind::Text => memchr2(b'"', b'\\', text),
                Kind::Escape => (!text.is_empty()).then_some(0),
            };
            let Some(at) = found else { break };
            kind = match (kind, text[at]) {
                (Kind::Text, b'"') => Kind::Value,
                (Kind::Text, _) => Kind::Escape,
                (Kind::Value | Kind::Escape, _) => Kind::Text,
            };
            text = &text[at + 1..];
        }
        self.0.store(kind as u8, Ordering::Relaxed);
    }
}

/// The event so far, of bounded size.
pub(super) struct Written {
    place: Place,
    limit: usize,
    bytes: Vec<u8>,
    full: bool,
}

impl Written {
    pub(super) fn new(place: Place, limit: usize) -> Self {
        Self { place, limit, bytes: Vec::with_capacity(512), full: false }
    }

    /// Something did not fit in any more.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl io::Write for Written {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        if text.len() > self.limit - self.bytes.len() {
            self.full = true;
            return Err(io::Error::other("the event is too large"));
        }
        self.place.follow(text);
        self.bytes.extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Kind, Place};

    fn check(text: &str, expect: Kind) {
        for split in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
            let place = Place::default();
            place.follow(&text.as_bytes()[..split]);
            place.follow(&text.as_bytes()[split..]);
            assert_eq!(place.now(), expect, "{text} split at {split}");
        }
    }

    #[test]
    fn rows() {
        check("", Kind::Value);
        check("{\"a\": ", Kind::Value);
        check("{\"a\": \"", Kind::Text);
        check("{\"a\": \"x", Kind::Text);
        check("\"\\", Kind::Escape);
        check("\"\\\\", Kind::Text);
        check("\"\\\"", Kind::Text);
        check("\"\\\\\"", Kind::Value);
        check("\"\\u00e9\"é\"", Kind::Text);
        check("\\", Kind::Value);
    }
}
