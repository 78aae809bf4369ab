//! A whole text as a [`Tree`], in one pass.

use std::collections::BTreeMap;

use super::{JsonError, Reader, Value};
use crate::krakend::Tree;

/// Deeper values are refused: reading, writing and dropping a tree take stack for each level.
const MAX_DEPTH: usize = 512;

impl Reader<'_> {
    /// Reads the whole text.
    pub(crate) fn tree(mut self) -> Result<Tree, JsonError> {
        self.space();
        let tree = self.branch(0)?;
        self.end()?;
        Ok(tree)
    }

    fn branch(&mut self, depth: usize) -> Result<Tree, JsonError> {
        match self.peek() {
            Some(b'{' | b'[') if depth == MAX_DEPTH => Err(self.error("it is nested too deeply")),
            Some(b'{') => {
                let mut entries = BTreeMap::new();
                self.open();
                if self.peek() == Some(b'}') {
                    self.at += 1;
                    return Ok(Tree::Object(entries));
                }
                loop {
                    let key = self.key()?.cow().into_owned();
                    entries.insert(key, self.branch(depth + 1)?);
                    if self.closes(b'}')? {
                        return Ok(Tree::Object(entries));
                    }
                }
            }
            Some(b'[') => {
                let mut items = Vec::new();
                self.open();
                if self.peek() == Some(b']') {
                    self.at += 1;
                    return Ok(Tree::Array(items));
                }
                loop {
                    items.push(self.branch(depth + 1)?);
                    if self.closes(b']')? {
                        return Ok(Tree::Array(items));
                    }
                }
            }
            Some(b'"') => Ok(Tree::String(self.string()?.cow().into_owned())),
            _ => Ok(match self.scalar()? {
                Value::Bool(value) => Tree::Bool(value),
                Value::Number(digits) => Tree::Number(digits.to_owned()),
                _ => Tree::Null,
            }),
        }
    }

    fn open(&mut self) {
        self.at += 1;
        self.space();
    }

    /// Behind a value: whether `bracket` follows and not a comma.
    fn closes(&mut self, bracket: u8) -> Result<bool, JsonError> {
        self.space();
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                self.space();
                Ok(false)
            }
            Some(found) if found == bracket => {
                self.at += 1;
                Ok(true)
            }
            _ => Err(self.error("expected a comma or the end of the value")),
        }
    }
}
