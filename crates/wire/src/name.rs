//! Function names as the Invoke API takes them.
//!
//! Four forms, each with or without a `:qualifier`: the bare name, `account:function:name` (a partial ARN), the same with a
//! region in front, and the whole ARN. The prefixes are optional one by one, so they are taken off from left to right, and
//! what is left must be a name and at most one qualifier. [`Display`](std::fmt::Display) gives back the form that was read.
//!
//! Refused: an empty text, more than 256 characters in all, a name of more than 64,
//! anything else the pattern does not take.
//!
//! Source: the pattern of `FunctionName` in the service model of Lambda 2015-03-31:
//! `(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?`
//! `([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`
//!
//! ```
//! use lambridge_wire::name::FunctionName;
//! let name: FunctionName = "arn:aws:lambda:eu-west-1:123456789012:function:shop:live".parse()?;
//! assert_eq!((name.region(), name.name(), name.qualifier()), (Some("eu-west-1"), "shop", Some("live")));
//! # Ok::<(), lambridge_wire::name::NameError>(())
//! ```

use std::fmt;
use std::str::FromStr;

/// A parsed function name. Made only by parsing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FunctionName {
    partition: Option<String>,
    region: Option<String>,
    account: Option<String>,
    /// `function:` stood before the name; kept so that the input form can be given back.
    marker: bool,
    name: String,
    qualifier: Option<String>,
}

/// Why a text is no function name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{input}` is not a function name: {reason}")]
pub struct NameError {
    /// The text.
    pub input: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Why a name and a `?Qualifier=` do not go together.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum QualifierError {
    /// Both name one, and they differ. The text is Lambda's own.
    #[error("The derived qualifier from the function name does not match the specified qualifier.")]
    Mismatch,
    /// Not a version, an alias or `$LATEST`.
    #[error("`{0}` is not a qualifier")]
    Invalid(String),
}

/// Longest function name in all its forms, in characters. Source: the service model.
const FULL_MAX: usize = 256;
/// Longest bare name. Source: CreateFunction API reference.
const BARE_MAX: usize = 64;
/// Longest qualifier. Source: the service model.
const QUALIFIER_MAX: usize = 128;

impl FunctionName {
    /// `aws`, `aws-cn`, `aws-us-gov`, …; only ARNs have one.
    pub fn partition(&self) -> Option<&str> {
        self.partition.as_deref()
    }
    /// The ARN's region.
    pub fn region(&self) -> Option<&str> {
        self.region.as_deref()
    }
    /// Twelve digits.
    pub fn account(&self) -> Option<&str> {
        self.account.as_deref()
    }
    /// The bare name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// Version, alias, `$LATEST` or `$LATEST.PUBLISHED`.
    pub fn qualifier(&self) -> Option<&str> {
        self.qualifier.as_deref()
    }

    /// The qualifier of a call that names one in `?Qualifier=` too: they must agree.
    pub fn merge_qualifier<'a>(&'a self, query: Option<&'a str>) -> Result<Option<&'a str>, QualifierError> {
        match (self.qualifier(), query.filter(|text| !text.is_empty())) {
            (Some(own), Some(asked)) if own != asked => Err(QualifierError::Mismatch),
            (_, Some(asked)) if !is_qualifier(asked) => Err(QualifierError::Invalid(asked.to_owned())),
            (own, asked) => Ok(own.or(asked)),
        }
    }

    /// The same name with `qualifier`, which must agree with one it already has.
    pub fn with_qualifier(&self, qualifier: &str) -> Result<Self, QualifierError> {
        let merged = self.merge_qualifier(Some(qualifier))?.map(str::to_owned);
        Ok(Self { qualifier: merged, ..self.clone() })
    }

    /// The name without its qualifier, in the form it was written.
    pub fn unqualified(&self) -> Self {
        Self { qualifier: None, ..self.clone() }
    }

    /// The same function in another region; a name that says no region is the same everywhere.
    pub fn in_region(&self, region: &str) -> Self {
        let moved = |part: &Option<String>, to: &str| {
            part.as_ref().map(|part| if part.is_empty() { String::new() } else { to.to_owned() })
        };
        Self {
            partition: moved(&self.partition, partition_of(region)),
            region: moved(&self.region, region),
            ..self.clone()
        }
    }

