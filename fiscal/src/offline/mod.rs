//! What a register does while the tax service cannot be reached: it numbers and chains its documents itself, within two limits of time,
//! and delivers them in packages afterwards.

mod chain;
mod limits;
mod package;

pub use chain::{Broken, ChainError, Fault, Link, OfflineChain, OfflineDocument, Planned, verify};
pub use limits::{Month, OfflineLimits, Standing, State, in_month, session_time};
pub use package::{PackageError, PackageLimits, pack, parse, split};
