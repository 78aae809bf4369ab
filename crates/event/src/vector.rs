//! The hot loops again, for processors that can close up, spread and look up bytes within a vector.
//!
//! What [`json`](crate::json) and [`base64`](crate::base64) do elsewhere is right everywhere. Here are loops that take its
//! place for long stretches where the processor has AVX-512 with VBMI2 (Ice Lake, Zen 4 and what came after): 64
//! bytes at a step, whatever stands in them, and no branch for an escape. Each says how far it came, which may be nowhere;
//! its caller goes on from there in its own way. What is seldom (`\u`, an error, the last bytes) is always the caller's.
//!
//! Which instructions there are is asked once, by [`multiversion`], which also makes the calls safe.

#[cfg(target_arch = "x86_64")]
mod base64;
#[cfg(target_arch = "x86_64")]
mod json;

use multiversion::multiversion;
use multiversion::target::match_target;

/// How far a loop came that writes into a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Done {
    /// Bytes that were taken from the front of the source.
    pub(crate) read: usize,
    /// Bytes that were put to the front of the room.
    pub(crate) written: usize,
}

macro_rules! loops {
    ($($(#[$doc:meta])* $module:ident::$name:ident($($argument:ident: $type:ty),+) -> $outcome:ty;)+) => {$(
        $(#[$doc])*
        #[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx512vbmi+avx512vbmi2+bmi1+bmi2+popcnt"))]
        pub(crate) fn $name($($argument: $type),+) -> $outcome {
            if is_off() {
                return Default::default();
            }
            match_target! {
                "x86_64+avx512f+avx512bw+avx512vl+avx512vbmi+avx512vbmi2+bmi1+bmi2+popcnt" => {
                    $module::$name($($argument),+)
                },
                _ => {
                    $(let _ = $argument;)+
                    Default::default()
                },
            }
        }
    )+};
}

loops! {
    /// Escapes what is at the front of `text` for a JSON string and appends it, as far as escapes have two characters: how
    /// many bytes of `text` those are.
    json::escape(text: &[u8], out: &mut Vec<u8>) -> usize;

    /// Resolves the escapes of what is at the front of `text`, which has been checked, into `room`, up to one with `\u` at
    /// most. What is behind the written bytes in `room` is spoilt.
    json::unescape(text: &[u8], room: &mut [u8]) -> Done;

    /// How many bytes at the front of `text` may stand inside of a JSON string, with escapes of two characters. Behind them
    /// comes the quote that ends it, something else to look at, or too little to tell.
    json::inside(text: &[u8]) -> usize;

    /// How many bytes at the front of `text` are base64, in whole blocks.
    base64::check(text: &[u8]) -> usize;

    /// Decodes what is base64 at the front of `text` and appends it, in whole blocks: how many bytes of `text` those are.
    base64::decode(text: &[u8], out: &mut Vec<u8>) -> usize;
}

/// Appends the first `length` of `bytes`. All are written, which takes one step where their count is not known beforehand.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn push(out: &mut Vec<u8>, bytes: &[u8; 64], length: usize) {
    let end = out.len() + length;
    out.extend_from_slice(bytes);
    out.truncate(end);
}

#[cfg(not(test))]
const fn is_off() -> bool {
    false
}

#[cfg(test)]
use off::is_off;

#[cfg(test)]
mod base64_tests;
#[cfg(test)]
mod json_tests;
#[cfg(test)]
pub(crate) mod off;
