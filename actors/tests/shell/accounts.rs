//! Users, registers, cashiers and tokens: whole changes, durable and visible when answered.

use actors::accounts::password::PasswordRecord;
use actors::accounts::records::{AccountRecord, CashierRecord, TillRecord, TokenRecord};
use actors::accounts::{AccountFacts, Accounts, Caller, Change, NoSigner, TOKENS_PER_ACCOUNT_MAX};
use actors::directory::Unfit;
use actors::directory::keys::Pepper;
use actors::ids::{AccountId, CashierId, KeyId};
use actors::machines::register::{AutoClose, SellerFacts, Settings};
use actors::secret::Secret;
use actors::testing::{ManualClock, SeededRandomness};
use chrono::TimeDelta;
use fiscal::arithmetic::{Letter, Tax, TaxKind};
use fiscal::{CashDeskNumber, Percent, RegisterNumber};
use std::sync::Arc;
use std::time::Duration;
use storage::{MemoryStore, Store};
use uuid::Uuid;
use zeroize::Zeroizing;

const ACCOUNT: AccountId = AccountId(Uuid::from_u128(1));
const OTHER: AccountId = AccountId(Uuid::from_u128(2));
const CASHIER: CashierId = CashierId(Uuid::from_u128(11));
const SECOND: CashierId = CashierId(Uuid::from_u128(12));

struct Office {
    accounts: Accounts,
    store: Arc<MemoryStore>,
    clock: Arc<ManualClock>,
}

impl Office {
    async fn over(store: Arc<MemoryStore>, clock: Arc<ManualClock>) -> Self {
        let pepper = Arc::new(Pepper::new(Zeroizing::new(vec![5; 32])).unwrap());
        let dynamic: Arc<dyn Store> = Arc::<MemoryStore>::clone(&store);
        let randomness = Arc::new(SeededRandomness::new(3));
        let accounts = Accounts::open(dynamic, pepper, Arc::<ManualClock>::clone(&clock), randomness)
            .await
            .unwrap();
        Self {
            accounts,
            store,
            clock,
        }
    }

    async fn new() -> Self {
        let office = Self::over(Arc::new(MemoryStore::new()), Arc::default()).await;
        for (id, email) in [(ACCOUNT, "Shop@Example.COM"), (OTHER, "other@example.com")] {
            assert_eq!(office.apply(account(id, email)).await, Ok(()));
        }
        office
    }

    /// The same rows in another process.
    async fn restarted(&self) -> Self {
        Self::over(Arc::clone(&self.store), Arc::clone(&self.clock)).await
    }

    async fn apply(&self, change: Change) -> Result<(), Unfit> {
        self.accounts.apply(vec![change]).await.unwrap().remove(0)
    }

    fn now_ms(&self) -> i64 {
        use actors::clock::Clock;
        self.clock.now().wall.timestamp_millis()
    }

    fn cashier(&self) -> CashierRecord {
        CashierRecord {
            account: ACCOUNT,
            name: "Касир Вигаданий".to_owned(),
            key: KeyId(Uuid::from_u128(21)),
            subject_key_id: "aa01".to_owned(),
            serial: "01".to_owned(),
            tax_number: Some("0000000017".to_owned()),
            is_senior: false,
            is_active: true,
            registers: None,
            valid_from_ms: self.now_ms() - 1_000,
            valid_until_ms: self.now_ms() + 1_000_000,
            registered_ms: self.now_ms(),
        }
    }
}

fn account(id: AccountId, email: &str) -> Change {
    let facts = AccountFacts {
        name: "Крамниця".to_owned(),
        email: Some(email.to_owned()),
        password: Some(PasswordRecord::of(&Secret::new("a password"), &SeededRandomness::new(9)).unwrap()),
        is_active: true,
        hold_seconds: Some(25),
        may_relay_keys: false,
    };
    Change::PutAccount { id, facts }
}

fn number(last: u64) -> RegisterNumber {
    RegisterNumber::new(4_000_000_000 + last).unwrap()
}

fn till(account: AccountId) -> TillRecord {
    TillRecord {
        account,
        name: "Каса 1".to_owned(),
        seller: SellerFacts {
            tax_number: "0000000017".to_owned(),
            vat_number: Some("000000000017".to_owned()),
            organisation: "ТОВ «Неіснуюча крамниця»".to_owned(),
            point: "Крамниця № 1".to_owned(),
            address: Some("м. Львів, вул. Вигадана, 1".to_owned()),
        },
        cash_desk: CashDeskNumber::new(1).unwrap(),
        is_testing: false,
        is_closed: false,
        taxes: vec![tax('А', 2_000)],
        settings: Settings::default(),
        cashier: None,
        synchronised_ms: None,
    }
}

