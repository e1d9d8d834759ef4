//! The description of signing evidence: its methods and its log in a document of their own (`/api/v0/openapi.json`), its administration in that of
//! administrators.

use super::super::admin::evidence::{AuditRow, AuditView, BundleRow};
use super::super::admin::integrations::{
    AlgorithmRow, AlgorithmsView, IntegrationRow, IntegrationView, LinkRow, SinkRow, SinkView,
};
use super::super::admin::invokers::{KeyRow, NewKeyView};
use super::super::log::Proof;
use super::super::openapi::ProblemDetails;
use super::ErrorItem;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};

/// An integer of 64 bits, or a string; comes back in the type in which it came.
#[derive(serde::Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code)] // describes what the package `evidence` reads
enum Code {
    Text(CodeText),
    Number(i64),
}

/// A code as a text.
#[derive(serde::Serialize, ToSchema)]
#[schema(value_type = String, min_length = 1, max_length = 2048)]
#[allow(dead_code)]
struct CodeText(String);

/// A version as it came.
#[derive(serde::Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code)]
enum Version {
    Text(Text),
    Number(i64),
}

/// A text, kept byte for byte.
#[derive(serde::Serialize, ToSchema)]
#[schema(value_type = String, max_length = 2048)]
#[allow(dead_code)]
struct Text(String);

/// A container of data about a signed contract. Unknown fields are ignored, null in an optional field is absence.
#[derive(ToSchema)]
#[schema(rename_all = "PascalCase")]
#[allow(dead_code)]
struct ContainerBody {
    /// The integration's key, where it is not in the header.
    api_key: Option<String>,
    /// Integration id of the client.
    #[schema(min_length = 1, max_length = 2048, example = "nz2UG1")]
    client_integration_id: String,
    /// Code of the contract.
    #[schema(example = 313_527)]
    contract_id: Code,
    /// `dd.MM.yyyy` or `dd.MM.yyyy HH:mm:ss`, UTC, a moment that exists; 01.01.1900 means none.
    #[schema(
        pattern = r"^[0-9]{2}\.[0-9]{2}\.[0-9]{4}( [0-9]{2}:[0-9]{2}:[0-9]{2})?$",
        example = "01.01.2024"
    )]
    sign_date: String,
    /// Version of the algorithm with which the document was signed; must not begin with `countersign-`.
    contract_version: Option<Version>,
    /// Links to the signed documents.
    #[schema(max_items = 100)]
    documents: Option<Vec<Text>>,
    /// How the key reached the user.
    #[schema(max_length = 2048)]
    key_transport: Option<String>,
    /// The key that the user was given.
    #[schema(max_length = 2048)]
    user_sign_key: Option<String>,
    /// Your hash over the container; opaque here.
    #[schema(max_length = 2048)]
    user_sign_hash: Option<String>,
    /// Code of the legal entity.
    company_id: Option<Code>,
}

/// Whose containers are asked for.
#[derive(ToSchema)]
#[schema(rename_all = "PascalCase")]
#[allow(dead_code)]
struct IdentityBody {
    /// The integration's key, where it is not in the header.
    api_key: Option<String>,
    /// Integration id of the client.
    #[schema(min_length = 1, max_length = 2048, example = "nz2UG1")]
    client_integration_id: String,
    /// Code of the contract; 1 and "1" are one contract.
    #[schema(example = 313_527)]
    contract_id: Code,
    /// Code of the legal entity; without it those of every company are meant.
    company_id: Option<Code>,
}

