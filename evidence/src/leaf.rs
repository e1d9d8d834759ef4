//! The canonical bytes of a leaf, version 1: what is stored and what is hashed. Specified in `docs/evidence-leaf.md`, with test vectors.

use crate::container::{Container, Scalar};
use crate::date;
use crate::tree::{self, Hash};
use sha2::{Digest, Sha256};

/// Begins every leaf, so that no other bytes that anybody signs or hashes are one; its last byte is the version.
const DOMAIN: &[u8; 26] = b"countersign/evidence-leaf\x01";

/// No body of 512 KiB makes a longer one (its fields are inside it, and what stands around them is below 4 KiB).
pub const LEAF_BYTES_MAX: usize = 516 * 1_024;

const ABSENT: u8 = 0;
const TEXT: u8 = 1;
const INTEGER: u8 = 2;
const LIST: u8 = 3;
const DIGESTS: u8 = 4;

/// A container with what its keeper adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// Random. Leaf hashes are public, containers are not: without it, a hash would confirm a guessed container.
    pub salt: [u8; 16],
    /// When it was recorded, in seconds since 1970.
    pub recorded_seconds: i64,
    /// The integration's name.
    pub integration: String,
    /// Which version of its contract's container it is, from 1.
    pub version: u32,
    /// The container.
    pub container: Container,
}

/// Bytes that are no leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("these bytes are no leaf: {0}")]
pub struct NotALeaf(&'static str);

impl Leaf {
    /// The canonical bytes.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut writer = Writer(Vec::with_capacity(512));
        writer.0.extend_from_slice(DOMAIN);
        writer.0.extend_from_slice(&self.salt);
        writer.0.extend_from_slice(&self.recorded_seconds.to_be_bytes());
        writer.0.extend_from_slice(&self.version.to_be_bytes());
        writer.bytes(self.integration.as_bytes());
        writer.container(&self.container);
        writer.0
    }

    /// Takes canonical bytes back. There is one encoding of each leaf: what is read here is written the same.
    ///
    /// # Errors
    /// [`NotALeaf`], for every other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, NotALeaf> {
        let mut reader = Reader(bytes);
        if reader.take(DOMAIN.len())? != DOMAIN {
            return Err(NotALeaf("they begin with another domain or version"));
        }
        let leaf = Self {
            salt: reader.array()?,
            recorded_seconds: i64::from_be_bytes(reader.array()?),
            version: u32::from_be_bytes(reader.array()?),
            integration: reader.text()?,
            container: reader.container()?,
        };
        if reader.0.is_empty() {
            Ok(leaf)
        } else {
            Err(NotALeaf("something stands behind them"))
        }
    }

    /// The leaf's hash in the tree (RFC 6962, section 2.1).
    #[must_use]
    pub fn hash(&self) -> Hash {
        tree::leaf_hash(&self.bytes())
    }

    /// When it was recorded, `dd.MM.yyyy HH:mm:ss`, UTC.
    #[must_use]
    pub fn recorded_at(&self) -> String {
        date::show(self.recorded_seconds)
    }
}

