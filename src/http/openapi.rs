//! The interface's own description (OpenAPI 3.1), its page for people, and the pages of errors.
//!
//! The functions here that do nothing carry the description of the handlers with the same names; a test sends every described route
//! a request and sees that it exists, and that every route is described.

use super::Gateway;
use super::admin::accounts::{AccountRow, AccountView, TokenView};
use super::admin::cashiers::{CashierRow, CashierView};
use super::admin::contract_types::{ContractTypeRow, ContractTypeView};
use super::admin::customers::CustomerRow;
use super::admin::hooks::{HookRow, HookView};
use super::admin::import::Imported;
use super::admin::invokers::{InvokerRow, InvokerView, KeyRow, NewKeyView};
use super::admin::registers::{RegisterRow, RegisterState, RegisterView};
use super::deliveries::DeliveryView;
use super::envelope::Envelope;
use super::evidence::openapi::{evidence_admin_document, evidence_document};
use super::exchange::{Answer, Exchange};
use super::openapi_agents::AgentsAdminApi;
use super::openapi_owner_hooks::OwnerHooksApi;
use super::openapi_registers::RegisterToolsApi;
use super::problem::{Code, Problem};
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use http::{Method, Response, StatusCode};
use std::sync::{Arc, LazyLock};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};

/// A send's body.
#[derive(ToSchema)]
#[schema(rename_all = "PascalCase")]
#[allow(dead_code)] // describes what `otp_body` parses
struct SendBody {
    /// The customer's code.
    #[schema(example = 1001)]
    ccms_code: i64,
    /// The code of the customer's contact.
    #[schema(example = 2001)]
    contact_ccms_code: i64,
    /// The contract type, 0 to 255; another integer is Reason 2.
    #[schema(example = 7)]
    contract_type_id: i64,
    /// The calling system: a GUID, hyphenated, plain or braced; another string is Reason 1.
    #[schema(example = "00000000-0000-4000-8000-000000000001")]
    invoker_code: String,
    /// The contract that the code is for; a string, or an integer (1 and "1" are one contract).
    contract_id: Option<ContractId>,
    /// SHA-256 of the documents that the code is for, in hexadecimal; their order does not matter.
    #[schema(max_items = 100)]
    documents_sha256: Option<Vec<Sha256Hex>>,
    /// Integration id of the client, for the evidence that the verification may leave; the customer's code where there is none.
    #[schema(min_length = 1, max_length = 64, pattern = "^[!-~]+$")]
    client_integration_id: Option<String>,
}

/// A verification's body.
#[derive(ToSchema)]
#[schema(rename_all = "PascalCase")]
#[allow(dead_code)] // describes what `otp_body` parses
struct VerifyBody {
    /// As in the send.
    #[schema(example = 1001)]
    ccms_code: i64,
    /// As in the send.
    #[schema(example = 2001)]
    contact_ccms_code: i64,
    /// As in the send.
    #[schema(example = 7)]
    contract_type_id: i64,
    /// As in the send.
    #[schema(example = "00000000-0000-4000-8000-000000000001")]
    invoker_code: String,
    /// The code as it was typed; Persian and Arabic-Indic digits are digits.
    #[schema(example = "123456")]
    otp: String,
    /// As in the send.
    contract_id: Option<ContractId>,
    /// As in the send.
    #[schema(max_items = 100)]
    documents_sha256: Option<Vec<Sha256Hex>>,
}

/// A contract's id.
#[derive(serde::Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code)]
enum ContractId {
    Text(ContractIdText),
    Number(i64),
}

/// A contract's id as a text.
#[derive(serde::Serialize, ToSchema)]
#[schema(value_type = String, max_length = 2048)]
#[allow(dead_code)]
struct ContractIdText(String);

/// A SHA-256 in hexadecimal.
#[derive(ToSchema)]
#[schema(value_type = String, pattern = "^[0-9a-fA-F]{64}$")]
#[allow(dead_code)]
struct Sha256Hex(String);

/// An error (RFC 9457); on the routes of CM-S02 the fields of its envelope stand beside these.
#[derive(ToSchema)]
#[allow(dead_code)]
pub(super) struct ProblemDetails {
    /// A path on this server with a page about this error.
    r#type: String,
    /// The error in a few words.
    title: String,
    /// The HTTP status.
    status: u16,
    /// What is wrong and what to do.
    detail: String,
    /// The request's id, to be quoted.
    request_id: String,
}

