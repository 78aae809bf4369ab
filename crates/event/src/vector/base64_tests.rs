//! The loops against the library's. Where the processor lacks the instructions there is nothing to see.

use proptest::prelude::*;

use super::*;

/// All whole blocks are read, and right.
fn whole_blocks(bytes: &[u8]) {
    let text = base64_simd::STANDARD.encode_to_string(bytes).into_bytes();
    let mut out = b"before".to_vec();
    let read = decode(&text, &mut out);
    assert_eq!(&out[6..], &bytes[..read / 4 * 3]);
    assert_eq!((read % 64, check(&text)), (0, read));
    assert!(!is_fast() || read + 64 >= text.len(), "{read} of {}", text.len());
}

fn is_fast() -> bool {
    check(&[b'A'; 64]) > 0
}

#[test]
fn every_byte_is_read_as_the_library_reads_it() {
    for at in 0..128 {
        for byte in 0..=u8::MAX {
            let mut text = [b'Q'; 192];
            text[at] = byte;
            let valid = base64_simd::STANDARD.check(&text).is_ok();
            let expect = if valid { 192 } else { at / 64 * 64 };
            let read = decode(&text, &mut Vec::new());
            assert_eq!(read, if is_fast() { expect } else { 0 }, "{byte} at {at}");
            assert_eq!(check(&text), read, "{byte} at {at}");
        }
    }
}

#[test]
fn every_length() {
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(400).collect();
    (0..bytes.len()).for_each(|length| whole_blocks(&bytes[..length]));
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        whole_blocks(&bytes);
    }
}
