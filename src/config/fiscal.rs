//! Cash registers: the tax service that they register with, and the face that cash desks speak to.

use serde::{Deserialize, Serialize};

/// The tax service's fiscal server.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tax {
    /// Its base URL, with `/fs` at its end; empty: no registers are served.
    pub url: String,
    /// Subject key ids (hexadecimal) of the seals that its tickets are believed under; empty: any signature that holds.
    pub seals: Vec<String>,
}

/// Cash desks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CashDesk {
    /// Seconds that a request is held, unless its account or its `Prefer: wait` says otherwise.
    pub hold_seconds: u64,
    /// Seconds that an operation that nobody waits for (`respond-async`) may wait before its document is sent.
    pub unheld_seconds: u64,
    /// The base URL under which buyers find receipts (`/check/...` is added); empty: the tax cabinet's own page.
    pub receipts_url: String,
    /// Name of the software, as receipts show it.
    pub software: String,
    /// Receipts drawn and passwords hashed at once; 0: as many as there are cores.
    pub drawings_max: usize,
    /// Tries of a password for one account in a minute; ten times as many from one address.
    pub password_tries_max: u32,
    /// Hours between two lists of an account's registers, by which they are kept in step with the tax service; 0: only when asked for.
    pub synchronise_hours: u64,
    /// Commands that may wait for one register's actor; above it the words of a busy register.
    pub queue_max: u32,
    /// Seconds after which an idle register leaves memory.
    pub idle_seconds: u64,
}

impl Default for CashDesk {
    fn default() -> Self {
        Self {
            hold_seconds: 28,
            unheld_seconds: 120,
            receipts_url: String::new(),
            software: "Countersign".to_owned(),
            drawings_max: 0,
            password_tries_max: 10,
            synchronise_hours: 24,
            queue_max: 1_024,
            idle_seconds: 300,
        }
    }
}
