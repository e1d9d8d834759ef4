//! Cash registers: what the directory knows of them, and how they stand.

use super::super::Gateway;
use super::super::exchange::{Answer, Exchange};
use super::super::form;
use super::super::problem::{Code, Problem};
use super::{admit, change_account, json, moment, no_content, read_row, unknown};
use actors::accounts::Change;
use actors::accounts::records::TillRecord;
use actors::ids::{AccountId, CashierId};
use actors::machines::register::{AutoClose, NoOffline, OfflineView, SellerFacts, Settings, View};
use actors::trouble::Trouble;
use fiscal::arithmetic::{Letter, Tax, TaxKind};
use fiscal::{CashDeskNumber, Percent, RegisterNumber};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::PartialSchema;
use utoipa::openapi::{RefOr, Schema};
use uuid::Uuid;

/// A register, as it is put.
#[derive(Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRow {
    /// Whose it is.
    account: Uuid,
    /// Its name at its owner.
    #[serde(default)]
    #[schema(max_length = 256)]
    name: String,
    /// The register's number at its owner.
    #[serde(deserialize_with = "form::integer")]
    #[schema(minimum = 1, value_type = u64)]
    cash_desk: i64,
    /// The owner's taxpayer number: 8 to 10 digits.
    #[schema(pattern = "^[0-9]{8,10}$")]
    tax_number: String,
    /// The owner's number as a payer of VAT: 9 to 12 digits.
    #[serde(default)]
    #[schema(pattern = "^[0-9]{9,12}$")]
    vat_number: Option<String>,
    /// The owner's name, as the tax service has it.
    #[schema(min_length = 1, max_length = 256)]
    organisation: String,
    /// The shop's name, as the tax service has it.
    #[schema(min_length = 1, max_length = 256)]
    point: String,
    /// The shop's address.
    #[serde(default)]
    #[schema(min_length = 1, max_length = 256)]
    address: Option<String>,
    /// Its documents are tests.
    #[serde(default)]
    is_testing: bool,
    /// Closed for good at the tax service.
    #[serde(default)]
    is_closed: bool,
    /// The taxes of its registration.
    #[serde(default, deserialize_with = "form::objects")]
    #[schema(max_items = 12)]
    taxes: Vec<TaxRow>,
    /// Who signs where the caller is the account itself.
    #[serde(default)]
    cashier: Option<Uuid>,
    /// Its settings.
    #[serde(default, deserialize_with = "form::object")]
    settings: SettingsRow,
}

/// A tax.
#[derive(Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TaxRow {
    /// What it is: 0 VAT, 1 excise, 2 pension fund; another number as the tax service has it.
    #[serde(default, deserialize_with = "form::integer")]
    #[schema(maximum = 255)]
    kind: u8,
    /// Its name; 1 to 32 characters.
    #[schema(min_length = 1, max_length = 32)]
    name: String,
    /// Its letter; Latin letters that look like Cyrillic ones are those.
    #[schema(min_length = 1, max_length = 1, pattern = "^[0-9A-Za-zА-Яа-яЄІЇҐєіїґ]$")]
    letter: String,
    /// Its rate in percent, as a decimal: `20` or `7.00`.
    #[schema(pattern = "^[0-9]{1,3}([.][0-9]{1,2})?$")]
    percent: String,
    /// It is not in the price but comes on top.
    #[serde(default)]
    excluded: bool,
}

