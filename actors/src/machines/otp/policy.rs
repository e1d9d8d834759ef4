//! The OTP Manager's settings for one contract type, as a command carries them.

use std::time::Duration;

/// Lengths, lifetimes and limits. Every one is a setting; the defaults are those of the service's description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Digits of a code, 4 to 10.
    pub code_length: u8,
    /// How long a code may be verified, counted from its hand-over; at most 600 s (NIST SP 800-63B-4, out-of-band).
    pub lifetime: Duration,
    /// How long an identical send is refused, counted from the hand-over (the document's two minutes).
    pub resend_window: Duration,
    /// How long a send may be without an outcome before it counts as unknown.
    pub outcome_deadline: Duration,
    /// Wrong tries that kill a code.
    pub tries_max: u8,
    /// Wrong tries within a day that lock the contact, whatever codes they were for.
    pub lock_after_tries: u32,
    /// Unverified codes per contact and contract type within `short_period`.
    pub short_cap: u32,
    /// The short period.
    pub short_period: Duration,
    /// Unverified codes per contact and contract type in a day.
    pub daily_cap: u32,
    /// Unverified codes per contact in a day, all contract types together.
    pub contact_daily_cap: u32,
}

/// The length of "a day" in caps and locks.
pub const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Codes of one customer that may be live at once: six contracts in one sitting, four times over. With the two bounds below it
/// keeps a customer's record under the store's 16 KiB (a test counts it).
pub(super) const LIVE_CODES_MAX: usize = 28;

/// Contacts of one customer with something to remember of the last day.
pub(super) const LEDGERS_MAX: usize = 8;

/// The upper bound of every cap setting.
pub const CAP_MAX: u32 = 36;

/// The upper bound of the setting for wrong tries that lock a contact.
pub const LOCK_AFTER_TRIES_MAX: u32 = 20;

impl Default for Policy {
    fn default() -> Self {
        Self {
            code_length: 6,
            lifetime: Duration::from_secs(300),
            resend_window: Duration::from_secs(120),
            outcome_deadline: Duration::from_secs(15),
            tries_max: 5,
            lock_after_tries: 15,
            short_cap: 5,
            short_period: Duration::from_secs(600),
            daily_cap: 10,
            contact_daily_cap: 30,
        }
    }
}
