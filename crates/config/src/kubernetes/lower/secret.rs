//! AWS credentials in a Secret.
//!
//! Three ways to write them are in use, and each is read wherever a Secret is named, whichever system names it:
//! kgateway's `accessKey`, `secretKey`, `sessionToken`; Gloo's `aws_access_key_id`, `aws_secret_access_key`,
//! `aws_session_token`; and Gloo's older `aws`, one YAML document with `access_key`, `secret_key`, `session_token`.
//! Where a Secret has several (ours have the first two), the system's own comes first.
//!
//! Values are never trimmed: one with a blank at its end is reported, since a line break that slipped into a Secret
//! makes every signature wrong. An empty token is no token. Messages name keys, never values.
//!
//! Source: kgateway's validation of Secrets (kgateway-dev/kgateway, pull request 14741); Gloo's secret converters.

use lambridge_model::{Credentials, Secret as Hidden};

use crate::document::{Node, Span, parse};
use crate::kubernetes::syntax::core::{Entry, Secret};
use crate::kubernetes::syntax::{Body, Object};
use crate::report::Report;

/// Names of the three values.
type Names = [&'static str; 3];

const KGATEWAY: Names = ["accessKey", "secretKey", "sessionToken"];
const GLOO: Names = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];
const BLOB: Names = ["access_key", "secret_key", "session_token"];

/// Whose way of writing comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preferred {
    Kgateway,
    Gloo,
}

/// The credentials in a Secret, `None` when it was reported as wrong.
pub fn credentials(object: &Object, preferred: Preferred, report: &mut Report) -> Option<Credentials> {
    let Body::Secret(secret) = &object.body else { return None };
    let order = match preferred {
        Preferred::Kgateway => [KGATEWAY, GLOO],
        Preferred::Gloo => [GLOO, KGATEWAY],
    };
    let has = |names: &Names| secret.entries.iter().any(|entry| names.contains(&entry.key.text.as_str()));
    if let Some(names) = order.iter().find(|names| has(names)) {
        let mut read = |name| value(name, find(secret, name), object, report);
        let [id, key, token] = names.map(&mut read);
        return together(names, [id, key, token], object, report);
    }
    match find(secret, "aws") {
        Some(entry) => blob(entry, object, report),
        None => {
            report
                .error(&object.span, format!("{} has no AWS credentials", object.reference()))
                .help("`lambridge create secret aws` prints one: `accessKey` and `secretKey`");
            None
        }
    }
}

/// The last of that name: `stringData` wins over `data`.
fn find<'s>(secret: &'s Secret, name: &str) -> Option<&'s Entry> {
    secret.entries.iter().rev().find(|entry| entry.key.text == name)
}

/// What came of one value.
enum Found {
    /// Absent or empty.
    Nothing,
    Wrong,
    Text(Hidden),
}

/// One value as text.
fn value(name: &str, entry: Option<&Entry>, object: &Object, report: &mut Report) -> Found {
    let Some(entry) = entry else { return Found::Nothing };
    let text = match decode(entry) {
        Ok(text) => text,
        Err(reason) => {
            wrong(name, reason, &entry.key.span, object, report);
            return Found::Wrong;
        }
    };
    checked(name, text, &entry.key.span, object, report)
}

fn checked(name: &str, text: String, span: &Span, object: &Object, report: &mut Report) -> Found {
    if text.is_empty() {
        return Found::Nothing;
    }
    if text.trim() != text {
        let reason = (
            "has leading or trailing whitespace",
            "write it without; `base64` of `echo` adds a line break, that of `printf %s` does not",
        );
        wrong(name, reason, span, object, report);
        return Found::Wrong;
    }
    if !text.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
        wrong(name, ("has characters that no key has", "copy it again from AWS"), span, object, report);
        return Found::Wrong;
    }
    if text.starts_with('$') {
        let message = format!("the value of `{name}` in {} looks like a variable's name", object.reference());
        report.warning(span, message).help("a shell does not replace variables between single quotes");
    }
    Found::Text(Hidden::new(text))
}

type Reason = (&'static str, &'static str);

fn wrong(name: &str, reason: Reason, span: &Span, object: &Object, report: &mut Report) {
    let message = format!("the value of `{name}` in {} {}", object.reference(), reason.0);
    report.error(span, message).help(reason.1);
}

fn decode(entry: &Entry) -> Result<String, Reason> {
    let text = entry.text.expose();
    if !entry.base64 {
        return Ok(text.to_owned());
    }
    // Line breaks are no part of base64, and the API server skips them too.
    let plain: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    let bytes = base64_simd::STANDARD
        .decode_to_vec(plain)
        .map_err(|_| ("is not base64", "encode it, or move it to `stringData`, which takes it as it is"))?;
    String::from_utf8(bytes).map_err(|_| {
        (
            "is not a valid UTF-8 string",
            "encode the text itself, once, or move it to `stringData`, which takes it as it is",
        )
    })
}

fn together(names: &Names, found: [Found; 3], object: &Object, report: &mut Report) -> Option<Credentials> {
    let [id, key, token] = found;
    for (name, found) in names.iter().zip([&id, &key]) {
        if matches!(found, Found::Nothing) {
            report
                .error(&object.span, format!("`{name}` is missing or empty in {}", object.reference()))
                .help("`lambridge create secret aws` prints a Secret with every key it takes");
        }
    }
    let session_token = match token {
        Found::Nothing => None,
        Found::Wrong => return None,
        Found::Text(text) => Some(text),
    };
    match (id, key) {
        (Found::Text(id), Found::Text(secret_access_key)) => Some(Credentials::Static {
            access_key_id: id.expose().to_owned(),
            secret_access_key,
            session_token,
        }),
        _ => None,
    }
}

