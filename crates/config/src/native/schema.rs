//! The native dialect as a JSON Schema (draft 2020-12), for editors: names, types, words and bounds while one types.
//!
//! It is made from [`super::support`], as the reference is, and says what a single value may be. What values mean
//! together (a function that no route names, two keys that exclude each other) is for `lambridge check`.
//! Wherever a value is no text, a reference as `${env:NAME}` may stand in its place.
//! Source: JSON Schema 2020-12, core and validation.

use serde_json::{Map, Value, json};

use super::support::TABLE;
use crate::table::{Absent, Key, Kind, Support};

/// The whole schema.
pub fn schema() -> Value {
    let mut whole = object("");
    whole["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    whole["title"] = json!("lambridge, native configuration");
    whole["$defs"] = json!({
        "reference": {
            "description": "a value from the environment or a file",
            "type": "string",
            "pattern": "\\$\\{(env|file):[^}]+\\}",
        },
        "text": { "type": ["string", "number", "boolean"] },
        "duration": { "type": "string", "pattern": "^([0-9]+(h|ms|m|s))+$" },
        "size": {
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^[0-9]+(B|KiB|MiB|GiB)?$" },
            ],
        },
        "share": { "type": "string", "pattern": "^[0-9]+(\\.[0-9]{1,2})?%$" },
        "price": {
            "anyOf": [
                { "type": "number", "minimum": 0, "maximum": 1000 },
                { "type": "string", "pattern": "^[0-9]+(\\.[0-9]{1,12})?$" },
            ],
        },
    });
    whole
}

/// A map whose keys the table has directly below `path`.
fn object(path: &str) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for (name, key) in TABLE.children(path) {
        properties.insert(name.to_owned(), property(key));
        if key.absent == Absent::Wrong {
            required.push(name);
        }
    }
    let mut object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        object["required"] = json!(required);
    }
    object
}

fn property(key: &'static Key) -> Value {
    if let Support::Refused { way_out } = key.support {
        return json!({ "description": format!("not supported yet; {way_out}"), "not": {} });
    }
    let mut property = value(key);
    let said = match key.absent {
        Absent::Said(words) => format!("{}; {words} when absent", key.about),
        _ => key.about.to_owned(),
    };
    property["description"] = json!(match bounds(key.kind) {
        Some((low, high)) => format!("{said} ({low} to {high})"),
        None => said,
    });
    if let Absent::Value(text) = key.absent {
        property["default"] = match key.kind {
            Kind::Number(..) | Kind::Bool | Kind::Price => text.parse().unwrap_or_else(|_| json!(text)),
            _ => json!(text),
        };
    }
    property
}

/// Those that a schema cannot say of a text.
fn bounds(kind: Kind) -> Option<(&'static str, &'static str)> {
    match kind {
        Kind::Size(low, high) | Kind::Duration(low, high) => Some((low, high)),
        _ => None,
    }
}

fn value(key: &'static Key) -> Value {
    let or_reference = |schema: Value| json!({ "anyOf": [schema, { "$ref": "#/$defs/reference" }] });
    let defined = |name: &str| json!({ "$ref": format!("#/$defs/{name}") });
    match key.kind {
        Kind::Rows => below(key.path),
        Kind::Text(_) => defined("text"),
        Kind::Bool => or_reference(json!({ "type": "boolean" })),
        Kind::Number(low, high) => {
            or_reference(json!({ "type": "integer", "minimum": low, "maximum": high }))
        }
        Kind::Size(..) => or_reference(defined("size")),
        Kind::Duration(..) => or_reference(defined("duration")),
        Kind::Share => or_reference(defined("share")),
        Kind::Price => or_reference(defined("price")),
        Kind::List(_) => json!({ "type": "array", "items": defined("text") }),
        Kind::Map(_) => {
            let entries = format!("{}.*", key.path);
            // A value that is more than a word may be written as a map.
            let more = TABLE
                .children(&entries)
                .next()
                .map(|_| json!({ "anyOf": [defined("text"), object(&entries)] }));
            json!({ "type": "object", "additionalProperties": more.unwrap_or_else(|| defined("text")) })
        }
        Kind::MapOfLists(_) => {
            let list = json!({ "type": "array", "items": defined("text") });
            json!({ "type": "object", "additionalProperties": { "anyOf": [defined("text"), list] } })
        }
    }
}

/// What the rows below `path` make of it.
fn below(path: &str) -> Value {
    let has = |path: &str| TABLE.children(path).next().is_some();
    let (items, entries) = (format!("{path}[]"), format!("{path}.*"));
    if has(&items) {
        return json!({ "type": "array", "items": object(&items) });
    }
    if has(&entries) {
        // A function with every default is its key alone.
        let entry = match path {
            "functions" => json!({ "anyOf": [{ "type": "null" }, object(&entries)] }),
            _ => object(&entries),
        };
        return json!({ "type": "object", "additionalProperties": entry });
    }
    if has(path) {
        return object(path);
    }
    let word = |(word, key): (&str, &Key)| json!({ "const": word, "description": key.about });
    let served = TABLE.words(path).filter(|(_, key)| key.support == Support::Yes);
    let mut words: Vec<Value> = served.map(word).collect();
    if words.is_empty() {
        return json!({ "$ref": "#/$defs/text" });
    }
    words.push(json!({ "$ref": "#/$defs/reference" }));
    json!({ "anyOf": words })
}

#[cfg(test)]
mod tests;
