//! Compression of bodies, both ways, and the limit on what comes out.

use flate2::Compression;
use flate2::read::{DeflateDecoder, GzDecoder, ZlibDecoder};
use flate2::write::{GzEncoder, ZlibEncoder};
use std::io::{self, Read, Write};

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodingError {
    /// A coding that is not known: 415.
    Unknown,
    /// Not what the coding says: 400.
    Broken,
    /// More than is taken, uncompressed: 416.
    TooLarge,
}

/// The body without its `Content-Encoding`. The tax service is lenient, and so is this: `gzip` and `deflate` are told apart by how the
/// octets begin, because clients label zlib streams as gzip and are served.
pub(super) fn decode(coding: Option<&str>, body: &[u8], max: usize) -> Result<Vec<u8>, CodingError> {
    let coding = coding.unwrap_or("identity").trim().to_ascii_lowercase();
    let plain = match coding.as_str() {
        "" | "identity" => {
            return if body.len() > max {
                Err(CodingError::TooLarge)
            } else {
                Ok(body.to_vec())
            };
        }
        "gzip" | "x-gzip" | "deflate" => match body {
            [0x1f, 0x8b, ..] => bounded(GzDecoder::new(body), max),
            // Of a zlib stream: method 8 in the low half, and the first two octets a multiple of 31.
            [first, second, ..] if first & 0x0f == 8 && u16::from_be_bytes([*first, *second]) % 31 == 0 => {
                bounded(ZlibDecoder::new(body), max)
            }
            _ => bounded(DeflateDecoder::new(body), max),
        },
        _ => return Err(CodingError::Unknown),
    };
    match plain {
        Ok(plain) if plain.len() > max => Err(CodingError::TooLarge),
        Ok(plain) => Ok(plain),
        Err(_) => Err(CodingError::Broken),
    }
}

fn bounded(reader: impl Read, max: usize) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    reader.take(max as u64 + 1).read_to_end(&mut plain)?;
    Ok(plain)
}

/// A coding that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Coding {
    Gzip,
    Deflate,
}

impl Coding {
    /// The first that `Accept-Encoding` names and does not rule out.
    pub(super) fn accepted(header: &str) -> Option<Self> {
        header.split(',').find_map(|choice| {
            let mut parts = choice.split(';').map(str::trim);
            let coding = match parts.next()?.to_ascii_lowercase().as_str() {
                "gzip" | "x-gzip" => Self::Gzip,
                "deflate" => Self::Deflate,
                _ => return None,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=")?.parse::<f32>().ok());
            (quality != Some(0.0)).then_some(coding)
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
        }
    }

    pub(super) fn encode(self, body: &[u8]) -> Vec<u8> {
        let level = Compression::fast();
        let written = match self {
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), level);
                encoder.write_all(body).and_then(|()| encoder.finish())
            }
            Self::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), level);
                encoder.write_all(body).and_then(|()| encoder.finish())
            }
        };
        written.expect("memory takes every octet")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_coding_reads_back_under_either_label() {
        let body = "чек ".repeat(500);
        for coding in [Coding::Gzip, Coding::Deflate] {
            let packed = coding.encode(body.as_bytes());
            for label in ["gzip", "deflate"] {
                assert_eq!(
                    decode(Some(label), &packed, 10_000),
                    Ok(body.clone().into_bytes())
                );
            }
        }
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(body.as_bytes()).expect("memory");
        let raw = encoder.finish().expect("memory");
        assert_eq!(decode(Some("deflate"), &raw, 10_000), Ok(body.into_bytes()));
    }

    #[test]
    fn what_is_too_large_broken_or_unknown_is_told_apart() {
        let bomb = Coding::Gzip.encode(&vec![0; 1_000_000]);
        assert!(bomb.len() < 10_000);
        assert_eq!(decode(Some("gzip"), &bomb, 512_000), Err(CodingError::TooLarge));
        assert_eq!(decode(None, &[0; 11], 10), Err(CodingError::TooLarge));
        assert_eq!(
            decode(Some("gzip"), &[0x1f, 0x8b, 0], 10),
            Err(CodingError::Broken)
        );
        assert_eq!(decode(Some("br"), &[], 10), Err(CodingError::Unknown));
    }

    #[test]
    fn a_coding_that_is_ruled_out_is_not_chosen() {
        assert_eq!(Coding::accepted("br, gzip;q=0, deflate"), Some(Coding::Deflate));
        assert_eq!(Coding::accepted("gzip, deflate"), Some(Coding::Gzip));
        assert_eq!(Coding::accepted("identity"), None);
    }
}
