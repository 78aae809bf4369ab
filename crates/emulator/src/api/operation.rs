//! Which of Lambda's operations a request asks for, and which of them there are here.
//!
//! An operation that Lambda has and the emulator has not is refused by its name, as 501: an SDK does not try that again, and
//! its user reads what is missing. What Lambda does not know either is 404.
//!
//! Source: methods and paths of Lambda's service model 2015-03-31.

use http::Method;
use http::request::Parts;
use lambridge_wire::invoke::{self, InvokePath, Operation};
use lambridge_wire::list::{self, ListError, ListRequest};

use super::problem::Problem;

/// An operation that there is.
#[derive(Debug)]
pub(super) enum Asked {
    Invoke(InvokePath),
    List(Result<ListRequest, ListError>),
}

/// What a client of a local Lambda may miss: operations on functions, by method and the path behind the date. `*` is one
/// segment.
const MISSING: [(&str, &str, &str); 30] = [
    ("POST", "functions", "CreateFunction"),
    ("GET", "functions/*", "GetFunction"),
    ("DELETE", "functions/*", "DeleteFunction"),
    ("GET", "functions/*/configuration", "GetFunctionConfiguration"),
    ("PUT", "functions/*/configuration", "UpdateFunctionConfiguration"),
    ("PUT", "functions/*/code", "UpdateFunctionCode"),
    ("GET", "functions/*/versions", "ListVersionsByFunction"),
    ("POST", "functions/*/versions", "PublishVersion"),
    ("POST", "functions/*/aliases", "CreateAlias"),
    ("GET", "functions/*/aliases/*", "GetAlias"),
    ("PUT", "functions/*/aliases/*", "UpdateAlias"),
    ("DELETE", "functions/*/aliases/*", "DeleteAlias"),
    ("GET", "functions/*/policy", "GetPolicy"),
    ("POST", "functions/*/policy", "AddPermission"),
    ("GET", "functions/*/concurrency", "GetFunctionConcurrency"),
    ("PUT", "functions/*/concurrency", "PutFunctionConcurrency"),
    ("DELETE", "functions/*/concurrency", "DeleteFunctionConcurrency"),
    ("GET", "functions/*/event-invoke-config", "GetFunctionEventInvokeConfig"),
    ("PUT", "functions/*/event-invoke-config", "PutFunctionEventInvokeConfig"),
    ("GET", "functions/*/url", "GetFunctionUrlConfig"),
    ("POST", "functions/*/url", "CreateFunctionUrlConfig"),
    ("PUT", "functions/*/url", "UpdateFunctionUrlConfig"),
    ("DELETE", "functions/*/url", "DeleteFunctionUrlConfig"),
    ("GET", "functions/*/urls", "ListFunctionUrlConfigs"),
    ("GET", "event-source-mappings", "ListEventSourceMappings"),
    ("POST", "event-source-mappings", "CreateEventSourceMapping"),
    ("GET", "layers", "ListLayers"),
    ("GET", "layers/*/versions", "ListLayerVersions"),
    ("GET", "account-settings", "GetAccountSettings"),
    ("GET", "tags/*", "ListTags"),
];

/// The operation of a request.
pub(super) fn of(head: &Parts) -> Result<Asked, Problem> {
    let target = head.uri.path_and_query().map_or("/", |target| target.as_str());
    if let Some(path) = invoke::parse_path(target) {
        return match path.operation {
            _ if head.method != Method::POST => {
                Err(Problem { status: 405, ..Problem::new(UNKNOWN, "only POST invokes") })
            }
            Operation::Invoke | Operation::InvokeStream => Ok(Asked::Invoke(path)),
            Operation::InvokeAsync => Err(missing("InvokeAsync")),
        };
    }
    if head.method == Method::GET
        && let Some(request) = list::parse_path(target)
    {
        return Ok(Asked::List(request));
    }
    match name(head.method.as_str(), head.uri.path()) {
        Some(name) => Err(missing(name)),
        None => Err(Problem { status: 404, ..Problem::new(UNKNOWN, "no such operation") }),
    }
}

const UNKNOWN: &str = "UnknownOperationException";

fn missing(name: &str) -> Problem {
    let message = format!(
        "`{name}` is not emulated: there are Invoke, InvokeWithResponseStream, ListFunctions and ListAliases on this machine"
    );
    Problem { status: 501, ..Problem::new("NotImplementedException", message) }
}

/// Lambda's name of an operation that there is not.
fn name(method: &str, path: &str) -> Option<&'static str> {
    let (date, rest) = path.strip_prefix('/')?.split_once('/')?;
    let is_date = date.len() == 10 && date.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let fits = |form: &str| {
        let (mut form, mut rest) = (form.split('/'), rest.split('/'));
        loop {
            match (form.next(), rest.next()) {
                (None, None) => return true,
                (Some("*"), Some(segment)) if !segment.is_empty() => {}
                (Some(word), Some(segment)) if word == segment => {}
                _ => return false,
            }
        }
    };
    let found = MISSING.iter().find(|(verb, form, _)| *verb == method && fits(form));
    found.filter(|_| is_date).map(|(_, _, name)| *name)
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn names() {
        for (method, path, expect) in [
            ("GET", "/2015-03-31/functions/f", Some("GetFunction")),
            ("GET", "/2015-03-31/functions/f/", Some("GetFunction")),
            ("POST", "/2015-03-31/functions", Some("CreateFunction")),
            ("GET", "/2015-03-31/functions/f/aliases/live", Some("GetAlias")),
            ("PUT", "/2017-10-31/functions/f/concurrency", Some("PutFunctionConcurrency")),
            ("GET", "/2015-03-31/functions//aliases/live", None),
            ("PATCH", "/2015-03-31/functions/f", None),
            ("GET", "/today/functions/f", None),
            ("GET", "/2015-03-31", None),
            ("GET", "/", None),
            ("GET", "", None),
        ] {
            assert_eq!(name(method, path), expect, "{method} {path}");
        }
    }
}
