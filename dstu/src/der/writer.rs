//! Writing DER from the inside out: every function gives the encoding of one element.

use super::{oid::Oid, tag};

/// An element from the parts of its content.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut output = Vec::with_capacity(length + 6);
    output.push(tag);
    if length < 0x80 {
        output.push(u8::try_from(length).expect("below 128"));
    } else {
        let octets = length.to_be_bytes();
        let zeros = octets.iter().take_while(|octet| **octet == 0).count();
        output.push(0x80 | u8::try_from(octets.len() - zeros).expect("at most eight"));
        output.extend_from_slice(&octets[zeros..]);
    }
    for part in parts {
        output.extend_from_slice(part);
    }
    output
}

pub(crate) fn sequence(parts: &[&[u8]]) -> Vec<u8> {
    element(tag::SEQUENCE, parts)
}

/// A SET OF: the encodings in ascending order (X.690, section 11.6).
pub(crate) fn set_of(mut elements: Vec<Vec<u8>>) -> Vec<u8> {
    elements.sort();
    let parts: Vec<&[u8]> = elements.iter().map(Vec::as_slice).collect();
    element(tag::SET, &parts)
}

pub(crate) fn octet_string(content: &[u8]) -> Vec<u8> {
    element(tag::OCTET_STRING, &[content])
}

pub(crate) fn oid(oid: Oid<'_>) -> Vec<u8> {
    element(tag::OBJECT_IDENTIFIER, &[oid.0])
}

/// An algorithm identifier without parameters.
pub(crate) fn algorithm(identifier: Oid<'_>) -> Vec<u8> {
    sequence(&[&oid(identifier)])
}

/// A small number.
pub(crate) fn integer(value: u8) -> Vec<u8> {
    if value < 0x80 {
        element(tag::INTEGER, &[&[value]])
    } else {
        element(tag::INTEGER, &[&[0, value]])
    }
}

/// A number that is not negative, most significant octet first.
#[cfg(feature = "issuer")]
pub(crate) fn unsigned(octets: &[u8]) -> Vec<u8> {
    let zeros = octets.iter().take_while(|octet| **octet == 0).count();
    let digits = &octets[zeros..];
    match digits.first() {
        Some(first) if first & 0x80 == 0 => element(tag::INTEGER, &[digits]),
        _ => element(tag::INTEGER, &[&[0], digits]),
    }
}

/// A bit string of whole octets.
#[cfg(feature = "issuer")]
pub(crate) fn bit_string(content: &[u8]) -> Vec<u8> {
    element(tag::BIT_STRING, &[&[0], content])
}

#[cfg(feature = "issuer")]
pub(crate) fn null() -> Vec<u8> {
    vec![0x05, 0x00]
}
