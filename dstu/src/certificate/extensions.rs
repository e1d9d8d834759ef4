//! The extensions that signing needs to know.

use super::name::text;
use crate::der::oid::{self, Oid};
use crate::der::{Error, Reader, tag};

/// Extensions of one certificate; real ones have about fifteen.
const EXTENSIONS_MAX: usize = 64;

/// What a key may be used for (RFC 5280, section 4.2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyUsage(u8);

impl KeyUsage {
    /// Bits from digitalSignature (0x80) down to encipherOnly (0x01), as the first octet of the BIT STRING.
    pub fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// May sign data: digitalSignature or nonRepudiation.
    pub fn signs(self) -> bool {
        self.0 & 0xC0 != 0
    }

    /// May agree keys; such keys stand beside the signing ones in containers.
    pub fn agrees_keys(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// May sign certificates.
    pub fn signs_certificates(self) -> bool {
        self.0 & 0x04 != 0
    }

    #[cfg(feature = "issuer")]
    pub(crate) fn bits(self) -> u8 {
        self.0
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Extensions {
    pub(super) subject_key_id: Option<Vec<u8>>,
    pub(super) authority_key_id: Option<Vec<u8>>,
    pub(super) key_usage: Option<KeyUsage>,
    pub(super) is_authority: bool,
    pub(super) taxpayer_number: Option<String>,
    pub(super) company_code: Option<String>,
}

impl Extensions {
    /// Reads the content of the SEQUENCE OF Extension; a repeated extension is refused.
    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, Error> {
        let mut extensions = Self::default();
        let mut seen: Vec<&[u8]> = Vec::new();
        while !reader.is_empty() {
            let mut extension = reader.sequence()?;
            let kind = extension.expect(tag::OBJECT_IDENTIFIER)?.content;
            extension.optional(tag::BOOLEAN)?;
            let value = extension.expect(tag::OCTET_STRING)?.content;
            if seen.contains(&kind) || seen.len() >= EXTENSIONS_MAX {
                return Err(Error::Value);
            }
            seen.push(kind);
            extensions.take(Oid(kind), value)?;
        }
        Ok(extensions)
    }

    fn take(&mut self, kind: Oid<'_>, value: &[u8]) -> Result<(), Error> {
        match kind {
            oid::SUBJECT_KEY_ID => {
                self.subject_key_id = Some(Reader::single(value, tag::OCTET_STRING)?.content.to_vec());
            }
            oid::AUTHORITY_KEY_ID => {
                let mut reader = Reader::new(value).sequence()?;
                self.authority_key_id = reader.optional(tag::context(0))?.map(|id| id.content.to_vec());
            }
            oid::KEY_USAGE => {
                let bits = Reader::single(value, tag::BIT_STRING)?.content;
                self.key_usage = Some(KeyUsage(bits.get(1).copied().unwrap_or(0)));
            }
            oid::BASIC_CONSTRAINTS => {
                let flag = Reader::new(value).sequence()?.optional(tag::BOOLEAN)?;
                self.is_authority = flag.is_some_and(|flag| flag.content.iter().any(|octet| *octet != 0));
            }
            oid::SUBJECT_DIRECTORY_ATTRIBUTES => self.take_directory_attributes(value)?,
            _ => {}
        }
        Ok(())
    }

    fn take_directory_attributes(&mut self, value: &[u8]) -> Result<(), Error> {
        let mut attributes = Reader::new(value).sequence()?;
        while !attributes.is_empty() {
            let mut attribute = attributes.sequence()?;
            let kind = attribute.expect(tag::OBJECT_IDENTIFIER)?.content;
            let mut values = attribute.expect(tag::SET)?.reader();
            if values.is_empty() {
                continue;
            }
            let text = text(&values.read()?)?;
            match Oid(kind) {
                oid::DRFO => self.taxpayer_number = Some(text),
                oid::EDRPOU => self.company_code = Some(text),
                _ => {}
            }
        }
        Ok(())
    }
}
