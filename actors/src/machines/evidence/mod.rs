//! Signing evidence: which containers are new ([`ClientBook`]), and what the log looks like after each ([`LogBook`]).

mod client;
mod log;
#[cfg(test)]
mod tests;

pub use client::{AddCommand, Added, ClientBook, ClientCommand, ClientEffect, ClientEvent, Known, Limits};
pub use log::{LogBook, LogCommand, LogEffect, LogEvent, Recording};

use evidence::{Container, Identity};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A client of one integration: the integration's name and its ClientIntegrationId, hashed, since an id may be long and a key may not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClientKey(pub [u8; 32]);

/// A contract of such a client, hashed; 1 and "1" are one contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContractKey(pub [u8; 32]);

/// A legal entity, or none, hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CompanyKey(pub [u8; 16]);

/// Where a container is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Its contract.
    pub contract: ContractKey,
    /// Its legal entity.
    pub company: CompanyKey,
    /// Its version among those of both, from 1.
    pub version: u32,
}

impl ClientKey {
    /// The client of an integration.
    #[must_use]
    pub fn new(integration: &str, client: &str) -> Self {
        Self(hashed(&[integration.as_bytes(), client.as_bytes()]))
    }
}

impl ContractKey {
    /// The contract of an integration's client.
    #[must_use]
    pub fn new(integration: &str, client: &str, contract: &str) -> Self {
        Self(hashed(&[
            integration.as_bytes(),
            client.as_bytes(),
            contract.as_bytes(),
        ]))
    }

    /// The contract that is asked for.
    #[must_use]
    pub fn asked(integration: &str, identity: &Identity) -> Self {
        Self::new(
            integration,
            &identity.client_integration_id,
            &identity.contract_id.identity(),
        )
    }

    /// A container's contract.
    #[must_use]
    pub fn of(integration: &str, container: &Container) -> Self {
        Self::new(
            integration,
            &container.client_integration_id,
            &container.contract_id.identity(),
        )
    }
}

impl CompanyKey {
    /// The company of that code; `None` is a company of its own.
    #[must_use]
    pub fn new(company: Option<&evidence::Scalar>) -> Self {
        let identity = company.map(evidence::Scalar::identity);
        let parts: &[&[u8]] = match &identity {
            None => &[],
            Some(identity) => &[identity.as_bytes()],
        };
        let [first, _] = halves(hashed(parts));
        Self(first)
    }
}

impl Place {
    /// Where the container of a leaf belongs.
    #[must_use]
    pub fn of(leaf: &evidence::Leaf) -> Self {
        Self {
            contract: ContractKey::of(&leaf.integration, &leaf.container),
            company: CompanyKey::new(leaf.container.company_id.as_ref()),
            version: leaf.version,
        }
    }
}

/// SHA-256 over parts, each behind its length.
fn hashed(parts: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    digest.finalize().into()
}

fn halves(hash: [u8; 32]) -> [[u8; 16]; 2] {
    let (first, second) = hash.split_at(16);
    [first, second].map(|half| half.try_into().expect("half of 32 is 16"))
}
