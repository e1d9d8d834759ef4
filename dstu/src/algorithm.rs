//! Algorithm identifiers: which hash, which octet order, which curve.

use crate::curve::{Curve, DEFINITIONS};
use crate::der::oid::{self, Oid};
#[cfg(feature = "issuer")]
use crate::der::writer;
use crate::der::{Element, Error as DerError, Reader, tag};
use crate::gost28147::DKE1;
use crate::hash::HashAlgorithm;
use crate::scalar;

/// Why an algorithm identifier is not one that this package computes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Not the structure of an algorithm identifier.
    #[error(transparent)]
    Der(#[from] DerError),
    /// Another algorithm.
    #[error("the algorithm {0} is not supported")]
    Unknown(String),
    /// A curve of one's own, or one over an optimal normal basis.
    #[error("the curve is not one of the standard's polynomial-basis curves")]
    Curve,
    /// Another S-box than "DKE No. 1".
    #[error("the key asks for another S-box than DKE No. 1")]
    Sbox,
}

/// The order of octets in keys and signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteOrder {
    /// Least significant octet first; what all authorities issue.
    Little,
    /// Most significant octet first.
    Big,
}

/// A signature algorithm: DSTU 4145 over a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureAlgorithm {
    /// The hash function of the signed octets.
    pub hash: HashAlgorithm,
    /// The packing of r and s.
    pub order: ByteOrder,
}

impl SignatureAlgorithm {
    /// Of an object identifier.
    pub fn from_oid(identifier: Oid<'_>) -> Option<Self> {
        let little = |hash| {
            Some(Self {
                hash,
                order: ByteOrder::Little,
            })
        };
        match identifier {
            oid::DSTU_4145_LE => little(HashAlgorithm::Gost34311),
            oid::DSTU_4145_BE => Some(Self {
                hash: HashAlgorithm::Gost34311,
                order: ByteOrder::Big,
            }),
            oid::DSTU_4145_KUPYNA_256 => little(HashAlgorithm::Kupyna256),
            oid::DSTU_4145_KUPYNA_384 => little(HashAlgorithm::Kupyna384),
            oid::DSTU_4145_KUPYNA_512 => little(HashAlgorithm::Kupyna512),
            _ => None,
        }
    }

    /// Reads an algorithm identifier; its parameters, if any, repeat the key's and are not read.
    pub(crate) fn read(element: &Element<'_>) -> Result<Self, Error> {
        let identifier = read_identifier(element)?;
        Self::from_oid(identifier).ok_or_else(|| Error::Unknown(identifier.to_string()))
    }
}

impl HashAlgorithm {
    /// The object identifier of the hash.
    pub fn oid(self) -> Oid<'static> {
        match self {
            Self::Gost34311 => oid::GOST_34311,
            Self::Kupyna256 => oid::KUPYNA_256,
            Self::Kupyna384 => oid::KUPYNA_384,
            Self::Kupyna512 => oid::KUPYNA_512,
        }
    }

    /// The object identifier of DSTU 4145 with this hash, little-endian.
    pub fn signature_oid(self) -> Oid<'static> {
        match self {
            Self::Gost34311 => oid::DSTU_4145_LE,
            Self::Kupyna256 => oid::DSTU_4145_KUPYNA_256,
            Self::Kupyna384 => oid::DSTU_4145_KUPYNA_384,
            Self::Kupyna512 => oid::DSTU_4145_KUPYNA_512,
        }
    }

    /// Of an object identifier.
    pub fn from_oid(identifier: Oid<'_>) -> Option<Self> {
        [Self::Gost34311, Self::Kupyna256, Self::Kupyna384, Self::Kupyna512]
            .into_iter()
            .find(|hash| hash.oid() == identifier)
    }

    pub(crate) fn read(element: &Element<'_>) -> Result<Self, Error> {
        let identifier = read_identifier(element)?;
        Self::from_oid(identifier).ok_or_else(|| Error::Unknown(identifier.to_string()))
    }
}

/// The identifier of an AlgorithmIdentifier.
pub(crate) fn read_identifier<'a>(element: &Element<'a>) -> Result<Oid<'a>, DerError> {
    if element.tag != tag::SEQUENCE {
        return Err(DerError::Tag {
            expected: tag::SEQUENCE,
            found: element.tag,
        });
    }
    Ok(Oid(element.reader().expect(tag::OBJECT_IDENTIFIER)?.content))
}

