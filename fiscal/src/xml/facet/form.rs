//! Texts of one form: codes of taxpayers, goods and services.

use super::Facet;
use crate::xml::Fault;
use std::borrow::Cow;

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

pub(super) fn is_digits(text: &str, least: usize, most: usize) -> bool {
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

/// `00.00` with `.0`s behind, `00.00.00` with `-0`s behind, or `00.00.00-00` with `.0`s behind; each of one
/// or two digits.
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