macro_rules! described {
    ($(#[$attribute:meta])* $name:ident) => {
        $(#[$attribute])*
        #[allow(dead_code)]
        fn $name() {}
    };
}

macro_rules! otp_route {
    ($name:ident, $path:literal, $summary:literal, $body:ident, $kept:literal, $reasons:literal, $retry_after:literal) => {
        described! {
            #[doc = $summary]
            #[utoipa::path(post, path = $path, tag = "contract-otp", operation_id = stringify!($name),
                request_body = $body, security(("partner" = [])),
                params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, description = $kept)),
                responses(
                    (status = 200, body = Envelope, description = $reasons, headers(
                        ("Retry-After" = u32, description = $retry_after),
                        ("Idempotent-Replayed" = String, description = "`true` where the answer was given before"))),
                    (status = 400, body = ProblemDetails, content_type = "application/problem+json", description = "No JSON object, a wrong field, or a wrong Idempotency-Key"),
                    (status = 401, body = ProblemDetails, content_type = "application/problem+json", description = "No valid key"),
                    (status = 408, body = ProblemDetails, content_type = "application/problem+json", description = "The body did not arrive in time"),
                    (status = 409, body = ProblemDetails, content_type = "application/problem+json", description = "The first request with this key still runs"),
                    (status = 413, body = ProblemDetails, content_type = "application/problem+json", description = "More than 16 KiB"),
                    (status = 415, body = ProblemDetails, content_type = "application/problem+json", description = "Not application/json in UTF-8"),
                    (status = 422, body = ProblemDetails, content_type = "application/problem+json", description = "The key came with another body"),
                    (status = 429, body = ProblemDetails, content_type = "application/problem+json", description = "Too much waits for this customer"),
                    (status = 500, body = ProblemDetails, content_type = "application/problem+json", description = "Reason 12"),
                    (status = 503, body = ProblemDetails, content_type = "application/problem+json", description = "Nothing is taken now")))]
            $name
        }
    };
}

otp_route!(
    send,
    "/api/v1/contract-otp/send",
    "Send a one-time password (CM-S02). Every business answer is 200; `Reason` says what happened.",
    SendBody,
    "A repeat with the same key and body gets the first answer; kept 24 hours.",
    "Reasons 1 to 11",
    "Seconds, with Reasons 8 to 10 where a repeat may make sense"
);
otp_route!(
    verify,
    "/api/v1/contract-otp/verify",
    "Verify a one-time password.",
    VerifyBody,
    "A repeat with the same key and body after a success gets that success; kept 24 hours.",
    "Reasons 1 to 5, 11, and 20 to 23",
    "Seconds, with Reason 23 of a locked contact"
);

described! {
    /// What became of a message. Known for a week; also of a message of which nobody knew whether it went (Reason 8 with a ChallengeId).
    #[utoipa::path(get, path = "/api/v1/contract-otp/deliveries/{challenge_id}", tag = "contract-otp", operation_id = "delivery",
        security(("partner" = [])), params(("challenge_id" = Uuid, Path, description = "As the send gave it")),
        responses(
            (status = 200, body = DeliveryView),
            (status = 400, body = ProblemDetails, content_type = "application/problem+json", description = "No UUID"),
            (status = 401, body = ProblemDetails, content_type = "application/problem+json", description = "No valid key"),
            (status = 404, body = ProblemDetails, content_type = "application/problem+json", description = "No message of yours"),
            (status = 503, body = ProblemDetails, content_type = "application/problem+json", description = "Nothing is answered now")))]
    delivery
}

macro_rules! admin_route {
    ($name:ident, $method:ident, $path:literal, $id:literal, $summary:literal, [$($param:tt)*], [$($body:tt)*], [$($ok:tt)*]) => {
        described! {
            #[doc = $summary]
            #[utoipa::path($method, path = $path, tag = "administration", operation_id = $id, security(("administrator" = [])),
                params($($param)*), $($body)*
                responses($($ok)*,
                    (status = 400, body = ProblemDetails, content_type = "application/problem+json", description = "A wrong path, body or field"),
                    (status = 401, body = ProblemDetails, content_type = "application/problem+json", description = "No valid key"),
                    (status = 404, body = ProblemDetails, content_type = "application/problem+json", description = "Not in the directory"),
                    (status = 408, body = ProblemDetails, content_type = "application/problem+json", description = "The body did not arrive in time"),
                    (status = 413, body = ProblemDetails, content_type = "application/problem+json", description = "Body too large"),
                    (status = 415, body = ProblemDetails, content_type = "application/problem+json", description = "Wrong Content-Type"),
                    (status = 422, body = ProblemDetails, content_type = "application/problem+json", description = "The directory does not take this"),
                    (status = 429, body = ProblemDetails, content_type = "application/problem+json", description = "Too much waits"),
                    (status = 503, body = ProblemDetails, content_type = "application/problem+json", description = "Nothing is taken now")))]
            $name
        }
    };
}