macro_rules! answer {
    ($(#[$doc:meta])* $name:ident, $result:ty) => {
        $(#[$doc])*
        #[derive(ToSchema)]
        #[schema(rename_all = "PascalCase")]
        #[allow(dead_code)]
        struct $name {
            /// Null where there are errors.
            #[schema(required)]
            result: Option<$result>,
            /// Null on success; one for each wrong field otherwise.
            #[schema(required)]
            errors: Option<Vec<ErrorItem>>,
        }
    };
}

/// The empty object.
#[derive(ToSchema)]
struct Empty {}

/// What was recorded.
#[derive(ToSchema)]
#[schema(rename_all = "PascalCase")]
#[allow(dead_code)]
struct Containers {
    /// Oldest first.
    containers: Vec<RecordedContainer>,
}

/// A container as it came, and what its keeper adds; absent fields are absent.
#[derive(ToSchema)]
#[schema(rename_all = "PascalCase")]
#[allow(dead_code)]
struct RecordedContainer {
    client_integration_id: String,
    contract_id: Code,
    sign_date: String,
    #[schema(nullable = false)]
    contract_version: Option<Version>,
    #[schema(nullable = false)]
    documents: Option<Vec<String>>,
    #[schema(nullable = false)]
    key_transport: Option<String>,
    #[schema(nullable = false)]
    user_sign_key: Option<String>,
    #[schema(nullable = false)]
    user_sign_hash: Option<String>,
    #[schema(nullable = false)]
    company_id: Option<Code>,
    /// SHA-256 of the signed documents; only where the container follows from a verified one-time password.
    #[schema(nullable = false)]
    documents_sha256: Option<Vec<String>>,
    /// 1 for the first container of its contract and company.
    #[schema(minimum = 1)]
    version: u32,
    /// `dd.MM.yyyy HH:mm:ss`, UTC.
    recorded_at: String,
    /// Sixteen bytes of the leaf, in hexadecimal, so that its hash can be computed again.
    salt: String,
    /// Where the receipt is.
    receipt: String,
}

/// How the hashes compare.
#[derive(ToSchema)]
#[schema(rename_all = "PascalCase")]
#[allow(dead_code)]
struct Comparisons {
    /// Oldest first.
    containers: Vec<Comparison>,
}

/// How one container's hash compares.
#[derive(ToSchema)]
#[schema(rename_all = "PascalCase")]
#[allow(dead_code)]
struct Comparison {
    /// Which version.
    version: u32,
    /// `Match`, `Mismatch`, `NoAlgorithm` or `NoHash`.
    #[schema(pattern = "^(Match|Mismatch|NoAlgorithm|NoHash)$")]
    outcome: String,
    /// Whose version it is, where the call named no company.
    #[schema(nullable = false)]
    company_id: Option<Code>,
}

answer!(
    /// The answer to AddContractESignInfo.
    AddAnswer,
    Empty
);
answer!(
    /// The answer to GetContractESignInfo.
    GetAnswer,
    Containers
);
answer!(
    /// The answer to VerifyContractESignInfo.
    VerifyAnswer,
    Comparisons
);

/// A receipt: what proves to anybody that the log holds a leaf.
#[derive(ToSchema)]
#[allow(dead_code)]
struct ReceiptView {
    /// The leaf's hash in hexadecimal.
    leaf_hash: String,
    /// Its place in the log, from 0.
    index: u64,
    /// The inclusion proof (RFC 6962), hashes in hexadecimal.
    path: Vec<String>,
    /// The signed head that it leads to (C2SP checkpoint).
    checkpoint: String,
}

/// A bundle of containers with their receipts.
#[derive(ToSchema)]
#[allow(dead_code)]
struct BundleView {
    /// `countersign-evidence-bundle/1`.
    format: String,
    /// In the order of the log.
    entries: Vec<BundleEntryView>,
}

/// One container with its receipt.
#[derive(ToSchema)]
#[allow(dead_code)]
struct BundleEntryView {
    /// The leaf's canonical bytes, base64.
    leaf: String,
    /// Its receipt.
    receipt: ReceiptView,
}

macro_rules! method {
    ($name:ident, $path:literal, $id:literal, $summary:literal, $body:ident, $answer:ident, [$($header:tt)*]) => {
        #[doc = $summary]
        #[utoipa::path(post, path = $path, tag = "evidence", operation_id = $id, request_body = $body,
            security(("integration" = [])),
            responses((status = 200, body = $answer, description = "Every answer, errors included", $($header)*)))]
        #[allow(dead_code)]
        fn $name() {}
    };
}

method!(
    add,
    "/api/v0/AddContractESignInfo",
    "addContractESignInfo",
    "Record that a contract was signed. Answered only when container and log leaf are durable; the same container again is the same fact.",
    ContainerBody,
    AddAnswer,
    [headers((
        "Countersign-Receipt" = String,
        description = "The path of the receipt, on success"
    ))]
);
method!(
    get,
    "/api/v0/GetContractESignInfo",
    "getContractESignInfo",
    "Everything that was recorded of a contract, each field as it came.",
    IdentityBody,
    GetAnswer,
    []
);
method!(
    verify,
    "/api/v0/VerifyContractESignInfo",
    "verifyContractESignInfo",
    "Compare each UserSignHash with what a registered algorithm gives. A convenience: only your own recomputation proves anything to you.",
    IdentityBody,
    VerifyAnswer,
    [headers((
        "Countersign-Note" = String,
        description = "What the comparison is worth"
    ))]
);

