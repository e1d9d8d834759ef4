//! The bodies of the three methods: JSON read as it stands, every wrong field named at once.

use crate::container::{Container, Field, RESERVED_VERSION_PREFIX, Scalar};
use crate::date::{self, DateFault};
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::fmt;

/// Links of one container: more than any contract has documents.
pub const DOCUMENTS_MAX: usize = 100;
/// Characters of a string: longer than any URL that servers take.
pub const CHARACTERS_MAX: usize = 2_048;

/// One wrong field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Which; `None` where the body as a whole is wrong.
    pub field: Option<&'static str>,
    /// In which way.
    pub kind: WrongKind,
    /// For people; never repeats what was sent.
    pub message: String,
}

/// In which way something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrongKind {
    /// It is absent, null, or the API's "empty" date.
    Missing,
    /// Its type or form is wrong.
    Invalid,
    /// It has more characters, or more elements, than are taken.
    TooLong,
    /// It stands in the object more than once, so that nobody can say which one is meant.
    Repeated,
}

impl Wrong {
    fn field(field: &'static str, kind: WrongKind, message: impl Into<String>) -> Self {
        Self {
            field: Some(field),
            kind,
            message: message.into(),
        }
    }

    /// `SignDateInvalid`: the field's name (or `Body`) and the kind.
    #[must_use]
    pub fn code(&self) -> String {
        let kind = match self.kind {
            WrongKind::Missing => "Missing",
            WrongKind::Invalid => "Invalid",
            WrongKind::TooLong => "TooLong",
            WrongKind::Repeated => "Repeated",
        };
        format!("{}{kind}", self.field.unwrap_or("Body"))
    }
}

/// Whose containers are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Integration id of the client.
    pub client_integration_id: String,
    /// Code of the contract.
    pub contract_id: Scalar,
    /// Code of the legal entity; `None` asks for those of every company.
    pub company_id: Option<Scalar>,
}

