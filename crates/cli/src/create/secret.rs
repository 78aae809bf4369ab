//! `lambridge create secret aws`: AWS credentials as a Secret.
//!
//! The Secret has the keys of both systems, kgateway's `accessKey`, `secretKey`, `sessionToken` and Gloo's
//! `aws_access_key_id`, `aws_secret_access_key`, `aws_session_token`: one manifest works for both, and kgateway's own
//! guide, whose command writes Gloo's keys, works as it stands.
//!
//! An unset variable in `--session-token $TOKEN` leaves the option without a value, or empty: it is absent then, and a
//! note says so. Without keys, those of `~/.aws/credentials` are taken, as `glooctl` does.

use lambridge_config::is_object_name;
use serde_json::json;

use super::profile::{self, Keys};
use crate::args::{CreateAwsSecret, Manifest};
use crate::output;

/// The manifest, or why there is none.
pub fn manifest(options: &CreateAwsSecret) -> Result<String, String> {
    for (option, name) in [("--name", &options.name), ("--namespace", &options.namespace)] {
        if !is_object_name(name) {
            return Err(format!(
                "`{name}` is no name for `{option}`: lower-case letters, digits, `-` and `.`"
            ));
        }
    }
    let keys = keys(options)?;
    for (name, value) in [("access key", &keys.access_key), ("secret key", &keys.secret_key)] {
        check(name, value)?;
    }
    if let Some(token) = &keys.session_token {
        check("session token", token)?;
    }
    if !options.dry_run {
        output::complain("note: nothing was applied; `| kubectl apply -f -` does that");
    }
    Ok(render(options, &keys))
}

fn keys(options: &CreateAwsSecret) -> Result<Keys, String> {
    let given = |name: &str, value: &Option<String>| {
        let value = value.as_ref()?;
        if value.is_empty() {
            output::complain(&format!("note: `{name}` has no value (an unset variable?) and is left out"));
            return None;
        }
        Some(value.clone())
    };
    let access_key = given("--access-key", &options.access_key);
    let secret_key = given("--secret-key", &options.secret_key);
    let session_token = given("--session-token", &options.session_token);
    match (access_key, secret_key) {
        (Some(access_key), Some(secret_key)) => Ok(Keys { access_key, secret_key, session_token }),
        (None, None) => {
            let found = profile::read(&|name| std::env::var(name).ok())?;
            output::complain(&format!("note: the keys are those of {}", found.origin));
            let session_token = session_token.or(found.keys.session_token.clone());
            Ok(Keys { session_token, ..found.keys })
        }
        (Some(_), None) => Err("`--secret-key` is missing beside `--access-key`".to_owned()),
        (None, Some(_)) => Err("`--access-key` is missing beside `--secret-key`".to_owned()),
    }
}

/// What would be refused when the Secret is read is refused here. The value is not shown.
fn check(name: &str, value: &str) -> Result<(), String> {
    match value.bytes().all(|b| (0x21..=0x7e).contains(&b)) {
        true => Ok(()),
        false => Err(format!("the {name} has blanks or characters that no key has: copy it again from AWS")),
    }
}

fn render(options: &CreateAwsSecret, keys: &Keys) -> String {
    let CreateAwsSecret { name, namespace, output, .. } = options;
    let mut data = vec![
        ("accessKey", &keys.access_key),
        ("secretKey", &keys.secret_key),
        ("aws_access_key_id", &keys.access_key),
        ("aws_secret_access_key", &keys.secret_key),
    ];
    if let Some(token) = &keys.session_token {
        data.extend([("sessionToken", token), ("aws_session_token", token)]);
    }
    let encode = |value: &str| base64_simd::STANDARD.encode_to_string(value.as_bytes());
    match output {
        Manifest::Json => {
            let data: serde_json::Map<String, serde_json::Value> =
                data.into_iter().map(|(key, value)| (key.to_owned(), encode(value).into())).collect();
            let object = json!({
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": { "name": name, "namespace": namespace },
                "type": "Opaque",
                "data": data,
            });
            format!("{object:#}\n")
        }
        Manifest::Yaml => {
            let mut text = format!(
                "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {}\n  namespace: {}\ntype: Opaque\ndata:\n",
                plain(name),
                plain(namespace)
            );
            for (key, value) in data {
                text.push_str(&format!("  {key}: {}\n", encode(value)));
            }
            text
        }
    }
}

/// A name as YAML reads it as text: some, such as `1e3` and `true`, mean something else without quotes.
fn plain(name: &str) -> String {
    let word = matches!(name, "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n");
    match name.starts_with(|c: char| c.is_ascii_alphabetic()) && !word {
        true => name.to_owned(),
        false => format!("\"{name}\""),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use crate::args::{Args, Command, Create, CreateAwsSecret, CreateSecret};

    fn options(words: &str) -> CreateAwsSecret {
        let words = ["lambridge", "create", "secret", "aws"].into_iter().chain(words.split_whitespace());
        match Args::try_parse_from(words).unwrap().command {
            Command::Create { what: Create::Secret { what: CreateSecret::Aws(options) } } => options,
            other => panic!("{other:?}"),
        }
    }

    /// The manifest reads back as these credentials: id, secret, token.
    fn check(words: &str, expect: [&str; 3]) {
        let text = super::manifest(&options(words)).unwrap();
        let data = |key: &str| {
            let line = text.lines().find_map(|line| line.trim().trim_start_matches('"').strip_prefix(key))?;
            let value = line.trim_matches(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/'));
            Some(String::from_utf8(base64_simd::forgiving_decode_to_vec(value.as_bytes()).unwrap()).unwrap())
        };
        for names in [
            ["accessKey", "secretKey", "sessionToken"],
            ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"],
        ] {
            assert_eq!(names.map(|name| data(name).unwrap_or_default()), expect, "{text}");
        }
    }

    #[test]
    fn the_command_of_the_document() {
        let named = "--name aws-creds --namespace kgateway-system --access-key AKIA --secret-key s3cr3t";
        check(&format!("{named} --session-token T"), ["AKIA", "s3cr3t", "T"]);
        check(&format!("{named} --session-token"), ["AKIA", "s3cr3t", ""]);
        check(&format!("{named} --session-token --dry-run -o json"), ["AKIA", "s3cr3t", ""]);
        check(&format!("{named} --session-token="), ["AKIA", "s3cr3t", ""]);
        check(&format!("--session-token T {named} -o yaml"), ["AKIA", "s3cr3t", "T"]);
    }

    #[test]
    fn what_is_wrong() {
        for (words, expect) in [
            ("--name A --access-key a --secret-key b", "`A` is no name"),
            ("--name a --access-key a", "`--secret-key` is missing"),
            ("--name a --access-key --secret-key b", "`--access-key` is missing"),
            ("--name a --access-key é --secret-key b", "the access key has blanks"),
        ] {
            let message = super::manifest(&options(words)).unwrap_err();
            assert!(message.contains(expect), "{message}");
        }
    }

    #[test]
    fn names_that_mean_something_else() {
        for (name, expect) in [("aws-creds", "aws-creds"), ("true", "\"true\""), ("1e3", "\"1e3\"")] {
            assert_eq!(super::plain(name), expect);
        }
    }
}
