//! The server's error codes, the two forms in which it refuses, and what a gateway does about each (section
//! "error codes").

use crate::ids::LocalNumber;
use crate::xml::codes;
use std::fmt;

/// What the server says went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorCode {
    /// 0: nothing.
    Ok,
    /// 1: the register is not registered.
    TransactionsRegistrarAbsent,
    /// 2: the person has no access to the register.
    OperatorAccessToTransactionsRegistrarNotGranted,
    /// 3: the taxpayer's code of document or certificate is not the economic unit's.
    InvalidTin,
    /// 4: the shift is open already; the text names who opened it.
    ShiftAlreadyOpened,
    /// 5: the shift is not open.
    ShiftNotOpened,
    /// 6: before it is closed, a shift's last document must be its Z-report.
    LastDocumentMustBeZRep,
    /// 7: another local number is due, see [`Rejection::expected_local_number`].
    CheckLocalNumberInvalid,
    /// 8: the shift's Z-report is registered already.
    ZRepAlreadyRegistered,
    /// 9: the document breaks the schema, its sums, or the rules of signatures.
    DocumentValidationError,
    /// 10: an offline package is refused; the text names the document in it.
    PackageValidationError,
    /// 11: a query is wrong.
    InvalidQueryParameter,
    /// 12: the server cannot check signatures now (OCSP).
    CryptographyError,
    /// 13: what was asked for is not there.
    NoContent,
    /// Any other: the list may grow.
    Other(i64),
}

/// What to do about a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// Nothing: it is done.
    Done,
    /// What the register is configured with is wrong, and stays so until a person mends it.
    MendConfiguration,
    /// The tax service must be told who may use the register (form 5-ПРРО).
    RequestAccess,
    /// Ask for the register's state and follow it: the shift or the number is another than we think. For
    /// [`ErrorCode::ShiftAlreadyOpened`], a shift opened by our own key is the success that we missed.
    Resynchronise,
    /// Send the Z-report, then close.
    SendZReport,
    /// The Z-report is there: close.
    CloseShift,
    /// This document will never pass: tell whoever asked for it.
    RefuseDocument,
    /// The package will never pass as it is: a person looks, and it is built again.
    RebuildPackage,
    /// We asked wrongly.
    ReportDefect,
    /// Try again, and go offline if it lasts.
    RetryOrGoOffline,
    /// Take it as the answer: there is nothing.
    TakeAsAbsent,
    /// Not known: a person looks.
    AskPerson,
}

/// Code, symbol, remedy.
const TABLE: [(ErrorCode, &str, Remedy); 14] = {
    use ErrorCode as E;
    [
        (E::Ok, "Ok", Remedy::Done),
        (
            E::TransactionsRegistrarAbsent,
            "TransactionsRegistrarAbsent",
            Remedy::MendConfiguration,
        ),
        (
            E::OperatorAccessToTransactionsRegistrarNotGranted,
            "OperatorAccessToTransactionsRegistrarNotGranted",
            Remedy::RequestAccess,
        ),
        (E::InvalidTin, "InvalidTin", Remedy::MendConfiguration),
        (E::ShiftAlreadyOpened, "ShiftAlreadyOpened", Remedy::Resynchronise),
        (E::ShiftNotOpened, "ShiftNotOpened", Remedy::Resynchronise),
        (
            E::LastDocumentMustBeZRep,
            "LastDocumentMustBeZRep",
            Remedy::SendZReport,
        ),
        (
            E::CheckLocalNumberInvalid,
            "CheckLocalNumberInvalid",
            Remedy::Resynchronise,
        ),
        (
            E::ZRepAlreadyRegistered,
            "ZRepAlreadyRegistered",
            Remedy::CloseShift,
        ),
        (
            E::DocumentValidationError,
            "DocumentValidationError",
            Remedy::RefuseDocument,
        ),
        (
            E::PackageValidationError,
            "PackageValidationError",
            Remedy::RebuildPackage,
        ),
        (
            E::InvalidQueryParameter,
            "InvalidQueryParameter",
            Remedy::ReportDefect,
        ),
        (
            E::CryptographyError,
            "CryptographyError",
            Remedy::RetryOrGoOffline,
        ),
        (E::NoContent, "NoContent", Remedy::TakeAsAbsent),
    ]
};

impl ErrorCode {
    /// All that are described, by ascending code.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.into_iter().map(|(code, _, _)| code)
    }

    /// From its number.
    #[must_use]
    pub fn from_code(code: i64) -> Self {
        let known = usize::try_from(code).ok().and_then(|place| TABLE.get(place));
        known.map_or(Self::Other(code), |(known, _, _)| *known)
    }

    /// Its number.
    #[must_use]
    pub const fn code(self) -> i64 {
        match self {
            Self::Ok => 0,
            Self::TransactionsRegistrarAbsent => 1,
            Self::OperatorAccessToTransactionsRegistrarNotGranted => 2,
            Self::InvalidTin => 3,
            Self::ShiftAlreadyOpened => 4,
            Self::ShiftNotOpened => 5,
            Self::LastDocumentMustBeZRep => 6,
            Self::CheckLocalNumberInvalid => 7,
            Self::ZRepAlreadyRegistered => 8,
            Self::DocumentValidationError => 9,
            Self::PackageValidationError => 10,
            Self::InvalidQueryParameter => 11,
            Self::CryptographyError => 12,
            Self::NoContent => 13,
            Self::Other(code) => code,
        }
    }

    /// Its symbol; "Unknown" for what is not described.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        self.row().map_or("Unknown", |(_, symbol, _)| symbol)
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(self) -> Remedy {
        self.row().map_or(Remedy::AskPerson, |(_, _, remedy)| *remedy)
    }

    fn row(self) -> Option<&'static (Self, &'static str, Remedy)> {
        const { &TABLE }.iter().find(|(code, _, _)| *code == self)
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} {}", self.code(), self.symbol())
    }
}

