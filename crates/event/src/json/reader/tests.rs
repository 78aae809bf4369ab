use proptest::prelude::*;

use super::*;
use crate::vector::off::with_and_without;

/// Valid texts are also read by serde_json, and invalid ones refused by it: the two must agree.
fn check(text: &str, expect: Result<&str, (&str, usize)>) {
    let found = Reader::new(text.as_bytes()).and_then(Reader::document);
    assert_eq!(
        serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
        expect.is_ok(),
        "the row is wrong by serde_json: {text}"
    );
    match (found, expect) {
        (Ok(value), Ok(kind)) => assert_eq!(value.kind(), kind, "{text}"),
        (Err(error), Err(expect)) => assert_eq!((error.reason, error.offset), expect, "{text}"),
        (found, expect) => panic!("{text}: {found:?} instead of {expect:?}"),
    }
}

#[test]
fn values() {
    check("null", Ok("null"));
    check(" true\n", Ok("a boolean"));
    check("false", Ok("a boolean"));
    for number in ["0", "-0", "10", "1.5", "-1.25e+10", "2E-3", "1e5"] {
        check(number, Ok("a number"));
    }
    check(r#""a\"\\\/\b\f\n\r\t\u00e9""#, Ok("a string"));
    check("[]", Ok("an array"));
    check("[ ]", Ok("an array"));
    check(r#"[1, "a", [], {}, null, [[[]]], {"a": {"b": []}}]"#, Ok("an array"));
    check("{ }", Ok("an object"));
    check(r#"{"a":1,"b":{"c":[true,false]} , "d" : "e"}"#, Ok("an object"));
}

#[test]
fn malformed() {
    check("", Err(("the text ends early", 0)));
    check("  ", Err(("the text ends early", 2)));
    check("nul", Err(("expected a value", 0)));
    check("nulls", Err(("something follows the value", 4)));
    check("01", Err(("something follows the value", 1)));
    check("1.", Err(("expected a value", 0)));
    check("-", Err(("expected a value", 0)));
    check("+1", Err(("expected a value", 0)));
    check("1e", Err(("expected a value", 0)));
    check(".5", Err(("expected a value", 0)));
    check("\"a", Err(("the string does not end", 2)));
    check("\"a\nb\"", Err(("control character in a string", 2)));
    check(r#""\x""#, Err(("invalid escape", 1)));
    check(r#""\u12g4""#, Err(("invalid escape", 1)));
    check(r#""\"#, Err(("invalid escape", 1)));
    check("[1 2]", Err(("expected a comma or the end of the value", 3)));
    check("[1,]", Err(("expected a value", 3)));
    check("[,1]", Err(("expected a value", 1)));
    check("[1}", Err(("expected a comma or the end of the value", 2)));
    check("[", Err(("the text ends early", 1)));
    check("{1:2}", Err(("expected a key", 1)));
    check(r#"{"a" 1}"#, Err(("expected a colon", 5)));
    check(r#"{"a":1,}"#, Err(("expected a key", 7)));
    check(r#"{"a":}"#, Err(("expected a value", 5)));
    check(r#"{"a":1]"#, Err(("expected a comma or the end of the value", 6)));
    check("{} {}", Err(("something follows the value", 3)));
    check("{]", Err(("expected a key", 1)));
    check("[}", Err(("expected a value", 1)));
    assert_eq!(Reader::new(b"\"ab\xff\"").unwrap_err().offset, 3);
}

#[test]
fn depth_costs_no_stack() {
    for depth in [1, 63, 64, 65, 127, 128, 129, 1_000_000] {
        let arrays = "[".repeat(depth) + &"]".repeat(depth);
        assert!(Reader::new(arrays.as_bytes()).unwrap().document().is_ok(), "{depth}");
        let mixed = r#"{"a":["#.repeat(depth) + &"]}".repeat(depth);
        assert!(Reader::new(mixed.as_bytes()).unwrap().document().is_ok(), "{depth}");
        let open = "[{\"a\":".repeat(depth);
        assert!(Reader::new(open.as_bytes()).unwrap().document().is_err(), "{depth}");
        let crossed = r#"{"a":["#.repeat(depth) + &"}]".repeat(depth);
        assert!(Reader::new(crossed.as_bytes()).unwrap().document().is_err(), "{depth}");
    }
}

#[test]
fn escapes() {
    for (raw, expect) in [
        (r#""plain""#, "plain"),
        (r#""a\"b\\c\/d""#, "a\"b\\c/d"),
        (r#""\b\f\n\r\t""#, "\u{8}\u{c}\n\r\t"),
        (r#""\u00e9\u20AC\ud83d\ude00""#, "é€😀"),
        // Half a pair, in every position.
        (r#""\ud83d""#, "\u{fffd}"),
        (r#""\ud83dx""#, "\u{fffd}x"),
        (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
        (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
        (r#""\ud83d\n""#, "\u{fffd}\n"),
        ("\"λ\\u0041λ\"", "λAλ"),
    ] {
        let Ok(Value::String(text)) = Reader::new(raw.as_bytes()).and_then(Reader::document) else {
            panic!("{raw} is no string")
        };
        let cow = text.cow();
        assert_eq!(cow, expect, "{raw}");
        assert_eq!(matches!(cow, Cow::Borrowed(_)), !raw.contains('\\'), "{raw}");
    }
}

#[test]
fn what_is_seen_of_base64_is_base64() {
    with_and_without(|| {
        for length in [0, 1, 63, 64, 65, 127, 128, 500] {
            for (end, escaped) in [("", false), ("==", false), ("\\n", true), (" ", false)] {
                let raw = format!("\"{}{end}\"", "Q/+9".repeat(length));
                let found = Reader::new(raw.as_bytes()).and_then(Reader::document);
                let Ok(Value::String(text)) = found else { panic!("{raw} is no string") };
                let seen = text.seen_base64();
                assert_eq!((text.raw.len(), text.escaped), (raw.len() - 2, escaped), "{raw}");
                assert!(seen <= 4 * length && seen.is_multiple_of(4), "{seen} of {raw}");
            }
        }
    });
}

#[test]
fn entries_and_items() {
    let text = r#" {"a" : 1 , "b\u0063" : [1 , "x",[2] ] ,"d":{}} "#;
    let mut found = Vec::new();
    let mut entries = Reader::new(text.as_bytes()).unwrap().entries().unwrap();
    while let Some((key, value)) = entries.next().unwrap() {
        if let Value::Array(array) = value {
            found.extend(items(array).map(|item| item.kind().to_owned()));
        }
        found.push(key.cow().into_owned());
    }
    assert_eq!(found, ["a", "a number", "a string", "an array", "bc", "d"]);
    assert!(Reader::new(b"[]").unwrap().entries().is_none());
    assert_eq!(super::entries(r#"{"a":1,"b":2}"#).count(), 2);
    for broken in [r#"{"a":1"#, r#"{"a":1 "b":2}"#, r#"{,}"#, r#"{"a":1} x"#, r#"{"a":1,}"#] {
        let mut entries = Reader::new(broken.as_bytes()).unwrap().entries().unwrap();
        let error = loop {
            match entries.next() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("{broken} was accepted"),
                Err(error) => break error,
            }
        };
        assert!(error.offset > 0);
    }
}

#[test]
fn compacted() {
    for (text, expect) in [
        (r#"["hello", 3, true]"#, r#"["hello",3,true]"#),
        ("{ \"a b\" :\n\t\"c \\\" d\" }", r#"{"a b":"c \" d"}"#),
        ("1", "1"),
        (" 1", "1"),
    ] {
        assert_eq!(compact(text), expect);
    }
    assert!(matches!(compact("[1,2]"), Cow::Borrowed(_)));
}

proptest! {
    /// However it is read, and whatever is wrong with it.
    #[test]
    fn long_strings_agree_with_serde_json(parts in proptest::collection::vec(prop_oneof![
        8 => "[a-z é]{0,40}",
        8 => proptest::sample::select([r#"\""#, r"\\", r"\/", r"\b", r"\f", r"\n", r"\r", r"\t"].as_slice())
            .prop_map(str::to_owned),
        2 => proptest::sample::select([r"\u00e9", r"\u20AC", r"\ud83d\ude00"].as_slice()).prop_map(str::to_owned),
        1 => proptest::sample::select(["\"", "\n", r"\x", r"\u12"].as_slice()).prop_map(str::to_owned),
    ], 0..60)) {
        let text = format!("\"{}\"", parts.concat());
        let first = std::cell::RefCell::new(None);
        with_and_without(|| {
            let found = Reader::new(text.as_bytes()).and_then(Reader::document).map(|value| match value {
                Value::String(text) => text.cow().into_owned(),
                _ => panic!("no string"),
            });
            assert_eq!(found.as_ref().ok(), serde_json::from_str(&text).ok().as_ref(), "{text}");
            let found = Some(found);
            let mut first = first.borrow_mut();
            assert!(first.is_none() || *first == found, "{text}: {first:?}, and {found:?} without");
            *first = found;
        });
    }
}
