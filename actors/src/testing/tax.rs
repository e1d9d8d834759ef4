//! A fiscal server in a hundred lines: the rules of section 1.13 over seals, and faults on demand.

use super::agent::unseal;
use super::lock;
use crate::ports::{Asked, Packed, Posted, TaxCommand, TaxDocument, TaxPackage, TaxService};
use fiscal::command::{
    Answered, Command, DocumentAnswer, DocumentClass, DocumentInfo, DocumentNumber, LastShiftTotals,
    RegisterState, Request, ServerState, ShiftState,
};
use fiscal::document::{Document, Kind};
use fiscal::{
    DocumentResult, ErrorCode, FiscalNumber, LocalNumber, OfflineSeed, OfflineSession, OfflineSessionId,
    RegisterNumber, Rejection, Ticket, Verdict,
};
use futures_util::future::BoxFuture;
use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use tokio::sync::oneshot;

/// The server's state: everything that was registered, by register.
#[derive(Clone, Default)]
pub struct TaxModel {
    registers: HashMap<RegisterNumber, ModelRegister>,
}

/// One register at the server.
#[derive(Clone, Default)]
pub struct ModelRegister {
    /// Every registered document, in order.
    pub documents: Vec<ModelDocument>,
    shift: Option<ModelShift>,
}

/// A registered document.
#[derive(Clone)]
pub struct ModelDocument {
    /// It.
    pub document: Document,
    /// As it was sent.
    pub xml: Vec<u8>,
    /// Its number.
    pub number: FiscalNumber,
}

#[derive(Clone)]
struct ModelShift {
    key: String,
    first: LocalNumber,
    opened_by: FiscalNumber,
    has_report: bool,
    testing: bool,
}

impl TaxModel {
    /// What is registered of a register.
    pub fn register(&self, register: RegisterNumber) -> ModelRegister {
        self.registers.get(&register).cloned().unwrap_or_default()
    }

    /// Registers a document, or refuses it, in the order of section 1.13.
    pub fn post(&mut self, sealed: &[u8]) -> Result<Ticket, Rejection> {
        let refuse = |code, text: &str| {
            Err(Rejection {
                code,
                text: text.to_owned(),
            })
        };
        let Some((key, xml)) = unseal(sealed) else {
            return refuse(ErrorCode::DocumentValidationError, "no seal");
        };
        let document = match Document::from_xml(xml) {
            Ok(document) => document,
            Err(error) => return refuse(ErrorCode::DocumentValidationError, &error.to_string()),
        };
        let head = document.head.clone();
        let register = self.registers.entry(head.register.number).or_default();
        let next = register.next();
        if head.local_number != next {
            return refuse(
                ErrorCode::CheckLocalNumberInvalid,
                &format!("Номер документа повинен дорівнювати {next}"),
            );
        }
        let number =
            FiscalNumber::new(format!("F-{}-{next}", head.register.number)).expect("visible characters");
        if let Err(code) = register.judge(&document.kind, &key, head.testing) {
            return refuse(code, "refused by the model");
        }
        let session = matches!(document.kind, Kind::OpenShift).then(|| session("77"));
        register.take(document, xml, key, number.clone());
        Ok(Ticket::registered(head.uid, head.issued, next, number, session))
    }

    /// Takes a package, or refuses it: its numbers follow on what is there. Hashes and control numbers are the stand-in server's to judge.
    pub fn package(&mut self, sealed: &[u8]) -> Result<Option<OfflineSession>, Rejection> {
        let refuse = |text: String| Rejection {
            code: ErrorCode::PackageValidationError,
            text,
        };
        let (_, content) = unseal(sealed).ok_or_else(|| refuse("no seal".to_owned()))?;
        let limits = fiscal::offline::PackageLimits::default();
        let documents = fiscal::offline::parse(content, limits).map_err(|error| refuse(error.to_string()))?;
        let mut taken = self.clone();
        let mut is_ended = false;
        for sealed in documents {
            let (key, xml) = unseal(sealed).ok_or_else(|| refuse("no seal".to_owned()))?;
            let document = Document::from_xml(xml).map_err(|error| refuse(error.to_string()))?;
            let number = document.head.mode.fiscal_number().cloned();
            let number = number.ok_or_else(|| refuse("no offline number".to_owned()))?;
            let register = taken.registers.entry(document.head.register.number).or_default();
            if document.head.local_number != register.next() {
                return Err(refuse(format!(
                    "Номер документа повинен дорівнювати {}",
                    register.next()
                )));
            }
            is_ended |= document.kind == Kind::OfflineEnd;
            register.take(document, xml, key, number);
        }
        *self = taken;
        Ok(is_ended.then(|| session("78")))
    }

