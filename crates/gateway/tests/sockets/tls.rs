//! Listeners that serve TLS.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lambridge_gateway::StartError;
use lambridge_model::{Http2, Target, Tls, Upstream};
use rcgen::{BasicConstraints, Certificate, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::frames::Client2;
use crate::support::verdict;
use crate::world::{Client, PATIENCE, World, start};

/// Issues certificates, which stand in files of a folder.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer, folder: tempfile::tempdir().unwrap() }
    }

    fn issue(&self) -> (Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        (params.signed_by(&key, &self.issuer).unwrap(), key)
    }

    /// A new certificate, in files that a listener may name.
    fn tls(&self) -> Tls {
        let (certificate, key) = self.issue();
        Tls {
            cert_file: self.file("tls.crt", &certificate.pem()),
            key_file: self.file("tls.key", &key.serialize_pem()),
            client_ca_file: None,
        }
    }

    /// As [`Authority::tls`], for clients with a certificate of the same authority.
    fn mutual_tls(&self) -> Tls {
        Tls { client_ca_file: Some(self.file("ca.crt", &self.issuer.pem())), ..self.tls() }
    }

    fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// A client that trusts this authority, with a certificate of `own` if there is one.
    fn client(&self, own: Option<&Authority>) -> TlsConnector {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match own.map(Authority::issue) {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
                config.with_client_auth_cert(vec![certificate.der().clone()], key).unwrap()
            }
        };
        TlsConnector::from(Arc::new(config))
    }
}

async fn shake(world: &World, client: &TlsConnector) -> std::io::Result<TlsStream<TcpStream>> {
    let stream = TcpStream::connect(world.address).await.unwrap();
    client.connect(ServerName::try_from("localhost").unwrap(), stream).await
}

/// One request on a connection of its own, over TLS.
async fn get(world: &World, client: &TlsConnector) -> String {
    Client::over(shake(world, client).await.unwrap()).get("/").await
}

