//! Values that must not be seen: their `Debug` masks them, their memory is wiped.

use std::fmt;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// A text that must not be seen: a key, a token, a message with a code in it.
#[derive(Clone, Default, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Secret(String);

impl Secret {
    /// Takes the text over.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself. Whoever calls this says where it goes.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(***)")
    }
}

/// A one-time code: 4 to 10 ASCII digits, leading zeros kept. Lives from its drawing to its hand-over, then is wiped.
#[derive(Clone, PartialEq, Eq)]
pub struct Otp(Zeroizing<String>);

impl Otp {
    /// The longest input taken for a code; anything longer cannot match.
    pub const INPUT_CHARACTERS_MAX: usize = 64;

    /// Takes digits as drawn.
    pub fn drawn(digits: Zeroizing<String>) -> Self {
        Self(digits)
    }

    /// Takes what a person typed: Persian and Arabic-Indic digits become ASCII ones, spaces at the ends go.
    /// Anything else is kept and will not match.
    pub fn typed(text: &str) -> Self {
        Self(Zeroizing::new(
            text.trim()
                .chars()
                .take(Self::INPUT_CHARACTERS_MAX)
                .map(ascii_digit)
                .collect(),
        ))
    }

    /// The digits. Whoever calls this says where they go.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Otp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Otp(***)")
    }
}

/// Maps Persian (U+06F0…) and Arabic-Indic (U+0660…) digits to ASCII; every other character stays.
pub fn ascii_digit(character: char) -> char {
    let digit = match character {
        '\u{06F0}'..='\u{06F9}' => u32::from(character) - 0x06F0,
        '\u{0660}'..='\u{0669}' => u32::from(character) - 0x0660,
        _ => return character,
    };
    char::from_digit(digit, 10).expect("0 to 9 is a digit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_a_secret() {
        assert_eq!(
            format!("{:?} {:?}", Secret::new("hush"), Otp::typed("123456")),
            "Secret(***) Otp(***)"
        );
    }

    #[test]
    fn persian_and_arabic_indic_digits_are_digits() {
        assert_eq!(Otp::typed(" ۱۲۳٤٥٦ ").expose(), "123456");
    }
}
