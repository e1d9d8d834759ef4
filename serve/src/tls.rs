//! TLS on a listener: rustls with the `ring` provider, which is passed explicitly and never made the process's default.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem};
use rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The certificate, the key and the rules of a TLS listener: TLS 1.2 and 1.3, HTTP/1.1.
#[derive(Clone)]
pub struct Tls {
    acceptor: TlsAcceptor,
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// Why TLS cannot be offered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is not PEM, or has not what it should have.
    #[error("{} is not PEM, or lacks what belongs into it", path.display())]
    Pem {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        source: pem::Error,
    },
    /// No certificate in the file.
    #[error("{} contains no certificate", .0.display())]
    NoCertificate(PathBuf),
    /// Certificate and key do not belong together, or rustls cannot use them.
    #[error("certificate and key cannot be used")]
    Unusable(#[source] rustls::Error),
    /// A certificate among the client authorities cannot be trusted.
    #[error("{} contains a certificate that cannot be an authority", path.display())]
    Authority {
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
    /// The rules for client certificates cannot be made.
    #[error("client certificates cannot be verified")]
    Verifier(#[source] VerifierBuilderError),
    /// Client certificates are required, and no authority is named that could have issued them.
    #[error("client certificates are required, but no authority for them is configured")]
    RequiredWithoutAuthority,
}

impl Tls {
    /// Reads PEM files: the server's chain (its own certificate first) and key (PKCS#8, PKCS#1 or SEC1).
    ///
    /// With `client_ca`, one or more authorities, clients may show a certificate that one of them issued; with
    /// `require_client_certificate` they must. A certificate of anybody else ends the handshake. Revocation lists are
    /// not consulted.
    ///
    /// # Errors
    /// See [`TlsError`].
    pub fn from_pem_files(
        cert: impl AsRef<Path>,
        key: impl AsRef<Path>,
        client_ca: Option<&Path>,
        require_client_certificate: bool,
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let chain = certificates(cert.as_ref())?;
        let key_path = key.as_ref();
        let key = PrivateKeyDer::from_pem_file(key_path).map_err(|error| pem_error(key_path, error))?;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Unusable)?;
        let builder = match client_ca {
            Some(path) => builder.with_client_cert_verifier(client_verifier(
                path,
                require_client_certificate,
                provider,
            )?),
            None if require_client_certificate => return Err(TlsError::RequiredWithoutAuthority),
            None => builder.with_no_client_auth(),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(TlsError::Unusable)?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }

    pub(crate) async fn handshake(
        &self,
        stream: TcpStream,
        patience: Duration,
    ) -> io::Result<TlsStream<TcpStream>> {
        tokio::time::timeout(patience, self.acceptor.accept(stream)).await?
    }
}

/// The DER of the certificate that the client showed for itself.
pub(crate) fn client_certificate(stream: &TlsStream<TcpStream>) -> Option<Vec<u8>> {
    let (_, session) = stream.get_ref();
    session
        .peer_certificates()
        .and_then(|chain| chain.first())
        .map(|leaf| leaf.to_vec())
}

fn client_verifier(
    path: &Path,
    required: bool,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let mut authorities = RootCertStore::empty();
    for certificate in certificates(path)? {
        authorities
            .add(certificate)
            .map_err(|source| TlsError::Authority {
                path: path.to_owned(),
                source,
            })?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(authorities), provider);
    let builder = if required {
        builder
    } else {
        builder.allow_unauthenticated()
    };
    builder.build().map_err(TlsError::Verifier)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| pem_error(path, error))?;
    if chain.is_empty() {
        Err(TlsError::NoCertificate(path.to_owned()))
    } else {
        Ok(chain)
    }
}

fn pem_error(path: &Path, error: pem::Error) -> TlsError {
    let path = path.to_owned();
    match error {
        pem::Error::Io(source) => TlsError::Read { path, source },
        source => TlsError::Pem { path, source },
    }
}
