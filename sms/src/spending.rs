//! What a partner may spend on messages in a day.
//!
//! An account is spent from in memory, and within what is granted on disk. A grant is extended by a margin at a time, so that a hundred messages
//! need one write and not a hundred; after a restart all that was granted counts as spent. So a cap is never exceeded, and a restart
//! costs a partner at most one margin of it.

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

    /// A grant is on disk.
    pub fn extended(&mut self, granted: u64) {
        self.granted = self.granted.max(granted);
    }

    /// A message that was paid for did not go.
    pub fn refund(&mut self, cost: u64) {
        self.spent = self.spent.saturating_sub(cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
            }
            prop_assert!(disk - sent <= margin);
        }
    }
}
