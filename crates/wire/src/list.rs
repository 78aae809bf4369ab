//! ListFunctions and ListAliases: paths and pages.
//!
//! Both are a GET whose query holds filter, `Marker` and `MaxItems`, and whose answer is one page: entries, and a
//! `NextMarker` as long as there are more. A marker is opaque; it goes back as it came. A page holds 50 functions at most,
//! whatever `MaxItems` asks for.
//!
//! Readers take only the members that they need, so that a page may have any others; writers leave out what is `None`.
//!
//! Source: Lambda's service model 2015-03-31 (`ListFunctions`, `ListAliases`, `MaxListItems`); the wording of a refused
//! parameter from an answer recorded from AWS (localstack, `test_lambda_url_invalid_invoke_mode`).

use serde::{Deserialize, Serialize};

use crate::invoke::{decode_segment, encode_segment};
use crate::name::is_qualifier;

/// Entries on a page where `MaxItems` is absent, and the most functions on one. Source: ListFunctions API reference.
pub const PAGE: usize = 50;
/// Largest `MaxItems`. Source: the service model.
pub const MAX_ITEMS: usize = 10_000;

const FUNCTIONS: &str = "/2015-03-31/functions";
const ALIASES: &str = "/aliases";

/// What is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Listing {
    /// `ListFunctions`.
    Functions {
        /// `FunctionVersion=ALL`: published versions too.
        all_versions: bool,
    },
    /// `ListAliases`.
    Aliases {
        /// The decoded function name, not parsed yet.
        name: String,
        /// `FunctionVersion`: only aliases that lead there.
        version: Option<String>,
    },
}

/// A request for one page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRequest {
    /// What is listed.
    pub listing: Listing,
    /// The `NextMarker` of the page before.
    pub marker: Option<String>,
    /// At most so many entries, 1 to [`MAX_ITEMS`].
    pub max_items: Option<usize>,
}

/// Why a request for a page is refused: `ValidationException`, 400.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ListError {
    /// `MaxItems` is no number.
    #[error(
        "1 validation error detected: Value '{0}' at 'maxItems' failed to satisfy constraint: Member must be an integer"
    )]
    NoNumber(String),
    /// `MaxItems` is 0 or negative.
    #[error(
        "1 validation error detected: Value '{0}' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"
    )]
    TooFew(String),
    /// `MaxItems` is above [`MAX_ITEMS`].
    #[error(
        "1 validation error detected: Value '{0}' at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 10000"
    )]
    TooMany(String),
    /// `FunctionVersion` is neither absent nor, for functions, `ALL`.
    #[error(
        "1 validation error detected: Value '{0}' at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]"
    )]
    Version(String),
    /// `FunctionVersion` of aliases is no version.
    #[error(
        "1 validation error detected: Value '{0}' at 'functionVersion' failed to satisfy constraint: Member must satisfy regular expression pattern: (\\$LATEST(\\.PUBLISHED)?|[0-9]+)"
    )]
    NoVersion(String),
    /// A percent escape is broken.
    #[error("the query has a broken percent escape")]
    Escape,
}

/// Path and query of a `ListFunctions` of all versions.
pub fn functions_path(marker: Option<&str>) -> String {
    // Without a slash at the end, as the model has it today; older ones had it.
    with_marker(format!("{FUNCTIONS}?FunctionVersion=ALL"), '&', marker)
}

/// Path and query of a `ListAliases`.
pub fn aliases_path(name: &str, marker: Option<&str>) -> String {
    let mut path = format!("{FUNCTIONS}/");
    encode_segment(name, &mut path);
    path.push_str(ALIASES);
    with_marker(path, '?', marker)
}

fn with_marker(mut path: String, separator: char, marker: Option<&str>) -> String {
    if let Some(marker) = marker {
        path.push(separator);
        path.push_str("Marker=");
        encode_segment(marker, &mut path);
    }
    path
}

