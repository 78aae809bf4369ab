//! The event that a request to a function URL becomes.
//!
//! Fields of the connection end here, and so do those that say who is in front of the function: there is no proxy to be
//! trusted, so they are ours to write.

use std::net::IpAddr;

use http::header;
use http::request::Parts;
use lambridge_event::{Context, Field, Format, encode_request};
use lambridge_wire::invoke::X_AMZN_TRACE_ID;
use lambridge_wire::name::partition_of;
use sha2::{Digest, Sha256};

use super::{HOP, Sender, iam};
use crate::function::Function;
use crate::http::text;
use crate::identity::since_epoch;
use crate::service::LATEST;

/// The event of a request; `caller` is who signed it.
pub(super) fn of(
    function: &Function,
    head: &Parts,
    body: &[u8],
    sender: Sender<'_>,
    caller: Option<&str>,
) -> Vec<u8> {
    let Sender { request_id, trace, ends } = sender;
    let peer = ends.peer.ip().to_canonical().to_string();
    let port = ends.local.port().to_string();
    // What says who is in front of the function is ours to say: there is no proxy to be trusted here.
    let ours = [
        ("x-forwarded-for", &*peer),
        ("x-forwarded-port", &port),
        ("x-forwarded-proto", "http"),
        (X_AMZN_TRACE_ID, trace),
    ];
    let named = connection_options(head);
    let theirs =
        head.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).filter(|(name, _)| {
            let hop = HOP.contains(name) || named.iter().any(|option| option == name);
            let signature = caller.is_some() && *name == "authorization";
            !hop && !signature && !ours.iter().any(|(own, _)| own == name)
        });
    let fields: Vec<Field<'_>> = theirs
        .map(|(name, value)| (name.as_bytes(), value))
        .chain(ours.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())))
        .collect();
    let host = text(&head.headers, "host").or(head.uri.host()).unwrap_or_default();
    let api_id = url_id(function);
    let request = lambridge_event::Request {
        method: head.method.as_str(),
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        headers: &fields,
        body,
    };
    let context = Context {
        request_id,
        time_ms: u64::try_from(since_epoch().as_millis()).unwrap_or(u64::MAX),
        source_ip: &peer,
        protocol: if head.version == http::Version::HTTP_10 { "HTTP/1.0" } else { "HTTP/1.1" },
        domain_name: without_port(host),
        account_id: if caller.is_some() { &function.context.account } else { "anonymous" },
        region: "",
        api_id: &api_id,
        stage: "$default",
        resource: None,
        path_parameters: &[],
        binary_media_types: None,
        target_group_arn: "",
    };
    let mut event = Vec::with_capacity(2048 + body.len() / 3 * 4);
    encode_request(Format::HttpV2, &request, &context, &mut event);
    match caller {
        Some(key_id) => iam::authorize(event, &function.context, key_id),
        None => event,
    }
}

/// The fields that `Connection` names end here too, except the host, without which there is no request.
fn connection_options(head: &Parts) -> Vec<String> {
    let values = head.headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let options = values.flat_map(|value| value.split(',')).map(|option| option.trim().to_ascii_lowercase());
    options.filter(|option| option != "host").collect()
}

fn without_port(host: &str) -> &str {
    if host.parse::<IpAddr>().is_ok() {
        return host;
    }
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// 32 letters and digits that stay the same, as the identifier in a URL of Lambda's.
fn url_id(function: &Function) -> String {
    let context = &function.context;
    let digest = Sha256::digest(format!("{}:{}", context.name, context.version));
    digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// By the version that runs.
pub(super) fn arn(function: &Function) -> String {
    let context = &function.context;
    let (region, account) = (&context.region, &context.account);
    let partition = partition_of(region);
    let qualifier = if context.version == LATEST { String::new() } else { format!(":{}", context.version) };
    format!("arn:{partition}:lambda:{region}:{account}:function:{}{qualifier}", context.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts() {
        for (host, expect) in
            [("a:1", "a"), ("a", "a"), ("[::1]:80", "[::1]"), ("::1", "::1"), ("[::1]", "[::1]")]
        {
            assert_eq!(without_port(host), expect);
        }
    }
}
