//! `AWS_LWA_ENABLE_COMPRESSION`: answers leave as gzip or brotli where the client takes it.
//!
//! The body is compressed as it arrives, piece by piece: neither whole form of it is in memory, no piece holds up the
//! other invocations of a Managed Instance, and an answer larger than Lambda takes still passes when it is small enough
//! compressed. A streamed answer is flushed after each piece, which costs some of the gain: that is why it has to be asked
//! for with a setting of its own, `AWS_LWA_STREAM_COMPRESSION`.
//!
//! Left alone is what AWS Lambda Web Adapter leaves alone: less than 32 bytes, a `Content-Encoding` or `Content-Range`,
//! images other than SVG, gRPC and event streams. So is what a second compression would only cost time for (video, audio,
//! archives, web fonts), and what must not be changed: `Cache-Control: no-transform` (RFC 9110, section 7.7) and bodies
//! whose digest the application has sent. What could be compressed says `Vary: Accept-Encoding` whether it is or not,
//! and a strong validator becomes a weak one, since it names other bytes (RFC 9110, sections 12.5.5 and 8.8.1).

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, VARY,
};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::app::App;
use crate::link::LinkError;

mod accept;
mod encoder;
pub use accept::Coding;
pub use encoder::Encoder;

/// A shorter body would not get shorter.
const SMALLEST: usize = 32;

/// Fields that name the very bytes of the body.
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];

/// What is asked for, by the settings and by the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Answers stay as they are.
    Off,
    /// Answers may be compressed, and this client takes no coding.
    Plain,
    /// This client takes this one best.
    Coded(Coding),
}

/// A body on its way to the client, compressed or as it is.
#[derive(Debug)]
pub struct Outgoing<'a> {
    app: &'a mut App,
    /// What was read before the head was settled.
    start: Vec<u8>,
    encoder: Option<Encoder>,
    /// The last piece, where it is not in the application's buffer.
    piece: Vec<u8>,
}