fn tax(letter: char, percent: i64) -> Tax {
    Tax {
        kind: TaxKind::Vat,
        name: "ПДВ".to_owned(),
        letter: Letter::new(letter).unwrap(),
        percent: Percent::from_units(percent),
        excluded: false,
    }
}

fn caller(cashier: Option<CashierId>) -> Caller {
    Caller {
        account: ACCOUNT,
        cashier,
    }
}

#[tokio::test]
async fn a_key_and_a_token_name_their_account_also_after_a_restart() {
    let office = Office::new().await;
    let key = Secret::new("0123456789abcdef0123456789abcdef");
    let id = Uuid::from_u128(31);
    let add = Change::AddKey {
        account: ACCOUNT,
        key: key.clone(),
        id,
    };
    assert_eq!(office.apply(add.clone()).await, Ok(()));
    assert_eq!(office.apply(add).await, Ok(()), "a repeat changes nothing");
    assert_eq!(office.accounts.account(ACCOUNT).unwrap().keys.len(), 1);
    let given = office.accounts.give_token(caller(None)).await.unwrap();
    for office in [&office, &office.restarted().await] {
        assert_eq!(office.accounts.authenticate(&key), Some(caller(None)));
        assert_eq!(office.accounts.authenticate(&given.token), Some(caller(None)));
        assert_eq!(office.accounts.authenticate(&Secret::new("another key")), None);
    }
    let stranger = Change::AddKey {
        account: OTHER,
        key: key.clone(),
        id,
    };
    assert_eq!(office.apply(stranger).await, Err(Unfit::KeyTaken));
    assert_eq!(
        office.apply(Change::RevokeKey { account: ACCOUNT, id }).await,
        Ok(())
    );
    assert_eq!(office.accounts.authenticate(&key), None);
    let again = Change::RevokeToken {
        account: ACCOUNT,
        id: given.id,
    };
    assert_eq!(office.apply(again.clone()).await, Ok(()));
    assert_eq!(office.apply(again).await, Err(Unfit::NotFound));
    assert_eq!(office.restarted().await.accounts.authenticate(&given.token), None);
}

#[tokio::test]
async fn a_token_ends_after_a_year_and_with_its_cashier_and_its_account() {
    let office = Office::new().await;
    let put = |cashier| Change::PutCashier(CASHIER, Box::new(cashier));
    assert_eq!(office.apply(put(office.cashier())).await, Ok(()));
    let given = office.accounts.give_token(caller(Some(CASHIER))).await.unwrap();
    assert_eq!(
        office.accounts.authenticate(&given.token),
        Some(caller(Some(CASHIER)))
    );
    let idle = CashierRecord {
        is_active: false,
        ..office.cashier()
    };
    assert_eq!(office.apply(put(idle)).await, Ok(()));
    assert_eq!(office.accounts.authenticate(&given.token), None);
    assert_eq!(office.apply(put(office.cashier())).await, Ok(()));
    office.clock.jump(TimeDelta::days(365) - TimeDelta::seconds(1));
    assert!(office.accounts.authenticate(&given.token).is_some());
    office.clock.jump(TimeDelta::seconds(1));
    assert_eq!(office.accounts.authenticate(&given.token), None);
    let given = office.accounts.give_token(caller(None)).await.unwrap();
    let Change::PutAccount { id, mut facts } = account(ACCOUNT, "shop@example.com") else {
        unreachable!()
    };
    facts.is_active = false;
    assert_eq!(office.apply(Change::PutAccount { id, facts }).await, Ok(()));
    assert_eq!(office.accounts.authenticate(&given.token), None);
}

#[tokio::test]
async fn an_account_has_a_bounded_number_of_tokens_and_the_oldest_leaves_first() {
    let office = Office::new().await;
    let put = Change::PutCashier(CASHIER, Box::new(office.cashier()));
    assert_eq!(office.apply(put).await, Ok(()));
    let of_cashier = office.accounts.give_token(caller(Some(CASHIER))).await.unwrap();
    let mut given = Vec::new();
    for _ in 0..TOKENS_PER_ACCOUNT_MAX {
        office.clock.advance(Duration::from_millis(1));
        given.push(office.accounts.give_token(caller(None)).await.unwrap());
    }
    assert_eq!(office.accounts.tokens_of(ACCOUNT).len(), TOKENS_PER_ACCOUNT_MAX);
    assert_eq!(
        office.accounts.authenticate(&given[0].token),
        None,
        "the oldest of those given for a password"
    );
    for kept in [&of_cashier, &given[1], given.last().unwrap()] {
        assert!(office.accounts.authenticate(&kept.token).is_some());
    }
    office.clock.jump(TimeDelta::days(366));
    office.accounts.give_token(caller(None)).await.unwrap();
    assert_eq!(
        office.accounts.tokens_of(ACCOUNT).len(),
        TOKENS_PER_ACCOUNT_MAX + 1 - storage::BATCH_OPERATIONS_MAX / 2
    );
}

