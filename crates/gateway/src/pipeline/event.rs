//! The event of a request: the codecs' inputs, gathered without copies, encoded into one buffer.

use bytes::Bytes;
use http::request::Parts;
use lambridge_event::{Context, Format, Request, encode_request};
use lambridge_model::Event;

use crate::budget::Share;
use crate::compile::CompiledRoute;
use crate::function::FunctionState;
use crate::headers::{self, Client};
use crate::problem::{Reason, Refusal};
use crate::record::Facts;
use crate::router;

/// What REST and ALB events name and no gateway of ours has: an account, an API, a target group.
const ACCOUNT: &str = "000000000000";
/// Where Lattice events say they come from, unless the function has a region.
const REGION: &str = "us-east-1";
const API: &str = "lambridge";
const STAGE: &str = "$default";
const TARGET_GROUP: &str =
    "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/lambridge/0000000000000000";

/// What the router found out.
pub(super) struct Matched<'a> {
    pub(super) route: &'a CompiledRoute,
    /// Of the path, as sent.
    pub(super) parameters: &'a [(&'a str, &'a str)],
    pub(super) host: &'a str,
}

/// Encodes the event. The buffer is sized so that it grows for unusual bodies only.
pub(super) fn encode(
    function: &FunctionState,
    matched: &Matched<'_>,
    head: &Parts,
    body: &Bytes,
    client: &Client,
    facts: &Facts,
    memory: &mut Share,
) -> Result<Bytes, Refusal> {
    let format = match &function.settings.event {
        Event::Format(format) => Some(*format),
        Event::Template(_) => None,
    };
    let path = head.uri.path();
    let query = head.uri.query().unwrap_or_default();
    let fields = headers::for_event(&head.headers, client, &facts.request_id, &facts.trace);
    let request = Request { method: head.method.as_str(), path, query, headers: &fields, body };
    let context = Context {
        request_id: &facts.request_id,
        time_ms: facts.time_ms,
        source_ip: &client.address,
        protocol: match head.version {
            http::Version::HTTP_10 => "HTTP/1.0",
            http::Version::HTTP_2 => "HTTP/2.0",
            _ => "HTTP/1.1",
        },
        domain_name: router::without_port(matched.host),
        // A function URL without IAM calls its caller so; HTTP events have that flavour.
        account_id: if format == Some(Format::HttpV2) { "anonymous" } else { ACCOUNT },
        region: function.settings.region.as_deref().unwrap_or(REGION),
        api_id: API,
        stage: STAGE,
        resource: matched.route.template.as_deref(),
        path_parameters: matched.parameters,
        binary_media_types: function.settings.binary_media_types.as_deref(),
        target_group_arn: TARGET_GROUP,
    };
    let Some(format) = format else {
        let template = function.template.as_ref().ok_or(Reason::Template)?;
        memory.grow(template.memory(body.len()))?;
        return template.render(&request, &context, function.event_max());
    };
    let capacity = if format == Format::Body {
        body.len()
    } else {
        let head: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 8).sum();
        // Other formats say more, and some of them headers twice.
        let (fixed, head) = if format == Format::HttpV2 { (640, head) } else { (1024, 2 * head) };
        fixed + head + 2 * query.len() + 3 * path.len() + body.len() / 3 * 4 + 8
    };
    let mut event = Vec::with_capacity(capacity);
    encode_request(format, &request, &context, &mut event);
    Ok(Bytes::from(event))
}

/// Refuses an event that Lambda would refuse, before any call.
pub(super) fn fits(
    event: &Bytes,
    function: &FunctionState,
    body: usize,
    memory: &mut Share,
) -> Result<(), Refusal> {
    if event.len() > function.event_max() {
        return Err(Reason::EventTooLarge.into());
    }
    // Small requests do not move the books: heads are bounded by the number of connections. Their answers need not be small.
    memory.grow(if body > 0 { event.len() } else { 0 })
}
