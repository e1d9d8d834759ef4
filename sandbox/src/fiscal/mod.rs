//! A stand-in for the tax service's fiscal server: `/fs/doc`, `/fs/cmd` and `/fs/pck`, with its rules, its refusals and its tickets.

mod answer;
mod clock;
mod closing;
mod coding;
mod commands;
mod control;
mod core;
mod faults;
mod journal;
mod kinds;
pub mod machine;
mod requests;
mod seal;
mod server;
mod settings;
mod signatures;

pub use self::core::OpenError;
pub use clock::{Clock, MovedClock, SystemClock};
pub use control::{DocumentState, RegisterState, State};
pub use faults::{ARMED_MAX, Control, ControlError, Fault, Faults, SECONDS_MAX, SKEW_SECONDS_MAX, Target};
pub use journal::{Journal, JournalError};
pub use kinds::kind_of;
pub use seal::{Seal, SealError};
pub use server::Server;
pub use settings::{Company, Operator, Register, RejectionForm, Settings, SettingsError, Unit};
pub use signatures::{DstuSignatures, who};
