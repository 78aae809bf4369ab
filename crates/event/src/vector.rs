//! The hot loops again, for processors that can close up, spread and look up bytes within a vector.
//!
//! What [`json`](crate::json) and [`base64`](crate::base64) do elsewhere is right everywhere. Here are loops that take its
//! place for long stretches where the processor has AVX-512 with VBMI2 (Ice Lake, Zen 4 and what came after): 32 to 64
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

/// How far a loop came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Done {
    /// Bytes that were taken from the front of the source.
    pub(crate) read: usize,
    /// Bytes that were put to the front of the room.
    pub(crate) written: usize,
}

macro_rules! loops {
    ($($(#[$doc:meta])* $module:ident::$name:ident($($argument:ident: $type:ty),+);)+) => {$(
        $(#[$doc])*
        #[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl+avx512vbmi+avx512vbmi2+bmi1+bmi2+popcnt"))]
        pub(crate) fn $name($($argument: $type),+) -> Done {
            if is_off() {
                return Done::default();
            }
            match_target! {
                "x86_64+avx512f+avx512bw+avx512vl+avx512vbmi+avx512vbmi2+bmi1+bmi2+popcnt" => {
                    $module::$name($($argument),+)
                },
                _ => {
                    $(let _ = $argument;)+
                    Done::default()
                },
            }
        }
    )+};
}

loops! {
    /// Escapes what is at the front of `text` for a JSON string into `room`, as far as both go and escapes have two
    /// characters. What is behind the written bytes in `room` is spoilt.
    json::escape(text: &[u8], room: &mut [u8]);

    /// Resolves the escapes of what is at the front of `text`, which has been checked, into `room`, up to one with `\u` at
    /// most. What is behind the written bytes in `room` is spoilt.
    json::unescape(text: &[u8], room: &mut [u8]);

    /// Takes from `text` what may stand inside of a JSON string, with escapes of two characters. Behind it comes the
    /// quote that ends it, something else to look at, or too little to tell.
    json::inside(text: &[u8]);

    /// Takes what is base64 from the front of `text`, in whole blocks.
    base64::check(text: &[u8]);

    /// Decodes what is base64 at the front of `text` into `room`, in whole blocks. What is behind the written bytes in
    /// `room` is spoilt.
    base64::decode(text: &[u8], room: &mut [u8]);
}

/// What [`append`] makes room for at once: it stays in the processor's first cache until it has been written.
const STEP: usize = 8 * 1024;
/// What a loop may need at most for its next step.
const BLOCK: usize = 64;

/// Appends what `run` makes of `source`, as far as it comes: how many bytes of `source` those are.
pub(crate) fn append(out: &mut Vec<u8>, source: &[u8], run: fn(&[u8], &mut [u8]) -> Done) -> usize {
    let mut read = 0;
    loop {
        let rest = &source[read..];
        let at = out.len();
        let room = STEP.min(2 * rest.len() + BLOCK);
        out.resize(at + room, 0);
        let done = run(rest, &mut out[at..]);
        out.truncate(at + done.written);
        read += done.read;
        if done.written + BLOCK <= room {
            return read;
        }
    }
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
