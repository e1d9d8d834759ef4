//! Taxes of a receipt: per rate, included in the price or not, excise before VAT.

use super::Error;
use super::portion::{add, apportion, percent_inside, percent_of, subtract, sum};
use crate::{Money, Percent};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The most taxes of a taxpayer: the official samples know six letters.
pub const TAXES_MAX: usize = 16;

/// The one character that marks a tax (LETTER, LETTERS), always Cyrillic where Latin looks the same: the tax service's own samples mix `A`
/// and `А`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "char", into = "char")]
pub struct Letter(char);

impl Letter {
    /// A letter, or a digit as fuel stations have them.
    ///
    /// # Errors
    /// [`Error::NotALetter`] for anything but a Ukrainian or Latin letter or a digit.
    pub fn new(character: char) -> Result<Self, Error> {
        let upper = match character {
            'a'..='z' => character.to_ascii_uppercase(),
            'а'..='я' | 'є' | 'і' | 'ї' | 'ґ' => character.to_uppercase().next().unwrap_or(character),
            other => other,
        };
        let cyrillic = match upper {
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
        };
        match cyrillic {
            'А'..='Я' | 'Є' | 'І' | 'Ї' | 'Ґ' | 'A'..='Z' | '0'..='9' => Ok(Self(cyrillic)),
            _ => Err(Error::NotALetter(character)),
        }
    }

    /// The letters of a line, in the order of the text.
    ///
    /// # Errors
    /// [`Error::NotALetter`], as [`Letter::new`].
    pub fn all(text: &str) -> Result<Vec<Self>, Error> {
        text.chars().map(Self::new).collect()
    }

    /// The character.
    #[must_use]
    pub const fn character(self) -> char {
        self.0
    }
}

impl TryFrom<char> for Letter {
    type Error = Error;

    fn try_from(character: char) -> Result<Self, Error> {
        Self::new(character)
    }
}

impl From<Letter> for char {
    fn from(letter: Letter) -> Self {
        letter.0
    }
}

impl fmt::Display for Letter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.0)
    }
}

/// What a tax is (TYPE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TaxKind {
    /// ПДВ, TYPE 0.
    Vat,
    /// Акциз, TYPE 1: taken out before VAT is.
    Excise,
    /// Any other, the pension fund's 2 among them. No source says how it stands to VAT, so that it is computed only alone.
    Other(u8),
}

impl TaxKind {
    /// By TYPE.
    #[must_use]
    pub const fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Vat,
            1 => Self::Excise,
            other => Self::Other(other),
        }
    }

    /// TYPE.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Vat => 0,
            Self::Excise => 1,
            Self::Other(other) => other,
        }
    }
}

/// One tax of the taxpayer's own table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tax {
    /// What it is.
    pub kind: TaxKind,
    /// Its name as it is registered: `ПДВ`, at most 64 characters in a document.
    pub name: String,
    /// Its letter.
    pub letter: Letter,
    /// Its rate, from nothing to a hundred.
    pub percent: Percent,
    /// SIGN: it is not in the price but comes on top.
    pub excluded: bool,
}

/// The taxes that a taxpayer is registered with: no letter twice, every rate in its bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaxTable(Vec<Tax>);

impl TaxTable {
    /// # Errors
    /// [`Error::TooManyTaxes`], [`Error::LetterTwice`], [`Error::RateOutOfBounds`].
    pub fn new(taxes: Vec<Tax>) -> Result<Self, Error> {
        if taxes.len() > TAXES_MAX {
            return Err(Error::TooManyTaxes(taxes.len()));
        }
        for (index, tax) in taxes.iter().enumerate() {
            if taxes[..index].iter().any(|other| other.letter == tax.letter) {
                return Err(Error::LetterTwice(tax.letter));
            }
            if !(0..=10_000).contains(&tax.percent.units()) {
                return Err(Error::RateOutOfBounds(tax.letter));
            }
        }
        Ok(Self(taxes))
    }

    /// The taxes, in the order of the table.
    #[must_use]
    pub fn taxes(&self) -> &[Tax] {
        &self.0
    }

    /// What the letters of a line name: its VAT and what is taken out before.
    fn named(&self, line: usize, letters: &[Letter]) -> Result<Group, Error> {
        let mut group = Group::default();
        for &letter in letters {
            let index = self.0.iter().position(|tax| tax.letter == letter);
            let index = index.ok_or(Error::UnknownLetter { line, letter })?;
            let place = match self.0[index].kind {
                TaxKind::Vat => &mut group.vat,
                TaxKind::Excise => &mut group.before_vat,
                TaxKind::Other(_) if letters.len() > 1 => return Err(Error::TaxesConflict(line)),
                TaxKind::Other(_) => &mut group.before_vat,
            };
            if place.replace(index).is_some() {
                return Err(Error::TaxesConflict(line));
            }
        }
        Ok(group)
    }
}

