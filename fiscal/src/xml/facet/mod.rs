//! What a leaf may hold: the schema's simple types, each with its limits.

mod form;
mod number;
mod tax;
mod time;

pub(crate) use form::{Dkpp, Ipn, Tin, Uktzed};
pub use number::Course;
pub(crate) use number::{Amount, Natural, Number, Numeral, Positive, Sum, Unit, Whole, codes};
pub use tax::{TaxLetter, TaxLetters};
pub(crate) use time::{Date, DateTime, Time};

use super::error::Fault;
use crate::ids::{DocumentHash, IDENTITY_CHARACTERS_MAX};
use std::borrow::Cow;

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

/// What a schema's number may have around it.
pub(super) fn collapse(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}
