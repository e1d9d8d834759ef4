//! AddContractESignInfo, GetContractESignInfo and VerifyContractESignInfo: PascalCase, always HTTP 200, errors in the body.

pub(super) mod openapi;

use super::Gateway;
use super::exchange::{Answer, Exchange};
use super::problem::Problem;
use actors::directory::Snapshot;
use actors::directory::evidence::WITHOUT_VERSION;
use actors::evidence::Recorded;
use actors::machines::evidence::Added;
use actors::secret::Secret;
use actors::trouble::Trouble;
use evidence::algorithm::{Algorithm, judge};
use evidence::tree::Hash;
use evidence::{Container, Identity, Read, Scalar, Wrong, read_container, read_identity};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, Response};
use serde::Serialize;
use serde::ser::SerializeMap;
use serde_json::value::RawValue;
use std::sync::Arc;

/// The largest body, as the method's page settles it.
pub const BODY_BYTES_MAX: usize = 512 * 1_024;

/// Where the receipt is: Result must stay empty.
const RECEIPT: HeaderName = HeaderName::from_static("countersign-receipt");
/// Says what the comparison is worth.
const NOTE: HeaderName = HeaderName::from_static("countersign-note");
const CONVENIENCE: &str = "a convenience; only your own recomputation proves anything to you";

/// One error.
#[derive(Debug, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "PascalCase")]
pub struct ErrorItem {
    /// The field's name and what is wrong with it, `SignDateInvalid`; without a field, the trouble's name.
    code: String,
    /// Which field; null where no single one is wrong.
    #[schema(required)]
    field: Option<String>,
    /// For people.
    message: String,
}

/// Every answer.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope<T> {
    result: Option<T>,
    errors: Option<Vec<ErrorItem>>,
}

/// The empty object.
#[derive(Serialize)]
struct Empty {}

/// The path of a leaf's receipt on this listener.
pub(super) fn receipt_path(leaf: Hash) -> String {
    format!("/log/receipts/{leaf}")
}

fn json<T: Serialize>(envelope: &Envelope<T>) -> Response<Vec<u8>> {
    let body = serde_json::to_vec(envelope).expect("strings, numbers and lists become JSON");
    let mut response = Response::new(body);
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    response
}

fn success<T: Serialize>(result: T) -> Response<Vec<u8>> {
    json(&Envelope {
        result: Some(result),
        errors: None,
    })
}

fn errors(errors: Vec<ErrorItem>) -> Response<Vec<u8>> {
    json::<Empty>(&Envelope {
        result: None,
        errors: Some(errors),
    })
}

/// What a refusal by the transport, or by another part of the gateway, is to callers of these methods.
pub(super) fn refusal(problem: &Problem) -> Response<Vec<u8>> {
    let words = problem.code().slug().split('-');
    let code = words.map(|word| word[..1].to_uppercase() + &word[1..]).collect();
    errors(vec![ErrorItem {
        code,
        field: None,
        message: problem.detail().to_owned(),
    }])
}

fn wrong(wrong: &[Wrong]) -> Response<Vec<u8>> {
    let item = |wrong: &Wrong| ErrorItem {
        code: wrong.code(),
        field: wrong.field.map(str::to_owned),
        message: wrong.message.clone(),
    };
    errors(wrong.iter().map(item).collect())
}

fn key_error(code: &str, message: &str) -> Response<Vec<u8>> {
    errors(vec![ErrorItem {
        code: code.to_owned(),
        field: Some("ApiKey".to_owned()),
        message: message.to_owned(),
    }])
}

fn trouble(trouble: Trouble) -> Response<Vec<u8>> {
    let (code, message) = match trouble {
        Trouble::Busy => ("Busy", "too many calls wait for this client; try again shortly"),
        Trouble::Unavailable => (
            "Unavailable",
            "nothing is recorded now; send the same again later",
        ),
        // Nothing here takes an idempotency key.
        Trouble::Unforeseen | Trouble::StillRunning | Trouble::OtherBody => (
            "Internal",
            "an unforeseen error; send the same again, which records nothing twice",
        ),
    };
    errors(vec![ErrorItem {
        code: code.to_owned(),
        field: None,
        message: message.to_owned(),
    }])
}

/// Method, key and body, in this order where the key is in the header; then the fields. Gives whose key it was, or the answer that says what is wrong.
async fn admit<T>(
    gateway: &Gateway,
    exchange: &mut Exchange,
    read: fn(&[u8]) -> Read<T>,
) -> Result<Result<(Arc<str>, T), Response<Vec<u8>>>, Problem> {
    exchange.allow(&[Method::POST])?;
    let authenticate = |key: &str| gateway.directory.authenticate_integration(&Secret::new(key));
    const UNKNOWN: &str = "the key is unknown";
    let by_header = match exchange.bearer() {
        None => None,
        Some(key) => match authenticate(key) {
            Some(integration) => Some(integration),
            None => return Ok(Err(key_error("ApiKeyInvalid", UNKNOWN))),
        },
    };
    let body = exchange.read_body(BODY_BYTES_MAX, gateway.body_deadline).await?;
    let Read { api_key, content } = read(&body);
    let integration = match (by_header, api_key) {
        (Some(integration), _) => integration,
        (None, Some(key)) => match authenticate(&key) {
            Some(integration) => integration,
            None => return Ok(Err(key_error("ApiKeyInvalid", UNKNOWN))),
        },
        (None, None) => {
            let how = "send the integration's key as `Authorization: Bearer <key>`, or as ApiKey in the body";
            return Ok(Err(key_error("ApiKeyMissing", how)));
        }
    };
    Ok(match content {
        Ok(content) => Ok((integration, content)),
        Err(errors) => Err(wrong(&errors)),
    })
}