/// What may be set for a register; what is left out has its default.
#[derive(Clone, Deserialize, Serialize, utoipa::ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SettingsRow {
    /// A closed shift is opened for a sale, a return, cash in and cash out.
    auto_open: bool,
    /// How a shift is closed by itself: minutes before midnight in Kyiv, 1 to 720; 0: not at all (an alarm is raised instead); null: the
    /// gateway picks the moment.
    #[serde(deserialize_with = "form::optional_integer")]
    #[schema(maximum = 720)]
    auto_close_minutes: Option<u16>,
    /// Cash that is not in the drawer is not taken out of it.
    check_drawer: bool,
    /// A repeat within a shift gets the first answer.
    find_duplicates: bool,
    /// Seconds that an agent may take for one signature.
    #[serde(deserialize_with = "form::integer")]
    #[schema(minimum = 1, maximum = 86_400)]
    signature_seconds: u32,
    /// Seconds that the tax service may take for a document.
    #[serde(deserialize_with = "form::integer")]
    #[schema(minimum = 1, maximum = 86_400)]
    post_seconds: u32,
    /// Seconds that the tax service may take for a query.
    #[serde(deserialize_with = "form::integer")]
    #[schema(minimum = 1, maximum = 86_400)]
    query_seconds: u32,
    /// It may go offline when the tax service cannot be reached.
    offline: bool,
    /// Seconds that the tax service must not have answered before it does.
    #[serde(deserialize_with = "form::integer")]
    #[schema(maximum = 86_400)]
    offline_after_seconds: u32,
}

impl Default for SettingsRow {
    fn default() -> Self {
        Self::of(&Settings::default())
    }
}

impl SettingsRow {
    fn of(settings: &Settings) -> Self {
        let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        Self {
            auto_open: settings.auto_open,
            auto_close_minutes: match settings.auto_close {
                AutoClose::BeforeMidnight { minutes } => Some(minutes),
                AutoClose::Automatic => None,
                AutoClose::Off => Some(0),
            },
            check_drawer: settings.check_drawer,
            find_duplicates: settings.find_duplicates,
            signature_seconds: seconds(settings.signature_max),
            post_seconds: seconds(settings.post_max),
            query_seconds: seconds(settings.query_max),
            offline: settings.offline,
            offline_after_seconds: seconds(settings.offline_after),
        }
    }

    fn settings(&self) -> Settings {
        let seconds = |seconds: u32| Duration::from_secs(seconds.into());
        Settings {
            auto_open: self.auto_open,
            auto_close: match self.auto_close_minutes {
                Some(0) => AutoClose::Off,
                Some(minutes) => AutoClose::BeforeMidnight { minutes },
                None => AutoClose::Automatic,
            },
            check_drawer: self.check_drawer,
            find_duplicates: self.find_duplicates,
            signature_max: seconds(self.signature_seconds),
            post_max: seconds(self.post_seconds),
            query_max: seconds(self.query_seconds),
            offline: self.offline,
            offline_after: seconds(self.offline_after_seconds),
        }
    }
}

/// A register, as it is shown.
#[derive(Serialize)]
pub struct RegisterView {
    num_fiscal: u64,
    #[serde(flatten)]
    row: RegisterRow,
    /// When the tax service last named it (RFC 3339, UTC).
    synchronised_at: Option<String>,
}

/// What is put, with more fields in the same object. Derived, it would be said of one object that it has only the fields that are put, and others too.
impl PartialSchema for RegisterView {
    fn schema() -> RefOr<Schema> {
        let mut row = RegisterRow::schema();
        if let RefOr::T(Schema::Object(object)) = &mut row {
            let shown = [
                ("num_fiscal", u64::schema()),
                ("synchronised_at", Option::<String>::schema()),
            ];
            object.description = Some("A register, as it is shown.".to_owned());
            object.required.push("num_fiscal".to_owned());
            object
                .properties
                .extend(shown.map(|(name, schema)| (name.to_owned(), schema)));
        }
        row
    }
}

impl utoipa::ToSchema for RegisterView {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        RegisterRow::schemas(schemas);
    }
}

