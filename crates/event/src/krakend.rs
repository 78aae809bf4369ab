//! `krakend`: the payload that KrakenD's Lambda backend makes of a GET request: the parameters of the path.

use crate::request::{Context, Request};

pub(crate) fn encode_request(request: &Request<'_>, context: &Context<'_>, out: &mut Vec<u8>) {
    crate::body::encode_request(request, context, out);
}