pub(super) use {admin_route, described};

admin_route!(invokers_list, get, "/admin/v1/invokers", "listInvokers", "All calling systems.", [], [],
    [(status = 200, body = Vec<InvokerView>)]);
admin_route!(
    invoker_get,
    get,
    "/admin/v1/invokers/{code}",
    "getInvoker",
    "A calling system.",
    [("code" = Uuid, Path)],
    [],
    [(status = 200, body = InvokerView)]
);
admin_route!(
    invoker_put,
    put,
    "/admin/v1/invokers/{code}",
    "putInvoker",
    "Put a calling system; its keys stay.",
    [("code" = Uuid, Path)],
    [request_body = InvokerRow,],
    [(status = 200, body = InvokerView)]
);
admin_route!(
    invoker_delete,
    delete,
    "/admin/v1/invokers/{code}",
    "deleteInvoker",
    "Forget a calling system and its keys.",
    [("code" = Uuid, Path)],
    [],
    [(status = 204)]
);
admin_route!(
    keys_post,
    post,
    "/admin/v1/invokers/{code}/keys",
    "addKey",
    "Add a key; shown this once.",
    [("code" = Uuid, Path)],
    [request_body = KeyRow,],
    [(status = 201, body = NewKeyView)]
);
admin_route!(
    key_delete,
    delete,
    "/admin/v1/invokers/{code}/keys/{id}",
    "revokeKey",
    "Revoke a key.",
    [("code" = Uuid, Path), ("id" = Uuid, Path)],
    [],
    [(status = 204)]
);
admin_route!(
    hook_get,
    get,
    "/admin/v1/invokers/{code}/webhook",
    "getWebhook",
    "Where a calling system is told what becomes of its messages, and the key of the signatures.",
    [("code" = Uuid, Path)],
    [],
    [(status = 200, body = HookView)]
);
admin_route!(
    hook_put,
    put,
    "/admin/v1/invokers/{code}/webhook",
    "putWebhook",
    "Tell a calling system what becomes of its messages (Standard Webhooks, `sms.delivery`); makes a new key.",
    [("code" = Uuid, Path)],
    [request_body = HookRow,],
    [(status = 200, body = HookView)]
);
admin_route!(
    hook_delete,
    delete,
    "/admin/v1/invokers/{code}/webhook",
    "deleteWebhook",
    "Tell a calling system nothing more.",
    [("code" = Uuid, Path)],
    [],
    [(status = 204)]
);
admin_route!(types_list, get, "/admin/v1/contract-types", "listContractTypes", "All contract types.", [], [],
    [(status = 200, body = Vec<ContractTypeView>)]);
