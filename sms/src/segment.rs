//! How many parts a text takes, and where it is cut (3GPP TS 23.040, 9.2.3.24.1: concatenation with an 8-bit reference).
//!
//! Persian and Cyrillic are sent as UCS-2: 70 UTF-16 units in one message, 67 in each of several. Latin text in the alphabet of GSM has 160
//! septets, else 153. A surrogate pair and an escaped septet are never torn apart; a zero-width non-joiner counts as any other unit.

use crate::gsm7;
use zeroize::Zeroizing;

/// The most parts that one message can have: the header counts them in an octet.
pub const PARTS_MAX: usize = 255;

/// In which code a text travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// The default alphabet of GSM, a septet an octet: SMPP's data_coding 0.
    Gsm7,
    /// UTF-16, big-endian: SMPP's data_coding 8.
    Ucs2,
}

impl Alphabet {
    /// The alphabet that a text needs: one letter outside that of GSM makes all of it UCS-2.
    pub fn of(text: &str) -> Self {
        if text.chars().all(|character| gsm7::septets(character).is_some()) {
            Self::Gsm7
        } else {
            Self::Ucs2
        }
    }

    /// Units in a message of one part, and in each of several.
    pub fn room(self) -> (usize, usize) {
        match self {
            Self::Gsm7 => (160, 153),
            Self::Ucs2 => (70, 67),
        }
    }

    fn units(self, character: char) -> usize {
        match self {
            Self::Gsm7 => gsm7::septets(character).map_or(0, gsm7::Septets::len),
            Self::Ucs2 => character.len_utf16(),
        }
    }

    fn put(self, character: char, into: &mut Vec<u8>) {
        match self {
            Self::Gsm7 => gsm7::septets(character)
                .into_iter()
                .for_each(|septets| septets.put(into)),
            Self::Ucs2 => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    into.extend_from_slice(&unit.to_be_bytes());
                }
            }
        }
    }
}

/// How many parts a text takes; an empty one takes one.
pub fn count(text: &str) -> u32 {
    let alphabet = Alphabet::of(text);
    let (single, each) = alphabet.room();
    let (mut total, mut parts, mut filled) = (0, 1, 0);
    for character in text.chars() {
        let units = alphabet.units(character);
        if filled + units > each {
            parts += 1;
            filled = 0;
        }
        filled += units;
        total += units;
    }
    if total <= single { 1 } else { parts }
}

/// A text's parts, encoded and without their headers, wiped when they are dropped.
pub fn cut(text: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let alphabet = Alphabet::of(text);
    let (single, each) = alphabet.room();
    let total: usize = text.chars().map(|character| alphabet.units(character)).sum();
    let room = if total <= single { single } else { each };
    // Reserved at once: a vector that grows leaves unwiped copies behind.
    let part = || Zeroizing::new(Vec::with_capacity(2 * single));
    let (mut parts, mut filled) = (vec![part()], 0);
    for character in text.chars() {
        let units = alphabet.units(character);
        if filled + units > room {
            parts.push(part());
            filled = 0;
        }
        filled += units;
        let last = parts.last_mut().expect("there is one from the start");
        alphabet.put(character, last);
    }
    parts
}

