//! The server's own seal: a key that it makes at its first start, and what it signs with it.

use chrono::{DateTime, TimeZone, Utc};
use dstu::cms::{Identification, Packaging, Template};
use dstu::issuer::{Authority, Holder, Purpose, Validity};
use dstu::{Certificate, Curve, Entropy, HashAlgorithm, LocalSigner, PrivateKey};
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The private key, little-endian octets, for its owner's eyes only.
const KEY_FILE: &str = "server-key.bin";
/// The certificate, DER: what clients are to trust.
const CERTIFICATE_FILE: &str = "server-certificate.der";

/// Why there is no seal.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// A file could not be read or written.
    #[error("the server's key or certificate: {0}")]
    File(#[from] io::Error),
    /// What is in the folder is no key or no certificate, or one of another.
    #[error("the server's key or certificate in the folder is broken: {0}")]
    Broken(String),
    /// No key could be made.
    #[error("no key could be made: {0}")]
    Making(String),
}

/// Signs the server's answers.
#[derive(Debug)]
pub struct Seal {
    signer: LocalSigner,
    template: Template,
    certificate: Certificate,
}

impl Seal {
    /// The folder's seal; made and kept when there is none.
    ///
    /// # Errors
    /// [`SealError`].
    pub fn open(folder: &Path) -> Result<Self, SealError> {
        let (key_file, certificate_file) = (folder.join(KEY_FILE), folder.join(CERTIFICATE_FILE));
        // The certificate is written last: without it, a key is left of a first start that was cut short.
        if !certificate_file.try_exists()? {
            let (key, certificate) = make()?;
            keep(&key_file, &key.to_little_endian())?;
            keep(&certificate_file, certificate.der())?;
            File::open(folder)?.sync_all()?;
        }
        let broken = |error: &dyn std::fmt::Display| SealError::Broken(error.to_string());
        let key = PrivateKey::from_little_endian(Curve::M257, &std::fs::read(key_file)?)
            .map_err(|error| broken(&error))?;
        let certificate =
            Certificate::from_der(&std::fs::read(certificate_file)?).map_err(|error| broken(&error))?;
        let signer = LocalSigner::new(key, certificate.clone()).map_err(|error| broken(&error))?;
        let template = Template::new(&signer, Identification::KeyId).map_err(|error| broken(&error))?;
        Ok(Self {
            signer,
            template,
            certificate,
        })
    }

    /// The server's certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The content inside a message of the server's.
    ///
    /// # Errors
    /// What failed: a signature that does not verify, or no entropy.
    pub fn sign(&self, content: &[u8]) -> Result<Vec<u8>, String> {
        let entropy = Entropy::from_system().map_err(|error| error.to_string())?;
        self.template
            .sign(&self.signer, content, Packaging::Attached, None, &entropy)
            .map_err(|error| error.to_string())
    }
}

fn make() -> Result<(PrivateKey, Certificate), SealError> {
    let failed = |error: &dyn std::fmt::Display| SealError::Making(error.to_string());
    let entropy = || Entropy::from_system().map_err(|error| failed(&error));
    let key = || PrivateKey::generate(Curve::M257, &entropy()?).map_err(|error| failed(&error));
    let holder = |common_name: &str| Holder {
        common_name: common_name.to_owned(),
        organization: "Countersign sandbox".to_owned(),
        locality: "Київ".to_owned(),
        ..Holder::default()
    };
    let validity = Validity {
        not_before: year(2020),
        not_after: year(2049),
    };
    let name = holder("Вигаданий центр сертифікації");
    let authority = Authority::self_signed(key()?, &name, validity, HashAlgorithm::Kupyna256, &entropy()?)
        .map_err(|error| failed(&error))?;
    let key = key()?;
    let holder = holder("Вигаданий фіскальний сервер");
    let certificate = authority
        .issue(key.public_key(), &holder, Purpose::Signing, validity, &entropy()?)
        .map_err(|error| failed(&error))?;
    Ok((key, certificate))
}

fn year(year: i32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0)
        .single()
        .expect("a year begins once")
}

/// Whole on disk under its name, or not there.
fn keep(path: &Path, octets: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(octets)?;
    file.sync_all()?;
    std::fs::rename(draft, path)
}
