//! A package of offline documents: all of it is accepted, or nothing.

use super::book::{Accepted, Book, Who, link, offline_kind};
use super::check::{self, Candidate};
use super::documents::{new_operator, read};
use super::refusal::{invalid, refuse};
use super::registry::Place;
use super::{Arrival, Event, Machine, NewOperator, Signatures, issued};
use chrono::{NaiveDateTime, TimeDelta};
use fiscal::document::Mode;
use fiscal::offline::{self, ChainError, Fault, Month, OfflineChain, PackageLimits};
use fiscal::{Document, ErrorCode, Kind, RegisterNumber, Rejection};

/// What is said of documents that do not come from a session.
const NOT_OFFLINE: &str = "Документ не є офлайн документом";

impl Machine {
    /// Decides about a signed package that was sent to `/fs/pck`.
    ///
    /// # Errors
    /// A refusal of the package (code 10, with the index of the document at fault, from 0), of its signature (9), or of its sender (1, 2, 3).
    pub fn package(
        &self,
        signed: &[u8],
        signatures: &dyn Signatures,
        arrival: Arrival,
    ) -> Result<Event, Rejection> {
        let opened = signatures.open(signed, arrival.at).map_err(invalid)?;
        let limits = PackageLimits {
            documents_max: self.settings.package_documents_max,
            octets_max: self.settings.package_bytes_max,
        };
        let documents = offline::parse(&opened.content, limits)
            .map_err(|error| broken(format!("Пакет офлайн документів неможливо прочитати: {error}")))?;
        self.package_of(&documents, &opened.signer, signatures, arrival)
    }

    /// Decides about the documents of a package, in their order.
    ///
    /// # Errors
    /// As [`Machine::package`].
    pub fn package_of(
        &self,
        documents: &[&[u8]],
        sender: &Who,
        signatures: &dyn Signatures,
        arrival: Arrival,
    ) -> Result<Event, Rejection> {
        if documents.is_empty() {
            return Err(broken("Пакет офлайн документів порожній"));
        }
        if documents.len() > self.settings.package_documents_max {
            return Err(broken(format!(
                "Кількість документів у пакеті перевищує {}",
                self.settings.package_documents_max
            )));
        }
        let mut walk = Walk::default();
        for (index, signed) in documents.iter().enumerate() {
            let number = self.fiscal_number();
            read(signed, signatures, arrival, number)
                .and_then(|accepted| self.follow(&mut walk, accepted, sender))
                .map_err(|rejection| at(index, &rejection))?;
        }
        let register = walk.register.expect("a package of documents has a register");
        self.check_sender(register, sender, &walk)?;
        Ok(Event::Documents {
            register,
            documents: walk.accepted,
            session: walk.ended.then(|| self.new_session(arrival)),
            operators: walk.operators,
        })
    }

    /// One document of the package, after those before it.
    fn follow(&self, walk: &mut Walk, accepted: Accepted, sender: &Who) -> Result<(), Rejection> {
        let document = &*accepted.document;
        let (place, access) = self.admit(&accepted)?;
        let register = place.register.number;
        if *walk.register.get_or_insert(register) != register {
            return Err(invalid("Усі документи пакета повинні належати одному ПРРО"));
        }
        let book = walk
            .book
            .get_or_insert_with(|| self.books.get(&register).cloned().unwrap_or_default());
        // Only the beginning of a session drops a document: all else is held against the book as it is.
        let mut revoked = None;
        let base = match document.kind {
            Kind::OfflineBegin {
                revoke_last_online: true,
            } => &*revoked.insert(book.with_last_revoked()?),
            _ => &*book,
        };
        check::check_local_number(base.next_local_number(), document)?;
        if !matches!(document.head.mode, Mode::Offline { .. }) {
            return Err(invalid(NOT_OFFLINE));
        }
        let chain = base.followed(&accepted)?;
        self.check_limits(base, &chain, document)?;
        base.check(&Candidate {
            accepted: &accepted,
            place,
            access,
        })?;
        walk.of_others |= !accepted.signer.is_same(sender);
        if let Some(new) = new_operator(&place, access, &accepted).filter(|new| !walk.operators.contains(new))
        {
            walk.operators.push(new);
        }
        walk.ended |= matches!(document.kind, Kind::OfflineEnd);
        book.take(&accepted);
        walk.accepted.push(accepted);
        Ok(())
    }

    /// A package is signed by who signed its documents, or by a senior cashier.
    fn check_sender(&self, register: RegisterNumber, sender: &Who, walk: &Walk) -> Result<(), Rejection> {
        let Place { company, .. } = self.registry.place(register)?;
        let access = self.registry.access(company, sender)?;
        if access.chief || !walk.of_others {
            return Ok(());
        }
        Err(broken(
            "Пакет повинен бути підписаний касиром його документів або старшим касиром",
        ))
    }

