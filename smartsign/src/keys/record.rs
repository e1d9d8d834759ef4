//! A key as it is sealed: container, password, certificate. Plain octets that can be zeroised, each field behind its length.

use chrono::{DateTime, Utc};
use zeroize::Zeroizing;

/// The first octet.
const VERSION: u8 = 1;

/// What is sealed of a key.
pub struct KeyRecord {
    /// Whether it is to be unlocked at start.
    pub active: bool,
    /// When it was loaded.
    pub added: DateTime<Utc>,
    /// The container as it was uploaded.
    pub container: Zeroizing<Vec<u8>>,
    /// Its password.
    pub password: Zeroizing<String>,
    /// Its certificate, DER.
    pub certificate: Vec<u8>,
}

impl KeyRecord {
    /// The octets to seal.
    pub fn write(&self) -> Zeroizing<Vec<u8>> {
        let fields = [
            self.container.as_slice(),
            self.password.as_bytes(),
            &self.certificate,
        ];
        // With its capacity from the beginning: growing would leave copies behind.
        let length = 10 + fields.iter().map(|field| 4 + field.len()).sum::<usize>();
        let mut octets = Zeroizing::new(Vec::with_capacity(length));
        octets.push(VERSION);
        octets.push(u8::from(self.active));
        octets.extend_from_slice(&self.added.timestamp_millis().to_be_bytes());
        for field in fields {
            let length = u32::try_from(field.len()).expect("uploads are below 1 MiB");
            octets.extend_from_slice(&length.to_be_bytes());
            octets.extend_from_slice(field);
        }
        octets
    }

    /// Reads what [`KeyRecord::write`] made; none for anything else.
    pub fn read(octets: &[u8]) -> Option<Self> {
        let (head, mut rest) = octets.split_first_chunk::<10>()?;
        let [VERSION, active @ (0 | 1), time @ ..] = head else {
            return None;
        };
        let mut field = || {
            let (length, after) = rest.split_first_chunk::<4>()?;
            let (field, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
            rest = after;
            Some(field)
        };
        let container = Zeroizing::new(field()?.to_vec());
        let password = Zeroizing::new(std::str::from_utf8(field()?).ok()?.to_owned());
        let certificate = field()?.to_vec();
        rest.is_empty().then_some(())?;
        Some(Self {
            active: *active == 1,
            added: DateTime::from_timestamp_millis(i64::from_be_bytes(*time))?,
            container,
            password,
            certificate,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> KeyRecord {
        KeyRecord {
            active: true,
            added: DateTime::from_timestamp_millis(1_790_000_000_123).unwrap(),
            container: Zeroizing::new(vec![1, 2, 3]),
            password: Zeroizing::new("пароль".to_owned()),
            certificate: vec![4; 300],
        }
    }

    #[test]
    fn a_record_comes_back_as_it_went() {
        let (record, written) = (record(), record().write());
        let back = KeyRecord::read(&written).unwrap();
        assert!(back.active && back.added == record.added);
        assert_eq!(
            (back.container, back.password, back.certificate),
            (record.container, record.password, record.certificate)
        );
        assert_eq!(written.len(), written.capacity(), "nothing grew");
    }

    #[test]
    fn a_record_that_is_cut_or_too_long_is_none() {
        let written = record().write();
        for length in 0..written.len() {
            assert!(KeyRecord::read(&written[..length]).is_none(), "cut at {length}");
        }
        let longer = [written.as_slice(), &[0]].concat();
        assert!(KeyRecord::read(&longer).is_none());
    }
}
