//! TLS with and without client certificates, under an authority made for the test.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serve::{Ending, Limits, Peer, Tls, TlsError};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use warp::Filter as _;

use crate::support::{Client, Running, held_routes, limits, soon, start_with};

struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap(),
        }
    }

    /// Certificate and key, in PEM.
    fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (
            params.signed_by(&key, &self.issuer).unwrap().pem(),
            key.serialize_pem(),
        )
    }
}

/// The files of a server, and what its clients need.
struct World {
    authority: Authority,
    directory: TempDir,
}

impl World {
    fn new() -> Self {
        let authority = Authority::new();
        let world = Self {
            directory: tempfile::tempdir().unwrap(),
            authority,
        };
        let (certificate, key) = world.authority.issue("localhost");
        world.write("server.pem", &certificate);
        world.write("server.key", &key);
        world.write("ca.pem", &world.authority.issuer.pem());
        world
    }

    fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn tls(&self, with_authority: bool, required: bool) -> Result<Tls, TlsError> {
        let authority = self.path("ca.pem");
        let authority = with_authority.then_some(authority.as_path());
        Tls::from_pem_files(
            self.path("server.pem"),
            self.path("server.key"),
            authority,
            required,
        )
    }

    async fn serve(&self, with_authority: bool, required: bool) -> Running {
        let routes = warp::ext::get::<Peer>().map(|peer: Peer| match peer.certificate {
            Some(certificate) => certificate.iter().map(|byte| format!("{byte:02x}")).collect(),
            None => "nobody".to_owned(),
        });
        let tls = self.tls(with_authority, required).unwrap();
        start_with(warp::service(routes), limits(), Some(tls)).await
    }

    /// Connects with the certificate and key given, if any.
    async fn connect(
        &self,
        server: &Running,
        identity: Option<&(String, String)>,
    ) -> std::io::Result<Client<TlsStream<TcpStream>>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
                builder
                    .with_client_auth_cert(vec![der(certificate)], key)
                    .unwrap()
            }
        };
        let stream = TcpStream::connect(server.address).await?;
        let name = ServerName::try_from("localhost").unwrap();
        Ok(Client::new(
            soon(TlsConnector::from(Arc::new(config)).connect(name, stream)).await?,
        ))
    }
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test]
async fn tls_serves_clients_without_a_certificate() {
    let world = World::new();
    let server = world.serve(false, false).await;
    let mut client = world.connect(&server, None).await.unwrap();
    assert_eq!(client.get("/").await.body, "nobody");
    assert_eq!(client.get("/").await.body, "nobody", "the connection is kept");
}

#[tokio::test]
async fn an_optional_client_certificate_is_seen_where_it_is_shown() {
    let world = World::new();
    let server = world.serve(true, false).await;
    let identity = world.authority.issue("partner");
    let mut client = world.connect(&server, Some(&identity)).await.unwrap();
    assert_eq!(client.get("/").await.body, hexadecimal(&der(&identity.0)));
    let mut anonymous = world.connect(&server, None).await.unwrap();
    assert_eq!(anonymous.get("/").await.body, "nobody");
}

#[tokio::test]
async fn a_required_client_certificate_must_be_of_our_authority() {
    let world = World::new();
    let mut server = world.serve(true, true).await;
    let identity = world.authority.issue("partner");
    let mut client = world.connect(&server, Some(&identity)).await.unwrap();
    assert_eq!(client.get("/").await.body, hexadecimal(&der(&identity.0)));
    drop(client);
    assert_ne!(server.closed().await, Ending::Handshake);

    let stranger = Authority::new().issue("partner");
    for identity in [None, Some(&stranger)] {
        // With TLS 1.3 the client's side is complete before the server judges its certificate.
        if let Ok(mut refused) = world.connect(&server, identity).await {
            assert!(refused.is_ended().await);
        }
        assert_eq!(server.closed().await, Ending::Handshake);
    }
}

#[tokio::test]
async fn a_handshake_that_does_not_come_is_not_waited_for() {
    let world = World::new();
    let (service, _told, _release) = held_routes();
    let limits = Limits {
        handshake_timeout: Duration::from_millis(200),
        ..limits()
    };
    let mut server = start_with(service, limits, Some(world.tls(false, false).unwrap())).await;
    let mut client = server.client().await;
    assert!(client.is_ended().await);
    assert_eq!(server.closed().await, Ending::Handshake);
    let mut plain = server.client().await;
    plain.send("GET / HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(server.closed().await, Ending::Handshake);
}

#[tokio::test]
async fn a_drain_ends_handshakes_and_finishes_requests() {
    let world = World::new();
    let (service, mut told, release) = held_routes();
    let mut server = start_with(service, limits(), Some(world.tls(false, false).unwrap())).await;
    let mut client = world.connect(&server, None).await.unwrap();
    client.send("GET /held HTTP/1.1\r\nhost: t\r\n\r\n").await;
    assert_eq!(soon(told.recv()).await, Some("entered"));
    let mut halfway = server.client().await;
    server.shut_down();
    assert!(halfway.is_ended().await);
    release.notify_one();
    assert_eq!(client.answer().await.body, "released");
    assert_eq!(server.report().await.finished, 1);
}

#[test]
fn files_that_cannot_be_used_are_named() {
    let world = World::new();
    let (_, other_key) = world.authority.issue("localhost");
    let (certificate, key) = (world.path("server.pem"), world.path("server.key"));
    let (missing, empty) = (world.path("missing.pem"), world.write("empty.pem", ""));
    let other_key = world.write("other.key", &other_key);
    let load = |certificate: &PathBuf, key: &PathBuf| Tls::from_pem_files(certificate, key, None, false);

    assert!(matches!(load(&missing, &key), Err(TlsError::Read { path, .. }) if path == missing));
    assert!(matches!(load(&certificate, &missing), Err(TlsError::Read { path, .. }) if path == missing));
    assert!(matches!(load(&empty, &key), Err(TlsError::NoCertificate(path)) if path == empty));
    assert!(matches!(load(&certificate, &empty), Err(TlsError::Pem { path, .. }) if path == empty));
    assert!(matches!(
        load(&certificate, &other_key),
        Err(TlsError::Unusable(_))
    ));
    assert!(matches!(
        world.tls(false, true),
        Err(TlsError::RequiredWithoutAuthority)
    ));
    let authority = Tls::from_pem_files(&certificate, &key, Some(&empty), true);
    assert!(matches!(authority, Err(TlsError::NoCertificate(path)) if path == empty));
}