/// Records a container.
pub async fn add(gateway: Gateway, mut exchange: Exchange) -> Answer {
    let (integration, container) = match admit(&gateway, &mut exchange, read_container).await? {
        Ok(admitted) => admitted,
        Err(answer) => return Ok(answer),
    };
    Ok(match gateway.evidence.add(&integration, container).await {
        Ok(Added::Recorded(leaf)) => {
            let mut response = success(Empty {});
            let receipt = HeaderValue::from_str(&receipt_path(leaf)).expect("hexadecimal is visible ASCII");
            response.headers_mut().insert(RECEIPT, receipt);
            response
        }
        Ok(Added::ContractFull) => errors(vec![ErrorItem {
            code: "ContractIdFull".to_owned(),
            field: Some("ContractId".to_owned()),
            message: "this contract has as many containers as it may; nothing was recorded".to_owned(),
        }]),
        Err(cause) => trouble(cause),
    })
}

/// Gives everything that was recorded of a contract.
pub async fn get(gateway: Gateway, mut exchange: Exchange) -> Answer {
    let (integration, identity) = match admit(&gateway, &mut exchange, read_identity).await? {
        Ok(admitted) => admitted,
        Err(answer) => return Ok(answer),
    };
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        containers: Vec<Shown>,
    }
    Ok(match gateway.evidence.recorded(&integration, &identity).await {
        Ok(recorded) => success(Found {
            containers: recorded.into_iter().map(Shown).collect(),
        }),
        Err(cause) => trouble(cause),
    })
}

/// Compares every version's UserSignHash with what its algorithm gives.
pub async fn verify(gateway: Gateway, mut exchange: Exchange) -> Answer {
    let (integration, identity) = match admit(&gateway, &mut exchange, read_identity).await? {
        Ok(admitted) => admitted,
        Err(answer) => return Ok(answer),
    };
    let recorded = match gateway.evidence.recorded(&integration, &identity).await {
        Ok(recorded) => recorded,
        Err(cause) => return Ok(trouble(cause)),
    };
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Verified {
        containers: Vec<Compared>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Compared {
        version: u32,
        outcome: &'static str,
        /// Where several companies may answer: whose version it is.
        #[serde(skip_serializing_if = "Option::is_none")]
        company_id: Option<Raw>,
    }
    let compared = {
        let snapshot = gateway.directory.snapshot();
        let compare = |recorded: &Recorded| Compared {
            version: recorded.leaf.version,
            outcome: judge(
                &recorded.leaf.container,
                algorithm(&snapshot, &integration, recorded).as_ref(),
            )
            .name(),
            company_id: company_of(&identity, &recorded.leaf.container),
        };
        recorded.iter().map(compare).collect()
    };
    let mut response = success(Verified { containers: compared });
    response
        .headers_mut()
        .insert(NOTE, HeaderValue::from_static(CONVENIENCE));
    Ok(response)
}

fn company_of(identity: &Identity, container: &Container) -> Option<Raw> {
    match identity.company_id {
        None => container.company_id.clone().map(Raw),
        Some(_) => None,
    }
}

/// The algorithm of a container: that of its ContractVersion, or, without one, that which was in force at its place in the log.
fn algorithm(snapshot: &Snapshot, integration: &str, recorded: &Recorded) -> Option<Algorithm> {
    let version = recorded
        .leaf
        .container
        .contract_version
        .as_ref()
        .map(Scalar::identity);
    let successive = match &version {
        // Not the name of those without a version.
        Some(version) if version == WITHOUT_VERSION => return None,
        Some(version) => &snapshot.algorithms(integration, version)?.successive,
        None => {
            let successive = &snapshot.algorithms(integration, WITHOUT_VERSION)?.successive;
            let in_force = successive
                .iter()
                .rev()
                .find(|next| next.from_index <= recorded.index);
            return in_force?.algorithm();
        }
    };
    successive.first()?.algorithm()
}

/// A value in the type in which it came.
struct Raw(Scalar);

impl Serialize for Raw {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Scalar::Text(text) => serializer.serialize_str(text),
            Scalar::Integer { literal, .. } => {
                let raw = RawValue::from_string(literal.clone()).map_err(serde::ser::Error::custom)?;
                raw.serialize(serializer)
            }
        }
    }
}

/// A container as it came, in the document's order, with what its keeper adds.
struct Shown(Recorded);

impl Serialize for Shown {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Recorded { leaf, hash, .. } = &self.0;
        let container = &leaf.container;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("ClientIntegrationId", &container.client_integration_id)?;
        map.serialize_entry("ContractId", &Raw(container.contract_id.clone()))?;
        map.serialize_entry("SignDate", &container.sign_date)?;
        if let Some(version) = &container.contract_version {
            map.serialize_entry("ContractVersion", &Raw(version.clone()))?;
        }
        if let Some(documents) = &container.documents {
            map.serialize_entry("Documents", documents)?;
        }
        let texts = [
            ("KeyTransport", &container.key_transport),
            ("UserSignKey", &container.user_sign_key),
            ("UserSignHash", &container.user_sign_hash),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        if let Some(company) = &container.company_id {
            map.serialize_entry("CompanyId", &Raw(company.clone()))?;
        }
        if let Some(digests) = &container.documents_sha256 {
            let digests: Vec<String> = digests
                .iter()
                .map(|digest| evidence::hex::encode(digest))
                .collect();
            map.serialize_entry("DocumentsSha256", &digests)?;
        }
        map.serialize_entry("Version", &leaf.version)?;
        map.serialize_entry("RecordedAt", &leaf.recorded_at())?;
        map.serialize_entry("Salt", &evidence::hex::encode(&leaf.salt))?;
        map.serialize_entry("Receipt", &receipt_path(*hash))?;
        map.end()
    }
}
