//! Reading: a cursor over the elements, asked for one after the other in the schema's order.

use super::error::{Error, Fault, Path};
use super::facet::collapse;
use super::write::is_forbidden;
use super::{DOCUMENT_BYTES_MAX, Facet, Fields, ROWS_MAX};
use encoding_rs::WINDOWS_1251;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};
use std::borrow::Cow;

/// The namespace of `noNamespaceSchemaLocation`.
const XSI: &[u8] = b"http://www.w3.org/2001/XMLSchema-instance";

/// How strictly the declaration is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// XML 1.0 in windows-1251, declared so.
    Strict,
    /// What the server may answer with: no declaration is taken for windows-1251, and UTF-8 is read when
    /// declared.
    Tolerant,
}

/// The document as text.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::Declaration`].
pub(crate) fn decode(document: &[u8], dialect: Dialect) -> Result<Cow<'_, str>, Error> {
    if document.len() > DOCUMENT_BYTES_MAX {
        return Err(Error::TooLarge {
            bytes: document.len(),
        });
    }
    // Windows-1251 is ASCII in its lower half, which is all that a declaration holds.
    let text = WINDOWS_1251.decode_without_bom_handling(document).0;
    let declaration = match Reader::from_str(&text).read_event() {
        Ok(Event::Decl(declaration)) => declaration,
        _ if dialect == Dialect::Tolerant => return Ok(text),
        _ => return Err(Error::Declaration),
    };
    if !matches!(declaration.version().as_deref(), Ok(b"1.0")) {
        return Err(Error::Declaration);
    }
    match declaration.encoding() {
        Some(Ok(name)) if name.eq_ignore_ascii_case(b"windows-1251") => {}
        Some(Ok(name)) if dialect == Dialect::Tolerant && name.eq_ignore_ascii_case(b"utf-8") => {
            return std::str::from_utf8(document)
                .map(Cow::Borrowed)
                .map_err(|_| Error::Declaration);
        }
        None if dialect == Dialect::Tolerant => {}
        _ => return Err(Error::Declaration),
    }
    drop(declaration);
    Ok(text)
}

enum Tag<'a> {
    Open(BytesStart<'a>),
    Close,
    End,
}

/// Where we are in a document.
pub(crate) struct Cursor<'a> {
    reader: Reader<&'a [u8]>,
    peeked: Option<Tag<'a>>,
    path: Path,
}

