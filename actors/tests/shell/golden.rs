//! A golden file per record and version: what was written once can be read for ever.

use actors::deliveries::{DeliveryRecord, EventRecord, HookRecord, Status};
use actors::directory::records::{
    ContactRecord, ContractTypeRecord, CustomerRecord, InvokerRecord, KeyRecord, OtpOverrides,
};
use actors::guards::SpentRecord;
use actors::idempotency::{Claim, Reservation};
use actors::ids::{ChallengeId, InvokerCode};
use actors::machines::otp::{BookRecord, CodeMac};
use std::fmt::Debug;
use storage::record::{Record, decode, encode};
use uuid::Uuid;

/// Compares with the file; with `GOLDEN=write` in the environment writes one that is not there yet, and never changes one that is.
pub(crate) fn check<R: Record + PartialEq + Debug>(name: &str, record: &R) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(format!("{name}-{}.hex", R::VERSION));
    let hex = evidence::hex::encode(&encode(record).unwrap());
    if !path.exists() && std::env::var_os("GOLDEN").is_some_and(|value| value == "write") {
        std::fs::write(&path, format!("{hex}\n")).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(
        hex,
        golden.trim(),
        "{name}: the bytes have changed; a new form is a new version"
    );
    assert_eq!(&decode::<R>(&from_hex(&golden)).unwrap(), record);
}

/// The bytes of a line of a golden file.
pub(crate) fn from_hex(line: &str) -> Vec<u8> {
    (0..line.trim().len() / 2)
        .map(|at| u8::from_str_radix(&line[2 * at..2 * at + 2], 16).unwrap())
        .collect()
}

#[test]
fn the_directorys_records_are_the_golden_ones() {
    let key = KeyRecord {
        id: Uuid::from_u128(0xA1),
        digest: [7; 32],
        added_ms: 1_772_352_000_000,
    };
    check(
        "invoker",
        &InvokerRecord {
            name: "Sample".to_owned(),
            contract_types: vec![7, 8],
            keys: vec![key],
        },
    );
    let otp = OtpOverrides {
        code_length: Some(8),
        lifetime_seconds: None,
        resend_window_seconds: Some(90),
    };
    check(
        "contract-type",
        &ContractTypeRecord {
            title: "سبدگردانی".to_owned(),
            otp,
        },
    );
    let contact = ContactRecord {
        code: -5,
        phone_type: 3,
        number: "۰۹۱۲".to_owned(),
        deleted: true,
    };
    check(
        "customer",
        &CustomerRecord {
            full_name: "نمونه".to_owned(),
            contacts: vec![contact],
        },
    );
}

#[test]
fn the_records_of_integrations_are_the_golden_ones() {
    use actors::directory::SinkTarget;
    use actors::directory::evidence::{AlgorithmRecord, AlgorithmsRecord, IntegrationRecord, LinkRecord};
    let key = KeyRecord {
        id: Uuid::from_u128(0xA1),
        digest: [7; 32],
        added_ms: 1_772_352_000_000,
    };
    check("integration", &IntegrationRecord { keys: vec![key] });
    let algorithm = AlgorithmRecord {
        from_index: 300,
        registered_ms: 1_772_352_000_000,
        digest: 1,
        fields: vec![1, 2],
        separator: "|".to_owned(),
        is_base64: true,
    };
    check(
        "hash-algorithms",
        &AlgorithmsRecord {
            successive: vec![algorithm],
        },
    );
    check(
        "evidence-link",
        &LinkRecord {
            integration: "sample".to_owned(),
        },
    );
    check(
        "checkpoint-sink",
        &SinkTarget::Webhook("https://sink.test/".to_owned()),
    );
}

