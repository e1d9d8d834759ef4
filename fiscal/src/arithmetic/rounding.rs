//! Cash is paid in coins that exist: what is owed in cash is rounded to them.

use super::Error;
use crate::{AmountError, Money};
use serde::{Deserialize, Serialize};

/// The rule by which cash is rounded: half up to a step, 1–4 kopecks of ten down and 5–9 up.
///
/// The step is a setting, because the national bank changed it from 10 to 50 kopecks on 1 October 2025 and may do so again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Setting")]
pub struct CashRounding {
    step: Money,
    minimum: Money,
}

/// The rule as it is written, before it is known to be one.
#[derive(Deserialize)]
struct Setting {
    step: Money,
    minimum: Money,
}

impl TryFrom<Setting> for CashRounding {
    type Error = Error;

    fn try_from(setting: Setting) -> Result<Self, Error> {
        Self::new(setting.step, setting.minimum)
    }
}

impl CashRounding {
    /// To 10 kopecks, and a receipt in cash alone never to nothing: a peer's till keeps 10 kopecks as the least sum.
    pub const TO_TEN_KOPECKS: Self = Self {
        step: Money::from_units(10),
        minimum: Money::from_units(10),
    };
    /// To 50 kopecks. No source names a least sum, and one of a whole step would charge up to 49 kopecks more than is owed.
    pub const TO_FIFTY_KOPECKS: Self = Self {
        step: Money::from_units(50),
        minimum: Money::ZERO,
    };

    /// To a step, with the least sum of a receipt that is paid in cash alone (zero: it may become nothing).
    ///
    /// # Errors
    /// [`Error::RoundingStep`] when the step is not above nothing, or the minimum is neither zero nor a multiple of it.
    pub fn new(step: Money, minimum: Money) -> Result<Self, Error> {
        if step.units() <= 0 || minimum.is_negative() || minimum.units() % step.units() != 0 {
            return Err(Error::RoundingStep { step, minimum });
        }
        Ok(Self { step, minimum })
    }

    /// The step.
    #[must_use]
    pub const fn step(self) -> Money {
        self.step
    }

    /// The sum in cash for what is left to be paid in cash beside other means: half up, to nothing too. A negative sum, which a pawnshop
    /// hands out, is rounded as its mirror.
    ///
    /// # Errors
    /// [`Error::Amount`] beyond the largest amount.
    pub fn round(self, owed: Money) -> Result<Money, Error> {
        self.round_from(owed, Money::ZERO)
    }

    /// The sum in cash for a receipt that is paid in cash alone: as [`Self::round`], but something owed is never less than the minimum.
    ///
    /// # Errors
    /// [`Error::Amount`] beyond the largest amount.
    pub fn round_whole(self, owed: Money) -> Result<Money, Error> {
        self.round_from(owed, self.minimum)
    }

    fn round_from(self, owed: Money, minimum: Money) -> Result<Money, Error> {
        let size = i128::from(owed.units()).abs();
        let step = i128::from(self.step.units());
        let steps = (size * 2 + step) / (step * 2);
        let mut rounded = steps * step;
        if size > 0 {
            rounded = rounded.max(i128::from(minimum.units()));
        }
        let rounded = i64::try_from(rounded).map_err(|_| AmountError::TooLarge)?;
        let rounded = if owed.is_negative() { -rounded } else { rounded };
        let in_bounds = Money::ZERO.checked_add(Money::from_units(rounded));
        Ok(in_bounds.ok_or(AmountError::TooLarge)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn cash_is_rounded_half_up_to_its_step() {
        let (ten, fifty) = (CashRounding::TO_TEN_KOPECKS, CashRounding::TO_FIFTY_KOPECKS);
        for (rule, owed, paid) in [
            (ten, 1_257, 1_260),
            (ten, 2_553, 2_550),
            (ten, 1_254, 1_250),
            (ten, 1_255, 1_260),
            (ten, -299_102, -299_100),
            (ten, -5, -10),
            (ten, -4, 0),
            (ten, 0, 0),
            (ten, 4, 0),
            (fifty, 1_224, 1_200),
            (fifty, 1_225, 1_250),
            (fifty, 1_274, 1_250),
            (fifty, 1_275, 1_300),
            (fifty, 24, 0),
        ] {
            assert_eq!(
                rule.round(Money::from_units(owed)),
                Ok(Money::from_units(paid)),
                "{owed}"
            );
        }
    }

    #[test]
    fn a_receipt_in_cash_alone_is_never_less_than_the_minimum() {
        let (ten, fifty) = (CashRounding::TO_TEN_KOPECKS, CashRounding::TO_FIFTY_KOPECKS);
        for (rule, owed, paid) in [
            (ten, 4, 10),
            (ten, -4, -10),
            (ten, 0, 0),
            (ten, 14, 10),
            (fifty, 24, 0),
        ] {
            let whole = rule.round_whole(Money::from_units(owed));
            assert_eq!(whole, Ok(Money::from_units(paid)), "{owed}");
        }
    }

    #[test]
    fn a_step_is_above_nothing_and_a_minimum_is_made_of_steps() {
        for (step, minimum, stands) in [
            (10, 0, true),
            (50, 50, true),
            (1, 7, true),
            (0, 0, false),
            (-10, 0, false),
            (10, 5, false),
            (10, -10, false),
        ] {
            let rule = CashRounding::new(Money::from_units(step), Money::from_units(minimum));
            assert_eq!(rule.is_ok(), stands, "{step} {minimum}");
        }
    }

    proptest! {
        #[test]
        fn rounding_moves_by_half_a_step_at_most_and_mirrors(units in 10_i64..=1_000_000_000, step in 1_i64..=500) {
            let rule = CashRounding::new(Money::from_units(step), Money::ZERO).expect("a step");
            let rounded = rule.round(Money::from_units(units)).expect("in bounds").units();
            prop_assert_eq!(rounded % step, 0);
            prop_assert!((rounded - units).abs() * 2 <= step);
            prop_assert_eq!(rule.round(Money::from_units(-units)), Ok(Money::from_units(-rounded)));
        }
    }
}
