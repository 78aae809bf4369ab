//! Where an answer's body ends. Pure: bytes in a buffer, no socket.
//!
//! Source: RFC 9112, sections 6.3 and 7.1.

use bytes::{Buf, Bytes, BytesMut};

/// The longest line of a chunk's size, and of a trailer.
const LINE: usize = 8 << 10;
/// All trailers together.
const TRAILERS: usize = 32 << 10;

/// An answer that ends too early.
pub(super) const CUT: &str = "the connection closed before the answer's end";

/// What is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Ended,
    Length(u64),
    Chunked(Chunk),
    /// All that comes before the connection's end.
    ToTheEnd,
}

/// What comes next in a chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Chunk {
    Size,
    Data(u64),
    /// The line end behind data.
    End,
    /// Fields behind the last chunk, and how many bytes they may have.
    Trailers(usize),
}

/// What [`Body::take`] found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    Piece(Bytes),
    End,
    /// The buffer has too little.
    More,
}

impl Body {
    /// The next piece, out of the front of the buffer.
    pub(super) fn take(&mut self, buffer: &mut BytesMut) -> Result<Taken, String> {
        loop {
            let (piece, next) = match *self {
                Self::Ended => return Ok(Taken::End),
                Self::Length(0) => {
                    *self = Self::Ended;
                    return Ok(Taken::End);
                }
                Self::ToTheEnd => (split(buffer, u64::MAX), Self::ToTheEnd),
                Self::Length(left) => {
                    let piece = split(buffer, left);
                    let left = left - piece.len() as u64;
                    (piece, if left == 0 { Self::Ended } else { Self::Length(left) })
                }
                Self::Chunked(Chunk::Data(left)) => {
                    let piece = split(buffer, left);
                    let left = left - piece.len() as u64;
                    (piece, Self::Chunked(if left == 0 { Chunk::End } else { Chunk::Data(left) }))
                }
                Self::Chunked(between) => match between.step(buffer)? {
                    None => return Ok(Taken::More),
                    Some(next) => {
                        *self = next;
                        continue;
                    }
                },
            };
            if piece.is_empty() {
                return Ok(Taken::More);
            }
            *self = next;
            return Ok(Taken::Piece(piece));
        }
    }
}

impl Chunk {
    /// Reads what stands between the data of two chunks; `None` if it is not all there.
    fn step(self, buffer: &mut BytesMut) -> Result<Option<Body>, String> {
        match self {
            Self::Size => {
                let Some(line) = line(buffer, LINE)? else { return Ok(None) };
                let digits = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii_end();
                let size = hexadecimal(digits).ok_or("a chunk's size is malformed")?;
                Ok(Some(Body::Chunked(if size == 0 { Self::Trailers(TRAILERS) } else { Self::Data(size) })))
            }
            Self::End => match line(buffer, 0)? {
                None => Ok(None),
                Some(_) => Ok(Some(Body::Chunked(Self::Size))),
            },
            Self::Trailers(room) => match line(buffer, room.min(LINE))? {
                None => Ok(None),
                // Trailers say nothing here.
                Some(line) if line.is_empty() => Ok(Some(Body::Ended)),
                Some(line) => Ok(Some(Body::Chunked(Self::Trailers(room.saturating_sub(line.len()))))),
            },
            Self::Data(_) => Ok(Some(Body::Chunked(self))),
        }
    }
}

/// At most `most` bytes of the front.
fn split(buffer: &mut BytesMut, most: u64) -> Bytes {
    let length = usize::try_from(most).unwrap_or(usize::MAX).min(buffer.len());
    buffer.split_to(length).freeze()
}

/// The line at the front, without its end, which is CRLF and nothing less.
fn line(buffer: &mut BytesMut, most: usize) -> Result<Option<Bytes>, String> {
    match buffer.iter().take(most + 2).position(|&byte| byte == b'\n') {
        None if buffer.len() >= most + 2 => Err("a line between chunks is too long".to_owned()),
        None => Ok(None),
        Some(end) if end == 0 || buffer[end - 1] != b'\r' => {
            Err("a line between chunks has no proper end".to_owned())
        }
        Some(end) => {
            let line = buffer.split_to(end - 1).freeze();
            buffer.advance(2);
            Ok(Some(line))
        }
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    digits
        .iter()
        .try_fold(0_u64, |value, &digit| Some(value << 4 | u64::from(char::from(digit).to_digit(16)?)))
}

/// Reads a head's framing, field by field.
#[derive(Debug)]
pub(super) struct Framing {
    bodiless: bool,
    length: Option<u64>,
    coding: Coding,
    keep: bool,
}

#[derive(Debug, PartialEq, Eq)]
enum Coding {
    None,
    Chunked,
    /// One whose end only the connection's end can tell.
    Other,
}

impl Framing {
    pub(super) fn new(status: u16, is_http11: bool) -> Self {
        Self { bodiless: matches!(status, 204 | 304), length: None, coding: Coding::None, keep: is_http11 }
    }

    /// Takes a field in.
    pub(super) fn field(&mut self, name: &str, value: &[u8]) -> Result<(), &'static str> {
        match name.len() {
            14 if name.eq_ignore_ascii_case("content-length") => {
                for part in value.split(|&byte| byte == b',') {
                    let length = decimal(part.trim_ascii()).ok_or("its `Content-Length` is no number")?;
                    if self.length.is_some_and(|known| known != length) {
                        return Err("it has two lengths");
                    }
                    self.length = Some(length);
                }
            }
            17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                let last = value.rsplit(|&byte| byte == b',').next().unwrap_or_default().trim_ascii();
                self.coding =
                    if last.eq_ignore_ascii_case(b"chunked") { Coding::Chunked } else { Coding::Other };
            }
            10 if name.eq_ignore_ascii_case("connection") => {
                let mut words = value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii);
                self.keep &= !words.any(|word| word.eq_ignore_ascii_case(b"close"));
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn body(&self) -> Body {
        match (&self.coding, self.length) {
            _ if self.bodiless => Body::Ended,
            (Coding::Chunked, _) => Body::Chunked(Chunk::Size),
            (Coding::Other, _) | (Coding::None, None) => Body::ToTheEnd,
            (Coding::None, Some(0)) => Body::Ended,
            (Coding::None, Some(length)) => Body::Length(length),
        }
    }

    /// Whether another request may follow.
    pub(super) fn keep(&self) -> bool {
        let told_twice = self.coding != Coding::None && self.length.is_some();
        self.keep && !told_twice && self.body() != Body::ToTheEnd
    }
}

fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 18 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    Some(digits.iter().fold(0, |value, &digit| value * 10 + u64::from(digit - b'0')))
}
