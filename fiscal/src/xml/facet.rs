//! What a leaf may hold: the schema's simple types, each with its limits.

use super::error::Fault;
use crate::amount::{AmountError, Money, Quantity};
use crate::ids::{DocumentHash, IDENTITY_CHARACTERS_MAX};
use crate::moment::{check_year, date_text, read_date, read_time, time_text};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use rust_decimal::Decimal;
use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// One simple type of the schema: how its value is written and read, and what is refused.
pub(crate) trait Facet {
    type Value;
    fn write(value: &Self::Value) -> Result<Cow<'_, str>, Fault>;
    fn read(text: &str) -> Result<Self::Value, Fault>;
}

/// Text of at most `MAX` characters.
pub(crate) struct Text<const MAX: usize>;
/// Text that the schema does not limit; the document's size does.
pub(crate) type AnyText = Text<{ usize::MAX }>;

impl<const MAX: usize> Text<MAX> {
    fn check(text: &str) -> Result<(), Fault> {
        // Counting characters is only needed where there are more bytes than characters allowed.
        if text.len() > MAX && text.chars().count() > MAX {
            return Err(Fault::TooLong { max: MAX });
        }
        Ok(())
    }
}

impl<const MAX: usize> Facet for Text<MAX> {
    type Value = String;

    fn write(value: &String) -> Result<Cow<'_, str>, Fault> {
        Self::check(value)?;
        Ok(Cow::Borrowed(value))
    }

    fn read(text: &str) -> Result<String, Fault> {
        Self::check(text)?;
        Ok(text.to_owned())
    }
}