    /// Answers a command.
    pub fn ask(&self, body: &[u8], is_signed: bool) -> Asked {
        let json = if is_signed {
            unseal(body).map(|(_, json)| json)
        } else {
            Some(body)
        };
        let request = json.and_then(|json| Request::from_json(json).ok());
        let Some(Request { command, .. }) = request else {
            return Asked::Rejected(Rejection {
                code: ErrorCode::InvalidQueryParameter,
                text: "no command".to_owned(),
            });
        };
        match command {
            Command::TransactionsRegistrarState(query) => answer(self.register(query.register).state()),
            Command::DocumentInfoByLocalNum(query) => {
                let register = self.register(query.register);
                let found = register.by(&DocumentNumber::Local(query.local_number));
                found.map_or(Asked::Nothing, |found| {
                    answer(DocumentInfo {
                        fiscal_number: found.number.clone(),
                        class: DocumentClass::Check,
                        document_type: None,
                        subtype: None,
                        revoked: false,
                        storned: false,
                    })
                })
            }
            Command::CheckExt(query) | Command::ZRepExt(query) => {
                let register = self.register(query.register);
                let found = register.by(&query.number);
                answer(DocumentAnswer {
                    data: found.map(|found| found.xml.clone()),
                    shift_id: None,
                    result: found.map_or(DocumentResult::DocumentAbsent, |_| DocumentResult::Ok),
                    result_text: None,
                    cabinet_url: None,
                })
            }
            Command::ServerState => answer(ServerState {}),
            Command::LastShiftTotals(query) => answer(self.register(query.register).last_totals()),
            _ => Asked::Nothing,
        }
    }
}

fn answer<T: serde::Serialize>(body: T) -> Asked {
    let answered = Answered {
        uid: None,
        timestamp: None,
        result: Ok(body),
    };
    Asked::Answer(answered.to_json().expect("an answer of the model can be written"))
}

/// What a register goes offline with.
fn session(id: &str) -> OfflineSession {
    OfflineSession {
        id: OfflineSessionId::new(id).expect("digits"),
        seed: OfflineSeed::new("179625192271939").expect("digits"),
    }
}

impl ModelRegister {
    fn take(&mut self, document: Document, xml: &[u8], key: String, number: FiscalNumber) {
        if let Kind::OpenShift = document.kind {
            self.shift = Some(ModelShift {
                key,
                first: document.head.local_number,
                opened_by: number.clone(),
                has_report: false,
                testing: document.head.testing,
            });
        } else if let Some(shift) = &mut self.shift {
            shift.has_report |= matches!(document.kind, Kind::ZReport(_));
        }
        if let Kind::CloseShift = document.kind {
            self.shift = None;
        }
        self.documents.push(ModelDocument {
            document,
            xml: xml.to_vec(),
            number,
        });
    }

    /// The number that is due.
    pub fn next(&self) -> LocalNumber {
        let count = u64::try_from(self.documents.len()).unwrap_or(u64::MAX - 1);
        LocalNumber::new(count + 1).expect("above zero")
    }

    fn by(&self, number: &DocumentNumber) -> Option<&ModelDocument> {
        self.documents.iter().find(|found| match number {
            DocumentNumber::Fiscal(number) => found.number == *number,
            DocumentNumber::Local(number) => found.document.head.local_number == *number,
        })
    }

