//! A phone number that an SMS can be sent to, in E.164.

use crate::secret::ascii_digit;
use phonenumber::{Mode, Type, country, metadata::DATABASE};
use std::fmt;

/// A mobile number in E.164 (`+989121234567`). Masked wherever it is printed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Phone(String);

/// The number is no mobile number; CM-S02's Reason 7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotMobile;

/// The longest text taken for a number: 15 digits of E.164 with generous punctuation.
const INPUT_CHARACTERS_MAX: usize = 64;

impl Phone {
    /// Normalises a number as a person wrote it: local or international, with or without `+`, `00` or the trunk zero, with spaces and
    /// dashes, in Persian or Arabic-Indic digits. It must be classed as mobile (or fixed-or-mobile).
    pub fn mobile(text: &str, region: country::Id) -> Result<Self, NotMobile> {
        let cleaned: String = text
            .chars()
            .take(INPUT_CHARACTERS_MAX + 1)
            .filter(|c| !is_invisible(*c))
            .map(ascii_digit)
            .collect();
        if cleaned.is_empty() || cleaned.chars().count() > INPUT_CHARACTERS_MAX {
            return Err(NotMobile);
        }
        let number = [None, Some('+')]
            .into_iter()
            .filter_map(|prefix| {
                let text: String = prefix.into_iter().chain(cleaned.trim().chars()).collect();
                phonenumber::parse(Some(region), text).ok()
            })
            .find(phonenumber::is_valid)
            .ok_or(NotMobile)?;
        match number.number_type(&DATABASE) {
            Type::Mobile | Type::FixedLineOrMobile => Ok(Self(number.format().mode(Mode::E164).to_string())),
            _ => Err(NotMobile),
        }
    }

    /// The number in E.164. Whoever calls this says where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// Characters that text editors leave in numbers: bidirectional marks, joiners, no-break spaces.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}' | '\u{00AD}')
}

impl fmt::Debug for Phone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.0.get(self.0.len().saturating_sub(2)..).unwrap_or_default();
        write!(formatter, "Phone(***{last})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, NotMobile>) {
        let phone = Phone::mobile(text, country::Id::IR);
        assert_eq!(
            phone.as_ref().map(Phone::expose).map_err(|e| *e),
            expected,
            "{text:?}"
        );
    }

    #[test]
    fn every_way_to_write_a_mobile_number_is_the_same_number() {
        for text in [
            "9121234567",
            "09121234567",
            "00989121234567",
            "989121234567",
            "+989121234567",
            "+98 912 123 4567",
            "0912-123-45-67",
            "۰۹۱۲۱۲۳۴۵۶۷",
            "٠٩١٢١٢٣٤٥٦٧",
            "\u{200E}0912 123\u{00A0}4567\u{200F}",
        ] {
            check(text, Ok("+989121234567"));
        }
    }

    #[test]
    fn a_number_of_another_country_is_taken_with_its_code() {
        check("+380501234567", Ok("+380501234567"));
        check("00380501234567", Ok("+380501234567"));
    }

    #[test]
    fn what_is_no_mobile_number_is_refused() {
        for text in [
            "",
            " ",
            "02188776655",
            "+982188776655",
            "0912123456",
            "091212345678",
            "abc",
            "+",
            "۰",
            "tel:12",
        ] {
            check(text, Err(NotMobile));
        }
        check(&"9".repeat(500), Err(NotMobile));
    }

    #[test]
    fn debug_shows_two_digits_at_most() {
        assert_eq!(
            format!("{:?}", Phone::mobile("09121234567", country::Id::IR).unwrap()),
            "Phone(***67)"
        );
    }
}
