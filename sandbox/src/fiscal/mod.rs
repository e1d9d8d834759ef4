//! A stand-in for the tax service's fiscal server: `/fs/doc`, `/fs/cmd` and `/fs/pck`, with its rules, its refusals and its tickets.
//!
//! A request goes through `server` (listeners, threads), `requests` (transport, faults), `core` (decide, remember, apply, one at a time) to
//! the pure [`machine`], and back through `answer` (form, compression, date). `signatures` opens what comes in, `seal` signs what goes out.
//!
//! What always holds: nothing is answered that is not on disk; what is refused consumes nothing; the machine knows no time, no chance, no
//! disk and no key but what it is given. What is checked, in which order, and where no source says how: the package's page.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use sandbox::fiscal::{Control, Fault, Server, Settings};
//!
//! let settings = Settings::from_toml(&std::fs::read_to_string("sandbox/fiscal.toml")?)?;
//! let server = Server::open(settings, std::path::Path::new("data/fiscal"))?;
//! server.arm(Control::once(Fault::DropAfter))?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8609").await?;
//! server.serve(listener, None, std::future::pending()).await?;
//! # Ok(())
//! # }
//! ```

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
