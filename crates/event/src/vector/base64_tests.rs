//! The loops against the library's. Where the processor lacks the instructions there is nothing to see.

use proptest::prelude::*;

use super::*;

/// All whole blocks are read, and right.
fn whole_blocks(bytes: &[u8]) {
    let text = base64_simd::STANDARD.encode_to_string(bytes).into_bytes();
    let mut room = vec![0xee; text.len() + 64];
    let fast = check(&[b'A'; 64]).read > 0;
    let done = decode(&text, &mut room);
    assert_eq!(&room[..done.written], &bytes[..done.written]);
    assert_eq!((done.written * 4, done.read % 64), (done.read * 3, 0));
    assert_eq!(check(&text).read, done.read);
    assert!(!fast || done.read + 64 >= text.len(), "{done:?} of {}", text.len());
}

#[test]
fn every_byte_is_read_as_the_library_reads_it() {
    for at in 0..128 {
        for byte in 0..=u8::MAX {
            let mut text = [b'Q'; 192];
            text[at] = byte;
            let valid = base64_simd::STANDARD.check(&text).is_ok();
            let done = decode(&text, &mut [0; 300]);
            let fast = check(&[b'A'; 64]).read > 0;
            let expect = if valid { 192 } else { at / 64 * 64 };
            assert_eq!(done.read, if fast { expect } else { 0 }, "{byte} at {at}");
            assert_eq!(check(&text).read, done.read, "{byte} at {at}");
        }
    }
}

#[test]
fn every_length() {
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(400).collect();
    (0..bytes.len()).for_each(|length| whole_blocks(&bytes[..length]));
}

#[test]
fn a_room_that_is_too_small() {
    for size in 0..64 {
        assert_eq!(decode(&[b'A'; 300], &mut vec![0; size]), Done::default());
    }
}

#[test]
fn appended_in_steps() {
    let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(30_000).collect();
    let text = base64_simd::STANDARD.encode_to_string(&bytes).into_bytes();
    for length in [0, 63, 64, 130, 10_000, 10_922, 10_923, 40_000] {
        let mut out = b"before".to_vec();
        let read = append(&mut out, &text[..length], decode);
        assert_eq!(&out[6..], &bytes[..read / 4 * 3]);
        assert!(read == 0 || read + 64 > length, "{read} of {length}");
    }
}

proptest! {
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        whole_blocks(&bytes);
    }
}
