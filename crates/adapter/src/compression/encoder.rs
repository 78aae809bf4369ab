//! The two encoders, fed piece by piece, writing into a growing buffer, which cannot fail.

use std::fmt;
use std::io::Write as _;

use brotli::CompressorWriter;
use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use flate2::write::GzEncoder;

use super::Coding;

/// Brotli's middle: about gzip's time, and smaller.
const BROTLI_QUALITY: i32 = 4;
/// Two to this power is the window, and most of the encoder's memory. Answers are 6 MB at most, and a sandbox may have
/// 128 MB in all.
const BROTLI_WINDOW: i32 = 20;
/// The encoder's own buffer, of which it has one.
const BROTLI_BUFFER: usize = 16 * 1024;

/// A body being compressed.
pub enum Encoder {
    /// RFC 1952.
    Gzip(GzEncoder<Vec<u8>>),
    /// RFC 7932.
    Brotli(Box<CompressorWriter<Vec<u8>>>),
}

impl Encoder {
    /// For a body of `size` bytes; 0 when that is unknown.
    pub fn new(coding: Coding, size: usize) -> Encoder {
        let out = Vec::new();
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

    /// Takes the next piece in.
    pub fn add(&mut self, data: &[u8]) {
        let written = match self {
            Encoder::Gzip(encoder) => encoder.write_all(data),
            Encoder::Brotli(encoder) => encoder.write_all(data),
        };
        debug_assert!(written.is_ok(), "a vector takes what it is given");
    }

    /// Makes all that was added come out: a reader need not wait for more.
    pub fn flush(&mut self) {
        let flushed = match self {
            Encoder::Gzip(encoder) => encoder.flush(),
            Encoder::Brotli(encoder) => encoder.flush(),
        };
        debug_assert!(flushed.is_ok(), "a vector takes what it is given");
    }

    /// What has come out since the last time.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(match self {
            Encoder::Gzip(encoder) => encoder.get_mut(),
            Encoder::Brotli(encoder) => encoder.get_mut(),
        })
    }

    /// A piece that has to reach the client at once.
    pub fn through(&mut self, data: &[u8]) -> Bytes {
        self.add(data);
        self.flush();
        self.take().into()
    }

    /// The rest.
    pub fn finish(self) -> Vec<u8> {
        match self {
            // The error, which a vector does not give, would hold no bytes.
            Encoder::Gzip(encoder) => encoder.finish().unwrap_or_default(),
            Encoder::Brotli(encoder) => encoder.into_inner(),
        }
    }
}

impl fmt::Debug for Encoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Encoder::Gzip(_) => "Encoder::Gzip",
            Encoder::Brotli(_) => "Encoder::Brotli",
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    const CODINGS: [Coding; 2] = [Coding::Gzip, Coding::Brotli];

    fn text() -> Vec<u8> {
        (0..400_000u32).flat_map(|n| format!("{} ", n % 977).into_bytes()).collect()
    }

    #[test]
    fn encoders_are_inverses_of_decoders() {
        let text = text();
        for size in [0, 1, 32, 1000, text.len()] {
            for pieces in [1, 7, 65_536] {
                for (coding, flush) in
                    CODINGS.into_iter().flat_map(|coding| [(coding, false), (coding, true)])
                {
                    if flush && pieces > 7 {
                        continue;
                    }
                    let mut encoder = Encoder::new(coding, size);
                    let mut coded = Vec::new();
                    for piece in text[..size].chunks(size / pieces + 1) {
                        encoder.add(piece);
                        if flush {
                            encoder.flush();
                        }
                        coded.extend(encoder.take());
                    }
                    coded.extend(encoder.finish());
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

    #[test]
    fn what_is_flushed_can_be_read_at_once() {
        for coding in CODINGS {
            let mut encoder = Encoder::new(coding, 0);
            let mut coded = Vec::new();
            for (piece, so_far) in [("data: 1\n", "data: 1\n"), ("data: 2\n", "data: 1\ndata: 2\n")] {
                encoder.add(piece.as_bytes());
                encoder.flush();
                coded.extend(encoder.take());
                let mut read = vec![0; so_far.len()];
                match coding {
                    Coding::Gzip => flate2::read::GzDecoder::new(&*coded).read_exact(&mut read),
                    Coding::Brotli => brotli::Decompressor::new(&*coded, 4096).read_exact(&mut read),
                }
                .unwrap();
                assert_eq!(read, so_far.as_bytes(), "{coding:?}");
            }
        }
    }
}
