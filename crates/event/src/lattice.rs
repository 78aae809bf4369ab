//! VPC Lattice, both event versions: what a function target of a Lattice service gets.
//!
//! Version 1 spells its keys in snake case, has the query in `raw_path` and no `requestContext`; version 2 has lists of
//! values and the context. Keys and values of a query are as sent, undecoded. An answer has the same keys for both, and
//! they are those that a load balancer without multi-value headers reads, `statusDescription` included.
//!
//! Only version 2, the default of a target group, is written: `lattice_v2`. Its context names a service, a network of
//! services and the caller's VPC, of which a gateway has none; so they are made up, with account and region from the
//! [`Context`]. `identity` says no more than the VPC, as with a service whose auth type is `NONE`.
//!
//! Source: "Use a Lambda function as a target" in the VPC Lattice user guide; `aws_lambda_events` 1.2.1 for the types.

use std::borrow::Cow;

use crate::answer::{Answer, AnswerError};
use crate::envelope::{self, Envelope};
use crate::fields;
use crate::json::{Object, writer};
use crate::request::{Context, EventError, Kind, Received, Request};
use crate::{alb, context, path, query, text};

pub(crate) fn encode_request(request: &Request<'_>, context: &Context<'_>, out: &mut Vec<u8>) {
    let mut event = Object::open(out);
    event.string("version", "2.0");
    event.string("path", request.path);
    event.string("method", request.method);
    let mut map = Object::open(event.key("headers"));
    fields::headers_by_name(request.headers, |run| {
        let out = map.foreign_key(&context::lower(request.headers[run[0]].0));
        writer::array(out, run.iter().map(|&at| request.headers[at].1), writer::bytes);
    });
    map.close();
    let pairs: Vec<(&str, &str)> = query::raw_pairs(request.query).collect();
    if !pairs.is_empty() {
        let mut map = Object::open(event.key("queryStringParameters"));
        fields::pairs_by_name(&pairs, |run| {
            let out = map.foreign_key(pairs[run[0]].0.as_bytes());
            writer::array(out, run.iter().map(|&at| pairs[at].1), writer::string);
        });
        map.close();
    }
    let text = text::plain_request(request);
    if request.body.is_empty() {
        event.null("body");
    } else {
        text::write(&mut event, request.body, text);
    }
    event.bool("isBase64Encoded", text.is_none());
    request_context(event.key("requestContext"), context);
    event.close();
}

/// The time is text, in microseconds.
fn request_context(out: &mut Vec<u8>, context: &Context<'_>) {
    let mut object = Object::open(out);
    for (key, service, resource) in [
        ("serviceNetworkArn", "vpc-lattice", "servicenetwork/sn-00000000000000000"),
        ("serviceArn", "vpc-lattice", "service/svc-00000000000000000"),
        ("targetGroupArn", "vpc-lattice", "targetgroup/tg-00000000000000000"),
    ] {
        arn(object.key(key), service, resource, context);
    }
    let mut identity = Object::open(object.key("identity"));
    arn(identity.key("sourceVpcArn"), "ec2", "vpc/vpc-00000000000000000", context);
    identity.close();
    object.string("region", context.region);
    let out = object.key("timeEpoch");
    out.push(b'"');
    writer::decimal(out, context.time_ms, 1);
    out.extend_from_slice(b"000\"");
    object.close();
}

fn arn(out: &mut Vec<u8>, service: &str, resource: &str, context: &Context<'_>) {
    out.extend_from_slice(b"\"arn:aws:");
    for part in [service, ":", context.region, ":", context.account_id, ":", resource] {
        writer::fragment(out, part.as_bytes());
    }
    out.push(b'"');
}

/// What a load balancer without multi-value headers reads.
pub(crate) fn decode_answer(payload: &[u8]) -> Result<Answer<'_>, AnswerError> {
    alb::decode_answer(alb::Maps::Single, payload)
}

pub(crate) fn decode_request<'a>(envelope: &Envelope<'a>, kind: Kind) -> Result<Received<'a>, EventError> {
    let method = envelope::method("method", envelope.lattice_method)?;
    let (key, found, parameters, values) = match kind {
        Kind::LatticeV1 => {
            ("raw_path", envelope.lattice_path, "query_string_parameters", envelope.lattice_query)
        }
        _ => ("path", envelope.path, "queryStringParameters", envelope.query),
    };
    let (found, raw) = split(envelope::text(key, found)?.unwrap_or_default());
    let query = match raw {
        Some(raw) => query::fit(raw),
        None => {
            let mut query = String::new();
            envelope::each(parameters, values, |key, value| {
                query::push_raw(&mut query, &key, &value);
                Ok(())
            })?;
            Cow::Owned(query)
        }
    };
    let headers = envelope::headers("headers", envelope.headers)?;
    let (body, base64) = match kind {
        Kind::LatticeV1 => envelope.body_coded("is_base64_encoded", envelope.lattice_base64)?,
        _ => envelope.body()?,
    };
    Ok(Received {
        kind,
        method,
        path: path::fit(found),
        query,
        headers,
        body,
        base64,
        request_context: envelope.context,
    })
}

/// A path and the query behind it, if there is one.
fn split(target: Cow<'_, str>) -> (Cow<'_, str>, Option<Cow<'_, str>>) {
    match target {
        Cow::Borrowed(target) => match target.split_once('?') {
            Some((path, query)) => (Cow::Borrowed(path), Some(Cow::Borrowed(query))),
            None => (Cow::Borrowed(target), None),
        },
        Cow::Owned(target) => match target.split_once('?') {
            Some((path, query)) => (Cow::Owned(path.to_owned()), Some(Cow::Owned(query.to_owned()))),
            None => (Cow::Owned(target), None),
        },
    }
}
