//! The container of AddContractESignInfo as it came: raw strings, JSON types kept.

use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// Begins the values of ContractVersion that are the gateway's own (containers that follow from a verified one-time password).
pub const RESERVED_VERSION_PREFIX: &str = "countersign-";

/// A parameter of the method, in the order of the document's table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Integration id of the client; the address, mandatory.
    ClientIntegrationId,
    /// Code of the contract; mandatory.
    ContractId,
    /// When it was signed; mandatory.
    SignDate,
    /// Version of the algorithm with which the document was signed.
    ContractVersion,
    /// Links to the signed documents.
    Documents,
    /// How the key reached the user.
    KeyTransport,
    /// The key given to the user for signing.
    UserSignKey,
    /// The caller's hash over the container.
    UserSignHash,
    /// Code of the legal entity.
    CompanyId,
}

impl Field {
    /// All of them, in the document's order, which is also that of the canonical bytes.
    pub const ALL: [Self; 9] = [
        Self::ClientIntegrationId,
        Self::ContractId,
        Self::SignDate,
        Self::ContractVersion,
        Self::Documents,
        Self::KeyTransport,
        Self::UserSignKey,
        Self::UserSignHash,
        Self::CompanyId,
    ];

    /// Its name on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientIntegrationId => "ClientIntegrationId",
            Self::ContractId => "ContractId",
            Self::SignDate => "SignDate",
            Self::ContractVersion => "ContractVersion",
            Self::Documents => "Documents",
            Self::KeyTransport => "KeyTransport",
            Self::UserSignKey => "UserSignKey",
            Self::UserSignHash => "UserSignHash",
            Self::CompanyId => "CompanyId",
        }
    }

    /// The field of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.name() == name)
    }
}

/// A value that may be a JSON integer or a string, and comes back as it came.
#[derive(Clone, PartialEq, Eq)]
pub enum Scalar {
    /// The digits as they stood in the JSON text (`7`, also `7.0`, which JSON Schema counts as an integer), and their value.
    Integer {
        /// As written.
        literal: String,
        /// What it means; two literals of one value name one contract.
        value: i64,
    },
    /// A string.
    Text(String),
}

impl Scalar {
    /// What a hash or a reader sees: the digits as written, or the string.
    #[must_use]
    pub fn raw(&self) -> &str {
        match self {
            Self::Integer { literal, .. } => literal,
            Self::Text(text) => text,
        }
    }

    /// What it names: 1 and "1" are one contract.
    #[must_use]
    pub fn identity(&self) -> Cow<'_, str> {
        match self {
            Self::Integer { value, .. } => Cow::Owned(value.to_string()),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }

    /// The integer of a JSON number's text, if it is one that fits 64 bits: also `7.0` and `7e0`, as far as a double is exact.
    #[must_use]
    pub fn integer(literal: &str) -> Option<Self> {
        // JSON's own grammar: no plus, no leading zeros, no names; and no white space, which the reader would pass over.
        let is_number = literal.starts_with(|first: char| first == '-' || first.is_ascii_digit())
            && literal.ends_with(|last: char| last.is_ascii_digit());
        if !is_number || serde_json::from_str::<&RawValue>(literal).is_err() {
            return None;
        }
        let value = literal.parse::<i64>().ok().or_else(|| whole(literal))?;
        Some(Self::Integer {
            literal: literal.to_owned(),
            value,
        })
    }
}

/// A number with a fraction or an exponent that is whole all the same; none from 2^53 on, where neighbours are the same double.
fn whole(literal: &str) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53
    // The library's own parser: that of serde_json may be off by a bit.
    let float = literal.parse::<f64>().ok()?;
    #[allow(clippy::cast_possible_truncation)] // whole and below 2^53, as checked
    (literal.contains(['.', 'e', 'E']) && float.fract() == 0.0 && float.abs() < EXACT).then_some(float as i64)
}

impl fmt::Debug for Scalar {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer { literal, .. } => formatter.write_str(literal),
            Self::Text(text) => write!(formatter, "{text:?}"),
        }
    }
}

