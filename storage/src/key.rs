//! Keys: a table's name and typed parts, in bytes whose order is the order of the parts.

use std::{borrow::Borrow, fmt};

use smallvec::SmallVec;

use crate::{Error, Result};

/// 256 bytes: room for a table, a few numbers and a hash. Longer names are hashed by those who make them; a key is copied
/// into every index page above its row.
pub const KEY_MAX: usize = 256;

/// Ends a table's name, so that no table is a prefix of another: `a` never scans into `ab`.
pub(crate) const SEPARATOR: u8 = 0x00;
/// Ends a part of variable length. Inside such a part, 0x00 is written as [`ESCAPED_ZERO`].
const TERMINATOR: [u8; 2] = [0x00, 0x01];
/// Above the terminator, so that a longer part sorts after its own beginning.
const ESCAPED_ZERO: [u8; 2] = [0x00, 0xFF];
/// Moves negative numbers below positive ones when the bytes are compared as unsigned.
const SIGN_BIT: u64 = 1 << 63;

/// 48: the keys of the tables that are written most fit. A longer one lies in a place of its own.
const INLINE_BYTES: usize = 48;

/// Keys lie side by side in a map's nodes, so that a search need not follow a pointer for each that it compares.
type Bytes = SmallVec<[u8; INLINE_BYTES]>;

/// The place of a row: at most [`KEY_MAX`] bytes, ordered as bytes.
///
/// [`KeyBuilder::build`] never fails; a key that came out longer is refused by every operation with
/// [`Error::TooLarge`], before anything is queued.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Bytes);

impl Key {
    /// Begins a key of the table `prefix`: a short constant name without a zero byte.
    ///
    /// # Panics
    /// If the name is empty or holds a zero byte: a programmer's error, found by the first test that touches the table.
    pub fn table(prefix: &'static str) -> KeyBuilder {
        assert!(
            is_table_name(prefix),
            "a table's name is not empty and holds no zero byte"
        );
        let mut bytes = Bytes::new();
        bytes.extend_from_slice(prefix.as_bytes());
        bytes.push(SEPARATOR);
        KeyBuilder { bytes }
    }

    /// The key as it is stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Takes back a key that [`Key::as_bytes`] gave. Refuses more than [`KEY_MAX`] bytes, none at all, and a leading zero,
    /// which no table has (the store keeps its own rows there).
    pub fn from_bytes(bytes: &[u8]) -> Result<Key> {
        match bytes.first() {
            None => {
                return Err(Error::InvalidKey {
                    detail: "it is empty".to_owned(),
                });
            }
            Some(0) => {
                return Err(Error::InvalidKey {
                    detail: "it begins with a zero byte".to_owned(),
                });
            }
            Some(_) => {}
        }
        let key = Key::from_stored(bytes);
        key.check_length()?;
        Ok(key)
    }

    pub(crate) fn check_length(&self) -> Result<()> {
        if self.0.len() > KEY_MAX {
            return Err(Error::TooLarge {
                what: "key",
                size: self.0.len(),
                limit: KEY_MAX,
            });
        }
        Ok(())
    }

    /// For rows that a backend read back from its own tree.
    pub(crate) fn from_stored(bytes: &[u8]) -> Key {
        Key(Bytes::from_slice(bytes))
    }
}

/// Lets maps be searched by the bytes of a key, whose order is the same.
impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

/// Printable ASCII as it is, everything else in hexadecimal.
impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "key `{}`", self.0.escape_ascii())
    }
}

/// Adds the parts of a key, the most significant first. Numbers keep their order and take eight bytes.
#[derive(Debug, Clone)]
pub struct KeyBuilder {
    bytes: Bytes,
}

impl KeyBuilder {
    /// A signed number; -1 sorts before 0.
    #[must_use]
    pub fn i64(self, value: i64) -> KeyBuilder {
        self.u64(value.cast_unsigned() ^ SIGN_BIT)
    }

