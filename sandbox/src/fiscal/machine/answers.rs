//! What commands are answered with, and how the server's state becomes it.

use super::book::{Book, Entry, Shift};
use chrono::{NaiveDateTime, TimeDelta, TimeZone};
use fiscal::arithmetic::{Report, Section};
use fiscal::command::{
    DocumentAnswer, DocumentClass, DocumentEntry, DocumentInfo, Minutes, ServerTime, Totals, TotalsCash,
    TotalsPayment, TotalsSide, TotalsTax,
};
use fiscal::document::{PaymentForm, TaxType};
use fiscal::ids::{OfflineSeed, OfflineSessionId};
use fiscal::{Kind, Money, TaxLetter, numbers};

/// What a command is answered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A JSON object, without what every answer has.
    Json(Vec<u8>),
    /// Octets that the server signs: the message is the answer.
    Signed(Vec<u8>),
    /// As JSON, with `Data` signed by the server.
    SignedData(DocumentAnswer),
    /// There is nothing: 204.
    Nothing,
}

impl Answer {
    pub(super) fn json<T: serde::Serialize>(body: &T) -> Self {
        Self::Json(serde_json::to_vec(body).expect("answers are made of texts and numbers"))
    }
}

/// A document's local moment with Kyiv's offset; in the hour that comes twice, the first.
pub(super) fn server_time(moment: NaiveDateTime) -> ServerTime {
    match chrono_tz::Europe::Kyiv.from_local_datetime(&moment).earliest() {
        Some(moment) => ServerTime::from(moment),
        // An hour that no clock in Kyiv showed.
        None => ServerTime {
            local: moment,
            offset: None,
        },
    }
}

/// A part of a minute counts as one.
pub(super) fn minutes(duration: TimeDelta) -> Minutes {
    let seconds = u64::try_from(duration.num_seconds()).unwrap_or(0);
    Minutes(seconds.div_ceil(60))
}

/// A session in the form in which it is given out.
pub fn session_out(session: &numbers::OfflineSession) -> fiscal::OfflineSession {
    fiscal::OfflineSession {
        id: OfflineSessionId::new(session.id.to_string()).expect("a number is digits"),
        seed: OfflineSeed::new(session.seed.secret()).expect("a seed is digits"),
    }
}

pub(super) fn class(kind: &Kind) -> DocumentClass {
    match kind {
        Kind::ZReport(_) => DocumentClass::ZRep,
        _ => DocumentClass::Check,
    }
}

pub(super) fn document_info(entry: &Entry, revoked: bool) -> DocumentInfo {
    let kind = &entry.accepted.document.kind;
    let codes = kind.codes();
    DocumentInfo {
        fiscal_number: entry.accepted.fiscal_number.clone(),
        class: class(kind),
        document_type: codes.map(|(kind, _)| kind),
        subtype: codes.and_then(|(_, subtype)| subtype),
        revoked,
        storned: entry.storned,
    }
}

pub(super) fn document_entry(entry: &Entry, revoked: bool) -> DocumentEntry {
    let info = document_info(entry, revoked);
    DocumentEntry {
        fiscal_number: Some(info.fiscal_number),
        local_number: entry.local_number(),
        issued: Some(server_time(super::issued(&entry.accepted.document))),
        class: info.class,
        document_type: info.document_type,
        subtype: info.subtype,
        revoked,
        storned: info.storned,
    }
}

pub(super) fn shift_out(shift: &Shift) -> fiscal::command::Shift {
    let closed = shift.closed.as_ref();
    fiscal::command::Shift {
        id: shift.id,
        opened_by: Some(shift.opened_by.clone()),
        closed_by: closed.map(|closing| closing.by.clone()),
        testing: shift.testing,
        opened: Some(server_time(shift.opened)),
        opener: Some(shift.opener.name.clone()),
        opener_key_id: Some(shift.opener.key_id.clone()),
        closed: closed.map(|closing| server_time(closing.at)),
        closer: closed.map(|closing| closing.closer.name.clone()),
        closer_key_id: closed.map(|closing| closing.closer.key_id.clone()),
        z_report: shift.z_report.clone(),
    }
}

