//! Invented partners and customers, so that the first call works.

use super::agent::EMAIL;
use super::files::{DevCashDesk, DevFile, DevIntegration, DevPartner, DevSecrets};
use super::tax::REGISTERS;
use actors::clock::{Clock, SystemClock};
use actors::directory::records::{ContactRecord, ContractTypeRecord, CustomerRecord, OtpOverrides};
use actors::directory::{Change, Directory, EvidenceChange};
use actors::ids::{ContractTypeId, CustomerId, InvokerCode};
use actors::random::{OsRandomness, draw_uuid};
use actors::secret::Secret;
use serde_json::json;
use uuid::Uuid;

const CONTRACT_TYPES: [(u8, &str); 2] = [(7, "سبدگردانی"), (8, "کارگزاری برخط")];
const PARTNERS: [(&str, Uuid, &[u8]); 2] = [
    (
        "Online Oragh",
        Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0001),
        &[7, 8],
    ),
    (
        "Agah Invest",
        Uuid::from_u128(0x0000_0000_0000_4000_8000_0000_0000_0002),
        &[8],
    ),
];
/// The system that records evidence.
const INTEGRATION: &str = "demo";
/// Code, name, contacts (code, phone type, number, deleted): one customer with every kind of contact, and two plain ones.
type Customer = (i64, &'static str, &'static [(i64, i32, &'static str, bool)]);
const CUSTOMERS: [Customer; 3] = [
    (
        1001,
        "نمونه یکم آزمایشی",
        &[
            (2001, 3, "09120000001", false),
            (2002, 1, "02100000000", false),
            (2003, 3, "0912", false),
            (2004, 3, "09120000004", true),
            (2005, 6, "09120000005", false),
        ],
    ),
    (1002, "نمونه دوم آزمایشی", &[(2001, 3, "+98 912 000 0002", false)]),
    (1003, "نمونه سوم آزمایشی", &[(2001, 3, "۰۹۱۲۰۰۰۰۰۰۳", false)]),
];

/// Fills an empty directory; one that has the demo partners already stays as it is.
pub(super) async fn fill(directory: &Directory, secrets: &DevSecrets) -> Result<(), String> {
    if directory.snapshot().invoker(InvokerCode(PARTNERS[0].1)).is_some() {
        return Ok(());
    }
    let types = CONTRACT_TYPES.iter().map(|(id, title)| {
        let record = ContractTypeRecord {
            title: (*title).to_owned(),
            otp: OtpOverrides::default(),
        };
        Change::PutContractType(ContractTypeId(*id), record)
    });
    let partners = PARTNERS
        .iter()
        .zip(&secrets.partner_keys)
        .map(|((name, code, types), key)| Change::PutInvoker {
            code: InvokerCode(*code),
            name: (*name).to_owned(),
            contract_types: types.to_vec(),
            key: Some(Secret::new(key.clone())),
        });
    let customers = CUSTOMERS.iter().map(|(code, name, contacts)| {
        let contacts = contacts
            .iter()
            .map(|(code, phone_type, number, deleted)| ContactRecord {
                code: *code,
                phone_type: *phone_type,
                number: (*number).to_owned(),
                deleted: *deleted,
            });
        let record = CustomerRecord {
            full_name: (*name).to_owned(),
            contacts: contacts.collect(),
        };
        Change::PutCustomer(CustomerId(*code), record)
    });
    // Partners last: their presence says that the rest is there.
    let changes = types.chain(customers).chain(partners).collect();
    let applied = directory
        .apply(changes)
        .await
        .map_err(|error| format!("demo data: {error}"))?;
    applied
        .into_iter()
        .collect::<Result<Vec<()>, _>>()
        .map_err(|error| format!("demo data: {error}"))?;
    Ok(())
}

/// Adds the demo integration, and binds the first partner's verified codes to it; a directory that has them stays as it is.
pub(super) async fn fill_evidence(directory: &Directory, secrets: &DevSecrets) -> Result<(), String> {
    if directory.snapshot().integration(INTEGRATION).is_some() {
        return Ok(());
    }
    let failed = |error: &dyn std::fmt::Display| format!("demo data: {error}");
    let id = draw_uuid(&OsRandomness, SystemClock::new().now()).map_err(|fault| failed(&fault))?;
    let key = secrets
        .integration_keys
        .first()
        .map(|key| (Secret::new(key.clone()), id));
    let changes = [
        EvidenceChange::PutIntegration {
            name: INTEGRATION.to_owned(),
            key,
        },
        EvidenceChange::Link {
            invoker: InvokerCode(PARTNERS[0].1),
            integration: Some(INTEGRATION.to_owned()),
        },
    ];
    let applied = directory.apply(changes.map(Change::Evidence).into()).await;
    let applied: Result<Vec<()>, _> = applied.map_err(|error| failed(&error))?.into_iter().collect();
    applied.map(drop).map_err(|error| failed(&error))
}

/// Where everything listens.
pub(super) struct Urls {
    pub(super) public: String,
    pub(super) admin: String,
    pub(super) sms: String,
    pub(super) fiscal: String,
    pub(super) agent: String,
}

/// What `dev.json` says.
pub(super) fn describe(secrets: &DevSecrets, urls: Urls, evidence_key: String) -> DevFile {
    let partners = PARTNERS
        .iter()
        .zip(&secrets.partner_keys)
        .map(|((name, code, types), key)| DevPartner {
            name: (*name).to_owned(),
            invoker_code: *code,
            key: key.clone(),
            contract_types: types.to_vec(),
        });
    let integrations = secrets.integration_keys.iter().map(|key| DevIntegration {
        name: INTEGRATION.to_owned(),
        key: key.clone(),
    });
    let customers = CUSTOMERS.iter().map(|(code, name, contacts)| {
        let contacts = contacts.iter().map(|(code, phone_type, number, deleted)| {
            json!({ "contact_ccms_code": code, "phone_type": phone_type, "number": number, "deleted": deleted })
        });
        json!({ "ccms_code": code, "full_name": name, "contacts": contacts.collect::<Vec<_>>() })
    });
    DevFile {
        public: urls.public,
        admin: urls.admin,
        sms: urls.sms,
        fiscal: urls.fiscal,
        agent: urls.agent,
        agent_api_key: secrets.agent_api_key.clone(),
        admin_key: secrets.admin_key.clone(),
        partners: partners.collect(),
        cashdesk: DevCashDesk {
            api_token: secrets.shop_api_token.clone(),
            email: EMAIL.to_owned(),
            password: secrets.shop_password.clone(),
            registers: REGISTERS.to_vec(),
        },
        integrations: integrations.collect(),
        evidence_key,
        customers: customers.collect(),
    }
}
