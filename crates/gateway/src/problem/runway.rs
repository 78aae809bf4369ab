//! Error answers as those of runway.

use bytes::Bytes;
use http::Response;
use http_body_util::Full;

use super::Refusal;

pub(super) fn answer(refusal: &Refusal, request_id: &str) -> Response<Full<Bytes>> {
    refusal.native(request_id)
}
