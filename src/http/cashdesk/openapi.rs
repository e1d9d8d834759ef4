//! The description of this face (OpenAPI 3.1): what our own clients may rely on. Clients of the original write numbers as strings, 1 for
//! true and much else, and are understood; what is described here is the strict form.

use serde_json::Value;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi, ToSchema};

/// An error.
#[derive(ToSchema)]
#[allow(dead_code)]
struct Fault {
    /// For people, in Ukrainian.
    message: String,
    /// `WARNING`, or `ERROR` where it is the server's.
    r#type: String,
    /// For programs; stable.
    code: String,
    /// The operation, where one was accepted: ask for it at /api/v1/operations/{id}.
    operation_id: Option<uuid::Uuid>,
    /// The request's id, to be quoted.
    request_id: String,
}

/// Email and password.
#[derive(ToSchema)]
#[allow(dead_code)]
struct Credentials {
    #[schema(min_length = 1, max_length = 254)]
    email: String,
    #[schema(min_length = 1, max_length = 256)]
    password: String,
}

/// A register.
#[derive(ToSchema)]
#[allow(dead_code)]
struct OfRegister {
    /// Its fiscal number.
    #[schema(minimum = 1, example = 4_000_000_001_u64)]
    num_fiscal: u64,
}

/// A sale or a return.
#[derive(ToSchema)]
#[allow(dead_code)]
struct Sale {
    #[schema(minimum = 1, example = 4_000_000_001_u64)]
    num_fiscal: u64,
    /// `Z_SALE` or `Z_RETURN`.
    #[schema(pattern = "^Z_(SALE|RETURN)$", example = "Z_SALE")]
    action_type: String,
    /// The caller's own number: a repeat with the same number and sums gets the first answer.
    local_number: Option<u64>,
    /// To pay, after rounding.
    total_sum: Option<f64>,
    /// Rounded − unrounded.
    round_sum: Option<f64>,
    /// The rounding's step in kopecks.
    round_rule: Option<u64>,
    #[schema(min_items = 1, max_items = 2000)]
    products: Vec<Product>,
    #[schema(min_items = 1, max_items = 50)]
    payments: Vec<Payment>,
    /// Whether a closed shift is opened for it; by default as the register is set.
    open_shift: Option<bool>,
    no_text_print: Option<bool>,
    no_pdf: Option<bool>,
    no_qr: Option<bool>,
    #[schema(minimum = 24, maximum = 64)]
    print_width: Option<u64>,
    #[schema(minimum = 24, maximum = 64)]
    pdf_width: Option<u64>,
    /// The seller's words under the receipt.
    #[schema(max_length = 512)]
    footer: Option<String>,
    /// Of a return: the fiscal number of the receipt that is returned.
    #[serde(rename = "ORDERRETNUM")]
    order_ret_num: Option<String>,
}

/// A line.
#[derive(ToSchema)]
#[allow(dead_code)]
struct Product {
    #[schema(min_length = 1, max_length = 512, example = "Кава")]
    name: String,
    #[schema(example = 2)]
    amount: Option<f64>,
    #[schema(example = 30.0)]
    price: Option<f64>,
    #[schema(example = 60.0)]
    cost: Option<f64>,
    sum_discount: Option<f64>,
    code: Option<String>,
    bar_code: Option<String>,
    unit_code: Option<String>,
    unit_name: Option<String>,
    letters: Option<String>,
    tax_prc: Option<f64>,
}

/// A means of payment.
#[derive(ToSchema)]
#[allow(dead_code)]
struct Payment {
    /// 0 cash, 1 card.
    #[schema(example = 0)]
    code: u32,
    name: Option<String>,
    #[schema(example = 60.0)]
    sum: f64,
    sum_provided: Option<f64>,
    sum_remains: Option<f64>,
}

/// Cash in or out.
#[derive(ToSchema)]
#[allow(dead_code)]
struct CashMovement {
    #[schema(minimum = 1, example = 4_000_000_001_u64)]
    num_fiscal: u64,
    /// `SERVICE_INPUT` or `SERVICE_OUTPUT`.
    #[schema(pattern = "^SERVICE_(INPUT|OUTPUT)$", example = "SERVICE_INPUT")]
    action_type: String,
    sum: f64,
}

/// Open a shift, or report and close it.
#[derive(ToSchema)]
#[allow(dead_code)]
struct ShiftAction {
    #[schema(minimum = 1, example = 4_000_000_001_u64)]
    num_fiscal: u64,
    /// `OPEN_SHIFT` or `Z_REPORT`.
    #[schema(pattern = "^(OPEN_SHIFT|Z_REPORT)$", example = "OPEN_SHIFT")]
    action_type: String,
}