    /// 36 hours of a session and 168 of a month, from its first document to a receipt or a Z.
    fn check_limits(&self, book: &Book, chain: &OfflineChain, document: &Document) -> Result<(), Rejection> {
        let Some(begun) = chain.begun() else {
            return Err(invalid(NOT_OFFLINE));
        };
        let until = issued(document);
        if !offline_kind(document).is_financial() {
            return Ok(());
        }
        let max = |minutes: u32| TimeDelta::minutes(i64::from(minutes));
        let session = max(self.settings.offline_session_minutes_max);
        if until - begun > session {
            return Err(invalid(format!(
                "Перевищено максимальну тривалість офлайн сесії {} годин",
                session.num_hours()
            )));
        }
        let month_max = max(self.settings.offline_month_minutes_max);
        for month in months(begun, until) {
            let others: TimeDelta = book.ended_in(month);
            if others + offline::in_month(begun, until, month) > month_max {
                return Err(invalid(format!(
                    "Перевищено максимальну тривалість офлайн сесій за календарний місяць {} годин",
                    month_max.num_hours()
                )));
            }
        }
        Ok(())
    }
}

/// The months that a session lies in: at most two, for it is shorter than any.
fn months(begun: NaiveDateTime, until: NaiveDateTime) -> impl Iterator<Item = Month> {
    let (first, last) = (Month::of(begun), Month::of(until));
    std::iter::once(first).chain((last != first).then_some(last))
}

/// What the documents so far have come to.
#[derive(Default)]
struct Walk {
    register: Option<RegisterNumber>,
    book: Option<Book>,
    accepted: Vec<Accepted>,
    operators: Vec<NewOperator>,
    ended: bool,
    /// Whether another than the sender signed any of them.
    of_others: bool,
}

impl Book {
    /// The book without its last document, if that may be revoked: a receipt or a Z that came online.
    fn with_last_revoked(&self) -> Result<Self, Rejection> {
        let Some(last) = self.documents.last() else {
            return Err(invalid("Немає документа, який може бути відкликаний"));
        };
        let kind = &last.accepted.document.kind;
        let financial = offline_kind(&last.accepted.document).is_financial();
        if !financial || last.accepted.is_offline() {
            return Err(invalid(format!(
                "Останній документ поточної зміни {} має тип '{}' і не може бути відкликаний",
                last.accepted.fiscal_number,
                type_name(kind)
            )));
        }
        let mut book = self.clone();
        book.revoke_last();
        Ok(book)
    }

    /// The chain of the session with this document in it.
    fn followed(&self, accepted: &Accepted) -> Result<OfflineChain, Rejection> {
        let begins = matches!(accepted.document.kind, Kind::OfflineBegin { .. });
        let mut chain = match (&self.chain, begins) {
            (Some(_), true) => return Err(invalid("Попередню офлайн сесію не завершено")),
            (Some(chain), false) => chain.clone(),
            (None, false) => return Err(invalid("Офлайн сесію не розпочато")),
            (None, true) => {
                let session = self.session.clone();
                let session = session.ok_or_else(|| invalid("ПРРО не має ідентифікатора офлайн сесії"))?;
                self.new_chain(session, &accepted.document)
            }
        };
        let link =
            link(accepted).ok_or_else(|| invalid("Фіскальний номер офлайн документа має невірний формат"))?;
        chain.follow(&link).map_err(|fault| invalid(fault_text(&fault)))?;
        Ok(chain)
    }
}

fn fault_text(fault: &Fault) -> String {
    match fault {
        Fault::LocalNumber { expected, .. } => format!("Номер документа повинен дорівнювати {expected}"),
        Fault::PreviousHash { .. } => "PREVDOCHASH не дорівнює хешу попереднього документа".to_owned(),
        // The right control is a secret of whoever knows the seed.
        Fault::Number { given, .. } => {
            format!("Фіскальний номер офлайн документа {given} не дорівнює розрахованому")
        }
        Fault::Order(ChainError::TimeGoesBack { previous, given }) => {
            format!("Дата і час документа {given} передують даті і часу попереднього документа {previous}")
        }
        Fault::Order(error) => format!("Порядок документів офлайн сесії порушено: {error}"),
    }
}

/// The name of a type as the tax service's texts have it.
pub(super) fn type_name(kind: &Kind) -> &'static str {
    use fiscal::document::DocumentType as Type;
    match kind.codes() {
        None => "ZRep",
        Some((Type::SaleGoods, _)) => "SaleGoods",
        Some((Type::TransferFunds, _)) => "TransferFunds",
        Some((Type::CurrencyExchange, _)) => "CurrencyExchange",
        Some((Type::CashWithdrawal, _)) => "CashWithdrawal",
        Some((Type::Pawnshop, _)) => "Pawnshop",
        Some((Type::OpenShift, _)) => "OpenShift",
        Some((Type::CloseShift, _)) => "CloseShift",
        Some((Type::OfflineBegin, _)) => "OfflineBegin",
        Some((Type::OfflineEnd, _)) => "OfflineEnd",
    }
}

fn broken(text: impl Into<String>) -> Rejection {
    refuse(ErrorCode::PackageValidationError, text)
}

/// Code 10 of what is wrong with one document.
fn at(index: usize, rejection: &Rejection) -> Rejection {
    broken(format!(
        "Помилка перевірки документа пакета з індексом {index}: {} {}",
        rejection.code, rejection.text
    ))
}
