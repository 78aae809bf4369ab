//! A head's framing, read field by field.
//!
//! Source: RFC 9112, section 6.3.

use super::{Asked, Body};

/// What the fields so far say.
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
    pub(super) fn new(status: u16, asked: Asked, is_http11: bool) -> Self {
        let bodiless = asked == Asked::HeadOnly || matches!(status, 101 | 204 | 304);
        Self { bodiless, length: None, coding: Coding::None, keep: is_http11 && status != 101 }
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
            (Coding::Chunked, _) => Body::CHUNKED,
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