impl Container {
    /// SHA-256 of the container's part of the canonical bytes: two containers with one digest are the same fact.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        let mut writer = Writer(Vec::with_capacity(512));
        writer.container(self);
        Sha256::digest(&writer.0).into()
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn length(&mut self, length: usize) {
        let length = u32::try_from(length).expect("bodies are below 4 GiB");
        self.0.extend_from_slice(&length.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    fn container(&mut self, container: &Container) {
        let text = |text: &Option<String>| text.clone().map(Scalar::Text);
        self.scalar(Some(&Scalar::Text(container.client_integration_id.clone())));
        self.scalar(Some(&container.contract_id));
        self.scalar(Some(&Scalar::Text(container.sign_date.clone())));
        self.scalar(container.contract_version.as_ref());
        match &container.documents {
            None => self.0.push(ABSENT),
            Some(links) => {
                self.0.push(LIST);
                self.length(links.len());
                links.iter().for_each(|link| self.bytes(link.as_bytes()));
            }
        }
        self.scalar(text(&container.key_transport).as_ref());
        self.scalar(text(&container.user_sign_key).as_ref());
        self.scalar(text(&container.user_sign_hash).as_ref());
        self.scalar(container.company_id.as_ref());
        match &container.documents_sha256 {
            None => self.0.push(ABSENT),
            Some(digests) => {
                self.0.push(DIGESTS);
                self.length(digests.len());
                digests.iter().for_each(|digest| self.0.extend_from_slice(digest));
            }
        }
    }

    fn scalar(&mut self, scalar: Option<&Scalar>) {
        self.0.push(match scalar {
            None => ABSENT,
            Some(Scalar::Text(_)) => TEXT,
            Some(Scalar::Integer { .. }) => INTEGER,
        });
        if let Some(scalar) = scalar {
            self.bytes(scalar.raw().as_bytes());
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], NotALeaf> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(NotALeaf("they end inside a field"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], NotALeaf> {
        Ok(self.take(N)?.try_into().expect("as many were taken"))
    }

    fn length(&mut self) -> Result<usize, NotALeaf> {
        let length = u32::from_be_bytes(self.array()?);
        usize::try_from(length).map_err(|_| NotALeaf("a length is out of bounds"))
    }

    fn text(&mut self) -> Result<String, NotALeaf> {
        let length = self.length()?;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| NotALeaf("a text is no UTF-8"))?;
        Ok(text.to_owned())
    }

    fn scalar(&mut self) -> Result<Option<Scalar>, NotALeaf> {
        let [kind] = self.array()?;
        match kind {
            ABSENT => Ok(None),
            TEXT => self.text().map(Scalar::Text).map(Some),
            INTEGER => {
                let integer = Scalar::integer(&self.text()?);
                integer.map(Some).ok_or(NotALeaf("an integer is none"))
            }
            _ => Err(NotALeaf("a field is of an unknown kind")),
        }
    }

    fn optional_text(&mut self) -> Result<Option<String>, NotALeaf> {
        match self.scalar()? {
            None => Ok(None),
            Some(Scalar::Text(text)) => Ok(Some(text)),
            Some(Scalar::Integer { .. }) => Err(NotALeaf("a field is no text")),
        }
    }

    fn mandatory_text(&mut self) -> Result<String, NotALeaf> {
        self.optional_text()?
            .ok_or(NotALeaf("a mandatory field is absent"))
    }

    /// So many elements of at least so many bytes each, so that a length that lies takes no memory.
    fn count(&mut self, kind: u8, bytes_min: usize) -> Result<Option<usize>, NotALeaf> {
        match self.array()? {
            [ABSENT] => Ok(None),
            [found] if found == kind => {
                let count = self.length()?;
                if count > self.0.len() / bytes_min {
                    return Err(NotALeaf("they end inside a list"));
                }
                Ok(Some(count))
            }
            _ => Err(NotALeaf("a field is of an unknown kind")),
        }
    }

    fn container(&mut self) -> Result<Container, NotALeaf> {
        Ok(Container {
            client_integration_id: self.mandatory_text()?,
            contract_id: self.scalar()?.ok_or(NotALeaf("a mandatory field is absent"))?,
            sign_date: self.mandatory_text()?,
            contract_version: self.scalar()?,
            documents: match self.count(LIST, 4)? {
                None => None,
                Some(count) => Some((0..count).map(|_| self.text()).collect::<Result<_, _>>()?),
            },
            key_transport: self.optional_text()?,
            user_sign_key: self.optional_text()?,
            user_sign_hash: self.optional_text()?,
            company_id: self.scalar()?,
            documents_sha256: match self.count(DIGESTS, 32)? {
                None => None,
                Some(count) => Some((0..count).map(|_| self.array()).collect::<Result<_, _>>()?),
            },
        })
    }
}
