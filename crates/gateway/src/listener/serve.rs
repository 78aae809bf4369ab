//! One accepted connection: TLS, then HTTP/1.1 or HTTP/2.
//!
//! HTTP/1.1 goes through the head guard to hyper, and ends politely; HTTP/2 has its own bounds ([`super::h2`]). Which of
//! them it is, says the handshake of TLS, or the first bytes where the listener lets clients without TLS know. The
//! pipeline above does not mind.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use http::Version;
use http_body::Body as _;
use hyper::server::conn::http1 as conn;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use lambridge_model::Http2;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use super::reset::Reset;
use super::{h2, origin, preface};
use crate::Shared;
use crate::attended::Attended;
use crate::connection::{Connection, Exchange};
use crate::head_guard::{HeadGuard, Waits};
use crate::headers::Ends;
use crate::pipeline;

/// Where a connection was accepted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) configured: SocketAddr,
    pub(super) local: SocketAddr,
    pub(super) peer: SocketAddr,
}

/// Serves one connection to its end.
pub(super) async fn connection(
    stream: TcpStream,
    shared: Arc<Shared>,
    place: Place,
    tls: Option<Arc<ServerConfig>>,
    mut stopped: watch::Receiver<bool>,
) {
    let Some(config) = tls else {
        // Not within the `match`, which would hold the snapshot for as long as the connection lasts.
        let http2 = shared.snapshot.load().http2_of(place.configured);
        return match http2 {
            Http2::Cleartext => Box::pin(either(stream, shared, place, stopped)).await,
            Http2::Auto | Http2::Off => http1(stream, shared, place, false, stopped).await,
        };
    };
    let wait = shared.snapshot.load().model.limits.head_timeout;
    let shaken = tokio::time::timeout(wait, TlsAcceptor::from(config).accept(stream));
    // A handshake is no request yet: a listener that stops does not wait for it.
    let shaken = tokio::select! {
        biased;
        _ = stopped.wait_for(|&stop| stop) => return,
        shaken = shaken => shaken,
    };
    // Who speaks no TLS, or too slowly, gets nothing: there is no channel to say it on.
    if let Ok(Ok(stream)) = shaken {
        // A TLS session is large; a plain connection must not carry its size.
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            let ends = Ends::new(place.peer, place.local, true);
            Box::pin(h2::serve(stream, shared, ends, place.configured, stopped)).await;
        } else {
            Box::pin(http1(stream, shared, place, true, stopped)).await;
        }
    }
}

/// Without TLS, as the first bytes say.
async fn either(stream: TcpStream, shared: Arc<Shared>, place: Place, mut stopped: watch::Receiver<bool>) {
    let wait = shared.snapshot.load().model.limits.idle;
    let begun = tokio::select! {
        biased;
        _ = stopped.wait_for(|&stop| stop) => return,
        begun = tokio::time::timeout(wait, preface::read(stream)) => begun,
    };
    match begun {
        Ok(Ok((true, stream))) => {
            let ends = Ends::new(place.peer, place.local, false);
            h2::serve(stream, shared, ends, place.configured, stopped).await;
        }
        Ok(Ok((false, stream))) => http1(stream, shared, place, false, stopped).await,
        // It broke, or nothing came: there is no request to answer.
        Ok(Err(_)) | Err(_) => {}
    }
}

async fn http1<IO: AsyncRead + AsyncWrite + Reset + Unpin + Send + 'static>(
    io: IO,
    shared: Arc<Shared>,
    place: Place,
    tls: bool,
    mut stopped: watch::Receiver<bool>,
) {
    let limits = shared.snapshot.load().model.limits.clone();
    let connection = Arc::new(Connection {
        shared,
        ends: Ends::new(place.peer, place.local, tls),
        listener: place.configured,
        exchange: Exchange::default(),
    });
    let waits = Waits { head: limits.head_timeout, idle: limits.idle };
    let guard = HeadGuard::new(io, limits.head, waits, connection.clone());
    let service = service_fn(|mut request| {
        let refused = connection.exchange.begin().or_else(|| origin::take_authority(&mut request).err());
        let own = connection.clone();
        let has_chunks = request.version() >= Version::HTTP_11;
        Attended::new(connection.clone(), async move {
            let answer = pipeline::serve(own.clone(), request, refused).await;
            if !has_chunks && answer.body().size_hint().exact().is_none() {
                own.exchange.endless.store(true, Ordering::Relaxed);
            }
            // A streamed answer goes on: the connection is idle when it has ended.
            if !answer.body().is_stream() {
                own.exchange.end();
            }
            Ok::<_, std::convert::Infallible>(answer)
        })
    });
    let mut http = conn::Builder::new()
        .timer(TokioTimer::new())
        // The guard keeps the time of heads, with an answer that says so.
        .header_read_timeout(None)
        .max_buf_size(limits.head.saturating_add(8 << 10).max(400 << 10))
        .serve_connection(TokioIo::new(guard), service);
    let ended = {
        let mut stop = pin!(stopped.wait_for(|&stop| stop));
        let mut stopping = false;
        loop {
            tokio::select! {
                biased;
                ended = poll_fn(|cx| {
                    let polled = http.poll_without_shutdown(cx);
                    // hyper may write the end of a stream after its last look at the socket. It must look again: that is
                    // how the guard learns that the connection is idle from now on.
                    let again = polled.is_pending() && connection.exchange.ended.swap(false, Ordering::Relaxed);
                    if again { http.poll_without_shutdown(cx) } else { polled }
                }) => break ended,
                _ = &mut stop, if !stopping => {
                    stopping = true;
                    std::pin::Pin::new(&mut http).graceful_shutdown();
                }
            }
        }
    };
    let guard = http.into_parts().io.into_inner();
    if ended.is_ok() {
        close(guard).await;
    } else if connection.exchange.endless.load(Ordering::Relaxed) {
        guard.into_inner().reset();
    }
}

/// Ends the sending side, then takes what the client still sends for a while: closing a socket with unread bytes
/// resets it, and the answer could be lost on its way.
async fn close<IO: AsyncRead + AsyncWrite + Unpin>(guard: HeadGuard<IO>) {
    let unread = guard.expects_more();
    let mut io = guard.into_inner();
    let polite = async {
        io.shutdown().await?;
        let mut scrap = [0; 4096];
        let mut left = if unread { 1_usize << 20 } else { 0 };
        while left > 0 {
            match io.read(&mut scrap).await? {
                0 => break,
                read => left = left.saturating_sub(read),
            }
        }
        std::io::Result::Ok(())
    };
    // Neither outcome changes anything: the connection is over.
    let _ = tokio::time::timeout(Duration::from_secs(1), Box::pin(polite)).await;
}
