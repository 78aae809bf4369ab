//! One request as a fake received it, read by hand from a socket.

use std::io;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// A request as it came off the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method of the request line.
    pub method: String,
    /// Path and query of the request line, untouched.
    pub target: String,
    /// In order, repeats kept, names as sent.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body without its framing.
    pub body: Vec<u8>,
    /// Trailer fields after a chunked body.
    pub trailers: Vec<(String, Vec<u8>)>,
    /// Which connection it came over, counted from 0: equal numbers mean a reused connection.
    pub connection: usize,
    /// False when the connection ended before the framing said so.
    pub complete: bool,
}

impl Request {
    /// The first value of a header, lossy.
    pub fn header(&self, name: &str) -> Option<String> {
        self.header_all(name).into_iter().next()
    }

    /// All values of a header in order, lossy.
    pub fn header_all(&self, name: &str) -> Vec<String> {
        self.headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| String::from_utf8_lossy(v).into_owned())
            .collect()
    }

    /// The path without the query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or("")
    }

    /// The body as text, lossy.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Bytes of one connection that were received and not yet used.
#[derive(Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
}

impl Inbox {
    /// Whether a further request already lies here.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Reads one request; `None` when the peer closed in between requests.
    pub(crate) async fn request(
        &mut self,
        stream: &mut TcpStream,
        connection: usize,
    ) -> io::Result<Option<Request>> {
        let head_end = loop {
            if let Some(at) = find(&self.bytes, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.more(stream).await? {
                return Ok(None);
            }
        };
        let head: Vec<u8> = self.bytes.drain(..head_end).collect();
        let mut lines =
            head[..head_end - 4].split(|b| *b == b'\n').map(|l| l.strip_suffix(b"\r").unwrap_or(l));
        let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
        let mut words = first.split(' ');
        let mut request = Request {
            method: words.next().unwrap_or("").into(),
            target: words.next().unwrap_or("").into(),
            headers: lines.filter_map(field).collect(),
            body: Vec::new(),
            trailers: Vec::new(),
            connection,
            complete: true,
        };
        if request.header("expect").is_some_and(|v| v.eq_ignore_ascii_case("100-continue")) {
            use tokio::io::AsyncWriteExt;
            stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").await?;
        }
        let chunked = request.header("transfer-encoding").is_some_and(|v| v.eq_ignore_ascii_case("chunked"));
        let length = request.header("content-length").and_then(|v| v.parse::<usize>().ok()).unwrap_or(0);
        let whole = if chunked {
            self.chunks(stream, &mut request).await
        } else {
            self.take(stream, length, &mut request.body).await
        };
        request.complete = matches!(whole, Ok(true));
        Ok(Some(request))
    }

    async fn chunks(&mut self, stream: &mut TcpStream, request: &mut Request) -> io::Result<bool> {
        loop {
            let Some(line) = self.line(stream).await? else { return Ok(false) };
            let size = String::from_utf8_lossy(&line);
            let Ok(size) = usize::from_str_radix(size.split(';').next().unwrap_or("").trim(), 16) else {
                return Ok(false);
            };
            if size == 0 {
                break;
            }
            if !self.take(stream, size, &mut request.body).await? || self.line(stream).await?.is_none() {
                return Ok(false);
            }
        }
        loop {
            match self.line(stream).await? {
                None => return Ok(false),
                Some(line) if line.is_empty() => return Ok(true),
                Some(line) => request.trailers.extend(field(&line)),
            }
        }
    }

    async fn line(&mut self, stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(at) = find(&self.bytes, b"\r\n") {
                let line = self.bytes[..at].to_vec();
                self.bytes.drain(..at + 2);
                return Ok(Some(line));
            }
            if !self.more(stream).await? {
                return Ok(None);
            }
        }
    }

    /// Moves `length` bytes into `out`; false when the connection ended first.
    async fn take(&mut self, stream: &mut TcpStream, length: usize, out: &mut Vec<u8>) -> io::Result<bool> {
        let mut missing = length;
        loop {
            let here = missing.min(self.bytes.len());
            out.extend(self.bytes.drain(..here));
            missing -= here;
            if missing == 0 {
                return Ok(true);
            }
            if !self.more(stream).await? {
                return Ok(false);
            }
        }
    }

    async fn more(&mut self, stream: &mut TcpStream) -> io::Result<bool> {
        self.bytes.reserve(64 * 1024);
        Ok(stream.read_buf(&mut self.bytes).await? > 0)
    }
}

fn field(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let colon = line.iter().position(|b| *b == b':')?;
    Some((String::from_utf8_lossy(&line[..colon]).into_owned(), line[colon + 1..].trim_ascii().to_vec()))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}
