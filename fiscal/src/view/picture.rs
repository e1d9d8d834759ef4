//! A receipt as a picture, line by line, so that its memory is that of one line and of the compressed result.

use super::code::Code;
use super::error::Error;
use super::font;
use super::lines::{Line, Printed, printed};
use super::sheet::Sheet;
use super::width::Width;
use ab_glyph::FontRef;
use png::{BitDepth, ColorType, Compression, Encoder, Filter};
use std::collections::HashMap;
use std::io::Write;

/// A character's cell of the ordinary font of receipt printers, at scale one.
const CELL_DOTS: (usize, usize) = (12, 24);
/// Above the first line and below the last.
const MARGIN_DOTS: usize = 12;
/// 5 dots are 0.6 mm: phones read it from an arm's length, and the code is no wider than it must be.
const MODULE_DOTS_MAX: usize = 5;
/// Shades are four bits: black is 0.
const LIGHTEST: f32 = 15.0;
/// Two dots of paper.
const WHITE: u8 = 0xff;

/// Most of a picture is one chunk of so many octets.
const CHUNK_OCTETS: usize = 32 * 1024;

/// The tallest picture, in dots: eight metres of paper. Many programs show nothing taller.
pub const DOTS_TALL_MAX: usize = 65_500;

/// How many dots stand for one of a printer's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scale(u8);

impl Scale {
    /// As it is printed.
    pub const ONE: Self = Self(1);
    /// For screens.
    pub const TWO: Self = Self(2);
    /// Four times in each direction: beyond it, no screen shows more, and each step costs time.
    pub const MOST: u8 = 4;

    /// One to four.
    ///
    /// # Errors
    /// [`Error::Scale`] for any other number.
    pub fn new(scale: u16) -> Result<Self, Error> {
        match u8::try_from(scale) {
            Ok(small) if (1..=Self::MOST).contains(&small) => Ok(Self(small)),
            _ => Err(Error::Scale(scale)),
        }
    }

    fn get(self) -> usize {
        self.0.into()
    }
}

pub(super) fn png(sheet: &Sheet, width: Width, scale: Scale) -> Result<Vec<u8>, Error> {
    let printed = printed(sheet, width);
    let code = sheet.link.as_deref().map(Code::of);
    let mut brush = Brush::new(width, scale);
    let margin = MARGIN_DOTS * scale.get();
    let module = code.as_ref().map(|code| brush.module_dots(code, scale));
    let height_of = |printed: &Printed| match (printed, &code, module) {
        (Printed::Text(_), ..) => brush.cell.1,
        (Printed::Code, Some(code), Some(module)) => code.modules() * module,
        (Printed::Code, ..) => 0,
    };
    let height = printed.iter().map(height_of).sum::<usize>() + 2 * margin;
    if height > DOTS_TALL_MAX {
        return Err(Error::TooTall(height));
    }
    let across = u32::try_from(brush.dots).expect("64 columns of 48 dots");
    let down = u32::try_from(height).expect("at most DOTS_TALL_MAX");
    let mut png = Vec::new();
    let mut encoder = Encoder::new(&mut png, across, down);
    encoder.set_color(ColorType::Grayscale);
    encoder.set_depth(BitDepth::Four);
    encoder.set_compression(Compression::Balanced);
    // Two dots share an octet, so that no filter finds a likeness: rows repeat, which deflate sees itself.
    encoder.set_filter(Filter::NoFilter);
    let mut writer = encoder.write_header().expect("memory takes a header");
    let mut rows = writer
        .stream_writer_with_size(CHUNK_OCTETS)
        .expect("memory takes rows");
    let mut write = |rows_of_ink: &[u8]| {
        rows.write_all(rows_of_ink)
            .expect("memory takes rows of the size that the header says");
    };
    write(&brush.blank(margin));
    for one in &printed {
        match (one, &code, module) {
            (Printed::Text(line), ..) => write(&brush.line(line)),
            (Printed::Code, Some(code), Some(module)) => write(&brush.code(code, module)),
            (Printed::Code, ..) => {}
        }
    }
    write(&brush.blank(margin));
    rows.finish().expect("all rows were written");
    writer.finish().expect("memory takes an end");
    Ok(png)
}

