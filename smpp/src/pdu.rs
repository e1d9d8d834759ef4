//! The few PDUs of SMPP 3.4 that an ESME needs: written byte by byte, so that nothing of a message is left unwiped, and read leniently, so
//! that a vendor's oddity in one PDU does not end a bind and all that waits on it.

use bytes::{Buf, BytesMut};
use sms::segment::Alphabet;
use zeroize::Zeroizing;

/// The octets before every body.
const HEADER: usize = 16;
/// The largest PDU that is taken. A deliver_sm with a payload of 64 KiB is the largest that the standard knows; receipts have 200 octets.
const PDU_MAX: usize = 66 * 1_024;

const GENERIC_NACK: u32 = 0x8000_0000;
const SUBMIT_SM: u32 = 0x0000_0004;
const SUBMIT_SM_RESP: u32 = 0x8000_0004;
const DELIVER_SM: u32 = 0x0000_0005;
const DELIVER_SM_RESP: u32 = 0x8000_0005;
const UNBIND: u32 = 0x0000_0006;
const UNBIND_RESP: u32 = 0x8000_0006;
const BIND_RECEIVER: u32 = 0x0000_0001;
const BIND_RECEIVER_RESP: u32 = 0x8000_0001;
const BIND_TRANSMITTER: u32 = 0x0000_0002;
const BIND_TRANSMITTER_RESP: u32 = 0x8000_0002;
const BIND_TRANSCEIVER: u32 = 0x0000_0009;
const BIND_TRANSCEIVER_RESP: u32 = 0x8000_0009;
const ENQUIRE_LINK: u32 = 0x0000_0015;
const ENQUIRE_LINK_RESP: u32 = 0x8000_0015;

/// SMPP 3.4 (5.2.4); a client that says 5.0 meets operators that refuse the bind.
const INTERFACE_VERSION: u8 = 0x34;
/// One receipt, when the fate is final (5.2.17); more bits would ask for acknowledgements of the phone and news on the way.
const RECEIPT_WANTED: u8 = 0x01;
/// The text begins with a header (5.2.12). All other bits are 0: the operator's own mode, an ordinary message.
const HEADED: u8 = 0x40;
/// A deliver_sm that is a receipt: bits 5 to 2 are 0001 (5.2.12).
const KIND_MASK: u8 = 0x3c;
const KIND_RECEIPT: u8 = 0x04;

/// TLVs that a receipt may carry (5.3.2).
const RECEIPTED_MESSAGE_ID: u16 = 0x001e;
const MESSAGE_PAYLOAD: u16 = 0x0424;
const MESSAGE_STATE: u16 = 0x0427;

/// What an operator sends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// The answer to a bind.
    Bound { status: u32 },
    /// The answer to a submit_sm.
    Submitted { sequence: u32, status: u32, id: String },
    /// A message, or a receipt; `None` where it cannot be read.
    Deliver { sequence: u32, deliver: Option<Deliver> },
    /// Whether we are there.
    EnquireLink { sequence: u32 },
    /// That the operator is there.
    EnquireLinkResp,
    /// The operator ends the bind.
    Unbind { sequence: u32 },
    /// The operator agrees to its end.
    UnbindResp,
    /// The operator understood nothing.
    Nack { sequence: u32, status: u32 },
    /// A request that no ESME of ours takes.
    Strange { sequence: u32 },
    /// An answer to a question that was not asked.
    Idle,
}

/// The part of a deliver_sm that matters here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Deliver {
    pub(crate) is_receipt: bool,
    pub(crate) text: String,
    pub(crate) receipted_id: Option<String>,
    pub(crate) state: Option<u8>,
}

/// A length that no PDU has: the stream is lost.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct BadLength;