admin_route!(
    type_get,
    get,
    "/admin/v1/contract-types/{id}",
    "getContractType",
    "A contract type.",
    [("id" = u8, Path, maximum = 255)],
    [],
    [(status = 200, body = ContractTypeView)]
);
admin_route!(
    type_put,
    put,
    "/admin/v1/contract-types/{id}",
    "putContractType",
    "Put a contract type.",
    [("id" = u8, Path, maximum = 255)],
    [request_body = ContractTypeRow,],
    [(status = 200, body = ContractTypeView)]
);
admin_route!(
    type_delete,
    delete,
    "/admin/v1/contract-types/{id}",
    "deleteContractType",
    "Forget a contract type.",
    [("id" = u8, Path, maximum = 255)],
    [],
    [(status = 204)]
);
admin_route!(
    customer_get,
    get,
    "/admin/v1/customers/{ccms_code}",
    "getCustomer",
    "A customer.",
    [("ccms_code" = i64, Path)],
    [],
    [(status = 200, body = CustomerRow)]
);
admin_route!(
    customer_put,
    put,
    "/admin/v1/customers/{ccms_code}",
    "putCustomer",
    "Put a customer with all contacts.",
    [("ccms_code" = i64, Path)],
    [request_body = CustomerRow,],
    [(status = 200, body = CustomerRow)]
);
admin_route!(
    customer_delete,
    delete,
    "/admin/v1/customers/{ccms_code}",
    "deleteCustomer",
    "Forget a customer.",
    [("ccms_code" = i64, Path)],
    [],
    [(status = 204)]
);
admin_route!(
    lock_delete,
    delete,
    "/admin/v1/customers/{ccms_code}/contacts/{code}/lock",
    "liftLock",
    "Lift the lock that wrong tries put on a contact.",
    [("ccms_code" = i64, Path), ("code" = i64, Path)],
    [],
    [(status = 204)]
);
admin_route!(
    accounts_list,
    get,
    "/admin/v1/accounts",
    "listAccounts",
    "All users of the fiscal side.",
    [],
    [],
    [(status = 200, body = Vec<AccountView>)]
);
admin_route!(
    account_get,
    get,
    "/admin/v1/accounts/{id}",
    "getAccount",
    "A user.",
    [("id" = Uuid, Path)],
    [],
    [(status = 200, body = AccountView)]
);
admin_route!(
    account_put,
    put,
    "/admin/v1/accounts/{id}",
    "putAccount",
    "Put a user; its keys stay, and without a password the earlier one.",
    [("id" = Uuid, Path)],
    [request_body = AccountRow,],
    [(status = 200, body = AccountView)]
);
admin_route!(
    account_keys_post,
    post,
    "/admin/v1/accounts/{id}/keys",
    "addAccountKey",
    "Add a permanent key (api_token); shown this once.",
    [("id" = Uuid, Path)],
    [request_body = KeyRow,],
    [(status = 201, body = NewKeyView)]
);
admin_route!(
    account_key_delete,
    delete,
    "/admin/v1/accounts/{id}/keys/{key}",
    "revokeAccountKey",
    "Revoke a permanent key.",
    [("id" = Uuid, Path), ("key" = Uuid, Path)],
    [],
    [(status = 204)]
);
admin_route!(
    account_tokens_get,
    get,
    "/admin/v1/accounts/{id}/tokens",
    "listTokens",
    "The tokens of a user, oldest first.",
    [("id" = Uuid, Path)],
    [],
    [(status = 200, body = Vec<TokenView>)]
);
admin_route!(
    account_token_delete,
    delete,
    "/admin/v1/accounts/{id}/tokens/{token}",
    "revokeToken",
    "Revoke a token.",
    [("id" = Uuid, Path), ("token" = Uuid, Path)],
    [],
    [(status = 204)]
);
admin_route!(
    account_registers_get,
    get,
    "/admin/v1/accounts/{id}/registers",
    "listRegisters",
    "The registers of a user.",
    [("id" = Uuid, Path)],
    [],
    [(status = 200, body = Vec<RegisterView>)]
);
admin_route!(
    account_cashiers_get,
    get,
    "/admin/v1/accounts/{id}/cashiers",
    "listCashiers",
    "The cashiers of a user, oldest first.",
    [("id" = Uuid, Path)],
    [],
    [(status = 200, body = Vec<CashierView>)]
);
admin_route!(
    register_get,
    get,
    "/admin/v1/registers/{num_fiscal}",
    "getRegister",
    "A cash register.",
    [("num_fiscal" = u64, Path, minimum = 1)],
    [],
    [(status = 200, body = RegisterView)]
);
admin_route!(
    register_put,
    put,
    "/admin/v1/registers/{num_fiscal}",
    "putRegister",
    "Put a cash register.",
    [("num_fiscal" = u64, Path, minimum = 1)],
    [request_body = RegisterRow,],
    [(status = 200, body = RegisterView)]
);
admin_route!(
    register_delete,
    delete,
    "/admin/v1/registers/{num_fiscal}",
    "deleteRegister",
    "Forget a cash register; its documents stay.",
    [("num_fiscal" = u64, Path, minimum = 1)],
    [],
    [(status = 204)]
);
admin_route!(
    register_state_get,
    get,
    "/admin/v1/registers/{num_fiscal}/state",
    "getRegisterState",
    "How a cash register stands.",
    [("num_fiscal" = u64, Path, minimum = 1)],
    [],
    [(status = 200, body = RegisterState)]
);
admin_route!(
    cashier_get,
    get,
    "/admin/v1/cashiers/{id}",
    "getCashier",
    "A cashier.",
    [("id" = Uuid, Path)],
    [],
    [(status = 200, body = CashierView)]
);
admin_route!(
    cashier_put,
    put,
    "/admin/v1/cashiers/{id}",
    "putCashier",
    "Change a cashier: name, rank, registers, whether they may sign.",
    [("id" = Uuid, Path)],
    [request_body = CashierRow,],
    [(status = 200, body = CashierView)]
);
admin_route!(
    import_post,
    post,
    "/admin/v1/import",
    "import",
    "Import lines of JSON.",
    [],
    [request_body(
        content = Option<String>,
        content_type = "application/x-ndjson"
    ),],
    [(status = 200, body = Imported)]
);

struct Keys;

