//! JSON into the same tree, with places.
//!
//! `serde_json` reads JSON but does not say where a value stood, so this is a reader of our own: RFC 8259, nothing
//! added (no comments, no trailing commas), recursion bounded by [`MAX_DEPTH`].

use std::collections::HashMap;
use std::sync::Arc;

use super::{
    Broken, Budget, Key, MAX_DEPTH, Node, Scalar, ScalarKind, Span, Value, report_duplicate, resolve,
    too_deep,
};
use crate::report::Report;

pub(super) fn parse(file: &Arc<str>, text: &str, report: &mut Report) -> Result<Vec<Node>, Broken> {
    let mut reader = Reader { file, rest: text, line: 1, column: 1, budget: Budget::default(), report };
    reader.skip_space();
    if reader.rest.is_empty() {
        return Ok(Vec::new());
    }
    let root = reader.value(0)?;
    reader.skip_space();
    if !reader.rest.is_empty() {
        return Err(reader.wrong("there is more text after the document"));
    }
    Ok(vec![root])
}

struct Reader<'a> {
    file: &'a Arc<str>,
    rest: &'a str,
    line: u32,
    column: u32,
    budget: Budget,
    report: &'a mut Report,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Node, Broken> {
        let start = self.here();
        self.budget.take(1, &start)?;
        let value = match self.rest.chars().next() {
            Some('{') => self.map(depth, &start)?,
            Some('[') => self.list(depth, &start)?,
            Some('"') => Value::Scalar(Scalar {
                text: self.string()?,
                kind: ScalarKind::Text,
                written: None,
                begins: None,
            }),
            Some('-' | '0'..='9' | 'a'..='z') => Value::Scalar(self.word()?),
            Some(other) => return Err(self.wrong(&format!("`{}` begins no value", other.escape_debug()))),
            None => return Err(self.wrong("the file ends where a value should stand")),
        };
        let length = if self.line == start.line { self.column - start.column } else { 1 };
        Ok(Node { value, span: Span { length: length.max(1), ..start } })
    }

    fn map(&mut self, depth: usize, start: &Span) -> Result<Value, Broken> {
        if depth >= MAX_DEPTH {
            return Err(too_deep(start));
        }
        self.step();
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen: HashMap<String, usize> = HashMap::new();
        self.skip_space();
        if self.take('}') {
            return Ok(Value::Map(entries));
        }
        loop {
            self.skip_space();
            let span = self.here();
            if !self.rest.starts_with('"') {
                return Err(self.wrong("a key in double quotes should stand here"));
            }
            let text = self.string()?;
            let length = self.column.saturating_sub(span.column).max(1);
            let key = Key { text, span: Span { length, ..span } };
            self.skip_space();
            if !self.take(':') {
                return Err(self.wrong("a `:` should stand here"));
            }
            self.skip_space();
            let node = self.value(depth + 1)?;
            match seen.get(&key.text).and_then(|&index| entries.get(index)) {
                Some((first, _)) => report_duplicate(&key, first, self.report),
                None => {
                    seen.insert(key.text.clone(), entries.len());
                    entries.push((key, node));
                }
            }
            self.skip_space();
            if self.take('}') {
                return Ok(Value::Map(entries));
            }
            if !self.take(',') {
                return Err(self.wrong("a `,` or `}` should stand here"));
            }
        }
    }

    fn list(&mut self, depth: usize, start: &Span) -> Result<Value, Broken> {
        if depth >= MAX_DEPTH {
            return Err(too_deep(start));
        }
        self.step();
        let mut nodes = Vec::new();
        self.skip_space();
        if self.take(']') {
            return Ok(Value::List(nodes));
        }
        loop {
            self.skip_space();
            nodes.push(self.value(depth + 1)?);
            self.skip_space();
            if self.take(']') {
                return Ok(Value::List(nodes));
            }
            if !self.take(',') {
                return Err(self.wrong("a `,` or `]` should stand here"));
            }
        }
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<Scalar, Broken> {
        let start = self.here();
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '+' | '.')))
            .unwrap_or(self.rest.len());
        let text = self.rest[..end].to_owned();
        let kind = match text.as_str() {
            "true" | "false" => ScalarKind::Bool,
            "null" => ScalarKind::Null,
            number if is_json_number(number) => ScalarKind::Number,
            _ => {
                let message = format!("not valid JSON: {} is no value", crate::report::quoted(&text));
                return Err(Broken { span: start, message, help: "text stands in double quotes" });
            }
        };
        for _ in 0..end {
            self.step();
        }
        Ok(Scalar { text, kind, written: None, begins: None })
    }

    fn string(&mut self) -> Result<String, Broken> {
        let start = self.here();
        self.step();
        let mut out = String::new();
        loop {
            match self.step() {
                Some('"') => return Ok(out),
                Some('\\') => out.push(self.escape()?),
                Some(c) if c < ' ' => {
                    return Err(Broken {
                        span: start,
                        message: "not valid JSON: a control character stands in this text".to_owned(),
                        help: "write a line break as `\\n`, a tab as `\\t`",
                    });
                }
                Some(c) => out.push(c),
                None => {
                    return Err(Broken {
                        span: start,
                        message: "not valid JSON: this text has no end".to_owned(),
                        help: "close it with `\"`",
                    });
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, Broken> {
        let here = self.here();
        let wrong = |message: &str| Broken {
            span: here.clone(),
            message: format!("not valid JSON: {message}"),
            help: "escapes are `\\\"`, `\\\\`, `\\/`, `\\b`, `\\f`, `\\n`, `\\r`, `\\t` and `\\uXXXX`",
        };
        match self.step() {
            Some(c @ ('"' | '\\' | '/')) => Ok(c),
            Some('b') => Ok('\u{8}'),
            Some('f') => Ok('\u{c}'),
            Some('n') => Ok('\n'),
            Some('r') => Ok('\r'),
            Some('t') => Ok('\t'),
            Some('u') => {
                let first = self.hex().ok_or_else(|| wrong("`\\u` takes four hexadecimal digits"))?;
                if !(0xD800..0xE000).contains(&first) {
                    return char::from_u32(first).ok_or_else(|| wrong("no such character"));
                }
                let low = (first < 0xDC00 && self.take('\\') && self.take('u')).then(|| self.hex()).flatten();
                match low {
                    Some(low @ 0xDC00..0xE000) => {
                        char::from_u32(0x10000 + ((first - 0xD800) << 10) + (low - 0xDC00))
                            .ok_or_else(|| wrong("no such character"))
                    }
                    _ => Err(wrong("half of a surrogate pair")),
                }
            }
            _ => Err(wrong("no such escape")),
        }
    }

    fn hex(&mut self) -> Option<u32> {
        let mut number = 0;
        for _ in 0..4 {
            number = number * 16 + self.step()?.to_digit(16)?;
        }
        Some(number)
    }

    fn skip_space(&mut self) {
        while self.rest.starts_with([' ', '\t', '\r', '\n']) {
            self.step();
        }
    }

    fn take(&mut self, expect: char) -> bool {
        let there = self.rest.starts_with(expect);
        if there {
            self.step();
        }
        there
    }

    fn step(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        if c == '\n' {
            (self.line, self.column) = (self.line.saturating_add(1), 1);
        } else {
            self.column = self.column.saturating_add(1);
        }
        Some(c)
    }

    fn here(&self) -> Span {
        Span { file: Arc::clone(self.file), line: self.line, column: self.column, length: 1 }
    }

    fn wrong(&self, message: &str) -> Broken {
        Broken {
            span: self.here(),
            message: format!("not valid JSON: {message}"),
            help: "JSON has no comments and no trailing commas; name the file `.yaml` to use YAML",
        }
    }
}

/// JSON's numbers are those of the core schema without a leading `+`, `.5`, `5.`, `0x1` and `01`.
fn is_json_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole_end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let (whole, rest) = digits.split_at(whole_end);
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    let bare_point =
        rest.strip_prefix('.').is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()));
    resolve(text) == ScalarKind::Number
        && !(whole.is_empty() || leading_zero || bare_point)
        && !rest.starts_with(['x', 'o'])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::is_json_number;
    use crate::document::{Node, Value, parse};
    use crate::report::Report;

    fn read(text: &str) -> Result<Vec<Node>, String> {
        let mut report = Report::default();
        let file: Arc<str> = "a.json".into();
        let documents = parse(&file, text, &mut report).unwrap_or_default();
        let diagnostics = report.finish(&[]);
        match diagnostics.0.first() {
            Some(first) => Err(first.message.clone()),
            None => Ok(documents.into_iter().map(|document| document.root).collect()),
        }
    }

    fn check(text: &str, expect: &str) {
        let nodes = read(text).unwrap();
        let Value::Scalar(scalar) = &nodes[0].value else { panic!("{text}") };
        assert_eq!(scalar.text, expect, "{text}");
    }

    #[test]
    fn scalars() {
        check(r#""a\n\u00e9\ud83d\ude00\/""#, "a\né😀/");
        check("-1.5e+3", "-1.5e+3");
        check(" true ", "true");
    }

    #[test]
    fn places() {
        let nodes = read("{\n  \"a\": [1, \"bc\"]\n}").unwrap();
        let Some(Value::List(items)) = nodes[0].get("a").map(|node| &node.value) else { panic!() };
        let span = &items[1].span;
        assert_eq!((span.line, span.column, span.length), (2, 12, 4));
    }

    #[test]
    fn wrong() {
        for (text, expect) in [
            ("{\"a\": 1,}", "not valid JSON: a key in double quotes should stand here"),
            ("[1 2]", "not valid JSON: a `,` or `]` should stand here"),
            ("{a: 1}", "not valid JSON: a key in double quotes should stand here"),
            ("\"a", "not valid JSON: this text has no end"),
            ("\"\\ud800\"", "not valid JSON: half of a surrogate pair"),
            ("nul", "not valid JSON: `nul` is no value"),
            ("1 2", "not valid JSON: there is more text after the document"),
            ("[", "not valid JSON: the file ends where a value should stand"),
            ("{\"a\":1,\"a\":2}", "key `a` stands twice: first at a.json:1:2"),
        ] {
            assert_eq!(read(text).unwrap_err(), expect, "{text}");
        }
        assert!(read(&"[".repeat(100_000)).unwrap_err().contains("nested more than 64"));
    }

    #[test]
    fn numbers() {
        for (text, expect) in
            [("0", true), ("-0.5", true), ("1e5", true), ("01", false), ("+1", false), ("1.", false)]
        {
            assert_eq!(is_json_number(text), expect, "{text}");
        }
    }
}
