//! Frames both ways, against AWS's own codec and at every split.

use aws_smithy_types::event_stream::{Header, HeaderValue, Message};
use proptest::prelude::*;

use super::*;
use crate::invoke::ErrorShape;

fn smithy_value(value: &Value) -> HeaderValue {
    match value {
        Value::Bool(flag) => HeaderValue::Bool(*flag),
        Value::Byte(number) => HeaderValue::Byte(*number),
        Value::Int16(number) => HeaderValue::Int16(*number),
        Value::Int32(number) => HeaderValue::Int32(*number),
        Value::Int64(number) => HeaderValue::Int64(*number),
        Value::Bytes(bytes) => HeaderValue::ByteArray(bytes.clone().into()),
        Value::String(text) => HeaderValue::String(text.clone().into()),
        Value::Timestamp(millis) => HeaderValue::Timestamp(aws_smithy_types::DateTime::from_millis(*millis)),
        Value::Uuid(bytes) => HeaderValue::Uuid(u128::from_be_bytes(*bytes)),
    }
}

/// What AWS's encoder makes of `frame`.
fn oracle(frame: &Frame) -> Vec<u8> {
    let mut message = Message::new(frame.payload.clone());
    for (name, value) in &frame.headers {
        message = message.add_header(Header::new(name.clone(), smithy_value(value)));
    }
    let mut bytes = Vec::new();
    aws_smithy_eventstream::frame::write_message_to(&message, &mut bytes).unwrap();
    bytes
}

fn decode_in_chunks(bytes: &[u8], size: usize) -> Result<Vec<Frame>, FrameError> {
    let mut decoder = Decoder::new();
    let mut frames = Vec::new();
    for chunk in bytes.chunks(size.max(1)) {
        decoder.push(chunk);
        while let Some(frame) = decoder.next_frame()? {
            frames.push(frame);
        }
    }
    decoder.finish().map(|()| frames)
}

fn encoded(frame: &Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode(frame, &mut bytes).unwrap();
    bytes
}

fn sample() -> Frame {
    let headers = vec![
        ("yes".to_owned(), Value::Bool(true)),
        ("no".to_owned(), Value::Bool(false)),
        ("a".to_owned(), Value::Byte(-1)),
        ("b".to_owned(), Value::Int16(-300)),
        ("c".to_owned(), Value::Int32(70_000)),
        ("d".to_owned(), Value::Int64(i64::MIN)),
        ("e".to_owned(), Value::Bytes(vec![0, 255])),
        (":f".to_owned(), Value::String("ä".to_owned())),
        ("g".to_owned(), Value::Timestamp(1_700_000_000_123)),
        ("h".to_owned(), Value::Uuid([7; 16])),
    ];
    Frame { headers, payload: b"payload".to_vec() }
}

