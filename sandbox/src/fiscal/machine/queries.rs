//! Commands that change nothing, and the one that changes only which device uses a register.

use super::answers::{
    Answer, class, document_entry, document_info, minutes, server_time, session_out, shift_out, totals_out,
};
use super::book::{Book, Entry, Shift, Who};
use super::refusal::refuse;
use super::registry::{Access, Place};
use super::{Event, Machine, NewOperator, visual};
use crate::fiscal::settings::Operator;
use chrono::{DateTime, NaiveDateTime, Utc};
use fiscal::command::{
    Command, DeviceId, DeviceRegister, DocumentAnswer, DocumentClass, DocumentExtQuery, DocumentForm,
    DocumentNumber, DocumentQuery, Documents, LastShiftTotals, Objects, Operators, RegisterState,
    ServerState, ServerTime, ShiftNumber, ShiftState, Shifts, StateQuery, TaxObject, UnitRegister,
    WhichShifts,
};
use fiscal::document::Mode;
use fiscal::offline::Month;
use fiscal::{DocumentResult, ErrorCode, LinkTime, RegisterNumber, Rejection, VerificationLink};

/// A register as one who may use it sees it.
struct View<'a> {
    place: Place<'a>,
    access: Access,
    book: Option<&'a Book>,
}

impl Machine {
    /// Answers a command. Those that send something ([`Command::SendDocument`], [`Command::SendOflPackage`],
    /// [`Command::DeviceRegister`]) have methods of their own.
    ///
    /// # Errors
    /// A refusal: 1, 2, 3, and 11 for a command that this is not for, or that must be signed and is not.
    pub fn command(
        &self,
        command: &Command,
        signer: Option<&Who>,
        at: DateTime<Utc>,
    ) -> Result<Answer, Rejection> {
        if let Command::ServerState = command {
            return Ok(Answer::json(&ServerState {}));
        }
        match command {
            Command::Check(query) => return self.signed_document(query, DocumentClass::Check),
            Command::CheckExt(query) => return Ok(self.document_in_form(query, DocumentClass::Check)),
            // The schemas are the tax service's own publication; a stand-in has none to give.
            Command::Schemas => return Ok(Answer::Nothing),
            _ => {}
        }
        let signer = signer.ok_or_else(|| invalid_query("Команда повинна бути підписана"))?;
        match command {
            Command::Objects => Ok(self.objects(signer)),
            Command::Operators => self.operators(signer),
            Command::TransactionsRegistrarState(query) => self.state(query, signer, at),
            Command::ZRep(query) => {
                self.view(query.register, signer)?;
                self.signed_document(query, DocumentClass::ZRep)
            }
            Command::ZRepExt(query) => Ok(self.document_in_form(query, DocumentClass::ZRep)),
            Command::Shifts(query) => {
                let view = self.view(query.register, signer)?;
                Ok(shifts(&view, &query.which))
            }
            Command::Documents(query) => {
                let view = self.view(query.register, signer)?;
                Ok(documents(&view, &query.shift))
            }
            Command::LastShiftTotals(query) => last_shift(&self.view(query.register, signer)?),
            Command::DocumentInfoByLocalNum(query) => {
                let view = self.view(query.register, signer)?;
                let found = view
                    .book
                    .and_then(|book| book.find(|entry| entry.local_number() == query.local_number));
                Ok(found.map_or(Answer::Nothing, |(entry, revoked)| {
                    Answer::json(&document_info(entry, revoked))
                }))
            }
            other => Err(invalid_query(format!(
                "Команда {} тут не виконується",
                other.name()
            ))),
        }
    }

    /// Which device uses a register: the first, or one that takes it over. The event is none when nothing changes.
    ///
    /// # Errors
    /// A refusal: 1, 2, 3.
    pub fn device(
        &self,
        query: &DeviceRegister,
        signer: &Who,
    ) -> Result<(DeviceId, Option<Event>), Rejection> {
        let view = self.view(query.register, signer)?;
        match view.book.and_then(|book| book.device.as_ref()) {
            Some(known) if *known == query.device || !query.forced => Ok((known.clone(), None)),
            _ => {
                let new = NewOperator {
                    tax_number: view.place.company.tax_number.clone(),
                    operator: Operator {
                        subject_key_id: signer.key_id.clone(),
                        chief: false,
                    },
                };
                let event = Event::Device {
                    register: query.register,
                    device: query.device.clone(),
                    operators: view.access.new.then_some(new).into_iter().collect(),
                };
                Ok((query.device.clone(), Some(event)))
            }
        }
    }