/// Reads a request target, query included. `None`: it is the path of no listing.
pub fn parse_path(target: &str) -> Option<Result<ListRequest, ListError>> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let rest = path.strip_prefix(FUNCTIONS)?;
    let path = rest.strip_suffix('/').unwrap_or(rest);
    let name = match path.strip_prefix('/') {
        None if path.is_empty() => None,
        None => return None,
        Some(path) => {
            let name = path.strip_suffix(ALIASES).filter(|name| !name.is_empty() && !name.contains('/'))?;
            Some(decode_segment(name)?)
        }
    };
    Some(read(name, query))
}

fn read(name: Option<String>, query: &str) -> Result<ListRequest, ListError> {
    let member = |key: &str| {
        let found = query.split('&').filter_map(|pair| pair.split_once('=')).find(|(name, _)| *name == key);
        match found {
            Some((_, value)) if !value.is_empty() => decode_segment(value).ok_or(ListError::Escape).map(Some),
            _ => Ok(None),
        }
    };
    let version = member("FunctionVersion")?;
    let listing = match (name, version) {
        (None, None) => Listing::Functions { all_versions: false },
        (None, Some(all)) if all == "ALL" => Listing::Functions { all_versions: true },
        (None, Some(other)) => return Err(ListError::Version(other)),
        (Some(_), Some(other)) if !is_version(&other) => return Err(ListError::NoVersion(other)),
        (Some(name), version) => Listing::Aliases { name, version },
    };
    let max_items = match member("MaxItems")? {
        None => None,
        Some(text) => match text.parse::<i64>() {
            Err(_) => return Err(ListError::NoNumber(text)),
            Ok(number) if number < 1 => return Err(ListError::TooFew(text)),
            Ok(number) => match usize::try_from(number) {
                Ok(number) if number <= MAX_ITEMS => Some(number),
                _ => return Err(ListError::TooMany(text)),
            },
        },
    };
    Ok(ListRequest { listing, marker: member("Marker")?, max_items })
}

fn is_version(text: &str) -> bool {
    is_qualifier(text) && (text.starts_with('$') || text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The answer to `ListFunctions`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FunctionsPage {
    /// One entry a version.
    #[serde(default)]
    pub functions: Vec<FunctionEntry>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
}

/// A version of a function: the part of `FunctionConfiguration` that lambridge reads or can tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FunctionEntry {
    /// The bare name.
    pub function_name: String,
    /// `$LATEST` or a number.
    pub version: String,
    /// With the version if versions are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub function_arn: Option<String>,
    /// E.g. `provided.al2023`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// What the runtime calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// Of the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// Megabytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_size: Option<u64>,
    /// ISO 8601.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_modified: Option<String>,
    /// `Zip` or `Image`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_type: Option<String>,
    /// `x86_64` or `arm64`, always one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architectures: Option<Vec<String>>,
}

/// The answer to `ListAliases`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AliasesPage {
    /// One entry an alias.
    #[serde(default)]
    pub aliases: Vec<AliasEntry>,
    /// Where the next page begins; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
}

