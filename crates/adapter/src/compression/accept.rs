//! Which coding a client takes.
//!
//! The highest quality wins; brotli beats gzip at the same one; `*` stands for what is not named; `q=0` excludes; and a
//! client that would rather have the bytes as they are gets them so. An entry that cannot be read does not count. Without
//! the field nothing is compressed: any coding would be allowed, and few such clients could read one.
//!
//! Source: RFC 9110, section 12.5.3.

use http::HeaderMap;
use http::header::ACCEPT_ENCODING;

/// A coding that answers can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// RFC 1952.
    Gzip,
    /// RFC 7932.
    Brotli,
}

/// Qualities in thousandths, where the client says so.
#[derive(Debug, Default)]
struct Wishes {
    gzip: Option<u16>,
    brotli: Option<u16>,
    identity: Option<u16>,
    any: Option<u16>,
}

impl Coding {
    /// What the client with these request headers likes best; `None`: no coding.
    pub fn preferred(headers: &HeaderMap) -> Option<Coding> {
        let mut wishes = Wishes::default();
        for value in headers.get_all(ACCEPT_ENCODING) {
            for entry in value.as_bytes().split(|byte| *byte == b',') {
                wishes.read(entry);
            }
        }
        wishes.best()
    }

    /// As `Content-Encoding` has it.
    pub fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Brotli => "br",
        }
    }
}

impl Wishes {
    fn read(&mut self, entry: &[u8]) {
        let mut parts = entry.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default();
        let Some(quality) = parts.next().map_or(Some(1000), quality) else { return };
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        if is("gzip") || is("x-gzip") {
            self.gzip = Some(quality);
        } else if is("br") {
            self.brotli = Some(quality);
        } else if is("identity") {
            self.identity = Some(quality);
        } else if is("*") {
            self.any = Some(quality);
        }
    }

    fn best(&self) -> Option<Coding> {
        let any = self.any.unwrap_or(0);
        let (gzip, brotli) = (self.gzip.unwrap_or(any), self.brotli.unwrap_or(any));
        let best = gzip.max(brotli);
        if best == 0 || best < self.identity.unwrap_or(0) {
            return None;
        }
        Some(if brotli == best { Coding::Brotli } else { Coding::Gzip })
    }
}

/// `q=0.5` in thousandths.
fn quality(parameter: &[u8]) -> Option<u16> {
    let value = match parameter {
        [b'q' | b'Q', b'=', value @ ..] => value.trim_ascii(),
        _ => return None,
    };
    let (whole, digits) = match value {
        [whole @ (b'0' | b'1')] => (whole, &[][..]),
        [whole @ (b'0' | b'1'), b'.', digits @ ..] if digits.len() <= 3 => (whole, digits),
        _ => return None,
    };
    let mut thousandths = u16::from(whole - b'0') * 1000;
    for (digit, weight) in digits.iter().zip([100, 10, 1]) {
        thousandths += digit.is_ascii_digit().then(|| u16::from(digit - b'0') * weight)?;
    }
    (thousandths <= 1000).then_some(thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn preferences() {
        let (gzip, br) = (Some(Coding::Gzip), Some(Coding::Brotli));
        let rows: &[(&[&str], Option<Coding>)] = &[
            (&[], None),
            (&[""], None),
            (&["gzip"], gzip),
            (&["GZIP, deflate"], gzip),
            (&["x-gzip"], gzip),
            (&["br"], br),
            (&["gzip, deflate, br, zstd"], br),
            (&["gzip", "br"], br),
            (&["gzip;q=1.0, br;q=0.8"], gzip),
            (&["gzip; Q=0.5 , br;q=0.501"], br),
            (&["gzip;q=0"], None),
            (&["br;q=0, gzip"], gzip),
            (&["*"], br),
            (&["*, br;q=0"], gzip),
            (&["*;q=0"], None),
            (&["*;q=0, gzip"], gzip),
            (&["identity"], None),
            (&["identity, gzip;q=0.5"], None),
            (&["identity;q=0.5, gzip"], gzip),
            (&["gzip, identity"], gzip),
            (&["deflate, zstd"], None),
            (&["gzip;q=2"], None),
            (&["gzip;q=1.001"], None),
            (&["gzip;q=0.1234"], None),
            (&["gzip;q=.5"], None),
            (&["gzip;q="], None),
            (&["gzip;x=1"], None),
            (&["gzipped, brr"], None),
        ];
        for (values, expect) in rows {
            let headers = values.iter().map(|v| (ACCEPT_ENCODING, HeaderValue::from_static(v))).collect();
            assert_eq!(Coding::preferred(&headers), *expect, "{values:?}");
        }
    }
}
