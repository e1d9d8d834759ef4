//! Errors as CashDesk's clients read them: `{"message","type"}`, the message shown to a person and searched for known words; `code` is ours.

use super::super::problem::{Code, Problem};
use actors::accounts::NoSigner;
use actors::ids::OperationId;
use actors::machines::register::{BlockReason, Cancelled, Refusal};
use actors::register::NoList;
use actors::trouble::Trouble;
use fiscal::RegisterNumber;
use http::header::{ALLOW, CONTENT_TYPE, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use http::{Response, StatusCode};
use serde::Serialize;
use serve::RequestId;

/// An error of this face.
#[derive(Debug)]
pub struct Fault {
    status: StatusCode,
    /// For programs; stable.
    code: &'static str,
    /// For people, in Ukrainian: clients show it as it is, and some search it for words that they know.
    message: String,
    operation: Option<OperationId>,
    serial: Option<String>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Serialize)]
struct Body<'a> {
    message: &'a str,
    r#type: &'static str,
    code: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_id: Option<OperationId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serial: Option<&'a str>,
    request_id: &'a str,
}

impl Fault {
    /// An error.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
            operation: None,
            serial: None,
            headers: Vec::new(),
        }
    }

    /// Input that cannot be taken.
    pub fn input(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid-field", message)
    }

    /// A field that cannot be taken.
    pub fn field(path: &str, expected: &str) -> Self {
        Self::input(format!("Поле {path}: {expected}"))
    }

    /// Nobody's token, or none.
    pub fn unauthorized() -> Self {
        let message = "Необхідна авторизація: передайте token у заголовку Authorization або api_token";
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
    }

    /// A register that is none of the caller's; whether it is another's is nobody's business.
    pub fn unknown_register(number: RegisterNumber) -> Self {
        let message = format!("Касу {number} не знайдено");
        Self::new(StatusCode::NOT_FOUND, "unknown-register", message)
    }

    /// A receipt that is none of the caller's.
    pub fn unknown_receipt() -> Self {
        Self::new(StatusCode::NOT_FOUND, "unknown-receipt", "Чек не знайдено")
    }

    /// No such route.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not-found", "Такого запиту немає")
    }

    /// Another method.
    pub fn method_not_allowed(allowed: &'static str) -> Self {
        let message = format!("Метод не підтримується, потрібен {allowed}");
        let mut fault = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", message);
        fault.headers.push((ALLOW, HeaderValue::from_static(allowed)));
        fault
    }

    /// The words that CashDesk's clients know for a register that has too much to do.
    pub fn busy(number: RegisterNumber) -> Self {
        let message =
            format!("Виконується попередній запит для \"{number}\". Повторіть запит через 5-30 секунд.");
        Self::new(StatusCode::CONFLICT, "register-busy", message).retry_after(5)
    }

    /// Accepted and not resolved: no failure, and nothing to be asked for a second time.
    pub fn pending(operation: OperationId) -> Self {
        let message = "Запит прийнято, результат ще не відомий. Не повторюйте його як новий: \
                       стан операції доступний за operation_id";
        let mut fault = Self::new(StatusCode::ACCEPTED, "pending", message).of(operation);
        let location = HeaderValue::from_str(&format!("/api/v1/operations/{operation}"));
        fault
            .headers
            .extend(location.map(|location| (LOCATION, location)));
        fault
    }

    /// What the actor's words come to.
    pub fn refused(refusal: &Refusal, number: RegisterNumber) -> Self {
        let (code, message) = match refusal {
            Refusal::Busy => return Self::busy(number),
            Refusal::ShiftOpen => ("shift-open", "Зміна відкрита".to_owned()),
            Refusal::ShiftClosed => ("shift-closed", "Зміна закрита".to_owned()),
            Refusal::ShiftOfAnother { name } => {
                let name = name
                    .as_deref()
                    .map(|name| format!(" ({name})"))
                    .unwrap_or_default();
                let message =
                    format!("Зміну відкрив інший касир{name}. Закрити її може він або старший касир");
                ("shift-of-another", message)
            }
            Refusal::ShiftTooLong => (
                "shift-too-long",
                "Ви не закрили зміну за попередній день".to_owned(),
            ),
            Refusal::TestingDiffers => (
                "testing-differs",
                "Зміна і каса мають різний режим: тестовий і робочий. Закрийте зміну".to_owned(),
            ),
            Refusal::Figures(text) => ("figures", format!("Суми не сходяться: {text}")),
            Refusal::Document(text) => ("document", format!("Документ не може цього містити: {text}")),
            Refusal::DrawerTooLow { balance, asked } => (
                "drawer-too-low",
                format!("У касі {balance} грн, видати {asked} грн неможливо"),
            ),
            Refusal::ReturnTooLarge { left } => (
                "return-too-large",
                format!("За цим чеком можна повернути не більше {left} грн"),
            ),
            Refusal::NothingToUndo => ("nothing-to-undo", "Немає чека, який можна сторнувати".to_owned()),
            Refusal::TooManyForms => (
                "too-many-forms",
                "Забагато форм оплати або податків за зміну. Закрийте зміну".to_owned(),
            ),
            Refusal::RegisterClosed => (
                "register-closed",
                format!("Касу {number} закрито або заблоковано"),
            ),
            Refusal::Rejected { code, text } => (
                "rejected",
                format!("Податкова служба відхилила документ (код {code}): {text}"),
            ),
            Refusal::Manual(reason) => {
                let message = format!(
                    "Касу {number} зупинено до перевірки адміністратором ({})",
                    reason.name()
                );
                return Self::new(StatusCode::CONFLICT, "register-stopped", message);
            }
            Refusal::OfflineLimit(BlockReason::SessionTooLong) => (
                "offline-limit",
                "Каса працює без зв'язку з податковою службою 36 годин поспіль. Нові документи можливі після \
                 відновлення зв'язку"
                    .to_owned(),
            ),
            Refusal::OfflineLimit(BlockReason::MonthTooLong) => (
                "offline-limit",
                "Каса вичерпала 168 годин роботи без зв'язку з податковою службою за місяць. Нові документи \
                 можливі після відновлення зв'язку"
                    .to_owned(),
            ),
            Refusal::Clock => {
                let message = "Годинник сервера показує недопустимий час";
                return Self::new(StatusCode::INTERNAL_SERVER_ERROR, "clock", message);
            }
        };
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// Given up before anything was registered: it may be asked for again.
    pub fn cancelled(cancelled: &Cancelled) -> Self {
        let again = "Нічого не зареєстровано, запит можна повторити";
        let (code, message) = match cancelled {
            Cancelled::QueueTooSlow => (
                "queue-too-slow",
                format!("Черга каси не дійшла до запиту вчасно. {again}"),
            ),
            Cancelled::SignatureLate => ("signature-late", format!("Підпис не отримано вчасно. {again}")),
            Cancelled::SignatureRefused { text, .. } => (
                "signature-refused",
                format!("Агент відмовив у підписі: {text}. {again}"),
            ),
            Cancelled::TaxServiceUnreachable => (
                "tax-service-unreachable",
                format!("Податкова служба недоступна. {again}"),
            ),
            Cancelled::Unsettled => (
                "unsettled",
                format!("Стан каси не вдалося узгодити вчасно. {again}"),
            ),
            Cancelled::ByPerson => ("cancelled", format!("Операцію скасував адміністратор. {again}")),
        };
        Self::new(StatusCode::SERVICE_UNAVAILABLE, code, message).retry_after(5)
    }

    /// No answer at all.
    pub fn trouble(trouble: Trouble, number: Option<RegisterNumber>) -> Self {
        match (trouble, number) {
            (Trouble::Busy, Some(number)) => Self::busy(number),
            (Trouble::Busy | Trouble::Unavailable, _) => Self::unavailable(),
            (Trouble::StillRunning, _) => Self::new(
                StatusCode::CONFLICT,
                "idempotency-key-running",
                "Перший запит із цим Idempotency-Key ще приймається",
            )
            .retry_after(1),
            (Trouble::OtherBody, _) => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency-key-reused",
                "Цей Idempotency-Key уже використано з іншим запитом",
            ),
            (Trouble::Unforeseen, _) => Self::internal(),
        }
    }

    /// The store takes nothing, or the gateway goes down.
    pub fn unavailable() -> Self {
        let message = "Сервіс тимчасово недоступний. Повторіть запит через 5-30 секунд.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message).retry_after(5)
    }

    /// An unforeseen error, which was logged.
    pub fn internal() -> Self {
        let message = "Внутрішня помилка сервера. Її записано, зверніться до підтримки";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What it says, for an answer that is no error itself.
    pub fn as_value(&self) -> serde_json::Value {
        serde_json::json!({ "code": self.code, "message": self.message })
    }

    /// When to try again.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.headers.push((RETRY_AFTER, HeaderValue::from(seconds)));
        self
    }

    /// About this operation.
    pub fn of(mut self, operation: OperationId) -> Self {
        self.operation = Some(operation);
        self
    }

    /// About the certificate of this serial number (the upload of keys has it).
    pub fn serial(mut self, serial: String) -> Self {
        self.serial = Some(serial);
        self
    }

    /// The answer.
    pub fn into_response(self, request_id: &RequestId) -> Response<Vec<u8>> {
        let body = Body {
            message: &self.message,
            r#type: if self.status.is_server_error() {
                "ERROR"
            } else {
                "WARNING"
            },
            code: self.code,
            operation_id: self.operation,
            serial: self.serial.as_deref(),
            request_id: request_id.as_str(),
        };
        let body = serde_json::to_vec(&body).expect("strings become JSON");
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        response.headers_mut().extend(self.headers);
        response
    }
}