macro_rules! log_route {
    ($name:ident, $path:literal, $id:literal, $summary:literal, [$($param:tt)*], [$($ok:tt)*]) => {
        #[doc = $summary]
        #[utoipa::path(get, path = $path, tag = "log", operation_id = $id, params($($param)*), responses($($ok)*,
            (status = 400, body = ProblemDetails, content_type = "application/problem+json", description = "A parameter is wrong"),
            (status = 404, body = ProblemDetails, content_type = "application/problem+json", description = "The log has no such thing"),
            (status = 503, body = ProblemDetails, content_type = "application/problem+json", description = "Nothing is read now")))]
        #[allow(dead_code)]
        fn $name() {}
    };
}

log_route!(
    checkpoint,
    "/log/checkpoint",
    "getCheckpoint",
    "The newest signed head (C2SP checkpoint).",
    [],
    [(status = 200, body = String, content_type = "text/plain")]
);
log_route!(
    key,
    "/log/key",
    "getLogKey",
    "The log's public keys in C2SP's form, one a line, the current one first.",
    [],
    [(status = 200, body = String, content_type = "text/plain")]
);
log_route!(
    inclusion,
    "/log/proof/inclusion",
    "getInclusionProof",
    "That a leaf is in the tree of a size (RFC 6962).",
    [
        ("leaf" = u64, Query, description = "The leaf's index"),
        ("size" = u64, Query, description = "Leaves of the tree")
    ],
    [(status = 200, body = Proof)]
);
log_route!(
    consistency,
    "/log/proof/consistency",
    "getConsistencyProof",
    "That one tree is the beginning of another (RFC 6962).",
    [
        ("from" = u64, Query, description = "Leaves of the older tree"),
        ("to" = u64, Query, description = "Leaves of the newer one")
    ],
    [(status = 200, body = Proof)]
);
log_route!(
    receipt,
    "/log/receipts/{leaf_hash}",
    "getReceipt",
    "A leaf's receipt.",
    [("leaf_hash" = String, Path, pattern = "^[0-9a-fA-F]{64}$")],
    [(status = 200, body = ReceiptView)]
);

struct Integration;

impl Modify for Integration {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("integration", bearer);
    }
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Countersign signing evidence", description = "The record that a contract was signed (AddContractESignInfo), and its public log.", license(name = "MIT OR Apache-2.0")),
    paths(add, get, verify, checkpoint, key, inclusion, consistency, receipt),
    modifiers(&Integration)
)]
struct EvidenceApi;

/// The description of signing evidence.
pub fn evidence_document() -> utoipa::openapi::OpenApi {
    EvidenceApi::openapi()
}

macro_rules! admin_route {
    ($name:ident, $method:ident, $path:literal, $id:literal, $summary:literal, [$($param:tt)*], [$($body:tt)*], [$($ok:tt)*]) => {
        #[doc = $summary]
        #[utoipa::path($method, path = $path, tag = "evidence", operation_id = $id, security(("administrator" = [])),
            params($($param)*), $($body)*
            responses($($ok)*,
                (status = 400, body = ProblemDetails, content_type = "application/problem+json", description = "Wrong body or path"),
                (status = 401, body = ProblemDetails, content_type = "application/problem+json", description = "No valid key"),
                (status = 404, body = ProblemDetails, content_type = "application/problem+json", description = "Not there"),
                (status = 408, body = ProblemDetails, content_type = "application/problem+json", description = "The body did not arrive in time"),
                (status = 413, body = ProblemDetails, content_type = "application/problem+json", description = "Body too large"),
                (status = 415, body = ProblemDetails, content_type = "application/problem+json", description = "Wrong Content-Type"),
                (status = 422, body = ProblemDetails, content_type = "application/problem+json", description = "Not taken"),
                (status = 429, body = ProblemDetails, content_type = "application/problem+json", description = "Too much waits"),
                (status = 503, body = ProblemDetails, content_type = "application/problem+json", description = "Nothing is taken now")))]
        #[allow(dead_code)]
        fn $name() {}
    };
}

admin_route!(integrations_list, get, "/admin/v1/integrations", "listIntegrations", "All integrations.", [], [],
    [(status = 200, body = Vec<IntegrationView>)]);
