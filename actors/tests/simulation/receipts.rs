//! What operators do with a message besides answering: refuse it so that the next is asked, and speak of it long after.

use crate::chance::{below, chance, weighted};
use crate::history::{History, index};
use actors::durable::Durable;
use actors::ids::{ChallengeId, CustomerId};
use actors::machines::otp::{Delivery, OtpBook, Settlement, WindowKey};
use sms::{Submitted, routing};

/// Operators on the route.
const OPERATORS: u64 = 3;

impl History {
    /// The router's way through operators: how many of them have the message at the end, and whether the process hears of it. The rule by which
    /// the next is asked is the router's own.
    pub(crate) fn offered(&mut self) -> u32 {
        let mut copies = 0;
        for operator in 0..OPERATORS {
            let said = match weighted(&self.randomness, &[(70, 0), (12, 1), (4, 2), (14, 3)]) {
                0 => Submitted::accepted("1"),
                1 => Submitted::refused(false, "x", ""),
                2 => Submitted::refused(true, "x", ""),
                _ => Submitted::Unknown,
            };
            copies += match said {
                Submitted::Accepted { .. } => 1,
                // Its answer was lost: it may have the message.
                Submitted::Unknown => u32::from(chance(&self.randomness, 50)),
                Submitted::Refused { .. } => 0,
            };
            if operator > 0 {
                self.seen.insert("failover");
            }
            if !routing::goes_on(&said) {
                if operator > 0 && said == Submitted::Unknown {
                    self.seen.insert("failover ends at an unknown");
                }
                break;
            }
        }
        copies
    }

    /// An operator speaks of a message of which nobody knew: it arrived, or it never will.
    pub(crate) async fn receipt(&mut self) {
        let unknown: Vec<(CustomerId, WindowKey, ChallengeId)> = self
            .books
            .iter()
            .flat_map(|(customer, book)| unknown_of(*customer, book))
            .collect();
        if unknown.is_empty() {
            return;
        }
        let (customer, window, challenge) =
            unknown[index(&self.randomness, unknown.len().try_into().unwrap())];
        let arrived = below(&self.randomness, 2) == 0;
        let settlement = if arrived {
            Settlement::Accepted
        } else {
            Settlement::Refused {
                code: "UNDELIV".to_owned(),
                text: "the message was not delivered".to_owned(),
            }
        };
        self.seen.insert(if arrived {
            "receipt keeps a window"
        } else {
            "receipt frees a window"
        });
        self.settle(customer, window, challenge, settlement).await;
    }
}

fn unknown_of(
    customer: CustomerId,
    book: &Durable<OtpBook>,
) -> impl Iterator<Item = (CustomerId, WindowKey, ChallengeId)> {
    let challenges = book.machine().challenges();
    challenges
        .filter(|(_, challenge)| matches!(challenge.delivery, Delivery::Unknown(_)))
        .map(move |(window, challenge)| (customer, *window, challenge.id))
}
