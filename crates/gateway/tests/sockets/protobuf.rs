//! A reader of protobuf for tests: fields by number, nothing known of any schema. That the messages are those of OTLP is
//! for the tests with OpenTelemetry's own types.

/// The fields of a message.
#[derive(Debug, Clone)]
pub struct Message(Vec<(u64, Field)>);

#[derive(Debug, Clone)]
enum Field {
    Number(u64),
    Bytes(Vec<u8>),
}

impl Message {
    pub fn read(mut bytes: &[u8]) -> Self {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let tag = varint(&mut bytes);
            let field = match tag & 7 {
                0 => Field::Number(varint(&mut bytes)),
                1 => Field::Number(u64::from_le_bytes(take(&mut bytes, 8).try_into().unwrap())),
                5 => Field::Number(u32::from_le_bytes(take(&mut bytes, 4).try_into().unwrap()).into()),
                2 => {
                    let length = varint(&mut bytes);
                    Field::Bytes(take(&mut bytes, length as usize).to_vec())
                }
                other => panic!("wire type {other}"),
            };
            fields.push((tag >> 3, field));
        }
        Self(fields)
    }

    /// Each message at this number.
    pub fn messages(&self, number: u64) -> Vec<Message> {
        self.all(number).map(|bytes| Message::read(bytes)).collect()
    }

    pub fn message(&self, number: u64) -> Option<Message> {
        self.messages(number).pop()
    }

    /// Bytes; empty where there are none.
    pub fn bytes(&self, number: u64) -> Vec<u8> {
        self.all(number).last().cloned().unwrap_or_default()
    }

    pub fn text(&self, number: u64) -> String {
        String::from_utf8(self.bytes(number)).unwrap()
    }

    /// 0 where there is none.
    pub fn number(&self, number: u64) -> u64 {
        let mut numbers = self.0.iter().filter_map(|(known, field)| match field {
            Field::Number(value) if *known == number => Some(*value),
            _ => None,
        });
        numbers.next_back().unwrap_or_default()
    }

    fn all(&self, number: u64) -> impl Iterator<Item = &Vec<u8>> {
        self.0.iter().filter_map(move |(known, field)| match field {
            Field::Bytes(bytes) if *known == number => Some(bytes),
            _ => None,
        })
    }
}

fn varint(bytes: &mut &[u8]) -> u64 {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(count);
    *bytes = rest;
    taken
}