/// The totals of a shift as JSON has them.
pub(super) fn totals_out(report: &Report) -> Totals {
    Totals {
        sales: report.sales.as_ref().map(side),
        returns: report.returns.as_ref().map(side),
        cash: report.withdrawals.map(|withdrawals| TotalsCash {
            sum: withdrawals.sum,
            commission: Some(withdrawals.commission),
            receipts: withdrawals.orders_count,
        }),
        currency: None,
        deposits: Some(report.service_input),
        issues: Some(report.service_output),
    }
}

fn side(section: &Section) -> TotalsSide {
    let pawnshop = section.pawn_issued_count + section.pawn_received_count > 0;
    let rounded = section.rounded_count > 0;
    TotalsSide {
        sum: section.sum,
        pawnshop_issued: pawnshop.then_some(section.pawn_issued),
        pawnshop_received: pawnshop.then_some(section.pawn_received),
        rounding: rounded.then_some(section.rounding_sum),
        unrounded: section.sum.checked_add(section.rounding_sum).filter(|_| rounded),
        transfers_sum: None,
        transfers_commission: None,
        receipts: section.orders_count,
        pawnshop_receipts_issued: pawnshop.then_some(section.pawn_issued_count),
        pawnshop_receipts_received: pawnshop.then_some(section.pawn_received_count),
        transfers: None,
        payments: section
            .payments
            .iter()
            .map(|row| TotalsPayment {
                form: PaymentForm::new(row.form.code.into()),
                name: row.form.name.clone(),
                sum: row.sum,
            })
            .collect(),
        taxes: section.taxes.iter().map(|total| tax(&total.row)).collect(),
    }
}

fn tax(row: &fiscal::arithmetic::TaxRow) -> TotalsTax {
    TotalsTax {
        tax: TaxType::new(row.tax.kind.code().into()),
        name: row.tax.name.clone(),
        letter: TaxLetter::new(row.tax.letter.character()).ok(),
        rate: Money::from_units(row.tax.percent.units()),
        on_top: Some(row.tax.excluded),
        turnover: row.turnover,
        discounted_turnover: Some(row.turnover_discounted),
        base: Some(row.source),
        sum: row.sum,
    }
}

impl Book {
    /// A document that stands, or else one that was revoked.
    pub(super) fn find(&self, wanted: impl Fn(&Entry) -> bool) -> Option<(&Entry, bool)> {
        let standing = self.documents.iter().rev().map(|entry| (entry, false));
        let revoked = self.revoked.iter().rev().map(|entry| (entry, true));
        standing.chain(revoked).find(|(entry, _)| wanted(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::NaiveDate;

    #[test]
    fn kyiv_is_two_or_three_hours_ahead_and_the_hour_that_comes_twice_is_the_first() {
        let at = |month, day, hour| {
            let date = NaiveDate::from_ymd_opt(2026, month, day);
            server_time(
                date.and_then(|date| date.and_hms_opt(hour, 30, 0))
                    .expect("a moment"),
            )
            .to_string()
        };
        assert_eq!(at(2, 5, 12), "2026-02-05T12:30:00+02:00");
        assert_eq!(at(7, 5, 12), "2026-07-05T12:30:00+03:00");
        assert_eq!(at(10, 25, 3), "2026-10-25T03:30:00+03:00");
        assert_eq!(at(10, 25, 4), "2026-10-25T04:30:00+02:00");
        assert_eq!(
            at(3, 29, 3),
            "2026-03-29T03:30:00",
            "an hour that no clock showed"
        );
    }

    #[test]
    fn a_part_of_a_minute_counts_as_one() {
        assert_eq!(minutes(TimeDelta::seconds(61)), Minutes(2));
        assert_eq!(minutes(TimeDelta::seconds(60)), Minutes(1));
    }
}
