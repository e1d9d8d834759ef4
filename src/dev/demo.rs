//! Invented partners and customers, so that the first call works.

use super::agent::EMAIL;
use super::files::{DevCashDesk, DevFile, DevPartner, DevSecrets};
use super::tax::REGISTERS;
use actors::directory::records::{ContactRecord, ContractTypeRecord, CustomerRecord, OtpOverrides};
use actors::directory::{Change, Directory};
use actors::ids::{ContractTypeId, CustomerId, InvokerCode};
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

/// Where everything listens.
pub(super) struct Urls {
    pub(super) public: String,
    pub(super) admin: String,
    pub(super) sms: String,
    pub(super) fiscal: String,
    pub(super) agent: String,
}

/// What `dev.json` says.
pub(super) fn describe(secrets: &DevSecrets, urls: Urls) -> DevFile {
    let partners = PARTNERS
        .iter()
        .zip(&secrets.partner_keys)
        .map(|((name, code, types), key)| DevPartner {
            name: (*name).to_owned(),
            invoker_code: *code,
            key: key.clone(),
            contract_types: types.to_vec(),
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
        customers: customers.collect(),
    }
}