/// A facet of texts of one form.
macro_rules! form {
    ($(#[$doc:meta])* $name:ident, $form:literal, $check:expr) => {
        $(#[$doc])*
        pub(crate) struct $name;

        impl Facet for $name {
            type Value = String;

            fn write(value: &String) -> Result<Cow<'_, str>, Fault> {
                if $check(value.as_str()) { Ok(Cow::Borrowed(value)) } else { Err(Fault::Form($form)) }
            }

            fn read(text: &str) -> Result<String, Fault> {
                if $check(text) { Ok(text.to_owned()) } else { Err(Fault::Form($form)) }
            }
        }
    };
}

form! {
    /// `DGDrfo`: a taxpayer's code, or a passport's number.
    Tin, "5 to 10 digits, or two Ukrainian capitals and 6 digits", is_tin
}
form! {
    /// `DGHIPN0`: the number of a payer of VAT.
    Ipn, "0, 6 to 12 digits, or two Ukrainian capitals and 6 digits", is_ipn
}
form! {
    /// `DGUKTZED`: a code of goods.
    Uktzed, "10, 8, 6 or 4 digits above zero, or 00 and three more", is_uktzed
}
form! {
    /// `DGDKPP`: a code of services.
    Dkpp, "a code of services such as 11.22.33-44.55", is_dkpp
}

fn is_tin(text: &str) -> bool {
    is_digits(text, 5, 10) || is_passport(text)
}

fn is_ipn(text: &str) -> bool {
    text == "0" || is_digits(text, 6, 12) || is_passport(text)
}

fn is_digits(text: &str, least: usize, most: usize) -> bool {
    (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Two capitals of the schema's list (Ukrainian without Ґ, Ї, Й) and six digits.
fn is_passport(text: &str) -> bool {
    let mut characters = text.chars();
    let capitals = "АБВГДЕЄЖЗИІКЛМНОПРСТУФХЦЧШЩЮЯ";
    let series = [characters.next(), characters.next()];
    series
        .iter()
        .all(|letter| letter.is_some_and(|letter| capitals.contains(letter)))
        && is_digits(characters.as_str(), 6, 6)
}

fn is_uktzed(text: &str) -> bool {
    let length = matches!(text.len(), 4 | 6 | 8 | 10) || (text.len() == 5 && text.starts_with("00"));
    length && is_digits(text, 4, 10) && text.bytes().any(|digit| digit != b'0')
}

/// `00.00` with `.0`s behind, `00.00.00` with `-0`s behind, or `00.00.00-00` with `.0`s behind; each of one or two digits.
fn is_dkpp(text: &str) -> bool {
    let behind = |form: &str, separator: char| {
        let Some((head, tail)) = text.split_at_checked(form.len()) else {
            return false;
        };
        let fits = |(byte, form): (u8, u8)| {
            if form == b'0' {
                byte.is_ascii_digit()
            } else {
                byte == form
            }
        };
        let is_tail = |tail: &str| tail.split(separator).all(|part| is_digits(part, 1, 2));
        head.bytes().zip(form.bytes()).all(fits)
            && (tail.is_empty() || tail.strip_prefix(separator).is_some_and(is_tail))
    };
    behind("00.00", '.') || behind("00.00.00", '-') || behind("00.00.00-00", '.')
}

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
        text.parse().map_err(|_| Fault::Amount(AmountError::TooLarge))
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

/// `xs:boolean`.
pub(crate) struct Boolean;

impl Facet for Boolean {
    type Value = bool;

    fn write(value: &bool) -> Result<Cow<'_, str>, Fault> {
        Ok(Cow::Borrowed(if *value { "true" } else { "false" }))
    }

    fn read(text: &str) -> Result<bool, Fault> {
        match collapse(text) {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            _ => Err(Fault::Form("true or false")),
        }
    }
}

/// `DGDate`: DDMMYYYY.
pub(crate) struct Date;
/// `DGTime`: HHMMSS.
pub(crate) struct Time;
/// `DGDateTime`: DDMMYYYYHHMMSS.
pub(crate) struct DateTime;

impl Facet for Date {
    type Value = NaiveDate;

    fn write(value: &NaiveDate) -> Result<Cow<'_, str>, Fault> {
        check_year(*value)?;
        Ok(Cow::Owned(date_text(*value)))
    }

    fn read(text: &str) -> Result<NaiveDate, Fault> {
        read_date(text)
    }
}

impl Facet for Time {
    type Value = NaiveTime;

    fn write(value: &NaiveTime) -> Result<Cow<'_, str>, Fault> {
        whole_seconds(*value)?;
        Ok(Cow::Owned(time_text(*value)))
    }

    fn read(text: &str) -> Result<NaiveTime, Fault> {
        read_time(text)
    }
}

impl Facet for DateTime {
    type Value = NaiveDateTime;

    fn write(value: &NaiveDateTime) -> Result<Cow<'_, str>, Fault> {
        whole_seconds(value.time())?;
        check_year(value.date())?;
        Ok(Cow::Owned(date_text(value.date()) + &time_text(value.time())))
    }

    fn read(text: &str) -> Result<NaiveDateTime, Fault> {
        match text.split_at_checked(8) {
            Some((date, time)) => Ok(read_date(date)?.and_time(read_time(time)?)),
            None => Err(Fault::Form("a date and time DDMMYYYYHHMMSS")),
        }
    }
}

fn whole_seconds(time: NaiveTime) -> Result<(), Fault> {
    if time.nanosecond() == 0 {
        Ok(())
    } else {
        Err(Fault::Form("a time of whole seconds"))
    }
}

/// `PREVDOCHASH`.
pub(crate) struct Hash;

impl Facet for Hash {
    type Value = DocumentHash;

    fn write(value: &DocumentHash) -> Result<Cow<'_, str>, Fault> {
        Ok(Cow::Owned(value.to_string()))
    }

    fn read(text: &str) -> Result<DocumentHash, Fault> {
        DocumentHash::from_hex(text)
    }
}

/// An identity that is a text of its own type.
pub(crate) struct IdentityText<T>(std::marker::PhantomData<T>);