/// What draws lines: a font, and the characters that it has drawn already. What is drawn is octets of two dots.
struct Brush {
    font: FontRef<'static>,
    /// Dots of a row, an even number.
    dots: usize,
    cell: (usize, usize),
    /// How far a strong character is drawn a second time to the right, as receipt printers do.
    strong_dots: usize,
    drawn: HashMap<(char, bool), Vec<u8>>,
}

impl Brush {
    fn new(width: Width, scale: Scale) -> Self {
        let cell = (CELL_DOTS.0 * scale.get(), CELL_DOTS.1 * scale.get());
        Self {
            font: font::font(),
            dots: width.get() * cell.0,
            cell,
            strong_dots: scale.get(),
            drawn: HashMap::new(),
        }
    }

    fn blank(&self, rows: usize) -> Vec<u8> {
        vec![WHITE; rows * self.dots / 2]
    }

    fn line(&mut self, line: &Line) -> Vec<u8> {
        let (octets_across, octets_of_cell) = (self.dots / 2, self.cell.0 / 2);
        let mut rows = self.blank(self.cell.1);
        for (column, character) in line.text.chars().enumerate() {
            if character == ' ' {
                continue;
            }
            let cell = self.character(character, line.is_strong);
            for (row, octets) in cell.chunks_exact(octets_of_cell).enumerate() {
                let start = row * octets_across + column * octets_of_cell;
                rows[start..start + octets_of_cell].copy_from_slice(octets);
            }
        }
        rows
    }

    fn character(&mut self, character: char, is_strong: bool) -> &[u8] {
        let (font, (across, down)) = (&self.font, self.cell);
        let again = if is_strong { self.strong_dots } else { 0 };
        self.drawn.entry((character, is_strong)).or_insert_with(|| {
            let thin = font::cell(font, character, across, down);
            let mut cell = thin.clone();
            for row in 0..down {
                for x in again..across {
                    let left = thin[row * across + x - again];
                    let dot = &mut cell[row * across + x];
                    *dot = dot.max(left);
                }
            }
            shades(&cell)
        })
    }

    /// As large as fits, and no larger than it must be.
    fn module_dots(&self, code: &Code, scale: Scale) -> usize {
        (self.dots / code.modules()).clamp(1, MODULE_DOTS_MAX * scale.get())
    }

    /// In the middle.
    fn code(&self, code: &Code, module: usize) -> Vec<u8> {
        let left = (self.dots - code.modules() * module) / 2;
        let mut rows = Vec::with_capacity(code.modules() * module * self.dots / 2);
        for modules in code.rows() {
            let mut ink = vec![0.0; self.dots];
            for (at, is_dark) in modules.iter().enumerate() {
                let start = left + at * module;
                ink[start..start + module].fill(if *is_dark { 1.0 } else { 0.0 });
            }
            let row = shades(&ink);
            (0..module).for_each(|_| rows.extend_from_slice(&row));
        }
        rows
    }
}

/// Ink as shades of four bits, two to an octet, white is 15.
fn shades(ink: &[f32]) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 15")]
    let shade = |ink: f32| ((1.0 - ink) * LIGHTEST).round() as u8;
    ink.chunks_exact(2)
        .map(|two| shade(two[0]) << 4 | shade(two[1]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_one_to_four() {
        for scale in [0, 5, 257] {
            assert_eq!(Scale::new(scale), Err(Error::Scale(scale)));
        }
        assert_eq!(Scale::new(1), Ok(Scale::ONE));
        assert_eq!(Scale::new(4).map(Scale::get), Ok(4));
    }

    #[test]
    fn ink_is_dark_and_paper_is_white() {
        assert_eq!(shades(&[0.0, 1.0, 0.5, 0.0]), [0xf0, 0x8f]);
    }
}
