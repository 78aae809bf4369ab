//! Function names as the Invoke API takes them: name, `name:qualifier`, `account:function:name`, ARN.
//! Source: the pattern of `FunctionName` in the service model of Lambda 2015-03-31.

use std::fmt;
use std::str::FromStr;

/// A parsed function name. Made only by parsing.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FunctionName {
    partition: Option<String>,
    region: Option<String>,
    account: Option<String>,
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
}

impl FromStr for FunctionName {
    type Err = NameError;
    fn from_str(input: &str) -> Result<Self, NameError> {
        let _ = input;
        todo!()
    }
}

impl fmt::Display for FunctionName {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
