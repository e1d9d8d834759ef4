//! An evidence service over a store of the test's choice.

use actors::clock::Clock;
use actors::evidence::{EvidenceMetrics, EvidenceService, OwedContract, OwedEvidence, Parts, Settings};
use actors::ids::ChallengeId;
use actors::machines::evidence::{Added, Limits};
use actors::testing::{ManualClock, SeededRandomness};
use evidence::checkpoint::{Signer, Verifier};
use evidence::tree::Hash;
use evidence::{Container, Identity, Receipt, read_container, read_identity};
use std::sync::Arc;
use std::time::Duration;
use storage::Store;
use tokio_util::task::TaskTracker;

pub(crate) const ORIGIN: &str = "countersign.test/evidence";

pub(crate) fn signer(seed: u8) -> Signer {
    Signer::from_seed(ORIGIN, &[seed; 32]).unwrap()
}

pub(crate) fn keys() -> Vec<Verifier> {
    vec![signer(1).verifier().clone()]
}

pub(crate) fn settings() -> Settings {
    Settings {
        limits: Limits {
            containers_max: 100,
            bytes_max: 4 << 20,
        },
        queue_max: 4_096,
        waiting_max: 1_024,
        contracts_max: 8,
        tiles_max: 64,
        checkpoint_fresh_for: Duration::from_millis(500),
    }
}

/// A service, its clock, and what it does in the background.
pub(crate) struct Log {
    pub(crate) service: EvidenceService,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tasks: TaskTracker,
}

pub(crate) async fn try_open(store: Arc<dyn Store>, seed: u64) -> Result<Log, String> {
    let clock = Arc::new(ManualClock::default());
    let tasks = TaskTracker::new();
    let service = EvidenceService::open(Parts {
        store,
        clock: Arc::clone(&clock) as Arc<dyn Clock>,
        randomness: Arc::new(SeededRandomness::new(seed)),
        metrics: EvidenceMetrics::new(&prometheus::Registry::new()).unwrap(),
        tasks: tasks.clone(),
        signers: vec![signer(1)],
        former: Vec::new(),
        settings: settings(),
    });
    Ok(Log {
        service: service.await?,
        clock,
        tasks,
    })
}

pub(crate) async fn open(store: Arc<dyn Store>, seed: u64) -> Log {
    try_open(store, seed).await.expect("the log opens")
}

/// A container of contract `number`; `more` stands behind its mandatory fields.
pub(crate) fn container(client: &str, number: u64, more: &str) -> Container {
    let body = format!(
        r#"{{"ClientIntegrationId":"{client}","ContractId":{number},"SignDate":"01.01.2024"{more}}}"#
    );
    read_container(body.as_bytes()).content.unwrap()
}

pub(crate) fn identity(client: &str, number: u64) -> Identity {
    let body = format!(r#"{{"ClientIntegrationId":"{client}","ContractId":"{number}"}}"#);
    read_identity(body.as_bytes()).content.unwrap()
}

pub(crate) fn debt(number: u128) -> OwedEvidence {
    OwedEvidence {
        challenge: ChallengeId(uuid::Uuid::from_u128(number)),
        integration: "i".to_owned(),
        client_integration_id: "1001".to_owned(),
        contract_id: OwedContract::Integer("313527".to_owned()),
        verified_seconds: 1_772_352_000,
        key_transport: "scripted".to_owned(),
        documents_sha256: vec![[7; 32]],
    }
}

impl Log {
    pub(crate) async fn add(&self, container: Container) -> Hash {
        match self.service.add("i", container).await {
            Ok(Added::Recorded(leaf)) => leaf,
            other => panic!("not recorded: {other:?}"),
        }
    }

    pub(crate) async fn receipt(&self, leaf: Hash) -> Receipt {
        self.service
            .receipt(leaf)
            .await
            .unwrap()
            .expect("the log has the leaf")
    }
}
