//! What a partner may spend on messages in a day.
//!
//! An account is spent from in memory, and within what is granted on disk. A grant is extended by a margin at a time, so that a hundred messages
//! need one write and not a hundred; after a restart all that was granted counts as spent. So a cap is never exceeded, and a restart
//! costs a partner at most one margin of it.
//!
//! Messages wait for a write only where a grant is used up. So the next one is asked for when half of it is left, and a margin is what its
//! partner spends in a second, to a hundredth of the cap at the most.

use std::time::Duration;

/// One partner's account of one day, in units of price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    spent: u64,
    granted: u64,
}

/// Whether a message may be paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charge {
    /// It is paid for.
    Paid,
    /// So much must be granted on disk first; then ask again.
    Extend(u64),
    /// The cap is reached.
    Capped,
}

impl Account {
    /// As a new process finds it: all that was granted may have been spent.
    pub fn restored(granted: u64) -> Self {
        Self {
            spent: granted,
            granted,
        }
    }

    /// What was spent.
    pub fn spent(&self) -> u64 {
        self.spent
    }

    /// Pays `cost` if that is within `cap` and within what is granted.
    pub fn charge(&mut self, cost: u64, cap: u64, margin: u64) -> Charge {
        let after = self.spent.saturating_add(cost);
        if after > cap {
            return Charge::Capped;
        }
        if after > self.granted {
            return Charge::Extend(after.saturating_add(margin).min(cap));
        }
        self.spent = after;
        Charge::Paid
    }

    /// The grant to ask for now, before anybody must wait for it; `None` while enough is left, or nothing more may be granted.
    pub fn ahead(&self, cap: u64, margin: u64) -> Option<u64> {
        let left = self.granted.saturating_sub(self.spent);
        let next = self.spent.saturating_add(margin).min(cap);
        (left <= margin / 2 && next > self.granted).then_some(next)
    }

    /// A grant is on disk.
    pub fn extended(&mut self, granted: u64) {
        self.granted = self.granted.max(granted);
    }

    /// A message that was paid for did not go.
    pub fn refund(&mut self, cost: u64) {
        self.spent = self.spent.saturating_sub(cost);
    }
}

/// How long a margin should last: a grant takes milliseconds, so that it is there long before it is needed, and costs two writes a second.
const LASTS: Duration = Duration::from_secs(1);
/// The part of a cap that a margin may grow to: what a restart may cost a busy partner of its day.
const PART_OF_CAP_MAX: u64 = 100;