#[tokio::test]
async fn an_address_of_mail_is_one_accounts_in_whatever_case() {
    let office = Office::new().await;
    let (id, record) = office.accounts.account_of_email(" SHOP@example.com").unwrap();
    assert_eq!(id, ACCOUNT);
    assert!(
        record
            .password
            .as_ref()
            .unwrap()
            .matches(&Secret::new("a password"))
    );
    assert_eq!(
        office.apply(account(OTHER, "shop@EXAMPLE.com")).await,
        Err(Unfit::Taken { field: "email" })
    );
    assert_eq!(office.apply(account(ACCOUNT, "new@example.com")).await, Ok(()));
    assert!(office.accounts.account_of_email("shop@example.com").is_none());
    assert_eq!(
        office.apply(account(OTHER, "shop@example.com")).await,
        Ok(()),
        "it is free again"
    );
    assert_eq!(office.accounts.accounts().len(), 2);
}

#[tokio::test]
async fn a_register_is_seen_by_its_account_alone() {
    let office = Office::new().await;
    for (last, owner) in [(1, ACCOUNT), (2, ACCOUNT), (3, OTHER)] {
        assert_eq!(
            office
                .apply(Change::PutTill(number(last), Box::new(till(owner))))
                .await,
            Ok(())
        );
    }
    let office = office.restarted().await;
    let numbers = |account| -> Vec<RegisterNumber> {
        office
            .accounts
            .tills_of(account)
            .into_iter()
            .map(|(number, _)| number)
            .collect()
    };
    assert_eq!(numbers(ACCOUNT), [number(1), number(2)]);
    assert_eq!(numbers(OTHER), [number(3)]);
    assert!(office.accounts.till_of(ACCOUNT, number(3)).is_none());
    assert!(office.accounts.till_of(OTHER, number(3)).is_some());
    assert_eq!(office.apply(Change::DeleteTill(number(2))).await, Ok(()));
    assert_eq!(
        office.apply(Change::DeleteTill(number(2))).await,
        Err(Unfit::NotFound)
    );
    assert_eq!(office.accounts.tills_of(ACCOUNT).len(), 1);
}

#[tokio::test]
async fn what_the_tax_service_names_is_taken_over_and_the_settings_stay() {
    let office = Office::new().await;
    let mut own = till(ACCOUNT);
    own.settings.auto_close = AutoClose::Off;
    assert_eq!(
        office.apply(Change::PutTill(number(1), Box::new(own))).await,
        Ok(())
    );
    let mut named = till(ACCOUNT);
    named.seller.point = "Крамниця № 2".to_owned();
    named.taxes = Vec::new();
    named.synchronised_ms = Some(7);
    let synchronise =
        |last, record: &TillRecord| Change::SynchroniseTill(number(last), Box::new(record.clone()));
    assert_eq!(office.apply(synchronise(1, &named)).await, Ok(()));
    let kept = office.accounts.till(number(1)).unwrap();
    assert_eq!(kept.seller.point, "Крамниця № 2");
    assert_eq!((kept.settings.auto_close, kept.taxes.len()), (AutoClose::Off, 1));
    assert_eq!(kept.synchronised_ms, Some(7));
    let later = TillRecord {
        synchronised_ms: Some(8),
        ..named.clone()
    };
    assert_eq!(office.apply(synchronise(1, &later)).await, Ok(()));
    assert_eq!(
        office.accounts.till(number(1)).unwrap().synchronised_ms,
        Some(7),
        "nothing new, nothing written"
    );
    let foreign = TillRecord {
        account: OTHER,
        ..later
    };
    assert_eq!(office.apply(synchronise(1, &foreign)).await, Ok(()));
    assert_eq!(
        office.accounts.till(number(1)).unwrap().account,
        ACCOUNT,
        "no register changes hands by itself"
    );
}

