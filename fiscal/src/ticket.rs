//! Tickets: the server's answer to a document (ticket01.xsd), inside the CMS that it signs.

use crate::code::ErrorCode;
use crate::ids::{FiscalNumber, LocalNumber, OfflineSeed, OfflineSession, OfflineSessionId, Uid, is_zero};
use crate::moment::LocalMoment;
use crate::xml::{
    AnyText, Cursor, Dialect, Error, Fault, Fields, IdentityText, Natural, Number, Text, Writer, decode,
    section,
};

/// The server's answer to one document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The document's identifier, as it was sent.
    pub uid: Uid,
    /// When the document was issued. None when the ticket holds no such moment: nothing hangs on it.
    pub issued: Option<LocalMoment>,
    /// The document's local number, as it was sent.
    pub local_number: LocalNumber,
    /// The number it was given, when it was registered.
    pub fiscal_number: Option<FiscalNumber>,
    /// What the register needs in order to go offline: with an opening of a shift, if it may.
    pub offline_session: Option<OfflineSession>,
    /// What went wrong; nothing, or [`ErrorCode::Ok`], when it was registered.
    pub error_code: Option<ErrorCode>,
    /// The same in words.
    pub error_text: Option<String>,
}

/// What a ticket means for the document that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Registered.
    Registered {
        /// Its fiscal number.
        fiscal_number: FiscalNumber,
        /// What the register needs in order to go offline; to be remembered at once.
        offline_session: Option<OfflineSession>,
    },
    /// Refused; the local number is free again.
    Rejected {
        /// Why.
        code: ErrorCode,
        /// The same in words, empty when the server gave none.
        text: String,
    },
    /// A ticket of another document: nothing is known of ours.
    OfAnother,
    /// Neither an error nor a number: nothing is known.
    Unclear,
}

impl Ticket {
    /// A ticket of a registered document.
    #[must_use]
    pub const fn registered(
        uid: Uid,
        issued: LocalMoment,
        local_number: LocalNumber,
        fiscal_number: FiscalNumber,
        offline_session: Option<OfflineSession>,
    ) -> Self {
        Self {
            uid,
            issued: Some(issued),
            local_number,
            fiscal_number: Some(fiscal_number),
            offline_session,
            error_code: Some(ErrorCode::Ok),
            error_text: None,
        }
    }

    /// A ticket of a refused document.
    #[must_use]
    pub fn rejected(
        uid: Uid,
        issued: LocalMoment,
        local_number: LocalNumber,
        code: ErrorCode,
        text: impl Into<String>,
    ) -> Self {
        Self {
            uid,
            issued: Some(issued),
            local_number,
            fiscal_number: None,
            offline_session: None,
            error_code: Some(code),
            error_text: Some(text.into()),
        }
    }

    /// What it means for the document of this identifier and local number (section "TICKET": both must be
    /// what was sent, and the error code nothing). An error outweighs a number.
    #[must_use]
    pub fn check(&self, uid: &Uid, local_number: LocalNumber) -> Verdict {
        if !self.uid.is_same(uid) || self.local_number != local_number {
            return Verdict::OfAnother;
        }
        match (self.error_code.unwrap_or(ErrorCode::Ok), &self.fiscal_number) {
            (ErrorCode::Ok, Some(fiscal_number)) => Verdict::Registered {
                fiscal_number: fiscal_number.clone(),
                offline_session: self.offline_session.clone(),
            },
            (ErrorCode::Ok, None) => Verdict::Unclear,
            (code, _) => Verdict::Rejected {
                code,
                text: self.error_text.clone().unwrap_or_default(),
            },
        }
    }

    /// As XML in windows-1251, with the leading zeros that the schema's numbers need not have.
    ///
    /// # Errors
    /// [`Error::Field`] for what windows-1251 cannot carry, or a moment that is missing: a made ticket has
    /// one.
    pub fn to_xml(&self) -> Result<Vec<u8>, Error> {
        let mut out = Writer::new("TICKET", "ticket01.xsd");
        let issued = self
            .issued
            .ok_or_else(|| out.error_in("ORDERDATE", Fault::Missing))?;
        let wire = Wire {
            uid: self.uid.clone(),
            date: issued.date_text(),
            time: issued.time_text(),
            local_number: self.local_number,
            fiscal_number: self.fiscal_number.as_ref().map(ToString::to_string),
            offline_session_id: self
                .offline_session
                .as_ref()
                .map(|session| session.id.to_string()),
            offline_seed: self
                .offline_session
                .as_ref()
                .map(|session| session.seed.to_string()),
            error_code: self.error_code.map(|code| code.code().to_string()),
            error_text: self.error_text.clone(),
            version: 1,
        };
        wire.write(&mut out)?;
        out.finish("TICKET")
    }