/// Reads the algorithm identifier of a key: `{ algorithm, { curve, dke OPTIONAL } }`.
pub(crate) fn read_key_algorithm(element: &Element<'_>) -> Result<(Curve, ByteOrder), Error> {
    let identifier = read_identifier(element)?;
    let order = match SignatureAlgorithm::from_oid(identifier) {
        Some(algorithm) => algorithm.order,
        None => return Err(Error::Unknown(identifier.to_string())),
    };
    let mut reader = element.reader();
    reader.read()?;
    let mut parameters = reader.sequence()?;
    let curve = match parameters.read()? {
        named if named.tag == tag::OBJECT_IDENTIFIER => named_curve(Oid(named.content))?,
        explicit if explicit.tag == tag::SEQUENCE => explicit_curve(&explicit, order)?,
        other => {
            return Err(DerError::Tag {
                expected: tag::SEQUENCE,
                found: other.tag,
            }
            .into());
        }
    };
    if let Some(dke) = parameters.optional(tag::OCTET_STRING)?
        && dke.content != DKE1
    {
        return Err(Error::Sbox);
    }
    Ok((curve, order))
}

fn named_curve(identifier: Oid<'_>) -> Result<Curve, Error> {
    match identifier.0.split_last() {
        Some((arc, prefix)) if prefix == oid::CURVE_PREFIX.0 => {
            Curve::ALL.get(usize::from(*arc)).copied().ok_or(Error::Curve)
        }
        _ => Err(Error::Curve),
    }
}

/// `ECBinary ::= { version [0] DEFAULT 0, { m, k | {k, j, l} }, a, b, n, bp }`, every number compared.
fn explicit_curve(element: &Element<'_>, order: ByteOrder) -> Result<Curve, Error> {
    let mut reader = element.reader();
    for version in [tag::context(0), tag::context_constructed(0)] {
        reader.optional(version)?;
    }
    let mut field = reader.sequence()?;
    let degree = field.expect(tag::INTEGER)?.to_u64()?;
    let mut taps = Vec::new();
    if let Some(trinomial) = field.optional(tag::INTEGER)? {
        taps.push(trinomial.to_u64()?);
    } else {
        let mut terms = field.sequence()?;
        while !terms.is_empty() {
            taps.push(terms.expect(tag::INTEGER)?.to_u64()?);
        }
    }
    taps.sort_unstable_by(|left, right| right.cmp(left));
    let a = reader.expect(tag::INTEGER)?.to_u64()?;
    let b = read_number(reader.expect(tag::OCTET_STRING)?.content, order)?;
    let n = read_number(reader.expect(tag::INTEGER)?.unsigned()?, ByteOrder::Big)?;
    let base = read_number(reader.expect(tag::OCTET_STRING)?.content, order)?;
    let known = |definition: &&crate::curve::Definition| {
        definition.degree as u64 == degree
            && definition
                .taps
                .iter()
                .map(|tap| *tap as u64)
                .eq(taps.iter().copied())
            && (definition.a, definition.b, definition.order) == (a, b, n)
    };
    let definition = DEFINITIONS.iter().find(known).ok_or(Error::Curve)?;
    let curve = Curve::of(definition.degree).ok_or(Error::Curve)?;
    if curve.compressed_generator() == base {
        Ok(curve)
    } else {
        Err(Error::Curve)
    }
}

fn read_number(octets: &[u8], order: ByteOrder) -> Result<crate::field::Limbs, Error> {
    let number = match order {
        ByteOrder::Little => scalar::from_little_endian(octets),
        ByteOrder::Big => {
            let reversed: Vec<u8> = octets.iter().rev().copied().collect();
            scalar::from_little_endian(&reversed)
        }
    };
    number.ok_or(Error::Curve)
}

/// The algorithm identifier of a key, with the curve named and the S-box given.
#[cfg(feature = "issuer")]
pub(crate) fn write_key_algorithm(curve: Curve) -> Vec<u8> {
    let arc = u8::try_from(curve.index()).expect("there are ten curves");
    let name = writer::element(tag::OBJECT_IDENTIFIER, &[oid::CURVE_PREFIX.0, &[arc]]);
    let parameters = writer::sequence(&[&name, &writer::octet_string(&DKE1)]);
    writer::sequence(&[&writer::oid(oid::DSTU_4145_LE), &parameters])
}

