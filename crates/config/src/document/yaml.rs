//! YAML events into trees.
//!
//! The parser gives events one by one; an explicit stack of open maps and lists takes them in, so that nesting costs
//! memory on the heap and is refused at a bound, never the process's stack. An alias is replaced by a copy of what it
//! names, and the copy keeps the places of the original, because that is where a reader must go to change it.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marks, Tag};

use super::{
    Broken, Budget, Key, MAX_DEPTH, Node, Scalar, ScalarKind, Span, Value, report_duplicate, resolve,
    too_deep,
};
use crate::report::Report;

/// A longer line is not searched.
const MAX_LINE: usize = 1000;

pub(super) fn parse(file: &Arc<str>, text: &str, report: &mut Report) -> Result<Vec<Node>, Broken> {
    let mut builder = Builder {
        file,
        lines: Lines { text, read: OnceCell::new() },
        report,
        open: Vec::new(),
        anchors: HashMap::new(),
        budget: Budget::default(),
        roots: Vec::new(),
    };
    let mut parser = Parser::new_from_str(text);
    while let Some(event) = parser.next_event() {
        match event {
            Ok((Event::StreamEnd, _)) => break,
            Ok((event, marks)) => builder.take(event, marks)?,
            Err(error) => {
                let marker = error.marker();
                let span = Span {
                    file: Arc::clone(file),
                    line: count(marker.line()).max(1),
                    column: count(marker.col()).saturating_add(1),
                    length: 1,
                };
                return Err(Broken {
                    span,
                    message: format!("not valid YAML: {}", crate::report::printable(error.info())),
                    help: "check the indentation, quotes and brackets here and in the line above",
                });
            }
        }
    }
    Ok(builder.roots)
}

struct Builder<'a> {
    file: &'a Arc<str>,
    lines: Lines<'a>,
    report: &'a mut Report,
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    budget: Budget,
    roots: Vec<Node>,
}

/// A map or list whose end is still to come.
struct Open {
    span: Span,
    anchor: usize,
    kind: OpenKind,
}

