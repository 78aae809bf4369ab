//! `AWS_LWA_ENABLE_COMPRESSION`: answers leave as gzip or brotli where the client takes it.
//!
//! The body is compressed as it arrives, piece by piece: neither whole form of it is in memory, no piece holds up the
//! other invocations of a Managed Instance, and an answer larger than Lambda takes still passes when it is small enough
//! compressed.
//!
//! Left alone is what AWS Lambda Web Adapter leaves alone: less than 32 bytes, a `Content-Encoding` or `Content-Range`,
//! images other than SVG, gRPC and event streams. So is what a second compression would only cost time for (video, audio,
//! archives, web fonts), and what must not be changed: `Cache-Control: no-transform` (RFC 9110, section 7.7) and bodies
//! whose digest the application has sent. What could be compressed says `Vary: Accept-Encoding` whether it is or not,
//! and a strong validator becomes a weak one, since it names other bytes (RFC 9110, sections 12.5.5 and 8.8.1).

use std::io::Write as _;

use brotli::CompressorWriter;
use brotli::enc::BrotliEncoderParams;
use bytes::{Bytes, BytesMut};
use flate2::write::GzEncoder;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, VARY,
};
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use crate::link::{LinkError, collect};

mod accept;
pub use accept::Coding;

/// A shorter body would not get shorter.
const SMALLEST: usize = 32;
/// Brotli's middle: about gzip's time, and smaller.
const BROTLI_QUALITY: i32 = 4;
/// Two to this power is the window, and most of the encoder's memory. Answers are 6 MB at most, and a sandbox may have
/// 128 MB in all.
const BROTLI_WINDOW: i32 = 20;
/// The encoder's own buffer, of which it has one.
const BROTLI_BUFFER: usize = 16 * 1024;

/// Fields that name the very bytes of the body.
const DIGESTS: [HeaderName; 4] = [
    HeaderName::from_static("content-digest"),
    HeaderName::from_static("content-md5"),
    HeaderName::from_static("digest"),
    HeaderName::from_static("repr-digest"),
];

/// The body as it goes to the client, of `limit` bytes at most; `head` says how it is coded.
pub async fn compressed(
    head: &mut Parts,
    body: Incoming,
    coding: Option<Coding>,
    limit: usize,
) -> Result<Bytes, LinkError> {
    if !is_compressible(head) {
        return collect(body, limit).await;
    }
    let Some(coding) = coding else {
        let body = collect(body, limit).await?;
        if body.len() >= SMALLEST {
            vary(&mut head.headers);
        }
        return Ok(body);
    };
    let size = body.size_hint().exact().and_then(|size| usize::try_from(size).ok()).unwrap_or(0);
    let mut body = body;
    let mut start = BytesMut::new();
    let mut encoder = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        let encoder = match &mut encoder {
            None if start.len() + data.len() < SMALLEST => {
                start.extend_from_slice(&data);
                continue;
            }
            None => encoder.insert(Encoder::new(coding, size).write(&start)),
            Some(encoder) => encoder,
        };
        encoder.add(&data);
        if encoder.written() > limit {
            return Err(LinkError::TooLong { limit });
        }
    }
    let Some(encoder) = encoder else { return Ok(start.freeze()) };
    let coded = encoder.finish();
    if coded.len() > limit {
        return Err(LinkError::TooLong { limit });
    }
    mark(&mut head.headers, coding);
    Ok(coded.into())
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

/// Writes into a growing buffer, which cannot fail.
enum Encoder {
    Gzip(GzEncoder<Vec<u8>>),
    Brotli(Box<CompressorWriter<Vec<u8>>>),
}

impl Encoder {
    /// For a body of `size` bytes; 0 when that is unknown.
    fn new(coding: Coding, size: usize) -> Encoder {
        let out = Vec::with_capacity((size / 4).clamp(512, 1024 * 1024));
        match coding {
            Coding::Gzip => Encoder::Gzip(GzEncoder::new(out, flate2::Compression::default())),
            Coding::Brotli => {
                let params = BrotliEncoderParams {
                    quality: BROTLI_QUALITY,
                    lgwin: BROTLI_WINDOW,
                    size_hint: size,
                    ..BrotliEncoderParams::default()
                };
                Encoder::Brotli(Box::new(CompressorWriter::with_params(out, BROTLI_BUFFER, &params)))
            }
        }
    }

    fn write(mut self, data: &[u8]) -> Encoder {
        self.add(data);
        self
    }

    fn add(&mut self, data: &[u8]) {
        let written = match self {
            Encoder::Gzip(encoder) => encoder.write_all(data),
            Encoder::Brotli(encoder) => encoder.write_all(data),
        };
        debug_assert!(written.is_ok(), "a vector takes what it is given");
    }

    /// How much has come out so far.
    fn written(&self) -> usize {
        match self {
            Encoder::Gzip(encoder) => encoder.get_ref().len(),
            Encoder::Brotli(encoder) => encoder.get_ref().len(),
        }
    }

    fn finish(self) -> Vec<u8> {
        match self {
            // The error, which a vector does not give, would hold no bytes.
            Encoder::Gzip(encoder) => encoder.finish().unwrap_or_default(),
            Encoder::Brotli(encoder) => encoder.into_inner(),
        }
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

    #[test]
    fn encoders_are_inverses_of_decoders() {
        use std::io::Read as _;
        let text: Vec<u8> = (0..400_000u32).flat_map(|n| format!("{} ", n % 977).into_bytes()).collect();
        for size in [0, 1, 32, 1000, text.len()] {
            for pieces in [1, 7, 65_536] {
                for coding in [Coding::Gzip, Coding::Brotli] {
                    let mut encoder = Encoder::new(coding, size);
                    text[..size].chunks(size / pieces + 1).for_each(|piece| encoder.add(piece));
                    let coded = encoder.finish();
                    let mut back = Vec::new();
                    match coding {
                        Coding::Gzip => flate2::read::GzDecoder::new(&*coded).read_to_end(&mut back),
                        Coding::Brotli => brotli::Decompressor::new(&*coded, 4096).read_to_end(&mut back),
                    }
                    .unwrap();
                    assert!(back == text[..size] && (size < 1000 || coded.len() < size), "{size} {coding:?}");
                }
            }
        }
    }
}
