//! Writing: bytes of windows-1251 as they come, and the path of where we are for whoever is at fault.

use super::error::{Error, Fault, Path};
use super::{DOCUMENT_BYTES_MAX, Facet, Fields, ROWS_MAX};
use encoding_rs::{Encoder, EncoderResult, WINDOWS_1251};

/// A document being written.
pub(crate) struct Writer {
    out: Vec<u8>,
    encoder: Encoder,
    path: Path,
}

impl Writer {
    /// Begins a document: declaration and root, with the schema that the official samples name.
    pub(crate) fn new(root: &'static str, schema: &'static str) -> Self {
        let head = format!(
            "<?xml version=\"1.0\" encoding=\"windows-1251\"?>\
             <{root} xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:noNamespaceSchemaLocation=\"{schema}\">"
        );
        // Most documents take a few kilobytes.
        let mut out = Vec::with_capacity(4096);
        out.extend_from_slice(head.as_bytes());
        Self {
            out,
            encoder: WINDOWS_1251.new_encoder(),
            path: Path::default(),
        }
    }

    /// Ends the document.
    pub(crate) fn finish(mut self, root: &'static str) -> Result<Vec<u8>, Error> {
        self.close(root);
        match self.out.len() {
            ..=DOCUMENT_BYTES_MAX => Ok(self.out),
            bytes => Err(Error::TooLarge { bytes }),
        }
    }

    /// The error of a child of where we are.
    pub(crate) fn error_in(&self, element: &'static str, fault: Fault) -> Error {
        self.path.error_in(element, fault)
    }

    /// The error of an element of a section that is not yet written.
    pub(crate) fn error_at(&mut self, section: &'static str, element: &'static str, fault: Fault) -> Error {
        self.path.error_at(section, element, fault)
    }

    pub(crate) fn leaf<F: Facet>(&mut self, element: &'static str, value: &F::Value) -> Result<(), Error> {
        let text = F::write(value).map_err(|fault| self.error_in(element, fault))?;
        self.open(element);
        self.text(&text).map_err(|fault| self.error_in(element, fault))?;
        self.close(element);
        Ok(())
    }

    pub(crate) fn section<T: Fields>(&mut self, element: &'static str, section: &T) -> Result<(), Error> {
        self.open(element);
        self.path.push(element);
        section.write(self)?;
        self.path.pop();
        self.close(element);
        Ok(())
    }

    /// A table that must be there.
    pub(crate) fn table<T: Fields>(&mut self, element: &'static str, rows: &[T]) -> Result<(), Error> {
        if rows.is_empty() {
            return Err(self.error_in(element, Fault::Missing));
        }
        self.rows(element, rows)
    }

    /// A table. The schema knows none without rows, so that an empty one is left out.
    pub(crate) fn rows<T: Fields>(&mut self, element: &'static str, rows: &[T]) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        if rows.len() > ROWS_MAX {
            return Err(self.error_in(element, Fault::TooManyRows));
        }
        self.open(element);
        self.path.push(element);
        for (place, row) in rows.iter().enumerate() {
            self.out
                .extend_from_slice(format!("<ROW ROWNUM=\"{}\">", place + 1).as_bytes());
            self.path.push_row(place + 1);
            row.write(self)?;
            self.path.pop();
            self.close("ROW");
        }
        self.path.pop();
        self.close(element);
        Ok(())
    }

    fn open(&mut self, element: &'static str) {
        self.out.push(b'<');
        self.out.extend_from_slice(element.as_bytes());
        self.out.push(b'>');
    }

    fn close(&mut self, element: &'static str) {
        self.out.extend_from_slice(b"</");
        self.out.extend_from_slice(element.as_bytes());
        self.out.push(b'>');
    }

    /// Escapes the five, and a carriage return, which a reader would otherwise take for a line feed.
    fn text(&mut self, text: &str) -> Result<(), Fault> {
        let mut rest = text;
        while let Some(at) = rest.find(['&', '<', '>', '"', '\'', '\r']) {
            self.plain(&rest[..at])?;
            let (escape, next) = match rest.as_bytes()[at] {
                b'&' => ("&amp;", at + 1),
                b'<' => ("&lt;", at + 1),
                b'>' => ("&gt;", at + 1),
                b'"' => ("&quot;", at + 1),
                b'\'' => ("&apos;", at + 1),
                _ => ("&#13;", at + 1),
            };
            self.out.extend_from_slice(escape.as_bytes());
            rest = &rest[next..];
        }
        self.plain(rest)
    }

    fn plain(&mut self, text: &str) -> Result<(), Fault> {
        if let Some(character) = text.chars().find(|&character| is_forbidden(character)) {
            return Err(Fault::Character { character });
        }
        // Every character of windows-1251 is one byte, and two or three in UTF-8 unless it is ASCII.
        self.out.reserve(text.len());
        match self
            .encoder
            .encode_from_utf8_to_vec_without_replacement(text, &mut self.out, false)
        {
            (EncoderResult::InputEmpty, _) => Ok(()),
            (EncoderResult::Unmappable(character), _) => Err(Fault::Character { character }),
            (EncoderResult::OutputFull, _) => {
                unreachable!("a byte of output was reserved for each byte of input")
            }
        }
    }
}

/// Control characters that XML does not allow, and those above ASCII: WHATWG's windows-1251 carries U+0098,
/// other tables do not.
pub(super) fn is_forbidden(character: char) -> bool {
    character.is_control() && !matches!(character, '\t' | '\n' | '\r')
}
