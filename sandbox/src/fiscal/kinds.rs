//! The names of kinds of documents, as `/control` speaks of them.

use fiscal::Kind;
use fiscal::document::CashMovement;

/// `open_shift`, `close_shift`, `offline_begin`, `offline_end`, `sale`, `return`, `deposit`, `reinforcement`, `issue`, `storno`, `z_report`.
#[must_use]
pub const fn kind_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::OpenShift => "open_shift",
        Kind::CloseShift => "close_shift",
        Kind::OfflineBegin { .. } => "offline_begin",
        Kind::OfflineEnd => "offline_end",
        Kind::Sale { .. } => "sale",
        Kind::Return { .. } => "return",
        Kind::CashMovement { movement, .. } => match movement {
            CashMovement::ServiceDeposit => "deposit",
            CashMovement::AdditionalDeposit => "reinforcement",
            CashMovement::ServiceIssue => "issue",
        },
        Kind::Storno { .. } => "storno",
        Kind::ZReport(_) => "z_report",
    }
}
