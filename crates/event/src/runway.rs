//! `runway`: the payload that runway's Lambda backend makes of a request.

use crate::request::{Context, Request};

pub(crate) fn encode_request(request: &Request<'_>, context: &Context<'_>, out: &mut Vec<u8>) {
    crate::body::encode_request(request, context, out);
}