/// An X-report.
#[derive(ToSchema)]
#[allow(dead_code)]
struct XReport {
    #[schema(minimum = 1, example = 4_000_000_001_u64)]
    num_fiscal: u64,
    /// Adds the list of receipts.
    include_checks: Option<bool>,
    no_text_print: Option<bool>,
    no_pdf: Option<bool>,
}

/// Some days.
#[derive(ToSchema)]
#[allow(dead_code)]
struct Period {
    #[schema(minimum = 1, example = 4_000_000_001_u64)]
    num_fiscal: u64,
    /// `DD.MM.YYYY`.
    #[schema(
        example = "01.02.2026",
        pattern = r"^(0[1-9]|1\d|2[0-8])\.(0[1-9]|1[0-2])\.20\d\d$"
    )]
    from: String,
    /// `DD.MM.YYYY`.
    #[schema(
        example = "28.02.2026",
        pattern = r"^(0[1-9]|1\d|2[0-8])\.(0[1-9]|1[0-2])\.20\d\d$"
    )]
    to: String,
}

/// An answer; its fields are in the page of this face.
#[derive(ToSchema)]
#[schema(value_type = Object)]
#[allow(dead_code)]
struct Answer(Value);

macro_rules! till_route {
    ($name:ident, $method:ident, $path:literal, $summary:literal, [$($param:tt)*], [$($body:tt)*]) => {
        till_route!($name, $method, $path, $summary, [$($param)*], [$($body)*], [("user" = []), ("api_token" = [])]);
    };
    ($name:ident, $method:ident, $path:literal, $summary:literal, [$($param:tt)*], [$($body:tt)*], [$($security:tt)*]) => {
        #[doc = $summary]
        #[utoipa::path($method, path = $path, tag = "cashdesk", operation_id = stringify!($name),
            security($($security)*),
            params(("developer-id" = String, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$", description = "Names the integrator"), $($param)*), $($body)*
            responses(
                (status = 200, body = Answer, headers(("Shift-state" = String, description = "Whether the register's shift is open"))),
                (status = 202, body = Fault, description = "Accepted, not resolved yet; nothing to be asked for a second time"),
                (status = 400, body = Fault), (status = 401, body = Fault), (status = 403, body = Fault), (status = 404, body = Fault),
                (status = 405, body = Fault), (status = 408, body = Fault), (status = 409, body = Fault), (status = 413, body = Fault),
                (status = 415, body = Fault), (status = 422, body = Fault), (status = 429, body = Fault), (status = 503, body = Fault)))]
        #[allow(dead_code)]
        fn $name() {}
    };
}

till_route!(
    authenticate,
    post,
    "/api/v2/authenticate",
    "A token for email and password.",
    [],
    [request_body = Credentials,],
    [()]
);
till_route!(
    list_registers,
    post,
    "/api/v2/tax_objects",
    "The registers that the tax service lists; held until it is signed and answered.",
    [],
    []
);
till_route!(
    register,
    get,
    "/api/v2/tax_objects/{num_fiscal}",
    "One register.",
    [("num_fiscal" = u64, Path, minimum = 1)],
    []
);
till_route!(sale, post, "/api/v2/check/sale", "Sell or take back; held until it is signed and registered.",
    [("Prefer" = Option<String>, Header, description = "wait=N, respond-async (RFC 7240)"), ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$")],
    [request_body = Sale,]);
till_route!(service, post, "/api/v2/check/service", "Cash in or out.", [("Prefer" = Option<String>, Header)], [request_body = CashMovement,]);
till_route!(shift, post, "/api/v2/shift", "Open a shift, or make its Z-report and close it.", [("Prefer" = Option<String>, Header)], [request_body = ShiftAction,]);
till_route!(
    x_report,
    post,
    "/api/v2/shift/xReport",
    "The X-report, from memory and at once.",
    [],
    [request_body = XReport,]
);
till_route!(
    period,
    post,
    "/api/v2/shift/zReport/period",
    "The Z-reports of some days, added up.",
    [],
    [request_body = Period,]
);
till_route!(
    last_check,
    post,
    "/api/v2/shift/lastCheck",
    "The last receipt of the open shift.",
    [],
    [request_body = OfRegister,]
);
till_route!(
    ping,
    post,
    "/api/v2/shift/ping",
    "That the register is there, and who signs.",
    [],
    [request_body = OfRegister,]
);
/// A receipt as text, html, pdf, png or qr (with `ascii`, as text).
#[utoipa::path(get, path = "/api/v2/checks/{uuid}/{form}", tag = "cashdesk", operation_id = "check_view", security(("user" = []), ("api_token" = [])),
    params(("developer-id" = String, Header, min_length = 1, max_length = 255, pattern = "^[!-~]+$", description = "Names the integrator"),
        ("uuid" = uuid::Uuid, Path), ("form" = String, Path, pattern = "^(text|html|pdf|png|qr)$"),
        ("print_width" = Option<u64>, Query, minimum = 24, maximum = 64), ("ascii" = Option<bool>, Query)),
    responses(
        (status = 200, description = "The receipt", content(
            (String = "text/plain"), (String = "text/html"), (Vec<u8> = "application/pdf"), (Vec<u8> = "image/png"))),
        (status = 400, body = Fault), (status = 401, body = Fault), (status = 404, body = Fault), (status = 405, body = Fault),
        (status = 503, body = Fault)))]