/// One container. Mandatory are the three fields of its address and date; `None` is absence (null in JSON).
#[derive(Clone, PartialEq, Eq)]
pub struct Container {
    /// Integration id of the client; not empty.
    pub client_integration_id: String,
    /// Code of the contract.
    pub contract_id: Scalar,
    /// `dd.MM.yyyy` with or without ` HH:mm:ss`, exactly as it came: the caller's hash depends on it.
    pub sign_date: String,
    /// Version of the algorithm with which the document was signed; chooses the hash algorithm.
    pub contract_version: Option<Scalar>,
    /// Links; need not be URLs.
    pub documents: Option<Vec<String>>,
    /// Free text.
    pub key_transport: Option<String>,
    /// Given to the user; masked by `Debug`.
    pub user_sign_key: Option<String>,
    /// Opaque to the keeper.
    pub user_sign_hash: Option<String>,
    /// Code of the legal entity.
    pub company_id: Option<Scalar>,
    /// SHA-256 of the signed documents; only in containers that follow from a verified one-time password.
    pub documents_sha256: Option<Vec<[u8; 32]>>,
}

impl Container {
    /// A field as text, for hashes: the empty string where it is absent, documents joined by a line feed.
    #[must_use]
    pub fn text(&self, field: Field) -> Cow<'_, str> {
        let optional = |text: &'_ Option<String>| text.clone().unwrap_or_default();
        let raw = |scalar: &Option<Scalar>| {
            scalar
                .as_ref()
                .map_or(String::new(), |scalar| scalar.raw().to_owned())
        };
        match field {
            Field::ClientIntegrationId => Cow::Borrowed(&self.client_integration_id),
            Field::ContractId => Cow::Borrowed(self.contract_id.raw()),
            Field::SignDate => Cow::Borrowed(&self.sign_date),
            Field::ContractVersion => Cow::Owned(raw(&self.contract_version)),
            Field::Documents => Cow::Owned(
                self.documents
                    .as_ref()
                    .map(|links| links.join("\n"))
                    .unwrap_or_default(),
            ),
            Field::KeyTransport => Cow::Owned(optional(&self.key_transport)),
            Field::UserSignKey => Cow::Owned(optional(&self.user_sign_key)),
            Field::UserSignHash => Cow::Owned(optional(&self.user_sign_hash)),
            Field::CompanyId => Cow::Owned(raw(&self.company_id)),
        }
    }
}

impl fmt::Debug for Container {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Container")
            .field("client_integration_id", &self.client_integration_id)
            .field("contract_id", &self.contract_id)
            .field("sign_date", &self.sign_date)
            .field("contract_version", &self.contract_version)
            .field("documents", &self.documents)
            .field("key_transport", &self.key_transport)
            .field("user_sign_key", &self.user_sign_key.as_ref().map(|_| "***"))
            .field("user_sign_hash", &self.user_sign_hash)
            .field("company_id", &self.company_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_integers_however_they_are_written() {
        for (literal, value) in [
            ("0", Some(0)),
            ("-0", Some(0)),
            ("313527", Some(313_527)),
            ("7.0", Some(7)),
            ("7e0", Some(7)),
            ("1E2", Some(100)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("9007199254740991.0", Some(9_007_199_254_740_991)),
            ("9007199254740993.0", None),
            ("007", None),
            ("1.", None),
            (" 1", None),
            ("9999999999999999999", None),
            ("1e300", None),
            ("7.5", None),
            ("+7", None),
            ("inf", None),
            ("NaN", None),
            ("", None),
        ] {
            let found = Scalar::integer(literal).map(|scalar| match scalar {
                Scalar::Integer { value, .. } => value,
                Scalar::Text(_) => unreachable!("an integer"),
            });
            assert_eq!(found, value, "{literal}");
        }
    }

    #[test]
    fn debug_never_shows_the_key() {
        let container = crate::form::tests::example();
        let shown = format!("{container:?}");
        assert!(!shown.contains("0001"), "{shown}");
        assert!(shown.contains("***") && shown.contains("nz2UG1"));
    }
}