/// Takes the next whole PDU out of what has arrived.
pub(crate) fn take(inbox: &mut BytesMut) -> Result<Option<Incoming>, BadLength> {
    let Some(length) = inbox.get(..4) else {
        return Ok(None);
    };
    let length = u32::from_be_bytes(length.try_into().expect("four octets"));
    let length = usize::try_from(length).map_err(|_| BadLength)?;
    if !(HEADER..=PDU_MAX).contains(&length) {
        return Err(BadLength);
    }
    if inbox.len() < length {
        return Ok(None);
    }
    let mut pdu = inbox.split_to(length);
    pdu.advance(4);
    let (id, status, sequence) = (pdu.get_u32(), pdu.get_u32(), pdu.get_u32());
    Ok(Some(match id {
        BIND_TRANSCEIVER_RESP | BIND_TRANSMITTER_RESP | BIND_RECEIVER_RESP => Incoming::Bound { status },
        SUBMIT_SM_RESP => Incoming::Submitted {
            sequence,
            status,
            // Absent where the status is an error; without its end, or no ASCII, with some vendors.
            id: text(until_nul(&pdu)),
        },
        DELIVER_SM => Incoming::Deliver {
            sequence,
            deliver: read_deliver(&pdu),
        },
        ENQUIRE_LINK => Incoming::EnquireLink { sequence },
        ENQUIRE_LINK_RESP => Incoming::EnquireLinkResp,
        UNBIND => Incoming::Unbind { sequence },
        UNBIND_RESP => Incoming::UnbindResp,
        GENERIC_NACK => Incoming::Nack { sequence, status },
        request if request & 0x8000_0000 == 0 => Incoming::Strange { sequence },
        _ => Incoming::Idle,
    }))
}

fn read_deliver(body: &[u8]) -> Option<Deliver> {
    let mut reader = Reader(body);
    reader.c_string()?; // service_type
    for _ in 0..2 {
        // The two addresses, each with its type and plan.
        reader.octets(2)?;
        reader.c_string()?;
    }
    let esm_class = reader.octet()?;
    reader.octets(2)?; // protocol_id, priority_flag
    reader.c_string()?; // schedule_delivery_time
    reader.c_string()?; // validity_period
    reader.octets(2)?; // registered_delivery, replace_if_present_flag
    let data_coding = reader.octet()?;
    reader.octet()?; // sm_default_msg_id
    let length = reader.octet()?;
    let mut message = reader.octets(usize::from(length))?;
    let (mut receipted_id, mut state) = (None, None);
    // TLVs that break off say nothing, and what was read before them still does.
    while let Some((tag, value)) = reader.tlv() {
        match (tag, value) {
            (RECEIPTED_MESSAGE_ID, value) => {
                receipted_id = Some(text(until_nul(value)));
            }
            (MESSAGE_STATE, [value]) => state = Some(*value),
            (MESSAGE_PAYLOAD, value) if message.is_empty() => message = value,
            _ => {}
        }
    }
    if esm_class & HEADED != 0 {
        let header = usize::from(*message.first()?) + 1;
        message = message.get(header..)?;
    }
    Some(Deliver {
        is_receipt: esm_class & KIND_MASK == KIND_RECEIPT,
        text: if data_coding == 8 {
            utf16(message)
        } else {
            text(message)
        },
        receipted_id,
        state,
    })
}

/// ASCII or Latin-1: every octet is a character.
fn text(octets: &[u8]) -> String {
    octets.iter().map(|octet| char::from(*octet)).collect()
}

fn until_nul(octets: &[u8]) -> &[u8] {
    octets.split(|octet| *octet == 0).next().unwrap_or_default()
}

fn utf16(octets: &[u8]) -> String {
    let units = octets
        .chunks_exact(2)
        .map(|pair| u16::from_be_bytes([pair[0], pair[1]]));
    char::decode_utf16(units)
        .map(|unit| unit.unwrap_or('\u{fffd}'))
        .collect()
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn octets(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn octet(&mut self) -> Option<u8> {
        self.octets(1).map(|octets| octets[0])
    }

    fn c_string(&mut self) -> Option<&'a [u8]> {
        let end = self.0.iter().position(|octet| *octet == 0)?;
        let taken = self.octets(end + 1)?;
        Some(&taken[..end])
    }

    fn tlv(&mut self) -> Option<(u16, &'a [u8])> {
        let head = self.octets(4)?;
        let tag = u16::from_be_bytes([head[0], head[1]]);
        let length = u16::from_be_bytes([head[2], head[3]]);
        Some((tag, self.octets(usize::from(length))?))
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Messages and receipts.
    Transceiver,
    /// Messages.
    Transmitter,
    /// Receipts.
    Receiver,
}

/// Who binds.
pub(crate) struct Bind<'a> {
    pub(crate) role: Role,
    pub(crate) system_id: &'a str,
    pub(crate) password: &'a str,
    pub(crate) system_type: &'a str,
}