#[allow(dead_code)]
fn check_view() {}

till_route!(
    key_heartbeat,
    get,
    "/api/v2/key-heartbeat",
    "The state of a taxpayer's keys.",
    [(
        "drfo" = String,
        Query,
        min_length = 1,
        max_length = 20,
        pattern = "^[0-9]+$"
    )],
    []
);

/// A key container with its password.
#[derive(ToSchema)]
#[allow(dead_code)]
struct KeyForm {
    /// The container, as its authority made it; a megabyte at most.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    key: String,
    /// Its password.
    pass: String,
    /// The certificate, DER or PEM, where it is not inside.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    certificate: Option<String>,
}

/// A key, as its agent stored it: sealed, to be activated.
#[derive(ToSchema)]
#[allow(dead_code)]
struct LoadedKey {
    uuid: uuid::Uuid,
    /// The certificate's serial number, hexadecimal digits.
    serial: String,
    /// The holder's taxpayer number.
    drfo: Option<String>,
    /// The compressed public key, hexadecimal digits.
    public_key: String,
    /// The code of the holder's company.
    edrpou: Option<String>,
    state: String,
}

/// Load a key into the account's agent; off unless it is allowed.
#[utoipa::path(post, path = "/api/v1/key", tag = "cashdesk", operation_id = "load_key", security(("user" = []), ("api_token" = [])),
    request_body(content = KeyForm, content_type = "multipart/form-data"),
    responses(
        (status = 200, body = LoadedKey),
        (status = 400, body = Fault, description = "Wrong password, no certificate, no key; or `Key already exist`, with its `serial`"),
        (status = 401, body = Fault), (status = 403, body = Fault, description = "Not allowed here, or no agreement"), (status = 405, body = Fault),
        (status = 408, body = Fault), (status = 409, body = Fault), (status = 413, body = Fault), (status = 415, body = Fault),
        (status = 429, body = Fault), (status = 503, body = Fault, description = "The agent is away, or did not answer in time")))]
#[allow(dead_code)]
fn load_key() {}

/// What became of an operation, waited for as the caller prefers.
#[utoipa::path(get, path = "/api/v1/operations/{id}", tag = "operations", operation_id = "operation", security(("user" = []), ("api_token" = [])),
    params(("id" = uuid::Uuid, Path), ("Prefer" = Option<String>, Header, description = "wait=N (RFC 7240)")),
    responses(
        (status = 200, body = Operation, headers(("Retry-After" = u32, description = "While it is pending"))),
        (status = 401, description = "No valid token"), (status = 404, description = "None of the caller's"),
        (status = 405, description = "Another method"), (status = 503, description = "Nothing is taken now")))]
#[allow(dead_code)]
fn operation() {}

/// What became of an operation.
#[derive(ToSchema)]
#[allow(dead_code)]
struct Operation {
    operation_id: uuid::Uuid,
    /// The register's fiscal number.
    register: u64,
    /// `sale`, `return`, `service_in`, `service_out`, `open_shift`, `close_shift`...
    kind: String,
    /// `pending`, `done`, `refused` or `cancelled`.
    state: String,
    /// RFC 3339, UTC.
    accepted_at: String,
    local_number: Option<u64>,
    /// Of one that was done: the fields of its answer, without views.
    result: Option<Answer>,
    /// Of one that was not: `code` and `message`.
    error: Option<Answer>,
}

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.add_security_scheme("user", SecurityScheme::Http(bearer));
        let query = ApiKey::Query(ApiKeyValue::new("api_token"));
        components.add_security_scheme("api_token", SecurityScheme::ApiKey(query));
    }
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Countersign for cash desks", description = "CashDesk's API v2, and operations.", license(name = "MIT OR Apache-2.0")),
    paths(
        authenticate, list_registers, register, sale, service, shift, x_report, period, last_check, ping, check_view, key_heartbeat, load_key,
        operation
    ),
    modifiers(&Tokens)
)]
struct CashDeskApi;

/// The description of this face.
pub fn document() -> utoipa::openapi::OpenApi {
    CashDeskApi::openapi()
}
