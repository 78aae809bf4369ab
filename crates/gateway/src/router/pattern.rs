//! Patterns of paths, headers and parameters, which take the whole text.
//!
//! The engine takes time in proportion to the text, whatever the pattern, and a pattern is bounded when it is compiled:
//! neither who writes the configuration nor a client can make a lookup slow.

use regex::bytes::{Regex, RegexBuilder};

/// One compiled pattern, in bytes.
const MAX_REGEX: usize = 1 << 20;

/// `text`, anchored at both ends.
pub(super) fn anchored(text: &str) -> Result<Regex, String> {
    let compile = |text: &str| RegexBuilder::new(text).size_limit(MAX_REGEX).build();
    // Alone first: a pattern such as `a)|(?:b` would close the anchoring group and escape it.
    compile(text)
        .and_then(|_| compile(&format!(r"\A(?:{text})\z")))
        .map_err(|error| format!("`{text}` is not a regex: {}", last_line(&error)))
}

/// The last line of a syntax error says what is wrong; those above draw the text.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
