//! Who sells, where, and by which taxes.

use actors::ids::{AccountId, CashierId, KeyId};
use actors::machines::register::{AutoClose, SellerFacts, Settings, Signer, Unit};
use fiscal::arithmetic::{Letter, Tax, TaxKind, TaxTable};
use fiscal::{CashDeskNumber, Percent};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn signer(key: &str, is_senior: bool) -> Signer {
    let number = u128::from(key.bytes().map(u32::from).sum::<u32>());
    Signer {
        account: AccountId(Uuid::from_u128(1)),
        cashier: CashierId(Uuid::from_u128(number)),
        key: KeyId(Uuid::from_u128(number)),
        subject_key_id: key.to_owned(),
        name: format!("Касир {key}"),
        is_senior,
    }
}

pub(crate) fn taxes() -> TaxTable {
    let tax = |kind, name: &str, letter, percent| Tax {
        kind,
        name: name.to_owned(),
        letter: Letter::new(letter).unwrap(),
        percent: Percent::from_units(percent),
        excluded: false,
    };
    TaxTable::new(vec![
        tax(TaxKind::Vat, "ПДВ", 'А', 2_000),
        tax(TaxKind::Vat, "ПДВ", 'Б', 700),
        tax(TaxKind::Excise, "Акциз", 'Д', 500),
    ])
    .unwrap()
}

pub(crate) fn unit() -> Unit {
    Unit {
        seller: SellerFacts {
            tax_number: "34554363".to_owned(),
            vat_number: Some("123456789012".to_owned()),
            organisation: "ТОВ \"Приклад\"".to_owned(),
            point: "Крамниця".to_owned(),
            address: Some("м. Київ, вул. Прикладна, 1".to_owned()),
        },
        cash_desk: CashDeskNumber::new(6).unwrap(),
        is_testing: false,
        taxes: Arc::new(taxes()),
        settings: Settings {
            auto_close: AutoClose::BeforeMidnight { minutes: 10 },
            // Tests of what is offline allow it.
            offline: false,
            ..Settings::default()
        },
    }
}
