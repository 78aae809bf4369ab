//! Whether a connection without TLS begins as HTTP/2 does: prior knowledge, RFC 9113 section 3.3.
//!
//! A client that knows sends 24 bytes that no request of HTTP/1.1 begins with. They are read here until they differ, and
//! handed on with what follows.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use super::reset::Reset;

const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection whose first bytes have been read.
#[derive(Debug)]
pub(super) struct Begun<IO> {
    first: [u8; PREFACE.len()],
    /// Those of `first` that are still to be handed on.
    from: usize,
    to: usize,
    io: IO,
}

/// Reads as far as it takes to know; true for HTTP/2.
pub(super) async fn read<IO: AsyncRead + Unpin>(mut io: IO) -> io::Result<(bool, Begun<IO>)> {
    let mut first = [0; PREFACE.len()];
    let mut to = 0;
    while to < PREFACE.len() && first[..to] == PREFACE[..to] {
        match io.read(&mut first[to..]).await? {
            0 => break,
            read => to += read,
        }
    }
    Ok((first == *PREFACE, Begun { first, from: 0, to, io }))
}

impl<IO: Reset> Reset for Begun<IO> {
    fn reset(&self) {
        self.io.reset();
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Begun<IO> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.from == this.to {
            return Pin::new(&mut this.io).poll_read(cx, buf);
        }
        let end = this.to.min(this.from + buf.remaining());
        buf.put_slice(&this.first[this.from..end]);
        this.from = end;
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Begun<IO> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().io).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::{PREFACE, read};

    async fn check(bytes: &[u8], expect: bool) {
        for split in 0..=bytes.len() {
            let (head, tail) = bytes.split_at(split);
            let io = tokio::io::join(head.chain(tail), tokio::io::sink());
            let (found, mut begun) = read(io).await.unwrap();
            assert_eq!(found, expect, "{:?}", String::from_utf8_lossy(bytes));
            let mut all = Vec::new();
            begun.read_to_end(&mut all).await.unwrap();
            assert_eq!(all, bytes, "nothing is lost");
        }
    }

    #[tokio::test]
    async fn beginnings() {
        check(&[&PREFACE[..], b"more"].concat(), true).await;
        check(PREFACE, true).await;
        for other in [&b""[..], b"P", b"GET / HTTP/1.1\r\n\r\n", b"PRI * HTTP/1.1\r\n\r\n", &PREFACE[..23]] {
            check(other, false).await;
        }
    }
}