    /// From XML. Tolerates what a server may do: leading zeros of date and time lost, a date that is none,
    /// elements left empty or an offline session of zero instead of left out, no declaration, or UTF-8 when
    /// declared.
    ///
    /// # Errors
    /// [`Error`] when it is too large, not well-formed or not a ticket.
    pub fn from_xml(xml: &[u8]) -> Result<Self, Error> {
        let text = decode(xml, Dialect::Tolerant)?;
        let (mut cursor, ()) = Cursor::enter_root(&text, &[("TICKET", ())])?;
        let wire = Wire::read(&mut cursor)?;
        cursor.leave_root()?;
        wire.into_ticket()
            .map_err(|(element, fault)| cursor.error_in(element, fault))
    }
}

section! {
    /// TICKET as it stands. What the schema says of an element that may be left empty is checked after.
    struct Wire {
        required UID => uid: Uid as IdentityText<Uid>,
        required ORDERDATE => date: String as AnyText,
        required ORDERTIME => time: String as AnyText,
        required ORDERNUM => local_number: LocalNumber as Number<LocalNumber>,
        optional ORDERTAXNUM => fiscal_number: Option<String> as Text<128>,
        optional OFFLINESESSIONID => offline_session_id: Option<String> as Text<128>,
        optional OFFLINESEED => offline_seed: Option<String> as Text<128>,
        optional ERRORCODE => error_code: Option<String> as Text<20>,
        optional ERRORTEXT => error_text: Option<String> as AnyText,
        required VER => version: u64 as Natural,
    }
}

impl Wire {
    fn into_ticket(self) -> Result<Ticket, (&'static str, Fault)> {
        let some = |text: Option<String>| text.filter(|text| !is_zero(text.trim()));
        let session_id = identity(
            "OFFLINESESSIONID",
            some(self.offline_session_id),
            OfflineSessionId::new,
        )?;
        let seed = identity("OFFLINESEED", some(self.offline_seed), OfflineSeed::new)?;
        Ok(Ticket {
            uid: self.uid,
            issued: moment(&self.date, &self.time),
            local_number: self.local_number,
            fiscal_number: identity("ORDERTAXNUM", self.fiscal_number, FiscalNumber::new)?,
            // One without the other is of no use.
            offline_session: session_id.zip(seed).map(|(id, seed)| OfflineSession { id, seed }),
            error_code: error_code(self.error_code)?,
            error_text: self.error_text.filter(|text| !text.is_empty()),
        })
    }
}

fn identity<T>(
    element: &'static str,
    text: Option<String>,
    make: impl FnOnce(String) -> Result<T, Fault>,
) -> Result<Option<T>, (&'static str, Fault)> {
    let text = text
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty());
    text.map(|text| make(text).map_err(|fault| (element, fault)))
        .transpose()
}

fn error_code(text: Option<String>) -> Result<Option<ErrorCode>, (&'static str, Fault)> {
    let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    let code = text
        .trim()
        .parse()
        .map_err(|_| ("ERRORCODE", Fault::Form("a whole number")))?;
    Ok(Some(ErrorCode::from_code(code)))
}