impl<'a> Cursor<'a> {
    /// Enters the root, and tells which it is.
    pub(crate) fn enter_root<R: Copy>(
        text: &'a str,
        roots: &[(&'static str, R)],
    ) -> Result<(Self, R), Error> {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.expand_empty_elements = true;
        config.check_comments = true;
        let mut cursor = Self {
            reader,
            peeked: None,
            path: Path::default(),
        };
        cursor.pass_declaration()?;
        let Tag::Open(start) = cursor.take()? else {
            return Err(Error::Root { found: String::new() });
        };
        let name = start.name();
        let Some((_, root)) = roots.iter().find(|(root, _)| root.as_bytes() == name.as_ref()) else {
            return Err(Error::Root {
                found: short(name.as_ref()),
            });
        };
        check_root_attributes(&start).map_err(|fault| cursor.path.error(fault))?;
        Ok((cursor, *root))
    }

    /// Leaves the root: nothing may follow it but comments.
    pub(crate) fn leave_root(&mut self) -> Result<(), Error> {
        self.expect_close()?;
        match self.take()? {
            Tag::End => Ok(()),
            Tag::Open(_) | Tag::Close => Err(self.forbidden("more than one root")),
        }
    }

    /// The error of a child of where we are.
    pub(crate) fn error_in(&self, element: &'static str, fault: Fault) -> Error {
        self.path.error_in(element, fault)
    }

    /// The error of an element of a section that was read.
    pub(crate) fn error_at(&mut self, section: &'static str, element: &'static str, fault: Fault) -> Error {
        self.path.error_at(section, element, fault)
    }

    pub(crate) fn leaf<F: Facet>(&mut self, element: &'static str) -> Result<F::Value, Error> {
        match self.optional::<F>(element)? {
            Some(value) => Ok(value),
            None => Err(self.missing(element)),
        }
    }

    pub(crate) fn optional<F: Facet>(&mut self, element: &'static str) -> Result<Option<F::Value>, Error> {
        if !self.enter(element)? {
            return Ok(None);
        }
        let text = self.text()?;
        let value = F::read(&text).map_err(|fault| self.path.error(fault))?;
        self.path.pop();
        Ok(Some(value))
    }

    pub(crate) fn section<T: Fields>(&mut self, element: &'static str) -> Result<T, Error> {
        match self.optional_section(element)? {
            Some(section) => Ok(section),
            None => Err(self.missing(element)),
        }
    }

    pub(crate) fn optional_section<T: Fields>(&mut self, element: &'static str) -> Result<Option<T>, Error> {
        if !self.enter(element)? {
            return Ok(None);
        }
        let section = T::read(self)?;
        self.expect_close()?;
        self.path.pop();
        Ok(Some(section))
    }

    pub(crate) fn rows<T: Fields>(&mut self, element: &'static str) -> Result<Vec<T>, Error> {
        if !self.enter(element)? {
            return Ok(Vec::new());
        }
        let mut rows = Vec::new();
        while let Some(start) = self.take_open("ROW")? {
            let number = rows.len() + 1;
            if number > ROWS_MAX {
                return Err(self.path.error(Fault::TooManyRows));
            }
            self.path.push_row(number);
            self.check_row_number(&start, element, number)?;
            rows.push(T::read(self)?);
            self.expect_close()?;
            self.path.pop();
        }
        if rows.is_empty() {
            // The schema knows no table without rows since 2025.
            return Err(self.missing("ROW"));
        }
        self.expect_close()?;
        self.path.pop();
        Ok(rows)
    }

    pub(crate) fn table<T: Fields>(&mut self, element: &'static str) -> Result<Vec<T>, Error> {
        let rows = self.rows(element)?;
        if rows.is_empty() {
            Err(self.missing(element))
        } else {
            Ok(rows)
        }
    }

    /// `ROWNUM` and nothing else. Rows of goods count from one, because a discount names one by its number;
    /// elsewhere the number says nothing that the row's place does not, and an official sample repeats one.
    fn check_row_number(&self, start: &BytesStart<'_>, table: &str, number: usize) -> Result<(), Error> {
        let wrong = |reason| self.path.error(Fault::Attributes(reason));
        let mut found = false;
        for attribute in start.attributes() {
            let attribute = attribute.map_err(|_| wrong("not well-formed"))?;
            if attribute.key.as_ref() != b"ROWNUM" {
                return Err(wrong("only ROWNUM is known here"));
            }
            let text = std::str::from_utf8(&attribute.value).map_err(|_| wrong("ROWNUM is no number"))?;
            match collapse(text).parse::<usize>() {
                Ok(written) if written != number && table == "CHECKBODY" => {
                    return Err(wrong("ROWNUM does not count from one"));
                }
                Ok(1..=ROWS_MAX) => {}
                _ => return Err(wrong("ROWNUM is no number from 1 to 999999")),
            }
            found = true;
        }
        if found {
            Ok(())
        } else {
            Err(wrong("ROWNUM is missing"))
        }
    }

    /// Enters an element without attributes if it is the next.
    fn enter(&mut self, element: &'static str) -> Result<bool, Error> {
        let Some(start) = self.take_open(element)? else {
            return Ok(false);
        };
        self.path.push(element);
        if start.attributes().next().is_some() {
            return Err(self.path.error(Fault::Attributes("none is known here")));
        }
        Ok(true)
    }

    /// What was asked for is not there: either nothing is, or something that has no place.
    fn missing(&mut self, element: &'static str) -> Error {
        self.error_in(element, Fault::Missing)
    }

    fn take_open(&mut self, element: &'static str) -> Result<Option<BytesStart<'a>>, Error> {
        match self.take()? {
            Tag::Open(start) if start.name().as_ref() == element.as_bytes() => Ok(Some(start)),
            other => {
                self.peeked = Some(other);
                Ok(None)
            }
        }
    }

    fn expect_close(&mut self) -> Result<(), Error> {
        match self.take()? {
            Tag::Close => Ok(()),
            Tag::Open(start) => Err(self.path.error(Fault::Unexpected {
                found: short(start.name().as_ref()),
            })),
            Tag::End => Err(self.malformed("it ends inside an element")),
        }
    }

    /// The next tag, past comments and blanks.
    fn take(&mut self) -> Result<Tag<'a>, Error> {
        if let Some(tag) = self.peeked.take() {
            return Ok(tag);
        }
        loop {
            match self.event()? {
                Event::Start(start) => return Ok(Tag::Open(start)),
                Event::End(_) => return Ok(Tag::Close),
                Event::Eof => return Ok(Tag::End),
                Event::Comment(_) => {}
                Event::Text(text) if text.iter().all(is_blank) => {}
                Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) => {
                    return Err(self.path.error(Fault::Text));
                }
                Event::DocType(_) => return Err(self.forbidden("a DTD")),
                Event::PI(_) => return Err(self.forbidden("a processing instruction")),
                Event::Decl(_) => return Err(self.forbidden("a declaration out of its place")),
                Event::Empty(_) => unreachable!("the reader was told to expand empty elements"),
            }
        }
    }

    /// The text of the element that we are in, which is left.
    fn text(&mut self) -> Result<String, Error> {
        let mut text = String::new();
        loop {
            match self.event()? {
                Event::Text(part) => {
                    let part = part
                        .xml10_content()
                        .map_err(|error| self.malformed(&error.to_string()))?;
                    if part.contains("]]>") {
                        return Err(self.malformed("]]> stands in a text"));
                    }
                    text.push_str(&part);
                }
                Event::CData(part) => {
                    let part = part
                        .xml10_content()
                        .map_err(|error| self.malformed(&error.to_string()))?;
                    text.push_str(&part);
                }
                Event::GeneralRef(reference) => text.push(self.resolve(&reference)?),
                Event::Comment(_) => {}
                Event::End(_) => break,
                Event::Eof => return Err(self.malformed("it ends inside an element")),
                Event::Start(start) => {
                    return Err(self.path.error(Fault::Unexpected {
                        found: short(start.name().as_ref()),
                    }));
                }
                Event::DocType(_) | Event::PI(_) | Event::Decl(_) | Event::Empty(_) => {
                    return Err(self.forbidden("a DTD or a processing instruction"));
                }
            }
        }
        match text.chars().find(|&character| is_forbidden(character)) {
            Some(character) => Err(self.path.error(Fault::Character { character })),
            None => Ok(text),
        }
    }

    /// One of the five entities, or a character by its number that windows-1251 carries.
    fn resolve(&self, reference: &BytesRef<'_>) -> Result<char, Error> {
        match &**reference {
            b"amp" => return Ok('&'),
            b"lt" => return Ok('<'),
            b"gt" => return Ok('>'),
            b"quot" => return Ok('"'),
            b"apos" => return Ok('\''),
            _ => {}
        }
        match reference.resolve_char_ref() {
            Ok(Some(character)) => match WINDOWS_1251.encode(character.encode_utf8(&mut [0; 4])) {
                (_, _, false) => Ok(character),
                (_, _, true) => Err(self.path.error(Fault::Character { character })),
            },
            Ok(None) => Err(self.forbidden("an entity that is none of the five")),
            Err(error) => Err(self.malformed(&error.to_string())),
        }
    }

    /// Passes the declaration, which can only be the very first event; what else that is stays to be taken.
    fn pass_declaration(&mut self) -> Result<(), Error> {
        match self.event()? {
            Event::Decl(_) | Event::Comment(_) => {}
            Event::Start(start) => self.peeked = Some(Tag::Open(start)),
            Event::Text(text) if text.iter().all(is_blank) => {}
            _ => return Err(self.forbidden("something before its root")),
        }
        Ok(())
    }

    fn event(&mut self) -> Result<Event<'a>, Error> {
        let event = self.reader.read_event().map_err(|error| Error::Malformed {
            at: self.reader.error_position(),
            reason: error.to_string(),
        })?;
        match &event {
            Event::Comment(comment) if !is_carried(comment) => {
                Err(self.malformed("a comment holds a control character"))
            }
            _ => Ok(event),
        }
    }