    fn judge(&self, kind: &Kind, key: &str, testing: bool) -> Result<(), ErrorCode> {
        match (kind, &self.shift) {
            (Kind::OpenShift, Some(_)) => Err(ErrorCode::ShiftAlreadyOpened),
            (Kind::OpenShift, None) => Ok(()),
            (_, None) => Err(ErrorCode::ShiftNotOpened),
            (_, Some(shift)) if shift.key != key => {
                Err(ErrorCode::OperatorAccessToTransactionsRegistrarNotGranted)
            }
            (_, Some(shift)) if shift.testing != testing => Err(ErrorCode::DocumentValidationError),
            (Kind::CloseShift, Some(shift)) if !shift.has_report => Err(ErrorCode::LastDocumentMustBeZRep),
            (Kind::ZReport(_), Some(shift)) if shift.has_report => Err(ErrorCode::ZRepAlreadyRegistered),
            _ => Ok(()),
        }
    }

    fn state(&self) -> RegisterState {
        let shift = self.shift.as_ref();
        RegisterState {
            shift: if shift.is_some() {
                ShiftState::Open
            } else {
                ShiftState::Closed
            },
            shift_id: None,
            opened_by: shift.map(|shift| shift.opened_by.clone()),
            z_report_present: shift.is_some_and(|shift| shift.has_report),
            testing: shift.is_some_and(|shift| shift.testing),
            opener: shift.map(|_| "Касир".to_owned()),
            subject_key_id: shift.map(|shift| shift.key.clone()),
            first_local_number: shift.map_or(0, |shift| shift.first.get()),
            next_local_number: self.next(),
            last_fiscal_number: None,
            offline_supported: false,
            chief_cashier: false,
            offline_session_id: None,
            offline_seed: None,
            offline_next_local_number: None,
            offline_session: None,
            offline_month: None,
            rolled_back: false,
            rolled_back_by: None,
            closed: false,
            unit: None,
        }
    }

    fn last_totals(&self) -> LastShiftTotals {
        let shift = self.shift.as_ref();
        LastShiftTotals {
            shift: if shift.is_some() {
                ShiftState::Open
            } else {
                ShiftState::Closed
            },
            z_report_present: shift.is_some_and(|shift| shift.has_report),
            testing: shift.is_some_and(|shift| shift.testing),
            opened: None,
            opener: None,
            opener_key_id: None,
            closed: None,
            closer: None,
            closer_key_id: None,
            z_report: None,
            totals: None,
        }
    }
}

/// What a scripted server does with one document or command.
pub enum TaxAct {
    /// Answers.
    Answer,
    /// Refuses in words.
    Refuse(ErrorCode, &'static str),
    /// The connection cannot be made.
    NotSent,
    /// The connection breaks before the server has read anything.
    DropBefore,
    /// The connection breaks after the server has done it.
    DropAfter,
    /// Does it, and answers when told.
    Hold(oneshot::Receiver<()>),
}

/// The model behind the port: does the next scripted act, or answers.
#[derive(Default)]
pub struct ScriptedTax {
    model: Mutex<TaxModel>,
    documents: Mutex<VecDeque<TaxAct>>,
    commands: Mutex<VecDeque<TaxAct>>,
    posts: Mutex<Vec<TaxDocument>>,
    packages: Mutex<VecDeque<TaxAct>>,
}

impl ScriptedTax {
    /// A server over what there is.
    pub fn over(model: TaxModel) -> Self {
        Self {
            model: Mutex::new(model),
            ..Self::default()
        }
    }

    /// Adds an act for a document to come.
    pub fn will(&self, act: TaxAct) {
        lock(&self.documents).push_back(act);
    }

    /// Adds an act for a command to come.
    pub fn will_for_command(&self, act: TaxAct) {
        lock(&self.commands).push_back(act);
    }

    /// Adds an act for a package to come.
    pub fn will_for_package(&self, act: TaxAct) {
        lock(&self.packages).push_back(act);
    }

