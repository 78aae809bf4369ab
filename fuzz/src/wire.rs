//! Protocols whose bytes come in pieces: whatever the pieces, the reading is the same.

use std::sync::LazyLock;

use lambridge_wire::eventstream::{Decoder, Frame, FrameError, decode_item, encode};
use lambridge_wire::http1::{self, Asked, Body, Front, front};
use lambridge_wire::invoke::{invoke_path, parse_path};
use lambridge_wire::name::FunctionName;
use lambridge_wire::prelude::{Reason, Scanner, Step};
use lambridge_wire::report::Report;
use regex::Regex;

/// Frames, from bytes as they are or, so that checksums do not hide all that is behind them, from made-up ones.
///
/// The first byte says which, and how large the pieces are.
pub fn eventstream(bytes: &[u8]) {
    let Some((&first, rest)) = bytes.split_first() else { return };
    let stream = if first & 1 == 0 { rest.to_vec() } else { framed(rest) };
    let (frames, end) = frames(&stream, stream.len().max(1));
    assert_eq!(self::frames(&stream, usize::from(first >> 1) + 1), (frames.clone(), end));
    let mut again = Vec::new();
    for frame in frames {
        encode(&frame, &mut again).expect("what was read can be written");
        decode_item(frame);
    }
    assert!(stream.starts_with(&again), "written as it was read");
}

/// All frames of `stream`, pushed in pieces, and how it ends.
fn frames(stream: &[u8], size: usize) -> (Vec<Frame>, Option<FrameError>) {
    let (mut decoder, mut found) = (Decoder::new(), Vec::new());
    for piece in stream.chunks(size) {
        decoder.push(piece);
        loop {
            match decoder.next_frame() {
                Ok(Some(frame)) => found.push(frame),
                Ok(None) => break,
                Err(error) => return (found, Some(error)),
            }
        }
    }
    (found, decoder.finish().err())
}

/// Frames with right lengths and checksums around arbitrary headers and payloads.
fn framed(mut rest: &[u8]) -> Vec<u8> {
    let mut stream = Vec::new();
    while let [headers, payload, tail @ ..] = rest {
        let (headers, payload) = (usize::from(*headers), usize::from(*payload));
        let Some((content, tail)) = tail.split_at_checked(headers + payload) else { break };
        let start = stream.len();
        for length in [headers + payload + 16, headers] {
            stream.extend_from_slice(&u32::try_from(length).expect("two bytes' worth").to_be_bytes());
        }
        stream.extend_from_slice(&crc32fast::hash(&stream[start..]).to_be_bytes());
        stream.extend_from_slice(content);
        stream.extend_from_slice(&crc32fast::hash(&stream[start..]).to_be_bytes());
        rest = tail;
    }
    stream.extend_from_slice(rest);
    stream
}

/// An HTTP/1.1 answer. The first byte says whether it is one to HEAD, and the size of the pieces.
pub fn answer(bytes: &[u8]) {
    let Some((&first, stream)) = bytes.split_first() else { return };
    let asked = if first & 1 == 0 { Asked::Body } else { Asked::HeadOnly };
    let whole = read_answer(stream, stream.len().max(1), asked);
    assert_eq!(read_answer(stream, usize::from(first >> 1) + 1, asked), whole);
    if let Some(Ok((_, body))) = whole {
        assert!(body.len() <= stream.len() && (asked == Asked::Body || body.is_empty()));
    }
}

/// Status and body, or that it is none; nothing while it goes on.
fn read_answer(stream: &[u8], size: usize, asked: Asked) -> Option<Result<(u16, Vec<u8>), ()>> {
    let (mut at, mut there, mut data) = (0, 0, Vec::new());
    let mut head = None::<(u16, Body)>;
    loop {
        let unread = &stream[at..there];
        let used = match &mut head {
            None => match front::<64>(unread, asked, |_, _, _| ()) {
                Ok(Front::Final { length, status, body, .. }) => {
                    head = Some((status, body));
                    Some(length)
                }
                Ok(Front::Interim(length)) => Some(length),
                Ok(Front::More) => None,
                Err(_) => return Some(Err(())),
            },
            Some((status, body)) => match body.step(unread) {
                Ok(http1::Step::Data(length)) => {
                    data.extend_from_slice(&unread[..length]);
                    Some(length)
                }
                Ok(http1::Step::Frame(length)) => Some(length),
                Ok(http1::Step::End) => return Some(Ok((*status, data))),
                Ok(http1::Step::More) => None,
                Err(_) => return Some(Err(())),
            },
        };
        match used {
            Some(used) => at += used,
            None if there == stream.len() => return None,
            None => there = (there + size).min(stream.len()),
        }
    }
}

