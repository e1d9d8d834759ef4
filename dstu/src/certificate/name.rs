//! Distinguished names: an ordered list of typed texts.

use crate::der::oid::{self, Oid};
use crate::der::{Element, Error, tag};

/// Attributes of one name; real ones have about fifteen.
const ATTRIBUTES_MAX: usize = 64;

/// A distinguished name, with its encoding as received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    der: Vec<u8>,
    attributes: Vec<(Vec<u8>, String)>,
}

impl Name {
    pub(crate) fn read(element: &Element<'_>) -> Result<Self, Error> {
        let mut attributes = Vec::new();
        let mut relative_names = element.reader();
        while !relative_names.is_empty() {
            let mut pairs = relative_names.expect(tag::SET)?.reader();
            while !pairs.is_empty() {
                let mut pair = pairs.sequence()?;
                let kind = pair.expect(tag::OBJECT_IDENTIFIER)?.content.to_vec();
                attributes.push((kind, text(&pair.read()?)?));
                if attributes.len() > ATTRIBUTES_MAX {
                    return Err(Error::Value);
                }
            }
        }
        Ok(Self {
            der: element.raw.to_vec(),
            attributes,
        })
    }

    /// The encoding as received.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The first value of a kind.
    pub fn get(&self, kind: Oid<'_>) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(found, _)| found == kind.0)
            .map(|(_, value)| value.as_str())
    }

    /// The common name.
    pub fn common_name(&self) -> Option<&str> {
        self.get(oid::COMMON_NAME)
    }

    /// The organisation.
    pub fn organization(&self) -> Option<&str> {
        self.get(oid::ORGANIZATION)
    }

    /// The holder's number in the registry of its authority.
    pub fn serial_number(&self) -> Option<&str> {
        self.get(oid::SERIAL_NUMBER)
    }
}

/// Text of any of the string types that authorities have used.
pub(super) fn text(element: &Element<'_>) -> Result<String, Error> {
    match element.tag {
        tag::UTF8_STRING | tag::PRINTABLE_STRING | tag::IA5_STRING => {
            String::from_utf8(element.content.to_vec()).map_err(|_| Error::Value)
        }
        // Latin-1 is what encoders put there.
        tag::TELETEX_STRING => Ok(element.content.iter().copied().map(char::from).collect()),
        tag::BMP_STRING => {
            let (units, rest) = element.content.as_chunks::<2>();
            if !rest.is_empty() {
                return Err(Error::Value);
            }
            let units: Vec<u16> = units.iter().copied().map(u16::from_be_bytes).collect();
            String::from_utf16(&units).map_err(|_| Error::Value)
        }
        // Another type (a number, a structure): nothing to show, but nothing wrong with the name.
        _ => Ok(String::new()),
    }
}
