//! An operator's own words about a message, made fit for answers and logs: operators quote numbers and whole messages back.

use crate::ports::Message;
use crate::secret::Secret;

/// Runs of digits shorter than this stay: `error 418` says something, and neither a number nor a code is that short.
const DIGITS_SHOWN_MAX: usize = 3;
/// An operator's code is a word or a number, not a text.
const CODE_CHARACTERS_MAX: usize = 40;
/// What stands for what was taken away.
const MASK: &str = "***";

/// What an operator could quote of a message; wiped like the message itself.
pub(crate) struct Quotable(Secret);

impl Quotable {
    /// Its text, of which each line counts: name and code among them.
    pub(crate) fn of(message: &Message) -> Self {
        Self(Secret::new(message.text.expose()))
    }

    /// Of a message that nobody remembers any more.
    pub(crate) fn nothing() -> Self {
        Self(Secret::new(""))
    }

    /// Words without long numbers; none at all where they quote the text.
    pub(crate) fn words(&self, said: &str) -> String {
        if self.is_quoted_in(said) {
            return String::new();
        }
        mask_digits(said)
    }

    /// A code as it is, unless it is none.
    pub(crate) fn code(&self, said: &str) -> String {
        let is_code = said.chars().count() <= CODE_CHARACTERS_MAX && !self.is_quoted_in(said);
        if is_code { said.to_owned() } else { MASK.to_owned() }
    }

    fn is_quoted_in(&self, said: &str) -> bool {
        let mut lines = self.0.expose().lines().map(str::trim);
        lines.any(|line| !line.is_empty() && said.contains(line))
    }
}

/// Replaces numbers, also those that are written in groups (`0912 123-4567`) or in Persian or Arabic-Indic digits.
fn mask_digits(said: &str) -> String {
    let mut masked = String::with_capacity(said.len());
    let mut rest = said;
    while let Some(start) = rest.find(is_digit) {
        masked.push_str(&rest[..start]);
        rest = &rest[start..];
        let past = rest
            .find(|character| !is_digit(character) && !is_separator(character))
            .unwrap_or(rest.len());
        let number = rest[..past].trim_end_matches(is_separator);
        if number.chars().filter(|character| is_digit(*character)).count() > DIGITS_SHOWN_MAX {
            masked.push_str(MASK);
        } else {
            masked.push_str(number);
        }
        rest = &rest[number.len()..];
    }
    masked.push_str(rest);
    masked
}

fn is_digit(character: char) -> bool {
    matches!(character, '0'..='9' | '\u{0660}'..='\u{0669}' | '\u{06f0}'..='\u{06f9}')
}

fn is_separator(character: char) -> bool {
    matches!(character, ' ' | '-' | '.' | '(' | ')')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(said: &str, expected: &str) {
        let quotable = Quotable(Secret::new("مریم رضایی گرامی\n\n 48 "));
        assert_eq!(quotable.words(said), expected, "{said}");
    }

    #[test]
    fn words_without_numbers_stay_as_they_are() {
        check("", "");
        check("no credit", "no credit");
        check("error 41 (line 7).", "error 41 (line 7).");
    }

    #[test]
    fn numbers_are_masked_however_they_are_written() {
        check("09121234567 is invalid", "*** is invalid");
        check("to +98 912 123-4567: no", "to +***: no");
        check("گیرنده ۰۹۱۲۱۲۳۴۵۶۷", "گیرنده ***");
        check("1234", "***");
    }

    #[test]
    fn words_that_quote_the_message_are_dropped() {
        check("not sent: مریم رضایی گرامی", "");
        check("code 48 not sent", "");
    }

    #[test]
    fn a_code_stays_unless_it_is_a_text_or_a_quotation() {
        let quotable = Quotable(Secret::new("123456"));
        assert_eq!(quotable.code("1404"), "1404");
        assert_eq!(quotable.code("x123456"), MASK);
        assert_eq!(quotable.code(&"x".repeat(41)), MASK);
    }
}