/// The older form: a document in a value.
fn blob(entry: &Entry, object: &Object, report: &mut Report) -> Option<Credentials> {
    let span = &entry.key.span;
    let text = match decode(entry) {
        Ok(text) => text,
        Err(reason) => {
            wrong("aws", reason, span, object, report);
            return None;
        }
    };
    // What is wrong inside is told with the place of the value, since the text stands in no file of its own.
    let documents = parse(&"secret.yaml".into(), &text, &mut Report::default());
    let root = documents.into_iter().flatten().next().map(|document| document.root);
    let Some(root) = root.filter(|root| root.as_map().is_some()) else {
        let help = "it is a YAML document with `access_key` and `secret_key`";
        wrong("aws", ("cannot be read", help), span, object, report);
        return None;
    };
    let mut read = |name: &str| match root.get(name).and_then(Node::as_scalar) {
        Some(scalar) => checked(name, scalar.text.clone(), span, object, report),
        None => Found::Nothing,
    };
    let found = BLOB.map(&mut read);
    together(&BLOB, found, object, report)
}

#[cfg(test)]
mod tests {
    use lambridge_model::Credentials;

    use super::{Preferred, credentials};
    use crate::document;
    use crate::kubernetes::syntax;
    use crate::report::Report;

    /// Id, secret and token, or the messages.
    fn check(body: &str, preferred: Preferred, expect: Result<[&str; 3], &[&str]>) {
        let text = format!("apiVersion: v1\nkind: Secret\nmetadata: {{ name: s, namespace: n }}\n{body}\n");
        let mut report = Report::default();
        let documents = document::parse(&"a.yaml".into(), &text, &mut report).unwrap();
        let objects = syntax::read(&documents[0].root, &mut report);
        assert!(!format!("{objects:?}").contains("hunter2"));
        let found = credentials(&objects[0], preferred, &mut report);
        let messages: Vec<String> = report.finish(&[]).0.into_iter().map(|row| row.message).collect();
        match expect {
            Ok([id, secret, token]) => {
                let Some(Credentials::Static { access_key_id, secret_access_key, session_token }) = found
                else {
                    panic!("{body}: {messages:?}");
                };
                let token_found = session_token.as_ref().map_or("", |token| token.expose());
                assert_eq!(
                    [access_key_id.as_str(), secret_access_key.expose(), token_found],
                    [id, secret, token]
                );
            }
            Err(expect) => {
                assert!(found.is_none(), "{body}");
                assert_eq!(messages.len(), expect.len(), "{messages:?}");
                for (message, part) in messages.iter().zip(expect) {
                    assert!(message.contains(part) && !message.contains("hunter2"), "{message}");
                }
            }
        }
    }

    #[test]
    fn every_form() {
        let (kgateway, gloo) = (Preferred::Kgateway, Preferred::Gloo);
        check("stringData: { accessKey: A, secretKey: hunter2 }", gloo, Ok(["A", "hunter2", ""]));
        check(
            "data: { accessKey: QQ==, secretKey: aHVudGVyMg==, sessionToken: VA== }",
            kgateway,
            Ok(["A", "hunter2", "T"]),
        );
        check(
            "stringData: { aws_access_key_id: A, aws_secret_access_key: hunter2, aws_session_token: '' }",
            kgateway,
            Ok(["A", "hunter2", ""]),
        );
        check(
            "data: { aws: YWNjZXNzX2tleTogQQpzZWNyZXRfa2V5OiBodW50ZXIyCg== }",
            gloo,
            Ok(["A", "hunter2", ""]),
        );
        let both =
            "stringData: { accessKey: A, secretKey: a, aws_access_key_id: B, aws_secret_access_key: b }";
        check(both, kgateway, Ok(["A", "a", ""]));
        check(both, gloo, Ok(["B", "b", ""]));
        check(
            "data: { accessKey: eA==, secretKey: eA== }\nstringData: { accessKey: A }",
            kgateway,
            Ok(["A", "x", ""]),
        );
    }

    #[test]
    fn wrong_values() {
        let check = |body: &str, expect: &[&str]| check(body, Preferred::Kgateway, Err(expect));
        check("data: {}", &["has no AWS credentials"]);
        check("stringData: { accessKey: A }", &["`secretKey` is missing or empty"]);
        check("stringData: { accessKey: '', secretKey: hunter2 }", &["`accessKey` is missing or empty"]);
        check("stringData: { sessionToken: x }", &["`accessKey` is missing", "`secretKey` is missing"]);
        check("data: { accessKey: '%', secretKey: eA== }", &["`accessKey` in Secret `n/s` is not base64"]);
        check("data: { accessKey: /w==, secretKey: eA== }", &["not a valid UTF-8 string"]);
        check("stringData: { accessKey: A, secretKey: 'hunter2 ' }", &["leading or trailing whitespace"]);
        check("stringData: { accessKey: A, secretKey: 'hunt er2' }", &["has characters that no key has"]);
        check("stringData: { aws: '[' }", &["`aws` in Secret `n/s` cannot be read"]);
        check("stringData: { aws: 'access_key: A' }", &["`secret_key` is missing"]);
    }
}
