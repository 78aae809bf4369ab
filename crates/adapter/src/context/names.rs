//! Second names for what the caller's context calls otherwise.
//!
//! AWS Lambda Web Adapter does not pass the caller's two JSON headers on: it reads them, and writes names of its own. An
//! application that was written beside it knows only those, so both are there; what the caller wrote stays as it is.
//!
//! Source: `ClientApplication` and `CognitoIdentity` of the crate `lambda_runtime`, which that adapter writes them with.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

const IDENTITY: [(&str, &str); 2] =
    [("cognitoIdentityId", "identityId"), ("cognitoIdentityPoolId", "identityPoolId")];

const CLIENT: [(&str, &str); 5] = [
    ("installation_id", "installationId"),
    ("app_title", "appTitle"),
    ("app_version_name", "appVersionName"),
    ("app_version_code", "appVersionCode"),
    ("app_package_name", "appPackageName"),
];

/// A Cognito identity.
pub fn of_identity(text: &str) -> Cow<'_, str> {
    with(text, &IDENTITY)
}

/// A client context: the members of its `client`.
pub fn of_client_context(text: &str) -> Cow<'_, str> {
    let Some(client) = members(text).and_then(|members| members.get("client").copied()) else {
        return text.into();
    };
    let Cow::Owned(named) = with(client.get(), &CLIENT) else { return text.into() };
    // Where it stands, since it is a part of the text.
    let start = client.get().as_ptr().addr() - text.as_ptr().addr();
    let end = start + client.get().len();
    [&text[..start], &named, &text[end..]].concat().into()
}

/// An object with each member of `names` under its other name too, unless that is taken.
fn with<'a>(text: &'a str, names: &[(&str, &str)]) -> Cow<'a, str> {
    let (Some(members), Some(open)) = (members(text), text.strip_suffix('}')) else { return text.into() };
    let added: String = names
        .iter()
        .filter(|(_, other)| !members.contains_key(*other))
        .filter_map(|(name, other)| Some(format!(",\"{other}\":{}", members.get(*name)?.get())))
        .collect();
    if added.is_empty() { text.into() } else { format!("{open}{added}}}").into() }
}

fn members(text: &str) -> Option<HashMap<Cow<'_, str>, &RawValue>> {
    // Nearly always it is `null`, and to find that it is no object would make an error with its text.
    if text == "null" {
        return None;
    }
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identities() {
        for (text, expect) in [
            (
                r#"{"cognitoIdentityId": "i", "cognitoIdentityPoolId":"p" }"#,
                r#"{"cognitoIdentityId": "i", "cognitoIdentityPoolId":"p" ,"identityId":"i","identityPoolId":"p"}"#,
            ),
            (
                r#"{"identityId":"own","cognitoIdentityId":"i"}"#,
                r#"{"identityId":"own","cognitoIdentityId":"i"}"#,
            ),
            (r#"{"a":1e400}"#, r#"{"a":1e400}"#),
            ("{}", "{}"),
            ("[1]", "[1]"),
            ("null", "null"),
            (r#""}""#, r#""}""#),
        ] {
            assert_eq!(of_identity(text), expect);
        }
    }

    #[test]
    fn client_contexts() {
        for (text, expect) in [
            (
                r#"{"custom":{"a":[1]}, "client": {"app_title":"ü}","x":1e400} ,"env":{}}"#,
                r#"{"custom":{"a":[1]}, "client": {"app_title":"ü}","x":1e400,"appTitle":"ü}"} ,"env":{}}"#,
            ),
            (r#"{"client":{"appTitle":"t"}}"#, r#"{"client":{"appTitle":"t"}}"#),
            (r#"{"client":null}"#, r#"{"client":null}"#),
            (r#"{"custom":{"client":{"app_title":"t"}}}"#, r#"{"custom":{"client":{"app_title":"t"}}}"#),
            ("7", "7"),
        ] {
            assert_eq!(of_client_context(text), expect);
        }
    }
}
