//! What is remembered of a message's delivery, and what a report does to it. Rules alone.

use crate::clock::Now;
use crate::ids::{CustomerId, InvokerCode, MessageId};
use crate::machines::otp::Settlement;
use crate::ports::{DeliveryFate, HandOver};
use serde::{Deserialize, Serialize};
use storage::record::Record;

/// An operator's id that is longer is kept by nobody: the longest of any operator here has 64 characters.
pub(super) const ID_CHARACTERS_MAX: usize = 100;
/// Parts whose reports are told apart; a message of more is watched by its first ones.
const PARTS_MAX: usize = 16;

/// What became of a message, as its partner is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Nobody knows whether it went.
    Unknown,
    /// An operator has it.
    Sent,
    /// Every part is on the phone.
    Delivered,
    /// A part will not arrive.
    Failed,
}

impl Status {
    /// The word on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Whether nothing more is asked for.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Delivered | Self::Failed)
    }
}

/// One part, by the operator's id of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartRecord {
    /// The operator's id.
    pub id: String,
    /// What became of it.
    pub status: Status,
}

/// One message's delivery.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryRecord {
    /// Whose message it is; only they may ask.
    pub partner: InvokerCode,
    /// Whose actor settles it.
    pub customer: CustomerId,
    /// Its id, by which operators may be asked.
    pub message: MessageId,
    /// The operator that has it; empty while nobody knows.
    pub operator: String,
    /// Its parts as the operator names them.
    pub parts: Vec<PartRecord>,
    /// How many parts it has; 0 while nobody knows.
    pub part_count: u32,
    /// Whether the operator can be asked.
    pub is_polled: bool,
    /// What became of all of it.
    pub status: Status,
    /// The operator's code for that.
    pub code: Option<String>,
    /// When it was handed over, in milliseconds since 1970.
    pub sent_ms: i64,
    /// When its status last changed.
    pub changed_ms: i64,
}

impl Record for DeliveryRecord {
    const NAME: &'static str = "delivery";
    const VERSION: u8 = 1;
}

impl DeliveryRecord {
    /// As a message is first known: handed over, or nobody knows.
    pub(crate) fn begun(
        partner: InvokerCode,
        customer: CustomerId,
        message: MessageId,
        handed: Option<&HandOver>,
        now: Now,
    ) -> Self {
        let now_ms = now.wall.timestamp_millis();
        let mut record = Self {
            partner,
            customer,
            message,
            operator: String::new(),
            parts: Vec::new(),
            part_count: 0,
            is_polled: false,
            status: Status::Unknown,
            code: None,
            sent_ms: now_ms,
            changed_ms: now_ms,
        };
        if let Some(handed) = handed {
            record.handed_over(handed, now_ms);
        }
        record
    }

    /// An operator has it.
    fn handed_over(&mut self, handed: &HandOver, now_ms: i64) {
        let fits = |id: &&String| !id.is_empty() && id.len() <= ID_CHARACTERS_MAX;
        let ids = handed.operator_ids.iter().filter(fits).take(PARTS_MAX);
        self.parts = ids
            .map(|id| PartRecord {
                id: id.clone(),
                status: Status::Sent,
            })
            .collect();
        self.operator.clone_from(&handed.operator);
        self.part_count = handed.parts;
        self.is_polled = handed.is_polled;
        self.set_status(Status::Sent, now_ms);
    }

    fn set_status(&mut self, status: Status, now_ms: i64) {
        if self.status != status {
            self.status = status;
            self.changed_ms = now_ms;
        }
    }

    /// The word of an operator that came after its time: it has the message after all.
    pub(super) fn late(&mut self, handed: &HandOver, now_ms: i64) -> Option<Settlement> {
        if self.status != Status::Unknown {
            return None;
        }
        self.handed_over(handed, now_ms);
        Some(Settlement::Accepted)
    }

    /// Takes a report on one part, or on all of it (`None`). What the customer's actor is to be told comes back: only a message of which nobody
    /// knew is settled by a report.
    pub(super) fn take(
        &mut self,
        part: Option<&str>,
        fate: DeliveryFate,
        code: &str,
        now_ms: i64,
    ) -> Option<Settlement> {
        let was_unknown = self.status == Status::Unknown;
        let status = match fate {
            DeliveryFate::OnItsWay => Status::Sent,
            DeliveryFate::Delivered => Status::Delivered,
            DeliveryFate::Failed => Status::Failed,
        };
        let whole = match part.and_then(|id| self.parts.iter().position(|part| part.id == id)) {
            Some(at) => {
                let part = &mut self.parts[at];
                part.status = latest(part.status, status);
                self.of_parts()
            }
            None => latest(self.status, status),
        };
        if whole != self.status {
            self.code = Some(code.chars().take(ID_CHARACTERS_MAX).collect());
        }
        self.set_status(whole, now_ms);
        let refused = || Settlement::Refused {
            code: code.chars().take(ID_CHARACTERS_MAX).collect(),
            text: "the message was not delivered".to_owned(),
        };
        match self.status {
            _ if !was_unknown => None,
            Status::Unknown => None,
            Status::Sent | Status::Delivered => Some(Settlement::Accepted),
            Status::Failed => Some(refused()),
        }
    }

