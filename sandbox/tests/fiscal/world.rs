//! The machine alone: no HTTP, no cryptography, time as the documents have it.

use crate::documents::*;
use chrono::{DateTime, TimeZone, Utc};
use fiscal::numbers::OfflineSession;
use fiscal::{CashDeskNumber, Document, FiscalNumber, Rejection};
use sandbox::fiscal::machine::{Arrival, Event, Machine, Opened, Signatures, Who};
use sandbox::fiscal::{Company, Operator, Register, Settings, Unit};

/// A message is a line that says who signed, and the content.
pub(crate) struct PlainSignatures;

impl Signatures for PlainSignatures {
    fn open(&self, signed: &[u8], _: DateTime<Utc>) -> Result<Opened, String> {
        let end = signed
            .iter()
            .position(|octet| *octet == b'\n')
            .ok_or("немає підпису")?;
        let signer = serde_json::from_slice(&signed[..end]).map_err(|error| error.to_string())?;
        Ok(Opened {
            content: signed[end + 1..].to_vec(),
            signer,
        })
    }
}

pub(crate) fn sign(signer: &Who, content: &[u8]) -> Vec<u8> {
    let mut signed = serde_json::to_vec(signer).unwrap();
    signed.push(b'\n');
    signed.extend_from_slice(content);
    signed
}

pub(crate) fn who(key_id: &str, tax_number: &str) -> Who {
    Who {
        name: format!("Вигаданенко {key_id}"),
        tax_number: Some(tax_number.to_owned()),
        company_code: None,
        key_id: key_id.to_owned(),
    }
}

pub(crate) fn cashier() -> Who {
    who("aa", TAX_NUMBER)
}

pub(crate) fn other_cashier() -> Who {
    who("bb", TAX_NUMBER)
}

pub(crate) fn chief() -> Who {
    who("cc", TAX_NUMBER)
}

pub(crate) fn stranger() -> Who {
    who("dd", TAX_NUMBER)
}

pub(crate) fn foreigner() -> Who {
    who("ee", OTHER_TAX_NUMBER)
}

fn register(register: u64, desk: u64) -> Register {
    Register {
        number: number(register),
        cash_desk: CashDeskNumber::new(desk).unwrap(),
        name: format!("Каса {desk}"),
    }
}

fn operator(subject_key_id: &str, chief: bool) -> Operator {
    Operator {
        subject_key_id: subject_key_id.to_owned(),
        chief,
    }
}

pub(crate) fn settings() -> Settings {
    let seller = seller();
    let unit = |registers| Unit {
        id: 7,
        name: seller.point.clone(),
        address: seller.address.clone(),
        registers,
    };
    let shop = Company {
        tax_number: TAX_NUMBER.to_owned(),
        vat_number: seller.vat_number.clone(),
        name: seller.organisation.clone(),
        units: vec![unit(vec![register(REGISTER, 1), register(SECOND_REGISTER, 2)])],
        operators: vec![operator("AA", false), operator("bb", false), operator("cc", true)],
    };
    let other = Company {
        tax_number: OTHER_TAX_NUMBER.to_owned(),
        units: vec![unit(vec![register(FOREIGN_REGISTER, 1)])],
        operators: vec![operator("ee", false)],
        ..shop.clone()
    };
    Settings {
        companies: vec![shop, other],
        ..Settings::default()
    }
}

/// A machine, and requests to it.
pub(crate) struct World {
    pub(crate) machine: Machine,
    pub(crate) now: DateTime<Utc>,
}

impl World {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            machine: Machine::new(settings).unwrap(),
            now: Utc.with_ymd_and_hms(2026, 2, 5, 10, 0, 0).unwrap(),
        }
    }

    pub(crate) fn arrival(&self) -> Arrival {
        Arrival {
            at: self.now,
            chance: 42,
        }
    }

    /// Sends a document and gives its number.
    pub(crate) fn send(&mut self, document: &Document, signer: &Who) -> Result<FiscalNumber, Rejection> {
        self.send_signed(&sign(signer, &document.to_xml().unwrap()))
    }

    pub(crate) fn send_signed(&mut self, signed: &[u8]) -> Result<FiscalNumber, Rejection> {
        let event = self.machine.document(signed, &PlainSignatures, self.arrival());
        let event = event.map_err(|refusal| refusal.rejection)?;
        self.machine.apply(&event);
        let Event::Documents { documents, .. } = event else {
            panic!("a document is no other event");
        };
        Ok(documents[0].fiscal_number.clone())
    }

    /// The due document of this kind, by the cashier; it must be accepted.
    pub(crate) fn accept(&mut self, kind: fiscal::Kind) -> FiscalNumber {
        let document = document(self.next(), kind);
        self.send(&document, &cashier()).unwrap()
    }

    pub(crate) fn next(&self) -> u64 {
        let book = self.machine.book(number(REGISTER));
        book.map_or(1, |book| book.next_local_number().get())
    }

    pub(crate) fn session(&self) -> OfflineSession {
        let book = self.machine.book(number(REGISTER)).unwrap();
        book.session.clone().unwrap()
    }

    pub(crate) fn package(&mut self, documents: &[Vec<u8>], sender: &Who) -> Result<Event, Rejection> {
        let documents: Vec<&[u8]> = documents.iter().map(Vec::as_slice).collect();
        let event = self
            .machine
            .package_of(&documents, sender, &PlainSignatures, self.arrival())?;
        self.machine.apply(&event);
        Ok(event)
    }
}