/// The header of a part: concatenation with an 8-bit reference. `number` counts from 1.
pub fn header(reference: u8, total: u8, number: u8) -> [u8; 6] {
    [0x05, 0x00, 0x03, reference, total, number]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn persian(units: usize) -> String {
        "ب".repeat(units)
    }

    #[track_caller]
    fn check(text: &str, expected: &[usize]) {
        let lengths: Vec<usize> = cut(text).iter().map(|part| part.len()).collect();
        assert_eq!(lengths, expected, "octets of each part");
        assert_eq!(usize::try_from(count(text)).unwrap(), expected.len());
    }

    #[test]
    fn seventy_units_of_persian_are_one_part_and_seventy_one_are_two() {
        check("", &[0]);
        check(&persian(70), &[140]);
        check(&persian(71), &[134, 8]);
    }

    #[test]
    fn a_hundred_and_thirty_four_units_are_two_parts_and_one_more_are_three() {
        check(&persian(134), &[134, 134]);
        check(&persian(135), &[134, 134, 2]);
    }

    #[test]
    fn a_zero_width_non_joiner_counts_as_one_unit() {
        check(&format!("{}\u{200c}", persian(69)), &[140]);
        check(&format!("{}\u{200c}", persian(70)), &[134, 8]);
    }

    #[test]
    fn a_surrogate_pair_at_the_border_goes_to_the_next_part_whole() {
        // Units 67 and 68 (the 66th and 67th counted from nought) would be its halves.
        check(&format!("{}😀{}", persian(66), persian(10)), &[132, 24]);
        check(&format!("{}😀{}", persian(65), persian(10)), &[134, 20]);
        check(&format!("{}😀", persian(68)), &[140]);
        check(&format!("{}😀", persian(69)), &[134, 8]);
    }

    #[test]
    fn latin_text_has_a_hundred_and_sixty_septets_or_a_hundred_and_fifty_three_each() {
        check(&"a".repeat(160), &[160]);
        check(&"a".repeat(161), &[153, 8]);
        check(&"a".repeat(306), &[153, 153]);
        check(&"a".repeat(307), &[153, 153, 1]);
    }

    #[test]
    fn an_escaped_septet_is_not_torn_from_its_escape() {
        check(&format!("{}€{}", "a".repeat(152), "a".repeat(20)), &[152, 22]);
        check(&format!("{}€", "a".repeat(158)), &[160]);
    }

    #[test]
    fn one_persian_digit_makes_all_of_it_ucs_2() {
        assert_eq!(Alphabet::of("code 123456"), Alphabet::Gsm7);
        assert_eq!(Alphabet::of("code ۱23456"), Alphabet::Ucs2);
        check(&format!("{}۱", "a".repeat(70)), &[134, 8]);
    }

    #[test]
    fn the_signing_text_of_the_document_takes_two_parts() {
        let text = "کارگزاری آگاه\nمریم رضایی نیا اصل گرامی\nرمز یک بار مصرف برای امضای دیجیتال قرارداد سبدگردانی اختصاصی آگاه:\n123456";
        assert!((100..134).contains(&text.encode_utf16().count()));
        assert_eq!(count(text), 2);
    }

    #[test]
    fn a_header_is_the_standards() {
        assert_eq!(header(0xab, 2, 1), [5, 0, 3, 0xab, 2, 1]);
    }

    fn texts() -> impl Strategy<Value = String> {
        let letters = prop_oneof![
            4 => prop::char::range('a', 'z'),
            4 => prop::char::range('ا', 'ی'),
            1 => Just('\u{200c}'),
            1 => Just('€'),
            1 => Just('😀'),
            1 => any::<char>(),
        ];
        prop::collection::vec(letters, 0..400).prop_map(String::from_iter)
    }

    fn latin() -> impl Strategy<Value = String> {
        let letters = prop_oneof![6 => prop::char::range('a', 'z'), 1 => Just('€'), 1 => Just('[')];
        prop::collection::vec(letters, 0..700).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn parts_of_ucs_2_put_together_are_the_text(text in texts()) {
            prop_assume!(Alphabet::of(&text) == Alphabet::Ucs2);
            let parts = cut(&text);
            let mut whole = String::new();
            for part in &parts {
                let units: Vec<u16> = part.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
                // Fails where a pair was torn: a half is no UTF-16.
                whole.push_str(&String::from_utf16(&units).unwrap());
            }
            prop_assert_eq!(whole, text);
        }

        #[test]
        fn no_part_is_longer_than_a_message_and_none_but_the_last_has_room(text in prop_oneof![texts(), latin()]) {
            let alphabet = Alphabet::of(&text);
            let (single, each) = alphabet.room();
            let octets = if alphabet == Alphabet::Ucs2 { 2 } else { 1 };
            let parts = cut(&text);
            prop_assert_eq!(u32::try_from(parts.len()).unwrap(), count(&text));
            if parts.len() == 1 {
                prop_assert!(parts[0].len() <= single * octets);
            } else {
                prop_assert!(parts.iter().all(|part| part.len() <= each * octets));
                // At most one unit is left over, by a pair that did not fit.
                prop_assert!(parts[..parts.len() - 1].iter().all(|part| part.len() >= (each - 1) * octets));
            }
        }

        #[test]
        fn nothing_is_copied_by_growing(text in texts()) {
            for part in cut(&text) {
                prop_assert!(part.capacity() >= part.len() && part.capacity() <= 320);
            }
        }
    }
}
