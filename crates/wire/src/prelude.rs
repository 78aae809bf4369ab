//! The head of a streamed HTTP answer: JSON, then eight NUL bytes, then the body.
//!
//! Chunk boundaries mean nothing: the separator may come split at any byte, or together with head and body. JSON text has
//! no NUL byte, so the first run of eight ends the head; a shorter run means that this is no prelude. The search is bounded.
//! The scanner finds bytes; who decodes the JSON is not its business.
//!
//! Source: Lambda developer guide, "Response streaming", and AWS's Node.js runtime client.
//!
//! ```
//! use lambridge_wire::prelude::{Scanner, Step};
//! let mut scanner = Scanner::new(16 * 1024);
//! assert_eq!(scanner.push(b"{}\0\0\0"), Step::More);
//! assert_eq!(scanner.push(b"\0\0\0\0\0body"), Step::Done { head: b"{}".to_vec(), used: 5 });
//! ```

/// Eight NUL bytes.
pub const SEPARATOR: [u8; 8] = [0; 8];
/// Media type of an answer that starts with a prelude.
pub const CONTENT_TYPE: &str = "application/vnd.awslambda.http-integration-response";
/// A usual bound for the head, in bytes.
pub const DEFAULT_LIMIT: usize = 64 * 1024;

/// What came of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The head is not complete.
    More,
    /// The head, and how many bytes of the *last* push belong to head and separator; the rest is body.
    Done {
        /// The bytes before the separator.
        head: Vec<u8>,
        /// Bytes of the last push that are used up.
        used: usize,
    },
    /// There is no prelude; all bytes so far, the last push included, are in `seen`.
    NotPrelude {
        /// Why.
        reason: Reason,
        /// Everything that was pushed.
        seen: Vec<u8>,
    },
}

/// Why a stream does not start with a prelude.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The bound was passed without a separator.
    TooLong,
    /// One to seven NUL bytes.
    LoneNul,
    /// The first byte is not `{`, nor white space before it.
    NotJson,
}

/// Looks for the end of the head in bytes as they come. After anything but [`Step::More`] it starts afresh.
#[derive(Debug)]
pub struct Scanner {
    seen: Vec<u8>,
    nuls: usize,
    limit: usize,
}

impl Scanner {
    /// A scanner for heads of at most `limit` bytes, the separator not counted.
    pub fn new(limit: usize) -> Self {
        Self { seen: Vec::new(), nuls: 0, limit }
    }

    /// Takes the next bytes.
    pub fn push(&mut self, chunk: &[u8]) -> Step {
        if self.nuls == 0 && self.seen.iter().all(u8::is_ascii_whitespace) {
            let first = chunk.iter().position(|byte| !byte.is_ascii_whitespace());
            if let Some(at) = first.filter(|&at| chunk[at] != b'{') {
                // White space beyond the bound is too long already, whatever comes behind it in the same push.
                let too_long = self.seen.len() + at > self.limit;
                return self.refuse(if too_long { Reason::TooLong } else { Reason::NotJson }, chunk);
            }
        }
        // Where the run of NULs begins in this chunk; a run that began in an earlier one goes on at its start.
        let start = match self.nuls {
            0 => match memchr::memchr(0, chunk) {
                Some(start) => start,
                None if self.seen.len() + chunk.len() > self.limit => {
                    return self.refuse(Reason::TooLong, chunk);
                }
                None => {
                    self.seen.extend_from_slice(chunk);
                    return Step::More;
                }
            },
            _ => 0,
        };
        if self.seen.len() + start > self.limit {
            return self.refuse(Reason::TooLong, chunk);
        }
        let run =
            chunk[start..].iter().take(SEPARATOR.len() - self.nuls).take_while(|byte| **byte == 0).count();
        if self.nuls + run == SEPARATOR.len() {
            self.seen.extend_from_slice(&chunk[..start]);
            self.nuls = 0;
            return Step::Done { head: std::mem::take(&mut self.seen), used: start + run };
        }
        if start + run < chunk.len() {
            return self.refuse(Reason::LoneNul, chunk);
        }
        self.seen.extend_from_slice(&chunk[..start]);
        self.nuls += run;
        Step::More
    }

    /// The stream ended: everything that was held back.
    pub fn finish(mut self) -> Vec<u8> {
        self.seen.extend(std::iter::repeat_n(0, self.nuls));
        self.seen
    }

    fn refuse(&mut self, reason: Reason, chunk: &[u8]) -> Step {
        let mut seen = std::mem::take(&mut self.seen);
        seen.extend(std::iter::repeat_n(0, self.nuls));
        seen.extend_from_slice(chunk);
        self.nuls = 0;
        Step::NotPrelude { reason, seen }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Found<T> = Option<Result<(T, T), Reason>>;

    /// Pushes `input` in chunks of `size`; gives the head and the body, or why not.
    fn scan(input: &[u8], size: usize, limit: usize) -> Found<Vec<u8>> {
        let mut scanner = Scanner::new(limit);
        let mut at = 0;
        while at < input.len() {
            let end = input.len().min(at + size);
            match scanner.push(&input[at..end]) {
                Step::More => at = end,
                Step::Done { head, used } => return Some(Ok((head, input[at + used..].to_vec()))),
                Step::NotPrelude { reason, seen } => {
                    assert_eq!(seen, &input[..end], "nothing is lost");
                    return Some(Err(reason));
                }
            }
        }
        assert_eq!(scanner.finish(), input);
        None
    }

    #[track_caller]
    fn check(input: &[u8], expect: Found<&[u8]>) {
        let expect = expect.map(|found| found.map(|(head, body)| (head.to_vec(), body.to_vec())));
        for size in 1..=input.len().max(1) {
            assert_eq!(scan(input, size, 20), expect, "in chunks of {size}");
        }
    }

    #[test]
    fn at_every_split() {
        check(b"{}\0\0\0\0\0\0\0\0body", Some(Ok((b"{}", b"body"))));
        check(b"{\"a\":1}\0\0\0\0\0\0\0\0", Some(Ok((b"{\"a\":1}", b""))));
        check(b" {}\0\0\0\0\0\0\0\0\0\0x", Some(Ok((b" {}", b"\0\0x"))));
        check(b"{12345678901234567890\0\0\0\0\0\0\0\0", Some(Err(Reason::TooLong)));
        check(b"{}\0\0\0x", Some(Err(Reason::LoneNul)));
        check(b"hello", Some(Err(Reason::NotJson)));
        check(b"                     x", Some(Err(Reason::TooLong)));
        check(b"                    x", Some(Err(Reason::NotJson)));
        check(b"\0\0\0\0\0\0\0\0", Some(Err(Reason::NotJson)));
        check(b"{}", None);
        check(b"{}\0\0", None);
        check(b"", None);
    }

    proptest! {
        #[test]
        fn any_bytes_any_split(input in proptest::collection::vec(prop_oneof![Just(0u8), Just(b'{'), any::<u8>()], 0..64), size in 1usize..12) {
            let whole = scan(&input, input.len().max(1), 1000);
            prop_assert_eq!(scan(&input, size, 1000), whole);
        }
    }
}
