//! Time as an argument: the only place that reads the machine's clock, so that tests can move it.

use chrono::{DateTime, Utc};

/// Where wall time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Now, as the machine believes it; may jump either way.
    fn now(&self) -> DateTime<Utc>;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // this is the place
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