    fn view(&self, register: RegisterNumber, signer: &Who) -> Result<View<'_>, Rejection> {
        let place = self.registry.place(register)?;
        let access = self.registry.access(place.company, signer)?;
        Ok(View {
            place,
            access,
            book: self.books.get(&register),
        })
    }

    fn objects(&self, signer: &Who) -> Answer {
        let companies = self.registry.companies_of(signer);
        let units: Vec<TaxObject> = companies
            .flat_map(|company| {
                let chief = self
                    .registry
                    .operator(company, signer)
                    .is_some_and(|known| known.chief);
                company.units.iter().map(move |unit| (company, unit, chief))
            })
            .map(|(company, unit, chief_cashier)| TaxObject {
                entity: unit.id,
                guid: format!("00000000-0000-0000-0000-{:012}", unit.id),
                id: unit.id,
                single_tax: false,
                name: unit.name.clone(),
                address: unit.address.clone(),
                tax_number: company.tax_number.clone(),
                vat_number: company.vat_number.clone(),
                organisation: company.name.clone(),
                chief_cashier,
                registers: unit
                    .registers
                    .iter()
                    .map(|register| UnitRegister {
                        number: register.number,
                        cash_desk: register.cash_desk,
                        name: register.name.clone(),
                        closed: false,
                    })
                    .collect(),
            })
            .collect();
        if units.is_empty() {
            return Answer::Nothing;
        }
        Answer::json(&Objects { units })
    }

    fn operators(&self, signer: &Who) -> Result<Answer, Rejection> {
        let company = self.registry.companies_of(signer).next();
        let company = company.ok_or_else(|| {
            refuse(
                ErrorCode::InvalidTin,
                "Код платника в сертифікаті підписувача не зареєстрований",
            )
        })?;
        let operators = company.operators.iter().enumerate();
        Ok(Answer::json(&Operators {
            tax_number: company.tax_number.clone(),
            operators: operators
                .map(|(index, operator)| fiscal::command::Operator {
                    subject_key_id: operator.subject_key_id.clone(),
                    registration: (index + 1).to_string(),
                    chief_cashier: operator.chief,
                })
                .collect(),
        }))
    }

    fn state(&self, query: &StateQuery, signer: &Who, at: DateTime<Utc>) -> Result<Answer, Rejection> {
        let view = self.view(query.register, signer)?;
        let fresh = Book::default();
        let book = view.book.unwrap_or(&fresh);
        let shift = book.open_shift();
        let now = at.with_timezone(&chrono_tz::Europe::Kyiv).naive_local();
        let month = book.offline_in(Month::of(now));
        let left = month.num_minutes() < i64::from(self.settings.offline_month_minutes_max);
        // What is said of offline sessions is for who opened the shift, or a senior cashier.
        let mine = view.access.chief || shift.is_none_or(|shift| shift.opener.is_same(signer));
        let session = match &book.chain {
            Some(chain) => Some(chain.session()),
            None => book.session.as_ref().filter(|_| left),
        };
        let session = session.filter(|_| mine).map(session_out);
        let place = book
            .chain
            .as_ref()
            .map_or(0, fiscal::offline::OfflineChain::length)
            + 1;
        let unit = || self.unit_of(&view);
        Ok(Answer::json(&RegisterState {
            shift: if shift.is_some() {
                ShiftState::Open
            } else {
                ShiftState::Closed
            },
            shift_id: shift.map(|shift| shift.id),
            opened_by: shift.map(|shift| shift.opened_by.clone()),
            z_report_present: shift.is_some_and(|shift| shift.z_report.is_some()),
            testing: shift.is_some_and(|shift| shift.testing),
            opener: shift.map(|shift| shift.opener.name.clone()),
            subject_key_id: shift.map(|shift| shift.opener.key_id.clone()),
            first_local_number: shift.map_or(0, |shift| shift.first_local_number.get()),
            next_local_number: book.next_local_number(),
            last_fiscal_number: (book.documents.last().filter(|_| shift.is_some()))
                .map(|entry| entry.accepted.fiscal_number.clone()),
            offline_supported: session.is_some(),
            chief_cashier: view.access.chief,
            offline_next_local_number: session.as_ref().map(|_| place),
            offline_session: session.as_ref().map(|_| minutes(book.offline_now())),
            offline_month: session.as_ref().map(|_| minutes(month)),
            offline_session_id: session.as_ref().map(|session| session.id.clone()),
            offline_seed: session.map(|session| session.seed),
            rolled_back: false,
            rolled_back_by: None,
            closed: false,
            unit: query.include_tax_object.then(unit).flatten(),
        }))
    }

    fn unit_of(&self, view: &View<'_>) -> Option<TaxObject> {
        let company = view.place.company;
        let unit = view.place.unit;
        Some(TaxObject {
            entity: unit.id,
            id: unit.id,
            name: unit.name.clone(),
            address: unit.address.clone(),
            tax_number: company.tax_number.clone(),
            vat_number: company.vat_number.clone(),
            organisation: company.name.clone(),
            chief_cashier: view.access.chief,
            ..TaxObject::default()
        })
    }

    fn found(
        &self,
        register: RegisterNumber,
        number: &DocumentNumber,
        wanted: DocumentClass,
    ) -> Option<(&Entry, bool)> {
        self.books.get(&register)?.find(|entry| {
            class(&entry.accepted.document.kind) == wanted
                && match number {
                    DocumentNumber::Fiscal(number) => entry.accepted.fiscal_number == *number,
                    DocumentNumber::Local(number) => entry.local_number() == *number,
                }
        })
    }

    fn signed_document(&self, query: &DocumentQuery, wanted: DocumentClass) -> Result<Answer, Rejection> {
        self.registry.place(query.register)?;
        let Some((entry, revoked)) = self.found(query.register, &query.number, wanted) else {
            return Ok(Answer::Nothing);
        };
        Ok(Answer::Signed(if query.original {
            entry.accepted.content.to_vec()
        } else {
            completed(entry, revoked)
        }))
    }

    fn document_in_form(&self, query: &DocumentExtQuery, wanted: DocumentClass) -> Answer {
        let absent = |result: DocumentResult, text: &str| {
            Answer::json(&DocumentAnswer {
                data: None,
                shift_id: None,
                result,
                result_text: Some(text.to_owned()),
                cabinet_url: None,
            })
        };
        if self.registry.place(query.register).is_err() {
            return absent(
                DocumentResult::TransactionsRegistrarNotRegistered,
                "ПРРО не зареєстрований",
            );
        }
        let Some((entry, revoked)) = self.found(query.register, &query.number, wanted) else {
            let result = self.why_absent(query);
            return absent(result, "Документ відсутній на фіскальному сервері");
        };
        let accepted = &entry.accepted;
        let (data, sign) = match query.form {
            DocumentForm::Availability => (None, false),
            DocumentForm::OriginalXml => (Some(accepted.content.to_vec()), false),
            DocumentForm::SignedByServerXml => (Some(completed(entry, revoked)), true),
            DocumentForm::Visualization => (
                Some(visual::text(&accepted.document, &accepted.fiscal_number).into_bytes()),
                false,
            ),
            DocumentForm::SignedBySenderXml => (Some(accepted.signed.to_vec()), false),
            // The sender's message is what the server signs.
            DocumentForm::SignedBySenderAndServerXml => (Some(accepted.signed.to_vec()), true),
        };
        let link = query.acquire_cabinet_url.then(|| {
            VerificationLink::of(
                &accepted.document,
                Some(&accepted.fiscal_number),
                LinkTime::Seconds,
            )
        });
        let answer = DocumentAnswer {
            data,
            shift_id: entry.shift,
            result: DocumentResult::Ok,
            result_text: None,
            cabinet_url: link.flatten().map(|link| link.to_string()),
        };
        if sign {
            Answer::SignedData(answer)
        } else {
            Answer::json(&answer)
        }
    }

    fn why_absent(&self, query: &DocumentExtQuery) -> DocumentResult {
        let DocumentNumber::Fiscal(number) = &query.number else {
            return DocumentResult::DocumentAbsent;
        };
        let Ok(number) = number.as_str().parse::<fiscal::numbers::OfflineNumber>() else {
            return DocumentResult::OnlineDocumentAbsent;
        };
        let book = self.books.get(&query.register);
        let reserved = book.is_some_and(|book| {
            let open = book.chain.as_ref().map(fiscal::offline::OfflineChain::session);
            open.or(book.session.as_ref())
                .is_some_and(|session| session.id == number.session)
        });
        if reserved {
            DocumentResult::OfflineNumberReserved
        } else {
            DocumentResult::OfflineNumberNotReserved
        }
    }
}

