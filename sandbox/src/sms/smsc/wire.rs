//! PDUs of SMPP 3.4 as a stand-in SMSC reads and writes them.

/// A PDU: its head, and the octets behind it.
#[derive(Clone, Debug)]
pub(super) struct Pdu {
    pub(super) id: u32,
    pub(super) status: u32,
    pub(super) sequence: u32,
    pub(super) body: Vec<u8>,
}

pub(super) const NACK: u32 = 0x8000_0000;
pub(super) const BIND_RECEIVER: u32 = 1;
pub(super) const BIND_TRANSMITTER: u32 = 2;
pub(super) const SUBMIT: u32 = 4;
pub(super) const DELIVER: u32 = 5;
pub(super) const UNBIND: u32 = 6;
pub(super) const BIND_TRANSCEIVER: u32 = 9;
pub(super) const ENQUIRE_LINK: u32 = 0x15;
/// What makes an answer of a request.
pub(super) const ANSWER: u32 = 0x8000_0000;

/// The largest PDU that is read.
const PDU_MAX: usize = 8 * 1_024;

impl Pdu {
    pub(super) fn answer(&self, status: u32, body: &[u8]) -> Self {
        Self {
            id: self.id | ANSWER,
            status,
            sequence: self.sequence,
            body: body.to_vec(),
        }
    }

    pub(super) fn write(&self, into: &mut Vec<u8>) {
        let length = u32::try_from(16 + self.body.len()).unwrap_or(u32::MAX);
        for word in [length, self.id, self.status, self.sequence] {
            into.extend_from_slice(&word.to_be_bytes());
        }
        into.extend_from_slice(&self.body);
    }

    /// The first whole PDU of what has arrived, and how long it was; an error where it can never be whole.
    pub(super) fn read(arrived: &[u8]) -> Result<Option<(Self, usize)>, ()> {
        let word = |at: usize| {
            arrived
                .get(at..at + 4)
                .map(|octets| u32::from_be_bytes([octets[0], octets[1], octets[2], octets[3]]))
        };
        let Some(length) = word(0) else { return Ok(None) };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if !(16..=PDU_MAX).contains(&length) {
            return Err(());
        }
        let (Some(id), Some(status), Some(sequence), Some(body)) =
            (word(4), word(8), word(12), arrived.get(16..length))
        else {
            return Ok(None);
        };
        let body = body.to_vec();
        Ok(Some((
            Self {
                id,
                status,
                sequence,
                body,
            },
            length,
        )))
    }
}

/// The fields of a bind.
pub(super) struct Bind {
    pub(super) system_id: String,
    pub(super) password: String,
    pub(super) interface_version: u8,
}

impl Bind {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut strings = body.splitn(4, |octet| *octet == 0);
        let mut text = || Some(String::from_utf8_lossy(strings.next()?).into_owned());
        let (system_id, password, _system_type) = (text()?, text()?, text()?);
        let interface_version = *strings.next()?.first()?;
        Some(Self {
            system_id,
            password,
            interface_version,
        })
    }
}

/// The fields of a submit_sm that a stand-in looks at.
pub(super) struct Submit {
    pub(super) source: String,
    pub(super) destination: String,
    pub(super) esm_class: u8,
    pub(super) validity: String,
    pub(super) registered_delivery: u8,
    pub(super) data_coding: u8,
    pub(super) message: Vec<u8>,
}

impl Submit {
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let mut at = 0;
        let mut text = |skip: usize| {
            let begin = at + skip;
            let end = begin + body.get(begin..)?.iter().position(|octet| *octet == 0)?;
            at = end + 1;
            Some(String::from_utf8_lossy(&body[begin..end]).into_owned())
        };
        let _service_type = text(0)?;
        let source = text(2)?;
        let destination = text(2)?;
        let esm_class = *body.get(at)?;
        let mut text = |skip: usize| {
            let begin = at + skip;
            let end = begin + body.get(begin..)?.iter().position(|octet| *octet == 0)?;
            at = end + 1;
            Some(String::from_utf8_lossy(&body[begin..end]).into_owned())
        };
        let _schedule = text(3)?;
        let validity = text(0)?;
        let flags = body.get(at..at + 5)?;
        let length = usize::from(flags[4]);
        let message = body.get(at + 5..at + 5 + length)?.to_vec();
        Some(Self {
            source,
            destination,
            esm_class,
            validity,
            registered_delivery: flags[0],
            data_coding: flags[2],
            message,
        })
    }
}

/// The body of a deliver_sm that carries a receipt.
pub(super) fn receipt_body(from: &str, to: &str, text: &str) -> Vec<u8> {
    let mut body = vec![0, 1, 1];
    body.extend_from_slice(from.as_bytes());
    body.extend_from_slice(&[0, 0, 1]);
    body.extend_from_slice(to.as_bytes());
    body.extend_from_slice(&[0, 0x04, 0, 0, 0, 0, 0, 0, 0, 0]);
    body.push(u8::try_from(text.len()).unwrap_or(u8::MAX));
    body.extend(text.bytes().take(usize::from(u8::MAX)));
    body
}
