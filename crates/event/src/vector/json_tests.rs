//! The loops against a byte at a time. Where the processor lacks the instructions, that each comes nowhere is all there is to see.

use proptest::prelude::*;

use super::*;

/// As the loops must, a byte at a time, and as far as they may come at most.
fn slowly(text: &[u8], escaping: bool) -> Vec<(usize, Vec<u8>)> {
    let letters = |byte: u8| match byte {
        b'"' | b'\\' => Some(byte),
        0x08 => Some(b'b'),
        b'\t' => Some(b't'),
        b'\n' => Some(b'n'),
        0x0c => Some(b'f'),
        b'\r' => Some(b'r'),
        _ => None,
    };
    let meaning = |letter: u8| match letter {
        b'/' => Some(b'/'),
        _ => (0..=u8::MAX).find(|&byte| letters(byte) == Some(letter)),
    };
    // Each place where a loop may stop, and what is written by then.
    let (mut at, mut out) = (0, Vec::new());
    let mut places = vec![(0, Vec::new())];
    while let Some(&byte) = text.get(at) {
        match (escaping, letters(byte)) {
            (true, Some(letter)) => out.extend([b'\\', letter]),
            (true, None) if byte < 0x20 => break,
            (false, _) if byte == b'\\' => {
                let Some(byte) = text.get(at + 1).copied().and_then(meaning) else { break };
                out.push(byte);
                at += 1;
            }
            (false, _) if byte == b'"' || byte < 0x20 => break,
            _ => out.push(byte),
        }
        at += 1;
        places.push((at, out.clone()));
    }
    places
}

#[track_caller]
fn check(text: &[u8]) {
    let seen = |read: usize, written: Option<&[u8]>, places: &[(usize, Vec<u8>)], what: &str| {
        let place = places.iter().find(|(at, _)| *at == read);
        let (_, expect) = place.unwrap_or_else(|| panic!("{what} stops within {text:?} at {read}"));
        assert!(written.is_none_or(|written| written == expect), "{what} {text:?}: {written:?}");
        let last = places.last().map_or(0, |(at, _)| *at);
        assert!(!is_fast() || read + 64 >= last, "{what} {text:?} stops at {read}");
    };
    let mut out = b"before".to_vec();
    let read = escape(text, &mut out);
    seen(read, Some(&out[6..]), &slowly(text, true), "escape");
    let resolved = slowly(text, false);
    seen(inside(text), None, &resolved, "inside");
    // Only what has been checked is resolved.
    let checked = &text[..resolved.last().map_or(0, |(at, _)| *at)];
    let mut room = vec![0xee; text.len() + 64];
    let done = unescape(checked, &mut room);
    seen(done.read, Some(&room[..done.written]), &resolved, "unescape");
}

fn is_fast() -> bool {
    inside(&[b'x'; 64]) == 64
}

#[test]
fn every_byte_at_every_place() {
    for at in 0..70 {
        for byte in 0..=u8::MAX {
            let mut text = [b'x'; 140];
            text[at] = byte;
            check(&text);
            text[at] = b'\\';
            text[at + 1] = byte;
            check(&text);
        }
    }
}

#[test]
fn rows_of_backslashes_over_the_end_of_a_block() {
    for from in 50..66 {
        for length in 0..70 {
            for behind in *b"nu\"x\\" {
                let mut text = vec![b'x'; from];
                text.extend(std::iter::repeat_n(b'\\', length));
                text.push(behind);
                text.extend([b'y'; 80]);
                check(&text);
            }
        }
    }
}

#[test]
fn a_room_that_is_too_small() {
    let mut room = [0; 100];
    let done = unescape(&[b'x'; 500], &mut room);
    assert!(done.written <= 100 && done.written == done.read, "{done:?}");
    for room in 0..64 {
        assert_eq!(unescape(&[b'x'; 64], &mut vec![0; room]), Done::default());
    }
}

proptest! {
    #[test]
    fn any_mixture(text in proptest::collection::vec(prop_oneof![
        6 => b'a'..=b'z',
        2 => Just(b'\\'),
        1 => Just(b'"'),
        1 => proptest::sample::select(b"/bfnrtu\n\t\r".as_slice()),
        1 => any::<u8>(),
    ], 0..400)) {
        check(&text);
    }
}
