//! Where an answer's body ends.
//!
//! Source: RFC 9112, sections 6.3 and 7.1.

/// The longest line of a chunk's size, and of a trailer.
const LINE: usize = 8 << 10;
/// All trailers together.
const TRAILERS: usize = 32 << 10;

/// What is still to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// Nothing.
    Ended,
    /// So many bytes, at least one.
    Length(u64),
    /// Chunks, up to the last one and what trails it.
    Chunked(Chunk),
    /// All that comes before the connection's end.
    ToTheEnd,
}

/// What comes next in a chunked body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chunk(Place);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Size,
    Data(u64),
    /// The line end behind data.
    End,
    /// Fields behind the last chunk, and how many bytes they may have.
    Trailers(usize),
}

/// What the front of the bytes is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// So many bytes of the body.
    Data(usize),
    /// So many bytes that only frame it.
    Frame(usize),
    /// Too little to tell.
    More,
    /// Behind the body.
    End,
}

impl Body {
    /// A chunked body from its start.
    pub(super) const CHUNKED: Self = Self::Chunked(Chunk(Place::Size));

    /// What stands at the front of `bytes`; the caller takes it away.
    ///
    /// # Errors
    ///
    /// Chunks that are not as the RFC has them; the body's end cannot be told any more.
    pub fn step(&mut self, bytes: &[u8]) -> Result<Step, &'static str> {
        let most = |left: u64| usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
        let (step, next) = match *self {
            Self::Ended => return Ok(Step::End),
            _ if bytes.is_empty() => return Ok(Step::More),
            Self::ToTheEnd => return Ok(Step::Data(bytes.len())),
            Self::Length(left) => {
                let length = most(left);
                (Step::Data(length), Self::rest(left - length as u64))
            }
            Self::Chunked(Chunk(Place::Data(left))) => {
                let length = most(left);
                let left = left - length as u64;
                (Step::Data(length), chunk(if left == 0 { Place::End } else { Place::Data(left) }))
            }
            Self::Chunked(Chunk(Place::Size)) => {
                let Some(line) = line(bytes, LINE)? else { return Ok(Step::More) };
                let digits = line.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii_end();
                let size = hexadecimal(digits).ok_or("a chunk's size is malformed")?;
                let next = if size == 0 { Place::Trailers(TRAILERS) } else { Place::Data(size) };
                (Step::Frame(line.len() + 2), chunk(next))
            }
            Self::Chunked(Chunk(Place::End)) => match line(bytes, 0)? {
                None => return Ok(Step::More),
                Some(_) => (Step::Frame(2), Self::CHUNKED),
            },
            Self::Chunked(Chunk(Place::Trailers(room))) => match line(bytes, room.min(LINE))? {
                None => return Ok(Step::More),
                // Trailers say nothing here.
                Some([]) => (Step::Frame(2), Self::Ended),
                Some(line) => {
                    let room = room.saturating_sub(line.len());
                    (Step::Frame(line.len() + 2), chunk(Place::Trailers(room)))
                }
            },
        };
        *self = next;
        Ok(step)
    }

    /// The length, where the head says it.
    pub fn length(&self) -> Option<u64> {
        match *self {
            Self::Ended => Some(0),
            Self::Length(length) => Some(length),
            Self::Chunked(_) | Self::ToTheEnd => None,
        }
    }

    const fn rest(left: u64) -> Self {
        if left == 0 { Self::Ended } else { Self::Length(left) }
    }
}

const fn chunk(place: Place) -> Body {
    Body::Chunked(Chunk(place))
}

/// The line at the front, without its end, which is CRLF and nothing less.
fn line(bytes: &[u8], most: usize) -> Result<Option<&[u8]>, &'static str> {
    match memchr::memchr(b'\n', &bytes[..bytes.len().min(most + 2)]) {
        None if bytes.len() >= most + 2 => Err("a line between chunks is too long"),
        None => Ok(None),
        Some(end) => match bytes[..end].strip_suffix(b"\r") {
            Some(line) => Ok(Some(line)),
            None => Err("a line between chunks has no proper end"),
        },
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of `bytes`, which come `size` at a time: the data, and what stands behind the body.
    fn read(mut body: Body, bytes: &[u8], size: usize) -> Result<(Vec<u8>, usize), &'static str> {
        let (mut data, mut at, mut there) = (Vec::new(), 0, 0);
        loop {
            match body.step(&bytes[at..there])? {
                Step::Data(length) => {
                    data.extend_from_slice(&bytes[at..at + length]);
                    at += length;
                }
                Step::Frame(length) => at += length,
                Step::More if there == bytes.len() => return Err("cut off"),
                Step::More => there = (there + size).min(bytes.len()),
                Step::End => return Ok((data, bytes.len() - at)),
            }
        }
    }

    #[track_caller]
    fn check(body: Body, text: &str, expect: Result<(&str, usize), &'static str>) {
        for size in [1, 2, 3, 7, 100_000] {
            let found = read(body, text.as_bytes(), size);
            let expect = expect.map(|(data, behind)| (data.as_bytes().to_vec(), behind));
            assert_eq!(found, expect, "{text:?} by {size}");
        }
    }

    #[test]
    fn rows() {
        check(Body::Ended, "next", Ok(("", 4)));
        check(Body::Length(4), "four, more", Ok(("four", 6)));
        check(Body::Length(5), "four", Err("cut off"));
        check(Body::CHUNKED, "2\r\nok\r\n0\r\n\r\nmore", Ok(("ok", 4)));
        check(
            Body::CHUNKED,
            "2;a=\"b\"\r\nok\r\nA \r\n0123456789\r\n000\r\nx: y\r\n\r\n",
            Ok(("ok0123456789", 0)),
        );
        check(Body::CHUNKED, "2\r\nok\r\n0\r\n", Err("cut off"));
        check(Body::CHUNKED, "2\r\nokx\r\n", Err("a line between chunks is too long"));
        check(Body::CHUNKED, "2\nok\n", Err("a line between chunks has no proper end"));
        for size in ["\r\n", "-1\r\n", "1g\r\n", "fffffffffffffffff\r\n"] {
            check(Body::CHUNKED, size, Err("a chunk's size is malformed"));
        }
        let long = "1;".to_owned() + &"x".repeat(9000) + "\r\nx";
        check(Body::CHUNKED, &long, Err("a line between chunks is too long"));
        let trailers = "0\r\n".to_owned() + &"a: b\r\n".repeat(9000);
        check(Body::CHUNKED, &trailers, Err("a line between chunks is too long"));
    }
}
