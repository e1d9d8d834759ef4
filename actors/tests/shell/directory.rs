//! The directory: whole changes, durable and visible when answered.

use crate::world::{CUSTOMER, INVOKER, customer, over, world};
use actors::directory::records::{ContractTypeRecord, OtpOverrides};
use actors::directory::{Change, Unfit};
use actors::ids::{ContractTypeId, CustomerId, InvokerCode};
use actors::secret::Secret;
use std::sync::Arc;
use storage::MemoryStore;
use uuid::Uuid;

fn invoker(code: InvokerCode, key: Option<&str>) -> Change {
    Change::PutInvoker {
        code,
        name: "Sample".to_owned(),
        contract_types: vec![8, 7, 7],
        key: key.map(Secret::new),
    }
}

const OTHER: InvokerCode = InvokerCode(Uuid::from_u128(2));

#[tokio::test]
async fn a_repeated_invoker_replaces_the_row_and_keeps_its_keys() {
    let world = world().await;
    let directory = &world.service.directory;
    let applied = directory
        .apply(vec![invoker(INVOKER, Some("second-key"))])
        .await
        .unwrap();
    assert_eq!(applied, [Ok(())]);
    for key in ["a-partners-key", "second-key"] {
        assert_eq!(directory.authenticate(&Secret::new(key)), Some(INVOKER), "{key}");
    }
    assert_eq!(directory.authenticate(&Secret::new("third-key")), None);
    let snapshot = directory.snapshot();
    let record = snapshot.invoker(INVOKER).unwrap();
    assert_eq!(
        (record.contract_types.as_slice(), record.keys.len()),
        ([7, 8].as_slice(), 2)
    );
}

#[tokio::test]
async fn a_key_belongs_to_one_invoker() {
    let world = world().await;
    let applied = world
        .service
        .directory
        .apply(vec![invoker(OTHER, Some("a-partners-key"))])
        .await
        .unwrap();
    assert_eq!(applied, [Err(Unfit::KeyTaken)]);
    assert!(
        world.service.directory.snapshot().invoker(OTHER).is_none(),
        "never half"
    );
}

#[tokio::test]
async fn a_revoked_key_is_unknown_and_the_others_stay() {
    let world = world().await;
    let directory = &world.service.directory;
    let id = Uuid::from_u128(77);
    let add = Change::AddKey {
        invoker: INVOKER,
        key: Secret::new("second-key"),
        id,
    };
    assert_eq!(directory.apply(vec![add]).await.unwrap(), [Ok(())]);
    let revoke = || vec![Change::RevokeKey { invoker: INVOKER, id }];
    assert_eq!(directory.apply(revoke()).await.unwrap(), [Ok(())]);
    assert_eq!(directory.authenticate(&Secret::new("second-key")), None);
    assert_eq!(
        directory.authenticate(&Secret::new("a-partners-key")),
        Some(INVOKER)
    );
    assert_eq!(directory.apply(revoke()).await.unwrap(), [Err(Unfit::NotFound)]);
}

#[tokio::test]
async fn changes_survive_a_crash_and_a_wrong_one_hinders_no_other() {
    let store = Arc::new(MemoryStore::new());
    let world = over(
        Arc::<MemoryStore>::clone(&store),
        Arc::default(),
        Arc::default(),
        64,
    )
    .await
    .unwrap();
    world.fill().await;
    let mut unfit = customer("0912");
    unfit.contacts.push(unfit.contacts[0].clone());
    let overrides = OtpOverrides {
        code_length: Some(11),
        ..OtpOverrides::default()
    };
    let record = ContractTypeRecord {
        title: "x".to_owned(),
        otp: overrides,
    };
    let changes = vec![
        invoker(OTHER, None),
        Change::PutCustomer(CustomerId(5), unfit),
        Change::PutContractType(ContractTypeId(9), record),
        invoker(OTHER, Some("short")),
        Change::DeleteCustomer(CustomerId(6)),
        Change::DeleteCustomer(CustomerId(CUSTOMER)),
        Change::DeleteContractType(ContractTypeId(200)),
        Change::PutCustomer(CustomerId(7), customer("any text at all")),
    ];
    let applied = world.service.directory.apply(changes).await.unwrap();
    let made: Vec<bool> = applied.iter().map(Result::is_ok).collect();
    assert_eq!(
        made,
        [true, false, false, false, false, true, false, true],
        "{applied:?}"
    );
    drop(world);
    let world = over(Arc::new(store.crash()), Arc::default(), Arc::default(), 64)
        .await
        .unwrap();
    let directory = &world.service.directory;
    assert!(directory.snapshot().invoker(OTHER).is_some());
    assert!(directory.snapshot().contract_type(ContractTypeId(9)).is_none());
    assert!(directory.customer(CustomerId(CUSTOMER)).await.unwrap().is_none());
    assert_eq!(
        directory
            .customer(CustomerId(7))
            .await
            .unwrap()
            .unwrap()
            .record
            .contacts[0]
            .number,
        "any text at all"
    );
    assert_eq!(
        directory.authenticate(&Secret::new("a-partners-key")),
        Some(INVOKER)
    );
}

#[tokio::test]
async fn unfit_changes_name_the_field() {
    let name = |length: usize| {
        let mut record = customer("0912");
        record.full_name = "x".repeat(length);
        Change::PutCustomer(CustomerId(1), record)
    };
    for (change, expected) in [
        (name(0), "full_name: must have 1 to 200 characters"),
        (name(201), "full_name: must have 1 to 200 characters"),
        (
            Change::PutCustomer(CustomerId(1), customer(&"1".repeat(41))),
            "number: must have 0 to 40 characters",
        ),
        (
            invoker(OTHER, Some("with space")),
            "key: must have 8 to 255 visible ASCII characters",
        ),
    ] {
        assert_eq!(change.check().unwrap_err().to_string(), expected);
    }
}
