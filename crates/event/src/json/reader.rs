//! JSON as slices of the input, one key at a time.
//!
//! [`Reader::new`] checks once that the input is UTF-8. [`Reader::entries`] then yields the keys of an object; by the
//! time a value is handed out it has been checked to its end, so walking into it later cannot meet a syntax error.

mod tree;

use std::borrow::Cow;

use super::scan;
use crate::vector;

/// What the parser met, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JsonError {
    pub(crate) reason: &'static str,
    pub(crate) offset: usize,
}

/// A checked value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Value<'a> {
    Null,
    Bool(bool),
    /// As written.
    Number(&'a str),
    String(Text<'a>),
    /// With its brackets.
    Array(&'a str),
    /// With its braces.
    Object(&'a str),
}

impl Value<'_> {
    /// What the value is, with its article, for messages.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        }
    }
}

/// The inside of a checked string, escapes still in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'a> {
    raw: &'a str,
    escaped: bool,
    base64: usize,
}

impl<'a> Text<'a> {
    /// The text; borrowed when nothing is escaped, else in one new buffer.
    pub(crate) fn cow(self) -> Cow<'a, str> {
        if !self.escaped {
            return Cow::Borrowed(self.raw);
        }
        // It is UTF-8, being made of pieces of a `str` and of characters; without `unsafe` it is checked again.
        Cow::Owned(match String::from_utf8(unescape(self.raw)) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// How many bytes at its start were seen to be base64 on the way to its end, in groups of four characters without
    /// padding. More may be.
    pub(crate) const fn seen_base64(self) -> usize {
        self.base64
    }

    /// As [`Text::cow`], for a body, which need not be checked again.
    pub(crate) fn bytes(self) -> Cow<'a, [u8]> {
        if self.escaped { Cow::Owned(unescape(self.raw)) } else { Cow::Borrowed(self.raw.as_bytes()) }
    }
}

