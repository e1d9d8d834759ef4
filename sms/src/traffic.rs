//! Pumping: somebody has codes sent to numbers that pay them for it, and verifies none. Numbers of one range are watched together; where many are
//! sent in an hour and hardly any is verified, the range is suspicious.

use serde::{Deserialize, Serialize};

/// Slots of an hour.
const SLOTS: usize = 12;
/// The length of a slot: five minutes. An hour that slides by slots has no edge at which an attack starts anew.
const SLOT_MS: i64 = 300_000;

/// When a range is suspicious.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Fewer messages in an hour say nothing.
    pub sent_min: u32,
    /// Of a hundred sent, so many must have been verified.
    pub verified_percent_min: u32,
}

/// What went to one range of numbers in the last hour.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    slots: [Slot; SLOTS],
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Slot {
    /// Which five minutes since 1970.
    number: i64,
    sent: u32,
    verified: u32,
}

/// Of the last hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// Messages that went.
    pub sent: u32,
    /// Codes that were verified.
    pub verified: u32,
}

/// The range that a number belongs to: its first digits.
pub fn range_of(to: &str, digits: usize) -> String {
    to.strip_prefix('+').unwrap_or(to).chars().take(digits).collect()
}

impl Traffic {
    /// The hour that ends at this wall time (milliseconds since 1970).
    pub fn hour(&self, now_ms: i64) -> Hour {
        let now = now_ms.div_euclid(SLOT_MS);
        let within =
            |slot: &&Slot| (now - i64::try_from(SLOTS).unwrap_or(0) + 1..=now).contains(&slot.number);
        let slots = self.slots.iter().filter(within);
        slots.fold(Hour::default(), |hour, slot| Hour {
            sent: hour.sent.saturating_add(slot.sent),
            verified: hour.verified.saturating_add(slot.verified),
        })
    }

    /// A message goes.
    pub fn sent(&mut self, now_ms: i64) {
        let slot = self.slot(now_ms);
        slot.sent = slot.sent.saturating_add(1);
    }

    /// A message that was counted did not go.
    pub fn unsent(&mut self, now_ms: i64) {
        let slot = self.slot(now_ms);
        slot.sent = slot.sent.saturating_sub(1);
    }

    /// A code was verified.
    pub fn verified(&mut self, now_ms: i64) {
        let slot = self.slot(now_ms);
        slot.verified = slot.verified.saturating_add(1);
    }

    fn slot(&mut self, now_ms: i64) -> &mut Slot {
        let number = now_ms.div_euclid(SLOT_MS);
        let place = usize::try_from(number.rem_euclid(i64::try_from(SLOTS).unwrap_or(1))).unwrap_or(0);
        let slot = &mut self.slots[place];
        if slot.number != number {
            *slot = Slot {
                number,
                ..Slot::default()
            };
        }
        slot
    }

    /// Whether nothing of it matters any more.
    pub fn is_over(&self, now_ms: i64) -> bool {
        self.hour(now_ms) == Hour::default()
    }
}

impl Hour {
    /// Whether so much was sent and so little verified.
    pub fn is_suspicious(self, rule: Rule) -> bool {
        let wanted = u64::from(self.sent) * u64::from(rule.verified_percent_min);
        self.sent >= rule.sent_min && u64::from(self.verified) * 100 < wanted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule {
        sent_min: 50,
        verified_percent_min: 20,
    };
    const MINUTE: i64 = 60_000;

    fn traffic(sent: u32, verified: u32, at_ms: i64) -> Traffic {
        let mut traffic = Traffic::default();
        (0..sent).for_each(|_| traffic.sent(at_ms));
        (0..verified).for_each(|_| traffic.verified(at_ms));
        traffic
    }

    #[test]
    fn many_sent_and_few_verified_are_suspicious() {
        for (sent, verified, suspicious) in [
            (0, 0, false),
            (49, 0, false),
            (50, 0, true),
            (50, 9, true),
            (50, 10, false),
            (1_000, 199, true),
            (1_000, 200, false),
            (10, 40, false),
        ] {
            let hour = traffic(sent, verified, 0).hour(0);
            assert_eq!(
                hour.is_suspicious(RULE),
                suspicious,
                "{sent} sent, {verified} verified"
            );
        }
    }

    #[test]
    fn an_hour_slides_and_what_is_older_is_forgotten() {
        let mut traffic = traffic(30, 5, 0);
        (0..30).for_each(|_| traffic.sent(40 * MINUTE));
        assert_eq!(
            traffic.hour(40 * MINUTE),
            Hour {
                sent: 60,
                verified: 5
            }
        );
        assert_eq!(
            traffic.hour(59 * MINUTE),
            Hour {
                sent: 60,
                verified: 5
            }
        );
        assert_eq!(
            traffic.hour(60 * MINUTE),
            Hour {
                sent: 30,
                verified: 0
            }
        );
        assert_eq!(traffic.hour(100 * MINUTE), Hour::default());
        assert!(traffic.is_over(100 * MINUTE));
        traffic.sent(120 * MINUTE);
        assert_eq!(
            traffic.hour(120 * MINUTE),
            Hour { sent: 1, verified: 0 },
            "a place is used again"
        );
    }

    #[test]
    fn a_clock_set_back_sees_nothing_of_what_is_to_come() {
        assert_eq!(traffic(60, 0, 90 * MINUTE).hour(20 * MINUTE), Hour::default());
    }

    #[test]
    fn a_range_is_the_first_digits() {
        assert_eq!(range_of("+989121234567", 5), "98912");
        assert_eq!(range_of("9891", 5), "9891");
    }
}