impl<'a> Outgoing<'a> {
    /// Settles whether the body is compressed; `head` says so then. Up to 32 bytes are read for that.
    pub async fn begin(head: &mut Parts, app: &'a mut App, wish: Wish) -> Result<Outgoing<'a>, LinkError> {
        let mut start = Vec::new();
        if wish != Wish::Off && is_compressible(head) {
            while start.len() < SMALLEST {
                let Some(piece) = app.next().await? else { break };
                start.extend_from_slice(piece);
            }
        }
        let encoder = (start.len() >= SMALLEST).then(|| settle(head, size(app), wish)).flatten();
        Ok(Outgoing { app, start, encoder, piece: Vec::new() })
    }

    /// Whether the bytes are others than the application's.
    pub fn is_coded(&self) -> bool {
        self.encoder.is_some()
    }

    /// What was read of the body already.
    pub fn start(&self) -> &[u8] {
        &self.start
    }

    /// The next piece; `None` at the end.
    pub async fn piece(&mut self) -> Result<Option<&[u8]>, LinkError> {
        let start = std::mem::take(&mut self.start);
        let Some(encoder) = &mut self.encoder else {
            if start.is_empty() {
                return self.app.next().await;
            }
            self.piece = start;
            return Ok(Some(&self.piece));
        };
        encoder.add(&start);
        self.piece = encoder.take();
        while self.piece.is_empty() {
            match self.app.next().await? {
                Some(piece) => {
                    encoder.add(piece);
                    self.piece = encoder.take();
                }
                None => {
                    self.piece = self.encoder.take().map(Encoder::finish).unwrap_or_default();
                    break;
                }
            }
        }
        Ok(Some(&self.piece))
    }
}

/// The encoder for an answer that streams, whose head says so then. Of a body that announces no length it is not known
/// how short it will be, and it is compressed.
pub fn streamed(head: &mut Parts, app: &App, wish: Wish) -> Option<Encoder> {
    let short = app.length().is_some_and(|size| size < SMALLEST);
    if short || wish == Wish::Off || !is_compressible(head) {
        return None;
    }
    settle(head, size(app), wish)
}

/// The head of a body that can be compressed: what it varies by, and what it becomes.
fn settle(head: &mut Parts, size: usize, wish: Wish) -> Option<Encoder> {
    let Wish::Coded(coding) = wish else {
        vary(&mut head.headers);
        return None;
    };
    mark(&mut head.headers, coding);
    Some(Encoder::new(coding, size))
}

/// As far as it is known.
fn size(app: &App) -> usize {
    app.length().unwrap_or(0)
}

fn is_compressible(head: &Parts) -> bool {
    let headers = &head.headers;
    let media = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    head.status != StatusCode::PARTIAL_CONTENT
        && !headers.contains_key(CONTENT_ENCODING)
        && !headers.contains_key(CONTENT_RANGE)
        && !DIGESTS.iter().any(|name| headers.contains_key(name))
        && !lists(headers, &CACHE_CONTROL, "no-transform")
        && !is_dense(media)
}

/// Whether a type is compressed by itself, or has to come through as it is written.
fn is_dense(media: &[u8]) -> bool {
    const FAMILIES: [&str; 5] = ["image/", "video/", "audio/", "font/woff", "application/grpc"];
    const TYPES: [&str; 13] = [
        "text/event-stream",
        "application/font-woff",
        "application/font-woff2",
        "application/gzip",
        "application/java-archive",
        "application/vnd.rar",
        "application/x-7z-compressed",
        "application/x-bzip2",
        "application/x-gzip",
        "application/x-rar-compressed",
        "application/x-xz",
        "application/zip",
        "application/zstd",
    ];
    let media = media.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    let is = |name: &str| media.eq_ignore_ascii_case(name.as_bytes());
    let within =
        |name: &&str| media.get(..name.len()).is_some_and(|m| m.eq_ignore_ascii_case(name.as_bytes()));
    (FAMILIES.iter().any(within) && !is("image/svg+xml")) || TYPES.iter().any(|name| is(name))
}

/// Whether a list of words holds one, in any case.
fn lists(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let mut words =
        headers.get_all(name).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    words.any(|found| found.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
}

fn vary(headers: &mut HeaderMap) {
    if !lists(headers, &VARY, "*") && !lists(headers, &VARY, "accept-encoding") {
        headers.append(VARY, HeaderValue::from_static("accept-encoding"));
    }
}

fn mark(headers: &mut HeaderMap, coding: Coding) {
    vary(headers);
    headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    headers.remove(CONTENT_LENGTH);
    headers.remove(ACCEPT_RANGES);
    let weak = headers.get(ETAG).map(HeaderValue::as_bytes).filter(|tag| tag.starts_with(b"\"")).map(|tag| {
        let mut weak = b"W/".to_vec();
        weak.extend_from_slice(tag);
        HeaderValue::from_bytes(&weak)
    });
    if let Some(Ok(weak)) = weak {
        headers.insert(ETAG, weak);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(fields: &[(&'static str, &str)]) -> Parts {
        let mut head = http::Response::new(()).into_parts().0;
        for (name, value) in fields {
            head.headers.append(HeaderName::from_static(name), HeaderValue::from_str(value).unwrap());
        }
        head
    }

    #[test]
    fn what_is_left_alone() {
        let check = |fields: &[(&'static str, &str)], expect: bool| {
            assert_eq!(is_compressible(&head(fields)), expect, "{fields:?}");
        };
        check(&[], true);
        for (media, expect) in [
            ("text/html; charset=utf-8", true),
            ("application/octet-stream", true),
            ("application/pdf", true),
            ("image/svg+xml; charset=utf-8", true),
            ("IMAGE/SVG+XML", true),
            ("imagery/x", true),
            ("font/ttf", true),
            ("image/png", false),
            ("Image/PNG", false),
            ("video/mp4", false),
            ("audio/ogg", false),
            ("font/woff2", false),
            ("application/zip", false),
            ("application/grpc+proto", false),
            ("text/event-stream;charset=utf-8", false),
        ] {
            check(&[("content-type", media)], expect);
        }
        check(&[("content-encoding", "identity")], false);
        check(&[("content-range", "bytes 0-1/5")], false);
        check(&[("cache-control", "public, No-Transform")], false);
        check(&[("cache-control", "public"), ("cache-control", "no-transform")], false);
        check(&[("cache-control", "no-transformers")], true);
        check(&[("content-md5", "x")], false);
        let mut partial = head(&[]);
        partial.status = StatusCode::PARTIAL_CONTENT;
        assert!(!is_compressible(&partial));
    }

    #[test]
    fn marks() {
        let check = |before: &[(&'static str, &str)], after: &[(&'static str, &str)]| {
            let mut found = head(before);
            mark(&mut found.headers, Coding::Brotli);
            assert_eq!(found.headers, head(after).headers, "{before:?}");
        };
        let br = ("content-encoding", "br");
        let vary = ("vary", "accept-encoding");
        check(&[("content-length", "5"), ("accept-ranges", "bytes")], &[br, vary]);
        check(&[("etag", "\"a\"")], &[br, vary, ("etag", "W/\"a\"")]);
        check(&[("etag", "W/\"a\"")], &[br, vary, ("etag", "W/\"a\"")]);
        check(&[("vary", "origin")], &[br, ("vary", "origin"), vary]);
        check(&[("vary", "Origin, Accept-Encoding")], &[br, ("vary", "Origin, Accept-Encoding")]);
        check(&[("vary", "*")], &[br, ("vary", "*")]);
    }
}
