//! A receipt as a PDF on a roll of paper, its text as text.

use super::code::Code;
use super::font::{FILE, font};
use super::lines::{Line, Printed, printed};
use super::sheet::Sheet;
use super::width::Width;
use ab_glyph::Font;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use pdf_writer::types::{
    ActionType, AnnotationType, CidFontType, FontFlags, SystemInfo, TextRenderingMode, UnicodeCmap,
};
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Str, TextStr};
use std::collections::BTreeMap;
use std::io::Write;
use subsetter::GlyphRemapper;

const POINTS_A_MM: f32 = 72.0 / 25.4;
/// Up to so many columns, 58 mm paper with 48 mm of print; above, 80 mm with 72.
const COLUMNS_OF_58_MM: usize = 36;
/// Above the first line and below the last.
const MARGIN: f32 = 4.0 * POINTS_A_MM;
/// A line is as high as two characters are wide, as in receipt printers' ordinary font.
const LINE_A_CHARACTER: f32 = 2.0;
/// As the picture's five dots of 203 to the inch.
const MODULE_MAX: f32 = 5.0 * 72.0 / 203.0;
/// The tallest page that readers show (14,400 in ISO 32000, annex C), with room for the margins.
const PAGE_MAX: f32 = 14_000.0;
/// How much thicker strong text is drawn, of its size.
const STRONG: f32 = 0.035;

const FONT: Name<'static> = Name(b"F");
/// The prefix tells that it is a subset; one document has one.
const FONT_NAME: Name<'static> = Name(b"AAAAAA+DejaVuSansMono");
const IDENTITY: SystemInfo<'static> = SystemInfo {
    registry: Str(b"Adobe"),
    ordering: Str(b"Identity"),
    supplement: 0,
};

pub(super) fn document(sheet: &Sheet, width: Width) -> Vec<u8> {
    let printed = printed(sheet, width);
    let code = sheet.link.as_deref().map(Code::of);
    let roll = Roll::new(width, code.as_ref());
    let glyphs = Glyphs::of(&printed);
    let mut ids = (1..).map(Ref::new);
    let mut next = || ids.next().expect("there are more numbers than pages");
    let (catalog, tree, info, font) = (next(), next(), next(), next());
    let mut pdf = Pdf::new();
    let pages = roll.pages(&printed);
    let mut page_ids = Vec::with_capacity(pages.len());
    for lines in pages {
        let drawn = roll.draw(lines, &glyphs, code.as_ref());
        let (page_id, content_id) = (next(), next());
        page_ids.push(page_id);
        let links: Vec<Ref> = drawn.links.iter().map(|_| next()).collect();
        let mut page = pdf.page(page_id);
        page.media_box(Rect::new(0.0, 0.0, roll.paper, drawn.height));
        page.parent(tree).contents(content_id);
        if !links.is_empty() {
            page.annotations(links.iter().copied());
        }
        page.resources().fonts().pair(FONT, font);
        page.finish();
        pdf.stream(content_id, &deflated(&drawn.content))
            .filter(Filter::FlateDecode);
        for (id, place) in links.into_iter().zip(drawn.links) {
            let mut link = pdf.annotation(id);
            link.subtype(AnnotationType::Link)
                .rect(place)
                .border(0.0, 0.0, 0.0, None);
            let uri = sheet.link.as_deref().unwrap_or_default();
            link.action()
                .action_type(ActionType::Uri)
                .uri(Str(uri.as_bytes()));
        }
    }
    let count = i32::try_from(page_ids.len()).expect("a receipt has fewer pages");
    pdf.pages(tree).kids(page_ids).count(count);
    let mut root = pdf.catalog(catalog);
    root.pages(tree).lang(TextStr("uk"));
    root.viewer_preferences().display_doc_title(true);
    root.finish();
    pdf.document_info(info).title(TextStr(&sheet.title));
    glyphs.embed(&mut pdf, font, &mut next);
    pdf.finish()
}

/// The paper, in points.
struct Roll {
    paper: f32,
    left: f32,
    /// A character's width.
    step: f32,
    module: f32,
    code_side: f32,
}

/// A drawn page.
struct Drawn {
    content: Vec<u8>,
    height: f32,
    /// What is to be followed to the tax cabinet.
    links: Vec<Rect>,
}

#[expect(clippy::cast_precision_loss, reason = "columns and modules are few")]
impl Roll {
    fn new(width: Width, code: Option<&Code>) -> Self {
        let (paper, print) = if width.get() <= COLUMNS_OF_58_MM {
            (58.0, 48.0)
        } else {
            (80.0, 72.0)
        };
        let (paper, print) = (paper * POINTS_A_MM, print * POINTS_A_MM);
        let modules = code.map_or(1, Code::modules) as f32;
        let module = (print / modules).min(MODULE_MAX);
        Self {
            paper,
            left: (paper - print) / 2.0,
            step: print / width.get() as f32,
            module,
            code_side: module * modules,
        }
    }

    fn height(&self, printed: &Printed) -> f32 {
        match printed {
            Printed::Text(_) => self.step * LINE_A_CHARACTER,
            Printed::Code => self.code_side,
        }
    }

