//! What a timestamp says; whether it is to be believed, is judged elsewhere.

use chrono::{DateTime, Utc};

use super::{Error, SignedData};
use crate::der::{Element, Error as DerError, Reader, tag, time};

/// The time in a timestamp token (RFC 3161, section 2.4.2), to the second.
///
/// # Errors
/// As [`SignedData::from_der`], and [`Error::Der`] for a token without that content.
pub fn timestamp_time(token: &[u8]) -> Result<DateTime<Utc>, Error> {
    let message = SignedData::from_der(token)?;
    let mut info = Reader::new(message.content().ok_or(DerError::Truncated)?).sequence()?;
    info.expect(tag::INTEGER)?;
    info.expect(tag::OBJECT_IDENTIFIER)?;
    info.expect(tag::SEQUENCE)?;
    info.expect(tag::INTEGER)?;
    let moment = info.expect(tag::GENERALIZED_TIME)?;
    // Here, unlike in certificates, fractions of a second are allowed.
    let whole: Vec<u8> = match moment.content.iter().position(|octet| *octet == b'.') {
        Some(point) => [&moment.content[..point], b"Z"].concat(),
        None => moment.content.to_vec(),
    };
    Ok(time::read(&Element {
        content: &whole,
        ..moment
    })?)
}
