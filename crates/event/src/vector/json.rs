//! The insides of JSON strings.
//!
//! A mask has a bit for each byte of a vector, the first byte's lowest. `compress` closes up the bytes that a mask names.

use core::arch::x86_64::{
    __m128i, __m256i, __m512i, _mm_setr_epi8, _mm512_broadcast_i32x4, _mm512_castsi512_si256,
    _mm512_cmpeq_epi8_mask, _mm512_cmpge_epu8_mask, _mm512_cmplt_epu8_mask, _mm512_cvtepu8_epi16,
    _mm512_extracti64x4_epi64, _mm512_mask_mov_epi8, _mm512_maskz_compress_epi8, _mm512_movepi8_mask,
    _mm512_or_si512, _mm512_permutex2var_epi8, _mm512_set1_epi8, _mm512_set1_epi16, _mm512_shuffle_epi8,
    _mm512_slli_epi16, _mm512_testn_epi8_mask, _pdep_u64,
};

use bytemuck::cast;

use super::{Done, push};

const QUOTE: i8 = b'"' as i8;
const BACKSLASH: i8 = b'\\' as i8;

/// What the letter behind a backslash means, for each byte of ASCII; nothing for `u` and for what is no escape.
static MEANING: [[u8; 64]; 2] = {
    let mut table = [[0; 64]; 2];
    let pairs = [
        (b'"', b'"'),
        (b'\\', b'\\'),
        (b'/', b'/'),
        (b'b', 0x08),
        (b'f', 0x0c),
        (b'n', b'\n'),
        (b'r', b'\r'),
        (b't', b'\t'),
    ];
    let mut at = 0;
    while at < pairs.len() {
        let letter = pairs[at].0 as usize;
        table[letter / 64][letter % 64] = pairs[at].1;
        at += 1;
    }
    table
};

/// 32 bytes become 64 with a backslash before each; those before bytes that need none are left out.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
pub(super) fn escape(text: &[u8], out: &mut Vec<u8>) -> usize {
    let letters: __m128i = _mm_setr_epi8(
        0, 0, 0, 0, 0, 0, 0, 0, b'b' as i8, b't' as i8, b'n' as i8, 0, b'f' as i8, b'r' as i8, 0, 0,
    );
    let letters = _mm512_broadcast_i32x4(letters);
    let mut read = 0;
    for block in text.as_chunks::<64>().0 {
        let mut bytes: __m512i = cast(*block);
        let control = _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20));
        let special = control
            | _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(QUOTE))
            | _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(BACKSLASH));
        if control != 0 {
            // By the low four bits, so that what is above 0x0f has to be left out.
            let letter = _mm512_shuffle_epi8(letters, bytes);
            let without = _mm512_testn_epi8_mask(letter, letter)
                | _mm512_cmpge_epu8_mask(bytes, _mm512_set1_epi8(0x10));
            if control & without != 0 {
                break;
            }
            bytes = _mm512_mask_mov_epi8(bytes, control, letter);
        }
        let (low, high) = (_mm512_castsi512_si256(bytes), _mm512_extracti64x4_epi64::<1>(bytes));
        for (half, special) in [(low, special as u32), (high, (special >> 32) as u32)] {
            push(out, &cast(escaped(half, special)), 32 + special.count_ones() as usize);
        }
        read += 64;
    }
    read
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,bmi2")]
fn escaped(bytes: __m256i, special: u32) -> __m512i {
    let pairs = _mm512_slli_epi16::<8>(_mm512_cvtepu8_epi16(bytes));
    let pairs = _mm512_or_si512(pairs, _mm512_set1_epi16(i16::from(b'\\')));
    let kept = _pdep_u64(u64::from(special), u64::MAX / 3) | !(u64::MAX / 3);
    _mm512_maskz_compress_epi8(kept, pairs)
}

/// Letters behind backslashes become what they mean, and the backslashes are left out.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
pub(super) fn unescape(text: &[u8], room: &mut [u8]) -> Done {
    let mut done = Done::default();
    while let Some(block) = text[done.read..].first_chunk::<64>()
        && let Some(room) = room[done.written..].first_chunk_mut::<64>()
    {
        let bytes: __m512i = cast(*block);
        let starts = starts(_mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(BACKSLASH)));
        let letters = starts << 1;
        let meaning = meaning(bytes);
        if letters & _mm512_testn_epi8_mask(meaning, meaning) != 0 {
            break;
        }
        let bytes = _mm512_mask_mov_epi8(bytes, letters, meaning);
        *room = cast(_mm512_maskz_compress_epi8(!starts, bytes));
        done.read += whole(starts);
        done.written += 64 - starts.count_ones() as usize;
    }
    done
}

/// Up to a quote, a control character or a backslash with something else behind it.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vbmi2,bmi1,bmi2,popcnt")]
pub(super) fn inside(text: &[u8]) -> usize {
    let mut read = 0;
    while let Some(block) = text[read..].first_chunk::<64>() {
        let bytes: __m512i = cast(*block);
        let starts = starts(_mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(BACKSLASH)));
        let letters = starts << 1;
        let meaning = meaning(bytes);
        let without = _mm512_testn_epi8_mask(meaning, meaning) | _mm512_movepi8_mask(bytes);
        let ends = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(QUOTE))
            | _mm512_cmplt_epu8_mask(bytes, _mm512_set1_epi8(0x20));
        let stops = ends & !letters | (letters & without) >> 1;
        if stops != 0 {
            return read + stops.trailing_zeros() as usize;
        }
        read += whole(starts);
    }
    read
}

/// Of backslashes those that begin an escape: the first, third … of each row.
#[inline]
fn starts(backslashes: u64) -> u64 {
    if backslashes & backslashes << 1 == 0 {
        return backslashes;
    }
    let (mut starts, mut left) = (0, backslashes);
    while left != 0 {
        let start = left & left.wrapping_neg();
        starts |= start;
        left &= !(start | start << 1);
    }
    starts
}

/// How many bytes of 64 are not cut within an escape.
#[inline]
const fn whole(starts: u64) -> usize {
    64 - (starts >> 63) as usize
}

/// What each byte means as the letter of an escape. Only the low seven bits are looked at.
#[inline]
#[target_feature(enable = "avx512f,avx512vbmi")]
fn meaning(bytes: __m512i) -> __m512i {
    _mm512_permutex2var_epi8(cast(MEANING[0]), bytes, cast(MEANING[1]))
}
