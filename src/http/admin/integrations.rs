//! Integrations, their keys and hash algorithms; which invoker is bound to which; where checkpoints go.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::log::problem;
use super::super::problem::{Code, Problem};
use super::invokers::{KeyRow, KeyView, NewKeyView};
use super::{admit, apply, json, no_content, read_row, unknown};
use actors::directory::evidence::{AlgorithmRecord, IntegrationRecord};
use actors::directory::{Change, EvidenceChange, SinkTarget};
use actors::ids::InvokerCode;
use actors::random::draw_uuid;
use actors::secret::Secret;
use chrono::{DateTime, SecondsFormat};
use evidence::Field;
use evidence::algorithm::{Algorithm, DigestKind, Encoding};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An integration, as it is put.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntegrationRow {
    /// A key to accept from now on, beside those that there are; 8 to 255 visible ASCII characters.
    #[serde(default)]
    #[schema(min_length = 8, max_length = 255, pattern = "^[!-~]+$")]
    key: Option<String>,
}

/// An integration, as it is shown. Keys themselves are nowhere.
#[derive(Serialize, utoipa::ToSchema)]
pub struct IntegrationView {
    name: String,
    keys: Vec<KeyView>,
}

/// A hash algorithm. It is never changed once it is registered.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlgorithmRow {
    /// The digest.
    #[schema(value_type = DigestName)]
    digest: DigestName,
    /// What is hashed, in this order; an absent field is the empty string, documents are joined by a line feed.
    #[schema(min_items = 1, max_items = 16)]
    fields: Vec<FieldName>,
    /// Between fields; 16 bytes at the most.
    #[serde(default)]
    #[schema(max_length = 16)]
    separator: String,
    /// How the digest is written.
    #[schema(value_type = EncodingName)]
    encoding: EncodingName,
}

/// A digest's name.
#[derive(Clone, Copy, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum DigestName {
    /// MD5.
    Md5,
    /// SHA-1.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-512.
    Sha512,
}

/// How a digest is written.
#[derive(Clone, Copy, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum EncodingName {
    /// Hexadecimal, compared without case.
    Hex,
    /// Base64 with its padding.
    Base64,
}

/// A field that may be hashed.
#[derive(Clone, Copy, Deserialize, Serialize, utoipa::ToSchema)]
#[allow(missing_docs)] // the document's own names
pub enum FieldName {
    ClientIntegrationId,
    ContractId,
    SignDate,
    ContractVersion,
    Documents,
    KeyTransport,
    UserSignKey,
    CompanyId,
}

/// The algorithms of one version, oldest first.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AlgorithmsView {
    version: String,
    algorithms: Vec<AlgorithmView>,
}

/// A registered algorithm.
#[derive(Serialize, utoipa::ToSchema)]
pub struct AlgorithmView {
    digest: DigestName,
    fields: Vec<String>,
    separator: String,
    encoding: EncodingName,
    /// The first leaf of the log that it is in force for; matters only for containers without a version.
    from_index: u64,
    /// When it was registered (RFC 3339, UTC).
    registered_at: String,
}

/// Where the evidence of an invoker's verified codes goes.
#[derive(Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkRow {
    /// The integration's name.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]*$")]
    integration: String,
}

/// Where checkpoints go: exactly one of the two.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SinkRow {
    /// A file of this name in the directory `evidence.sink_directory`.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]*$")]
    file: Option<String>,
    /// A URL that the note is POSTed to.
    #[serde(default)]
    #[schema(max_length = 2048, pattern = "^https?://")]
    url: Option<String>,
}

/// A sink, as it is shown.
#[derive(Serialize, utoipa::ToSchema)]
pub struct SinkView {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    url: Option<String>,
}

/// All of them, by name.
pub async fn list(gateway: Gateway, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET])?;
    let snapshot = gateway.directory.snapshot();
    let views: Vec<_> = snapshot
        .integrations()
        .map(|(name, record)| view(name, record))
        .collect();
    Ok(json(StatusCode::OK, &views))
}