    /// Lines page by page; one, unless the receipt is metres long.
    fn pages<'a>(&self, printed: &'a [Printed]) -> Vec<&'a [Printed]> {
        let (mut pages, mut start, mut height) = (Vec::new(), 0, 0.0);
        for (at, one) in printed.iter().enumerate() {
            if height + self.height(one) > PAGE_MAX {
                pages.push(&printed[start..at]);
                (start, height) = (at, 0.0);
            }
            height += self.height(one);
        }
        pages.push(&printed[start..]);
        pages
    }

    fn draw(&self, lines: &[Printed], glyphs: &Glyphs, code: Option<&Code>) -> Drawn {
        let height = lines.iter().map(|one| self.height(one)).sum::<f32>() + 2.0 * MARGIN;
        let size = self.step / glyphs.advance;
        let mut content = Content::new();
        content.set_line_width(size * STRONG);
        let mut links = Vec::new();
        let mut top = height - MARGIN;
        for one in lines {
            let bottom = top - self.height(one);
            match one {
                Printed::Text(line) => {
                    self.draw_line(&mut content, line, glyphs, size, (top, bottom));
                    if line.is_link {
                        let right = self.left + self.step * line.text.chars().count() as f32;
                        links.push(Rect::new(self.left, bottom, right, top));
                    }
                }
                Printed::Code => {
                    if let Some(code) = code {
                        let left = (self.paper - self.code_side) / 2.0;
                        self.draw_code(&mut content, code, left, top);
                        links.push(Rect::new(left, bottom, left + self.code_side, top));
                    }
                }
            }
            top = bottom;
        }
        Drawn {
            content: content.finish().into_vec(),
            height,
            links,
        }
    }

    fn draw_line(
        &self,
        content: &mut Content,
        line: &Line,
        glyphs: &Glyphs,
        size: f32,
        (top, bottom): (f32, f32),
    ) {
        let text = line.text.trim_start_matches(' ');
        let blanks = line.text.len() - text.len();
        if text.is_empty() {
            return;
        }
        // What is left above and below the font's height is shared out.
        let baseline = bottom + (top - bottom - size * glyphs.height) / 2.0 + size * glyphs.descent;
        let mode = if line.is_strong {
            TextRenderingMode::FillStroke
        } else {
            TextRenderingMode::Fill
        };
        content.begin_text();
        content.set_font(FONT, size).set_text_rendering_mode(mode);
        content.next_line(self.left + self.step * blanks as f32, baseline);
        content.show(Str(&glyphs.encode(text)));
        content.end_text();
    }

    fn draw_code(&self, content: &mut Content, code: &Code, left: f32, top: f32) {
        for (y, x, length) in code.runs() {
            let (x, y) = (left + self.module * x as f32, top - self.module * (y + 1) as f32);
            content.rect(x, y, self.module * length as f32, self.module);
        }
        content.fill_nonzero();
    }
}

/// The characters of a document, and their places in the embedded font. Measures are parts of the font's size.
struct Glyphs {
    remapper: GlyphRemapper,
    numbers: BTreeMap<char, u16>,
    advance: f32,
    height: f32,
    ascent: f32,
    descent: f32,
}

impl Glyphs {
    fn of(printed: &[Printed]) -> Self {
        let font = font();
        let em = font.units_per_em().expect("the font says its size");
        let mut numbers = BTreeMap::new();
        for one in printed {
            if let Printed::Text(line) = one {
                numbers.extend(line.text.chars().map(|character| (character, 0)));
            }
        }
        let mut remapper = GlyphRemapper::new();
        for (character, number) in &mut numbers {
            *number = remapper.remap(font.glyph_id(*character).0);
        }
        Self {
            remapper,
            numbers,
            advance: font.h_advance_unscaled(font.glyph_id('0')) / em,
            height: font.height_unscaled() / em,
            ascent: font.ascent_unscaled() / em,
            descent: -font.descent_unscaled() / em,
        }
    }

    /// Two octets a character.
    fn encode(&self, text: &str) -> Vec<u8> {
        let numbers = text
            .chars()
            .map(|character| self.numbers.get(&character).copied().unwrap_or(0));
        numbers.flat_map(u16::to_be_bytes).collect()
    }

    /// What of the font is used, and how its glyphs are read back as text.
    fn embed(&self, pdf: &mut Pdf, font: Ref, next: &mut impl FnMut() -> Ref) {
        let (cid, descriptor, unicode, file) = (next(), next(), next(), next());
        pdf.type0_font(font)
            .base_font(FONT_NAME)
            .encoding_predefined(Name(b"Identity-H"))
            .descendant_font(cid)
            .to_unicode(unicode);
        pdf.cid_font(cid)
            .subtype(CidFontType::Type2)
            .base_font(FONT_NAME)
            .system_info(IDENTITY)
            .font_descriptor(descriptor)
            // A whole number: some readers take no other, and a line of 64 characters is off by a three-thousandth of one.
            .default_width((self.advance * 1000.0).round())
            .cid_to_gid_map_predefined(Name(b"Identity"));
        pdf.font_descriptor(descriptor)
            .name(FONT_NAME)
            .flags(FontFlags::FIXED_PITCH | FontFlags::SYMBOLIC)
            .bbox(Rect::new(
                0.0,
                -self.descent * 1000.0,
                self.advance * 1000.0,
                self.ascent * 1000.0,
            ))
            .italic_angle(0.0)
            .ascent(self.ascent * 1000.0)
            .descent(-self.descent * 1000.0)
            .cap_height(729.0)
            .stem_v(84.0)
            .font_file2(file);
        let mut map = UnicodeCmap::new(Name(b"Receipt"), IDENTITY);
        for (character, number) in &self.numbers {
            map.pair(*number, *character);
        }
        pdf.cmap(unicode, &map.finish());
        let subset = subsetter::subset(FILE, 0, &self.remapper);
        let subset = subset.expect("the font is part of the program, and has outlines that subset");
        let length = i32::try_from(subset.len()).expect("a part of 340 KB");
        let compressed = deflated(&subset);
        let mut stream = pdf.stream(file, &compressed);
        stream.filter(Filter::FlateDecode).pair(Name(b"Length1"), length);
    }
}

fn deflated(octets: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(octets).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}
