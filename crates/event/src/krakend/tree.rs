//! A JSON text as a tree, for answers whose keys are picked, moved and sorted.
//!
//! The one place where a payload is taken apart whole: KrakenD's answers come back with sorted keys, so nothing of them can be
//! passed on as it stands. A small answer costs a microsecond or two for it; the other formats pay nothing.
//! Numbers keep the digits they came with. KrakenD reads them as 64-bit floats, which makes `9007199254740993` another
//! number; that is a deviation on purpose.

use std::collections::BTreeMap;

use super::text;
use crate::answer::AnswerError;
use crate::json::Reader;

/// A JSON value.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Tree {
    /// `null`.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// As written.
    Number(String),
    /// Without its escapes.
    String(String),
    /// In order.
    Array(Vec<Tree>),
    /// Sorted by key; of two equal keys the last counts.
    Object(BTreeMap<String, Tree>),
}

impl Tree {
    /// Reads one JSON text. What is nested more than 512 levels deep is an error.
    pub fn read(text: &[u8]) -> Result<Self, AnswerError> {
        let read = Reader::new(text).and_then(Reader::tree);
        read.map_err(|error| AnswerError::NotJson { reason: error.reason.to_owned(), offset: error.offset })
    }

    /// Appends the value: compact, keys sorted, `<`, `>` and `&` escaped in strings.
    pub fn write(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Number(digits) => out.extend_from_slice(digits.as_bytes()),
            Self::String(inner) => text::write(out, inner),
            Self::Array(items) => {
                out.push(b'[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    item.write(out);
                }
                out.push(b']');
            }
            Self::Object(entries) => {
                out.push(b'{');
                for (place, (key, value)) in entries.iter().enumerate() {
                    if place > 0 {
                        out.push(b',');
                    }
                    text::write(out, key);
                    out.push(b':');
                    value.write(out);
                }
                out.push(b'}');
            }
        }
    }

    /// What the value is, with its article, for messages.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Tree;

    fn check(text: &str, expect: &str) {
        let mut out = Vec::new();
        match Tree::read(text.as_bytes()) {
            Ok(tree) => tree.write(&mut out),
            Err(error) => out.extend_from_slice(error.to_string().as_bytes()),
        }
        assert_eq!(String::from_utf8(out).unwrap(), expect, "{text}");
    }

    #[test]
    fn in_and_out() {
        check(r#" {"b":[1, 2.50 ,{}],"a":null} "#, r#"{"a":null,"b":[1,2.50,{}]}"#);
        check(r#"{"n":9007199254740993,"e":1E400}"#, r#"{"e":1E400,"n":9007199254740993}"#);
        check(r#"{"a":1,"a":2}"#, r#"{"a":2}"#);
        check(r#""\u003c\u00e9\ud83d\ude00""#, "\"\\u003cé😀\"");
        check("[[],[true,false]]", "[[],[true,false]]");
    }

    #[test]
    fn what_is_no_json() {
        check("", "the answer is not JSON: the text ends early at byte 0");
        check("{}x", "the answer is not JSON: something follows the value at byte 2");
        check(r#"{"a" 1}"#, "the answer is not JSON: expected a colon at byte 5");
        check(r#"{"a":1 "b"}"#, "the answer is not JSON: expected a comma or the end of the value at byte 7");
        check("[1,]", "the answer is not JSON: expected a value at byte 3");
        check("[1", "the answer is not JSON: expected a comma or the end of the value at byte 2");
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        check(&nested(512), &nested(512));
        check(&nested(513), "the answer is not JSON: it is nested too deeply at byte 512");
        check(&"{\"a\":".repeat(100_000), "the answer is not JSON: it is nested too deeply at byte 2560");
    }

    proptest::proptest! {
        #[test]
        fn agrees_with_serde_json(text in r#"[\[\]{}:,"a1.e\\u0\-tn ]{0,40}"#) {
            let theirs = serde_json::from_str::<serde_json::Value>(&text);
            if let (Ok(tree), Ok(theirs)) = (Tree::read(text.as_bytes()), theirs) {
                let mut out = Vec::new();
                tree.write(&mut out);
                proptest::prop_assert_eq!(serde_json::from_slice::<serde_json::Value>(&out).unwrap(), theirs);
            }
        }
    }
}