/// One.
pub async fn one(gateway: Gateway, name: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::PUT])?;
    if exchange.method == Method::PUT {
        let row: IntegrationRow = read_row(&gateway, &mut exchange).await?;
        let key = match row.key {
            Some(key) => Some((Secret::new(key), draw(&gateway)?)),
            None => None,
        };
        let name = name.clone();
        change(&gateway, EvidenceChange::PutIntegration { name, key }).await?;
    }
    let snapshot = gateway.directory.snapshot();
    let record = snapshot.integration(&name).ok_or_else(unknown)?;
    Ok(json(StatusCode::OK, &view(&name, record)))
}

/// Adds a key.
pub async fn keys(gateway: Gateway, integration: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::POST])?;
    let row: KeyRow = read_row(&gateway, &mut exchange).await?;
    let failed = |_| Problem::new(Code::Internal, "the random generator failed");
    let key = match row.into_key() {
        Some(key) => key,
        None => crate::secrets::integration_key(gateway.randomness.as_ref()).map_err(failed)?,
    };
    let id = draw(&gateway)?;
    let added = EvidenceChange::AddKey {
        integration,
        key: Secret::new(key.clone()),
        id,
    };
    change(&gateway, added).await?;
    Ok(json(StatusCode::CREATED, &NewKeyView::new(id, key)))
}

/// Revokes a key.
pub async fn key(gateway: Gateway, [integration, id]: [String; 2], exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::DELETE])?;
    let id = Uuid::parse_str(&id).map_err(|_| unknown())?;
    change(&gateway, EvidenceChange::RevokeKey { integration, id }).await?;
    Ok(no_content())
}

/// A version's algorithms; registers one.
pub async fn algorithms(
    gateway: Gateway,
    [integration, version]: [String; 2],
    mut exchange: Exchange,
) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::PUT])?;
    if exchange.method == Method::PUT {
        let row: AlgorithmRow = read_row(&gateway, &mut exchange).await?;
        // Whatever is recorded from here on is judged by it.
        let from_index = gateway.evidence.next_index().await.map_err(problem)?;
        let put = EvidenceChange::PutAlgorithm {
            integration: integration.clone(),
            version: version.clone(),
            algorithm: row.into(),
            from_index,
        };
        change(&gateway, put).await?;
    }
    let snapshot = gateway.directory.snapshot();
    let record = snapshot.algorithms(&integration, &version).ok_or_else(unknown)?;
    let view = AlgorithmsView {
        version,
        algorithms: record.successive.iter().map(algorithm_view).collect(),
    };
    Ok(json(StatusCode::OK, &view))
}

/// Where the evidence of an invoker's verified codes goes.
pub async fn link(gateway: Gateway, code: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::PUT, Method::DELETE])?;
    let invalid = |_| {
        Problem::new(
            Code::InvalidField,
            "the invoker's code in the path must be a GUID",
        )
    };
    let invoker = Uuid::parse_str(&code).map(InvokerCode).map_err(invalid)?;
    if exchange.method == Method::PUT {
        let row: LinkRow = read_row(&gateway, &mut exchange).await?;
        let integration = Some(row.integration);
        change(&gateway, EvidenceChange::Link { invoker, integration }).await?;
    }
    if exchange.method == Method::DELETE {
        let integration = None;
        change(&gateway, EvidenceChange::Link { invoker, integration }).await?;
        return Ok(no_content());
    }
    let snapshot = gateway.directory.snapshot();
    let integration = snapshot.link(invoker).ok_or_else(unknown)?.to_string();
    Ok(json(StatusCode::OK, &LinkRow { integration }))
}

/// All sinks, by name.
pub async fn sinks(gateway: Gateway, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET])?;
    let snapshot = gateway.directory.snapshot();
    let views: Vec<SinkView> = snapshot
        .sinks()
        .map(|(name, target)| sink_view(name, target))
        .collect();
    Ok(json(StatusCode::OK, &views))
}