    /// The whole ARN, what is missing taken from the arguments; with the qualifier only if this name has one,
    /// as `Lambda-Runtime-Invoked-Function-Arn` does.
    pub fn arn(&self, region: &str, account: &str) -> String {
        let region = self.region().unwrap_or(region);
        let partition = self.partition().filter(|p| !p.is_empty()).unwrap_or_else(|| partition_of(region));
        let account = self.account().unwrap_or(account);
        let mut arn = format!("arn:{partition}:lambda:{region}:{account}:function:{}", self.name);
        if let Some(qualifier) = &self.qualifier {
            arn.push(':');
            arn.push_str(qualifier);
        }
        arn
    }
}

/// The partition a region belongs to. Source: the partitions file of AWS's SDKs.
pub fn partition_of(region: &str) -> &'static str {
    const TABLE: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("us-gov-", "aws-us-gov"),
        ("us-isob-", "aws-iso-b"),
        ("us-isof-", "aws-iso-f"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-iso-", "aws-iso"),
        ("eusc-", "aws-eusc"),
    ];
    TABLE.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// The domain under which a region's services live. Source: the partitions file of AWS's SDKs.
pub fn dns_suffix(region: &str) -> &'static str {
    match partition_of(region) {
        "aws-cn" => "amazonaws.com.cn",
        "aws-iso" => "c2s.ic.gov",
        "aws-iso-b" => "sc2s.sgov.gov",
        "aws-iso-e" => "cloud.adc-e.uk",
        "aws-iso-f" => "csp.hci.ic.gov",
        "aws-eusc" => "amazonaws.eu",
        _ => "amazonaws.com",
    }
}

/// The same for endpoints that have IPv6 addresses as well. Source: the partitions file of AWS's SDKs, 2026.
pub fn dual_stack_suffix(region: &str) -> &'static str {
    match partition_of(region) {
        "aws-cn" => "api.amazonwebservices.com.cn",
        "aws-iso" => "api.aws.ic.gov",
        "aws-iso-b" => "api.aws.scloud",
        "aws-iso-e" => "api.cloud-aws.adc-e.uk",
        "aws-iso-f" => "api.aws.hci.ic.gov",
        "aws-eusc" => "api.amazonwebservices.eu",
        _ => "api.aws",
    }
}

impl FromStr for FunctionName {
    type Err = NameError;

    fn from_str(input: &str) -> Result<Self, NameError> {
        parse(input).map_err(|reason| NameError { input: shorten(input), reason })
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(partition) = &self.partition {
            write!(f, "arn:{partition}:lambda:")?;
        }
        for part in [&self.region, &self.account].into_iter().flatten() {
            write!(f, "{part}:")?;
        }
        if self.marker {
            f.write_str("function:")?;
        }
        f.write_str(&self.name)?;
        match &self.qualifier {
            Some(qualifier) => write!(f, ":{qualifier}"),
            None => Ok(()),
        }
    }
}

fn parse(input: &str) -> Result<FunctionName, &'static str> {
    if input.is_empty() {
        return Err("it is empty");
    }
    if input.len() > FULL_MAX {
        return Err("it has more than 256 characters");
    }
    let mut rest = input;
    let mut partition = None;
    // `arn:live` is a function called `arn`: an ARN has more parts than a name and a qualifier.
    if let Some((found, after)) = rest.strip_prefix("arn:").and_then(|after| after.split_once(':')) {
        if !is_partition(found) {
            return Err("its partition does not start with `aws`");
        }
        rest = after.strip_prefix("lambda:").ok_or("its service is not `lambda`")?;
        partition = Some(found.to_owned());
    }
    let region = take(&mut rest, is_region);
    let account = take(&mut rest, is_account);
    let marker = take(&mut rest, |part| part == "function").is_some();
    let (name, qualifier) = match rest.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (rest, None),
    };
    if name.is_empty() || !name.bytes().all(|b| is_word(b) || b == b'.') {
        return Err("a name is made of letters, digits, `-`, `_` and `.`");
    }
    if name.len() > BARE_MAX {
        return Err("the bare name has more than 64 characters");
    }
    // More parts than a name and a qualifier: where a name is looked for stands what a prefix should have been.
    if qualifier.is_some_and(|text| text.contains(':')) {
        return Err(match name {
            _ if account.is_some() => "behind the account come `function`, a name and at most one qualifier",
            _ if name.bytes().all(|b| b.is_ascii_digit()) => "an account has twelve digits",
            _ if region.is_some() => "behind the region comes an account, which has twelve digits",
            _ if partition.is_some() => "behind `lambda` comes a region like `eu-west-1`",
            _ => "it has more parts than a name and a qualifier",
        });
    }
    if qualifier.is_some_and(|text| !is_qualifier(text)) {
        return Err("a qualifier is `$LATEST`, a version number or an alias of letters, digits, `-` and `_`");
    }
    let qualifier = qualifier.map(str::to_owned);
    Ok(FunctionName { partition, region, account, marker, name: name.to_owned(), qualifier })
}