/// How a register stands.
#[derive(Serialize, utoipa::ToSchema)]
pub struct RegisterState {
    num_fiscal: u64,
    /// `online`, `offline`, `syncing`, `blocked`, `in_doubt` or `manual`, the last of which waits for a person.
    link: &'static str,
    /// Whether a shift is open.
    shift_open: bool,
    /// When it was opened, Kyiv time.
    shift_opened: Option<String>,
    /// When it closes by itself (RFC 3339, UTC).
    closes_at: Option<String>,
    /// Attempts to close it by itself that failed.
    close_failed: u32,
    /// Cash in the drawer.
    cash_in_box: Option<String>,
    /// The local number that is due, where it is known.
    next_local_number: Option<u64>,
    /// The document on its way.
    flight: Option<&'static str>,
    /// Operations that wait, the one in work included.
    operations: usize,
    /// Whether a signature is awaited.
    awaits_signature: bool,
    /// Its offline session, from the decision to leave until all of it is delivered; null online.
    offline: Option<OfflineState>,
    /// Why it could not go offline now: `forbidden`, `no_session`, `unsettled` or `limit_reached`; null where it could, or has.
    cannot_go_offline: Option<&'static str>,
}

/// An offline session.
#[derive(Serialize, utoipa::ToSchema)]
pub struct OfflineState {
    /// Its number at the tax service.
    session: u64,
    /// When it was decided to leave (RFC 3339, UTC).
    since: String,
    /// When its first document was issued, Kyiv time; null before.
    begun: Option<String>,
    /// `unreachable`, `cryptography` or `person`.
    why: &'static str,
    /// A person keeps it offline.
    stays: bool,
    /// Documents that it has.
    documents: u64,
    /// Those that the tax service does not have yet.
    undelivered: u64,
    /// Minutes left of the session's 36 hours.
    session_minutes_left: i64,
    /// Minutes left of the month's 168 hours.
    month_minutes_left: i64,
    /// The refusal of its last package, where a person must look: the tax service's code and words.
    rejected: Option<String>,
}

impl OfflineState {
    fn of(session: &OfflineView) -> Self {
        let rejected = session.rejected.as_ref();
        Self {
            session: session.session,
            since: moment(session.since_ms),
            begun: session.begun.map(|begun| begun.to_string()),
            why: session.why.name(),
            stays: session.stays,
            documents: session.documents,
            undelivered: session.undelivered,
            session_minutes_left: session.session_minutes_left,
            month_minutes_left: session.month_minutes_left,
            rejected: rejected.map(|rejected| format!("{} {}", rejected.code, rejected.text)),
        }
    }
}

/// One.
pub async fn one(gateway: Gateway, number: String, mut exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET, Method::PUT, Method::DELETE])?;
    let number = parse(&number)?;
    match exchange.method {
        Method::DELETE => {
            change_account(&gateway, Change::DeleteTill(number)).await?;
            return Ok(no_content());
        }
        Method::PUT => {
            let row: RegisterRow = read_row(&gateway, &mut exchange).await?;
            let earlier = gateway.accounts.till(number);
            let synchronised_ms = earlier.and_then(|earlier| earlier.synchronised_ms);
            let record = record(row, synchronised_ms)?;
            change_account(&gateway, Change::PutTill(number, Box::new(record))).await?;
        }
        _ => {}
    }
    let record = gateway.accounts.till(number).ok_or_else(unknown)?;
    Ok(json(StatusCode::OK, &view(number, &record)))
}

/// How one stands.
pub async fn state(gateway: Gateway, number: String, exchange: Exchange) -> Answer {
    admit(&gateway, &exchange, &[Method::GET])?;
    let number = parse(&number)?;
    gateway.accounts.till(number).ok_or_else(unknown)?;
    let served = || Problem::new(Code::Unavailable, "no registers are served: set tax.url");
    let face = gateway.cashdesk.as_ref().ok_or_else(served)?;
    let view = face.registers.look(number).await.map_err(trouble)?;
    Ok(json(StatusCode::OK, &RegisterState::of(number, &view)))
}

