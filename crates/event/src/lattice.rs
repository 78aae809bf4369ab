//! VPC Lattice, both event versions: what a function target of a Lattice service gets.
//!
//! Version 1 spells its keys in snake case, has the query in `raw_path` and no `requestContext`; version 2 has lists of
//! values and the context. Keys and values of a query are as sent, undecoded. An answer has the same keys for both, and
//! they are those that a load balancer without multi-value headers reads, `statusDescription` included.
//!
//! Source: "Use a Lambda function as a target" in the VPC Lattice user guide; `aws_lambda_events` 1.2.1 for the types.

use std::borrow::Cow;

use crate::envelope::{self, Envelope};
use crate::request::{EventError, Kind, Received};
use crate::{path, query};

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
    let body = match kind {
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
