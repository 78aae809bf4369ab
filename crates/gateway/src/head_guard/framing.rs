//! The state machine: where messages begin and end in a client's bytes, and whether their heads are sound.
//!
//! RFC 9112 lets a recipient repair much that two recipients repair differently; that difference is request
//! smuggling. So nothing is repaired: `Content-Length` beside `Transfer-Encoding`, two lengths, folded lines, bare
//! LF or CR, blanks before the colon and names that are no tokens are refused (sections 2.2, 5.1, 5.2, 6.1, 6.3).

use http::Uri;
use lambridge_event::{is_token, is_value, letters_digits_and};

use crate::problem::Reason;

/// More fields than hyper takes are refused here, with a reason.
const FIELDS_MAX: usize = 100;
/// Blank lines before a request line; RFC 9112 section 2.2 asks for at least one.
const BLANKS_MAX: usize = 2;
/// `http::Uri` takes no more.
const TARGET_MAX: usize = 65_000;
/// Chunk sizes with their extensions, and trailers.
const CHUNK_LINE_MAX: usize = 4096;
const TRAILERS_MAX: usize = 16 << 10;
/// hyper takes no longer bodies, and would refuse one without a word.
const LENGTH_MAX: u64 = u64::MAX - 2;

/// Follows one direction of a connection.
#[derive(Debug)]
pub(crate) struct Framing {
    head_max: usize,
    state: State,
}

#[derive(Debug)]
enum State {
    Head(Head),
    Length(u64),
    Chunked(Chunked),
}

/// A head of which some lines are read. Offsets count from its first byte.
#[derive(Debug, Default)]
struct Head {
    line: usize,
    scanned: usize,
    blanks: usize,
    /// Where a sound request line ends.
    requested: Option<usize>,
    old: bool,
    fields: usize,
    length: Option<u64>,
    chunked: bool,
}

#[derive(Debug)]
enum Chunked {
    Size { size: u64, digits: usize, line: usize, extension: bool, cr: bool },
    Data(u64),
    DataEnd { cr: bool },
    Trailer { total: usize, fields: usize, part: TrailerPart, cr: bool },
}

/// Where in a trailer section's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TrailerPart {
    Start,
    Name,
    Value,
}

/// What a scan found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Scan {
    /// Bytes that may go on; the rest is the beginning of a head, to be shown again with what follows it.
    pub(crate) passed: usize,
    /// Heads that became complete.
    pub(crate) heads: u64,
    pub(crate) fault: Option<Fault>,
}

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// With a head, which has not been passed on.
    Head(Reason),
    /// With a chunked body, whose head has.
    Body,
}

enum Line {
    More,
    End,
}

impl Framing {
    pub(crate) fn new(head_max: usize) -> Self {
        Self { head_max, state: State::Head(Head::default()) }
    }

    /// Between messages, or in a head.
    pub(crate) fn is_in_head(&self) -> bool {
        matches!(self.state, State::Head(_))
    }

    /// The request line of the head that `bytes` begin with, its end included, as far as it was read and is sound.
    pub(crate) fn request_line<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let State::Head(Head { requested: Some(end), .. }) = &self.state else { return None };
        let line = bytes.get(..*end)?;
        let blanks = line.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        line.get(blanks..)
    }

    /// Reads on. In a head, `bytes` starts with the head's first byte.
    pub(crate) fn scan(&mut self, bytes: &[u8]) -> Scan {
        let mut scan = Scan { passed: 0, heads: 0, fault: None };
        while scan.passed < bytes.len() {
            let rest = &bytes[scan.passed..];
            match &mut self.state {
                State::Head(head) => match head.read(rest, self.head_max) {
                    Ok(None) => return scan,
                    Ok(Some(end)) => {
                        scan.passed += end;
                        scan.heads += 1;
                        self.state = head.body();
                    }
                    Err(reason) => {
                        scan.fault = Some(Fault::Head(reason));
                        return scan;
                    }
                },
                State::Length(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    scan.passed += taken;
                    *left -= taken as u64;
                    if *left == 0 {
                        self.state = State::Head(Head::default());
                    }
                }
                State::Chunked(chunked) => match chunked.read(rest) {
                    Ok((taken, ended)) => {
                        scan.passed += taken;
                        if ended {
                            self.state = State::Head(Head::default());
                        }
                    }
                    Err(()) => {
                        scan.fault = Some(Fault::Body);
                        return scan;
                    }
                },
            }
        }
        scan
    }
}

