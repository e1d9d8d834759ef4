//! Exact amounts: sums of two digits after the point, prices and quantities of at most three. A float never touches them.
//!
//! Each is an integer of its smallest unit; what multiplies or divides goes through [`Decimal`] and is rounded in one place, half up
//! (away from zero for a negative amount, so that a return mirrors its sale).

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The largest sum that is accepted, in hryvnias: a thousand times the largest receipt ever seen, and far from any overflow of a
/// shift's totals.
pub const LARGEST_HRYVNIAS: i64 = 1_000_000_000_000;

/// Why a text or a number is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// Not a plain decimal number: no exponent, no sign but `-`, a point as the separator.
    #[error("is not a plain decimal number")]
    NotANumber,
    /// More digits after the point than the unit has.
    #[error("has more than {0} digits after the point")]
    TooPrecise(u32),
    /// Beyond [`LARGEST_HRYVNIAS`].
    #[error("is larger than {LARGEST_HRYVNIAS}")]
    TooLarge,
}

macro_rules! amount {
    ($(#[$doc:meta])* $name:ident, $digits:literal, $unit:literal, $per_one:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(i64);

        impl $name {
            /// Nothing.
            pub const ZERO: Self = Self(0);
            /// Digits after the point.
            pub const DIGITS: u32 = $digits;

            #[doc = concat!("From whole ", $unit, ".")]
            #[must_use]
            pub const fn from_units(units: i64) -> Self {
                Self(units)
            }

            #[doc = concat!("As whole ", $unit, ".")]
            #[must_use]
            pub const fn units(self) -> i64 {
                self.0
            }

            /// The same amount as a decimal.
            #[must_use]
            pub fn decimal(self) -> Decimal {
                Decimal::new(self.0, $digits)
            }

            /// A decimal that needs no rounding to be this amount.
            ///
            /// # Errors
            /// [`AmountError`] when it has more digits than the unit, or is out of bounds.
            pub fn exact(value: Decimal) -> Result<Self, AmountError> {
                let value = value.normalize();
                if value.scale() > $digits {
                    return Err(AmountError::TooPrecise($digits));
                }
                Self::rounded(value)
            }

            /// A decimal rounded half up to the unit.
            ///
            /// # Errors
            /// [`AmountError::TooLarge`] out of bounds.
            pub fn rounded(value: Decimal) -> Result<Self, AmountError> {
                if value.abs() > Decimal::from(LARGEST_HRYVNIAS) {
                    return Err(AmountError::TooLarge);
                }
                let mut value = value.round_dp_with_strategy($digits, RoundingStrategy::MidpointAwayFromZero);
                value.rescale($digits);
                i64::try_from(value.mantissa()).map(Self).map_err(|_| AmountError::TooLarge)
            }

            /// Whether it is less than nothing.
            #[must_use]
            pub const fn is_negative(self) -> bool {
                self.0 < 0
            }

            /// Whether it is nothing.
            #[must_use]
            pub const fn is_zero(self) -> bool {
                self.0 == 0
            }

            /// The sum of two, unless it is out of bounds.
            #[must_use]
            pub const fn checked_add(self, other: Self) -> Option<Self> {
                match self.0.checked_add(other.0) {
                    Some(units) if units.unsigned_abs() <= (LARGEST_HRYVNIAS * $per_one).unsigned_abs() => Some(Self(units)),
                    _ => None,
                }
            }

            /// The difference of two, unless it is out of bounds.
            #[must_use]
            pub const fn checked_sub(self, other: Self) -> Option<Self> {
                self.checked_add(Self(-other.0))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                let sign = if self.0 < 0 { "-" } else { "" };
                let units = self.0.unsigned_abs();
                write!(out, "{sign}{}.{:0width$}", units / $per_one, units % $per_one, width = $digits)
            }
        }

        impl FromStr for $name {
            type Err = AmountError;

            fn from_str(text: &str) -> Result<Self, AmountError> {
                Self::exact(plain_decimal(text)?)
            }
        }

        impl std::ops::Neg for $name {
            type Output = Self;

            fn neg(self) -> Self {
                Self(-self.0)
            }
        }
    };
}

amount! {
    /// A sum of money in hryvnias, exact to the kopeck. Written with two digits always: `12.50`.
    Money, 2, "kopecks", 100
}
amount! {
    /// A unit price in hryvnias with at most three digits, as clients send it.
    Price, 3, "thousandths of a hryvnia", 1000
}
amount! {
    /// A quantity with at most three digits. Written with three digits always: `1.000`.
    Quantity, 3, "thousandths", 1000
}
amount! {
    /// A percentage with at most two digits: of a tax or of a discount. Written with two digits always: `20.00`.
    Percent, 2, "hundredths of a percent", 100
}

impl Price {
    /// What a document carries: two digits, half up (prices, in the notes that settle contradictions).
    ///
    /// # Errors
    /// Never in practice: a price is inside the bounds of a sum.
    pub fn to_money(self) -> Result<Money, AmountError> {
        Money::rounded(self.decimal())
    }
}

/// A plain decimal: digits, one point at most, a leading minus at most. `Decimal`'s own parser would also take underscores.
fn plain_decimal(text: &str) -> Result<Decimal, AmountError> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return Err(AmountError::NotANumber);
    }
    // Of a valid form, so that only its length can be too much: a `Decimal` holds 28 digits.
    match (
        whole.trim_start_matches('0').len(),
        fraction.trim_end_matches('0').len(),
    ) {
        (14.., _) => Err(AmountError::TooLarge),
        (_, 4..) => Err(AmountError::TooPrecise(3)),
        (_, significant) => {
            let end = text.len() - (fraction.len() - significant.max(1)) * usize::from(text.contains('.'));
            Decimal::from_str_exact(text[..end].trim_end_matches('.')).map_err(|_| AmountError::NotANumber)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_sum_is_written_with_two_digits_always() {
        assert_eq!(Money::from_units(5).to_string(), "0.05");
        assert_eq!(Money::from_units(-1250).to_string(), "-12.50");
        assert_eq!(Quantity::from_units(1000).to_string(), "1.000");
    }

    #[test]
    fn what_is_not_a_plain_number_is_refused_with_its_reason() {
        for text in [
            "", "-", ".5", "5.", "1e2", "1_000", "+1", " 1", "1,5", "0x10", "NaN",
        ] {
            assert_eq!(text.parse::<Money>(), Err(AmountError::NotANumber), "{text:?}");
        }
        assert_eq!("1.005".parse::<Money>(), Err(AmountError::TooPrecise(2)));
        assert_eq!(
            "1.500".parse::<Money>(),
            Ok(Money::from_units(150)),
            "zeros at the end say nothing"
        );
        assert_eq!("1000000000000.01".parse::<Money>(), Err(AmountError::TooLarge));
        assert_eq!("9".repeat(60).parse::<Money>(), Err(AmountError::TooLarge));
        assert_eq!(
            format!("0.{}", "1".repeat(60)).parse::<Money>(),
            Err(AmountError::TooPrecise(3))
        );
        assert_eq!(
            format!("0.5{}", "0".repeat(60)).parse(),
            Ok(Money::from_units(50))
        );
    }

    #[test]
    fn a_price_of_three_digits_becomes_a_sum_half_up() {
        let price: Price = "12.345".parse().expect("a price");
        assert_eq!(price.to_money(), Ok(Money::from_units(1235)));
        assert_eq!((-price).to_money(), Ok(Money::from_units(-1235)));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(units in -100_000_000_000_000_i64..=100_000_000_000_000) {
            let money = Money::from_units(units);
            prop_assert_eq!(money.to_string().parse::<Money>(), Ok(money));
        }
    }
}
