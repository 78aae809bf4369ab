//! Protobuf's wire format, as far as OTLP needs it. Fields that hold their default are left out by callers. What collectors
//! answer is read field by field, and ends where it is no message.
//!
//! Source: Protocol Buffers documentation, "Encoding".

/// A message in the making.
#[derive(Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// An `int32`, `int64`, `uint32`, `uint64`, `bool` or enum.
    pub(super) fn varint(&mut self, field: u32, value: u64) {
        self.tag(field, 0);
        self.raw(value);
    }

    /// A `fixed64`, `sfixed64` or, by its bits, a `double`.
    pub(super) fn fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn fixed32(&mut self, field: u32, value: u32) {
        self.tag(field, 5);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn double(&mut self, field: u32, value: f64) {
        self.fixed64(field, value.to_bits());
    }

    /// `string` or `bytes`.
    pub(super) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.tag(field, 2);
        self.raw(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    /// Fields that are written already.
    pub(super) fn append(&mut self, fields: &[u8]) {
        self.0.extend_from_slice(fields);
    }

    /// A message within this one.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }

    /// A packed list of `fixed64` or, by their bits, of `double`.
    pub(super) fn packed(&mut self, field: u32, values: impl ExactSizeIterator<Item = u64>) {
        self.tag(field, 2);
        self.raw(values.len() as u64 * 8);
        for value in values {
            self.0.extend_from_slice(&value.to_le_bytes());
        }
    }

    /// OTLP's `KeyValue` with a text.
    pub(super) fn text_attribute(&mut self, field: u32, name: &str, value: &str) {
        self.attribute(field, name, |any| any.bytes(1, value.as_bytes()));
    }

    /// OTLP's `KeyValue` with a number.
    pub(super) fn number_attribute(&mut self, field: u32, name: &str, value: u64) {
        self.attribute(field, name, |any| any.varint(3, value));
    }

    /// OTLP's `KeyValue` with a yes or no.
    pub(super) fn bool_attribute(&mut self, field: u32, name: &str, value: bool) {
        self.attribute(field, name, |any| any.varint(2, u64::from(value)));
    }

    fn attribute(&mut self, field: u32, name: &str, value: impl FnOnce(&mut Message)) {
        self.message(field, |pair| {
            pair.bytes(1, name.as_bytes());
            pair.message(2, value);
        });
    }

    fn tag(&mut self, field: u32, wire_type: u64) {
        self.raw(u64::from(field) << 3 | wire_type);
    }

    fn raw(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }
}

/// A field of a message that came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field<'a> {
    Number(u64),
    /// Text, or a message.
    Bytes(&'a [u8]),
}

/// The fields of `message` with their numbers.
pub(super) fn fields(mut message: &[u8]) -> impl Iterator<Item = (u64, Field<'_>)> {
    std::iter::from_fn(move || next(&mut message))
}

/// The messages, or texts, at this number.
pub(super) fn messages(message: &[u8], number: u64) -> impl Iterator<Item = &[u8]> {
    fields(message).filter_map(move |(found, field)| match field {
        Field::Bytes(bytes) if found == number => Some(bytes),
        _ => None,
    })
}

fn next<'a>(rest: &mut &'a [u8]) -> Option<(u64, Field<'a>)> {
    let tag = varint(rest)?;
    let field = match tag & 7 {
        0 => Field::Number(varint(rest)?),
        1 => Field::Bytes(rest.split_off(..8)?),
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            Field::Bytes(rest.split_off(..length)?)
        }
        5 => Field::Bytes(rest.split_off(..4)?),
        _ => return None,
    };
    Some((tag >> 3, field))
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *rest.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::{Field, Message, fields, messages};

    #[test]
    fn what_is_written_is_read() {
        let mut message = Message::default();
        message.varint(1, u64::MAX);
        message.fixed64(2, 1);
        message.message(3, |inner| inner.bytes(1, b"x"));
        message.fixed32(4, 1);
        let bytes = message.into_bytes();
        let found: Vec<_> = fields(&bytes).collect();
        let expect = [
            (1, Field::Number(u64::MAX)),
            (2, Field::Bytes(&[1, 0, 0, 0, 0, 0, 0, 0])),
            (3, Field::Bytes(b"\x0a\x01x")),
            (4, Field::Bytes(&[1, 0, 0, 0])),
        ];
        assert_eq!(found, expect);
        assert_eq!(messages(&bytes, 3).flat_map(|inner| messages(inner, 1)).next(), Some(&b"x"[..]));
        // Cut off anywhere, and anything at all, is only less.
        for end in 0..bytes.len() {
            assert!(expect.starts_with(&fields(&bytes[..end]).collect::<Vec<_>>()));
        }
        for junk in [&b"\x07"[..], b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x0a\xff\xff\xff\x0f"] {
            assert_eq!(fields(junk).next(), None);
        }
    }
}
