//! What the formats share when they describe the source of a request.

use std::borrow::Cow;

use crate::request::Context;

/// The first label of the domain name; the API's id where the name has none, as an address has not.
pub(crate) fn domain_prefix<'c>(context: &Context<'c>) -> &'c str {
    let domain = context.domain_name;
    let is_address = domain.contains(':') || domain.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match domain.split_once('.') {
        Some((prefix, _)) if !is_address && !prefix.is_empty() => prefix,
        _ => context.api_id,
    }
}

/// A header name in lower case.
pub(crate) fn lower(name: &[u8]) -> Cow<'_, [u8]> {
    if name.iter().any(u8::is_ascii_uppercase) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    }
}

/// An opaque id in the style of API Gateway, six letters and digits, the same for the same text. AWS makes such ids up
/// when something is deployed; here they follow from the name, so that they survive a restart.
pub(crate) fn opaque_id(text: &str) -> String {
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (0..6).map(|place| char::from_digit(((hash >> (place * 8)) % 36) as u32, 36).unwrap_or('0')).collect()
}