/// A log's report, and the same behind whatever a function has written.
pub fn report(bytes: &[u8]) {
    let alone = Report::parse(bytes);
    let line = b"\nREPORT RequestId: r\tDuration: 1.50 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\t\n";
    let after = Report::parse(&[bytes, line].concat()).expect("the last line is a report");
    assert_eq!((after.duration_us, after.billed_mb_ms()), (1_500, 256));
    if let Some(report) = alone {
        assert_eq!(
            Report::parse(&[b"{}\n", bytes].concat()),
            Some(report),
            "what stands before it changes nothing"
        );
    }
}

/// A streamed answer's head and body. The first two bytes are the limit and the size of the pieces.
pub fn prelude(bytes: &[u8]) {
    let [limit, size, stream @ ..] = bytes else { return };
    let (limit, size) = (usize::from(*limit), usize::from(*size) + 1);
    let whole = scan(stream, stream.len().max(1), limit);
    assert_eq!(scan(stream, size, limit), whole);
    if let Some(Ok((head, body))) = whole {
        assert!(head.len() <= limit && !head.contains(&0));
        assert_eq!([&head[..], &[0; 8], body].concat(), stream, "nothing is lost");
    }
}

/// Head and body, or why not; nothing while the head goes on.
fn scan(stream: &[u8], size: usize, limit: usize) -> Option<Result<(Vec<u8>, &[u8]), Reason>> {
    let mut scanner = Scanner::new(limit);
    let mut at = 0;
    for piece in stream.chunks(size) {
        let end = at + piece.len();
        match scanner.push(piece) {
            Step::More => at = end,
            Step::Done { head, used } => return Some(Ok((head, &stream[at + used..]))),
            Step::NotPrelude { reason, seen } => {
                assert_eq!(seen, &stream[..end], "nothing is lost");
                return Some(Err(reason));
            }
        }
    }
    assert_eq!(scanner.finish(), stream, "nothing is lost");
    None
}

/// The pattern of `FunctionName` in the service model of Lambda 2015-03-31, with the lengths of the API reference.
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"\A(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-[0-9]{1}:)?([0-9]{12}:)?",
        r"(function:)?(?<name>[a-zA-Z0-9-_\.]+)(:(?<qualifier>\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?\z"
    ))
    .expect("the pattern is a pattern")
});

/// A function name is read as the service model's pattern reads it, comes back as it was, and survives a path.
pub fn function_name(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let parsed = text.parse::<FunctionName>();
    let expect = NAME.captures(text).filter(|found| {
        let length = |part: &str| found.name(part).map_or(0, |part| part.len());
        text.len() <= 256 && length("name") <= 64 && length("qualifier") <= 128
    });
    let parts = expect
        .map(|found| (found["name"].to_owned(), found.name("qualifier").map(|q| q.as_str().to_owned())));
    let own = parsed.as_ref().ok().map(|name| (name.name().to_owned(), name.qualifier().map(str::to_owned)));
    assert_eq!(own, parts, "{text:?}");
    if let Ok(name) = parsed {
        assert_eq!(name.to_string(), text);
        let arn = name.arn("eu-west-1", "123456789012");
        match arn.parse::<FunctionName>() {
            Ok(arn) => assert_eq!((arn.name(), arn.qualifier()), (name.name(), name.qualifier())),
            Err(_) => assert!(arn.len() > 256, "only the parts that were missing make it too long"),
        }
        let path = invoke_path(text, Some("live"));
        let read = parse_path(&path).expect("what is written is read");
        assert_eq!((read.name.as_str(), read.qualifier.as_deref()), (text, Some("live")));
    }
    // Any request target at all.
    if let Some(path) = parse_path(text) {
        assert!(!path.name.is_empty());
    }
}
