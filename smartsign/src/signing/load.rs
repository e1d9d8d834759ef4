//! Keys that the gateway relays: stored as the agent's own API stores them.

use super::rules::Refusal;
use super::{Desk, failed, reason_of};
use crate::keys::container::Fault;
use crate::keys::{self, Upload};
use crate::recorder::audit::Event;
use signing_protocol::{KeyId, KeyUpload, Outcome, RefusalReason};
use std::sync::Arc;
use zeroize::Zeroizing;

impl Desk {
    /// Stores a key under the request's id, so that a repeat, also after a restart, finds what the first one did. Nothing of the upload is
    /// in the journal; the audit log has the key's id and serial number.
    pub(super) async fn load(&self, key: KeyId, upload: KeyUpload) -> Result<Outcome, Refusal> {
        let upload = taken(upload)?;
        let store = Arc::clone(&self.parts.keys);
        let added = tokio::task::spawn_blocking(move || store.add_as(key, upload)).await;
        let facts = match added.map_err(|_| failed("storing the key panicked"))? {
            Ok(facts) => facts,
            Err(keys::Error::Exists(serial)) => return Ok(Outcome::Exists { serial }),
            Err(error) => return Err(Refusal::new(reason(&error), error.to_string())),
        };
        // A repeat is written once more: the first line may have been lost in a crash.
        let serial = facts.serial.clone();
        self.note(Event::KeyAdded { key, serial }).await;
        tracing::info!(%key, serial = %facts.serial, "a key that the gateway relayed was stored");
        Ok(Outcome::Loaded { key: facts })
    }
}

/// Finer than what an unlocking is refused with: gateways from before this method know only those reasons.
fn reason(error: &keys::Error) -> RefusalReason {
    match error {
        keys::Error::TooManyStored => RefusalReason::TooManyKeys,
        keys::Error::IdTaken(_) => RefusalReason::IdReused,
        keys::Error::Fault(Fault::WrongPassword) => RefusalReason::WrongPassword,
        keys::Error::Fault(Fault::NoCertificate) => RefusalReason::CertificateNotFound,
        keys::Error::Fault(Fault::ForeignCertificate) => RefusalReason::CertificateOfAnotherKey,
        keys::Error::Fault(Fault::NotForSigning) => RefusalReason::NotForSigning,
        keys::Error::Fault(_) => RefusalReason::InvalidKey,
        other => reason_of(other),
    }
}

fn taken(upload: KeyUpload) -> Result<Upload, Refusal> {
    let password = std::str::from_utf8(upload.password.expose());
    let password =
        password.map_err(|_| Refusal::new(RefusalReason::WrongPassword, "the password is no UTF-8"))?;
    Ok(Upload {
        container: Zeroizing::new(upload.container.expose().to_vec()),
        password: Zeroizing::new(password.to_owned()),
        certificate: upload.certificate().map(<[u8]>::to_vec),
    })
}
