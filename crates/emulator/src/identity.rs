//! Names that must not repeat: request ids, delivery ids, extension identifiers, trace ids.
//!
//! Source: request ids are version 4 UUIDs (recorded answers); trace ids are X-Ray's `1-<seconds>-<96 bits>`.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A version 4 UUID.
pub(crate) fn uuid() -> String {
    let mut bytes = random::<16>();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (position, byte) in bytes.iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        push_hex(&mut text, *byte);
    }
    text
}

/// `count` bytes in hexadecimal.
pub(crate) fn hex<const N: usize>() -> String {
    let mut text = String::with_capacity(2 * N);
    random::<N>().iter().for_each(|byte| push_hex(&mut text, *byte));
    text
}

/// An `X-Amzn-Trace-Id` that is not sampled.
pub(crate) fn trace_id() -> String {
    let mut text = String::with_capacity(80);
    // Writing to a String cannot fail.
    let _ = write!(text, "Root=1-{:08x}-", since_epoch().as_secs() & 0xffff_ffff);
    random::<12>().iter().for_each(|byte| push_hex(&mut text, *byte));
    text.push_str(";Parent=");
    random::<8>().iter().for_each(|byte| push_hex(&mut text, *byte));
    text.push_str(";Sampled=0");
    text
}

/// Whether `text` has the shape of a UUID.
pub(crate) fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(position, byte)| match position {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Time since 1970.
pub(crate) fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn push_hex(text: &mut String, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    text.push(char::from(DIGITS[usize::from(byte >> 4)]));
    text.push(char::from(DIGITS[usize::from(byte & 15)]));
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    if getrandom::fill(&mut bytes).is_err() {
        // Without randomness of the system, the clock still makes ids that differ.
        for (byte, tick) in bytes.iter_mut().zip(since_epoch().as_nanos().to_le_bytes()) {
            *byte = tick;
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes() {
        assert!(is_uuid(&uuid()));
        assert_ne!(uuid(), uuid());
        assert_eq!(hex::<16>().len(), 32);
        assert!(trace_id().starts_with("Root=1-"));
        for text in ["", "x", "00000000-0000-0000-0000-00000000000g", "000000000000000000000000000000000000"]
        {
            assert!(!is_uuid(text), "{text}");
        }
    }
}
