//! Opening a connection: resolve, connect, TLS, HTTP/1.1.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout};
use tokio_rustls::TlsConnector;

use super::Connection;
use crate::endpoint::Endpoint;

/// For one address; a host with several is tried one after the other.
const CONNECT: Duration = Duration::from_secs(3);
/// Addresses that are tried at most.
const ADDRESSES: usize = 8;
/// Silence before the first probe. NAT gateways forget a connection after 350 s, a call may last 900.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// The process's TLS settings, made at the first https connection: reading the system's certificates is slow.
#[derive(Debug, Default)]
pub(crate) struct Tls(OnceCell<Arc<ClientConfig>>);

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
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self::of(config))
    }

    pub(super) fn of(config: ClientConfig) -> Self {
        Self(OnceCell::new_with(Some(Arc::new(config))))
    }

    async fn connector(&self) -> Result<TlsConnector, String> {
        let config = self.0.get_or_try_init(|| async {
            let made = tokio::task::spawn_blocking(settings).await;
            made.map_err(|_| "the TLS settings could not be made".to_owned())?
        });
        Ok(TlsConnector::from(Arc::clone(config.await?)))
    }
}

fn settings() -> Result<Arc<ClientConfig>, String> {
    let mut config =
        builder()?.with_platform_verifier().map_err(|error| crate::chain(&error))?.with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, String> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| crate::chain(&error))
}

/// A new connection to `endpoint`, ready for a request.
pub(super) async fn open(endpoint: &Endpoint, tls: &Tls) -> Result<Connection, String> {
    let stream = connect(endpoint).await?;
    // Both are wishes: a connection without them works.
    let _ = stream.set_nodelay(true);
    let _ = socket2::SockRef::from(&stream)
        .set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(KEEP_ALIVE));
    if endpoint.tls {
        let name = ServerName::try_from(endpoint.host.clone()).map_err(|error| crate::chain(&error))?;
        let stream =
            tls.connector().await?.connect(name, stream).await.map_err(|error| crate::chain(&error))?;
        let (sender, driver) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| crate::chain(&error))?;
        Ok(Connection { sender, driver: Some(Box::pin(driver)), since: Instant::now() })
    } else {
        let (sender, driver) =
            http1::handshake(TokioIo::new(stream)).await.map_err(|error| crate::chain(&error))?;
        Ok(Connection { sender, driver: Some(Box::pin(driver)), since: Instant::now() })
    }
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
