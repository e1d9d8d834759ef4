//! What is taken off a line or off the whole receipt.

use super::Error;
use super::portion::percent_of;
use crate::{Money, Percent};
use serde::{Deserialize, Serialize};

/// A discount (DISCOUNTTYPE, DISCOUNTPERCENT, DISCOUNTSUM).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Discount {
    /// A sum, DISCOUNTTYPE 0. Some clients send it with a minus: whoever reads them takes it off.
    Sum(Money),
    /// A percentage, DISCOUNTTYPE 1: at most a hundred.
    Percent(Percent),
}

impl Discount {
    /// DISCOUNTTYPE.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Sum(_) => 0,
            Self::Percent(_) => 1,
        }
    }

    /// DISCOUNTPERCENT, which a discount of a fixed sum does not carry.
    #[must_use]
    pub const fn percent(self) -> Option<Percent> {
        match self {
            Self::Sum(_) => None,
            Self::Percent(percent) => Some(percent),
        }
    }

    /// DISCOUNTSUM when it is taken from `whole`, half up.
    ///
    /// # Errors
    /// [`Error::NotADiscount`] below nothing or above a hundred per cent, [`Error::DiscountTooLarge`] above the whole.
    pub fn of(self, whole: Money) -> Result<Money, Error> {
        let discount = match self {
            Self::Sum(sum) if sum.is_negative() => return Err(Error::NotADiscount(sum.to_string())),
            Self::Sum(sum) => sum,
            Self::Percent(percent) if !(0..=10_000).contains(&percent.units()) => {
                return Err(Error::NotADiscount(format!("{percent} %")));
            }
            Self::Percent(percent) => percent_of(whole, percent)?,
        };
        if discount > whole {
            return Err(Error::DiscountTooLarge {
                discount,
                from: whole,
            });
        }
        Ok(discount)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_percentage_is_written_as_one() {
        let (sum, percent) = (Money::from_units(5), Percent::from_units(5));
        assert_eq!(
            (Discount::Sum(sum).code(), Discount::Sum(sum).percent()),
            (0, None)
        );
        let discount = Discount::Percent(percent);
        assert_eq!((discount.code(), discount.percent()), (1, Some(percent)));
    }

    #[test]
    fn a_discount_is_between_nothing_and_the_whole() {
        let whole = Money::from_units(333);
        let (sum, percent) = (Money::from_units, Percent::from_units);
        for (discount, expected) in [
            (Discount::Sum(sum(100)), Ok(sum(100))),
            (Discount::Sum(sum(333)), Ok(sum(333))),
            (Discount::Percent(percent(5_000)), Ok(sum(167))),
            (Discount::Percent(percent(10_000)), Ok(sum(333))),
            (
                Discount::Sum(sum(334)),
                Err(Error::DiscountTooLarge {
                    discount: sum(334),
                    from: whole,
                }),
            ),
            (Discount::Sum(sum(-1)), Err(Error::NotADiscount("-0.01".into()))),
            (
                Discount::Percent(percent(10_001)),
                Err(Error::NotADiscount("100.01 %".into())),
            ),
            (
                Discount::Percent(percent(-1)),
                Err(Error::NotADiscount("-0.01 %".into())),
            ),
        ] {
            assert_eq!(discount.of(whole), expected, "{discount:?}");
        }
    }
}