impl Head {
    /// The head's length once it is complete.
    fn read(&mut self, bytes: &[u8], max: usize) -> Result<Option<usize>, Reason> {
        while let Some(found) = memchr::memchr(b'\n', &bytes[self.scanned..]) {
            let end = self.scanned + found;
            if end >= max {
                return Err(Reason::HeadTooLarge);
            }
            let line = bytes[self.line..end].strip_suffix(b"\r").ok_or(Reason::BadRequest)?;
            self.line = end + 1;
            self.scanned = end + 1;
            if let Line::End = self.line(line)? {
                return Ok(Some(end + 1));
            }
        }
        self.scanned = bytes.len();
        if bytes.len() > max { Err(Reason::HeadTooLarge) } else { Ok(None) }
    }

    fn line(&mut self, line: &[u8]) -> Result<Line, Reason> {
        if self.requested.is_none() {
            if line.is_empty() {
                self.blanks += 1;
                return if self.blanks > BLANKS_MAX { Err(Reason::BadRequest) } else { Ok(Line::More) };
            }
            self.old = request_line(line)?;
            self.requested = Some(self.line);
            return Ok(Line::More);
        }
        if line.is_empty() {
            // RFC 9112 section 6.1: Transfer-Encoding in HTTP/1.0 is faulty framing.
            let both = self.chunked && (self.length.is_some() || self.old);
            return if both { Err(Reason::BadRequest) } else { Ok(Line::End) };
        }
        self.fields += 1;
        if self.fields > FIELDS_MAX {
            return Err(Reason::HeadTooLarge);
        }
        let (name, value) = field(line)?;
        match name.len() {
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                let length = decimal(value).ok_or(Reason::BadRequest)?;
                if self.length.replace(length).is_some() {
                    return Err(Reason::BadRequest);
                }
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                if self.chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Reason::BadRequest);
                }
                self.chunked = true;
            }
            _ => {}
        }
        Ok(Line::More)
    }

    /// What follows the head.
    fn body(&self) -> State {
        match self.length {
            _ if self.chunked => State::Chunked(Chunked::size()),
            Some(length) if length > 0 => State::Length(length),
            _ => State::Head(Self::default()),
        }
    }
}

/// Whether the version is 1.0.
fn request_line(line: &[u8]) -> Result<bool, Reason> {
    let mut parts = line.splitn(3, |&b| b == b' ');
    let (Some(method), Some(target), Some(version)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Reason::BadRequest);
    };
    // A 2xx to CONNECT ends HTTP on the connection (RFC 9110 section 9.3.6), and a function's answer may be one.
    if method.len() > 32 || !is_token(method) || method == b"CONNECT" {
        return Err(Reason::BadRequest);
    }
    if target.len() > TARGET_MAX {
        return Err(Reason::HeadTooLarge);
    }
    let plain = target.first() == Some(&b'/') && target.iter().all(|&b| PLAIN[usize::from(b)]);
    // The rarer forms and characters: what hyper will do, it does here first. A fragment is the client's own affair (RFC
    // 9110 section 4.2.5); hyper drops it, so that who stands before us may have seen another path.
    let sound = plain
        || (target.iter().all(|&b| b > b' ' && b != 0x7f && b != b'#') && Uri::try_from(target).is_ok());
    match version {
        b"HTTP/1.1" if sound => Ok(false),
        b"HTTP/1.0" if sound => Ok(true),
        _ => Err(Reason::BadRequest),
    }
}

/// Name and trimmed value of a field line.
fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Reason> {
    let colon = memchr::memchr(b':', line).ok_or(Reason::BadRequest)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    // A folded line starts with a blank, and a blank is no token character; so is one before the colon.
    if !is_value(value) || !is_token(name) {
        return Err(Reason::BadRequest);
    }
    Ok((name, value.trim_ascii()))
}

/// The usual characters of a target.
static PLAIN: [bool; 256] = letters_digits_and(b"/-._~?&=%+,:;@!$'()*");

/// Digits only: no sign, no list, no overflow, no length that is none.
fn decimal(text: &[u8]) -> Option<u64> {
    if !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok().filter(|length| *length <= LENGTH_MAX)
}

impl Chunked {
    const fn size() -> Self {
        Self::Size { size: 0, digits: 0, line: 0, extension: false, cr: false }
    }

