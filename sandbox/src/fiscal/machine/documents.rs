//! One document that comes online.

use super::book::{Accepted, Book};
use super::check::{self, Candidate};
use super::refusal::{Refusal, TicketHead, invalid};
use super::registry::{Access, Place};
use super::{Arrival, Event, Machine, NewOperator, Signatures};
use crate::fiscal::settings::Operator;
use fiscal::document::Mode;
use fiscal::{Document, FiscalNumber, Kind, Rejection};
use std::sync::Arc;

impl Machine {
    /// Decides about a signed document that was sent to `/fs/doc`.
    ///
    /// # Errors
    /// [`Refusal`], with what a ticket says of the document when it could be read.
    pub fn document(
        &self,
        signed: &[u8],
        signatures: &dyn Signatures,
        arrival: Arrival,
    ) -> Result<Event, Refusal> {
        let accepted = read(signed, signatures, arrival, self.fiscal_number())?;
        self.decide(&accepted, arrival).map_err(|rejection| Refusal {
            rejection,
            document: Some(TicketHead::of(&accepted.document)),
        })
    }

    fn decide(&self, accepted: &Accepted, arrival: Arrival) -> Result<Event, Rejection> {
        let (place, access) = self.admit(accepted)?;
        let document = Arc::clone(&accepted.document);
        let fresh = Book::default();
        let book = self.books.get(&place.register.number).unwrap_or(&fresh);
        check::check_local_number(book.next_local_number(), &document)?;
        check_online(book, &document)?;
        check::check_clock(self.settings.document_clock_minutes_max, &document, arrival.at)?;
        book.check(&Candidate {
            accepted,
            place,
            access,
        })?;
        // A session is used once; one that was not used yet stays the register's.
        let opens = matches!(document.kind, Kind::OpenShift);
        let session = (opens && book.session.is_none()).then(|| self.new_session(arrival));
        Ok(Event::Documents {
            register: place.register.number,
            documents: vec![accepted.clone()],
            session,
            operators: new_operator(&place, access, accepted).into_iter().collect(),
        })
    }

    /// Codes 1, 3 and 2: the register, its taxpayer, and whether the signer has access.
    pub(super) fn admit(&self, accepted: &Accepted) -> Result<(Place<'_>, Access), Rejection> {
        let place = self.registry.place(accepted.document.head.register.number)?;
        check::check_tax_number(&place, &accepted.document)?;
        let access = self.registry.access(place.company, &accepted.signer)?;
        Ok((place, access))
    }
}

/// The operator that a first use makes.
pub(super) fn new_operator(place: &Place<'_>, access: Access, accepted: &Accepted) -> Option<NewOperator> {
    access.new.then(|| NewOperator {
        tax_number: place.company.tax_number.clone(),
        operator: Operator {
            subject_key_id: accepted.signer.key_id.clone(),
            chief: false,
        },
    })
}

/// Opens and reads a document. An offline one brings its number along.
pub(super) fn read(
    signed: &[u8],
    signatures: &dyn Signatures,
    arrival: Arrival,
    next: FiscalNumber,
) -> Result<Accepted, Rejection> {
    let opened = signatures.open(signed, arrival.at).map_err(invalid)?;
    let document = Document::from_xml(&opened.content)
        .map_err(|error| invalid(format!("Помилка перевірки документа за схемою: {error}")))?;
    let fiscal_number = match &document.head.mode {
        Mode::Online { .. } => next,
        Mode::Offline { fiscal_number, .. } => fiscal_number.clone(),
    };
    Ok(Accepted {
        document: Arc::new(document),
        content: opened.content.into(),
        signed: signed.into(),
        signer: Arc::new(opened.signer),
        fiscal_number,
        at: arrival.at,
    })
}

fn check_online(book: &Book, document: &Document) -> Result<(), Rejection> {
    if matches!(document.head.mode, Mode::Offline { .. }) {
        return Err(invalid(
            "Офлайн документ приймається лише в пакеті офлайн документів",
        ));
    }
    if document.head.mode.fiscal_number().is_some() || document.head.marks != Default::default() {
        return Err(invalid(
            "Фіскальний номер та ознаки REVOKED і STORNED онлайн документа встановлює сервер",
        ));
    }
    if book.chain.is_some() {
        return Err(invalid(
            "Офлайн сесію не завершено: очікується пакет офлайн документів",
        ));
    }
    Ok(())
}