    /// An unsigned number.
    #[must_use]
    pub fn u64(mut self, value: u64) -> KeyBuilder {
        self.bytes.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// A single byte: a kind, a state.
    #[must_use]
    pub fn u8(mut self, value: u8) -> KeyBuilder {
        self.bytes.push(value);
        self
    }

    /// Text of any length, in the order of its UTF-8 bytes; no text is a prefix of another.
    #[must_use]
    pub fn text(self, value: &str) -> KeyBuilder {
        self.bytes(value.as_bytes())
    }

    /// Bytes of any length, zeros included; no part is a prefix of another.
    #[must_use]
    pub fn bytes(mut self, value: &[u8]) -> KeyBuilder {
        for &byte in value {
            if byte == 0 {
                self.bytes.extend_from_slice(&ESCAPED_ZERO);
            } else {
                self.bytes.push(byte);
            }
        }
        self.bytes.extend_from_slice(&TERMINATOR);
        self
    }

    /// Bytes as they are. Only for parts that always have the same length (a uuid, a hash), or order and prefix freedom are lost.
    #[must_use]
    pub fn raw(mut self, value: &[u8]) -> KeyBuilder {
        self.bytes.extend_from_slice(value);
        self
    }

    /// The key. With no part at all it is the prefix of the whole table, for a [`Scan`](crate::Scan).
    pub fn build(self) -> Key {
        Key(self.bytes)
    }
}

/// Takes the parts of a key back, in the order in which they were added.
#[derive(Debug, Clone)]
pub struct KeyReader<'a> {
    key: &'a Key,
    rest: &'a [u8],
}

impl<'a> KeyReader<'a> {
    /// Begins to read a key of the table `prefix`; [`Error::Corrupt`] if it is of another.
    pub fn new(key: &'a Key, prefix: &str) -> Result<KeyReader<'a>> {
        let rest = key
            .0
            .strip_prefix(prefix.as_bytes())
            .and_then(|rest| rest.strip_prefix(&[SEPARATOR]));
        match rest {
            Some(rest) if is_table_name(prefix) => Ok(KeyReader { key, rest }),
            _ => Err(corrupt(key, &format!("it is not of the table `{prefix}`"))),
        }
    }

    /// The part that [`KeyBuilder::i64`] added.
    pub fn i64(&mut self) -> Result<i64> {
        Ok((self.u64()? ^ SIGN_BIT).cast_signed())
    }

    /// The part that [`KeyBuilder::u64`] added.
    pub fn u64(&mut self) -> Result<u64> {
        Ok(u64::from_be_bytes(self.raw()?))
    }

    /// The part that [`KeyBuilder::u8`] added.
    pub fn u8(&mut self) -> Result<u8> {
        let [byte] = self.raw()?;
        Ok(byte)
    }

    /// The part that [`KeyBuilder::text`] added.
    pub fn text(&mut self) -> Result<String> {
        String::from_utf8(self.bytes()?).map_err(|_| corrupt(self.key, "a text in it is not UTF-8"))
    }

    /// The part that [`KeyBuilder::bytes`] added.
    pub fn bytes(&mut self) -> Result<Vec<u8>> {
        let mut value = Vec::new();
        loop {
            match *self.rest {
                [0x00, 0x01, ref rest @ ..] => {
                    self.rest = rest;
                    return Ok(value);
                }
                [0x00, 0xFF, ref rest @ ..] => {
                    value.push(0);
                    self.rest = rest;
                }
                [byte, ref rest @ ..] if byte != 0 => {
                    value.push(byte);
                    self.rest = rest;
                }
                _ => return Err(corrupt(self.key, "a part of it has no end")),
            }
        }
    }

    /// A part of `N` bytes that [`KeyBuilder::raw`] added.
    pub fn raw<const N: usize>(&mut self) -> Result<[u8; N]> {
        let Some((part, rest)) = self.rest.split_first_chunk::<N>() else {
            return Err(corrupt(self.key, "it ends inside a part"));
        };
        self.rest = rest;
        Ok(*part)
    }

    /// Says that the key has no more parts; [`Error::Corrupt`] if it has.
    pub fn finish(self) -> Result<()> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(corrupt(self.key, "it has more parts than were expected"))
    }
}

fn is_table_name(name: &str) -> bool {
    !name.is_empty() && !name.as_bytes().contains(&SEPARATOR)
}

fn corrupt(key: &Key, detail: &str) -> Error {
    Error::Corrupt {
        what: format!("{key:?}"),
        detail: detail.to_owned(),
    }
}
