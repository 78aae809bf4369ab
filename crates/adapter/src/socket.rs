//! The bytes of a connection: TCP, or a Unix socket.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};

use crate::settings::Endpoint;

/// A loopback peer accepts at once or not at all; the bound is for hosts that swallow packets.
const CONNECT: Duration = Duration::from_secs(10);

/// A connected one.
#[derive(Debug)]
pub enum Socket {
    /// `host:port`.
    Tcp(TcpStream),
    /// A path.
    Unix(UnixStream),
}

/// A fresh connection.
pub async fn connect(endpoint: &Endpoint) -> io::Result<Socket> {
    match &endpoint.socket {
        Some(path) => within(UnixStream::connect(path)).await.map(Socket::Unix),
        None => {
            let stream = within(TcpStream::connect((endpoint.host.as_str(), endpoint.port))).await?;
            stream.set_nodelay(true)?;
            unpaced(&stream);
            Ok(Socket::Tcp(stream))
        }
    }
}

/// Where the system's congestion control paces what it sends, as BBR does, a timer goes off for each 64 KB, and that costs
/// as much as copying them. On the way to a peer on the same machine there is nothing to pace for.
fn unpaced(stream: &TcpStream) {
    if stream.peer_addr().is_ok_and(|peer| peer.ip().is_loopback()) {
        // Every Linux has it, and allows it to all; where it is refused nothing is lost but time.
        let _ = SockRef::from(stream).set_tcp_congestion(b"reno");
    }
}

async fn within<T>(connecting: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    tokio::time::timeout(CONNECT, connecting).await.map_err(|_| io::ErrorKind::TimedOut)?
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_read(cx, into),
            Socket::Unix(stream) => Pin::new(stream).poll_read(cx, into),
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write(cx, bytes),
            Socket::Unix(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
            Socket::Unix(stream) => Pin::new(stream).poll_write_vectored(cx, parts),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_flush(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Socket::Tcp(stream) => Pin::new(stream).poll_shutdown(cx),
            Socket::Unix(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nothing_is_paced_on_the_way_to_this_machine() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let endpoint = Endpoint::local(port);
        let Ok(Socket::Tcp(stream)) = connect(&endpoint).await else { panic!("no connection") };
        let algorithm = SockRef::from(&stream).tcp_congestion().unwrap();
        assert!(algorithm.starts_with(b"reno"), "{}", String::from_utf8_lossy(&algorithm));
    }
}
