//! TLS against a server with a pair of its own, and the pool's own corners.

use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;

fn certificate() -> CertificateDer<'static> {
    include_bytes!("testdata/localhost.crt.der").to_vec().into()
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn acceptor() -> TlsAcceptor {
    speaking(&[])
}

/// A server that offers these protocols.
fn speaking(words: &[&[u8]]) -> TlsAcceptor {
    let key = PrivatePkcs8KeyDer::from(include_bytes!("testdata/localhost.key.der").to_vec());
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate()], PrivateKeyDer::from(key))
        .unwrap();
    config.alpn_protocols = words.iter().map(|word| word.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

/// TLS settings that trust the test's pair.
fn trusting() -> Arc<Tls> {
    let mut roots = RootCertStore::empty();
    roots.add(certificate()).unwrap();
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(Tls::of(config))
}

/// Whether the two ends settle on HTTP/2: the server's words, the client's protocol, how it ends.
#[tokio::test]
async fn the_handshake_settles_the_protocol() {
    type Row = (&'static [&'static [u8]], Protocol, Option<bool>);
    let rows: [Row; 6] = [
        (&[b"h2", b"http/1.1"], Protocol::Auto, Some(true)),
        (&[b"http/1.1"], Protocol::Auto, Some(false)),
        (&[], Protocol::Auto, Some(false)),
        (&[b"h2", b"http/1.1"], Protocol::Http2, Some(true)),
        (&[], Protocol::Http2, None),
        (&[b"h2", b"http/1.1"], Protocol::Http1, Some(false)),
    ];
    for (words, protocol, expect) in rows {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let acceptor = speaking(words);
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let stream = acceptor.accept(stream).await.unwrap();
            stream.get_ref().1.alpn_protocol().map(<[u8]>::to_vec)
        });
        let endpoint = Endpoint::parse(&format!("https://localhost:{port}")).unwrap();
        let opened = connect::open(&endpoint, &trusting(), protocol).await;
        let has_http2 = opened.as_ref().ok().map(|opened| matches!(opened, Opened::Shared(..)));
        assert_eq!(has_http2, expect, "{words:?} {protocol:?}");
        let named = server.await.unwrap();
        assert_eq!(named.as_deref() == Some(b"h2"), expect == Some(true), "{words:?} {protocol:?}");
    }
}

/// Answers each request that ends its head with an empty line; counts connections in the body.
async fn serve() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut count = 0;
        while let Ok((stream, _)) = listener.accept().await {
            count += 1;
            let Ok(mut stream) = acceptor().accept(stream).await else { continue };
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while stream.read_buf(&mut seen).await.is_ok_and(|count| count > 0) {
                    if seen.ends_with(b"\r\n\r\n") {
                        seen.clear();
                        let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{count}");
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                }
            });
        }
    });
    port
}

/// One exchange, after which its connection rests.
async fn exchange(pool: &Arc<Connections>) -> Result<Bytes, Broken> {
    let message = Message::new(b"POST / HTTP/1.1\r\nhost: localhost\r\n\r\n".to_vec(), Bytes::new());
    let deadline = Instant::now() + Duration::from_secs(60);
    let (mut connection, _) = pool.call(&message, deadline).await?;
    let body = connection.whole(10).await?;
    pool.rest(connection);
    Ok(body)
}

fn connections(url: &str, tls: Arc<Tls>) -> Arc<Connections> {
    Arc::new(Connections::new(
        Endpoint::parse(url).unwrap(),
        tls,
        ConnectionSettings { max: 2, ..ConnectionSettings::default() },
    ))
}

#[tokio::test]
async fn tls_connections_are_kept() {
    let port = serve().await;
    let pool = connections(&format!("https://localhost:{port}"), trusting());
    for _ in 0..3 {
        assert_eq!(exchange(&pool).await.unwrap(), "1");
    }
}

#[tokio::test]
async fn an_unknown_issuer_or_a_wrong_name_is_refused_before_anything_is_sent() {
    let port = serve().await;
    for (host, tls) in [("localhost", Arc::default()), ("127.0.0.1", trusting())] {
        let pool = connections(&format!("https://{host}:{port}"), tls);
        let broken = exchange(&pool).await.unwrap_err();
        assert!(matches!(&broken, Broken::Unsent(message) if message.contains("certificate")), "{broken:?}");
    }
}

#[tokio::test]
async fn a_host_without_address() {
    let pool = connections("http://no-such-host.invalid", Arc::default());
    let broken = exchange(&pool).await.unwrap_err();
    assert!(matches!(broken, Broken::Unsent(_)), "{broken:?}");
}