/// A place in a JSON text.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, JsonError> {
        match simdutf8::basic::from_utf8(bytes) {
            Ok(text) => Ok(Self { text, at: 0 }),
            Err(_) => {
                let offset = std::str::from_utf8(bytes).map_or_else(|error| error.valid_up_to(), str::len);
                Err(JsonError { reason: "invalid UTF-8", offset })
            }
        }
    }

    /// Reads the whole text as one value.
    pub(crate) fn document(mut self) -> Result<Value<'a>, JsonError> {
        self.space();
        let value = self.value()?;
        self.end()?;
        Ok(value)
    }

    /// The entries of the object that starts here, or `None` if no object does.
    pub(crate) fn entries(mut self) -> Option<Entries<'a>> {
        self.space();
        (self.peek() == Some(b'{')).then(|| {
            self.at += 1;
            Entries { reader: self, started: false, done: false }
        })
    }

    fn end(&mut self) -> Result<(), JsonError> {
        self.space();
        if self.at < self.text.len() { Err(self.error("something follows the value")) } else { Ok(()) }
    }

    fn value(&mut self) -> Result<Value<'a>, JsonError> {
        let start = self.at;
        match self.peek() {
            Some(b'"') => Ok(Value::String(self.string()?)),
            Some(b'{') => {
                self.container()?;
                Ok(Value::Object(&self.text[start..self.at]))
            }
            Some(b'[') => {
                self.container()?;
                Ok(Value::Array(&self.text[start..self.at]))
            }
            _ => self.scalar(),
        }
    }

    /// Walks over the array or object that starts here, in a loop, with a bit a level.
    fn container(&mut self) -> Result<(), JsonError> {
        let mut nest = Nest::default();
        loop {
            match self.peek() {
                Some(b'{') => {
                    self.at += 1;
                    self.space();
                    nest.push(true);
                    if self.peek() != Some(b'}') {
                        self.key()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.at += 1;
                    self.space();
                    nest.push(false);
                    if self.peek() != Some(b']') {
                        continue;
                    }
                }
                Some(b'"') => {
                    self.string()?;
                }
                _ => {
                    self.scalar()?;
                }
            }
            // A value (or an opening bracket whose closing one follows) is behind us: close what closes.
            loop {
                let Some(object) = nest.top() else { return Ok(()) };
                self.space();
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        self.space();
                        if object {
                            self.key()?;
                        }
                        break;
                    }
                    Some(b'}') if object => {
                        self.at += 1;
                        nest.pop();
                    }
                    Some(b']') if !object => {
                        self.at += 1;
                        nest.pop();
                    }
                    _ => return Err(self.error("expected a comma or the end of the value")),
                }
            }
        }
    }

    /// A key and its colon; stands on the value afterwards.
    fn key(&mut self) -> Result<Text<'a>, JsonError> {
        if self.peek() != Some(b'"') {
            return Err(self.error("expected a key"));
        }
        let key = self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.error("expected a colon"));
        }
        self.at += 1;
        self.space();
        Ok(key)
    }

    fn string(&mut self) -> Result<Text<'a>, JsonError> {
        self.at += 1;
        let start = self.at;
        let (plain, base64) = scan::special_and_base64(&self.text.as_bytes()[self.at..]);
        self.at += plain;
        let escaped = self.peek() != Some(b'"');
        if escaped {
            self.find_quote()?;
        }
        let raw = &self.text[start..self.at];
        self.at += 1;
        Ok(Text { raw, escaped, base64 })
    }

    /// From a special byte to the quote that ends the string.
    fn find_quote(&mut self) -> Result<(), JsonError> {
        let bytes = self.text.as_bytes();
        // What an escape takes of the block behind it.
        let mut passed = 0;
        loop {
            if passed == 0 {
                self.at += vector::inside(&bytes[self.at..]);
            }
            let Some(block) = bytes[self.at..].first_chunk() else { break };
            let start = self.at;
            let mut marks = scan::marks(block) & (u64::MAX << passed);
            passed = 0;
            while marks != 0 {
                let place = marks.trailing_zeros() as usize;
                self.at = start + place;
                let end = match block[place] {
                    b'"' => return Ok(()),
                    b'\\' => place + self.escape()?,
                    _ => return Err(self.error("control character in a string")),
                };
                if end >= scan::BLOCK {
                    passed = end - scan::BLOCK;
                    break;
                }
                marks &= u64::MAX << end;
            }
            self.at = start + scan::BLOCK;
        }
        self.at += passed;
        loop {
            self.at += scan::special(&bytes[self.at..]);
            match bytes.get(self.at) {
                Some(b'"') => return Ok(()),
                Some(b'\\') => self.at += self.escape()?,
                Some(_) => return Err(self.error("control character in a string")),
                None => return Err(self.error("the string does not end")),
            }
        }
    }

    /// The length of the escape that starts here.
    fn escape(&self) -> Result<usize, JsonError> {
        match &self.text.as_bytes()[self.at..] {
            [_, b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Ok(2),
            [_, b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => Ok(6),
            _ => Err(self.error("invalid escape")),
        }
    }

    fn scalar(&mut self) -> Result<Value<'a>, JsonError> {
        let rest = &self.text[self.at..];
        for (word, value) in
            [("null", Value::Null), ("true", Value::Bool(true)), ("false", Value::Bool(false))]
        {
            if rest.starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        match number(rest.as_bytes()) {
            0 if rest.is_empty() => Err(self.error("the text ends early")),
            0 => Err(self.error("expected a value")),
            length => {
                self.at += length;
                Ok(Value::Number(&rest[..length]))
            }
        }
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    const fn error(&self, reason: &'static str) -> JsonError {
        JsonError { reason, offset: self.at }
    }
}

/// The keys of an object, in order. Checks what follows the object too, so that the last `None` means "all was JSON".
#[derive(Debug, Clone)]
pub(crate) struct Entries<'a> {
    reader: Reader<'a>,
    started: bool,
    done: bool,
}

impl<'a> Entries<'a> {
    pub(crate) fn next(&mut self) -> Result<Option<(Text<'a>, Value<'a>)>, JsonError> {
        if self.done {
            return Ok(None);
        }
        let reader = &mut self.reader;
        reader.space();
        match (reader.peek(), self.started) {
            (Some(b'}'), _) => {
                reader.at += 1;
                self.done = true;
                reader.end()?;
                return Ok(None);
            }
            (Some(b','), true) => {
                reader.at += 1;
                reader.space();
            }
            (_, true) => return Err(reader.error("expected a comma or the end of the object")),
            (_, false) => {}
        }
        self.started = true;
        let key = reader.key()?;
        Ok(Some((key, reader.value()?)))
    }
}

/// The entries of an object that [`Value::Object`] holds; it has been checked, so there is no error to report.
pub(crate) fn entries(object: &str) -> impl Iterator<Item = (Text<'_>, Value<'_>)> {
    let mut entries = Reader { text: object, at: 0 }.entries();
    std::iter::from_fn(move || entries.as_mut()?.next().ok()?)
}

/// The items of an array that [`Value::Array`] holds; it has been checked, so there is no error to report.
pub(crate) fn items(array: &str) -> impl Iterator<Item = Value<'_>> {
    let mut reader = Reader { text: array, at: 1 };
    std::iter::from_fn(move || {
        reader.space();
        if reader.peek() == Some(b',') {
            reader.at += 1;
            reader.space();
        }
        if matches!(reader.peek(), Some(b']') | None) { None } else { reader.value().ok() }
    })
}

