//! Parameters of a query whose values are secrets: what is written down has `REDACTED` in their place.
//!
//! Those that OpenTelemetry's conventions for HTTP name (`url.query`), those of AWS's presigned URLs, those of OAuth 2.0 (RFC 6750
//! section 2.3, RFC 6749), and the words that everyone uses. What else a query holds is the application's to know.

use std::borrow::Cow;

/// In lower case.
const NAMES: [&str; 20] = [
    "access_token",
    "api-key",
    "api_key",
    "apikey",
    "authorization",
    "awsaccesskeyid",
    "client_assertion",
    "client_secret",
    "id_token",
    "passwd",
    "password",
    "refresh_token",
    "secret",
    "sig",
    "signature",
    "token",
    "x-amz-credential",
    "x-amz-security-token",
    "x-amz-signature",
    "x-goog-signature",
];

/// Path and query without the values of secrets.
pub(crate) fn told(target: &str) -> Cow<'_, str> {
    let told = target.split_once('?').and_then(|(path, query)| Some(format!("{path}?{}", hidden(query)?)));
    told.map_or(Cow::Borrowed(target), Cow::Owned)
}

/// `query` without the values of secrets; `None` where there are none.
pub(crate) fn hidden(query: &str) -> Option<String> {
    if !query.split('&').any(is_secret) {
        return None;
    }
    let mut out = String::with_capacity(query.len());
    for (index, pair) in query.split('&').enumerate() {
        if index > 0 {
            out.push('&');
        }
        match pair.split_once('=') {
            Some((name, _)) if is_secret(pair) => {
                out.push_str(name);
                out.push_str("=REDACTED");
            }
            _ => out.push_str(pair),
        }
    }
    Some(out)
}

fn is_secret(pair: &str) -> bool {
    let Some((name, value)) = pair.split_once('=') else { return false };
    let plain = |name: &str| NAMES.iter().any(|known| known.eq_ignore_ascii_case(name));
    // An escape in a name is rare, and may be there to hide it.
    let is_known = if name.contains('%') {
        plain(&percent_encoding::percent_decode_str(name).decode_utf8_lossy())
    } else {
        plain(name)
    };
    is_known && !value.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{hidden, told};

    #[test]
    fn values() {
        let check =
            |query: &str, expect: Option<&str>| assert_eq!(hidden(query).as_deref(), expect, "{query}");
        check("", None);
        check("a=1&b=2", None);
        check("token", None);
        check("token=", None);
        check("tokens=1&key=2", None);
        check("token=hush", Some("token=REDACTED"));
        check("a=1&Access_Token=hu=sh&b=2&&", Some("a=1&Access_Token=REDACTED&b=2&&"));
        check(
            "X-Amz-Date=1&X-Amz-Signature=ab&sig=c",
            Some("X-Amz-Date=1&X-Amz-Signature=REDACTED&sig=REDACTED"),
        );
        check("%74oken=hush", Some("%74oken=REDACTED"));
        assert_eq!(told("/a?b=1"), "/a?b=1");
        assert_eq!(told("/token=hush?token=hush?"), "/token=hush?token=REDACTED");
    }
}
