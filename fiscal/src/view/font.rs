//! The one font of pictures and PDFs, DejaVu Sans Mono: all of windows-1251, every character equally wide, free to embed
//! (`font/LICENSE.txt`).

use ab_glyph::{Font, FontRef, Glyph, PxScale};

/// The font's file.
pub(super) const FILE: &[u8] = include_bytes!("font/DejaVuSansMono.ttf");

/// The font, parsed. It takes about a microsecond: only the tables are found.
pub(super) fn font() -> FontRef<'static> {
    FontRef::try_from_slice(FILE).expect("the file is part of the program, and a test reads it")
}

/// A character drawn into a cell of `width` × `height` dots: how much ink each dot has, 0 to 1, row by row.
pub(super) fn cell(font: &FontRef<'_>, character: char, width: usize, height: usize) -> Vec<f32> {
    let mut ink = vec![0.0; width * height];
    #[expect(clippy::cast_precision_loss, reason = "dots of one character")]
    let (across, down) = (width as f32, height as f32);
    let glyph = placed(font, character, across, down);
    let Some(outline) = font.outline_glyph(glyph) else {
        return ink; // a blank
    };
    let bounds = outline.px_bounds();
    outline.draw(|x, y, coverage| {
        #[expect(clippy::cast_precision_loss, reason = "dots of one character")]
        let (x, y) = (bounds.min.x + x as f32, bounds.min.y + y as f32);
        if x >= 0.0 && y >= 0.0 && x < across && y < down {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "inside the cell"
            )]
            let at = y as usize * width + x as usize;
            ink[at] = coverage.clamp(0.0, 1.0);
        }
    });
    ink
}

/// Scaled so that a step is as wide as the cell; what is left above and below is shared out.
fn placed(font: &FontRef<'_>, character: char, across: f32, down: f32) -> Glyph {
    let id = font.glyph_id(character);
    let scale = across * font.height_unscaled() / font.h_advance_unscaled(id);
    let ascent = font.ascent_unscaled() / font.height_unscaled() * scale;
    let baseline = ((down - scale) / 2.0 + ascent).round();
    Glyph {
        id,
        scale: PxScale::from(scale),
        position: ab_glyph::point(0.0, baseline),
    }
}

/// Dots as bits of a PNG's row, dark is 0, from the most significant.
pub(super) fn bits(dark: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut packed = Vec::new();
    for (at, is_dark) in dark.enumerate() {
        if at % 8 == 0 {
            packed.push(0xff);
        }
        if is_dark && let Some(octet) = packed.last_mut() {
            *octet &= !(0x80 >> (at % 8));
        }
    }
    packed
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::WINDOWS_1251;

    /// All that a document can carry and a printer shows.
    fn characters() -> Vec<char> {
        let octets: Vec<u8> = (0x20..=0xff).collect();
        let (text, _) = WINDOWS_1251.decode_without_bom_handling(&octets);
        text.chars()
            .filter(|character| !character.is_control() && *character != '\u{ad}')
            .collect()
    }

    #[test]
    fn the_font_has_every_character_that_a_document_can_carry_equally_wide() {
        let font = font();
        let width = font.h_advance_unscaled(font.glyph_id('W'));
        for character in characters() {
            let id = font.glyph_id(character);
            assert_ne!(id.0, 0, "{character:?}");
            assert!((font.h_advance_unscaled(id) - width).abs() < 0.1, "{character:?}");
        }
    }

    #[test]
    fn no_character_is_cut_by_its_cell() {
        let font = font();
        for scale in [1.0, 2.0, 3.0, 4.0] {
            let (across, down) = (12.0 * scale, 24.0 * scale);
            for character in characters() {
                let glyph = placed(&font, character, across, down);
                let Some(outline) = font.outline_glyph(glyph) else {
                    continue;
                };
                let bounds = outline.px_bounds();
                let (above, below) = (bounds.min.y, down - bounds.max.y);
                assert!(above >= 0.0 && below >= 0.0, "{character} at {scale}: {bounds:?}");
                // The Serbian Ђ, Љ and Ћ reach beyond every cell of this font, by the width of a hair.
                let beside = bounds.min.x.min(across - bounds.max.x);
                assert!(beside >= -scale, "{character} at {scale}: {bounds:?}");
            }
        }
    }

    #[test]
    fn a_blank_has_no_ink_and_a_letter_has() {
        let font = font();
        assert!(cell(&font, ' ', 12, 24).iter().all(|ink| *ink == 0.0));
        assert!(cell(&font, 'Ї', 12, 24).iter().any(|ink| *ink > 0.9));
    }

    #[test]
    fn bits_begin_with_the_most_significant_and_rows_end_white() {
        assert_eq!(bits([true, false, true].into_iter()), [0b0101_1111]);
        assert_eq!(bits(std::iter::repeat_n(true, 9)), [0, 0b0111_1111]);
    }
}