/// A checked JSON text without the space between its tokens.
pub(crate) fn compact(text: &str) -> Cow<'_, str> {
    let is_space = |byte: u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
    let bytes = text.as_bytes();
    let mut out = String::new();
    let (mut kept, mut at) = (0, 0);
    while at < bytes.len() {
        if bytes[at] == b'"' {
            let mut reader = Reader { text, at };
            at = if reader.string().is_ok() { reader.at } else { bytes.len() };
        } else if is_space(bytes[at]) {
            if out.capacity() == 0 {
                out.reserve_exact(text.len());
            }
            out.push_str(&text[kept..at]);
            while bytes.get(at).is_some_and(|&byte| is_space(byte)) {
                at += 1;
            }
            kept = at;
        } else {
            at += 1;
        }
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

/// One bit a level: is it an object?
#[derive(Debug, Default)]
struct Nest {
    /// Full words below the current one; never allocated before level 65.
    below: Vec<u64>,
    word: u64,
    depth: usize,
}

impl Nest {
    fn push(&mut self, object: bool) {
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.below.push(self.word);
            self.word = 0;
        }
        self.word = (self.word << 1) | u64::from(object);
        self.depth += 1;
    }

    fn pop(&mut self) {
        self.word >>= 1;
        self.depth -= 1;
        if self.depth > 0 && self.depth.is_multiple_of(64) {
            self.word = self.below.pop().unwrap_or_default();
        }
    }

    fn top(&self) -> Option<bool> {
        (self.depth > 0).then_some(self.word & 1 == 1)
    }
}

/// The length of the number at the start, 0 if none is there.
fn number(bytes: &[u8]) -> usize {
    let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut at = usize::from(bytes.first() == Some(&b'-'));
    match digits(at) {
        0 => return 0,
        _ if bytes[at] == b'0' => at += 1,
        count => at += count,
    }
    if bytes.get(at) == Some(&b'.') {
        match digits(at + 1) {
            0 => return 0,
            count => at += 1 + count,
        }
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        match digits(at + 1 + sign) {
            0 => return 0,
            count => at += 1 + sign + count,
        }
    }
    at
}

/// Resolves the escapes of a checked string. The result is never longer than the source, so one buffer is enough; what
/// [`scan::copy`] writes ahead has its place behind it.
fn unescape(raw: &str) -> Vec<u8> {
    let source = raw.as_bytes();
    let mut out = vec![0; source.len() + scan::AHEAD];
    let (mut start, mut to) = (0, 0);
    // What an escape takes of the block behind it.
    let mut from = 0;
    loop {
        if from == 0 {
            let done = vector::unescape(&source[start..], &mut out[to..]);
            start += done.read;
            to += done.written;
        }
        let Some(block) = source[start..].first_chunk() else { break };
        let mut marks = scan::marks(block) & (u64::MAX << from);
        while marks != 0 {
            let place = marks.trailing_zeros() as usize;
            scan::copy(block, from, place, &mut out[to..]);
            to += place - from;
            let (length, written) = resolve(raw, start + place, &mut out[to..]);
            to += written;
            from = place + length;
            if from >= scan::BLOCK {
                break;
            }
            marks &= u64::MAX << from;
        }
        start += scan::BLOCK;
        if from < scan::BLOCK {
            scan::copy(block, from, scan::BLOCK, &mut out[to..]);
            to += scan::BLOCK - from;
            from = scan::BLOCK;
        }
        from -= scan::BLOCK;
    }
    from += start;
    while from < source.len() {
        let plain = scan::special(&source[from..]);
        out[to..to + plain].copy_from_slice(&source[from..from + plain]);
        from += plain;
        to += plain;
        if from < source.len() {
            let (length, written) = resolve(raw, from, &mut out[to..]);
            from += length;
            to += written;
        }
    }
    out.truncate(to);
    out
}

/// Writes what the escape at `at` means; its length in the source and that of its meaning.
#[inline]
fn resolve(raw: &str, at: usize, out: &mut [u8]) -> (usize, usize) {
    out[0] = match raw.as_bytes().get(at + 1) {
        Some(b'u') => {
            let (char, length) = unicode(&raw[at..]);
            return (length, char.encode_utf8(out).len());
        }
        Some(b'b') => 0x08,
        Some(b'f') => 0x0c,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(&other) => other,
        None => b'\\',
    };
    (2, 1)
}

/// The character of `\uXXXX` or of a pair of them at the start, and its length in the source.
fn unicode(rest: &str) -> (char, usize) {
    let unit = |from: usize| match rest.get(from..from + 6)?.strip_prefix("\\u") {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None => None,
    };
    let first = unit(0).unwrap_or(0xfffd);
    if let 0xd800..=0xdbff = first
        && let Some(second @ 0xdc00..=0xdfff) = unit(6)
    {
        let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), 12);
    }
    (char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER), 6)
}

#[cfg(test)]
mod tests;