/// One sink.
pub async fn sink(gateway: Gateway, name: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::PUT, Method::DELETE])?;
    if exchange.method == Method::PUT {
        let row: SinkRow = read_row(&gateway, &mut exchange).await?;
        let target = match (row.file, row.url) {
            (Some(_), None) if !gateway.has_sink_directory => {
                let advice = "there are no sinks that are files: set evidence.sink_directory";
                return Err(Problem::new(Code::UnfitObject, advice));
            }
            (Some(file), None) => SinkTarget::File(file),
            (None, Some(url)) => SinkTarget::Webhook(url),
            _ => {
                return Err(Problem::new(
                    Code::UnfitObject,
                    "a sink has a file or a url, and not both",
                ));
            }
        };
        let put = EvidenceChange::Sink {
            name: name.clone(),
            target: Some(target),
        };
        change(&gateway, put).await?;
    }
    if exchange.method == Method::DELETE {
        change(&gateway, EvidenceChange::Sink { name, target: None }).await?;
        return Ok(no_content());
    }
    let snapshot = gateway.directory.snapshot();
    let found = snapshot.sinks().find(|(known, _)| **known == name);
    let (name, target) = found.ok_or_else(unknown)?;
    Ok(json(StatusCode::OK, &sink_view(name, target)))
}

async fn change(gateway: &Gateway, change: EvidenceChange) -> Result<(), Problem> {
    apply(gateway, Change::Evidence(change)).await
}

fn draw(gateway: &Gateway) -> Result<Uuid, Problem> {
    draw_uuid(gateway.randomness.as_ref(), gateway.clock.now())
        .map_err(|_| Problem::new(Code::Internal, "the random generator failed"))
}

fn view(name: &str, record: &IntegrationRecord) -> IntegrationView {
    IntegrationView {
        name: name.to_owned(),
        keys: record.keys.iter().map(KeyView::of).collect(),
    }
}

fn sink_view(name: &str, target: &SinkTarget) -> SinkView {
    let (file, url) = match target {
        SinkTarget::File(file) => (Some(file.clone()), None),
        SinkTarget::Webhook(url) => (None, Some(url.clone())),
    };
    SinkView {
        name: name.to_owned(),
        file,
        url,
    }
}

impl From<AlgorithmRow> for Algorithm {
    fn from(row: AlgorithmRow) -> Self {
        let field = |name: FieldName| match name {
            FieldName::ClientIntegrationId => Field::ClientIntegrationId,
            FieldName::ContractId => Field::ContractId,
            FieldName::SignDate => Field::SignDate,
            FieldName::ContractVersion => Field::ContractVersion,
            FieldName::Documents => Field::Documents,
            FieldName::KeyTransport => Field::KeyTransport,
            FieldName::UserSignKey => Field::UserSignKey,
            FieldName::CompanyId => Field::CompanyId,
        };
        Self {
            digest: match row.digest {
                DigestName::Md5 => DigestKind::Md5,
                DigestName::Sha1 => DigestKind::Sha1,
                DigestName::Sha256 => DigestKind::Sha256,
                DigestName::Sha512 => DigestKind::Sha512,
            },
            fields: row.fields.into_iter().map(field).collect(),
            separator: row.separator,
            encoding: match row.encoding {
                EncodingName::Hex => Encoding::Hex,
                EncodingName::Base64 => Encoding::Base64,
            },
        }
    }
}

fn algorithm_view(record: &AlgorithmRecord) -> AlgorithmView {
    let field = |place: &u8| {
        Field::ALL
            .get(usize::from(*place))
            .map_or("", |field| field.name())
    };
    let at = DateTime::from_timestamp_millis(record.registered_ms);
    AlgorithmView {
        digest: match record.digest {
            1 => DigestName::Md5,
            2 => DigestName::Sha1,
            3 => DigestName::Sha256,
            _ => DigestName::Sha512,
        },
        fields: record
            .fields
            .iter()
            .map(|place| field(place).to_owned())
            .collect(),
        separator: record.separator.clone(),
        encoding: if record.is_base64 {
            EncodingName::Base64
        } else {
            EncodingName::Hex
        },
        from_index: record.from_index,
        registered_at: at
            .map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true))
            .unwrap_or_default(),
    }
}