#[tokio::test]
async fn the_tokens_cashier_signs_or_the_registers_or_the_first_who_may() {
    let office = Office::new().await;
    let put = |id, cashier: CashierRecord| Change::PutCashier(id, Box::new(cashier));
    assert_eq!(
        office.accounts.signer(caller(None), Some(number(1))),
        Err(NoSigner::NoCashier)
    );
    let first = CashierRecord {
        registers: Some(vec![number(2)]),
        ..office.cashier()
    };
    assert_eq!(office.apply(put(CASHIER, first)).await, Ok(()));
    assert_eq!(office.apply(put(SECOND, office.cashier())).await, Ok(()));
    for last in [1, 2] {
        assert_eq!(
            office
                .apply(Change::PutTill(number(last), Box::new(till(ACCOUNT))))
                .await,
            Ok(())
        );
    }
    let signer = |cashier, last| {
        let signer = office.accounts.signer(caller(cashier), Some(number(last)));
        signer.map(|signer| signer.cashier)
    };
    assert_eq!(signer(None, 1), Ok(SECOND));
    assert_eq!(signer(None, 2), Ok(CASHIER));
    assert_eq!(signer(Some(CASHIER), 1), Err(NoSigner::NotAllowed));
    assert_eq!(signer(Some(SECOND), 2), Ok(SECOND));
    let bound = TillRecord {
        cashier: Some(SECOND),
        ..till(ACCOUNT)
    };
    assert_eq!(
        office.apply(Change::PutTill(number(2), Box::new(bound))).await,
        Ok(())
    );
    assert_eq!(signer(None, 2), Ok(SECOND));
    assert_eq!(
        signer(Some(CASHIER), 2),
        Ok(CASHIER),
        "the token goes before the register"
    );
    office.clock.jump(TimeDelta::seconds(1_000));
    assert_eq!(signer(None, 2), Err(NoSigner::CertificateEnded));
    assert_eq!(signer(None, 1), Err(NoSigner::CertificateEnded));
    let foreign = office.accounts.signer(
        Caller {
            account: OTHER,
            cashier: None,
        },
        Some(number(2)),
    );
    assert_eq!(foreign, Err(NoSigner::NotAllowed));
}

#[tokio::test]
async fn an_unfit_row_is_refused_by_the_name_of_its_field() {
    let office = Office::new().await;
    type Spoil = fn(&mut TillRecord);
    let spoilt: [(Spoil, &str); 7] = [
        (
            |till| till.seller.tax_number = "12".to_owned(),
            "seller.tax_number: must have 8 to 10 characters",
        ),
        (
            |till| till.seller.tax_number = "1234567x".to_owned(),
            "seller.tax_number: must be digits",
        ),
        (
            |till| till.seller.point = String::new(),
            "seller.point: must have 1 to 256 characters",
        ),
        (|till| till.taxes = vec![tax('A', 1), tax('А', 2)], "taxes: "),
        (
            |till| till.settings.auto_close = AutoClose::BeforeMidnight { minutes: 721 },
            "settings.auto_close.minutes: must be between 1 and 720",
        ),
        (
            |till| till.account = AccountId(Uuid::nil()),
            "account: there is none of this id",
        ),
        (
            |till| till.cashier = Some(CASHIER),
            "cashier: there is none of this id",
        ),
    ];
    for (spoil, expected) in spoilt {
        let mut record = till(ACCOUNT);
        spoil(&mut record);
        let unfit = office
            .apply(Change::PutTill(number(1), Box::new(record)))
            .await
            .unwrap_err();
        assert!(unfit.to_string().starts_with(expected), "{unfit}");
    }
    for email in ["", "x", "@x.y", "a@", "a b@c.d"] {
        let unfit = office.apply(account(ACCOUNT, email)).await.unwrap_err();
        assert!(unfit.to_string().starts_with("email: "), "{unfit}");
    }
    let cashier = CashierRecord {
        subject_key_id: "AA01".to_owned(),
        ..office.cashier()
    };
    let unfit = office
        .apply(Change::PutCashier(CASHIER, Box::new(cashier)))
        .await
        .unwrap_err();
    assert!(unfit.to_string().starts_with("subject_key_id: "), "{unfit}");
    assert!(office.accounts.tills_of(ACCOUNT).is_empty() && office.accounts.cashiers_of(ACCOUNT).is_empty());
}

#[tokio::test]
async fn the_rows_of_accounts_are_the_golden_ones() {
    use crate::golden::check;
    let office = Office::new().await;
    let mut record = AccountRecord::clone(&office.accounts.account(ACCOUNT).unwrap());
    record.keys.push(actors::directory::records::KeyRecord {
        id: Uuid::from_u128(0xA1),
        digest: [7; 32],
        added_ms: 1_772_352_000_000,
    });
    check("account", &record);
    check("till", &till(ACCOUNT));
    let cashier = CashierRecord {
        registers: Some(vec![number(1)]),
        valid_from_ms: 1,
        valid_until_ms: 2,
        registered_ms: 3,
        ..office.cashier()
    };
    check("cashier", &cashier);
    let token = TokenRecord {
        id: Uuid::from_u128(0xB1),
        account: ACCOUNT,
        cashier: Some(CASHIER),
        issued_ms: 1_772_352_000_000,
        expires_ms: 1_803_888_000_000,
    };
    check("user-token", &token);
}
