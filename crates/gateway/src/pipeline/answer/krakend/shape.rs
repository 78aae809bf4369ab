//! What KrakenD does to the data of a backend: `target`, then `allow` or `deny`, `mapping`, `group`.
//!
//! Paths have dots between their keys and lead through objects only, never into arrays. A path that leads nowhere is no
//! error: the data is then empty.

use std::collections::BTreeMap;

use lambridge_event::Tree;
use lambridge_model::KrakendAnswer;

type Object = BTreeMap<String, Tree>;

/// Applies the rule; `None` is `null`, which only `group` makes something of.
pub(super) fn shape(rule: &KrakendAnswer, data: Option<Object>) -> Option<Object> {
    let data = data.map(|mut data| {
        if let Some(path) = &rule.target {
            data = target(data, path);
        }
        if !rule.allow.is_empty() {
            let paths: Vec<Vec<&str>> = rule.allow.iter().map(|path| path.split('.').collect()).collect();
            allow(&mut data, &paths.iter().map(Vec::as_slice).collect::<Vec<_>>());
        } else {
            for path in &rule.deny {
                deny(&mut data, path);
            }
        }
        mapping(&mut data, &rule.mapping);
        data
    });
    match &rule.group {
        Some(name) => Some(Object::from([(name.clone(), data.map_or(Tree::Null, Tree::Object))])),
        None => data,
    }
}

fn target(mut data: Object, path: &str) -> Object {
    for key in path.split('.') {
        data = match data.remove(key) {
            Some(Tree::Object(inner)) => inner,
            _ => return Object::new(),
        };
    }
    data
}

/// Keeps what `paths` name and the branches that lead there; a branch that leads nowhere goes too.
fn allow(data: &mut Object, paths: &[&[&str]]) {
    data.retain(|key, value| {
        let below = paths.iter().filter_map(|path| path.split_first().filter(|(first, _)| *first == key));
        let below: Vec<&[&str]> = below.map(|(_, rest)| rest).collect();
        if below.iter().any(|rest| rest.is_empty()) {
            return true;
        }
        match value {
            Tree::Object(inner) if !below.is_empty() => {
                allow(inner, &below);
                !inner.is_empty()
            }
            _ => false,
        }
    });
}

fn deny(data: &mut Object, path: &str) {
    match path.split_once('.') {
        None => {
            data.remove(path);
        }
        Some((first, rest)) => {
            if let Some(Tree::Object(inner)) = data.get_mut(first) {
                deny(inner, rest);
            }
        }
    }
}

/// All old names are taken before the new ones are given, so that two can be exchanged. Of a new name with dots the first
/// part counts.
fn mapping(data: &mut Object, names: &[(String, String)]) {
    let taken: Vec<(&str, Tree)> =
        names.iter().filter_map(|(old, new)| Some((new.as_str(), data.remove(old)?))).collect();
    for (new, value) in taken {
        let new = new.split_once('.').map_or(new, |(first, _)| first);
        data.insert(new.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use lambridge_event::Tree;
    use lambridge_model::KrakendAnswer;

    const DATA: &str = r#"{"a":{"b":{"c":1},"d":[{"e":2}],"f":null},"g":"h","e":{}}"#;

    fn check(rule: KrakendAnswer, data: &str, expect: &str) {
        let data = match Tree::read(data.as_bytes()).unwrap() {
            Tree::Object(entries) => Some(entries),
            _ => None,
        };
        let mut out = Vec::new();
        super::shape(&rule, data).map_or(Tree::Null, Tree::Object).write(&mut out);
        assert_eq!(String::from_utf8(out).unwrap(), expect, "{rule:?}");
    }

    fn rule() -> KrakendAnswer {
        KrakendAnswer::default()
    }

    fn list(paths: &[&str]) -> Vec<String> {
        paths.iter().map(|&path| path.to_owned()).collect()
    }

    #[test]
    fn targets() {
        let target = |path: &str| KrakendAnswer { target: Some(path.to_owned()), ..rule() };
        check(target("a"), DATA, r#"{"b":{"c":1},"d":[{"e":2}],"f":null}"#);
        check(target("a.b"), DATA, r#"{"c":1}"#);
        for nowhere in ["x", "a.x", "a.d", "a.f", "g", "a.b.c", ""] {
            check(target(nowhere), DATA, "{}");
        }
        check(target("a"), "null", "null");
    }

    #[test]
    fn allowed_and_denied() {
        let allow = |paths: &[&str]| KrakendAnswer { allow: list(paths), deny: list(&["g"]), ..rule() };
        check(allow(&["g"]), DATA, r#"{"g":"h"}"#);
        check(allow(&["a.b.c", "g"]), DATA, r#"{"a":{"b":{"c":1}},"g":"h"}"#);
        check(allow(&["a.b", "a"]), DATA, r#"{"a":{"b":{"c":1},"d":[{"e":2}],"f":null}}"#);
        check(allow(&["a.d.e", "a.d.0", "g.h", "x", "e.x"]), DATA, "{}");
        check(allow(&["a.f", "e"]), DATA, r#"{"a":{"f":null},"e":{}}"#);
        let deny = |paths: &[&str]| KrakendAnswer { deny: list(paths), ..rule() };
        check(deny(&["foo"]), r#"{"foo":1,"bar":2}"#, r#"{"bar":2}"#);
        check(deny(&["a", "a.b"]), DATA, r#"{"e":{},"g":"h"}"#);
        check(
            deny(&["a.b.c", "a.d.0", "g.x"]),
            DATA,
            r#"{"a":{"b":{},"d":[{"e":2}],"f":null},"e":{},"g":"h"}"#,
        );
    }

    #[test]
    fn renamed_and_grouped() {
        let mapping = |pairs: &[(&str, &str)]| {
            let mapping = pairs.iter().map(|&(old, new)| (old.to_owned(), new.to_owned())).collect();
            KrakendAnswer { mapping, ..rule() }
        };
        check(mapping(&[("a", "b"), ("x", "y")]), r#"{"a":1}"#, r#"{"b":1}"#);
        check(mapping(&[("a", "b"), ("b", "a")]), r#"{"a":1,"b":2}"#, r#"{"a":2,"b":1}"#);
        check(mapping(&[("a", "b.c"), ("d.e", "f")]), r#"{"a":1,"d":{"e":2}}"#, r#"{"b":1,"d":{"e":2}}"#);
        let group = KrakendAnswer { group: Some("g".to_owned()), ..rule() };
        check(group.clone(), r#"{"a":1}"#, r#"{"g":{"a":1}}"#);
        check(group, "null", r#"{"g":null}"#);
        let all = KrakendAnswer {
            target: Some("t".to_owned()),
            allow: list(&["a"]),
            mapping: vec![("a".to_owned(), "b".to_owned())],
            group: Some("g".to_owned()),
            ..rule()
        };
        check(all, r#"{"t":{"a":1,"c":2}}"#, r#"{"g":{"b":1}}"#);
    }
}
