//! Base64 of RFC 4648's standard alphabet, 64 characters at a step. Padding is left to the caller.

use core::arch::x86_64::{
    __m512i, _mm512_madd_epi16, _mm512_maddubs_epi16, _mm512_movepi8_mask, _mm512_or_si512,
    _mm512_permutex2var_epi8, _mm512_permutexvar_epi8, _mm512_set1_epi32,
};

use bytemuck::cast;

use super::push;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// What each character of ASCII stands for; the highest bit where it is none of the alphabet.
static VALUES: [[u8; 64]; 2] = {
    let mut table = [[0x80; 64]; 2];
    let mut value = 0;
    while value < 64 {
        let letter = ALPHABET[value] as usize;
        table[letter / 64][letter % 64] = value as u8;
        value += 1;
    }
    table
};

/// From the three low bytes of each 32 bits, the highest first, to bytes without gaps.
static CLOSED_UP: [u8; 64] = {
    let mut order = [0; 64];
    let mut at = 0;
    while at < 48 {
        order[at] = (at / 3 * 4 + 2 - at % 3) as u8;
        at += 1;
    }
    order
};

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
pub(super) fn check(text: &[u8]) -> usize {
    64 * text.as_chunks().0.iter().take_while(|block| values(block).is_some()).count()
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
pub(super) fn decode(text: &[u8], out: &mut Vec<u8>) -> usize {
    let mut read = 0;
    for block in text.as_chunks().0 {
        let Some(values) = values(block) else { break };
        // Twice six bits to twelve, twice twelve to 24.
        let twelves = _mm512_maddubs_epi16(values, _mm512_set1_epi32(0x0140_0140));
        let bytes = _mm512_madd_epi16(twelves, _mm512_set1_epi32(0x0001_1000));
        push(out, &cast(_mm512_permutexvar_epi8(cast(CLOSED_UP), bytes)), 48);
        read += 64;
    }
    read
}

/// What the characters stand for, if all are of the alphabet.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi")]
fn values(block: &[u8; 64]) -> Option<__m512i> {
    let characters: __m512i = cast(*block);
    let values = _mm512_permutex2var_epi8(cast(VALUES[0]), characters, cast(VALUES[1]));
    (_mm512_movepi8_mask(_mm512_or_si512(values, characters)) == 0).then_some(values)
}
