//! Numbers: sums, quantities, rates, whole numbers and the codes that are whole numbers.

use super::form::is_digits;
use super::{Facet, collapse};
use crate::amount::{AmountError, Money, Quantity};
use crate::xml::Fault;
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// `DGDecimal2`: exactly two digits after the point.
pub(crate) struct Sum;

impl Facet for Sum {
    type Value = Money;

    fn write(value: &Money) -> Result<Cow<'_, str>, Fault> {
        in_bounds(value.decimal())?;
        Ok(Cow::Owned(value.to_string()))
    }

    fn read(text: &str) -> Result<Money, Fault> {
        let text = collapse(text);
        match text.split_once('.') {
            Some((_, fraction)) if fraction.len() == 2 => Ok(text.parse()?),
            _ => Err(Fault::Form("a sum with two digits after the point")),
        }
    }
}

/// `DGDecimal3_R`: at most three digits after the point; three are written.
pub(crate) struct Amount;

impl Facet for Amount {
    type Value = Quantity;

    fn write(value: &Quantity) -> Result<Cow<'_, str>, Fault> {
        in_bounds(value.decimal())?;
        Ok(Cow::Owned(value.to_string()))
    }

    fn read(text: &str) -> Result<Quantity, Fault> {
        let text = collapse(text);
        match text.split_once('.') {
            Some((_, fraction)) if fraction.len() > 3 => Err(AmountError::TooPrecise(3).into()),
            _ => Ok(text.parse()?),
        }
    }
}

/// Amounts can be made beyond what is read back; such a one is refused when it is written.
fn in_bounds(value: Decimal) -> Result<(), Fault> {
    if value.abs() > Decimal::from(crate::amount::LARGEST_HRYVNIAS) {
        return Err(AmountError::TooLarge.into());
    }
    Ok(())
}

/// A rate of exchange with at most eight digits after the point (`DGDecimal8_R`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Course(Decimal);

impl Course {
    /// Digits after the point.
    pub const DIGITS: u32 = 8;

    /// From a decimal of at most eight digits after the point and ten before it.
    ///
    /// # Errors
    /// [`AmountError`] beyond that.
    pub fn new(value: Decimal) -> Result<Self, AmountError> {
        if value.scale() > Self::DIGITS {
            return Err(AmountError::TooPrecise(Self::DIGITS));
        }
        if value.abs() >= Decimal::from(10_000_000_000_u64) {
            return Err(AmountError::TooLarge);
        }
        Ok(Self(value))
    }

    /// As a decimal.
    #[must_use]
    pub const fn decimal(self) -> Decimal {
        self.0
    }
}

impl fmt::Display for Course {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl FromStr for Course {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        if !is_digits(whole, 1, 64) || !is_digits(fraction, 1, 64) {
            return Err(AmountError::NotANumber);
        }
        if whole.trim_start_matches('0').len() > 10 {
            return Err(AmountError::TooLarge);
        }
        if fraction.len() > 8 {
            return Err(AmountError::TooPrecise(Self::DIGITS));
        }
        Decimal::from_str_exact(text)
            .map_err(|_| AmountError::NotANumber)
            .and_then(Self::new)
    }
}

impl Facet for Course {
    type Value = Self;

    fn write(value: &Self) -> Result<Cow<'_, str>, Fault> {
        Ok(Cow::Owned(value.to_string()))
    }

    fn read(text: &str) -> Result<Self, Fault> {
        Ok(collapse(text).parse()?)
    }
}

/// `xs:nonNegativeInteger`, up to 64 bits.
pub(crate) struct Natural;
/// `xs:positiveInteger`, up to 64 bits.
pub(crate) struct Positive;
/// `DGDecimal0`: a whole number that may carry `.0` or `.00`; written without.
pub(crate) struct Whole;
/// `DGNum5`: 1 to 99999.
pub(crate) struct Unit;

impl Facet for Natural {
    type Value = u64;

