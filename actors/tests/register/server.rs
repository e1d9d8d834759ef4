//! The stand-in fiscal server's pure machine, over seals in place of signatures. It shares no rule with what is tested here: it counts every
//! shift anew, and refuses a receipt or a Z-report that does not add up.

use crate::till::{KEY, OTHER_KEY, register, unit};
use actors::ports::Asked;
use actors::testing::unseal;
use chrono::{DateTime, Utc};
use fiscal::command::{Answered, Request};
use fiscal::{Document, ErrorCode, FiscalNumber, OfflineSession, Rejection};
use sandbox::fiscal::machine::{Answer, Arrival, Machine, Opened, Refusal, Signatures, Who};
use sandbox::fiscal::{Company, Operator, Register, Settings, Unit};

/// The server's state.
#[derive(Clone)]
pub(crate) struct StandIn(Machine);

/// A registered document.
pub(crate) struct Found {
    pub(crate) document: Document,
    pub(crate) xml: Vec<u8>,
    pub(crate) number: FiscalNumber,
}

/// Opens seals: the signer's certificate has the taxpayer's code.
struct Seals;

impl Signatures for Seals {
    fn open(&self, signed: &[u8], _: DateTime<Utc>) -> Result<Opened, String> {
        let (key, content) = unseal(signed).ok_or_else(|| "немає підпису".to_owned())?;
        Ok(Opened {
            content: content.to_vec(),
            signer: who(&key),
        })
    }
}

fn who(key: &str) -> Who {
    Who {
        name: format!("Касир {key}"),
        tax_number: None,
        company_code: Some(unit().seller.tax_number),
        key_id: key.to_owned(),
    }
}

impl StandIn {
    /// A server that knows this unit as the directory does.
    pub(crate) fn of(unit: &crate::till::Unit) -> Self {
        let operator = |key: &str, chief| Operator {
            subject_key_id: key.to_owned(),
            chief,
        };
        let settings = Settings {
            companies: vec![Company {
                tax_number: unit.seller.tax_number.clone(),
                vat_number: unit.seller.vat_number.clone(),
                name: unit.seller.organisation.clone(),
                units: vec![Unit {
                    id: 7,
                    name: unit.seller.point.clone(),
                    address: unit.seller.address.clone(),
                    registers: vec![Register {
                        number: register(),
                        cash_desk: unit.cash_desk,
                        name: "Каса".to_owned(),
                    }],
                }],
                operators: vec![
                    operator(KEY, false),
                    operator(OTHER_KEY, true),
                    operator("cc03", false),
                ],
            }],
            ..Settings::default()
        };
        Self(Machine::new(settings).unwrap())
    }

    /// Registers a document, or refuses it.
    pub(crate) fn post(
        &mut self,
        signed: &[u8],
        at: DateTime<Utc>,
        chance: u64,
    ) -> Result<(FiscalNumber, Option<OfflineSession>, Vec<u8>), Rejection> {
        let event = match self.0.document(signed, &Seals, Arrival { at, chance }) {
            Ok(event) => event,
            Err(Refusal { rejection, .. }) => return Err(rejection),
        };
        self.0.apply(&event);
        let ticket = event.ticket().expect("a document has a ticket");
        let xml = ticket.to_xml().unwrap();
        Ok((ticket.fiscal_number.unwrap(), ticket.offline_session, xml))
    }

    /// Takes a package, or refuses it.
    pub(crate) fn package(
        &mut self,
        signed: &[u8],
        at: DateTime<Utc>,
        chance: u64,
    ) -> Result<Option<OfflineSession>, Rejection> {
        let event = self.0.package(signed, &Seals, Arrival { at, chance })?;
        self.0.apply(&event);
        Ok(event.package_answer().offline_session())
    }

    /// Documents that an offline session revoked.
    pub(crate) fn revoked(&self) -> Vec<Document> {
        let entries = self.0.book(register()).into_iter().flat_map(|book| &book.revoked);
        entries.map(|entry| (*entry.accepted.document).clone()).collect()
    }

    /// Answers a command.
    pub(crate) fn ask(&self, body: &[u8], is_signed: bool, at: DateTime<Utc>) -> Asked {
        let (signer, json) = match unseal(body).filter(|_| is_signed) {
            Some((key, json)) => (Some(who(&key)), json),
            None => (None, body),
        };
        let command = Request::from_json(json).unwrap().command;
        match self.0.command(&command, signer.as_ref(), at) {
            Ok(Answer::Json(json)) => Asked::Answer(json),
            Ok(Answer::SignedData(answer)) => Asked::Answer(serde_json(&answer)),
            Ok(Answer::Nothing) => Asked::Nothing,
            Ok(Answer::Signed(_)) => panic!("nobody asks for a signed document"),
            Err(rejection) => Asked::Rejected(rejection),
        }
    }

    /// Every registered document, in order.
    pub(crate) fn documents(&self) -> Vec<Found> {
        let entries = self
            .0
            .book(register())
            .into_iter()
            .flat_map(|book| &book.documents);
        let found = entries.map(|entry| Found {
            document: (*entry.accepted.document).clone(),
            xml: entry.accepted.content.to_vec(),
            number: entry.accepted.fiscal_number.clone(),
        });
        found.collect()
    }
}

fn serde_json(answer: &fiscal::command::DocumentAnswer) -> Vec<u8> {
    let answered = Answered {
        uid: None,
        timestamp: None,
        result: Ok(answer.clone()),
    };
    answered.to_json().unwrap()
}

/// A refusal by this code.
pub(crate) fn refusal(code: ErrorCode) -> Rejection {
    Rejection {
        code,
        text: "refused by script".to_owned(),
    }
}
