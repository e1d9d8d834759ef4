//! The QR code of a link.

use super::font::bits;
use png::{BitDepth, ColorType, Compression, Encoder};
use qrcode::{Color, EcLevel, QrCode};
use std::num::NonZeroU8;

/// White modules on each side, by the standard (ISO/IEC 18004, 6.3.8).
const QUIET_MODULES: usize = 4;

/// A QR code: `M` of its four levels, which a scratch or a fold of 15 % does not break.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    payload: String,
    /// Row by row from the top, the quiet zone included.
    is_dark: Vec<bool>,
    modules: usize,
}

impl Code {
    pub(super) fn of(link: &str) -> Self {
        let code = QrCode::with_error_correction_level(link, EcLevel::M);
        let code = code.expect("a link has at most some 600 octets, a code of level M holds 2,331");
        let inner = code.width();
        let modules = inner + 2 * QUIET_MODULES;
        let mut is_dark = vec![false; modules * modules];
        for (at, color) in code.into_colors().into_iter().enumerate() {
            let (row, column) = (at / inner + QUIET_MODULES, at % inner + QUIET_MODULES);
            is_dark[row * modules + column] = color == Color::Dark;
        }
        Self {
            payload: link.to_owned(),
            is_dark,
            modules,
        }
    }

    /// What it says: the tax cabinet's link.
    #[must_use]
    pub fn payload(&self) -> &str {
        &self.payload
    }

    /// Modules from side to side, the quiet zone of four on each side included.
    #[must_use]
    pub const fn modules(&self) -> usize {
        self.modules
    }

    /// As a picture (PNG, black and white) of so many dots a module, the quiet zone included.
    #[must_use]
    pub fn png(&self, dots_a_module: NonZeroU8) -> Vec<u8> {
        let dots = usize::from(dots_a_module.get());
        let side = self.modules * dots;
        let mut rows = Vec::with_capacity(side * side.div_ceil(8));
        for row in self.rows() {
            let dark = row.iter().flat_map(|is_dark| std::iter::repeat_n(*is_dark, dots));
            let packed = bits(dark);
            (0..dots).for_each(|_| rows.extend_from_slice(&packed));
        }
        let mut png = Vec::new();
        let side = u32::try_from(side).expect("185 modules of at most 255 dots");
        let mut encoder = Encoder::new(&mut png, side, side);
        encoder.set_color(ColorType::Grayscale);
        encoder.set_depth(BitDepth::One);
        encoder.set_compression(Compression::Balanced);
        let mut writer = encoder.write_header().expect("memory takes a header");
        writer
            .write_image_data(&rows)
            .expect("memory takes rows of the size that the header says");
        writer.finish().expect("memory takes an end");
        png
    }

    /// Drawn with full blocks and blanks, two to a module so that it is square, for terminals. It is much wider than a receipt.
    #[must_use]
    pub fn drawn(&self) -> String {
        let mut drawn = String::new();
        for row in self.rows() {
            row.iter()
                .for_each(|is_dark| drawn.push_str(if *is_dark { "██" } else { "  " }));
            drawn.push('\n');
        }
        drawn
    }

    /// Rows from the top, dark is true, the quiet zone included.
    pub(super) fn rows(&self) -> impl Iterator<Item = &[bool]> {
        self.is_dark.chunks_exact(self.modules)
    }

    /// Every run of dark modules: row, first column, how many.
    pub(super) fn runs(&self) -> Vec<(usize, usize, usize)> {
        let mut runs: Vec<(usize, usize, usize)> = Vec::new();
        for (y, row) in self.rows().enumerate() {
            for x in (0..row.len()).filter(|x| row[*x]) {
                match runs.last_mut() {
                    Some((last_y, start, length)) if *last_y == y && *start + *length == x => *length += 1,
                    _ => runs.push((y, x, 1)),
                }
            }
        }
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_link_has_room() {
        let code = Code::of(&"%".repeat(700));
        assert!(code.modules() <= 97 + 2 * QUIET_MODULES, "{}", code.modules());
    }

    #[test]
    fn runs_cover_what_is_dark_and_nothing_else() {
        let code = Code::of("https://cabinet.tax.gov.ua/");
        let mut drawn = vec![false; code.modules * code.modules];
        for (y, x, length) in code.runs() {
            drawn[y * code.modules + x..][..length].fill(true);
        }
        assert_eq!(drawn, code.is_dark);
        assert!(code.rows().take(QUIET_MODULES).flatten().all(|is_dark| !is_dark));
    }
}
