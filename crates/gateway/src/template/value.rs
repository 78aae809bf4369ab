//! One value of a template, written as JSON for its place.
//!
//! | value | at the place of a value | between quotes |
//! | --- | --- | --- |
//! | text | in quotes, escaped | escaped |
//! | number, `true`, `false`, `none` | as JSON | the same letters |
//! | list, map | as JSON | their JSON text, escaped |

use std::fmt::Write as _;

use minijinja::value::ValueKind;
use minijinja::{Error, ErrorKind, Output, Value};

use super::place::Kind;

/// Lists and maps inside each other: as deep as a body's may be, and what a template puts around.
const DEPTH: usize = 200;

pub(super) fn write(value: &Value, place: Kind, out: &mut Output<'_>) -> Result<(), Error> {
    let json = match place {
        Kind::Escape => {
            let message = "a value stands behind a backslash";
            return Err(Error::new(ErrorKind::InvalidOperation, message));
        }
        Kind::Value => {
            let mut json = String::new();
            push(value, DEPTH, &mut json)?;
            json
        }
        Kind::Text => {
            let mut json = String::new();
            match value.as_str() {
                Some(text) => push_text(text, &mut json)?,
                None => {
                    let mut inner = String::new();
                    push(value, DEPTH, &mut inner)?;
                    push_text(&inner, &mut json)?;
                }
            }
            json.truncate(json.len().saturating_sub(1));
            json.remove(0);
            json
        }
    };
    out.write_str(&json).map_err(|_| Error::new(ErrorKind::WriteFailure, "the event is too large"))
}

fn push(value: &Value, depth: usize, out: &mut String) -> Result<(), Error> {
    let deeper = |depth: usize| {
        depth
            .checked_sub(1)
            .ok_or_else(|| Error::new(ErrorKind::BadSerialization, "lists or maps are nested too deep"))
    };
    match value.kind() {
        ValueKind::None => out.push_str("null"),
        ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => push_number(value, out)?,
        ValueKind::String => push_text(value.as_str().unwrap_or_default(), out)?,
        ValueKind::Seq | ValueKind::Iterable => {
            let depth = deeper(depth)?;
            out.push('[');
            for (place, item) in value.try_iter()?.enumerate() {
                if place > 0 {
                    out.push(',');
                }
                push(&item, depth, out)?;
            }
            out.push(']');
        }
        ValueKind::Map => {
            let depth = deeper(depth)?;
            out.push('{');
            for (place, key) in value.try_iter()?.enumerate() {
                if place > 0 {
                    out.push(',');
                }
                match key.as_str() {
                    Some(text) => push_text(text, out)?,
                    None => push_text(&key.to_string(), out)?,
                }
                out.push(':');
                push(&value.get_item(&key)?, depth, out)?;
            }
            out.push('}');
        }
        ValueKind::Undefined => return Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::Invalid => {
            // An error that was put away as a value: looking at it gives it back.
            value.get_item(&Value::from(0))?;
            return Err(Error::new(ErrorKind::BadSerialization, "a value that is none"));
        }
        other => {
            let message = format!("{other} has no place in JSON");
            return Err(Error::new(ErrorKind::BadSerialization, message));
        }
    }
    Ok(())
}

/// As `serde_json` writes it; what is no number to JSON (infinity) is refused.
fn push_number(value: &Value, out: &mut String) -> Result<(), Error> {
    let bad = || Error::new(ErrorKind::BadSerialization, format!("`{value}` is no number of JSON"));
    let number = serde_json::to_value(value).map_err(|_| bad())?;
    match number {
        serde_json::Value::Number(number) => write!(out, "{number}").map_err(|_| bad()),
        _ => Err(bad()),
    }
}

/// In quotes.
fn push_text(text: &str, out: &mut String) -> Result<(), Error> {
    let json = serde_json::to_string(text)
        .map_err(|_| Error::new(ErrorKind::BadSerialization, "a text that is none"))?;
    out.push_str(&json);
    Ok(())
}