    /// Bytes taken, and whether the body ended with them. `Err` for what is no chunked body.
    fn read(&mut self, bytes: &[u8]) -> Result<(usize, bool), ()> {
        for (at, &byte) in bytes.iter().enumerate() {
            let next = match self {
                Self::Data(left) => {
                    let taken = usize::try_from(*left).unwrap_or(usize::MAX).min(bytes.len() - at);
                    *left -= taken as u64;
                    if *left == 0 {
                        *self = Self::DataEnd { cr: false };
                    }
                    return Ok((at + taken, false));
                }
                Self::DataEnd { cr } => match (byte, *cr) {
                    (b'\r', false) => Self::DataEnd { cr: true },
                    (b'\n', true) => Self::size(),
                    _ => return Err(()),
                },
                Self::Size { size, digits, line, extension, cr } => {
                    *line += 1;
                    match byte {
                        b'\n' if *cr && *digits > 0 => match *size {
                            0 => Self::Trailer { total: 0, fields: 0, part: TrailerPart::Start, cr: false },
                            size => Self::Data(size),
                        },
                        b'\r' if !*cr => {
                            *cr = true;
                            continue;
                        }
                        b';' if !*cr && *digits > 0 => {
                            *extension = true;
                            continue;
                        }
                        _ if *cr || *line > CHUNK_LINE_MAX => return Err(()),
                        _ if *extension && (byte >= b' ' || byte == b'\t') => continue,
                        _ => {
                            let digit = char::from(byte).to_digit(16).ok_or(())?;
                            *digits += 1;
                            if *digits > 15 || *extension {
                                return Err(());
                            }
                            *size = *size * 16 + u64::from(digit);
                            continue;
                        }
                    }
                }
                Self::Trailer { total, fields, part, cr } => {
                    *total += 1;
                    if *total > TRAILERS_MAX {
                        return Err(());
                    }
                    // The rules of a head's fields: a line that is none could be taken for another message's.
                    match (byte, *cr, *part) {
                        (b'\n', true, TrailerPart::Start) => return Ok((at + 1, true)),
                        (b'\n', true, TrailerPart::Value) => (*part, *cr) = (TrailerPart::Start, false),
                        (_, true, _) => return Err(()),
                        (b'\r', false, TrailerPart::Start | TrailerPart::Value) => *cr = true,
                        (b':', false, TrailerPart::Name) => *part = TrailerPart::Value,
                        (_, false, TrailerPart::Value) if byte == b'\t' || (byte >= b' ' && byte != 0x7f) => {
                        }
                        (_, false, TrailerPart::Start) if is_token(&[byte]) => {
                            *fields += 1;
                            *part = TrailerPart::Name;
                            if *fields > FIELDS_MAX {
                                return Err(());
                            }
                        }
                        (_, false, TrailerPart::Name) if is_token(&[byte]) => {}
                        _ => return Err(()),
                    }
                    continue;
                }
            };
            *self = next;
        }
        Ok((bytes.len(), false))
    }
}

#[cfg(test)]
mod tests {
    use super::{Fault, Framing};
    use crate::problem::Reason;

    /// Feeds `input` cut at `cuts`, as the guard does; the bytes that passed, the heads, the fault.
    fn feed(input: &[u8], cuts: &[usize]) -> (Vec<u8>, u64, Option<Fault>) {
        let mut framing = Framing::new(200);
        let (mut passed, mut heads, mut held) = (Vec::new(), 0, Vec::new());
        let mut start = 0;
        for &end in cuts.iter().chain([&input.len()]) {
            held.extend_from_slice(&input[start..end]);
            start = end;
            let scan = framing.scan(&held);
            passed.extend(held.drain(..scan.passed));
            heads += scan.heads;
            if scan.fault.is_some() {
                return (passed, heads, scan.fault);
            }
        }
        (passed, heads, None)
    }

    fn check(input: &str, heads: u64, fault: Option<Fault>) {
        let input = input.as_bytes();
        let whole = feed(input, &[]);
        assert_eq!((whole.1, whole.2), (heads, fault), "{}", String::from_utf8_lossy(input));
        for cut in 0..input.len() {
            let (passed, found, wrong) = feed(input, &[cut]);
            assert_eq!((found, wrong), (heads, fault), "cut at {cut}");
            if fault.is_none() {
                assert_eq!(passed, whole.0, "cut at {cut}");
            }
        }
        let each: Vec<usize> = (0..input.len()).collect();
        let (_, found, wrong) = feed(input, &each);
        assert_eq!((found, wrong), (heads, fault), "byte by byte");
    }

    fn bad(input: &str) {
        check(input, 0, Some(Fault::Head(Reason::BadRequest)));
    }

    #[test]
    fn sound_messages() {
        check("GET / HTTP/1.1\r\nhost: a\r\n\r\n", 1, None);
        check("\r\nGET / HTTP/1.0\r\n\r\n", 1, None);
        check("GET http://a/b?c HTTP/1.1\r\nx:\r\ny: \t z \r\n\r\n", 1, None);
        check("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", 1, None);
        check("POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabcGET / HTTP/1.1\r\n\r\n", 2, None);
        check("POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\n\r\n", 2, None);
        let chunked = "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n3;a=\"b\"\r\nabc\r\nA\r\n0123456789\r\n0\r\n";
        check(&format!("{chunked}\r\nGET / HTTP/1.1\r\n\r\n"), 2, None);
        check(&format!("{chunked}x-t: 1\r\n\r\nGET / HTTP/1.1\r\n\r\n"), 2, None);
    }

