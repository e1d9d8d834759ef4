//! A golden file per record and version: what was written once can be read for ever.

use actors::agents::records::{AgentKeyRecord, AgentRecord, AgreementRecord, EnrolledRecord, LicenceRecord};
use actors::ids::AccountId;
use std::fmt::Debug;
use storage::record::{Record, decode, encode};
use uuid::Uuid;

/// Compares with the file; with `GOLDEN=write` in the environment writes one that is not there yet, and never changes one that is.
fn check<R: Record + PartialEq + Debug>(name: &str, record: &R) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(format!("{name}-{}.hex", R::VERSION));
    let bytes = encode(record).unwrap();
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if !path.exists() && std::env::var_os("GOLDEN").is_some_and(|value| value == "write") {
        std::fs::write(&path, format!("{hex}\n")).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(
        hex,
        golden.trim(),
        "{name}: the bytes have changed; a new form is a new version"
    );
    assert_eq!(&decode::<R>(&bytes).unwrap(), record);
}

fn licence(number: u128) -> LicenceRecord {
    LicenceRecord {
        id: Uuid::from_u128(number),
        token: "csl1.invented.token".to_owned(),
        public_key: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
        forms: vec!["cms_attached".to_owned()],
        keys_max: 3,
        not_before_ms: 1_772_352_000_000,
        expires_ms: 1_803_888_000_000,
        issued_ms: 1_772_352_000_000,
        revoked_ms: Some(1_772_352_000_001),
    }
}

fn agent() -> AgentRecord {
    AgentRecord {
        name: "Integrator".to_owned(),
        accounts: vec![AccountId(Uuid::from_u128(1))],
        is_active: true,
        added_ms: 1_772_352_000_000,
        licences: vec![licence(2)],
        enrolled: Some(EnrolledRecord {
            licence: Uuid::from_u128(2),
            secret_digest: [7; 32],
            push_url: Some("https://agent.example.org".to_owned()),
            program: "smartsign/1.0.0".to_owned(),
            at_ms: 1_772_352_000_000,
        }),
    }
}

#[test]
fn the_records_of_agents_are_the_golden_ones() {
    check("agent", &agent());
    check(
        "agent-key",
        &AgentKeyRecord {
            agent: Uuid::from_u128(1),
            serial: vec![1, 2],
            subject_key_id: vec![3; 32],
            taxpayer_number: Some("0000000017".to_owned()),
            company_code: None,
            holder: Some("Вигаданенко".to_owned()),
            public_key: vec![4; 33],
            not_before_ms: 1_772_352_000_000,
            not_after_ms: 1_803_888_000_000,
            is_held: true,
        },
    );
    check(
        "agreement",
        &AgreementRecord {
            signed_day: 20_500,
            reference: "contract 17/2026".to_owned(),
            tax_codes: vec!["00000017".to_owned()],
            recorded_ms: 1_772_352_000_000,
            ended_ms: None,
        },
    );
}

#[test]
fn the_largest_rows_stay_below_what_a_store_holds() {
    use actors::agents::book::{ACCOUNTS_PER_AGENT_MAX, LICENCES_PER_AGENT_MAX, TAX_CODES_MAX};
    let licences = (0..LICENCES_PER_AGENT_MAX as u128).map(|number| LicenceRecord {
        token: "x".repeat(1_200),
        ..licence(number)
    });
    let agent = AgentRecord {
        name: "Ї".repeat(64),
        accounts: (0..ACCOUNTS_PER_AGENT_MAX as u128)
            .map(|number| AccountId(Uuid::from_u128(number)))
            .collect(),
        licences: licences.collect(),
        enrolled: agent().enrolled.map(|enrolled| EnrolledRecord {
            push_url: Some("x".repeat(2_000)),
            program: "Ї".repeat(200),
            ..enrolled
        }),
        ..agent()
    };
    let agreement = AgreementRecord {
        signed_day: 0,
        reference: "Ї".repeat(200),
        tax_codes: vec!["Ї".repeat(20); TAX_CODES_MAX],
        recorded_ms: 0,
        ended_ms: Some(0),
    };
    for octets in [encode(&agent).unwrap(), encode(&agreement).unwrap()] {
        assert!(octets.len() <= storage::VALUE_MAX, "{}", octets.len());
    }
}