/// Takes the part before the next `:` off `rest` if `wanted` holds. A part without a `:` behind it is the name itself.
fn take(rest: &mut &str, wanted: impl Fn(&str) -> bool) -> Option<String> {
    let (part, after) = rest.split_once(':')?;
    // `function:$LATEST` is a function called `function`: no name starts with `$`.
    if !wanted(part) || after.starts_with('$') {
        return None;
    }
    // `function:live` could be a marker and a name, or a name and a qualifier. The pattern's groups are greedy: marker.
    *rest = after;
    Some(part.to_owned())
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

fn is_partition(text: &str) -> bool {
    // The pattern lets the partition be empty: `arn::lambda:…`.
    text.is_empty()
        || text
            .strip_prefix("aws")
            .is_some_and(|tail| tail.bytes().all(|b| b.is_ascii_alphabetic() || b == b'-'))
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_region(text: &str) -> bool {
    let text = text.strip_prefix("eusc-").unwrap_or(text);
    let parts: Vec<&str> = text.split('-').collect();
    let lower = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase());
    let digit = |part: &str| part.len() == 1 && part.as_bytes()[0].is_ascii_digit();
    let middle = |part: &str| {
        part == "gov" || part == "iso" || (part.len() == 4 && part.starts_with("iso") && lower(part))
    };
    match parts.as_slice() {
        [land, area, number] => land.len() == 2 && lower(land) && lower(area) && digit(number),
        [land, kind, area, number] => {
            land.len() == 2 && lower(land) && middle(kind) && lower(area) && digit(number)
        }
        _ => false,
    }
}

/// `$LATEST`, `$LATEST.PUBLISHED`, a version number or an alias.
pub fn is_qualifier(text: &str) -> bool {
    matches!(text, "$LATEST" | "$LATEST.PUBLISHED")
        || (!text.is_empty() && text.len() <= QUALIFIER_MAX && text.bytes().all(is_word))
}

/// Error texts repeat the input, but not megabytes of it.
fn shorten(input: &str) -> String {
    match input.char_indices().nth(FULL_MAX) {
        Some((end, _)) => format!("{}…", &input[..end]),
        None => input.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Parts<'a> = (Option<&'a str>, Option<&'a str>, Option<&'a str>, &'a str, Option<&'a str>);

    #[track_caller]
    fn check(input: &str, expect: Option<Parts<'_>>) {
        let parsed: Option<FunctionName> = input.parse().ok();
        let parts =
            parsed.as_ref().map(|n| (n.partition(), n.region(), n.account(), n.name(), n.qualifier()));
        assert_eq!(parts, expect, "{input}");
        if let Some(name) = parsed {
            assert_eq!(name.to_string(), input, "the input form comes back");
        }
    }

    #[test]
    fn forms() {
        let (account, dublin) = (Some("123456789012"), Some("eu-west-1"));
        check("shop", Some((None, None, None, "shop", None)));
        check("shop.v2_a-b", Some((None, None, None, "shop.v2_a-b", None)));
        check("shop:live", Some((None, None, None, "shop", Some("live"))));
        check("shop:7", Some((None, None, None, "shop", Some("7"))));
        check("shop:$LATEST", Some((None, None, None, "shop", Some("$LATEST"))));
        check("shop:$LATEST.PUBLISHED", Some((None, None, None, "shop", Some("$LATEST.PUBLISHED"))));
        check("function:shop", Some((None, None, None, "shop", None)));
        check("123456789012:function:shop", Some((None, None, account, "shop", None)));
        check("123456789012:function:shop:live", Some((None, None, account, "shop", Some("live"))));
        check("123456789012:shop", Some((None, None, account, "shop", None)));
        check("function:$LATEST", Some((None, None, None, "function", Some("$LATEST"))));
        check("arn:live", Some((None, None, None, "arn", Some("live"))));
        check("123456789012", Some((None, None, None, "123456789012", None)));
        check("eu-west-1:123456789012:function:shop", Some((None, dublin, account, "shop", None)));
        check(
            "arn:aws:lambda:eu-west-1:123456789012:function:shop",
            Some((Some("aws"), dublin, account, "shop", None)),
        );
        check(
            "arn:aws:lambda:eu-west-1:123456789012:function:shop:3",
            Some((Some("aws"), dublin, account, "shop", Some("3"))),
        );
        check("arn::lambda:function:shop", Some((Some(""), None, None, "shop", None)));
    }

    #[test]
    fn partitions() {
        for (partition, region) in [
            ("aws-cn", "cn-north-1"),
            ("aws-us-gov", "us-gov-west-1"),
            ("aws-iso", "us-iso-east-1"),
            ("aws-iso-b", "us-isob-east-1"),
            ("aws-iso-e", "eu-isoe-west-1"),
            ("aws-eusc", "eusc-de-east-1"),
        ] {
            let arn = format!("arn:{partition}:lambda:{region}:123456789012:function:f");
            check(&arn, Some((Some(partition), Some(region), Some("123456789012"), "f", None)));
            assert_eq!(partition_of(region), partition);
            let bare: FunctionName = "f".parse().unwrap();
            assert_eq!(bare.arn(region, "123456789012"), arn);
        }
    }

    #[test]
    fn refused() {
        let long = "a".repeat(65);
        let huge = "a".repeat(10_000_000);
        for input in [
            "",
            ":",
            "a:",
            ":a",
            "a:b:c",
            "a b",
            "a/b",
            "ä",
            "shop:$latest",
            "shop:a$b",
            "shop:a.b",
            "arn:",
            "arn:aws:lambda:",
            "arn:aws:s3:eu-west-1:123456789012:function:f",
            "arn:gcp:lambda:eu-west-1:123456789012:function:f",
            "arn:aws:lambda:nowhere:123456789012:function:f",
            "12345:function:f",
            "%73hop",
            &long,
            &huge,
        ] {
            check(input, None);
        }
        let error = huge.parse::<FunctionName>().unwrap_err();
        assert!(error.to_string().len() < 400);
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (input, expect) in [
            ("arn:aws:lambda:us-east-1:12345:function:x", "an account has twelve digits"),
            ("us-east-1:1234567890123:function:x:live", "an account has twelve digits"),
            ("12345:function:x", "an account has twelve digits"),
            ("arn:aws:lambda:us-east-1:me:function:x", "behind the region comes an account"),
            ("arn:aws:lambda:nowhere:123456789012:function:x", "behind `lambda` comes a region"),
            ("arn:aws:lambda:us-east-1:123456789012:layer:x:1", "behind the account come `function`"),
            ("arn:aws:lambda:us-east-1:123456789012:function:x:live:2", "behind the account come `function`"),
            ("a:b:c", "it has more parts"),
            ("x:a b", "a qualifier is"),
        ] {
            let error = input.parse::<FunctionName>().unwrap_err();
            assert!(error.reason.starts_with(expect), "{input}: {error}");
        }
    }

    #[test]
    fn qualifiers_agree() {
        let plain: FunctionName = "f".parse().unwrap();
        let live: FunctionName = "f:live".parse().unwrap();
        assert_eq!(plain.merge_qualifier(Some("live")), Ok(Some("live")));
        assert_eq!(live.merge_qualifier(None), Ok(Some("live")));
        assert_eq!(live.merge_qualifier(Some("live")), Ok(Some("live")));
        assert_eq!(live.merge_qualifier(Some("")), Ok(Some("live")));
        assert_eq!(live.merge_qualifier(Some("7")), Err(QualifierError::Mismatch));
        assert_eq!(plain.merge_qualifier(Some("a b")), Err(QualifierError::Invalid("a b".into())));
        assert_eq!(plain.with_qualifier("live"), Ok(live));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(input in ".{0,300}") {
            if let Ok(name) = input.parse::<FunctionName>() {
                prop_assert_eq!(name.to_string(), input);
            }
        }
        #[test]
        fn near_names(input in "(arn:aws:lambda:)?(eu-west-1:)?(123456789012:)?(function:)?[a-z:$]{0,8}") {
            if let Ok(name) = input.parse::<FunctionName>() {
                prop_assert_eq!(name.to_string(), input);
            }
        }
    }
}
