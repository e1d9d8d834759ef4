//! A withdrawal of cash at the till (DOCTYPE 3): the card pays, the drawer hands out.

use super::Error;
use crate::Money;
use serde::{Deserialize, Serialize};

/// Cash handed out against a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdrawal {
    sum: Money,
    commission: Money,
}

impl Withdrawal {
    /// So much handed out, so much taken for it. Cash is not rounded here: the client asks for a sum that coins can make.
    ///
    /// # Errors
    /// [`Error::NotAWithdrawal`] unless the sum is above nothing and the commission not below.
    pub fn new(sum: Money, commission: Money) -> Result<Self, Error> {
        if sum.units() <= 0 || commission.is_negative() {
            return Err(Error::NotAWithdrawal { sum, commission });
        }
        Ok(Self { sum, commission })
    }

    /// SUM, NOTAXSUM and the payment: the official sample has the three alike.
    #[must_use]
    pub const fn sum(self) -> Money {
        self.sum
    }

    /// COMMISSION: on the card, so that it never enters the drawer.
    #[must_use]
    pub const fn commission(self) -> Money {
        self.commission
    }
}
