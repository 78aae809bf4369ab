//! ListFunctions and ListAliases.
//!
//! Entries are in the order of their names, `$LATEST` before the versions. A marker is the base64 of the last entry's place
//! in that order, so a page follows the one before even if the functions have changed meanwhile. Environment variables,
//! which Lambda lists, stay out: they may be secrets, and no signature need be checked here.
//!
//! Source: ListFunctions and ListAliases API reference.

use lambridge_wire::list::{
    AliasEntry, AliasesPage, FunctionEntry, FunctionsPage, ListRequest, Listing, PAGE,
};
use lambridge_wire::name::{FunctionName, NameError};
use serde::Serialize;

use super::Problem;
use crate::function::Function;
use crate::http::{Answer, json};
use crate::service::{LATEST, Service};

/// A place in the order of entries: function or alias, and number of the version, 0 for `$LATEST`.
type Key = (String, u64);

/// Answers with one page.
pub(super) fn answer(service: &Service, request: ListRequest) -> Result<Answer, Problem> {
    let after = request.marker.as_deref().map(read_marker).transpose()?;
    let limit = request.max_items.unwrap_or(PAGE);
    match request.listing {
        Listing::Functions { all_versions } => {
            let listed = service.all().filter(|function| all_versions || function.context.version == LATEST);
            let listed =
                listed.map(|function| (key(&function.context.name, &function.context.version), function));
            let (page, next_marker) = page(listed.collect(), after.as_ref(), limit.min(PAGE));
            let functions = page.into_iter().map(|function| entry(service, function, all_versions)).collect();
            body(&FunctionsPage { functions, next_marker })
        }
        Listing::Aliases { name, version } => {
            let name: FunctionName =
                name.parse().map_err(|error: NameError| Problem::parameter(error.to_string()))?;
            let arn = name.unqualified().arn(&service.region, &service.account);
            let aliases = service.aliases(name.name()).ok_or_else(|| {
                Problem::new("ResourceNotFoundException", format!("Function not found: {arn}"))
            })?;
            let wanted = |target: &str| version.as_deref().is_none_or(|version| version == target);
            let listed = aliases.filter(|(_, target)| wanted(target));
            let listed = listed.map(|(alias, target)| ((alias.to_owned(), 0), (alias, target)));
            let (page, next_marker) = page(listed.collect(), after.as_ref(), limit);
            let entry = |(alias, version): (&str, &str)| AliasEntry {
                name: alias.to_owned(),
                function_version: version.to_owned(),
                alias_arn: Some(format!("{arn}:{alias}")),
                description: Some(String::new()),
            };
            body(&AliasesPage { aliases: page.into_iter().map(entry).collect(), next_marker })
        }
    }
}

fn key(name: &str, version: &str) -> Key {
    (name.to_owned(), version.parse().unwrap_or(0))
}

/// The first `limit` entries behind `after`, and the marker of the next page.
fn page<T>(mut entries: Vec<(Key, T)>, after: Option<&Key>, limit: usize) -> (Vec<T>, Option<String>) {
    entries.retain(|(key, _)| after.is_none_or(|after| key > after));
    entries.sort_by(|(one, _), (other, _)| one.cmp(other));
    let more = entries.len() > limit;
    entries.truncate(limit);
    let next = entries.last().filter(|_| more).map(|(key, _)| write_marker(key));
    (entries.into_iter().map(|(_, entry)| entry).collect(), next)
}

fn write_marker((name, version): &Key) -> String {
    base64_simd::STANDARD.encode_to_string(format!("{version}:{name}"))
}

fn read_marker(marker: &str) -> Result<Key, Problem> {
    let text =
        base64_simd::STANDARD.decode_to_vec(marker).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let key = text.as_deref().and_then(|text| {
        let (version, name) = text.split_once(':')?;
        Some((name.to_owned(), version.parse().ok()?))
    });
    key.ok_or_else(|| Problem::parameter("The marker is invalid"))
}

/// What is known of a function that nobody uploaded.
fn entry(service: &Service, function: &Function, qualified: bool) -> FunctionEntry {
    let context = &function.context;
    let version = if qualified { format!(":{}", context.version) } else { String::new() };
    let run = &context.run;
    let timeout = run.timeout.as_secs() + u64::from(run.timeout.subsec_nanos() > 0);
    FunctionEntry {
        function_arn: Some(format!(
            "arn:{}:lambda:{}:{}:function:{}{version}",
            lambridge_wire::name::partition_of(&service.region),
            service.region,
            service.account,
            context.name
        )),
        function_name: context.name.clone(),
        version: context.version.clone(),
        // What it is in truth: a program of its own that speaks the Runtime API.
        runtime: Some("provided.al2023".to_owned()),
        handler: Some(context.handler().to_owned()),
        description: Some(String::new()),
        timeout: Some(timeout),
        memory_size: Some(run.memory.into()),
        last_modified: Some(service.started.clone()),
        package_type: Some("Zip".to_owned()),
        architectures: Some(vec![if cfg!(target_arch = "aarch64") { "arm64" } else { "x86_64" }.to_owned()]),
    }
}

fn body(page: &impl Serialize) -> Result<Answer, Problem> {
    let body =
        serde_json::to_vec(page).map_err(|error| Problem::new("ServiceException", error.to_string()))?;
    Ok(json(200, body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages() {
        let entries = || ["c", "a", "b"].map(|name| ((name.to_owned(), 0), name)).to_vec();
        let (first, marker) = page(entries(), None, 2);
        assert_eq!(first, ["a", "b"]);
        let after = read_marker(&marker.unwrap()).unwrap();
        assert_eq!(page(entries(), Some(&after), 2), (vec!["c"], None));
        assert_eq!(page(entries(), None, 3).1, None);
        assert!(key("f", LATEST) < key("f", "2") && key("f", "2") < key("f", "10"));
        for marker in ["", "x", "AAAA", "OmE="] {
            assert!(read_marker(marker).is_err(), "{marker}");
        }
    }
}
