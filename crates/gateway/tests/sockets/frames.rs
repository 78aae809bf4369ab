//! HTTP/2 by hand: frames as a client may send them, good and bad. RFC 9113 section 4.1 for their layout, RFC 7541 for the
//! literals of a head, which are written without compression.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::PATIENCE;

pub const DATA: u8 = 0;
pub const HEADERS: u8 = 1;
pub const RST_STREAM: u8 = 3;
pub const SETTINGS: u8 = 4;
pub const PING: u8 = 6;
pub const GOAWAY: u8 = 7;
pub const WINDOW_UPDATE: u8 = 8;
pub const CONTINUATION: u8 = 9;
pub const END_STREAM: u8 = 1;
pub const END_HEADERS: u8 = 4;
pub const ACK: u8 = 1;

/// One frame that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub kind: u8,
    pub flags: u8,
    pub stream: u32,
    pub payload: Vec<u8>,
}

/// The bytes of a frame.
pub fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = vec![length[1], length[2], length[3], kind, flags];
    bytes.extend_from_slice(&stream.to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

/// A field as a literal without indexing.
pub fn field(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for text in [name, value] {
        match text.len() {
            short @ 0..127 => bytes.push(short as u8),
            mut long => {
                bytes.push(127);
                long -= 127;
                while long >= 128 {
                    bytes.push((long % 128) as u8 | 128);
                    long /= 128;
                }
                bytes.push(long as u8);
            }
        }
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

/// The head of a request.
pub fn head(method: &str, path: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in
        [(":method", method), (":scheme", "http"), (":authority", "localhost"), (":path", path)]
    {
        bytes.extend(field(name, value));
    }
    for (name, value) in more {
        bytes.extend(field(name, value));
    }
    bytes
}

/// A client that knows.
pub struct Client2<IO = TcpStream> {
    pub io: IO,
    seen: Vec<u8>,
}

impl Client2 {
    /// Connects, and begins with these settings (identifier and value).
    pub async fn connect(address: SocketAddr, settings: &[(u16, u32)]) -> Self {
        Self::over(TcpStream::connect(address).await.unwrap(), settings).await
    }
}

impl<IO: AsyncRead + AsyncWrite + Unpin> Client2<IO> {
    pub async fn over(io: IO, settings: &[(u16, u32)]) -> Self {
        let mut client = Self { io, seen: Vec::new() };
        let mut payload = Vec::new();
        for (id, value) in settings {
            payload.extend_from_slice(&id.to_be_bytes());
            payload.extend_from_slice(&value.to_be_bytes());
        }
        client.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await;
        client.send(&frame(SETTINGS, 0, 0, &payload)).await;
        client
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).await.unwrap();
    }

    /// For what the other side may have closed by now.
    pub async fn try_send(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.io.write_all(bytes).await?;
        self.io.flush().await
    }

    /// Asks without a body.
    pub async fn ask(&mut self, stream: u32, path: &str) {
        self.send(&frame(HEADERS, END_HEADERS | END_STREAM, stream, &head("GET", path, &[]))).await;
    }

    /// The next frame; `None` at the end, however it comes.
    pub async fn next(&mut self) -> Option<Frame> {
        tokio::time::timeout(PATIENCE, self.read()).await.expect("a frame, or the end, in time")
    }

    async fn read(&mut self) -> Option<Frame> {
        loop {
            if self.seen.len() >= 9 {
                let length = usize::from(self.seen[0]) << 16
                    | usize::from(self.seen[1]) << 8
                    | usize::from(self.seen[2]);
                if self.seen.len() >= 9 + length {
                    let rest = self.seen.split_off(9 + length);
                    let whole = std::mem::replace(&mut self.seen, rest);
                    let stream = u32::from_be_bytes([whole[5], whole[6], whole[7], whole[8]]);
                    return Some(Frame {
                        kind: whole[3],
                        flags: whole[4],
                        stream,
                        payload: whole[9..].to_vec(),
                    });
                }
            }
            match self.io.read_buf(&mut self.seen).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Frames until one is as wanted, which is the last of them; all until the end if there is none.
    pub async fn until(&mut self, wanted: impl Fn(&Frame) -> bool) -> Vec<Frame> {
        let mut frames = Vec::new();
        while let Some(frame) = self.next().await {
            let found = wanted(&frame);
            frames.push(frame);
            if found {
                break;
            }
        }
        frames
    }

    /// The body of the answer on `stream`, until its end.
    pub async fn body(&mut self, stream: u32) -> String {
        let frames = self.until(|frame| {
            frame.stream == stream && frame.kind != WINDOW_UPDATE && frame.flags & END_STREAM != 0
        });
        let frames = frames.await;
        assert!(frames.last().is_some_and(|frame| frame.kind != RST_STREAM), "{frames:?}");
        let own = frames.iter().filter(|frame| frame.stream == stream && frame.kind == DATA);
        String::from_utf8(own.flat_map(|frame| frame.payload.clone()).collect()).unwrap()
    }

    /// Whether nothing comes for a moment but acknowledgements.
    pub async fn is_silent(&mut self, moment: Duration) -> bool {
        loop {
            match tokio::time::timeout(moment, self.read()).await {
                Err(_) => return true,
                Ok(Some(frame)) if matches!(frame.kind, SETTINGS | PING | WINDOW_UPDATE) => {}
                Ok(_) => return false,
            }
        }
    }
}
