//! A reader that never copies and never recurses: how deep it goes is decided by the structure that is read.

use super::{Error, tag};

/// One element: tag, content, and the whole encoding as it was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// The identifier octet.
    pub tag: u8,
    /// The content octets.
    pub content: &'a [u8],
    /// Identifier, length and content octets.
    pub raw: &'a [u8],
}

impl<'a> Element<'a> {
    /// A reader of the elements inside.
    pub fn reader(&self) -> Reader<'a> {
        Reader::new(self.content)
    }

    /// The content as an unsigned number below 2^64.
    ///
    /// # Errors
    /// [`Error::Value`] for an empty, negative or longer number.
    pub fn to_u64(&self) -> Result<u64, Error> {
        let octets = self.unsigned()?;
        if octets.len() > 8 {
            return Err(Error::Value);
        }
        Ok(octets
            .iter()
            .fold(0, |value, octet| (value << 8) | u64::from(*octet)))
    }

    /// The octets of a number that is not negative, most significant first, without leading zeros.
    ///
    /// # Errors
    /// [`Error::Value`] for an empty or negative number.
    pub fn unsigned(&self) -> Result<&'a [u8], Error> {
        match self.content.first() {
            None => Err(Error::Value),
            Some(first) if first & 0x80 != 0 => Err(Error::Value),
            Some(_) => {
                let zeros = self.content.iter().take_while(|octet| **octet == 0).count();
                Ok(&self.content[zeros..])
            }
        }
    }
}

