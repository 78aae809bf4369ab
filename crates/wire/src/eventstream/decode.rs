//! Bytes as frames, at any split.

use super::{Frame, FrameError, HEADERS_MAX, OVERHEAD, PAYLOAD_MAX, VALUE_MAX, Value};

/// Bytes before the headers.
const PRELUDE: usize = 12;

/// Collects bytes and gives out whole frames. It holds at most one frame and what was pushed behind it.
#[derive(Debug, Default)]
pub struct Decoder {
    held: Vec<u8>,
    /// Bytes at the front of `held` that are given out already.
    used: usize,
    /// Where the frame at the front ends, once its lengths are checked.
    total: Option<usize>,
    failed: Option<FrameError>,
}

impl Decoder {
    /// An empty decoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.failed.is_none() {
            self.held.drain(..self.used);
            self.used = 0;
            self.held.extend_from_slice(bytes);
        }
    }

    /// The next whole frame; `None` until more bytes come. Once failed, always fails.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.advance().inspect_err(|error| {
            self.failed = Some(*error);
            self.held = Vec::new();
            self.used = 0;
        })
    }

    /// The stream ended: an error unless it did so between two frames.
    pub fn finish(self) -> Result<(), FrameError> {
        match (self.failed, self.held.len() - self.used) {
            (Some(error), _) => Err(error),
            (None, 0) => Ok(()),
            (None, held) => Err(FrameError::Truncated { held }),
        }
    }

    fn advance(&mut self) -> Result<Option<Frame>, FrameError> {
        let bytes = &self.held[self.used..];
        if bytes.len() < PRELUDE {
            return Ok(None);
        }
        let total = match self.total {
            Some(total) => total,
            None => *self.total.insert(check_lengths(bytes)?),
        };
        if bytes.len() < total {
            return Ok(None);
        }
        let frame = read(&bytes[..total])?;
        self.used += total;
        self.total = None;
        Ok(Some(frame))
    }
}

/// The frame's total length, once its lengths are within bounds and their checksum is right.
fn check_lengths(bytes: &[u8]) -> Result<usize, FrameError> {
    let (total, headers) = (number(bytes, 0), number(bytes, 4));
    if crc32fast::hash(&bytes[..8]) as usize != number(bytes, 8) {
        return Err(FrameError::PreludeChecksum);
    }
    let payload = total.checked_sub(OVERHEAD).and_then(|rest| rest.checked_sub(headers));
    match payload {
        Some(payload) if payload <= PAYLOAD_MAX && headers <= HEADERS_MAX => Ok(total),
        _ => Err(FrameError::Length { total, headers }),
    }
}

/// Reads one whole frame whose lengths were checked.
fn read(frame: &[u8]) -> Result<Frame, FrameError> {
    let end = frame.len() - 4;
    if crc32fast::hash(&frame[..end]) as usize != number(frame, end) {
        return Err(FrameError::MessageChecksum);
    }
    let body = PRELUDE + number(frame, 4);
    Ok(Frame { headers: read_headers(&frame[PRELUDE..body])?, payload: frame[body..end].to_vec() })
}

fn read_headers(mut block: &[u8]) -> Result<Vec<(String, Value)>, FrameError> {
    let mut headers = Vec::new();
    while !block.is_empty() {
        let [length] = take::<1>(&mut block)?;
        let name = text(slice(&mut block, usize::from(length))?)?;
        if name.is_empty() {
            return Err(FrameError::Header);
        }
        let [kind] = take::<1>(&mut block)?;
        let value = match kind {
            0 => Value::Bool(true),
            1 => Value::Bool(false),
            2 => Value::Byte(i8::from_be_bytes(take(&mut block)?)),
            3 => Value::Int16(i16::from_be_bytes(take(&mut block)?)),
            4 => Value::Int32(i32::from_be_bytes(take(&mut block)?)),
            5 => Value::Int64(i64::from_be_bytes(take(&mut block)?)),
            6 => Value::Bytes(sized(&mut block)?.to_vec()),
            7 => Value::String(text(sized(&mut block)?)?),
            8 => Value::Timestamp(i64::from_be_bytes(take(&mut block)?)),
            9 => Value::Uuid(take(&mut block)?),
            _ => return Err(FrameError::Header),
        };
        headers.push((name, value));
    }
    Ok(headers)
}

fn sized<'a>(block: &mut &'a [u8]) -> Result<&'a [u8], FrameError> {
    let length = usize::from(u16::from_be_bytes(take(block)?));
    if length > VALUE_MAX {
        return Err(FrameError::Header);
    }
    slice(block, length)
}

fn text(bytes: &[u8]) -> Result<String, FrameError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| FrameError::Header)
}

fn take<const N: usize>(block: &mut &[u8]) -> Result<[u8; N], FrameError> {
    let (found, rest) = block.split_first_chunk::<N>().ok_or(FrameError::Header)?;
    *block = rest;
    Ok(*found)
}

fn slice<'a>(block: &mut &'a [u8], length: usize) -> Result<&'a [u8], FrameError> {
    let (found, rest) = block.split_at_checked(length).ok_or(FrameError::Header)?;
    *block = rest;
    Ok(found)
}

/// The big-endian `u32` at `at`, which the caller knows to be there.
fn number(bytes: &[u8], at: usize) -> usize {
    bytes[at..at + 4].iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}
