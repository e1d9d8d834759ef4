//! The document that a plan becomes: identifier, number, moment, head, and its octets.

use super::super::answer::{DocumentKind, Refusal};
use super::super::away::{Begin, offline_document};
use super::super::command::Order;
use super::super::kyiv;
use super::accept::comment;
use super::plan::Plan;
use super::turn::Turn;
use chrono::NaiveDateTime;
use fiscal::document::{Document, Head, Kind, Register};
use fiscal::offline::Planned;
use fiscal::{DocumentHash, FiscalNumber, LocalMoment, LocalNumber, Uid};

/// A document that was made.
pub(super) struct Made {
    pub(super) document: Document,
    pub(super) xml: Vec<u8>,
    pub(super) place: Option<Planned>,
}

impl Turn {
    /// Makes it; nothing of it changes from here on.
    pub(super) fn make(&self, plan: &Plan) -> Result<Made, Refusal> {
        let local_number = self
            .core()
            .next
            .ok_or(Refusal::Manual(super::super::answer::ManualReason::NoRemedy))?;
        let local = kyiv::local(self.now.wall);
        let issued = self.core().last_issued.map_or(local, |last| last.max(local));
        let mut head = self.head(&plan.signer.name, self.uid(), local_number, moment(issued)?)?;
        let away = self.core().away.as_ref();
        let place = away
            .map(|away| away.chain.plan(offline_document(&plan.kind), issued))
            .transpose()
            .map_err(|error| Refusal::Document(error.to_string()))?;
        if let Some(place) = &place {
            head = placed(head, place);
            head.testing &= !matches!(plan.name, DocumentKind::OfflineBegin | DocumentKind::OfflineEnd);
        }
        head.notes.comment.clone_from(&plan.comment);
        let (document, xml) = written(Document {
            head,
            kind: plan.kind.clone(),
        })?;
        Ok(Made { document, xml, place })
    }

    /// The session's first document once more, under its number and identifier.
    pub(super) fn begin_xml(&self, begin: &Begin, revokes: bool) -> Result<Vec<u8>, Refusal> {
        let local_number = LocalNumber::new(begin.place.local_number.get()).map_err(|_| Refusal::Clock)?;
        let (uid, issued) = (begin.uid.clone(), moment(begin.place.moment)?);
        let head = self.head(&begin.signer.name, uid, local_number, issued)?;
        let mut head = placed(head, &begin.place);
        head.testing = false;
        let kind = Kind::OfflineBegin {
            revoke_last_online: revokes,
        };
        written(Document { head, kind }).map(|(_, xml)| xml)
    }

    fn head(
        &self,
        cashier: &str,
        uid: Uid,
        local_number: LocalNumber,
        issued: LocalMoment,
    ) -> Result<Head, Refusal> {
        let Some(profile) = &self.core().profile else {
            return Err(Refusal::Document(
                "nothing is known of the register's owner".to_owned(),
            ));
        };
        let register = Register {
            cash_desk: profile.cash_desk,
            number: self.book.number,
        };
        let is_testing = self
            .core()
            .phase
            .shift()
            .map_or(profile.is_testing, |shift| shift.is_testing);
        let mut head =
            Head::new(uid, profile.seller.seller(), register, issued, local_number).with_cashier(cashier);
        head.testing = is_testing;
        Ok(head)
    }

    /// The body in a document's XML, to be kept until its turn; also the proof, before anything is remembered, that a document can carry it.
    pub(super) fn body_xml(&self, order: &Order, kind: Kind) -> Result<Vec<u8>, Refusal> {
        let issued = LocalMoment::new(kyiv::local(self.now.wall)).map_err(|_| Refusal::Clock)?;
        let first = self
            .core()
            .next
            .or(LocalNumber::new(1).ok())
            .ok_or(Refusal::Clock)?;
        let mut head = self.head(&order.signer.name, self.uid(), first, issued)?;
        head.notes.comment = comment(&order.request);
        written(Document { head, kind }).map(|(_, xml)| xml)
    }

    pub(super) fn uid(&self) -> Uid {
        let text = self.draw.uid.to_string().to_uppercase();
        Uid::new(text).expect("a UUID is 36 visible characters")
    }
}

fn moment(local: NaiveDateTime) -> Result<LocalMoment, Refusal> {
    LocalMoment::new(local).map_err(|_| Refusal::Clock)
}

/// A head with its offline number, and the hash of the document before it.
fn placed(head: Head, place: &Planned) -> Head {
    let number = FiscalNumber::new(place.number.to_string()).expect("digits and points are visible");
    head.offline(
        number,
        place.previous_hash.map(|hash| DocumentHash(*hash.octets())),
    )
}

fn written(document: Document) -> Result<(Document, Vec<u8>), Refusal> {
    let xml = document
        .to_xml()
        .map_err(|error| Refusal::Document(super::finish::cut(&error.to_string())))?;
    Ok((document, xml))
}
