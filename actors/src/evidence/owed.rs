//! What a verified one-time password owes: a container in the evidence log. The debt is a row in the batch of the verification; it is paid, and
//! the row taken away, in the batch of the leaf. So it is paid once, whatever crashes in between.

use crate::ids::ChallengeId;
use evidence::{Container, Scalar};
use serde::{Deserialize, Serialize};
use storage::record::Record;

/// The ContractVersion of such containers: reserved, so that no caller's container can be taken for one.
pub const OTP_CONTRACT_VERSION: &str = "countersign-otp/1";

/// A debt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwedEvidence {
    /// The verified code.
    pub challenge: ChallengeId,
    /// The integration that the invoker is bound to.
    pub integration: String,
    /// The send's ClientIntegrationId, or the customer's code.
    pub client_integration_id: String,
    /// ContractId as it came: the digits of an integer, or a string.
    pub contract_id: OwedContract,
    /// When it was verified, in seconds since 1970.
    pub verified_seconds: i64,
    /// The SMS operator.
    pub key_transport: String,
    /// SHA-256 of the signed documents.
    pub documents_sha256: Vec<[u8; 32]>,
}

/// A ContractId with the type in which it came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OwedContract {
    /// An integer's digits, as written.
    Integer(String),
    /// A string.
    Text(String),
}

impl From<Scalar> for OwedContract {
    fn from(scalar: Scalar) -> Self {
        match scalar {
            Scalar::Integer { literal, .. } => Self::Integer(literal),
            Scalar::Text(text) => Self::Text(text),
        }
    }
}

impl OwedEvidence {
    /// The container that pays it: the same, however often it is made.
    #[must_use]
    pub fn container(&self) -> Container {
        let contract_id = match &self.contract_id {
            OwedContract::Integer(literal) => {
                Scalar::integer(literal).unwrap_or_else(|| Scalar::Text(literal.clone()))
            }
            OwedContract::Text(text) => Scalar::Text(text.clone()),
        };
        let documents = &self.documents_sha256;
        Container {
            client_integration_id: self.client_integration_id.clone(),
            contract_id,
            sign_date: evidence::show_date(self.verified_seconds),
            contract_version: Some(Scalar::Text(OTP_CONTRACT_VERSION.to_owned())),
            documents: None,
            key_transport: Some(self.key_transport.clone()),
            // A reference to the challenge, never the code.
            user_sign_key: Some(format!("challenge:{}", self.challenge)),
            user_sign_hash: None,
            company_id: None,
            documents_sha256: (!documents.is_empty()).then(|| documents.clone()),
        }
    }
}

impl Record for OwedEvidence {
    const NAME: &'static str = "owed evidence";
    const VERSION: u8 = 1;
}
