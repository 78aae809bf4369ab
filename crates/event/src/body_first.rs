//! An envelope whose body comes first and its head last, for a body that leaves while it arrives.
//!
//! What has left cannot be taken back. With the head behind it the status is still to be said when the body has ended:
//! one that broke off can be a 502. The members of an object have no order (RFC 8259, section 4).
//!
//! Only bodies that are base64 by their head go this way. One that should be text may turn out to be none at its last
//! byte, which changes all of it: see [`Piecewise`](crate::Piecewise).

use crate::answer::Answer;
use crate::piecewise::Rest;
use crate::{Kind, base64, open_answer, reply, text};

/// The body of such an envelope under way.
#[derive(Debug)]
pub struct BodyFirst {
    rest: Rest,
}

impl BodyFirst {
    /// Opens the envelope at the end of `out`, for an answer with this head. `None`, and nothing written, where the body is
    /// text, and for [`Kind::Other`].
    pub fn open(kind: Kind, answer: &Answer<'_>, out: &mut Vec<u8>) -> Option<BodyFirst> {
        if kind == Kind::Other || text::is_textual_answer(reply::fields(answer)) {
            return None;
        }
        out.extend_from_slice(b"{\"isBase64Encoded\":true,\"body\":\"");
        Some(BodyFirst { rest: Rest::default() })
    }

    /// How many bytes a piece of `length` adds.
    pub const fn adds(&self, length: usize) -> usize {
        self.rest.encoded(length)
    }

    /// Writes the next piece.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.rest.encode(piece, out);
    }

    /// Ends the body, and the envelope with an [`ending`](BodyFirst::ending).
    pub fn close(self, ending: &[u8], out: &mut Vec<u8>) {
        base64::encode(out, self.rest.get());
        out.extend_from_slice(ending);
    }

    /// What stands behind the body: the head of `answer`, whose own body is not looked at.
    pub fn ending(kind: Kind, answer: &Answer<'_>) -> Vec<u8> {
        let mut ending = b"\"".to_vec();
        if open_answer(kind, answer, &mut ending).is_some() {
            // Here it is no object of its own.
            ending[1] = b',';
        }
        ending.push(b'}');
        ending
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::encode_answer;

    const KINDS: [Kind; 6] =
        [Kind::HttpV2, Kind::RestV1, Kind::Alb, Kind::AlbMultiValue, Kind::LatticeV2, Kind::WebSocket];

    fn answer<'a>(status: u16, media: &'a str, body: &'a [u8]) -> Answer<'a> {
        let headers = [("content-type", media), ("set-cookie", "a=\"1\""), ("set-cookie", "b=2")];
        let bytes = |text: &'a str| Cow::Borrowed(text.as_bytes());
        let headers = headers.into_iter().map(|(name, value)| (bytes(name), bytes(value))).collect();
        Answer { status, headers, body: Cow::Borrowed(body) }
    }

    /// The same object as the usual envelope's, whatever the pieces, and as long as was said before.
    fn check(body: &[u8]) {
        let answer = answer(201, "image/png", body);
        for kind in KINDS {
            let mut usual = Vec::new();
            encode_answer(kind, &answer, &mut usual);
            let usual: serde_json::Value = serde_json::from_slice(&usual).unwrap();
            for size in [1, 2, 3, 4, 5, 64, 1000] {
                let mut out = b"before".to_vec();
                let mut first = BodyFirst::open(kind, &answer, &mut out).unwrap();
                for piece in body.chunks(size) {
                    let (before, adds) = (out.len(), first.adds(piece.len()));
                    first.push(piece, &mut out);
                    assert_eq!(out.len() - before, adds, "{} by {size}", body.len());
                }
                first.close(&BodyFirst::ending(kind, &answer), &mut out);
                let found: serde_json::Value = serde_json::from_slice(&out[6..]).unwrap();
                assert_eq!(found, usual, "{kind:?}, {} by {size}", body.len());
            }
        }
    }

    #[test]
    fn rows() {
        for length in [1, 2, 3, 4, 5, 63, 64, 65, 1000] {
            check(&(0..length).map(|at| (at * 7) as u8).collect::<Vec<_>>());
        }
    }

    #[test]
    fn text_and_events_have_no_such_envelope() {
        let mut out = Vec::new();
        assert!(BodyFirst::open(Kind::HttpV2, &answer(200, "text/plain", b""), &mut out).is_none());
        assert!(BodyFirst::open(Kind::Other, &answer(200, "image/png", b""), &mut out).is_none());
        assert!(out.is_empty());
    }

    #[test]
    fn the_status_is_said_at_the_end() {
        for kind in KINDS {
            let mut out = Vec::new();
            let mut first = BodyFirst::open(kind, &answer(200, "image/png", b""), &mut out).unwrap();
            first.push(b"half", &mut out);
            first.close(&BodyFirst::ending(kind, &answer(502, "image/png", b"")), &mut out);
            let found: serde_json::Value = serde_json::from_slice(&out).unwrap();
            assert_eq!((&found["statusCode"], &found["body"]), (&502.into(), &"aGFsZg==".into()), "{kind:?}");
        }
    }
}
