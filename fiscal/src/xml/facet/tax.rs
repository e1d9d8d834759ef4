//! Letters of taxes.

use super::Facet;
use crate::xml::Fault;
use std::borrow::Cow;
use std::str::FromStr;

/// The letter of a tax and its rate (`LETTER`), chosen by the taxpayer.
///
/// Official samples write `A` in Latin and `А` in Cyrillic for the same tax. A letter is kept as it was
/// written, and compares as its Cyrillic look-alike.
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
