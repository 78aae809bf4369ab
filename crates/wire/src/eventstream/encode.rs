//! Frames as bytes.

use super::{Frame, FrameError, HEADERS_MAX, OVERHEAD, PAYLOAD_MAX, VALUE_MAX, Value};

/// Appends `frame` to `out`; on an error `out` is as before.
pub fn encode(frame: &Frame, out: &mut Vec<u8>) -> Result<(), FrameError> {
    let mut headers = Vec::with_capacity(128);
    for (name, value) in &frame.headers {
        header(name, value, &mut headers)?;
    }
    write(&headers, &frame.payload, out)
}

/// One frame from its encoded headers and its payload.
pub(super) fn write(headers: &[u8], payload: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    let total = headers.len() + payload.len() + OVERHEAD;
    let bounds = FrameError::Length { total, headers: headers.len() };
    if headers.len() > HEADERS_MAX || payload.len() > PAYLOAD_MAX {
        return Err(bounds);
    }
    let start = out.len();
    out.reserve(total);
    out.extend_from_slice(&u32::try_from(total).map_err(|_| bounds)?.to_be_bytes());
    out.extend_from_slice(&u32::try_from(headers.len()).map_err(|_| bounds)?.to_be_bytes());
    let checksum = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&checksum.to_be_bytes());
    out.extend_from_slice(headers);
    out.extend_from_slice(payload);
    let checksum = crc32fast::hash(&out[start..]);
    out.extend_from_slice(&checksum.to_be_bytes());
    Ok(())
}

pub(super) fn header(name: &str, value: &Value, out: &mut Vec<u8>) -> Result<(), FrameError> {
    let length = u8::try_from(name.len()).ok().filter(|length| *length > 0).ok_or(FrameError::Header)?;
    out.push(length);
    out.extend_from_slice(name.as_bytes());
    match value {
        Value::Bool(true) => out.push(0),
        Value::Bool(false) => out.push(1),
        Value::Byte(number) => fixed(2, &number.to_be_bytes(), out),
        Value::Int16(number) => fixed(3, &number.to_be_bytes(), out),
        Value::Int32(number) => fixed(4, &number.to_be_bytes(), out),
        Value::Int64(number) => fixed(5, &number.to_be_bytes(), out),
        Value::Bytes(bytes) => sized(6, bytes, out)?,
        Value::String(text) => sized(7, text.as_bytes(), out)?,
        Value::Timestamp(number) => fixed(8, &number.to_be_bytes(), out),
        Value::Uuid(bytes) => fixed(9, bytes, out),
    }
    Ok(())
}

fn fixed(kind: u8, bytes: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    out.extend_from_slice(bytes);
}

fn sized(kind: u8, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), FrameError> {
    let length =
        u16::try_from(bytes.len()).ok().filter(|_| bytes.len() <= VALUE_MAX).ok_or(FrameError::Header)?;
    out.push(kind);
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(bytes);
    Ok(())
}