admin_route!(
    integration_get,
    get,
    "/admin/v1/integrations/{name}",
    "getIntegration",
    "An integration.",
    [(
        "name" = String,
        Path,
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
    )],
    [],
    [(status = 200, body = IntegrationView)]
);
admin_route!(
    integration_put,
    put,
    "/admin/v1/integrations/{name}",
    "putIntegration",
    "Put an integration; its keys stay.",
    [(
        "name" = String,
        Path,
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
    )],
    [request_body = IntegrationRow,],
    [(status = 200, body = IntegrationView)]
);
admin_route!(
    integration_keys,
    post,
    "/admin/v1/integrations/{name}/keys",
    "addIntegrationKey",
    "Add a key; shown this once.",
    [("name" = String, Path, min_length = 1)],
    [request_body = KeyRow,],
    [(status = 201, body = NewKeyView)]
);
admin_route!(
    integration_key,
    delete,
    "/admin/v1/integrations/{name}/keys/{id}",
    "revokeIntegrationKey",
    "Revoke a key.",
    [("name" = String, Path, min_length = 1), ("id" = Uuid, Path)],
    [],
    [(status = 204)]
);
admin_route!(
    algorithms_get,
    get,
    "/admin/v1/integrations/{name}/hash-algorithms/{version}",
    "getHashAlgorithms",
    "The algorithms of a ContractVersion; `-` names those for containers without one.",
    [
        ("name" = String, Path, min_length = 1),
        ("version" = String, Path, min_length = 1)
    ],
    [],
    [(status = 200, body = AlgorithmsView)]
);
admin_route!(
    algorithms_put,
    put,
    "/admin/v1/integrations/{name}/hash-algorithms/{version}",
    "putHashAlgorithm",
    "Register an algorithm. One is never changed; those under `-` follow one another, each in force from its registration.",
    [
        ("name" = String, Path, min_length = 1),
        ("version" = String, Path, min_length = 1)
    ],
    [request_body = AlgorithmRow,],
    [(status = 200, body = AlgorithmsView)]
);
admin_route!(
    link_get,
    get,
    "/admin/v1/invokers/{code}/evidence",
    "getEvidenceLink",
    "Where the evidence of an invoker's verified codes goes.",
    [("code" = Uuid, Path)],
    [],
    [(status = 200, body = LinkRow)]
);
admin_route!(
    link_put,
    put,
    "/admin/v1/invokers/{code}/evidence",
    "putEvidenceLink",
    "Bind an invoker to an integration: verified codes that name a ContractId record a container.",
    [("code" = Uuid, Path)],
    [request_body = LinkRow,],
    [(status = 200, body = LinkRow)]
);
admin_route!(
    link_delete,
    delete,
    "/admin/v1/invokers/{code}/evidence",
    "deleteEvidenceLink",
    "Unbind an invoker.",
    [("code" = Uuid, Path)],
    [],
    [(status = 204)]
);
admin_route!(sinks_list, get, "/admin/v1/checkpoint-sinks", "listCheckpointSinks", "All places where checkpoints go.", [], [],
    [(status = 200, body = Vec<SinkView>)]);
admin_route!(
    sink_get,
    get,
    "/admin/v1/checkpoint-sinks/{name}",
    "getCheckpointSink",
    "A place where checkpoints go.",
    [("name" = String, Path, min_length = 1)],
    [],
    [(status = 200, body = SinkView)]
);
admin_route!(
    sink_put,
    put,
    "/admin/v1/checkpoint-sinks/{name}",
    "putCheckpointSink",
    "Send checkpoints to a file or a webhook.",
    [(
        "name" = String,
        Path,
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]*$"
    )],
    [request_body = SinkRow,],
    [(status = 200, body = SinkView)]
);
admin_route!(
    sink_delete,
    delete,
    "/admin/v1/checkpoint-sinks/{name}",
    "deleteCheckpointSink",
    "Send no more checkpoints there.",
    [("name" = String, Path, min_length = 1)],
    [],
    [(status = 204)]
);
admin_route!(
    audit,
    post,
    "/admin/v1/evidence/audit",
    "auditEvidence",
    "Audit a page of the log.",
    [],
    [request_body = AuditRow,],
    [(status = 200, body = AuditView)]
);
admin_route!(
    bundle,
    post,
    "/admin/v1/evidence/bundle",
    "exportEvidence",
    "A bundle of everything recorded of a contract, to be checked offline.",
    [],
    [request_body = BundleRow,],
    [(status = 200, body = BundleView)]
);

#[derive(OpenApi)]
#[openapi(paths(
    integrations_list,
    integration_get,
    integration_put,
    integration_keys,
    integration_key,
    algorithms_get,
    algorithms_put,
    link_get,
    link_put,
    link_delete,
    sinks_list,
    sink_get,
    sink_put,
    sink_delete,
    audit,
    bundle
))]
struct EvidenceAdminApi;

/// The administration of signing evidence.
pub(in crate::http) fn evidence_admin_document() -> utoipa::openapi::OpenApi {
    EvidenceAdminApi::openapi()
}