/// Reads elements one after the other.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of these octets.
    pub fn new(data: &'a [u8]) -> Self {
        Self { rest: data }
    }

    /// Reads the only element of some data.
    ///
    /// # Errors
    /// As [`Reader::expect`] and [`Reader::finish`].
    pub fn single(data: &'a [u8], tag: u8) -> Result<Element<'a>, Error> {
        let mut reader = Self::new(data);
        let element = reader.expect(tag)?;
        reader.finish()?;
        Ok(element)
    }

    /// Whether nothing is left.
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element's tag.
    pub fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Reads the next element. Lengths need not be of the shortest form: real encoders differ, and what is signed
    /// is signed as received.
    ///
    /// # Errors
    /// [`Error::Truncated`], [`Error::Form`].
    pub fn read(&mut self) -> Result<Element<'a>, Error> {
        let data = self.rest;
        let [tag, first, ..] = *data else {
            return Err(Error::Truncated);
        };
        if tag & 0x1F == 0x1F {
            return Err(Error::Form);
        }
        let (length, header) = match first {
            0..=0x7F => (usize::from(first), 2),
            0x81..=0x84 => {
                let count = usize::from(first & 0x7F);
                let octets = data.get(2..2 + count).ok_or(Error::Truncated)?;
                let length = octets
                    .iter()
                    .fold(0u32, |length, octet| (length << 8) | u32::from(*octet));
                (usize::try_from(length).map_err(|_| Error::Form)?, 2 + count)
            }
            _ => return Err(Error::Form),
        };
        let end = header.checked_add(length).ok_or(Error::Truncated)?;
        let raw = data.get(..end).ok_or(Error::Truncated)?;
        self.rest = &data[end..];
        Ok(Element {
            tag,
            content: &raw[header..],
            raw,
        })
    }

    /// Reads the next element, which must have this tag.
    ///
    /// # Errors
    /// As [`Reader::read`], and [`Error::Tag`].
    pub fn expect(&mut self, tag: u8) -> Result<Element<'a>, Error> {
        let element = self.clone().read()?;
        if element.tag != tag {
            return Err(Error::Tag {
                expected: tag,
                found: element.tag,
            });
        }
        self.read()
    }

    /// Reads the next element if it has this tag.
    ///
    /// # Errors
    /// As [`Reader::read`].
    pub fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Error> {
        if self.peek() == Some(tag) {
            self.read().map(Some)
        } else {
            Ok(None)
        }
    }

    /// A reader of the next element's content, which must be a SEQUENCE.
    ///
    /// # Errors
    /// As [`Reader::expect`].
    pub fn sequence(&mut self) -> Result<Reader<'a>, Error> {
        Ok(self.expect(tag::SEQUENCE)?.reader())
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// [`Error::Trailing`].
    pub fn finish(&self) -> Result<(), Error> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(Error::Trailing)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::time;
    use super::*;

    #[test]
    fn malformed_elements_are_refused_with_their_reason() {
        let cases: [(&[u8], Error); 8] = [
            (&[], Error::Truncated),
            (&[0x30], Error::Truncated),
            (&[0x30, 0x01], Error::Truncated),
            (&[0x30, 0x82, 0x01], Error::Truncated),
            (&[0x30, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], Error::Truncated),
            (&[0x30, 0x80, 0, 0], Error::Form),
            (&[0x30, 0x85, 0, 0, 0, 0, 0], Error::Form),
            (&[0x3F, 0x01, 0x00], Error::Form),
        ];
        for (octets, expected) in cases {
            assert_eq!(Reader::new(octets).read(), Err(expected), "{octets:02x?}");
        }
    }

    #[test]
    fn an_unexpected_tag_is_named_and_nothing_is_consumed() {
        let mut reader = Reader::new(&[0x04, 0x01, 0xAA]);
        assert_eq!(
            reader.expect(0x02),
            Err(Error::Tag {
                expected: 0x02,
                found: 0x04
            })
        );
        assert_eq!(reader.optional(0x02), Ok(None));
        assert_eq!(reader.finish(), Err(Error::Trailing));
        assert_eq!(
            reader.expect(0x04).map(|element| element.content),
            Ok(&[0xAA][..])
        );
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn lengths_of_the_long_form_are_read_even_if_short() {
        for octets in [
            &[0x04, 0x01, 7][..],
            &[0x04, 0x81, 1, 7],
            &[0x04, 0x84, 0, 0, 0, 1, 7],
        ] {
            let element = Reader::single(octets, 0x04).expect("an octet string");
            assert_eq!((element.content, element.raw), (&[7][..], octets));
        }
    }

    #[test]
    fn numbers_are_not_negative_and_at_most_64_bits() {
        let number = |content| {
            Element {
                tag: 2,
                content,
                raw: content,
            }
            .to_u64()
        };
        assert_eq!(number(&[0]), Ok(0));
        assert_eq!(number(&[0, 0xFF]), Ok(255));
        assert_eq!(
            number(&[0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]),
            Ok(u64::MAX)
        );
        for content in [&[][..], &[0xFF], &[1, 0, 0, 0, 0, 0, 0, 0, 0]] {
            assert_eq!(number(content), Err(Error::Value));
        }
    }

    #[test]
    fn times_are_read_in_both_forms_and_written_in_the_right_one() {
        let read = |tag, text: &str| {
            time::read(&Element {
                tag,
                content: text.as_bytes(),
                raw: &[],
            })
        };
        for (tag, text, expected) in [
            (0x17, "260301120000Z", "2026-03-01 12:00:00 UTC"),
            (0x17, "500101000000Z", "1950-01-01 00:00:00 UTC"),
            (0x18, "20500101000000Z", "2050-01-01 00:00:00 UTC"),
        ] {
            let moment = read(tag, text).expect("a moment");
            assert_eq!(moment.to_string(), expected);
            assert_eq!(time::write(moment)[2..], *text.as_bytes());
        }
        for text in [
            "260230120000Z",
            "260301250000Z",
            "2603011200Z",
            "260301120000",
            "26030112000éZ",
            "",
        ] {
            assert_eq!(read(0x17, text), Err(Error::Value), "{text}");
        }
        assert_eq!(read(0x18, "20260301120000.5Z"), Err(Error::Value));
    }
}
