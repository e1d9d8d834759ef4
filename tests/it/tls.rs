//! TLS on the partners' listener, with and without client certificates, under authorities made for the test.

use crate::client::{Call, Connection, connect};
use crate::world::{ORAGH_KEY, SEND, Setup, World, inputs};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, in PEM.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Its own certificate, in PEM.
    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn issue(&self, name: &str) -> Issued {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        Issued {
            certificate: params.signed_by(&key, &self.0).unwrap().pem(),
            key: key.serialize_pem(),
        }
    }
}

/// Which client certificates the listener asks for.
enum Clients {
    Any,
    Welcome,
    Required,
}

struct Secured {
    world: World,
    authority: Authority,
    _files: tempfile::TempDir,
}

fn start(clients: &Clients) -> Secured {
    let authority = Authority::new();
    let files = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| -> PathBuf {
        let path = files.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let server = authority.issue("localhost");
    let (certificate, key) = (
        write("server.pem", &server.certificate),
        write("server.key", &server.key),
    );
    let ca = write("ca.pem", &authority.pem());
    let world = Setup::default()
        .config(|config| {
            config.public.tls_certificate_file = Some(certificate);
            config.public.tls_key_file = Some(key);
            config.public.tls_client_ca_file = (!matches!(clients, Clients::Any)).then_some(ca);
            config.public.tls_client_certificate_required = matches!(clients, Clients::Required);
        })
        .start();
    Secured {
        world,
        authority,
        _files: files,
    }
}

impl Secured {
    /// Sends over TLS; an error where the handshake fails.
    fn send(&self, trusted: &Authority, shown: Option<&Issued>) -> std::io::Result<u64> {
        let mut roots = RootCertStore::empty();
        roots.add(trusted.0.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match shown {
            None => builder.with_no_client_auth(),
            Some(issued) => {
                let chain =
                    CertificateDer::pem_slice_iter(issued.certificate.as_bytes()).collect::<Result<_, _>>();
                let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(chain.unwrap(), key).unwrap()
            }
        };
        let name = ServerName::try_from("localhost").unwrap();
        let session = ClientConnection::new(Arc::new(config), name).unwrap();
        let stream: StreamOwned<_, TcpStream> =
            StreamOwned::new(session, connect(self.world.partner.address));
        let mut connection = Connection::over(stream);
        connection.try_write(&Call::post(SEND, &inputs()).bearer(ORAGH_KEY).wire())?;
        Ok(connection.read()?.reason())
    }
}

#[test]
fn a_partner_that_trusts_the_authority_is_served_over_tls() {
    let secured = start(&Clients::Any);
    assert_eq!(secured.send(&secured.authority, None).unwrap(), 11);
    assert_eq!(secured.send(&secured.authority, None).unwrap(), 9);
    assert!(
        secured.send(&Authority::new(), None).is_err(),
        "a partner that trusts another authority goes away"
    );
}

#[test]
fn a_listener_with_tls_speaks_no_plain_http_and_the_other_one_does() {
    let secured = start(&Clients::Any);
    let mut plain = secured.world.partner.begin(Call::post(SEND, &inputs()));
    assert!(
        plain.read_bytes().iter().all(|byte| *byte != b'{'),
        "at most an alert comes back"
    );
    assert_eq!(secured.world.admin.get("/livez").status, 200);
    assert_eq!(secured.world.messages(), 0);
}

#[test]
fn a_required_client_certificate_must_be_shown_and_be_of_the_authority() {
    let secured = start(&Clients::Required);
    let good = secured.authority.issue("partner");
    let foreign = Authority::new().issue("partner");
    assert!(secured.send(&secured.authority, None).is_err());
    assert!(secured.send(&secured.authority, Some(&foreign)).is_err());
    assert_eq!(secured.world.messages(), 0);
    assert_eq!(secured.send(&secured.authority, Some(&good)).unwrap(), 11);
}

#[test]
fn a_client_certificate_that_is_welcome_may_be_missing_but_not_foreign() {
    let secured = start(&Clients::Welcome);
    let foreign = Authority::new().issue("partner");
    assert_eq!(secured.send(&secured.authority, None).unwrap(), 11);
    assert!(secured.send(&secured.authority, Some(&foreign)).is_err());
    let good = secured.authority.issue("partner");
    assert_eq!(secured.send(&secured.authority, Some(&good)).unwrap(), 9);
}