    /// What the parts say together.
    fn of_parts(&self) -> Status {
        if self.parts.iter().any(|part| part.status == Status::Failed) {
            return Status::Failed;
        }
        let is_whole = u32::try_from(self.parts.len()).is_ok_and(|named| named >= self.part_count);
        let delivered = self.parts.iter().all(|part| part.status == Status::Delivered);
        // An operator that names one id for all parts speaks of all of them.
        if delivered && (is_whole || self.parts.len() == 1) {
            return Status::Delivered;
        }
        Status::Sent
    }
}

/// A report may come twice and in any order: what is final stays, but what was given up may arrive after all.
fn latest(before: Status, said: Status) -> Status {
    match (before, said) {
        (Status::Delivered, _) => Status::Delivered,
        (Status::Failed, Status::Delivered) => Status::Delivered,
        (Status::Failed, _) => Status::Failed,
        (_, said) => said,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::now_at;
    use uuid::Uuid;

    fn record(ids: &[&str], parts: u32) -> DeliveryRecord {
        let handed = HandOver {
            operator: "smpp".to_owned(),
            operator_ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            parts,
            is_polled: false,
        };
        let handed = (parts > 0).then_some(&handed);
        let id = Uuid::from_u128(1);
        DeliveryRecord::begun(InvokerCode(id), CustomerId(1), MessageId(id), handed, now_at(0))
    }

    /// Reports one after another, and the status after each.
    #[track_caller]
    fn check(mut record: DeliveryRecord, reports: &[(Option<&str>, DeliveryFate, Status)]) {
        for (n, (part, fate, expected)) in reports.iter().enumerate() {
            record.take(*part, *fate, "c", 1);
            assert_eq!(record.status, *expected, "report {n}");
        }
    }

    use DeliveryFate::{Delivered, Failed, OnItsWay};

    #[test]
    fn a_message_is_delivered_when_all_its_parts_are() {
        check(
            record(&["a", "b"], 2),
            &[
                (Some("a"), OnItsWay, Status::Sent),
                (Some("a"), Delivered, Status::Sent),
                (Some("a"), Delivered, Status::Sent),
                (Some("b"), Delivered, Status::Delivered),
                (Some("b"), Failed, Status::Delivered),
            ],
        );
    }

    #[test]
    fn a_message_has_failed_when_one_part_has_and_may_arrive_after_all() {
        check(
            record(&["a", "b"], 2),
            &[
                (Some("b"), Failed, Status::Failed),
                (Some("a"), Delivered, Status::Failed),
                (Some("b"), OnItsWay, Status::Failed),
                (Some("b"), Delivered, Status::Delivered),
            ],
        );
    }

    #[test]
    fn one_id_speaks_of_all_parts() {
        check(record(&["a"], 2), &[(Some("a"), Delivered, Status::Delivered)]);
        check(record(&["a"], 2), &[(None, Delivered, Status::Delivered)]);
    }

    #[test]
    fn a_report_settles_only_what_nobody_knew() {
        for (fate, settled) in [
            (OnItsWay, Settlement::Accepted),
            (Delivered, Settlement::Accepted),
            (
                Failed,
                Settlement::Refused {
                    code: "UNDELIV".to_owned(),
                    text: "the message was not delivered".to_owned(),
                },
            ),
        ] {
            let mut unknown = record(&[], 0);
            assert_eq!(unknown.take(None, fate, "UNDELIV", 1), Some(settled), "{fate:?}");
            assert_eq!(unknown.take(None, fate, "UNDELIV", 2), None, "{fate:?} again");
            assert_eq!(
                record(&["a"], 1).take(Some("a"), fate, "UNDELIV", 1),
                None,
                "{fate:?} of a sent one"
            );
        }
    }

    #[test]
    fn a_late_answer_names_the_parts_and_settles_once() {
        let handed = HandOver {
            operator: "smpp".to_owned(),
            operator_ids: vec!["a".to_owned(), String::new(), "x".repeat(200)],
            parts: 1,
            is_polled: true,
        };
        let mut unknown = record(&[], 0);
        assert_eq!(unknown.late(&handed, 5), Some(Settlement::Accepted));
        assert_eq!(
            (unknown.status, unknown.changed_ms, unknown.parts.len()),
            (Status::Sent, 5, 1)
        );
        assert_eq!(unknown.late(&handed, 6), None);
    }

    #[test]
    fn a_change_is_dated_and_what_changes_nothing_is_not() {
        let mut sent = record(&["a"], 1);
        sent.take(Some("a"), OnItsWay, "1", 7);
        assert_eq!(
            (sent.changed_ms, sent.code.as_deref()),
            (now_at(0).wall.timestamp_millis(), None)
        );
        sent.take(Some("a"), Failed, "14", 8);
        assert_eq!((sent.changed_ms, sent.code.as_deref()), (8, Some("14")));
    }
}