    fn write(value: &u64) -> Result<Cow<'_, str>, Fault> {
        Ok(Cow::Owned(value.to_string()))
    }

    fn read(text: &str) -> Result<u64, Fault> {
        let text = collapse(text);
        if !is_digits(text, 1, 64) {
            return Err(Fault::Form("a whole number"));
        }
        text.parse()
            .map_err(|_| Fault::Form("a whole number of at most 64 bits"))
    }
}

impl Facet for Positive {
    type Value = u64;

    fn write(value: &u64) -> Result<Cow<'_, str>, Fault> {
        if *value == 0 {
            Err(Fault::NotPositive)
        } else {
            Natural::write(value)
        }
    }

    fn read(text: &str) -> Result<u64, Fault> {
        match Natural::read(text)? {
            0 => Err(Fault::NotPositive),
            number => Ok(number),
        }
    }
}

impl Facet for Whole {
    type Value = u64;

    fn write(value: &u64) -> Result<Cow<'_, str>, Fault> {
        Natural::write(value)
    }

    fn read(text: &str) -> Result<u64, Fault> {
        let text = collapse(text);
        Natural::read(
            text.strip_suffix(".00")
                .or_else(|| text.strip_suffix(".0"))
                .unwrap_or(text),
        )
    }
}

impl Facet for Unit {
    type Value = u32;

    fn write(value: &u32) -> Result<Cow<'_, str>, Fault> {
        match value {
            1..=99_999 => Ok(Cow::Owned(value.to_string())),
            _ => Err(Fault::Form("a number from 1 to 99999")),
        }
    }

    fn read(text: &str) -> Result<u32, Fault> {
        match Natural::read(text).map(u32::try_from) {
            Ok(Ok(number @ 1..=99_999)) => Ok(number),
            _ => Err(Fault::Form("a number from 1 to 99999")),
        }
    }
}

/// A number that is of its own type.
pub(crate) struct Number<T>(std::marker::PhantomData<T>);

impl<T> Facet for Number<T>
where
    T: Copy + Into<u64> + TryFrom<u64, Error = Fault>,
{
    type Value = T;

    fn write(value: &T) -> Result<Cow<'_, str>, Fault> {
        Natural::write(&(*value).into()).map(|text| Cow::Owned(text.into_owned()))
    }

    fn read(text: &str) -> Result<T, Fault> {
        T::try_from(Natural::read(text)?)
    }
}

/// The same, where the schema says `DGDecimal0`.
pub(crate) struct Numeral<T>(std::marker::PhantomData<T>);

impl<T> Facet for Numeral<T>
where
    T: Copy + Into<u64> + TryFrom<u64, Error = Fault>,
{
    type Value = T;

    fn write(value: &T) -> Result<Cow<'_, str>, Fault> {
        Number::<T>::write(value)
    }

    fn read(text: &str) -> Result<T, Fault> {
        T::try_from(Whole::read(text)?)
    }
}

/// Declares an enum of the schema's numeric codes.
macro_rules! codes {
    ($(#[$doc:meta])* $vis:vis enum $name:ident: $form:literal { $($(#[$variant_doc:meta])* $variant:ident = $code:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "u64", into = "u64")]
        $vis enum $name {
            $($(#[$variant_doc])* $variant,)*
        }

        impl $name {
            /// All of them, by ascending code.
            $vis const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// Its code.
            #[must_use]
            $vis const fn code(self) -> u64 {
                match self {
                    $(Self::$variant => $code,)*
                }
            }
        }

        impl TryFrom<u64> for $name {
            type Error = $crate::xml::Fault;

            fn try_from(code: u64) -> Result<Self, $crate::xml::Fault> {
                match code {
                    $($code => Ok(Self::$variant),)*
                    _ => Err($crate::xml::Fault::Form($form)),
                }
            }
        }

        impl From<$name> for u64 {
            fn from(value: $name) -> u64 {
                value.code()
            }
        }
    };
}
pub(crate) use codes;