/// The margin of the next grant, where `spent` was spent since the last one, so long ago: what the partner spends in [`LASTS`], and at most
/// twice the last margin or half of it, so that one burst is no pace. `least` is the setting; none at all stays none.
pub fn next_margin(margin: u64, spent: u64, since_last: Duration, least: u64, cap: u64) -> u64 {
    let most = least.max(cap / PART_OF_CAP_MAX);
    let pace = u128::from(spent) * LASTS.as_millis() / since_last.as_millis().max(1);
    let pace = u64::try_from(pace).unwrap_or(u64::MAX);
    let next = pace.clamp(margin / 2, margin.saturating_mul(2));
    if least == 0 { 0 } else { next.clamp(least, most) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_next_grant_is_asked_for_when_half_of_a_margin_is_left() {
        let mut account = Account::default();
        assert_eq!(account.ahead(1_000, 10), Some(10));
        account.extended(10);
        for left in (6..10).rev() {
            assert_eq!(account.charge(1, 1_000, 10), Charge::Paid);
            assert_eq!(account.ahead(1_000, 10), None, "{left} left");
        }
        assert_eq!(account.charge(1, 1_000, 10), Charge::Paid);
        assert_eq!(account.ahead(1_000, 10), Some(15));
        assert_eq!(account.ahead(12, 10), Some(12), "never beyond the cap");
        assert_eq!(account.ahead(10, 10), None, "all of the cap is granted");
        assert_eq!(
            account.ahead(1_000, 0),
            None,
            "without a margin nothing is granted ahead"
        );
    }

    #[test]
    fn a_margin_follows_the_pace_up_to_a_hundredth_of_the_cap_and_shrinks_again() {
        let after = |margin, spent, ms| next_margin(margin, spent, Duration::from_millis(ms), 100, 100_000);
        assert_eq!(after(100, 50, 10), 200, "at most twice as much");
        assert_eq!(after(100, 50, 400), 125);
        assert_eq!(after(800, 400, 100), 1_000, "a hundredth of the cap");
        assert_eq!(after(800, 400, 500), 800);
        assert_eq!(after(800, 400, 5_000), 400, "at least half as much");
        assert_eq!(after(150, 75, 5_000), 100, "the setting");
        assert_eq!(after(100, 50, 0), 200, "no time at all is a short one");
        assert_eq!(
            after(1_000, 1, 10),
            500,
            "grants that follow each other are no pace where nothing is spent"
        );
        let least = |least, cap| next_margin(least, 50, Duration::from_millis(10), least, cap);
        assert_eq!(
            least(100, 500),
            100,
            "the setting holds where a hundredth is less"
        );
        assert_eq!(least(0, 100_000), 0, "who wants no loss gets none");
    }

    #[test]
    fn a_cap_is_reached_exactly() {
        let mut account = Account::default();
        assert_eq!(account.charge(2, 5, 100), Charge::Extend(5));
        account.extended(5);
        assert_eq!(account.charge(2, 5, 100), Charge::Paid);
        assert_eq!(account.charge(3, 5, 100), Charge::Paid);
        assert_eq!(account.charge(1, 5, 100), Charge::Capped);
        assert_eq!(
            account.charge(0, 5, 100),
            Charge::Paid,
            "what costs nothing is always within"
        );
        account.refund(3);
        assert_eq!(
            account.charge(3, 5, 100),
            Charge::Paid,
            "what did not go is not spent"
        );
    }

    #[test]
    fn a_cap_that_was_lowered_holds_at_once() {
        let mut account = Account::restored(50);
        assert_eq!(account.charge(1, 40, 10), Charge::Capped);
        assert_eq!(account.charge(1, 60, 5), Charge::Extend(56));
    }

    proptest! {
        /// Whatever is charged, refunded and forgotten by restarts, what went is never more than the cap, nor than what is granted on disk.
        #[test]
        fn nothing_exceeds_the_cap(
            deeds in prop::collection::vec((0_u8..10, 1_u64..5), 0..300), cap in 0_u64..200, margin in 0_u64..50,
        ) {
            let (mut account, mut disk, mut gone) = (Account::default(), 0, 0);
            for (deed, cost) in deeds {
                if deed == 0 {
                    account = Account::restored(disk);
                    continue;
                }
                if deed == 2 && let Some(granted) = account.ahead(cap, margin) {
                    disk = disk.max(granted);
                    account.extended(granted);
                }
                let mut charge = account.charge(cost, cap, margin);
                if let Charge::Extend(granted) = charge {
                    disk = disk.max(granted);
                    account.extended(granted);
                    charge = account.charge(cost, cap, margin);
                    prop_assert_eq!(charge, Charge::Paid, "a grant is enough");
                }
                if charge == Charge::Paid {
                    if deed == 1 { account.refund(cost) } else { gone += cost }
                }
                prop_assert!(gone <= cap && gone <= disk && account.spent() <= cap);
            }
        }

        /// A restart takes at most one margin and one message off the cap.
        #[test]
        fn a_restart_costs_one_margin_at_most(sent in 0_u64..100, margin in 0_u64..20) {
            let (mut account, mut disk) = (Account::default(), 0);
            for _ in 0..sent {
                if let Charge::Extend(granted) = account.charge(1, 1_000, margin) {
                    disk = granted;
                    account.extended(granted);
                    account.charge(1, 1_000, margin);
                }
                if let Some(granted) = account.ahead(1_000, margin) {
                    disk = granted;
                    account.extended(granted);
                }
            }
            prop_assert!(disk - sent <= margin);
        }
    }
}
