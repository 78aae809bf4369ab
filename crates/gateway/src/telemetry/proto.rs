//! Protobuf's wire format, as far as OTLP needs it. Writing only; fields that hold their default are left out by callers.
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
