//! The default alphabet of GSM 03.38 (3GPP TS 23.038, 6.2.1), one octet a septet, as SMPP's data_coding 0 carries it.

/// Positions 0x00 to 0x7F; 0x1B escapes to the extension table and stands for no character itself.
const BASIC: [char; 128] = [
    '@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å', 'Δ', '_', 'Φ', 'Γ',
    'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', '\u{1b}', 'Æ', 'æ', 'ß', 'É', ' ', '!', '"', '#', '¤', '%', '&', '\'',
    '(', ')', '*', '+', ',', '-', '.', '/', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<',
    '=', '>', '?', '¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q',
    'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§', '¿', 'a', 'b', 'c', 'd', 'e', 'f',
    'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä',
    'ö', 'ñ', 'ü', 'à',
];

/// The extension table: two septets each.
const EXTENSION: [(char, u8); 10] = [
    ('\u{c}', 0x0a),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2f),
    ('[', 0x3c),
    ('~', 0x3d),
    (']', 0x3e),
    ('|', 0x40),
    ('€', 0x65),
];

/// The escape to the extension table.
const ESCAPE: u8 = 0x1b;

/// A character's septets; `None` where the alphabet has none for it.
pub(crate) fn septets(character: char) -> Option<Septets> {
    match character {
        '\u{1b}' => return None,
        // Where ASCII has them, and most of what is written in Latin.
        'a'..='z' | 'A'..='Z' | '0'..='9' | ' ' => return Some(Septets::One(u8::try_from(character).ok()?)),
        // Behind the last letter of the tables, Persian and Cyrillic among them.
        'Ϊ'.. if character != '€' => return None,
        _ => {}
    }
    let basic = BASIC.iter().position(|known| *known == character);
    if let Some(position) = basic {
        return Some(Septets::One(
            u8::try_from(position).expect("a position in 128 places"),
        ));
    }
    let extended = EXTENSION.iter().find(|(known, _)| *known == character);
    extended.map(|(_, septet)| Septets::Two([ESCAPE, *septet]))
}

/// One septet, or an escape and one.
#[derive(Clone, Copy)]
pub(crate) enum Septets {
    One(u8),
    Two([u8; 2]),
}

impl Septets {
    /// How many.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::One(_) => 1,
            Self::Two(_) => 2,
        }
    }

    /// Writes them, an octet each.
    pub(crate) fn put(self, into: &mut Vec<u8>) {
        match self {
            Self::One(septet) => into.push(septet),
            Self::Two(pair) => into.extend_from_slice(&pair),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_digits_are_where_ascii_has_them() {
        for character in ('a'..='z')
            .chain('A'..='Z')
            .chain('0'..='9')
            .chain([' ', '!', '\n', '\r'])
        {
            let mut octets = Vec::new();
            septets(character).unwrap().put(&mut octets);
            assert_eq!(octets, [u8::try_from(character).unwrap()], "{character:?}");
        }
    }

    #[test]
    fn every_character_of_both_tables_is_found_at_its_place_and_no_other_is() {
        for number in 0..0x3000_u32 {
            let Some(character) = char::from_u32(number) else {
                continue;
            };
            let mut octets = Vec::new();
            septets(character)
                .into_iter()
                .for_each(|septets| septets.put(&mut octets));
            let basic = BASIC
                .iter()
                .position(|known| *known == character && *known != '\u{1b}');
            let extended = EXTENSION.iter().find(|(known, _)| *known == character);
            let expected = match (basic, extended) {
                (Some(position), _) => vec![u8::try_from(position).unwrap()],
                (None, Some((_, septet))) => vec![ESCAPE, *septet],
                (None, None) => Vec::new(),
            };
            assert_eq!(octets, expected, "{character:?}");
        }
    }

    #[test]
    fn what_differs_from_ascii_is_where_the_standard_has_it() {
        for (character, expected) in [
            ('@', &[0x00][..]),
            ('$', &[0x02]),
            ('_', &[0x11]),
            ('à', &[0x7f]),
            ('€', &[0x1b, 0x65]),
            ('[', &[0x1b, 0x3c]),
        ] {
            let mut octets = Vec::new();
            septets(character).unwrap().put(&mut octets);
            assert_eq!(octets, expected, "{character:?}");
        }
        assert!(septets('ç').is_none() && septets('`').is_none() && septets('ب').is_none());
    }
}