/// A refusal in words: the body of an HTTP 400, or what a ticket or a JSON answer says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Why.
    pub code: ErrorCode,
    /// The same in words, empty when there are none.
    pub text: String,
}

/// Before the number in the body of a refusal.
const BODY_PREFIX: &str = "Код помилки:";
/// Before the due number in the text of code 7.
const NUMBER_PHRASE: &str = "повинен дорівнювати";

impl Rejection {
    /// From the body of an HTTP 400: `Код помилки: <n> <Symbol>\r\n<description>`. The number counts, the
    /// symbol may be missing.
    #[must_use]
    pub fn from_body(body: &str) -> Option<Self> {
        let body = body.trim_start_matches('\u{feff}').trim_start();
        let rest = body.strip_prefix(BODY_PREFIX)?;
        let (line, text) = rest.split_once('\n').unwrap_or((rest, ""));
        let code = line.split_whitespace().next()?.parse().ok()?;
        Some(Self {
            code: ErrorCode::from_code(code),
            text: text.trim().to_owned(),
        })
    }

    /// As the body of an HTTP 400.
    #[must_use]
    pub fn to_body(&self) -> String {
        format!("{BODY_PREFIX} {}\r\n{}", self.code, self.text)
    }

    /// The local number that the server expects, from the text of code 7: "Номер документа повинен
    /// дорівнювати N".
    #[must_use]
    pub fn expected_local_number(&self) -> Option<LocalNumber> {
        if self.code != ErrorCode::CheckLocalNumberInvalid {
            return None;
        }
        let (_, rest) = self.text.split_once(NUMBER_PHRASE)?;
        let rest = rest.trim_start_matches([' ', ':', '"', '\'', '«', '\u{a0}']);
        let end = rest
            .find(|character: char| !character.is_ascii_digit())
            .unwrap_or(rest.len());
        LocalNumber::new(rest[..end].parse().ok()?).ok()
    }
}

codes! {
    /// Whether a document could be had (`ResultCode` of CheckExt and ZRepExt).
    pub enum DocumentResult: "a known result of a request for a document" {
        /// Here it is.
        Ok = 0,
        /// No such document came online.
        OnlineDocumentAbsent = 1,
        /// The number is of an offline session, and its document is not yet delivered.
        OfflineNumberReserved = 2,
        /// The number is of no offline session.
        OfflineNumberNotReserved = 3,
        /// No such register.
        TransactionsRegistrarNotRegistered = 4,
        /// No such document.
        DocumentAbsent = 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_numbers_name_each_other() {
        for (place, code) in ErrorCode::all().enumerate() {
            assert_eq!(code.code(), i64::try_from(place).expect("a small number"));
            assert_eq!(ErrorCode::from_code(code.code()), code);
        }
        for code in [-1, 14, 100, i64::MIN, i64::MAX] {
            assert_eq!(ErrorCode::from_code(code), ErrorCode::Other(code));
            assert_eq!(
                (ErrorCode::Other(code).symbol(), ErrorCode::Other(code).remedy()),
                ("Unknown", Remedy::AskPerson)
            );
        }
    }

    #[test]
    fn only_trouble_with_cryptography_is_worth_trying_again() {
        let again: Vec<_> = ErrorCode::all()
            .filter(|code| code.remedy() == Remedy::RetryOrGoOffline)
            .collect();
        assert_eq!(again, [ErrorCode::CryptographyError]);
    }

    #[test]
    fn a_body_of_refusal_is_read_and_written() {
        let rejection = Rejection {
            code: ErrorCode::CheckLocalNumberInvalid,
            text: "Номер документа повинен дорівнювати 1447".to_owned(),
        };
        let body = rejection.to_body();
        assert_eq!(
            body,
            "Код помилки: 7 CheckLocalNumberInvalid\r\nНомер документа повинен дорівнювати 1447"
        );
        let table = [
            (body.as_str(), Some(7)),
            ("\u{feff}Код помилки: 9 DocumentValidationError\nтекст", Some(9)),
            ("Код помилки: 12", Some(12)),
            ("Код помилки:  77 Something\r\n", Some(77)),
            ("Код помилки: x", None),
            ("", None),
            ("<html>Bad Request</html>", None),
        ];
        for (body, code) in table {
            assert_eq!(
                Rejection::from_body(body).map(|rejection| rejection.code.code()),
                code,
                "{body}"
            );
        }
        assert_eq!(Rejection::from_body(&body), Some(rejection));
    }

    #[test]
    fn the_due_number_is_read_out_of_the_text_of_code_7_only() {
        let table = [
            (7, "Номер документа повинен дорівнювати 1447", Some(1447)),
            (7, "Номер документа повинен дорівнювати: 12.", Some(12)),
            (7, "Номер документа повинен дорівнювати 0", None),
            (7, "Номер документа повинен дорівнювати N", None),
            (
                7,
                "Номер документа повинен дорівнювати 99999999999999999999",
                None,
            ),
            (7, "1447", None),
            (9, "Номер документа повинен дорівнювати 1447", None),
        ];
        for (code, text, expected) in table {
            let rejection = Rejection {
                code: ErrorCode::from_code(code),
                text: text.to_owned(),
            };
            assert_eq!(
                rejection.expected_local_number().map(LocalNumber::get),
                expected,
                "{code} {text}"
            );
        }
    }
}
