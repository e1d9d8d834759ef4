//! Records come back, old bytes stay readable, and damaged ones are refused.

use serde::{Deserialize, Serialize};

use crate::{
    Error, Record, Result, VALUE_MAX,
    record::{decode, decode_payload, encode, unknown_version},
};

/// Every kind of field that stored types use.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Sample {
    number: u64,
    signed: i64,
    small: u8,
    text: String,
    bytes: Vec<u8>,
    absent: Option<u32>,
    present: Option<u32>,
    kind: Kind,
    pairs: Vec<(u16, bool)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Kind {
    Plain,
    Named { at: i64 },
}

impl Record for Sample {
    const NAME: &'static str = "sample";
    const VERSION: u8 = 2;

    fn decode_older(version: u8, payload: &[u8]) -> Result<Sample> {
        match version {
            1 => decode_payload::<Sample, SampleV1>(payload).map(Sample::from),
            _ => Err(unknown_version::<Sample>(version)),
        }
    }
}

/// What version 1 kept.
#[derive(Serialize, Deserialize)]
struct SampleV1 {
    number: u64,
    text: String,
}

impl From<SampleV1> for Sample {
    fn from(old: SampleV1) -> Sample {
        Sample {
            number: old.number,
            signed: 0,
            small: 0,
            text: old.text,
            bytes: Vec::new(),
            absent: None,
            present: None,
            kind: Kind::Plain,
            pairs: Vec::new(),
        }
    }
}

fn sample() -> Sample {
    Sample {
        number: 1_404_000_123,
        signed: -7,
        small: 250,
        text: "سبدگردانی".to_owned(),
        bytes: vec![0, 1, 0xFF],
        absent: None,
        present: Some(300),
        kind: Kind::Named {
            at: 1_700_000_000_000,
        },
        pairs: vec![(1, true), (65_535, false)],
    }
}

fn golden(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let pairs = digits.chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect()
}

fn detail(result: Result<Sample>) -> String {
    match result {
        Err(Error::Corrupt { what, detail }) => {
            assert_eq!(what, "record sample");
            detail
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_bytes_of_version_2_are_the_golden_ones() {
    let golden = golden(include_str!("../../golden/sample-2.hex"));
    let shown: String = encode(&sample())
        .unwrap()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(encode(&sample()).unwrap(), golden, "now {shown}");
    assert_eq!(decode::<Sample>(&golden).unwrap(), sample());
}

#[test]
fn bytes_of_version_1_are_still_read() {
    let golden = golden(include_str!("../../golden/sample-1.hex"));
    let read = decode::<Sample>(&golden).unwrap();
    assert_eq!((read.number, read.text.as_str()), (77, "old"));
}

#[test]
fn an_unknown_version_is_a_clear_error() {
    let mut bytes = encode(&sample()).unwrap();
    bytes[0] = 9;
    let detail = detail(decode(&bytes));
    assert!(
        detail.contains("version 9") && detail.contains("newer release"),
        "{detail}"
    );
}

#[test]
fn a_trailing_byte_is_refused() {
    let mut bytes = encode(&sample()).unwrap();
    bytes.push(0);
    detail(decode(&bytes));
}

#[test]
fn every_shorter_piece_is_refused() {
    let bytes = encode(&sample()).unwrap();
    for length in 0..bytes.len() {
        detail(decode(&bytes[..length]));
    }
}

#[test]
fn a_corrupt_huge_length_is_refused_without_taking_memory() {
    // Version 1: a number, then a text that claims 2^63 bytes. Taking memory for it would end the process.
    let mut bytes = vec![1, 77, 253];
    bytes.extend((1_u64 << 63).to_le_bytes());
    bytes.extend(b"short");
    let detail = detail(decode(&bytes));
    assert!(
        detail.contains("size limit") || detail.contains("ends inside"),
        "{detail}"
    );
}

#[test]
fn a_record_at_the_limit_passes_and_one_byte_more_does_not() {
    let of_length = |length: usize| Sample {
        text: "x".repeat(length),
        ..Sample::from(old())
    };
    let overhead = encode(&of_length(VALUE_MAX / 2)).unwrap().len() - VALUE_MAX / 2;
    let largest = VALUE_MAX - overhead;
    assert_eq!(encode(&of_length(largest)).unwrap().len(), VALUE_MAX);
    assert_eq!(
        decode::<Sample>(&encode(&of_length(largest)).unwrap()).unwrap(),
        of_length(largest)
    );
    let over = Error::TooLarge {
        what: "record",
        size: VALUE_MAX + 1,
        limit: VALUE_MAX,
    };
    assert_eq!(encode(&of_length(largest + 1)), Err(over));
    assert!(detail(decode(&vec![2; VALUE_MAX + 1])).contains("longer"));
}

fn old() -> SampleV1 {
    SampleV1 {
        number: 1,
        text: String::new(),
    }
}