#[test]
fn all_value_types_at_every_split() {
    let frame = sample();
    let bytes = encoded(&frame);
    assert_eq!(bytes, oracle(&frame));
    let twice = [bytes.clone(), bytes].concat();
    for size in 1..=twice.len() {
        assert_eq!(
            decode_in_chunks(&twice, size),
            Ok(vec![frame.clone(), frame.clone()]),
            "in chunks of {size}"
        );
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let bytes = encoded(&sample());
    for bit in 0..bytes.len() * 8 {
        let mut broken = bytes.clone();
        broken[bit / 8] ^= 1 << (bit % 8);
        assert!(decode_in_chunks(&broken, 5).is_err(), "bit {bit}");
    }
}

#[track_caller]
fn check_lengths(total: u32, headers: u32, expect: FrameError) {
    let mut bytes = [total.to_be_bytes(), headers.to_be_bytes()].concat();
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    let mut decoder = Decoder::new();
    decoder.push(&bytes);
    assert_eq!(decoder.next_frame(), Err(expect), "the lengths are checked before anything is waited for");
    decoder.push(&bytes);
    assert_eq!(decoder.next_frame(), Err(expect), "it stays failed");
    assert_eq!(decoder.finish(), Err(expect));
}

#[test]
fn lengths_are_bounded() {
    for (total, headers) in
        [(0, 0), (15, 0), (16, 1), (20, 5), (u32::MAX, 0), (u32::MAX, u32::MAX), (200_000, 140_000)]
    {
        let (large, small) = (total as usize, headers as usize);
        check_lengths(total, headers, FrameError::Length { total: large, headers: small });
    }
}

#[track_caller]
fn check_header_block(block: &[u8]) {
    let mut bytes = Vec::new();
    encode::write(block, b"", &mut bytes).unwrap();
    assert_eq!(decode_in_chunks(&bytes, bytes.len()), Err(FrameError::Header), "{block:?}");
}

#[test]
fn malformed_headers() {
    check_header_block(&[0, 0]); // no name
    check_header_block(&[1, b'a']); // no type
    check_header_block(&[1, b'a', 10]); // unknown type
    check_header_block(&[9, b'a', 0]); // name beyond the block
    check_header_block(&[1, b'a', 7, 0]); // half a length
    check_header_block(&[1, b'a', 7, 0, 5, b'x']); // value beyond the block
    check_header_block(&[1, b'a', 7, 0xff, 0xff]); // value too long
    check_header_block(&[1, b'a', 7, 0, 1, 0xff]); // not UTF-8
    check_header_block(&[1, b'a', 4, 0]); // half a number
}

#[test]
fn a_cut_is_told_from_an_end() {
    let bytes = encoded(&sample());
    assert_eq!(decode_in_chunks(&[], 1), Ok(vec![]));
    for end in 1..bytes.len() {
        assert_eq!(decode_in_chunks(&bytes[..end], 7), Err(FrameError::Truncated { held: end }));
    }
}

#[test]
fn too_large_is_not_written() {
    let long =
        Frame { headers: vec![("a".to_owned(), Value::String("x".repeat(VALUE_MAX + 1)))], payload: vec![] };
    let nameless = Frame { headers: vec![(String::new(), Value::Bool(true))], payload: vec![] };
    let heavy = Frame { headers: vec![], payload: vec![0; PAYLOAD_MAX + 1] };
    let mut out = b"kept".to_vec();
    for frame in [long, nameless, heavy] {
        assert!(encode(&frame, &mut out).is_err());
        assert_eq!(out, b"kept");
    }
}

fn item(bytes: &[u8]) -> StreamItem {
    decode_item(decode_in_chunks(bytes, 3).unwrap().remove(0))
}

#[test]
fn items() {
    let mut out = Vec::new();
    encode_payload(b"hi", &mut out).unwrap();
    assert_eq!(item(&out), StreamItem::Payload(b"hi".to_vec()));

    for complete in [
        InvokeComplete::default(),
        InvokeComplete {
            error_code: Some("Runtime.ExitError".into()),
            error_details: Some("{}".into()),
            log_result: Some("bG9n".into()),
        },
    ] {
        let mut out = Vec::new();
        encode_complete(&complete, &mut out).unwrap();
        assert_eq!(item(&out), StreamItem::Complete(complete));
    }

    let mut out = Vec::new();
    encode_exception(ErrorShape::named("ServiceException").unwrap(), "sorry", &mut out).unwrap();
    assert_eq!(item(&out), StreamItem::Failed { kind: "ServiceException".into(), message: "sorry".into() });

    let headers = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), Value::String((*v).to_owned()))).collect()
    };
    let error = Frame {
        headers: headers(&[(":message-type", "error"), (":error-code", "500"), (":error-message", "m")]),
        payload: vec![],
    };
    assert_eq!(decode_item(error), StreamItem::Failed { kind: "500".into(), message: "m".into() });
    let unknown = Frame { headers: headers(&[(":event-type", "New")]), payload: vec![] };
    assert_eq!(decode_item(unknown), StreamItem::Unknown("New".into()));
    let broken = Frame { headers: headers(&[(":event-type", "InvokeComplete")]), payload: b"{".to_vec() };
    assert!(matches!(decode_item(broken), StreamItem::Failed { .. }));
    let bare = Frame { headers: headers(&[(":event-type", "InvokeComplete")]), payload: vec![] };
    assert_eq!(decode_item(bare), StreamItem::Complete(InvokeComplete::default()));
}

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i8>().prop_map(Value::Byte),
        any::<i16>().prop_map(Value::Int16),
        any::<i32>().prop_map(Value::Int32),
        any::<i64>().prop_map(Value::Int64),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        ".{0,20}".prop_map(Value::String),
        (0i64..4_000_000_000_000).prop_map(Value::Timestamp),
        any::<[u8; 16]>().prop_map(Value::Uuid),
    ]
}

fn any_frame() -> impl Strategy<Value = Frame> {
    let headers = proptest::collection::vec(("[a-z:-]{1,20}", any_value()), 0..6);
    (headers, proptest::collection::vec(any::<u8>(), 0..200))
        .prop_map(|(headers, payload)| Frame { headers, payload })
}

proptest! {
    #[test]
    fn as_smithy_writes(frame in any_frame()) {
        prop_assert_eq!(encoded(&frame), oracle(&frame));
    }
    #[test]
    fn frames_at_any_split(frames in proptest::collection::vec(any_frame(), 0..4), size in 1usize..64) {
        let bytes: Vec<u8> = frames.iter().flat_map(encoded).collect();
        prop_assert_eq!(decode_in_chunks(&bytes, size), Ok(frames));
    }
    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 1usize..64) {
        let _ = decode_in_chunks(&bytes, size);
    }
}