/// The document as the server gives it back: with its number and its marks.
fn completed(entry: &Entry, revoked: bool) -> Vec<u8> {
    let mut document = (*entry.accepted.document).clone();
    if let Mode::Online { fiscal_number } = &mut document.head.mode {
        *fiscal_number = Some(entry.accepted.fiscal_number.clone());
    }
    document.head.marks.revoked = revoked;
    document.head.marks.storned = entry.storned;
    document.to_xml().expect("what was read can be written")
}

fn shifts(view: &View<'_>, which: &WhichShifts) -> Answer {
    let local = |time: &ServerTime| -> NaiveDateTime {
        let utc = time.to_utc();
        utc.map_or(time.local, |utc| {
            utc.with_timezone(&chrono_tz::Europe::Kyiv).naive_local()
        })
    };
    let wanted = |shift: &&Shift| match which {
        WhichShifts::One(id) => shift.id == *id,
        WhichShifts::Between { from, to } => {
            let ended = shift
                .closed
                .as_ref()
                .is_none_or(|closing| closing.at >= local(from));
            shift.opened <= local(to) && ended
        }
    };
    let shifts = view.book.map_or(&[][..], |book| &book.shifts);
    let shifts: Vec<_> = shifts.iter().filter(wanted).map(shift_out).collect();
    if shifts.is_empty() {
        Answer::Nothing
    } else {
        Answer::json(&Shifts { shifts })
    }
}

