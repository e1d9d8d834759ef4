//! The limits of a register, each with its reason, and the settings of one.

use fiscal::offline::{OfflineLimits, PackageLimits};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// 64 waiting: above this a till is looping, not selling.
pub const WAITING_MAX: usize = 64;
/// The most rounds of one decision: an operation is begun, may change something and ends; those that wait, the one in work and the close.
pub(super) const ROUNDS_MAX: usize = 3 * (WAITING_MAX + 2);
/// The most remedies of one operation (a state asked anew after a refusal): a register whose state changes under it more often than
/// this is used by another device, and a person must look.
pub(super) const REMEDIES_MAX: u8 = 3;
/// How much longer than its deadline a task's word is awaited before it counts as lost.
pub(super) const GRACE: Duration = Duration::from_millis(500);
/// A shift's longest duration (rule 5 of section 3.2).
pub const SHIFT_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// How long before [`SHIFT_MAX`] a shift is closed at the latest: time for a dozen attempts.
pub(super) const SHIFT_MARGIN: Duration = Duration::from_secs(15 * 60);
/// How long before [`SHIFT_MAX`] an alarm is raised for a shift that is still open: time for a person to come and close it.
pub(super) const ALARM_BEFORE: Duration = Duration::from_secs(60 * 60);
/// The first pause after a failed attempt to close a shift; each next is twice as long...
pub(super) const CLOSE_PAUSE: Duration = Duration::from_secs(15);
/// ...up to this.
pub(super) const CLOSE_PAUSE_MAX: Duration = Duration::from_secs(5 * 60);
/// How long one attempt to close a shift may wait for its signatures.
pub(super) const CLOSE_LIFETIME: Duration = Duration::from_secs(60);
/// The first pause of a doubt that could not be settled; each next is twice as long...
pub(super) const DOUBT_PAUSE: Duration = Duration::from_secs(1);
/// ...up to this: a register in doubt sells nothing.
pub(super) const DOUBT_PAUSE_MAX: Duration = Duration::from_secs(60);
/// The pause before a document that could not be sent is sent again, and before a query that got no answer is put again.
pub(super) const SEND_PAUSE: Duration = Duration::from_secs(1);
/// The first pause before a register that is offline looks whether the tax service is back; each next is twice as long...
pub(super) const LOOK_PAUSE: Duration = Duration::from_secs(10);
/// ...up to this: a minute of the month's hours is the most that is lost, and a thousand registers ask sixteen times a second.
pub(super) const LOOK_PAUSE_MAX: Duration = Duration::from_secs(60);
/// The limits of offline sessions (section 1.8), and the margins before them.
pub const OFFLINE_LIMITS: OfflineLimits = OfflineLimits {
    session_minutes: 36 * 60,
    month_minutes: 168 * 60,
    // Long enough to repair a line or to fetch help before sales stop.
    warning_minutes: 6 * 60,
    // For the Z-report, which counts, and the close: each may wait half a minute for its signature, and is tried again.
    reserve_minutes: 15,
};
/// What goes into one package (section 1.8).
pub const PACKAGE_LIMITS: PackageLimits = PackageLimits {
    documents_max: 100,
    octets_max: 190_000,
};
/// The halves by which a far deadline on the wall clock is approached end here (see `decide::close`).
pub(super) const ALARM_LEAST: Duration = Duration::from_secs(30);

/// The most means of payment in one shift and on one receipt, told apart by code and name. It bounds a register's record; the
/// official samples have five.
pub const PAYMENT_FORMS_MAX: usize = 10;
/// The most taxes, by letter and rate, in one shift and on one receipt. It bounds a register's record; samples have six letters.
pub const TAXES_MAX: usize = 12;
/// The longest name of a means of payment; the longest official one has 35 characters.
pub const PAYMENT_NAME_CHARACTERS_MAX: usize = 48;
/// The longest name of a tax; "Акцизний податок" has 16 characters.
pub const TAX_NAME_CHARACTERS_MAX: usize = 32;
/// The longest comment of a receipt that is kept: a dozen printed lines.
pub const COMMENT_CHARACTERS_MAX: usize = 512;
/// The longest text of a refusal that is kept.
pub(super) const TEXT_CHARACTERS_MAX: usize = 300;

/// What may be set for each register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// A closed shift is opened for a sale, a return, cash in and cash out. An order may say otherwise.
    pub auto_open: bool,
    /// How a shift is closed by itself.
    pub auto_close: AutoClose,
    /// Cash that is not in the drawer is not taken out of it (rule 11).
    pub check_drawer: bool,
    /// A repeat (same direction, same local number of the client, same sums) inside a shift gets the first answer.
    pub find_duplicates: bool,
    /// How long an agent may take for one signature, where the operation's own time is not shorter: so long one that is away holds up
    /// what waits behind.
    pub signature_max: Duration,
    /// How long the tax service may take for a document: it has been seen to take 27 seconds.
    pub post_max: Duration,
    /// How long the tax service may take for a query.
    pub query_max: Duration,
    /// Whether it may go offline when the tax service cannot be reached.
    pub offline: bool,
    /// How long the tax service must not have answered before it does. Each session costs three signatures and a share of the month's
    /// hours, so that a connection that is refused for a moment is no reason; a caller waits 28 seconds, of which this leaves enough.
    pub offline_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            auto_open: true,
            auto_close: AutoClose::BeforeMidnight { minutes: 10 },
            check_drawer: true,
            find_duplicates: true,
            signature_max: Duration::from_secs(28),
            post_max: Duration::from_secs(60),
            query_max: Duration::from_secs(20),
            offline: true,
            offline_after: Duration::from_secs(5),
        }
    }
}

/// How a shift is closed by itself (the document's two modes, or not at all).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AutoClose {
    /// So many minutes before midnight in Kyiv; 1 to 720, 10 by default.
    BeforeMidnight {
        /// How many.
        minutes: u16,
    },
    /// The gateway picks the moment, before the day's end and before 24 hours of shift.
    Automatic,
    /// Not at all: an alarm is raised instead, and past 24 hours nothing is sold.
    Off,
}
