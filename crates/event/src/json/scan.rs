//! The one hot loop: where is the next byte that JSON treats specially?
//!
//! Special are `"`, `\` and everything below U+0020. Writer and reader share the scan, since what must be escaped on
//! the way out is what may not stand plainly in a string on the way in.

/// The index of the first special byte, or the length when there is none.
#[inline]
pub(super) fn special(bytes: &[u8]) -> usize {
    let mut at = 0;
    // Where escapes are dense the next one is near: a few words before the wide steps.
    while at < 32
        && let Some(word) = bytes[at..].first_chunk::<8>()
    {
        let plain = plain_bytes(word);
        at += plain;
        if plain < 8 {
            return at;
        }
    }
    let (blocks, _) = bytes[at..].as_chunks::<32>();
    for block in blocks {
        // A fold without a branch is what the compiler turns into vector instructions.
        if block.iter().fold(false, |hit, &byte| hit | is_special(byte)) {
            break;
        }
        at += 32;
    }
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

/// How many bytes at the start of the word are not special; 8 when none is.
#[inline]
pub(super) const fn plain_bytes(word: &[u8; 8]) -> usize {
    (marks(u64::from_le_bytes(*word)).trailing_zeros() / 8) as usize
}

#[inline]
pub(super) const fn is_special(byte: u8) -> bool {
    (byte < 0x20) | (byte == b'"') | (byte == b'\\')
}

/// Sets the high bit of special bytes. Borrows can set it above a true mark too, so only the lowest is exact.
#[inline]
const fn marks(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
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
        for length in [0, 1, 7, 8, 9, 31, 32, 33, 40, 71, 100] {
            let plain = vec![b'x'; length];
            assert_eq!(special(&plain), length);
            for at in 0..length {
                for byte in 0..=255_u8 {
                    let mut bytes = plain.clone();
                    bytes[at] = byte;
                    let expect = bytes.iter().position(|&b| is_special(b)).unwrap_or(length);
                    assert_eq!(special(&bytes), expect, "byte {byte:#x} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn the_first_of_several_wins() {
        assert_eq!(special(b"ab\\\"\x01cdefgh"), 2);
        assert_eq!(special(b"abcdefgh\x1f\x20\x21\"\\"), 8);
    }
}