/// In TLS 1.3 a server refuses a client's certificate after the client thinks that all is well; a refusal shows either
/// in the handshake or as an end without an answer.
async fn refused(world: &World, client: &TlsConnector) {
    if let Ok(stream) = shake(world, client).await {
        let mut stream = Client::over(stream);
        stream.ask("/").await;
        assert_eq!(stream.end().await, "");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_handshake_and_a_request() {
    let authority = Authority::new();
    let world = start(|model| model.listeners[0].tls = Some(authority.tls())).await;
    let answer = get(&world, &authority.client(None)).await;
    assert!(verdict(&answer).0 == 200 && answer.ends_with("\r\n\r\nok"), "{answer}");
    let event = world.lambda.requests()[0].text();
    assert!(event.contains(r#""x-forwarded-proto":"https""#), "{event}");
    assert_eq!(world.lines.now().len(), 1);
    // Whom the client does not trust it does not talk to; that is the client's own affair.
    assert!(shake(&world, &Authority::new().client(None)).await.is_err());
    assert_eq!(verdict(&get(&world, &authority.client(None)).await).0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_show_a_certificate() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let world = start(|model| model.listeners[0].tls = Some(authority.mutual_tls())).await;
    refused(&world, &authority.client(None)).await;
    refused(&world, &authority.client(Some(&stranger))).await;
    assert!(world.lambda.requests().is_empty());
    let answer = get(&world, &authority.client(Some(&authority))).await;
    assert!(verdict(&answer).0 == 200, "{answer}");
    assert_eq!(world.lambda.requests().len(), 1);
    assert_eq!(world.lines.now().len(), 1, "no request, no line");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_handshake_costs_its_connection_only() {
    let authority = Authority::new();
    let world = start(|model| {
        model.listeners[0].tls = Some(authority.tls());
        model.limits.head_timeout = Duration::from_millis(200);
    })
    .await;
    let client = authority.client(None);
    let mut kept = Client::over(shake(&world, &client).await.unwrap());
    let silent = Client::connect(world.address).await;
    for bytes in [&b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"[..], b"\x16\x03\x01\xff\xff\x01", b"\0\0\0\0"] {
        let mut broken = Client::connect(world.address).await;
        broken.send(bytes).await;
        let said = broken.end().await;
        assert!(!said.contains("HTTP/"), "{bytes:?}: {said:?}");
        assert_eq!(verdict(&kept.get("/").await).0, 200, "an open connection goes on");
        assert_eq!(verdict(&get(&world, &client).await).0, 200, "new ones come");
    }
    assert_eq!(silent.end().await, "", "a handshake has as long as a head");
    // Who leaves in the middle of it does not matter either.
    drop(Client::connect(world.address).await);
    assert_eq!(verdict(&get(&world, &client).await).0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_brings_a_new_certificate_to_new_connections() {
    let (old, new) = (Authority::new(), Authority::new());
    let world = start(|model| model.listeners[0].tls = Some(old.tls())).await;
    let mut kept = Client::over(shake(&world, &old.client(None)).await.unwrap());

    // The same paths, so that nothing but the files' content has changed.
    let (certificate, key) = new.issue();
    old.file("tls.crt", &certificate.pem());
    let unfit = world.gateway.reload(world.model.clone()).await;
    assert!(matches!(unfit, Err(StartError::Problems(_))), "the new certificate with the old key");
    assert_eq!(verdict(&get(&world, &old.client(None)).await).0, 200, "the old one serves on");

    old.file("tls.key", &key.serialize_pem());
    world.gateway.reload(world.model.clone()).await.unwrap();
    assert_eq!(verdict(&get(&world, &new.client(None)).await).0, 200);
    assert!(shake(&world, &old.client(None)).await.is_err());
    assert_eq!(verdict(&kept.get("/").await).0, 200, "an open connection keeps its keys");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drain_does_not_wait_for_a_handshake() {
    let authority = Authority::new();
    let world = start(|model| {
        model.listeners[0].tls = Some(authority.tls());
        model.limits.head_timeout = Duration::from_secs(3600);
        model.drain.deadline = Duration::from_secs(3600);
    })
    .await;
    let mut silent = Client::connect(world.address).await;
    silent.send(b"\x16\x03\x01").await;
    assert_eq!(
        verdict(&get(&world, &authority.client(None)).await).0,
        200,
        "it was accepted before this one"
    );
    tokio::time::timeout(PATIENCE, world.gateway.drain()).await.expect("nothing is in flight");
    assert_eq!(silent.end().await, "");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_may_bring_tls_itself() {
    let authority = Authority::new();
    let world = start(|_| {}).await;
    let mut plain = Client::connect(world.address).await;
    assert_eq!(verdict(&plain.get("/").await).0, 200);
    let mut model = world.model.clone();
    model.listeners[0].tls = Some(authority.tls());
    world.gateway.reload(model).await.unwrap();
    assert_eq!(world.gateway.addresses(), [world.address]);
    assert_eq!(verdict(&get(&world, &authority.client(None)).await).0, 200);
    let mut late = Client::connect(world.address).await;
    late.ask("/").await;
    assert!(!late.end().await.contains("HTTP/"), "no plain answers any more");
    assert_eq!(verdict(&plain.get("/").await).0, 200, "an open connection stays as it is");
}

/// The client offers protocols, the listener chooses (ALPN, RFC 7301).
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn http2_by_the_clients_choice() {
    let authority = Authority::new();
    for (http2, expect) in [(Http2::Auto, Some(&b"h2"[..])), (Http2::Off, Some(b"http/1.1"))] {
        let world = start(|model| {
            model.listeners[0].tls = Some(authority.tls());
            model.listeners[0].http2 = http2;
        })
        .await;
        let mut client = authority.client(None);
        let mut config = (**client.config()).clone();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        client = TlsConnector::from(Arc::new(config));
        let stream = shake(&world, &client).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), expect);
        if http2 == Http2::Auto {
            let mut client = Client2::over(stream, &[]).await;
            client.ask(1, "/").await;
            assert_eq!(client.body(1).await, "ok");
            let event = world.lambda.requests()[0].text();
            assert!(event.contains(r#""x-forwarded-proto":"https""#), "{event}");
        } else {
            assert!(Client::over(stream).get("/").await.ends_with("ok"));
        }
    }
}

/// A gateway before another one: the service's certificate is checked, by the authority that the route names.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_show_a_certificate() {
    let authority = Authority::new();
    let service = start(|model| model.listeners[0].tls = Some(authority.tls())).await;
    let url = format!("https://localhost:{}", service.address.port());
    let before = async |ca_file| {
        start(|model| {
            model.routes[0].target = Target::Upstream(Upstream { ca_file, ..Upstream::new(url.clone()) });
        })
        .await
    };
    let trusting = before(Some(authority.file("own.crt", &authority.issuer.pem()))).await;
    let answer = Client::connect(trusting.address).await.get("/").await;
    assert!(verdict(&answer).0 == 200 && answer.ends_with("ok"), "{answer}");
    for ca_file in [None, Some(authority.file("other.crt", &Authority::new().issuer.pem()))] {
        let stranger = before(ca_file).await;
        let answer = Client::connect(stranger.address).await.get("/").await;
        assert_eq!(verdict(&answer), (502, "upstream_error".to_owned()), "{answer}");
    }
    assert_eq!(service.lambda.requests().len(), 1);
}