fn documents(view: &View<'_>, which: &ShiftNumber) -> Answer {
    let Some(book) = view.book else {
        return Answer::Nothing;
    };
    let shift = book.shifts.iter().find(|shift| match which {
        ShiftNumber::Id(id) => shift.id == *id,
        ShiftNumber::OpenedBy(number) => shift.opened_by == *number,
    });
    let Some(shift) = shift else {
        return Answer::Nothing;
    };
    let revoked = book.revoked.iter().filter(|entry| entry.shift == Some(shift.id));
    let mut documents: Vec<_> = revoked
        .map(|entry| document_entry(entry, true))
        .chain(book.of_shift(shift.id).map(|entry| document_entry(entry, false)))
        .collect();
    documents.sort_by_key(|entry| entry.local_number);
    Answer::json(&Documents { documents })
}

fn last_shift(view: &View<'_>) -> Result<Answer, Rejection> {
    let Some((book, shift)) = view.book.and_then(|book| Some((book, book.shifts.last()?))) else {
        return Ok(Answer::Nothing);
    };
    let closed = shift.closed.as_ref();
    let totals = match closed {
        None => Some(totals_out(&book.totals(shift)?)),
        Some(_) => None,
    };
    Ok(Answer::json(&LastShiftTotals {
        shift: if closed.is_none() {
            ShiftState::Open
        } else {
            ShiftState::Closed
        },
        z_report_present: shift.z_report.is_some(),
        testing: shift.testing,
        opened: Some(server_time(shift.opened)),
        opener: Some(shift.opener.name.clone()),
        opener_key_id: Some(shift.opener.key_id.clone()),
        closed: closed.map(|closing| server_time(closing.at)),
        closer: closed.map(|closing| closing.closer.name.clone()),
        closer_key_id: closed.map(|closing| closing.closer.key_id.clone()),
        z_report: shift.z_report.clone(),
        totals,
    }))
}

fn invalid_query(text: impl Into<String>) -> Rejection {
    refuse(ErrorCode::InvalidQueryParameter, text)
}
