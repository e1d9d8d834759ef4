//! The bodies of CM-S02, parsed at the door.

use super::form::whole;
use super::problem::{Code, Problem};
use actors::ids::{ContactId, ContractTypeId, CustomerId, InvokerCode};
use actors::machines::otp::{Binding, CLIENT_REFERENCE_BYTES_MAX, Reason};
use actors::otp::{EvidenceInputs, Inputs};
use actors::secret::Otp;
use evidence::Scalar;
use serde_json::{Map, Value};
use uuid::Uuid;

/// The longest ContractId, as in the record of signed contracts.
const CONTRACT_ID_CHARACTERS_MAX: usize = 2_048;
/// The most documents that a code can be bound to, as there.
const DOCUMENTS_MAX: usize = 100;

/// Parses a send's body.
pub fn parse_send(body: &[u8]) -> Result<Inputs, Problem> {
    let fields = Fields::new(body)?;
    let inputs = fields.inputs();
    let client = fields.optional(
        "ClientIntegrationId",
        "a string of 1 to 64 visible ASCII characters",
        client_reference,
    );
    let inputs = inputs.zip(client).map(|(mut inputs, client)| {
        inputs.evidence.client = client;
        inputs
    });
    fields.finish(inputs)
}

/// Parses a verification's body.
pub fn parse_verify(body: &[u8]) -> Result<(Inputs, Otp), Problem> {
    let fields = Fields::new(body)?;
    let inputs = fields.inputs();
    let code = fields.take("Otp", Reason::OtpMismatch, "a string", |value| {
        value.as_str().map(Otp::typed)
    });
    fields.finish(inputs.zip(code))
}

/// Collects every wrong field, so that one answer names them all; the first in the document's order decides the Reason.
struct Fields {
    object: Map<String, Value>,
    wrong: std::cell::RefCell<Vec<(Reason, String)>>,
}

impl Fields {
    fn new(body: &[u8]) -> Result<Self, Problem> {
        match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => Ok(Self {
                object,
                wrong: std::cell::RefCell::default(),
            }),
            Ok(_) => Err(Problem::new(Code::InvalidBody, "the body must be a JSON object")),
            Err(error) => {
                let detail = format!(
                    "the body is no JSON (line {}, column {})",
                    error.line(),
                    error.column()
                );
                Err(Problem::new(Code::InvalidBody, detail))
            }
        }
    }

    fn inputs(&self) -> Option<Inputs> {
        // In the order of the document's steps, which is the order of the Reasons.
        let invoker = self.take("InvokerCode", Reason::InvalidInvoker, "a string", |value| {
            value.as_str().map(guid)
        });
        let contract_type = self.take(
            "ContractTypeId",
            Reason::InvalidContractType,
            "an integer",
            integer,
        );
        let customer = self.take("CcmsCode", Reason::CustomerNotFound, "an Int64", integer);
        let contact = self.take("ContactCcmsCode", Reason::ContactNotFound, "an Int64", integer);
        let contract_id = self.optional(
            "ContractId",
            "a string of at most 2,048 characters, or an integer",
            contract_id,
        );
        let documents = self.optional(
            "DocumentsSha256",
            "an array of at most 100 SHA-256 digests in hexadecimal",
            digests,
        );
        let documents = documents?.unwrap_or_default();
        let contract_id = contract_id?;
        Some(Inputs {
            customer: CustomerId(customer?),
            contact: ContactId(contact?),
            contract_type: u8::try_from(contract_type?).ok().map(ContractTypeId),
            invoker: invoker?,
            binding: Binding::to(contract_id.as_deref(), &documents),
            trace: None,
            evidence: EvidenceInputs {
                client: None,
                contract_id: self.object.get("ContractId").and_then(scalar),
                documents_sha256: documents,
            },
        })
    }

    /// A mandatory field: missing, null and of the wrong type are told apart in words only.
    fn take<T>(
        &self,
        name: &str,
        reason: Reason,
        expected: &str,
        parse: impl Fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let problem = match self.object.get(name) {
            None => "is missing".to_owned(),
            Some(Value::Null) => format!("is null; it must be {expected}"),
            Some(value) => match parse(value) {
                Some(parsed) => return Some(parsed),
                None => format!("must be {expected}"),
            },
        };
        self.wrong
            .borrow_mut()
            .push((reason, format!("{name} {problem}")));
        None
    }

    /// An optional field: null is absence.
    fn optional<T>(
        &self,
        name: &str,
        expected: &str,
        parse: impl Fn(&Value) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.object.get(name) {
            None | Some(Value::Null) => Some(None),
            Some(_) => self.take(name, Reason::Unknown, expected, parse).map(Some),
        }
    }

    fn finish<T>(&self, parsed: Option<T>) -> Result<T, Problem> {
        let wrong = self.wrong.borrow();
        match (parsed, wrong.first()) {
            (Some(parsed), None) => Ok(parsed),
            (_, first) => {
                let reason = first.map_or(Reason::Unknown, |(reason, _)| *reason);
                let detail = wrong
                    .iter()
                    .map(|(_, text)| text.as_str())
                    .collect::<Vec<_>>()
                    .join("; ");
                Err(Problem::new(Code::InvalidField, detail).reason(reason))
            }
        }
    }
}

/// A GUID: hyphenated, plain or braced, any case. Another string is no type error but an invalid invoker.
fn guid(text: &str) -> Option<InvokerCode> {
    let plain = text
        .strip_prefix('{')
        .map_or(Some(text), |rest| rest.strip_suffix('}'))?;
    let hyphenated = plain.len() == 36 || plain.len() == 32;
    // `Uuid::parse_str` also takes URNs and braces of its own; the lengths leave only the two forms that are meant.
    if hyphenated {
        Uuid::parse_str(plain).ok().map(InvokerCode)
    } else {
        None
    }
}

/// An integer of JSON: also `7.0` and `7e0`, which JSON Schema counts as integers, as far as a double is exact.
fn integer(value: &Value) -> Option<i64> {
    let number = value.as_number()?;
    if let Some(integer) = number.as_i64() {
        return Some(integer);
    }
    whole(number.as_f64().filter(|_| number.is_f64())?)
}

/// 1 and "1" are one contract.
fn contract_id(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        other => integer(other)?.to_string(),
    };
    (text.chars().count() <= CONTRACT_ID_CHARACTERS_MAX).then_some(text)
}

/// As the evidence keeps it: in the type in which it came.
fn scalar(value: &Value) -> Option<Scalar> {
    match value {
        Value::String(text) if !text.is_empty() => Some(Scalar::Text(text.clone())),
        Value::Number(number) => Scalar::integer(&number.to_string()),
        _ => None,
    }
}

fn client_reference(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let fits = (1..=CLIENT_REFERENCE_BYTES_MAX).contains(&text.len());
    (fits && text.bytes().all(|byte| byte.is_ascii_graphic())).then(|| text.to_owned())
}

fn digests(value: &Value) -> Option<Vec<[u8; 32]>> {
    let array = value.as_array().filter(|array| array.len() <= DOCUMENTS_MAX)?;
    array.iter().map(|digest| hex_digest(digest.as_str()?)).collect()
}

fn hex_digest(text: &str) -> Option<[u8; 32]> {
    let mut digest = [0; 32];
    if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    for (byte, pair) in digest.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(digest)
}