/// A digest for checking what others wrote: the signature hashes, and the SHA family for references to certificates.
pub(crate) fn reference_digest(identifier: Oid<'_>, data: &[u8]) -> Option<Vec<u8>> {
    use sha2::Digest;
    match identifier {
        oid::SHA_1 => Some(sha1::Sha1::digest(data).to_vec()),
        oid::SHA_256 => Some(sha2::Sha256::digest(data).to_vec()),
        _ => HashAlgorithm::from_oid(identifier).map(|hash| hash.digest(&[data])),
    }
}

/// Reads the OCTET STRING with a compressed point, as certificates wrap it into a BIT STRING.
pub(crate) fn read_point(octets: &[u8]) -> Result<&[u8], DerError> {
    Ok(Reader::single(octets, tag::OCTET_STRING)?.content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::der::writer::{element, octet_string, oid as write_oid, sequence, unsigned};

    /// The explicit parameters of a curve, as older certificates carry them.
    fn explicit(curve: Curve, order: ByteOrder, dke: &[u8], spoil_base: bool) -> Vec<u8> {
        let definition = curve.definition();
        let number = |limbs: &crate::field::Limbs| {
            let mut octets = vec![0; curve.field_octets()];
            scalar::to_little_endian(limbs, &mut octets);
            octets
        };
        let packed = |mut octets: Vec<u8>| {
            if order == ByteOrder::Big {
                octets.reverse();
            }
            octet_string(&octets)
        };
        // Lowest first: one producer writes the pentanomial's exponents in this order, others the other way round.
        let taps: Vec<Vec<u8>> = definition
            .taps
            .iter()
            .rev()
            .map(|tap| unsigned(&[u8::try_from(*tap).unwrap()]))
            .collect();
        let terms = if taps.len() == 1 {
            taps[0].clone()
        } else {
            sequence(&[&taps.concat()])
        };
        let degree = unsigned(&u16::try_from(definition.degree).unwrap().to_be_bytes());
        let mut base = number(&curve.compressed_generator());
        base[3] ^= u8::from(spoil_base);
        let mut n = number(&definition.order);
        n.reverse();
        let a = unsigned(&[u8::try_from(definition.a).unwrap()]);
        let field = sequence(&[&degree, &terms]);
        let curve = sequence(&[
            &field,
            &a,
            &packed(number(&definition.b)),
            &unsigned(&n),
            &packed(base),
        ]);
        let parameters = sequence(&[&curve, &octet_string(dke)]);
        let identifier = if order == ByteOrder::Big {
            oid::DSTU_4145_BE
        } else {
            oid::DSTU_4145_LE
        };
        sequence(&[&write_oid(identifier), &parameters])
    }

    fn read(octets: &[u8]) -> Result<(Curve, ByteOrder), Error> {
        read_key_algorithm(&Reader::single(octets, tag::SEQUENCE)?)
    }

    #[test]
    fn every_curve_is_recognised_by_name_and_by_its_numbers() {
        for curve in Curve::ALL {
            assert_eq!(read(&write_key_algorithm(curve)), Ok((curve, ByteOrder::Little)));
            for order in [ByteOrder::Little, ByteOrder::Big] {
                assert_eq!(read(&explicit(curve, order, &DKE1, false)), Ok((curve, order)));
            }
        }
    }

    #[test]
    fn a_curve_of_ones_own_or_another_sbox_is_refused() {
        let other = [0x12; 64];
        for curve in Curve::ALL {
            assert_eq!(
                read(&explicit(curve, ByteOrder::Little, &DKE1, true)),
                Err(Error::Curve)
            );
            assert_eq!(
                read(&explicit(curve, ByteOrder::Little, &other, false)),
                Err(Error::Sbox)
            );
        }
        let normal_basis = element(tag::OBJECT_IDENTIFIER, &[oid::CURVE_PREFIX.0, &[10]]);
        let algorithm = sequence(&[&write_oid(oid::DSTU_4145_LE), &sequence(&[&normal_basis])]);
        assert_eq!(read(&algorithm), Err(Error::Curve));
        let foreign = sequence(&[&write_oid(oid::SHA_256)]);
        assert_eq!(
            read(&foreign),
            Err(Error::Unknown("2.16.840.1.101.3.4.2.1".to_owned()))
        );
    }
}