impl<T> Facet for IdentityText<T>
where
    T: Clone + Into<String> + TryFrom<String, Error = Fault>,
{
    type Value = T;

    fn write(value: &T) -> Result<Cow<'_, str>, Fault> {
        Ok(Cow::Owned(value.clone().into()))
    }

    fn read(text: &str) -> Result<T, Fault> {
        if text.len() > IDENTITY_CHARACTERS_MAX {
            return Err(Fault::TooLong {
                max: IDENTITY_CHARACTERS_MAX,
            });
        }
        T::try_from(text.to_owned())
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

/// The letter of a tax and its rate (`LETTER`), chosen by the taxpayer.
///
/// Official samples write `A` in Latin and `А` in Cyrillic for the same tax. A letter is kept as it was written, and compares as its
/// Cyrillic look-alike.
#[derive(Clone, Copy, Debug)]
pub struct TaxLetter(char);

impl TaxLetter {
    /// From one character.
    ///
    /// # Errors
    /// [`Fault::Form`] for a blank or a control character.
    pub fn new(letter: char) -> Result<Self, Fault> {
        if letter.is_whitespace() || letter.is_control() {
            return Err(Fault::Form("one visible character"));
        }
        Ok(Self(letter))
    }

    /// As it was written.
    #[must_use]
    pub const fn as_written(self) -> char {
        self.0
    }

    /// In Cyrillic, where a Latin letter looks like one.
    #[must_use]
    pub const fn canonical(self) -> char {
        match self.0 {
            'A' => 'А',
            'B' => 'В',
            'C' => 'С',
            'E' => 'Е',
            'H' => 'Н',
            'I' => 'І',
            'K' => 'К',
            'M' => 'М',
            'O' => 'О',
            'P' => 'Р',
            'T' => 'Т',
            'X' => 'Х',
            other => other,
        }
    }
}

impl PartialEq for TaxLetter {
    fn eq(&self, other: &Self) -> bool {
        self.canonical() == other.canonical()
    }
}

impl Eq for TaxLetter {}

impl std::hash::Hash for TaxLetter {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.canonical().hash(state);
    }
}

impl PartialOrd for TaxLetter {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for TaxLetter {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.canonical().cmp(&other.canonical())
    }
}

impl Facet for TaxLetter {
    type Value = Self;

    fn write(value: &Self) -> Result<Cow<'_, str>, Fault> {
        Ok(Cow::Owned(value.0.to_string()))
    }

    fn read(text: &str) -> Result<Self, Fault> {
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (Some(letter), None) => Self::new(letter),
            (None, _) => Err(Fault::Empty),
            (Some(_), Some(_)) => Err(Fault::TooLong { max: 1 }),
        }
    }
}

/// The letters of the taxes on one row (`LETTERS`), at most fifteen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TaxLetters(Vec<TaxLetter>);

impl TaxLetters {
    /// Most letters of one row.
    pub const MAX: usize = 15;

    /// From the letters, in their order.
    ///
    /// # Errors
    /// [`Fault::TooLong`] for more than fifteen.
    pub fn new(letters: Vec<TaxLetter>) -> Result<Self, Fault> {
        if letters.len() > Self::MAX {
            Err(Fault::TooLong { max: Self::MAX })
        } else {
            Ok(Self(letters))
        }
    }

    /// The letters, in their order.
    #[must_use]
    pub fn as_slice(&self) -> &[TaxLetter] {
        &self.0
    }
}

impl FromStr for TaxLetters {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        if text.chars().count() > Self::MAX {
            return Err(Fault::TooLong { max: Self::MAX });
        }
        text.chars()
            .map(TaxLetter::new)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl Facet for TaxLetters {
    type Value = Self;

    fn write(value: &Self) -> Result<Cow<'_, str>, Fault> {
        Ok(Cow::Owned(value.0.iter().map(|letter| letter.0).collect()))
    }

    fn read(text: &str) -> Result<Self, Fault> {
        text.parse()
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

/// What a schema's number may have around it.
fn collapse(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}