impl RegisterState {
    pub(super) fn of(number: RegisterNumber, view: &View) -> Self {
        let shift = view.shift.as_ref();
        Self {
            num_fiscal: number.get(),
            link: view.link.name(),
            shift_open: shift.is_some(),
            shift_opened: shift.map(|shift| shift.opened.to_string()),
            closes_at: shift.and_then(|shift| shift.closes_at_ms).map(moment),
            close_failed: shift.map_or(0, |shift| shift.close_failed),
            cash_in_box: shift.map(|shift| shift.drawer.to_string()),
            next_local_number: view.next_local_number.map(fiscal::LocalNumber::get),
            flight: view.flight.map(|(kind, _)| kind.name()),
            operations: view.operations,
            awaits_signature: view.awaits_signature,
            offline: view.offline.as_ref().map(OfflineState::of),
            cannot_go_offline: view.no_offline.map(NoOffline::name),
        }
    }
}

pub(super) fn trouble(trouble: Trouble) -> Problem {
    match trouble {
        Trouble::Unforeseen => Problem::new(Code::Internal, "an unforeseen error; it was logged"),
        _ => Problem::new(Code::Unavailable, "the register takes nothing now").retry_after(1),
    }
}

pub(super) fn parse(number: &str) -> Result<RegisterNumber, Problem> {
    let number = number
        .parse()
        .ok()
        .and_then(|number| RegisterNumber::new(number).ok());
    number.ok_or_else(|| {
        Problem::new(
            Code::InvalidField,
            "the register in the path must be a fiscal number",
        )
    })
}

fn record(row: RegisterRow, synchronised_ms: Option<i64>) -> Result<TillRecord, Problem> {
    let unfit = |detail: &str| Problem::new(Code::UnfitObject, detail);
    let cash_desk = u64::try_from(row.cash_desk)
        .ok()
        .and_then(|number| CashDeskNumber::new(number).ok());
    Ok(TillRecord {
        account: AccountId(row.account),
        name: row.name,
        seller: SellerFacts {
            tax_number: row.tax_number,
            vat_number: row.vat_number,
            organisation: row.organisation,
            point: row.point,
            address: row.address,
        },
        cash_desk: cash_desk.ok_or_else(|| unfit("cash_desk: must be 1 or more"))?,
        is_testing: row.is_testing,
        is_closed: row.is_closed,
        taxes: row.taxes.into_iter().map(tax).collect::<Result<_, _>>()?,
        settings: row.settings.settings(),
        cashier: row.cashier.map(CashierId),
        synchronised_ms,
    })
}

fn tax(row: TaxRow) -> Result<Tax, Problem> {
    let unfit = |detail: &str| Problem::new(Code::UnfitObject, detail);
    let mut letters = row.letter.chars();
    let letter = letters.next().filter(|_| letters.next().is_none());
    let letter = letter.and_then(|letter| Letter::new(letter).ok());
    let percent: Percent = row
        .percent
        .parse()
        .map_err(|_| unfit("taxes.percent: must be a decimal of at most two digits behind the point"))?;
    Ok(Tax {
        kind: TaxKind::from_code(row.kind),
        name: row.name,
        letter: letter.ok_or_else(|| unfit("taxes.letter: must be a letter or a digit"))?,
        percent,
        excluded: row.excluded,
    })
}

pub(super) fn view(number: RegisterNumber, record: &TillRecord) -> RegisterView {
    let tax = |tax: &Tax| TaxRow {
        kind: tax.kind.code(),
        name: tax.name.clone(),
        letter: tax.letter.to_string(),
        percent: tax.percent.to_string(),
        excluded: tax.excluded,
    };
    RegisterView {
        num_fiscal: number.get(),
        row: RegisterRow {
            account: record.account.0,
            name: record.name.clone(),
            cash_desk: i64::try_from(record.cash_desk.get()).unwrap_or(i64::MAX),
            tax_number: record.seller.tax_number.clone(),
            vat_number: record.seller.vat_number.clone(),
            organisation: record.seller.organisation.clone(),
            point: record.seller.point.clone(),
            address: record.seller.address.clone(),
            is_testing: record.is_testing,
            is_closed: record.is_closed,
            taxes: record.taxes.iter().map(tax).collect(),
            cashier: record.cashier.map(|cashier| cashier.0),
            settings: SettingsRow::of(&record.settings),
        },
        synchronised_at: record.synchronised_ms.map(moment),
    }
}