/// An object's known fields, each with its text.
#[derive(Default)]
struct Fields<'a> {
    known: Vec<(Field, &'a RawValue)>,
    api_key: Option<&'a RawValue>,
    repeated: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    fn get(&self, field: Field) -> Option<&'a RawValue> {
        let found = self.known.iter().find(|(known, _)| *known == field)?.1;
        (found.get() != "null").then_some(found)
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
                let mut fields = Fields::default();
                while let Some(name) = map.next_key::<String>()? {
                    if name == API_KEY {
                        let earlier = fields.api_key.replace(map.next_value()?);
                        fields.repeated.extend(earlier.map(|_| API_KEY));
                    } else if let Some(field) = Field::named(&name) {
                        let is_known = fields.known.iter().any(|(known, _)| *known == field);
                        fields.repeated.extend(is_known.then_some(field.name()));
                        fields.known.push((field, map.next_value()?));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

const API_KEY: &str = "ApiKey";

/// A body that was read, with the integration's key where it stood inside.
#[derive(Debug)]
pub struct Read<T> {
    /// The `ApiKey` of the body, where there is one that is a string.
    pub api_key: Option<String>,
    /// What the body says, or every field that is wrong, in the document's order.
    pub content: Result<T, Vec<Wrong>>,
}

/// The body of AddContractESignInfo.
#[must_use]
pub fn read_container(body: &[u8]) -> Read<Container> {
    read(body, |judge| {
        let client_integration_id = judge.mandatory(Field::ClientIntegrationId, address);
        let contract_id = judge.mandatory(Field::ContractId, named);
        let sign_date = judge.mandatory(Field::SignDate, sign_date);
        let contract_version = judge.optional(Field::ContractVersion, version);
        let documents = judge.optional(Field::Documents, links);
        let key_transport = judge.optional(Field::KeyTransport, text);
        let user_sign_key = judge.optional(Field::UserSignKey, text);
        let user_sign_hash = judge.optional(Field::UserSignHash, text);
        let company_id = judge.optional(Field::CompanyId, named);
        Some(Container {
            client_integration_id: client_integration_id?,
            contract_id: contract_id?,
            sign_date: sign_date?,
            contract_version,
            documents,
            key_transport,
            user_sign_key,
            user_sign_hash,
            company_id,
            documents_sha256: None,
        })
    })
}

/// The body of GetContractESignInfo and VerifyContractESignInfo.
#[must_use]
pub fn read_identity(body: &[u8]) -> Read<Identity> {
    read(body, |judge| {
        let client_integration_id = judge.mandatory(Field::ClientIntegrationId, address);
        let contract_id = judge.mandatory(Field::ContractId, named);
        let company_id = judge.optional(Field::CompanyId, named);
        Some(Identity {
            client_integration_id: client_integration_id?,
            contract_id: contract_id?,
            company_id,
        })
    })
}

fn read<T>(body: &[u8], content: impl FnOnce(&mut Judge<'_>) -> Option<T>) -> Read<T> {
    let fields = match serde_json::from_slice::<Fields<'_>>(body) {
        Ok(fields) => fields,
        Err(error) => {
            let (line, column) = (error.line(), error.column());
            let wrong = Wrong {
                field: None,
                kind: WrongKind::Invalid,
                message: format!("the body must be a JSON object in UTF-8 (line {line}, column {column})"),
            };
            return Read {
                api_key: None,
                content: Err(vec![wrong]),
            };
        }
    };
    let api_key = fields
        .api_key
        .and_then(|raw| serde_json::from_str(raw.get()).ok());
    let mut judge = Judge {
        wrong: Vec::new(),
        fields: &fields,
    };
    let content = content(&mut judge);
    let mut wrong = judge.wrong;
    for name in &fields.repeated {
        wrong.retain(|wrong| wrong.field != Some(name));
        wrong.push(Wrong::field(
            name,
            WrongKind::Repeated,
            "stands in the object more than once",
        ));
    }
    let content = match content {
        Some(content) if wrong.is_empty() => Ok(content),
        _ => Err(wrong),
    };
    Read { api_key, content }
}

/// Collects what is wrong.
struct Judge<'a> {
    wrong: Vec<Wrong>,
    fields: &'a Fields<'a>,
}

/// What is wrong with one value.
type Fault = (WrongKind, String);

impl Judge<'_> {
    fn mandatory<T>(&mut self, field: Field, parse: impl Fn(&str) -> Result<T, Fault>) -> Option<T> {
        if self.fields.get(field).is_none() {
            self.wrong
                .push(Wrong::field(field.name(), WrongKind::Missing, "is mandatory"));
        }
        self.optional(field, parse)
    }

    fn optional<T>(&mut self, field: Field, parse: impl Fn(&str) -> Result<T, Fault>) -> Option<T> {
        match parse(self.fields.get(field)?.get()) {
            Ok(value) => Some(value),
            Err((kind, message)) => {
                self.wrong.push(Wrong::field(field.name(), kind, message));
                None
            }
        }
    }
}

fn invalid(message: &str) -> Fault {
    (WrongKind::Invalid, message.to_owned())
}

fn bounded(text: String) -> Result<String, Fault> {
    // Bytes first: no text with fewer bytes has more characters.
    if text.len() > CHARACTERS_MAX && text.chars().count() > CHARACTERS_MAX {
        return Err((
            WrongKind::TooLong,
            format!("may have {CHARACTERS_MAX} characters at most"),
        ));
    }
    Ok(text)
}

fn text(raw: &str) -> Result<String, Fault> {
    bounded(serde_json::from_str(raw).map_err(|_| invalid("must be a string"))?)
}

fn address(raw: &str) -> Result<String, Fault> {
    match text(raw)? {
        text if text.is_empty() => Err(invalid("must not be empty")),
        text => Ok(text),
    }
}

fn scalar(raw: &str) -> Result<Scalar, Fault> {
    let wrong = || invalid("must be a string, or an integer of 64 bits");
    if raw.starts_with('"') {
        return bounded(serde_json::from_str(raw).map_err(|_| wrong())?).map(Scalar::Text);
    }
    bounded(raw.to_owned())?;
    Scalar::integer(raw).ok_or_else(wrong)
}

fn named(raw: &str) -> Result<Scalar, Fault> {
    match scalar(raw)? {
        Scalar::Text(text) if text.is_empty() => Err(invalid("must not be empty")),
        named => Ok(named),
    }
}

fn version(raw: &str) -> Result<Scalar, Fault> {
    match scalar(raw)? {
        Scalar::Text(text) if text.starts_with(RESERVED_VERSION_PREFIX) => Err(invalid(
            "must not begin with \"countersign-\": such versions are the gateway's own",
        )),
        version => Ok(version),
    }
}

fn sign_date(raw: &str) -> Result<String, Fault> {
    let text = text(raw)?;
    match date::check(&text) {
        Ok(()) => Ok(text),
        Err(DateFault::Empty) => Err((
            WrongKind::Missing,
            "is mandatory, and 01.01.1900 means none".to_owned(),
        )),
        Err(DateFault::Impossible) => Err(invalid("must be dd.MM.yyyy or dd.MM.yyyy HH:mm:ss, and exist")),
    }
}

fn links(raw: &str) -> Result<Vec<String>, Fault> {
    let links: Vec<&RawValue> =
        serde_json::from_str(raw).map_err(|_| invalid("must be an array of strings"))?;
    if links.len() > DOCUMENTS_MAX {
        return Err((
            WrongKind::TooLong,
            format!("may have {DOCUMENTS_MAX} elements at most"),
        ));
    }
    let link = |(index, raw): (usize, &&RawValue)| {
        text(raw.get()).map_err(|(kind, message)| (kind, format!("element {index} {message}")))
    };
    links.iter().enumerate().map(link).collect()
}

#[cfg(test)]
#[path = "form_tests.rs"]
pub(crate) mod tests;