#[tokio::test]
async fn a_customers_book_and_a_reservation_are_the_golden_ones() {
    use actors::testing::{Act, ManualClock};
    let store = std::sync::Arc::new(storage::MemoryStore::new());
    let world = crate::world::over(
        store.clone(),
        ManualClock::default().into(),
        Default::default(),
        64,
    )
    .await
    .unwrap();
    world.fill().await;
    world.operator.will(Act::Shrug);
    world.send_under(Some("golden")).await.unwrap();
    world.clock.advance(std::time::Duration::from_secs(1));
    world.verify("000000").await;
    let rows = |table| {
        storage::Store::scan(
            store.as_ref(),
            storage::Scan::of(storage::Key::table(table).build()),
        )
    };
    let book = rows("otp-book").await.unwrap().remove(0).stored.value;
    let book = decode::<BookRecord<'_>>(&book[9..]).unwrap();
    check("otp-book", &book);
    // Version 1 knew no reference to a client, version 2 wrote digests byte by byte; otherwise it is the same book.
    for earlier in [
        include_str!("../../golden/otp-book-1.hex"),
        include_str!("../../golden/otp-book-2.hex"),
    ] {
        assert_eq!(decode::<BookRecord<'_>>(&from_hex(earlier)).unwrap(), book);
    }
    let reservation = rows("idempotency").await.unwrap().remove(0).stored.value;
    check("idempotency-named", &decode::<Reservation>(&reservation).unwrap());
    let delivery = rows("delivery").await.unwrap().remove(0).stored.value;
    check("delivery", &decode::<DeliveryRecord>(&delivery).unwrap());
}

/// Written before an answer that nobody knows the outcome of named its code; it must be read for ever, and is written no more.
#[test]
fn a_reservation_from_before_unknown_outcomes_named_their_code_is_still_read() {
    let bytes = from_hex(include_str!("../../golden/idempotency-1.hex"));
    let read = decode::<Reservation>(&bytes).unwrap();
    assert_eq!(encode(&read).unwrap(), bytes);
}

#[test]
fn what_partners_are_told_and_granted_is_the_golden_one() {
    let partner = InvokerCode(Uuid::from_u128(1));
    check(
        "partner-hook",
        &HookRecord {
            url: "https://partner.test/news".to_owned(),
            salt: [7; 16],
            put_ms: 1_772_352_000_000,
        },
    );
    check(
        "partner-news",
        &EventRecord {
            partner,
            challenge: ChallengeId(Uuid::from_u128(2)),
            status: Status::Failed,
            code: Some("UNDELIV".to_owned()),
            operator: "main".to_owned(),
            parts: 2,
            changed_ms: 1_772_352_000_000,
            posts: 3,
        },
    );
    check("sms-spent", &SpentRecord { granted: 1_000 });
}

#[test]
fn what_owners_are_told_is_the_golden_one() {
    use actors::machines::register::{
        DocumentFacts, DocumentKind, Limit, Nearness, News, OfflineCause, Settled,
    };
    use actors::owners::{FormerKey, KeptRecord, OwedRecord, OwnerEvent, OwnerHookRecord, ReplayRecord};
    let at_ms = 1_772_352_000_000;
    let hook = OwnerHookRecord {
        url: "https://owner.test/events".to_owned(),
        salt: [7; 16],
        former: Some(FormerKey {
            salt: [8; 16],
            until_ms: at_ms,
        }),
        put_ms: at_ms,
        gone_ms: Some(at_ms),
    };
    check("owner-hook", &hook);
    let document = DocumentFacts {
        uid: fiscal::Uid::new("01a2017b-98b2-751c-831d-6c7fe7790067").unwrap(),
        kind: DocumentKind::Sale,
        local_number: fiscal::LocalNumber::new(2).unwrap(),
        fiscal_number: Some(fiscal::FiscalNumber::new("1000000002").unwrap()),
        issued: chrono::DateTime::from_timestamp_millis(at_ms)
            .unwrap()
            .naive_utc(),
        sum: Some("12.50".parse().unwrap()),
        is_offline: false,
        is_testing: false,
    };
    let operation = actors::ids::OperationId(Uuid::from_u128(3));
    let every = |document: DocumentFacts| {
        let of = || document.clone();
        vec![
            News::Registered {
                document: of(),
                operation,
            },
            News::Rejected {
                document: of(),
                operation,
                code: Some(9),
            },
            News::InDoubt {
                document: of(),
                operation,
            },
            News::Settled {
                document: of(),
                operation,
                outcome: Settled::Revoked,
            },
            News::ShiftOpened {
                document: of(),
                operation,
                shift: 4,
            },
            News::ShiftClosed {
                document: of(),
                operation,
                shift: 4,
            },
            News::OfflineBegun {
                document: of(),
                cause: OfflineCause::Person,
            },
            News::OfflineEnded { documents: 5 },
            News::AgentAway { operation: None },
            News::LimitNear {
                limit: Limit::Shift,
                nearness: Nearness::Reached,
                minutes_left: 0,
            },
        ]
    };
    let register = fiscal::RegisterNumber::new(4_000_000_001).unwrap();
    let events: Vec<OwnerEvent> = (1..)
        .zip(every(document))
        .map(|(id, news)| OwnerEvent {
            id: Uuid::from_u128(id),
            register,
            at_ms,
            news,
        })
        .collect();
    let kept = KeptRecord {
        event: events[0].clone(),
        ended_ms: at_ms,
        tries: 2,
        status: Some(503),
    };
    check("owner-kept", &kept);
    let owed = OwedRecord {
        events,
        told: 1,
        tries: 2,
        status: Some(503),
        due_ms: at_ms,
    };
    check("owner-owed", &owed);
    let replay = ReplayRecord {
        after: 1,
        until: u128::MAX,
        asked_ms: at_ms,
        tries: 1,
        due_ms: at_ms,
    };
    check("owner-replay", &replay);
}

#[test]
fn a_claim_and_a_mac_have_the_sizes_that_records_count_on() {
    let claim = Claim::new(InvokerCode(Uuid::nil()), "send", "k", b"");
    #[derive(Debug, PartialEq, serde::Serialize, serde::Deserialize)]
    struct Both(Claim, CodeMac);
    impl Record for Both {
        const NAME: &'static str = "both";
        const VERSION: u8 = 1;
    }
    let both = Both(
        claim,
        CodeMac {
            key_id: 1,
            tag: [0; 32],
        },
    );
    assert_eq!(encode(&both).unwrap().len(), 1 + 64 + 1 + 33);
}

#[tokio::test]
async fn a_reservation_of_a_registers_operation_is_the_golden_one() {
    let store = std::sync::Arc::new(storage::MemoryStore::new());
    let shop = crate::register_world::over(store.clone(), Default::default(), Default::default())
        .await
        .unwrap();
    shop.order_under("golden", "1.00").await.unwrap();
    let scan = storage::Scan::of(storage::Key::table("idempotency").build());
    let rows = storage::Store::scan(store.as_ref(), scan).await.unwrap();
    check(
        "idempotency-operation",
        &decode::<Reservation>(&rows[0].stored.value).unwrap(),
    );
}
