//! Opening a connection: resolve, connect, TLS, and the version of HTTP that both ends speak.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use lambridge_model::Protocol;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::io::Io;
use super::links::{STREAMS, Status};
use super::{Connection, Payload, Sender};
use crate::endpoint::Endpoint;

/// For one address; a host with several is tried one after the other.
const CONNECT: Duration = Duration::from_secs(3);
/// Addresses that are tried at most.
const ADDRESSES: usize = 8;
/// Silence before the first probe. NAT gateways forget a connection after 350 s, a call may last 900.
const KEEP_ALIVE: Duration = Duration::from_secs(60);
/// HTTP/2: a link with calls that says nothing for so long is asked, and closed if it does not answer for as long again.
const PING: Duration = Duration::from_secs(30);
/// HTTP/2: what a stream may have on its way, or held back by a client that does not read. All streams of a link together
/// must fit into the window of the connection, or a few slow clients would hold up the calls of all others. At 100 ms of
/// distance it lets 2.5 MB/s through, which is more than Lambda streams.
const STREAM_WINDOW: u32 = 256 << 10;
const LINK_WINDOW: u32 = STREAM_WINDOW * STREAMS as u32;

const HTTP2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

/// The process's TLS settings, made at the first https connection: reading the system's certificates is slow.
#[derive(Debug, Default)]
pub(crate) struct Tls(OnceCell<Arc<ClientConfig>>);

/// What was opened.
pub(super) enum Opened {
    /// For one call at a time.
    Own(Connection),
    /// For many.
    Shared(http2::SendRequest<Payload>, Arc<Status>),
}

impl Tls {
    /// Settings that trust these authorities, in PEM, and no others.
    pub(crate) fn trusting(authorities: &[u8]) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(authorities) {
            let certificate = certificate.map_err(|error| error.to_string())?;
            roots.add(certificate).map_err(|error| crate::chain(&error))?;
        }
        if roots.is_empty() {
            return Err("no CERTIFICATE block".to_owned());
        }
        let mut config = builder()?.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![HTTP1.to_vec()];
        Ok(Self::of(config))
    }

    pub(super) fn of(config: ClientConfig) -> Self {
        Self(OnceCell::new_with(Some(Arc::new(config))))
    }

    async fn connector(&self, protocol: Protocol) -> Result<TlsConnector, String> {
        let config = self.0.get_or_try_init(|| async {
            let made = tokio::task::spawn_blocking(settings).await;
            made.map_err(|_| "the TLS settings could not be made".to_owned())?
        });
        let config = Arc::clone(config.await?);
        if protocol == Protocol::Http1 {
            return Ok(TlsConnector::from(config));
        }
        // Links are few and last long: their settings are made anew for each.
        let mut config = ClientConfig::clone(&config);
        config.alpn_protocols = match protocol {
            Protocol::Http2 => vec![HTTP2.to_vec()],
            Protocol::Http1 | Protocol::Auto => vec![HTTP2.to_vec(), HTTP1.to_vec()],
        };
        Ok(TlsConnector::from(Arc::new(config)))
    }
}

fn settings() -> Result<Arc<ClientConfig>, String> {
    let mut config =
        builder()?.with_platform_verifier().map_err(|error| crate::chain(&error))?.with_no_client_auth();
    config.alpn_protocols = vec![HTTP1.to_vec()];
    Ok(Arc::new(config))
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| crate::chain(&error))
}

/// A new connection to `endpoint`, ready for a request.
pub(super) async fn open(endpoint: &Endpoint, tls: &Tls, protocol: Protocol) -> Result<Opened, String> {
    let (io, has_http2) = dial(endpoint, tls, protocol).await?;
    if has_http2 { shared(io).await } else { own(io).await }
}

/// The bytes of a new connection, and whether HTTP/2 is to be spoken over it.
pub(super) async fn dial(endpoint: &Endpoint, tls: &Tls, protocol: Protocol) -> Result<(Io, bool), String> {
    let stream = connect(endpoint).await?;
    // Both are wishes: a connection without them works.
    let _ = stream.set_nodelay(true);
    let _ = socket2::SockRef::from(&stream)
        .set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(KEEP_ALIVE));
    if !endpoint.tls {
        return Ok((Io::Plain(stream), protocol == Protocol::Http2));
    }
    let name = ServerName::try_from(endpoint.host.clone()).map_err(|error| crate::chain(&error))?;
    let connector = tls.connector(protocol).await?;
    let shaken = timeout(CONNECT, connector.connect(name, stream)).await;
    let shaken = shaken.map_err(|_| "the TLS handshake has no end".to_owned())?;
    let stream = shaken.map_err(|error| crate::chain(&error))?;
    let has_http2 = stream.get_ref().1.alpn_protocol() == Some(HTTP2);
    match protocol {
        Protocol::Http2 if !has_http2 => Err("the server does not speak HTTP/2".to_owned()),
        Protocol::Http1 => Ok((Io::Tls(Box::new(stream)), false)),
        Protocol::Http2 | Protocol::Auto => Ok((Io::Tls(Box::new(stream)), has_http2)),
    }
}

async fn own(stream: Io) -> Result<Opened, String> {
    let opened = http1::handshake(TokioIo::new(stream)).await;
    let (sender, driver) = opened.map_err(|error| crate::chain(&error))?;
    let sender = Sender::Own(sender);
    Ok(Opened::Own(Connection { sender, driver: Some(Box::pin(driver)) }))
}

async fn shared(stream: Io) -> Result<Opened, String> {
    let opened = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING)
        // No stream before the server says how many it takes: it would refuse what is more.
        .initial_max_send_streams(0)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(LINK_WINDOW)
        .max_header_list_size(super::http1::HEAD as u32)
        .handshake(TokioIo::new(stream))
        .await;
    let (sender, mut driver) = opened.map_err(|error| crate::chain(&error))?;
    let status = Arc::<Status>::default();
    let told = Arc::clone(&status);
    tokio::spawn(async move {
        let mut settled = pin!(told.settled.notified());
        let mut is_settled = false;
        let driven = poll_fn(|cx| {
            is_settled = is_settled || settled.as_mut().poll(cx).is_ready();
            let polled = Pin::new(&mut driver).poll(cx);
            if is_settled {
                told.room.store(driver.current_max_send_streams(), Ordering::Relaxed);
            }
            polled
        });
        // How it ended, its calls learn by themselves.
        let _ = driven.await;
        told.retired.store(true, Ordering::Relaxed);
    });
    Ok(Opened::Shared(sender, status))
}

async fn connect(endpoint: &Endpoint) -> Result<TcpStream, String> {
    let host = (endpoint.host.as_str(), endpoint.port);
    let addresses = tokio::net::lookup_host(host).await.map_err(|error| crate::chain(&error))?;
    let mut last = format!("`{}` has no address", endpoint.host);
    for address in addresses.take(ADDRESSES) {
        match timeout(CONNECT, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => last = failure(address, &crate::chain(&error)),
            Err(_) => last = failure(address, "no answer"),
        }
    }
    Err(last)
}

fn failure(address: SocketAddr, why: &str) -> String {
    format!("connecting to {address}: {why}")
}
