//! Signature Version 4, checked: was this request signed with a secret that we know, a moment ago?
//!
//! The canonical path is the path as sent, encoded once more, as for every service but S3. The region of the scope is not
//! compared (an emulator is in all of them), the service must be `lambda`, and the clocks may differ by a quarter of an
//! hour. Signatures in the query (presigned URLs) are not taken. Signatures are compared in constant time.
//!
//! Source: AWS IAM user guide, "Create a signed AWS API request"; error texts as AWS's front door words them.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit, Mac};
use http::request::Parts;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use lambridge_model::Secret;
use lambridge_wire::invoke::{decode_segment, encode_segment};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::http::text;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
/// How far the clocks may differ, in seconds.
const SKEW: i64 = 15 * 60;
/// Headers that a signature may name; more are no honest request.
const MAX_SIGNED: usize = 100;

/// A refusal: name of the error and its text.
pub(crate) type Refusal = (&'static str, String);

/// Checks the signature of a request at the time `now`, in seconds since 1970.
pub(crate) fn verify(head: &Parts, body: &[u8], keys: &[(String, Secret)], now: i64) -> Result<(), Refusal> {
    let Some(authorization) = head.headers.get(http::header::AUTHORIZATION) else {
        return Err(("MissingAuthenticationTokenException", "Missing Authentication Token".to_owned()));
    };
    let authorization =
        authorization.to_str().map_err(|_| incomplete("Authorization header is not readable"))?;
    let signed = Authorization::parse(authorization)?;
    let date = text(&head.headers, "x-amz-date").ok_or_else(|| {
        incomplete("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    })?;
    let secret =
        keys.iter().find(|(id, _)| id == signed.key_id).map(|(_, secret)| secret).ok_or_else(|| {
            (
                "UnrecognizedClientException",
                "The security token included in the request is invalid.".to_owned(),
            )
        })?;
    check_time(date, now)?;
    if date.get(..8) != Some(signed.day) {
        return Err(invalid(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP",
        ));
    }
    if signed.service != "lambda" {
        return Err(invalid("Credential should be scoped to correct service: 'lambda'."));
    }
    let request = canonical_request(head, body, &signed)?;
    let scope = format!("{}/{}/{}/aws4_request", signed.day, signed.region, signed.service);
    let to_sign = format!("{ALGORITHM}\n{date}\n{scope}\n{}", hex(&Sha256::digest(request.as_bytes())));
    let mut key = mac(format!("AWS4{}", secret.expose()).as_bytes(), signed.day.as_bytes());
    for part in [signed.region, signed.service, "aws4_request"] {
        key = mac(&key, part.as_bytes());
    }
    let expected = hex(&mac(&key, to_sign.as_bytes()));
    if bool::from(expected.as_bytes().ct_eq(signed.signature.as_bytes())) {
        return Ok(());
    }
    Err(invalid(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
    ))
}

/// The key that a request says it was signed with, whether or not it was.
pub(crate) fn key_id(head: &Parts) -> Option<&str> {
    Authorization::parse(text(&head.headers, "authorization")?).ok().map(|signed| signed.key_id)
}

/// The parts of an `Authorization` header.
struct Authorization<'a> {
    key_id: &'a str,
    day: &'a str,
    region: &'a str,
    service: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(text: &'a str) -> Result<Self, Refusal> {
        let Some(rest) = text.strip_prefix(ALGORITHM).filter(|rest| rest.starts_with(' ')) else {
            return Err(incomplete("Unsupported AWS 'algorithm' in Authorization header"));
        };
        let parameter = |name: &str| {
            let found = rest.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='));
            found.ok_or_else(|| incomplete(&format!("Authorization header requires '{name}' parameter.")))
        };
        let credential = parameter("Credential")?;
        let mut scope = credential.rsplitn(5, '/');
        let (Some("aws4_request"), Some(service), Some(region), Some(day), Some(key_id)) =
            (scope.next(), scope.next(), scope.next(), scope.next(), scope.next())
        else {
            return Err(incomplete(
                "Credential must have 5 slash-delimited elements: key, date, region, service, aws4_request",
            ));
        };
        let signed_headers: Vec<&str> = parameter("SignedHeaders")?.split(';').collect();
        if !signed_headers.contains(&"host") || signed_headers.len() > MAX_SIGNED {
            return Err(invalid("'Host' must be a 'SignedHeader' in the AWS Authorization."));
        }
        if !signed_headers.contains(&"x-amz-date") {
            return Err(invalid("'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization."));
        }
        let signature = parameter("Signature")?;
        Ok(Self { key_id, day, region, service, signed_headers, signature })
    }
}

fn canonical_request(head: &Parts, body: &[u8], signed: &Authorization<'_>) -> Result<String, Refusal> {
    let mut text = String::with_capacity(1024);
    text.push_str(head.method.as_str());
    text.push('\n');
    for (position, segment) in head.uri.path().split('/').enumerate() {
        if position > 0 {
            text.push('/');
        }
        encode_segment(segment, &mut text);
    }
    text.push('\n');
    canonical_query(head.uri.query().unwrap_or_default(), &mut text);
    text.push('\n');
    for name in &signed.signed_headers {
        text.push_str(name);
        text.push(':');
        for (position, value) in head.headers.get_all(*name).iter().enumerate() {
            if position > 0 {
                text.push(',');
            }
            let value = value.to_str().map_err(|_| invalid("a signed header is not readable"))?;
            for (position, word) in value.split(' ').filter(|word| !word.is_empty()).enumerate() {
                if position > 0 {
                    text.push(' ');
                }
                text.push_str(word);
            }
        }
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&signed.signed_headers.join(";"));
    text.push('\n');
    match crate::http::text(&head.headers, "x-amz-content-sha256") {
        Some(UNSIGNED) => text.push_str(UNSIGNED),
        _ => text.push_str(&hex(&Sha256::digest(body))),
    }
    Ok(text)
}

/// Pairs sorted, names and values encoded once.
fn canonical_query(query: &str, text: &mut String) {
    let encode = |part: &str| {
        let mut encoded = String::with_capacity(part.len());
        // What cannot be decoded is encoded as it stands.
        encode_segment(decode_segment(part).as_deref().unwrap_or(part), &mut encoded);
        encoded
    };
    let mut pairs: Vec<(String, String)> = query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (encode(name), encode(value)))
        .collect();
    pairs.sort();
    for (position, (name, value)) in pairs.iter().enumerate() {
        let separator = if position > 0 { "&" } else { "" };
        // Writing to a String cannot fail.
        let _ = write!(text, "{separator}{name}={value}");
    }
}

fn check_time(date: &str, now: i64) -> Result<(), Refusal> {
    let signed = seconds(date).ok_or_else(|| {
        incomplete(&format!(
            "Date must be in ISO-8601 'basic format'. Got '{date}'. See http://en.wikipedia.org/wiki/ISO_8601"
        ))
    })?;
    if signed < now - SKEW {
        return Err(invalid(&format!(
            "Signature expired: {date} is now earlier than {} ({} - 15 min.)",
            basic(now - SKEW),
            basic(now)
        )));
    }
    if signed > now + SKEW {
        return Err(invalid(&format!(
            "Signature not yet current: {date} is still later than {} ({} + 15 min.)",
            basic(now + SKEW),
            basic(now)
        )));
    }
    Ok(())
}

/// Reads `20260710T191904Z`.
fn seconds(date: &str) -> Option<i64> {
    let bytes = date.as_bytes();
    if bytes.len() != 16 || bytes.get(8) != Some(&b'T') || bytes.get(15) != Some(&b'Z') {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i16> {
        let digits = date.get(from..to)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let small = |from: usize| number(from, from + 2).and_then(|value| i8::try_from(value).ok());
    let time =
        DateTime::new(number(0, 4)?, small(4)?, small(6)?, small(9)?, small(11)?, small(13)?, 0).ok()?;
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

fn basic(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds)
        .map(|time| time.strftime("%Y%m%dT%H%M%SZ").to_string())
        .unwrap_or_default()
}

fn mac(key: &[u8], data: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(data);
    mac.finalize().into_bytes().into()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn incomplete(message: &str) -> Refusal {
    ("IncompleteSignature", message.to_owned())
}

fn invalid(message: &str) -> Refusal {
    ("InvalidSignatureException", message.to_owned())
}

#[cfg(test)]
mod tests;