/// Writes a bind.
pub(crate) fn bind(into: &mut Vec<u8>, sequence: u32, bind: &Bind<'_>) {
    let id = match bind.role {
        Role::Transceiver => BIND_TRANSCEIVER,
        Role::Transmitter => BIND_TRANSMITTER,
        Role::Receiver => BIND_RECEIVER,
    };
    framed(into, id, 0, sequence, |into| {
        for value in [bind.system_id, bind.password, bind.system_type] {
            c_string(into, value);
        }
        // Version, type and plan of the addresses that are served, and no range of them.
        into.extend_from_slice(&[INTERFACE_VERSION, 0, 0, 0]);
    });
}

/// One part of a message.
pub(crate) struct Part<'a> {
    pub(crate) source: (&'a str, u8, u8),
    /// Digits, country code first.
    pub(crate) destination: &'a str,
    pub(crate) validity_seconds: u32,
    pub(crate) alphabet: Alphabet,
    /// The header, where the message has several parts.
    pub(crate) header: Option<[u8; 6]>,
    pub(crate) text: &'a [u8],
}

/// The body of a submit_sm; wiped when it is dropped.
pub(crate) fn submit_body(part: &Part<'_>) -> Zeroizing<Vec<u8>> {
    // Reserved at once, so that no copy is left behind by growing: addresses, times and flags have 75 octets at most.
    let mut body = Zeroizing::new(Vec::with_capacity(128 + part.text.len()));
    let (source, ton, npi) = part.source;
    body.push(0); // service_type: the operator's default
    body.extend_from_slice(&[ton, npi]);
    c_string(&mut body, source);
    body.extend_from_slice(&[1, 1]); // an international number of the ISDN plan
    c_string(&mut body, part.destination);
    body.push(if part.header.is_some() { HEADED } else { 0 });
    body.extend_from_slice(&[0, 0, 0]); // protocol_id, priority_flag, no schedule
    c_string(
        &mut body,
        &sms::operators::smpp::relative_time(part.validity_seconds),
    );
    let data_coding = match part.alphabet {
        Alphabet::Gsm7 => 0,
        Alphabet::Ucs2 => 8,
    };
    body.extend_from_slice(&[RECEIPT_WANTED, 0, data_coding, 0]);
    let header = part.header.as_ref().map_or(&[][..], |header| header);
    let length = header.len() + part.text.len();
    body.push(u8::try_from(length).expect("a part has 160 octets at most"));
    body.extend_from_slice(header);
    body.extend_from_slice(part.text);
    body
}

/// Writes a submit_sm.
pub(crate) fn submit(into: &mut Vec<u8>, sequence: u32, body: &[u8]) {
    framed(into, SUBMIT_SM, 0, sequence, |into| into.extend_from_slice(body));
}

/// Writes the answer to a deliver_sm; its message_id is unused and empty (4.6.2).
pub(crate) fn deliver_resp(into: &mut Vec<u8>, sequence: u32, status: u32) {
    framed(into, DELIVER_SM_RESP, status, sequence, |into| into.push(0));
}

/// Writes an enquire_link.
pub(crate) fn enquire_link(into: &mut Vec<u8>, sequence: u32) {
    framed(into, ENQUIRE_LINK, 0, sequence, |_| {});
}

/// Writes the answer to one.
pub(crate) fn enquire_link_resp(into: &mut Vec<u8>, sequence: u32) {
    framed(into, ENQUIRE_LINK_RESP, 0, sequence, |_| {});
}

/// Writes an unbind.
pub(crate) fn unbind(into: &mut Vec<u8>, sequence: u32) {
    framed(into, UNBIND, 0, sequence, |_| {});
}

/// Writes the answer to one.
pub(crate) fn unbind_resp(into: &mut Vec<u8>, sequence: u32) {
    framed(into, UNBIND_RESP, 0, sequence, |_| {});
}

/// Writes that a request was not understood: ESME_RINVCMDID.
pub(crate) fn nack(into: &mut Vec<u8>, sequence: u32) {
    framed(into, GENERIC_NACK, 0x03, sequence, |_| {});
}

fn framed(into: &mut Vec<u8>, id: u32, status: u32, sequence: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let begin = into.len();
    for word in [0, id, status, sequence] {
        into.extend_from_slice(&u32::to_be_bytes(word));
    }
    body(into);
    let length = u32::try_from(into.len() - begin).expect("a PDU of ours has a few hundred octets");
    into[begin..begin + 4].copy_from_slice(&length.to_be_bytes());
}

fn c_string(into: &mut Vec<u8>, value: &str) {
    into.extend_from_slice(value.as_bytes());
    into.push(0);
}

#[cfg(test)]
mod tests;
