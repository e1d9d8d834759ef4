//! Signing evidence: the log's keys, what one contract may come to, checkpoints, audits.

use super::ConfigSecret;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Signing evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evidence {
    /// Names the log in its checkpoints, where its key is made at the first start.
    pub origin: String,
    /// Keys that sign checkpoints, in C2SP's form. Empty: `evidence.key` in `storage.path`, made at the first start.
    pub signing_keys: Vec<ConfigSecret>,
    /// Public keys of before, in C2SP's form: old checkpoints stay verifiable.
    pub former_keys: Vec<String>,
    /// Containers of one contract, all companies together.
    pub containers_per_contract_max: usize,
    /// Bytes of one contract's containers.
    pub bytes_per_contract_max: usize,
    /// Containers that may wait for one client.
    pub queue_max: u32,
    /// Leaves that may wait for the log's commits.
    pub waiting_max: usize,
    /// Contracts of one client that stay in memory.
    pub contracts_per_client_max: usize,
    /// Seconds after which an idle client leaves memory.
    pub idle_seconds: u64,
    /// Tiles of the tree that stay in memory.
    pub tiles_max: usize,
    /// Milliseconds that a served checkpoint may be behind the log.
    pub checkpoint_milliseconds: u64,
    /// Seconds between pushes of a checkpoint to one sink.
    pub sink_seconds: u64,
    /// Where sinks that are files lie; without it there are none.
    pub sink_directory: Option<PathBuf>,
    /// Leaves that the background audit looks at in a second; 0 switches it off.
    pub audit_leaves_per_second: u32,
    /// Milliseconds that a verification's answer waits for its evidence.
    pub otp_wait_milliseconds: u64,
}

impl Default for Evidence {
    fn default() -> Self {
        Self {
            origin: "countersign/evidence".to_owned(),
            signing_keys: Vec::new(),
            former_keys: Vec::new(),
            containers_per_contract_max: 100,
            bytes_per_contract_max: 4 * 1_024 * 1_024,
            queue_max: 4_096,
            waiting_max: 4_096,
            contracts_per_client_max: 64,
            idle_seconds: 300,
            tiles_max: 1_024,
            checkpoint_milliseconds: 500,
            sink_seconds: 60,
            sink_directory: None,
            audit_leaves_per_second: 500,
            otp_wait_milliseconds: 1_000,
        }
    }
}