impl Modify for Keys {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
        let name = if document.info.title.contains("administration") {
            "administrator"
        } else {
            "partner"
        };
        document
            .components
            .get_or_insert_default()
            .add_security_scheme(name, bearer);
    }
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Countersign", description = "One-time passwords for signing a contract (CM-S02).", license(name = "MIT OR Apache-2.0")),
    paths(send, verify, delivery),
    modifiers(&Keys)
)]
struct PublicApi;

#[derive(OpenApi)]
#[openapi(
    info(title = "Countersign administration", description = "The directory and its administration.", license(name = "MIT OR Apache-2.0")),
    paths(
        invokers_list, invoker_get, invoker_put, invoker_delete, keys_post, key_delete, hook_get, hook_put, hook_delete, types_list, type_get, type_put, type_delete,
        customer_get, customer_put, customer_delete, lock_delete, accounts_list, account_get, account_put, account_keys_post, account_key_delete, account_tokens_get, account_token_delete, account_registers_get, account_cashiers_get, register_get, register_put, register_delete, register_state_get, cashier_get, cashier_put, import_post
    ),
    modifiers(&Keys)
)]
struct AdminApi;

/// The description of the partners' listener.
pub fn public_document() -> utoipa::openapi::OpenApi {
    PublicApi::openapi()
}

/// The description of the administrators' listener.
pub fn admin_document() -> utoipa::openapi::OpenApi {
    let mut document = AdminApi::openapi();
    document.merge(AgentsAdminApi::openapi());
    document.merge(RegisterToolsApi::openapi());
    document.merge(OwnerHooksApi::openapi());
    document.merge(evidence_admin_document());
    document
}

/// The description of what cash desks ask for.
pub fn cashdesk_document() -> utoipa::openapi::OpenApi {
    super::cashdesk::document()
}

static CASHDESK_JSON: LazyLock<Vec<u8>> = LazyLock::new(|| document_json(&cashdesk_document()));
static EVIDENCE_JSON: LazyLock<Vec<u8>> = LazyLock::new(|| document_json(&evidence_document()));
static PUBLIC_JSON: LazyLock<Vec<u8>> = LazyLock::new(|| document_json(&public_document()));
static ADMIN_JSON: LazyLock<Vec<u8>> = LazyLock::new(|| document_json(&admin_document()));

fn document_json(document: &utoipa::openapi::OpenApi) -> Vec<u8> {
    serde_json::to_vec(document).expect("a description becomes JSON")
}

/// The partners' description.
pub async fn public(_: Gateway, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    Ok(content("application/json", PUBLIC_JSON.clone()))
}

/// The description of what cash desks ask for.
pub async fn cashdesk(_: Gateway, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    Ok(content("application/json", CASHDESK_JSON.clone()))
}

/// The description of signing evidence.
pub async fn evidence(_: Gateway, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    Ok(content("application/json", EVIDENCE_JSON.clone()))
}

/// The administrators' description.
pub async fn admin(_: Gateway, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    Ok(content("application/json", ADMIN_JSON.clone()))
}

/// Swagger UI, self-contained, over the description of this listener.
pub async fn swagger(_: Gateway, file: String, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    static CONFIG: LazyLock<Arc<utoipa_swagger_ui::Config<'static>>> =
        LazyLock::new(|| Arc::new(utoipa_swagger_ui::Config::from("../openapi.json")));
    if file.is_empty() {
        let mut response = Response::new(Vec::new());
        *response.status_mut() = StatusCode::PERMANENT_REDIRECT;
        response
            .headers_mut()
            .insert(LOCATION, HeaderValue::from_static("/docs/index.html"));
        return Ok(response);
    }
    match utoipa_swagger_ui::serve(&file, Arc::clone(&CONFIG)) {
        Ok(Some(found)) => Ok(content(&found.content_type, found.bytes.into_owned())),
        Ok(None) => Err(Problem::new(
            Code::NotFound,
            "there is no such file; /docs is the page",
        )),
        Err(error) => {
            tracing::error!(%error, "a file of the page could not be served");
            Err(Problem::new(
                Code::Internal,
                "the page could not be served; it was logged",
            ))
        }
    }
}

/// The page of an error, in Markdown.
pub async fn error_page(_: Gateway, name: String, exchange: Exchange) -> Answer {
    exchange.allow(&[Method::GET])?;
    let code = Code::ALL.into_iter().find(|code| code.slug() == name);
    let page = code
        .ok_or_else(|| Problem::new(Code::NotFound, "there is no such page"))?
        .page();
    Ok(content("text/markdown; charset=utf-8", page.as_bytes().to_vec()))
}

fn content(media_type: &str, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    let media_type =
        HeaderValue::from_str(media_type).unwrap_or(HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}
