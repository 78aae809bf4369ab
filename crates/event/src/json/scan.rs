//! The one hot loop: where are the bytes that JSON treats specially?
//!
//! Special are `"`, `\` and everything below U+0020. Writer and reader share the scan, since what must be escaped on
//! the way out is what may not stand plainly in a string on the way in.
//!
//! [`special`] finds the next one, for stretches without any. Where they are dense, as in HTML or JSON inside of JSON,
//! looking anew after each would be most of the cost: [`marks`] finds all of 64 bytes at once, a bit each.

use multiversion::multiversion;
use wide::u8x16;

use crate::vector;

/// Bytes that [`marks`] looks at.
pub(super) const BLOCK: usize = 64;

/// The high bit of each byte of a word.
const HIGH: u64 = 0x8080_8080_8080_8080;

/// Bytes that [`copy`] may touch behind the end of what it copies.
pub(super) const AHEAD: usize = 32;

/// The index of the first special byte, or the length when there is none.
#[inline]
pub(super) fn special(bytes: &[u8]) -> usize {
    match near(bytes) {
        Ok(place) => place,
        Err(seen) => seen + special_later(&bytes[seen..]),
    }
}

/// As [`special`], and how many bytes at the front were seen to be base64: what is long is so more often than not.
#[inline]
pub(super) fn special_and_base64(bytes: &[u8]) -> (usize, usize) {
    match near(bytes) {
        Ok(place) => (place, 0),
        Err(seen) => {
            let base64 = vector::check(bytes);
            let seen = seen.max(base64);
            (seen + special_later(&bytes[seen..]), base64)
        }
    }
}

/// The index of the first special byte, if it is one of the first 64 that fill parts of 16; else how many those are.
#[inline]
fn near(bytes: &[u8]) -> Result<usize, usize> {
    // Nearly all strings end here.
    let (parts, _) = bytes.as_chunks::<16>();
    for (part, at) in parts.iter().zip([0, 16, 32, 48]) {
        let marks = lanes(part);
        if marks != 0 {
            return Ok(at + marks.trailing_zeros() as usize);
        }
    }
    Err(16 * parts.len().min(4))
}

/// As [`special`], for what is most likely long.
fn special_later(bytes: &[u8]) -> usize {
    let mut at = plain_blocks(bytes);
    let (words, _) = bytes[at..].as_chunks::<8>();
    for word in words {
        let plain = plain_bytes(word);
        at += plain;
        if plain < 8 {
            return at;
        }
    }
    at + bytes[at..].iter().position(|&byte| is_special(byte)).unwrap_or(bytes.len() - at)
}

/// How many bytes there are before the first block of 64 with a special byte, or before the last bytes. The compiler makes
/// vectors of it, as long as the processor has them.
#[multiversion(targets("x86_64+avx512f+avx512bw+avx512vl", "x86_64+avx2"))]
fn plain_blocks(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<BLOCK>();
    let is_plain = |block: &&[u8; BLOCK]| !block.iter().fold(false, |found, &byte| found | is_special(byte));
    BLOCK * blocks.iter().take_while(is_plain).count()
}

/// Whether nothing is special and all is ASCII: the usual short text, which can be written as it stands.
#[inline]
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    let plain = |part: &[u8; 16]| (specials(part) | u8x16::from(*part)).to_bitmask() == 0;
    match bytes.last_chunk() {
        Some(last) => {
            let (parts, _) = bytes.as_chunks::<16>();
            parts.iter().all(plain) && plain(last)
        }
        None => is_plain_short(bytes),
    }
}

/// The same for less than 16 bytes: two words that may overlap, or one.
#[inline]
fn is_plain_short(bytes: &[u8]) -> bool {
    let plain = |word: u64| (word_marks(word) | word & HIGH) == 0;
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return plain(u64::from_le_bytes(*first)) && plain(u64::from_le_bytes(*last));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk(), bytes.last_chunk()) {
        return plain(u64::from(u32::from_le_bytes(*first)) << 32 | u64::from(u32::from_le_bytes(*last)));
    }
    bytes.iter().all(|&byte| byte.is_ascii() && !is_special(byte))
}

/// A bit for each of the first 64 bytes, the first byte's lowest: set where it is special.
#[inline]
pub(super) fn marks(block: &[u8; BLOCK + AHEAD]) -> u64 {
    let (parts, _) = block[..BLOCK].as_chunks::<16>();
    parts.iter().rev().fold(0, |marks, part| (marks << 16) | u64::from(lanes(part)))
}

/// As [`marks`], for 16 bytes.
#[inline]
fn lanes(block: &[u8; 16]) -> u32 {
    specials(block).to_bitmask()
}

