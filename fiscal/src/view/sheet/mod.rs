//! What a receipt says, block by block, before anybody decides how wide it is or what it is drawn with.

mod foot;
mod head;
mod receipt;
mod report;
mod row;
mod trade;

use super::words::{clean, columns};
use super::{Appearance, Interim, Subject};
use crate::amount::Money;
use crate::document::{Document, Kind};
use crate::ids::FiscalNumber;
use crate::link::VerificationLink;
use std::fmt::Display;

/// Most letters beside a sum: a row has two taxes by the rules, and each column here is one that names and sums lose.
const MARK_COLUMNS_MAX: usize = 3;

/// One block. Texts are cleaned; none is empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Block {
    /// A heading: centred, strong.
    Heading(String),
    /// Centred.
    Centred(String),
    /// From the left.
    Line(String),
    /// Short facts one after another, each kept together.
    Flow(Vec<String>),
    /// A label and its sum.
    Pair(Pair),
    /// A line across.
    Rule,
    /// The QR code of the link, where there is paper for it.
    Code,
    /// The link.
    Link,
}

/// A label from the left, and what belongs at the right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub label: String,
    pub value: String,
    /// The letters of the taxes, in a column of their own, so that sums stand below one another.
    pub mark: String,
    pub is_strong: bool,
}

/// All blocks.
#[derive(Clone, Debug)]
pub(super) struct Sheet {
    pub blocks: Vec<Block>,
    /// The tax cabinet's link.
    pub link: Option<String>,
    /// What a window or a reader of files calls it.
    pub title: String,
    /// The widest mark.
    pub mark_columns: usize,
}

impl Sheet {
    pub fn new(subject: Subject<'_>, appearance: &Appearance<'_>) -> Self {
        match subject {
            Subject::Registered {
                document,
                fiscal_number,
            } => Self::of_document(document, fiscal_number, appearance),
            Subject::Interim(report) => Self::of_interim(report, appearance),
        }
    }

    fn empty() -> Self {
        Self {
            blocks: Vec::new(),
            link: None,
            title: String::new(),
            mark_columns: 0,
        }
    }

    fn of_document(
        document: &Document,
        fiscal_number: Option<&FiscalNumber>,
        appearance: &Appearance<'_>,
    ) -> Self {
        let mut sheet = Self::empty();
        let link = VerificationLink::of(document, fiscal_number, appearance.link_time);
        sheet.link = link.map(|link| link.to_string());
        let fiscal_number = document.head.mode.fiscal_number().or(fiscal_number);
        head::of_document(&mut sheet, document);
        match &document.kind {
            Kind::OpenShift | Kind::CloseShift | Kind::OfflineBegin { .. } | Kind::OfflineEnd => {}
            Kind::Storno { of, .. } => sheet.fact("Сторновано чек ФН", Some(of)),
            Kind::ZReport(report) => report::write(&mut sheet, report, appearance.drawer),
            Kind::Sale { receipt, .. } | Kind::Return { receipt, .. } => {
                receipt::write(&mut sheet, receipt);
            }
            Kind::CashMovement { receipt, .. } => receipt::write_movement(&mut sheet, receipt),
        }
        foot::of_document(&mut sheet, document, fiscal_number, appearance);
        sheet
    }

    fn of_interim(report: &Interim, appearance: &Appearance<'_>) -> Self {
        let mut sheet = Self::empty();
        head::of_interim(&mut sheet, report);
        report::write(&mut sheet, &report.totals, appearance.drawer);
        foot::of_interim(&mut sheet, report, appearance);
        sheet
    }

    fn heading(&mut self, text: &str) {
        self.push_text(text, Block::Heading);
    }

    fn centred(&mut self, text: &str) {
        self.push_text(text, Block::Centred);
    }

    fn line(&mut self, text: &str) {
        self.push_text(text, Block::Line);
    }

    /// Nothing for an empty text.
    fn push_text(&mut self, text: &str, block: impl FnOnce(String) -> Block) {
        let text = clean(text);
        if !text.is_empty() {
            self.blocks.push(block(text));
        }
    }

    /// A label and its value in one line, when there is a value.
    fn fact(&mut self, label: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            let value = clean(&value.to_string());
            if !value.is_empty() {
                self.line(&format!("{label} {value}"));
            }
        }
    }

    /// A label and its sum.
    fn sum(&mut self, label: &str, sum: Money) {
        self.pair(label, &sum.to_string(), "", false);
    }

    /// A label and its sum, when there is one.
    fn some_sum(&mut self, label: &str, sum: Option<Money>) {
        if let Some(sum) = sum {
            self.sum(label, sum);
        }
    }

    /// A label and a sum that is looked for first.
    fn strong_sum(&mut self, label: &str, sum: Money) {
        self.pair(label, &sum.to_string(), "", true);
    }

    fn pair(&mut self, label: &str, value: &str, mark: &str, is_strong: bool) {
        let (label, value, mark) = (clean(label), clean(value), clean(mark));
        self.mark_columns = self.mark_columns.max(columns(&mark));
        self.blocks.push(Block::Pair(Pair {
            label,
            value,
            mark,
            is_strong,
        }));
    }

    /// A line across, unless there is one.
    fn rule(&mut self) {
        if self.blocks.last() != Some(&Block::Rule) {
            self.blocks.push(Block::Rule);
        }
    }
}

/// A number without zeros that say nothing: `2.000` is `2`, `20.00` is `20`.
fn short(number: impl Display) -> String {
    let text = number.to_string();
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}