/// One row of CHECKTAX.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxRow {
    /// The tax.
    pub tax: Tax,
    /// TURNOVER: what is taxed, before discounts.
    pub turnover: Money,
    /// TURNOVERDISCOUNT: the same after discounts.
    pub turnover_discounted: Money,
    /// SOURCESUM: what the tax is computed from; for VAT, with the excise taken out.
    pub source: Money,
    /// SUM: the tax.
    pub sum: Money,
}

/// What taxes see of a line.
pub(super) struct TaxedLine<'a> {
    pub(super) cost: Money,
    pub(super) discounted: Money,
    pub(super) letters: &'a [Letter],
}

/// Lines that have the same taxes, added up.
#[derive(Clone, Copy, Default)]
struct Group {
    vat: Option<usize>,
    before_vat: Option<usize>,
    turnover: Money,
    discounted: Money,
    /// What VAT is computed from.
    vat_source: Money,
}

/// The taxes of a receipt, in the order of the table, those that no line has left out.
///
/// A tax is rounded half up once, per receipt and rate (the notes that settle contradictions), not per line. An excise that is included
/// is taken out of the base of VAT; where its lines have several rates of VAT, the excise is divided between them in proportion, so that
/// no kopeck is taxed twice or never. An excise on top of the price is not in the base and leaves it as it is.
///
/// # Errors
/// [`Error::UnknownLetter`], [`Error::TaxesConflict`], [`Error::Amount`].
pub(super) fn taxes(table: &TaxTable, lines: &[TaxedLine<'_>]) -> Result<Vec<TaxRow>, Error> {
    let mut groups = groups(table, lines)?;
    let mut rows = vec![None; table.0.len()];
    for (index, tax) in table.0.iter().enumerate() {
        if tax.kind != TaxKind::Vat {
            rows[index] = tax_before_vat(tax, index, &mut groups)?;
        }
    }
    for (index, tax) in table.0.iter().enumerate() {
        if tax.kind == TaxKind::Vat {
            rows[index] = vat(tax, index, &groups)?;
        }
    }
    Ok(rows.into_iter().flatten().collect())
}

fn groups(table: &TaxTable, lines: &[TaxedLine<'_>]) -> Result<Vec<Group>, Error> {
    let mut groups: Vec<Group> = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let named = table.named(index + 1, line.letters)?;
        let same = |group: &Group| group.vat == named.vat && group.before_vat == named.before_vat;
        let place = groups.iter().position(same).unwrap_or_else(|| {
            groups.push(named);
            groups.len() - 1
        });
        let group = &mut groups[place];
        group.turnover = add(group.turnover, line.cost)?;
        group.discounted = add(group.discounted, line.discounted)?;
        group.vat_source = group.discounted;
    }
    Ok(groups)
}

fn tax_before_vat(tax: &Tax, index: usize, groups: &mut [Group]) -> Result<Option<TaxRow>, Error> {
    let mut taxed: Vec<&mut Group> = groups
        .iter_mut()
        .filter(|group| group.before_vat == Some(index))
        .collect();
    if taxed.is_empty() {
        return Ok(None);
    }
    let bases: Vec<Money> = taxed.iter().map(|group| group.discounted).collect();
    let source = sum(bases.iter().copied())?;
    let turnover = sum(taxed.iter().map(|group| group.turnover))?;
    let row = row(tax, turnover, source, source)?;
    if !tax.excluded {
        for (group, part) in taxed.iter_mut().zip(apportion(row.sum, &bases)) {
            group.vat_source = subtract(group.vat_source, part)?;
        }
    }
    Ok(Some(row))
}

fn vat(tax: &Tax, index: usize, groups: &[Group]) -> Result<Option<TaxRow>, Error> {
    let taxed = || groups.iter().filter(|group| group.vat == Some(index));
    if taxed().next().is_none() {
        return Ok(None);
    }
    let turnover = sum(taxed().map(|group| group.turnover))?;
    let discounted = sum(taxed().map(|group| group.discounted))?;
    let source = sum(taxed().map(|group| group.vat_source))?;
    row(tax, turnover, discounted, source).map(Some)
}

fn row(tax: &Tax, turnover: Money, turnover_discounted: Money, source: Money) -> Result<TaxRow, Error> {
    let sum = if tax.excluded {
        percent_of(source, tax.percent)?
    } else {
        percent_inside(source, tax.percent)?
    };
    Ok(TaxRow {
        tax: tax.clone(),
        turnover,
        turnover_discounted,
        source,
        sum,
    })
}