    fn malformed(&self, reason: &str) -> Error {
        Error::Malformed {
            at: self.reader.buffer_position(),
            reason: reason.to_owned(),
        }
    }

    fn forbidden(&self, what: &'static str) -> Error {
        Error::Forbidden {
            at: self.reader.buffer_position(),
            what,
        }
    }
}

/// A root says which schema it follows, and nothing else.
fn check_root_attributes(start: &BytesStart<'_>) -> Result<(), Fault> {
    let (mut declares_xsi, mut uses_xsi) = (false, false);
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| Fault::Attributes("not well-formed"))?;
        if attribute.value.iter().any(|byte| matches!(byte, b'<' | b'&')) || !is_carried(&attribute.value) {
            return Err(Fault::Attributes("not well-formed"));
        }
        match attribute.key.as_ref() {
            b"xmlns:xsi" if *attribute.value == *XSI => declares_xsi = true,
            b"xmlns:xsd" if *attribute.value == *b"http://www.w3.org/2001/XMLSchema" => {}
            b"xsi:noNamespaceSchemaLocation" | b"xsi:schemaLocation" => uses_xsi = true,
            _ => return Err(Fault::Attributes("only the schema's place is known here")),
        }
    }
    if uses_xsi && !declares_xsi {
        Err(Fault::Attributes("xsi is not declared"))
    } else {
        Ok(())
    }
}

/// Whether a text of the reader holds only characters that may stand in a document.
fn is_carried(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| !text.chars().any(is_forbidden))
}

/// What XML calls white space; a form feed is none.
const fn is_blank(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

/// A name out of a document, short enough to be shown.
fn short(name: &[u8]) -> String {
    String::from_utf8_lossy(name).chars().take(64).collect()
}