/// `AliasConfiguration`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AliasEntry {
    /// The alias.
    pub name: String,
    /// The version that it leads to.
    pub function_version: String,
    /// The function's ARN with the alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias_arn: Option<String>,
    /// Of the owner.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(target: &str, listing: Listing, marker: Option<&str>, max_items: Option<usize>) {
        let expect = ListRequest { listing, marker: marker.map(str::to_owned), max_items };
        assert_eq!(parse_path(target), Some(Ok(expect)), "{target}");
    }

    fn aliases(name: &str, version: Option<&str>) -> Listing {
        Listing::Aliases { name: name.to_owned(), version: version.map(str::to_owned) }
    }

    #[test]
    fn listings() {
        let (latest, all) =
            (Listing::Functions { all_versions: false }, Listing::Functions { all_versions: true });
        check("/2015-03-31/functions", latest.clone(), None, None);
        check("/2015-03-31/functions/", latest.clone(), None, None);
        check("/2015-03-31/functions/?FunctionVersion=&Marker=&MaxItems=", latest, None, None);
        check("/2015-03-31/functions/?FunctionVersion=ALL", all.clone(), None, None);
        check(
            "/2015-03-31/functions?MaxItems=10000&Marker=a%2F%3D&FunctionVersion=ALL",
            all,
            Some("a/="),
            Some(10_000),
        );
        check("/2015-03-31/functions/f/aliases", aliases("f", None), None, None);
        check("/2015-03-31/functions/f%3A1/aliases/?MaxItems=1", aliases("f:1", None), None, Some(1));
        check(
            "/2015-03-31/functions/f/aliases?FunctionVersion=%24LATEST&Marker=x",
            aliases("f", Some("$LATEST")),
            Some("x"),
            None,
        );
        check("/2015-03-31/functions/f/aliases?FunctionVersion=3", aliases("f", Some("3")), None, None);
    }

    #[test]
    fn no_listings() {
        for target in [
            "",
            "/",
            "/2015-03-31/functionsx",
            "/2015-03-31/functions/f",
            "/2015-03-31/functions//aliases",
            "/2015-03-31/functions/aliases",
            "/2015-03-31/functions/a/b/aliases",
            "/2015-03-31/functions/f/aliases/live",
            "/2015-03-31/functions/%zz/aliases",
            "/2015-03-31/functions/f/invocations",
        ] {
            assert_eq!(parse_path(target), None, "{target}");
        }
    }

    #[test]
    fn refused() {
        let check = |query: &str, expect: ListError| {
            assert_eq!(parse_path(&format!("/2015-03-31/functions/f/aliases?{query}")), Some(Err(expect)));
        };
        check("MaxItems=0", ListError::TooFew("0".to_owned()));
        check("MaxItems=-1", ListError::TooFew("-1".to_owned()));
        check("MaxItems=10001", ListError::TooMany("10001".to_owned()));
        check("MaxItems=many", ListError::NoNumber("many".to_owned()));
        check("MaxItems=99999999999999999999", ListError::NoNumber("99999999999999999999".to_owned()));
        check("FunctionVersion=ALL", ListError::NoVersion("ALL".to_owned()));
        check("Marker=%", ListError::Escape);
        let functions = parse_path("/2015-03-31/functions?FunctionVersion=1");
        assert_eq!(functions, Some(Err(ListError::Version("1".to_owned()))));
    }

    #[test]
    fn pages_as_aws_sends_them() {
        // A page has members that are not read, and null for some.
        let page = r#"{"Functions":[{"FunctionName":"f","FunctionArn":"arn:f","Version":"$LATEST","Layers":null,
            "VpcConfig":{"SubnetIds":[]},"Timeout":3}],"NextMarker":null}"#;
        let page: FunctionsPage = serde_json::from_str(page).unwrap();
        assert_eq!((page.functions[0].version.as_str(), page.functions[0].timeout), ("$LATEST", Some(3)));
        assert_eq!(page.next_marker, None);
        let page: AliasesPage =
            serde_json::from_str(r#"{"Aliases":[{"Name":"live","FunctionVersion":"2"}]}"#).unwrap();
        assert_eq!(
            serde_json::to_string(&page).unwrap(),
            r#"{"Aliases":[{"Name":"live","FunctionVersion":"2"}]}"#
        );
        assert_eq!(serde_json::to_string(&FunctionsPage::default()).unwrap(), r#"{"Functions":[]}"#);
    }

    proptest! {
        #[test]
        fn written_is_read(name in ".{1,40}", marker in proptest::option::of(".{1,40}")) {
            let parsed = parse_path(&functions_path(marker.as_deref()));
            let listing = Listing::Functions { all_versions: true };
            prop_assert_eq!(parsed, Some(Ok(ListRequest { listing, marker: marker.clone(), max_items: None })));
            let parsed = parse_path(&aliases_path(&name, marker.as_deref()));
            prop_assert_eq!(parsed, Some(Ok(ListRequest { listing: aliases(&name, None), marker, max_items: None })));
        }
        #[test]
        fn any_text(rest in ".{0,60}") {
            let _ = parse_path(&format!("/2015-03-31/functions{rest}"));
        }
    }
}