/// Date and time whose leading zeros were lost (`xs:nonNegativeInteger`).
fn moment(date: &str, time: &str) -> Option<LocalMoment> {
    LocalMoment::from_parts(&format!("{:0>8}", date.trim()), &format!("{:0>6}", time.trim())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ticket(date: &str, time: &str, rest: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"windows-1251\"?><TICKET><UID>F32EE0EF</UID><ORDERDATE>{date}</ORDERDATE>\
             <ORDERTIME>{time}</ORDERTIME><ORDERNUM>7</ORDERNUM>{rest}<VER>1</VER></TICKET>"
        )
    }

    fn read(rest: &str) -> Ticket {
        Ticket::from_xml(ticket("18112015", "201543", rest).as_bytes()).expect("a ticket")
    }

    fn sent() -> (Uid, LocalNumber) {
        (
            Uid::new("f32ee0ef").expect("a UID"),
            LocalNumber::new(7).expect("a number"),
        )
    }

    fn number(text: &str) -> FiscalNumber {
        FiscalNumber::new(text).expect("a number")
    }

    #[test]
    fn a_ticket_says_registered_rejected_or_nothing_of_ours() {
        let (uid, local) = sent();
        let session = OfflineSession {
            id: OfflineSessionId::new("2378946").expect("an id"),
            seed: OfflineSeed::new("293573240985").expect("a seed"),
        };
        let registered = |offline_session| Verdict::Registered {
            fiscal_number: number("177086"),
            offline_session,
        };
        let rejected = |code, text: &str| Verdict::Rejected {
            code,
            text: text.to_owned(),
        };
        let table = [
            ("<ORDERTAXNUM>177086</ORDERTAXNUM>", registered(None)),
            (
                "<ORDERTAXNUM>177086</ORDERTAXNUM><ERRORCODE>0</ERRORCODE><ERRORTEXT/>",
                registered(None),
            ),
            (
                "<ORDERTAXNUM>177086</ORDERTAXNUM><OFFLINESESSIONID>2378946</OFFLINESESSIONID>\
                 <OFFLINESEED>293573240985</OFFLINESEED><ERRORCODE/>",
                registered(Some(session)),
            ),
            (
                "<ORDERTAXNUM>177086</ORDERTAXNUM><OFFLINESESSIONID>2378946</OFFLINESESSIONID><OFFLINESEED/>",
                registered(None),
            ),
            (
                "<ORDERTAXNUM>177086</ORDERTAXNUM><OFFLINESESSIONID>0</OFFLINESESSIONID><OFFLINESEED>0</OFFLINESEED>",
                registered(None),
            ),
            (
                "<ERRORCODE>7</ERRORCODE><ERRORTEXT>wrong</ERRORTEXT>",
                rejected(ErrorCode::CheckLocalNumberInvalid, "wrong"),
            ),
            (
                "<ORDERTAXNUM>1</ORDERTAXNUM><ERRORCODE>1</ERRORCODE>",
                rejected(ErrorCode::TransactionsRegistrarAbsent, ""),
            ),
            ("<ERRORCODE>-5</ERRORCODE>", rejected(ErrorCode::Other(-5), "")),
            ("<ORDERTAXNUM/>", Verdict::Unclear),
            ("", Verdict::Unclear),
        ];
        for (rest, expected) in table {
            assert_eq!(read(rest).check(&uid, local), expected, "{rest}");
        }
        let other = LocalNumber::new(8).expect("a number");
        let of_ours = read("<ORDERTAXNUM>177086</ORDERTAXNUM>");
        assert_eq!(of_ours.check(&uid, other), Verdict::OfAnother);
        assert_eq!(
            of_ours.check(&Uid::new("F32EE0E0").expect("a UID"), local),
            Verdict::OfAnother
        );
    }

    #[test]
    fn lost_zeros_are_put_back_and_a_date_that_is_none_does_not_hide_the_verdict() {
        let at = |date, time| {
            Ticket::from_xml(ticket(date, time, "").as_bytes())
                .expect("a ticket")
                .issued
        };
        assert_eq!(
            at("1022026", "905"),
            LocalMoment::from_parts("01022026", "000905").ok()
        );
        assert_eq!(
            at("18112015", "0"),
            LocalMoment::from_parts("18112015", "000000").ok()
        );
        for (date, time) in [
            ("1010001", "0"),
            ("", ""),
            ("180112015", "0"),
            ("x", "0"),
            ("18112015", "250000"),
        ] {
            assert_eq!(at(date, time), None, "{date} {time}");
        }
    }

    #[test]
    fn no_declaration_and_utf8_are_tolerated_in_a_ticket_another_encoding_is_not() {
        let text = ticket(
            "18112015",
            "201543",
            "<ERRORCODE>9</ERRORCODE><ERRORTEXT>помилка</ERRORTEXT>",
        );
        let plain = text.split_once("?>").expect("a declaration").1;
        let utf8 = text.replace("windows-1251", "utf-8");
        assert_eq!(
            Ticket::from_xml(utf8.as_bytes())
                .expect("a ticket")
                .error_text
                .as_deref(),
            Some("помилка")
        );
        let (bytes, _, _) = encoding_rs::WINDOWS_1251.encode(plain);
        assert_eq!(
            Ticket::from_xml(&bytes).expect("a ticket").error_text.as_deref(),
            Some("помилка")
        );
        let other = text.replace("windows-1251", "koi8-u");
        assert_eq!(Ticket::from_xml(other.as_bytes()), Err(Error::Declaration));
        assert_eq!(
            Ticket::from_xml(b"<CHECK/>"),
            Err(Error::Root {
                found: "CHECK".to_owned()
            })
        );
    }

    #[test]
    fn a_made_ticket_reads_back() {
        let (uid, local) = sent();
        let issued = LocalMoment::from_parts("01022026", "000905").expect("a moment");
        let made = [
            Ticket::registered(uid.clone(), issued, local, number("82563.45.7539"), None),
            Ticket::rejected(
                uid,
                issued,
                local,
                ErrorCode::DocumentValidationError,
                "Сума \"<&>\" не та",
            ),
        ];
        for ticket in made {
            let xml = ticket.to_xml().expect("XML");
            assert_eq!(Ticket::from_xml(&xml), Ok(ticket));
        }
    }
}