enum OpenKind {
    List(Vec<Node>),
    /// `seen` finds a second key without a walk over all entries.
    Map {
        entries: Vec<(Key, Node)>,
        seen: HashMap<String, usize>,
        key: Option<Key>,
    },
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, marks: Marks) -> Result<(), Broken> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let span = self.span(marks);
                let kind = self.kind(&text, style, tag.as_deref(), &span)?;
                let begins = self.lines.place_of(&text, style, &span);
                let scalar = Scalar { text: text.into_owned(), kind, written: None, begins };
                let empty = kind == ScalarKind::Null && scalar.text.is_empty();
                let span = if empty { self.place_of_nothing(span) } else { span };
                self.finish(Node { value: Value::Scalar(scalar), span }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                let span = self.span(marks);
                self.refuse_tag(tag.as_deref(), &span)?;
                self.open(span, anchor, OpenKind::List(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                let span = self.span(marks);
                self.refuse_tag(tag.as_deref(), &span)?;
                self.open(
                    span,
                    anchor,
                    OpenKind::Map { entries: Vec::new(), seen: HashMap::new(), key: None },
                )
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => {
                let span = self.span(marks);
                let Some(node) = self.anchors.get(&anchor) else {
                    return Err(Broken {
                        span,
                        message: "an alias stands inside the value it names".to_owned(),
                        help: "a value cannot contain itself; write it out",
                    });
                };
                let weight = node.weight();
                self.budget.take_alias(weight.nodes, weight.text, &span)?;
                if self.open.len() + weight.height > MAX_DEPTH {
                    return Err(too_deep(&span));
                }
                let node = node.clone();
                self.place(node)
            }
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn open(&mut self, span: Span, anchor: usize, kind: OpenKind) -> Result<(), Broken> {
        if let Some(Open { kind: OpenKind::Map { key: None, .. }, .. }) = self.open.last() {
            return Err(Broken {
                span,
                message: "a key must be text, not a map or a list".to_owned(),
                help: "quote it if it is meant as text",
            });
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(too_deep(&span));
        }
        self.open.push(Open { span, anchor, kind });
        Ok(())
    }

    fn close(&mut self) -> Result<(), Broken> {
        // The parser ends only what it began.
        let Some(Open { span, anchor, kind }) = self.open.pop() else { return Ok(()) };
        let value = match kind {
            OpenKind::List(nodes) => Value::List(nodes),
            OpenKind::Map { entries, .. } => Value::Map(entries),
        };
        self.finish(Node { value, span }, anchor)
    }

    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), Broken> {
        self.budget.take(1, &node.span)?;
        if anchor != 0 {
            // A copy is kept for aliases, and counts like one: anchors inside anchors would multiply otherwise.
            let weight = node.weight();
            self.budget.take_alias(weight.nodes, weight.text, &node.span)?;
            self.anchors.insert(anchor, node.clone());
        }
        self.place(node)
    }

    fn place(&mut self, node: Node) -> Result<(), Broken> {
        match self.open.last_mut() {
            None => self.roots.push(node),
            Some(Open { kind: OpenKind::List(nodes), .. }) => nodes.push(node),
            Some(Open { kind: OpenKind::Map { entries, seen, key }, .. }) => match key.take() {
                None => {
                    let Value::Scalar(scalar) = node.value else {
                        return Err(Broken {
                            span: node.span,
                            message: "a key must be text, not a map or a list".to_owned(),
                            help: "quote it if it is meant as text",
                        });
                    };
                    *key = Some(Key { text: scalar.text, span: node.span });
                }
                Some(key) => match seen.get(&key.text).and_then(|&index| entries.get(index)) {
                    Some((first, _)) => report_duplicate(&key, first, self.report),
                    None => {
                        seen.insert(key.text.clone(), entries.len());
                        entries.push((key, node));
                    }
                },
            },
        }
        Ok(())
    }

    fn kind(
        &self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        span: &Span,
    ) -> Result<ScalarKind, Broken> {
        match tag {
            Some(tag) if tag.is_yaml_core_schema() => match tag.suffix.as_str() {
                "str" => Ok(ScalarKind::Text),
                "null" | "bool" | "int" | "float" => Ok(resolve(text)),
                _ => Err(unknown_tag(tag, span)),
            },
            // `!` alone means "not resolved": text.
            Some(tag) if tag.handle.is_empty() && tag.suffix == "!" => Ok(ScalarKind::Text),
            Some(tag) => Err(unknown_tag(tag, span)),
            None if style == ScalarStyle::Plain => Ok(resolve(text)),
            None => Ok(ScalarKind::Text),
        }
    }

    fn refuse_tag(&self, tag: Option<&Tag>, span: &Span) -> Result<(), Broken> {
        match tag {
            Some(tag) if !(tag.is_yaml_core_schema() && matches!(tag.suffix.as_str(), "map" | "seq")) => {
                Err(unknown_tag(tag, span))
            }
            _ => Ok(()),
        }
    }

    /// A value that is not there has no place of its own; its key has.
    fn place_of_nothing(&self, span: Span) -> Span {
        match self.open.last() {
            Some(Open { kind: OpenKind::Map { key: Some(key), .. }, .. }) => key.span.clone(),
            Some(Open { kind: OpenKind::List(_), span, .. }) => span.clone(),
            _ => span,
        }
    }

    fn span(&self, marks: Marks) -> Span {
        let (start, end) = (marks.start, marks.end);
        // What runs over several lines is underlined to the end of its first; the renderer knows where that is.
        let length = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
        Span {
            file: Arc::clone(self.file),
            line: count(start.line()).max(1),
            column: count(start.col()).saturating_add(1),
            length: count(length).max(1),
        }
    }
}

/// The lines of the file, found when the first template needs them.
struct Lines<'a> {
    text: &'a str,
    read: OnceCell<Vec<&'a str>>,
}

impl Lines<'_> {
    /// Where the text of a scalar at `span` begins in the file, if its lines are lines of the file: a block after `|`, or one line
    /// in which nothing is written otherwise than it reads. Only templates ask for it, so other texts are not looked at.
    fn place_of(&self, text: &str, style: ScalarStyle, span: &Span) -> Option<(u32, u32)> {
        if !text.contains("{{") && !text.contains("{%") {
            return None;
        }
        let lines = self.read.get_or_init(|| self.text.lines().collect());
        let line = lines.get((span.line as usize).checked_sub(1)?).filter(|line| line.len() <= MAX_LINE)?;
        let (at, _) = line.char_indices().nth((span.column as usize).checked_sub(1)?)?;
        let rest = line.get(at..)?;
        if style == ScalarStyle::Literal {
            return (Some(rest) == text.lines().next()).then_some((span.line, span.column));
        }
        if text.contains('\n') {
            return None;
        }
        let in_quotes = rest.strip_prefix(['"', '\'']).is_some_and(|rest| rest.starts_with(text));
        match (in_quotes, rest.starts_with(text)) {
            (true, _) => Some((span.line, span.column.saturating_add(1))),
            (false, true) => Some((span.line, span.column)),
            (false, false) => None,
        }
    }
}

fn unknown_tag(tag: &Tag, span: &Span) -> Broken {
    Broken {
        span: span.clone(),
        message: format!("tag {} is not known", crate::report::quoted(&tag.to_string())),
        help: "remove it: types are told by the keys",
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