    /// What is registered.
    pub fn model(&self) -> TaxModel {
        lock(&self.model).clone()
    }

    /// Every document that was posted, registered or not.
    pub fn posts(&self) -> Vec<TaxDocument> {
        lock(&self.posts).clone()
    }

    fn pack(&self, package: &TaxPackage) -> Packed {
        match lock(&self.model).package(&package.cms) {
            Ok(session) => Packed::Accepted(session),
            Err(rejection) => Packed::Rejected(rejection),
        }
    }

    fn register(&self, document: &TaxDocument) -> Posted {
        match lock(&self.model).post(&document.cms) {
            Ok(ticket) => posted(&ticket, document),
            Err(rejection) => Posted::Rejected(rejection),
        }
    }
}

/// A ticket as the port gives it.
fn posted(ticket: &Ticket, document: &TaxDocument) -> Posted {
    match ticket.check(&document.uid, document.local_number) {
        Verdict::Registered {
            fiscal_number,
            offline_session,
        } => Posted::Registered {
            fiscal_number,
            offline_session,
            ticket: ticket.to_xml().expect("a ticket of the model can be written"),
        },
        Verdict::Rejected { code, text } => Posted::Rejected(Rejection { code, text }),
        Verdict::OfAnother | Verdict::Unclear => Posted::Unknown("a ticket of nothing".to_owned()),
    }
}

fn rejection(code: ErrorCode, text: &str) -> Rejection {
    Rejection {
        code,
        text: text.to_owned(),
    }
}

impl TaxService for ScriptedTax {
    fn post(&self, document: TaxDocument) -> BoxFuture<'_, Posted> {
        let act = lock(&self.documents).pop_front().unwrap_or(TaxAct::Answer);
        lock(&self.posts).push(document.clone());
        Box::pin(async move {
            let broken = || Posted::Unknown("the connection broke".to_owned());
            match act {
                TaxAct::Answer => self.register(&document),
                TaxAct::Refuse(code, text) => Posted::Rejected(rejection(code, text)),
                TaxAct::NotSent => Posted::NotSent("no connection".to_owned()),
                TaxAct::DropBefore => broken(),
                TaxAct::DropAfter => {
                    drop(self.register(&document));
                    broken()
                }
                TaxAct::Hold(told) => {
                    let posted = self.register(&document);
                    told.await.map_or_else(|_| broken(), |()| posted)
                }
            }
        })
    }

    fn package(&self, package: TaxPackage) -> BoxFuture<'_, Packed> {
        let act = lock(&self.packages).pop_front().unwrap_or(TaxAct::Answer);
        Box::pin(async move {
            let broken = || Packed::Unknown("the connection broke".to_owned());
            match act {
                TaxAct::Answer => self.pack(&package),
                TaxAct::Refuse(code, text) => Packed::Rejected(rejection(code, text)),
                TaxAct::NotSent => Packed::NotSent("no connection".to_owned()),
                TaxAct::DropBefore => broken(),
                TaxAct::DropAfter => {
                    drop(self.pack(&package));
                    broken()
                }
                TaxAct::Hold(told) => {
                    let packed = self.pack(&package);
                    told.await.map_or_else(|_| broken(), |()| packed)
                }
            }
        })
    }

    fn ask(&self, command: TaxCommand) -> BoxFuture<'_, Asked> {
        let act = lock(&self.commands).pop_front().unwrap_or(TaxAct::Answer);
        Box::pin(async move {
            let answered = || lock(&self.model).ask(&command.body, command.is_signed);
            match act {
                TaxAct::Answer => answered(),
                TaxAct::Refuse(code, text) => Asked::Rejected(rejection(code, text)),
                TaxAct::NotSent | TaxAct::DropBefore | TaxAct::DropAfter => {
                    Asked::Unreachable("the connection broke".to_owned())
                }
                TaxAct::Hold(told) => told.await.map_or_else(
                    |_| Asked::Unreachable("the connection broke".to_owned()),
                    |()| answered(),
                ),
            }
        })
    }
}
