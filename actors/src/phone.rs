//! A phone number that an SMS can be sent to, in E.164.

use crate::secret::ascii_digit;
use phonenumber::{PhoneNumber, Type, country, metadata::DATABASE};
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
        let valid = [None, Some('+')].into_iter().find_map(|prefix| {
            let text: String = prefix.into_iter().chain(cleaned.trim().chars()).collect();
            let number = phonenumber::parse(Some(region), text).ok()?;
            type_of_valid(&number).map(|kind| (number, kind))
        });
        match valid {
            Some((number, Type::Mobile | Type::FixedLineOrMobile)) => Ok(Self(e164(&number))),
            _ => Err(NotMobile),
        }
    }

    /// The number in E.164. Whoever calls this says where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

/// What a number is; `None` where it is not valid. The library's `is_valid` finds the type and tells whether there is one, so it is asked by itself only where
/// it looks at something else: at zeros before the number, which the type leaves out.
fn type_of_valid(number: &PhoneNumber) -> Option<Type> {
    let kind = number.number_type(&DATABASE);
    let is_valid = match number.national().zeros() {
        0 => kind != Type::Unknown,
        _ => phonenumber::is_valid(number),
    };
    is_valid.then_some(kind)
}

/// As the library's formatter makes it, which first looks for the pattern of a format that this one does not have.
fn e164(number: &PhoneNumber) -> String {
    format!("+{}{}", number.country().code(), number.national())
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
    use crate::random::Randomness;
    use crate::testing::SeededRandomness;
    use phonenumber::Mode;

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
    fn any_number_of_any_country_is_what_the_library_says_of_it() {
        let randomness = SeededRandomness::new(11);
        let codes: Vec<u16> = (1..=999)
            .filter(|code| DATABASE.by_code(code).is_some())
            .collect();
        assert!(codes.len() > 200, "{}", codes.len());
        let (mut valid, mut mobile, mut zeros) = (0, 0, 0);
        for round in 0..6_000_usize {
            let code = codes[round % codes.len()];
            let mut drawn = [0_u8; 12];
            randomness.fill(&mut drawn).unwrap();
            let length = usize::from(6 + drawn[0] % 6);
            let digits = drawn[1..=length].iter().map(|byte| char::from(b'0' + byte % 10));
            let text = format!("+{code}{}", digits.collect::<String>());
            let Ok(number) = phonenumber::parse(None, &text) else {
                continue;
            };
            let expected = phonenumber::is_valid(&number).then(|| number.number_type(&DATABASE));
            assert_eq!(type_of_valid(&number), expected, "{text}");
            assert_eq!(e164(&number), number.format().mode(Mode::E164).to_string());
            valid += usize::from(expected.is_some());
            mobile += usize::from(expected == Some(Type::Mobile));
            zeros += usize::from(number.national().zeros() > 0 && expected.is_some());
        }
        assert!(
            valid > 300 && mobile > 70 && zeros > 1,
            "{valid}, {mobile}, {zeros}"
        );
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