/// All bits set where the byte is special.
#[inline]
fn specials(block: &[u8; 16]) -> u8x16 {
    let bytes = u8x16::from(*block);
    let control = bytes.min(u8x16::splat(0x1f)).simd_eq(bytes);
    bytes.simd_eq(u8x16::splat(b'"')) | bytes.simd_eq(u8x16::splat(b'\\')) | control
}

/// Copies `from..to` of `block` to the start of `out`, in whole steps: up to [`AHEAD`] bytes behind it are written
/// too. A call of `memcpy` for every few bytes would cost more.
#[inline]
pub(super) fn copy(block: &[u8; BLOCK + AHEAD], from: usize, to: usize, out: &mut [u8]) {
    let (mut from, mut at) = (from, 0);
    loop {
        out[at..at + AHEAD].copy_from_slice(&block[from..from + AHEAD]);
        at += AHEAD;
        from += AHEAD;
        if from >= to {
            return;
        }
    }
}

/// What a block becomes at most, each byte six, and what [`translate`] may touch behind that.
pub(super) const ROOM: usize = 512 + AHEAD;

/// Writes the first 64 bytes of `block` to `room`, with the bytes that have a mark replaced by what `table` has for them:
/// up to seven bytes, and how many in the eighth. Returns the length. All is written in steps of a fixed size, within
/// arrays of a fixed size: what is copied too far is overwritten by what follows.
#[inline]
pub(super) fn translate(
    block: &[u8; BLOCK + AHEAD],
    mut marks: u64,
    table: &[[u8; 8]; 256],
    room: &mut [u8; ROOM],
) -> usize {
    // The masks change nothing, since all lengths are below them; they spare the checks of bounds.
    let step = |room: &mut [u8; ROOM], from: usize, to: usize| {
        let (from, to) = (from & (BLOCK - 1), to & 511);
        room[to..to + AHEAD].copy_from_slice(&block[from..from + AHEAD]);
    };
    let (mut from, mut to) = (0, 0);
    loop {
        let place = if marks == 0 { BLOCK } else { marks.trailing_zeros() as usize };
        step(room, from, to);
        if place - from > AHEAD {
            step(room, from + AHEAD, to + AHEAD);
        }
        to += place - from;
        if marks == 0 {
            return to;
        }
        let escape = &table[usize::from(block[place])];
        let at = to & 511;
        room[at..at + 8].copy_from_slice(escape);
        to += usize::from(escape[7]);
        from = place + 1;
        marks &= marks - 1;
    }
}

/// How many bytes at the start of the word are not special; 8 when none is.
#[inline]
const fn plain_bytes(word: &[u8; 8]) -> usize {
    (word_marks(u64::from_le_bytes(*word)).trailing_zeros() / 8) as usize
}

#[inline]
const fn is_special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// Sets the high bit of special bytes. Borrows can set it above a true mark too, so only the lowest is exact.
#[inline]
const fn word_marks(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const fn below(word: u64, limit: u64) -> u64 {
        word.wrapping_sub(ONES * limit) & !word & HIGH
    }
    below(word, 0x20) | below(word ^ (ONES * b'"' as u64), 1) | below(word ^ (ONES * b'\\' as u64), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place() {
        for length in [0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40, 71, 100] {
            let plain = vec![b'x'; length];
            assert_eq!(special(&plain), length);
            for at in 0..length {
                for byte in 0..=255_u8 {
                    let mut bytes = plain.clone();
                    bytes[at] = byte;
                    let expect = bytes.iter().position(|&b| is_special(b)).unwrap_or(length);
                    assert_eq!(
                        is_plain(&bytes),
                        byte.is_ascii() && !is_special(byte),
                        "{byte:#x} at {at} of {length}"
                    );
                    assert_eq!(special(&bytes), expect, "byte {byte:#x} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn marks_are_the_special_bytes() {
        for shift in 0..=255_u8 {
            let mut block = [0; BLOCK + AHEAD];
            for (byte, at) in block.iter_mut().zip(0_u8..) {
                *byte = at.wrapping_mul(7).wrapping_add(shift);
            }
            let found = marks(&block);
            for (at, &byte) in block[..BLOCK].iter().enumerate() {
                assert_eq!(found >> at & 1 == 1, is_special(byte), "byte {byte:#x} at {at}");
            }
        }
    }

    #[test]
    fn copies_of_every_length() {
        let block: [u8; BLOCK + AHEAD] = std::array::from_fn(|at| at as u8);
        for from in 0..=BLOCK {
            for to in from..=BLOCK {
                let mut out = [0; BLOCK + AHEAD];
                copy(&block, from, to, &mut out);
                assert_eq!(out[..to - from], block[from..to]);
            }
        }
    }

    #[test]
    fn the_first_of_several_wins() {
        assert_eq!(special(b"ab\\\"\x01cdefgh"), 2);
        assert_eq!(special(b"abcdefgh\x1f\x20\x21\"\\"), 8);
    }
}