/// What the door says of a request before any route sees it, in this face's shape.
impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        let message = match problem.code() {
            Code::NotFound => return Self::not_found(),
            Code::Unauthorized => return Self::unauthorized(),
            Code::Internal => return Self::internal(),
            Code::Busy | Code::Unavailable => return Self::unavailable(),
            Code::BodyTooLarge => "Запит завеликий",
            Code::UnsupportedMediaType => "Потрібен Content-Type application/json у кодуванні UTF-8",
            Code::BodyTimeout => "Тіло запиту не надійшло вчасно",
            Code::HeldTooLong => "Відповідь не сформовано вчасно. Стан операції можна дізнатися пізніше",
            Code::InvalidBody => "Тіло запиту не є об'єктом JSON",
            Code::InvalidIdempotencyKey => "Idempotency-Key має містити від 1 до 255 видимих символів",
            _ => "Запит не може бути виконано",
        };
        let (code, headers) = (problem.code(), problem.into_headers());
        let mut fault = Self::new(code.status(), code.slug(), message);
        fault.headers = headers;
        fault
    }
}

impl From<NoSigner> for Fault {
    fn from(reason: NoSigner) -> Self {
        let (code, message) = match reason {
            NoSigner::NoCashier => (
                "no-cashier",
                "Немає касира з ключем, який може підписати цей документ",
            ),
            NoSigner::NotAllowed => ("not-allowed", "Цей касир не має доступу до каси"),
            NoSigner::CertificateEnded => ("certificate-ended", "Сертифікат касира не чинний"),
        };
        let status = match reason {
            NoSigner::NotAllowed => StatusCode::FORBIDDEN,
            NoSigner::NoCashier | NoSigner::CertificateEnded => StatusCode::BAD_REQUEST,
        };
        Self::new(status, code, message)
    }
}

impl From<NoList> for Fault {
    fn from(reason: NoList) -> Self {
        match reason {
            NoList::SignatureLate => Self::cancelled(&Cancelled::SignatureLate),
            NoList::SignatureRefused(text) => {
                let reason = String::new();
                Self::cancelled(&Cancelled::SignatureRefused { reason, text })
            }
            NoList::SignatureUnfit(unfit) => Self::cancelled(&Cancelled::SignatureRefused {
                reason: unfit.name().to_owned(),
                text: unfit.to_string(),
            }),
            NoList::Rejected(rejection) => Self::new(
                StatusCode::BAD_REQUEST,
                "rejected",
                format!("Податкова служба відмовила: {}", rejection.text),
            ),
            NoList::Unreachable => Self::cancelled(&Cancelled::TaxServiceUnreachable),
            NoList::Store => Self::unavailable(),
        }
    }
}
