//! Signed messages judged with `dstu` before anybody uses them, a few at a time, beside the runtime's workers.

use crate::ports::{SignatureVerifier, Unfit};
use dstu::Certificate;
use dstu::HashAlgorithm;
use dstu::cms::SignedData;
use dstu::der::oid;
use sha2::{Digest, Sha256};
use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

/// Judgements that are remembered: a register judges again what the delivery judged a moment ago, and pays a hash for it.
const REMEMBERED_MAX: usize = 4_096;
/// Judgements that may wait for a thread, for each that runs: half a second of work. What comes beyond is delivered again.
const WAITING_FOR_EACH: usize = 256;

/// Judges attached CAdES signatures of DSTU 4145: one signer, its certificate inside, the exact content inside.
///
/// Who issued the certificate and whether it is revoked is the tax service's to judge, which has it registered for the cashier.
#[derive(Default)]
pub struct DstuVerifier {
    held: Mutex<Remembered>,
}

#[derive(Default)]
struct Remembered {
    all: HashSet<[u8; 32]>,
    order: VecDeque<[u8; 32]>,
}

/// A message that holds.
pub struct Signed {
    message: SignedData,
    certificate: Certificate,
}

impl Signed {
    /// Reads a message and judges everything in it but whose it is.
    ///
    /// # Errors
    /// [`Unfit::Broken`].
    pub fn read(cms: &[u8]) -> Result<Self, Unfit> {
        let message = SignedData::from_der(cms).map_err(|_| Unfit::Broken)?;
        let certificate = {
            let verdicts = message.verify(None, &[]);
            match verdicts.as_slice() {
                [verdict] if verdict.holds() => verdict.certificate.cloned(),
                _ => None,
            }
        };
        let is_document = message.content_type() == oid::DATA && message.content().is_some();
        match certificate {
            Some(certificate) if is_document && has_its_own_key_id(&certificate) => {
                Ok(Self { message, certificate })
            }
            _ => Err(Unfit::Broken),
        }
    }

    /// What was signed.
    pub fn content(&self) -> &[u8] {
        self.message.content().unwrap_or_default()
    }

    /// The signer's certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }
}

/// The identifier is the key's own, by the hash that the certificate's key goes with: anybody can write another one into a certificate
/// that they made themselves.
fn has_its_own_key_id(certificate: &Certificate) -> bool {
    let (Some(id), Ok(key)) = (certificate.subject_key_id(), certificate.public_key()) else {
        return false;
    };
    let hashes = [
        HashAlgorithm::Gost34311,
        HashAlgorithm::Kupyna256,
        HashAlgorithm::Kupyna384,
        HashAlgorithm::Kupyna512,
    ];
    hashes.into_iter().any(|hash| key.key_id(hash) == id)
}

impl SignatureVerifier for DstuVerifier {
    fn verify(&self, cms: &[u8], content: &[u8], subject_key_id: &str) -> Result<(), Unfit> {
        let question = question(cms, content, subject_key_id);
        if self.held().all.contains(&question) {
            return Ok(());
        }
        let signed = Signed::read(cms)?;
        if signed.content() != content {
            return Err(Unfit::OtherContent);
        }
        let id = signed.certificate().subject_key_id().unwrap_or_default();
        if signing_protocol::HexOctets(id.to_vec()).to_string() != subject_key_id {
            return Err(Unfit::OtherKey);
        }
        let mut held = self.held();
        if held.order.len() >= REMEMBERED_MAX
            && let Some(oldest) = held.order.pop_front()
        {
            held.all.remove(&oldest);
        }
        if held.all.insert(question) {
            held.order.push_back(question);
        }
        Ok(())
    }
}

impl DstuVerifier {
    fn held(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One name for all three, none of which can flow into another.
fn question(cms: &[u8], content: &[u8], subject_key_id: &str) -> [u8; 32] {
    let parts = [cms, content, subject_key_id.as_bytes()].map(Sha256::digest);
    Sha256::digest(parts.concat()).into()
}

/// A bounded number of judgements at once, each on a thread of its own.
pub struct Judges {
    running: Semaphore,
    admitted: Semaphore,
    verifier: Arc<dyn SignatureVerifier>,
}

/// As many judgements wait as may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overrun;

impl Judges {
    /// With so many threads.
    pub fn new(threads: usize, verifier: Arc<dyn SignatureVerifier>) -> Self {
        let threads = threads.max(1);
        Self {
            running: Semaphore::new(threads),
            admitted: Semaphore::new(threads * WAITING_FOR_EACH),
            verifier,
        }
    }

    /// Who judges.
    pub fn verifier(&self) -> Arc<dyn SignatureVerifier> {
        Arc::clone(&self.verifier)
    }

    /// Does one judgement. A panic in it is an unfit signature.
    ///
    /// # Errors
    /// [`Overrun`].
    pub async fn judge<T: Send + 'static>(
        &self,
        judgement: impl FnOnce() -> Result<T, Unfit> + Send + 'static,
    ) -> Result<Result<T, Unfit>, Overrun> {
        let _admitted = self.admitted.try_acquire().map_err(|_| Overrun)?;
        let _running = self.running.acquire().await.map_err(|_| Overrun)?;
        let judged = tokio::task::spawn_blocking(judgement).await;
        Ok(judged.unwrap_or(Err(Unfit::Broken)))
    }
}
