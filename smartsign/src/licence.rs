//! The licence in force: read from its file, verified offline against the gateway's keys, judged anew at every use.

use crate::clock::Clock;
use crate::lock::{read, write};
use crate::vault::files;
use signing_protocol::{AgentId, LICENCE_TOKEN_OCTETS_MAX, Licence, LicenceFault, LicenceToken, PublicKey};
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

/// Why nothing may be signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unlicensed {
    /// There is none.
    #[error(
        "there is no licence: ask the gateway's operator for one, for the public key that `smartsign identity` prints"
    )]
    Missing,
    /// It does not hold.
    #[error(transparent)]
    Fault(#[from] LicenceFault),
}

impl Unlicensed {
    /// A name for programs: `missing`, `malformed`, `foreign`, `other_instance`, `not_yet`, `expired`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Fault(LicenceFault::Malformed) => "malformed",
            Self::Fault(LicenceFault::Foreign) => "foreign",
            Self::Fault(LicenceFault::OtherInstance(_)) => "other_instance",
            Self::Fault(LicenceFault::NotYet(_)) => "not_yet",
            Self::Fault(LicenceFault::Expired(_)) => "expired",
        }
    }
}

type Verified = Result<(LicenceToken, Licence), Unlicensed>;

/// The licence's desk.
pub struct Licences {
    path: PathBuf,
    gateway: Vec<PublicKey>,
    instance: PublicKey,
    clock: Arc<dyn Clock>,
    verified: RwLock<Verified>,
}

impl Licences {
    /// Reads the file, if it is there; a licence that does not hold is kept to be shown.
    ///
    /// # Errors
    /// The disk's.
    pub fn open(
        path: PathBuf,
        gateway: Vec<PublicKey>,
        instance: PublicKey,
        clock: Arc<dyn Clock>,
    ) -> std::io::Result<Self> {
        let verified = match files::read_if_there(&path)? {
            Some(octets) => verify(&String::from_utf8_lossy(&octets), &gateway),
            None => Err(Unlicensed::Missing),
        };
        Ok(Self {
            path,
            gateway,
            instance,
            clock,
            verified: RwLock::new(verified),
        })
    }

    /// Puts another licence in force, if it holds now or will; written to the file.
    ///
    /// # Errors
    /// Outside, the disk's; inside, why it is no licence for this instance.
    pub fn install(&self, text: &str) -> std::io::Result<Result<Licence, Unlicensed>> {
        let verified = verify(text, &self.gateway).and_then(|(token, licence)| {
            match licence.judge(&self.instance, self.clock.now()) {
                // One for next year may be installed before.
                Ok(()) | Err(LicenceFault::NotYet(_)) => Ok((token, licence)),
                Err(fault) => Err(fault.into()),
            }
        });
        match verified {
            Err(unlicensed) => Ok(Err(unlicensed)),
            Ok((token, licence)) => {
                files::replace(&self.path, token.0.as_bytes())?;
                *write(&self.verified) = Ok((token, licence.clone()));
                Ok(Ok(licence))
            }
        }
    }

    /// The licence, if it holds now.
    ///
    /// # Errors
    /// [`Unlicensed`].
    pub fn valid(&self) -> Result<Licence, Unlicensed> {
        self.valid_with_token().map(|(_, licence)| licence)
    }

    /// The licence and its token, if it holds now.
    ///
    /// # Errors
    /// [`Unlicensed`].
    pub fn valid_with_token(&self) -> Verified {
        let (token, licence) = read(&self.verified).clone()?;
        licence.judge(&self.instance, self.clock.now())?;
        Ok((token, licence))
    }

    /// The licence, whether it holds now or not.
    pub fn known(&self) -> Option<Licence> {
        read(&self.verified)
            .as_ref()
            .ok()
            .map(|(_, licence)| licence.clone())
    }

    /// Who this agent is, by its licence.
    pub fn agent(&self) -> Option<AgentId> {
        read(&self.verified)
            .as_ref()
            .ok()
            .map(|(_, licence)| licence.agent)
    }
}

fn verify(text: &str, gateway: &[PublicKey]) -> Verified {
    if text.len() > LICENCE_TOKEN_OCTETS_MAX {
        return Err(LicenceFault::Malformed.into());
    }
    let token = LicenceToken(text.trim().to_owned());
    let licence = token.verify(gateway)?;
    Ok((token, licence))
}