    #[test]
    fn unsound_heads() {
        bad("POST / HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n");
        bad("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n");
        bad("POST / HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n");
        bad("POST / HTTP/1.1\r\ncontent-length: 3\r\ncontent-length: 3\r\n\r\n");
        bad("POST / HTTP/1.1\r\ncontent-length: 3, 3\r\n\r\n");
        bad("POST / HTTP/1.1\r\ncontent-length: +3\r\n\r\n");
        bad("POST / HTTP/1.1\r\ncontent-length:\r\n\r\n");
        bad("POST / HTTP/1.1\r\ncontent-length: 18446744073709551614\r\n\r\n");
        bad("POST / HTTP/1.1\r\ncontent-length: 99999999999999999999\r\n\r\n");
        bad("POST / HTTP/1.1\r\ntransfer-encoding: gzip, chunked\r\n\r\n");
        bad("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n");
        bad("POST / HTTP/1.1\r\ntransfer-encoding: xchunked\r\n\r\n");
        bad("POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n");
        bad("GET / HTTP/1.1\r\nx: a\r\n b\r\n\r\n");
        bad("GET / HTTP/1.1\r\n x: a\r\n\r\n");
        bad("GET / HTTP/1.1\nhost: a\n\n");
        bad("GET / HTTP/1.1\r\nhost: a\nx: b\r\n\r\n");
        bad("GET / HTTP/1.1\r\nx: a\rb\r\n\r\n");
        bad("GET / HTTP/1.1\r\nx : a\r\n\r\n");
        bad("GET / HTTP/1.1\r\nx y: a\r\n\r\n");
        bad("GET / HTTP/1.1\r\n: a\r\n\r\n");
        bad("GET / HTTP/1.1\r\nx\r\n\r\n");
        bad("GET / HTTP/1.1\r\nx: \0\r\n\r\n");
        bad("GET / HTTP/2.0\r\n\r\n");
        bad("GET /a#b HTTP/1.1\r\n\r\n");
        bad("GET /\r\n\r\n");
        bad("CONNECT a:80 HTTP/1.1\r\nhost: a:80\r\n\r\n");
        bad("GET  / HTTP/1.1\r\n\r\n");
        bad("GET / HTTP/1.1 \r\n\r\n");
        bad("G(T / HTTP/1.1\r\n\r\n");
        bad("\r\n\r\n\r\nGET / HTTP/1.1\r\n\r\n");
    }

    #[test]
    fn a_smuggled_second_head_is_seen() {
        let first = "POST / HTTP/1.1\r\ncontent-length: 3\r\n\r\nabc";
        check(&format!("{first}GET / HTTP/1.1\r\nx : a\r\n\r\n"), 1, Some(Fault::Head(Reason::BadRequest)));
    }

    #[test]
    fn bounds() {
        let long = format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "a".repeat(200));
        check(&long, 0, Some(Fault::Head(Reason::HeadTooLarge)));
        check(&"a".repeat(201), 0, Some(Fault::Head(Reason::HeadTooLarge)));
        let mut framing = Framing::new(1 << 20);
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a:b\r\n".repeat(101));
        assert_eq!(framing.scan(many.as_bytes()).fault, Some(Fault::Head(Reason::HeadTooLarge)));
    }

    #[test]
    fn the_request_line_of_a_refused_head_is_known() {
        for (input, expect) in [
            ("GET /a HTTP/1.1\r\nx : a\r\n\r\n", Some("GET /a HTTP/1.1\r\n")),
            ("\r\nPUT /b HTTP/1.0\r\nx", Some("PUT /b HTTP/1.0\r\n")),
            ("GET /a HTTP/3.0\r\nx: a\r\n", None),
            ("GET /a HTTP/1.1", None),
            ("", None),
        ] {
            let mut framing = Framing::new(200);
            framing.scan(input.as_bytes());
            assert_eq!(framing.request_line(input.as_bytes()), expect.map(str::as_bytes), "{input:?}");
        }
    }

    #[test]
    fn unsound_chunks() {
        for body in [
            "x\r\n",
            "3\nabc\r\n",
            "3\r\nabcd\r\n",
            "\r\n",
            "10000000000000000\r\n",
            "3 \r\n",
            "0\r\na\nb\r\n",
            "0\r\na\r\n",
            "0\r\na: 1\r\n b\r\n",
            "0\r\na : 1\r\n",
            "0\r\n: 1\r\n",
            "0\r\na: \x7f\r\n",
            "0\r\n\n",
            "1\r\na\n",
        ] {
            let input = format!("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n{body}");
            check(&input, 1, Some(Fault::Body));
        }
    }
}
