//! SMPP 3.4: what a `submit_sm_resp` says of a message, and how long one may live.

use crate::Submitted;

/// What the status of a `submit_sm_resp` means (SMPP 3.4, 5.1.3). Any status but ESME_ROK says that the message was not taken.
pub fn submitted(status: u32, id: &str) -> Submitted {
    if status == 0 {
        return Submitted::accepted(id);
    }
    Submitted::refused(
        is_permanent(status),
        format!("0x{status:08X}"),
        name(status).unwrap_or_default(),
    )
}

/// Whether the message or its recipient is at fault.
fn is_permanent(status: u32) -> bool {
    // ESME_RINVMSGLEN, ESME_RINVDSTADR
    matches!(status, 0x01 | 0x0B)
}

/// Whether the operator asks for patience: the same may be tried again a little later.
pub fn is_congestion(status: u32) -> bool {
    // ESME_RMSGQFUL, ESME_RTHROTTLED
    matches!(status, 0x14 | 0x58)
}

/// The standard's name of a status (SMPP 3.4, table 5-2).
pub fn name(status: u32) -> Option<&'static str> {
    let at = NAMES.binary_search_by_key(&status, |(known, _)| *known).ok()?;
    Some(NAMES[at].1)
}

const NAMES: [(u32, &str); 49] = [
    (0x00, "ESME_ROK"),
    (0x01, "ESME_RINVMSGLEN"),
    (0x02, "ESME_RINVCMDLEN"),
    (0x03, "ESME_RINVCMDID"),
    (0x04, "ESME_RINVBNDSTS"),
    (0x05, "ESME_RALYBND"),
    (0x06, "ESME_RINVPRTFLG"),
    (0x07, "ESME_RINVREGDLVFLG"),
    (0x08, "ESME_RSYSERR"),
    (0x0A, "ESME_RINVSRCADR"),
    (0x0B, "ESME_RINVDSTADR"),
    (0x0C, "ESME_RINVMSGID"),
    (0x0D, "ESME_RBINDFAIL"),
    (0x0E, "ESME_RINVPASWD"),
    (0x0F, "ESME_RINVSYSID"),
    (0x11, "ESME_RCANCELFAIL"),
    (0x13, "ESME_RREPLACEFAIL"),
    (0x14, "ESME_RMSGQFUL"),
    (0x15, "ESME_RINVSERTYP"),
    (0x33, "ESME_RINVNUMDESTS"),
    (0x34, "ESME_RINVDLNAME"),
    (0x40, "ESME_RINVDESTFLAG"),
    (0x42, "ESME_RINVSUBREP"),
    (0x43, "ESME_RINVESMCLASS"),
    (0x44, "ESME_RCNTSUBDL"),
    (0x45, "ESME_RSUBMITFAIL"),
    (0x48, "ESME_RINVSRCTON"),
    (0x49, "ESME_RINVSRCNPI"),
    (0x50, "ESME_RINVDSTTON"),
    (0x51, "ESME_RINVDSTNPI"),
    (0x53, "ESME_RINVSYSTYP"),
    (0x54, "ESME_RINVREPFLAG"),
    (0x55, "ESME_RINVNUMMSGS"),
    (0x58, "ESME_RTHROTTLED"),
    (0x61, "ESME_RINVSCHED"),
    (0x62, "ESME_RINVEXPIRY"),
    (0x63, "ESME_RINVDFTMSGID"),
    (0x64, "ESME_RX_T_APPN"),
    (0x65, "ESME_RX_P_APPN"),
    (0x66, "ESME_RX_R_APPN"),
    (0x67, "ESME_RQUERYFAIL"),
    (0xC0, "ESME_RINVOPTPARSTREAM"),
    (0xC1, "ESME_ROPTPARNOTALLWD"),
    (0xC2, "ESME_RINVPARLEN"),
    (0xC3, "ESME_RMISSINGOPTPARAM"),
    (0xC4, "ESME_RINVOPTPARAMVAL"),
    (0xFE, "ESME_RDELIVERYFAILURE"),
    (0xFF, "ESME_RUNKNOWNERR"),
    (0x100, "ESME_RSERTYPUNAUTH"),
];

/// A validity period in the relative form of SMPP 3.4 (7.1.1.2): `YYMMDDhhmmss000R`, cut at 99 days.
pub fn relative_time(seconds: u32) -> String {
    let seconds = seconds.min(28 * 86_400);
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    format!(
        "0000{days:02}{:02}{:02}{:02}000R",
        rest / 3_600,
        rest % 3_600 / 60,
        rest % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_of_the_standard_but_ok_is_a_refusal() {
        assert!(
            NAMES.is_sorted_by_key(|(status, _)| *status),
            "or the search would not find them"
        );
        for (status, name) in NAMES {
            let expected = if status == 0 {
                Submitted::accepted("id-1")
            } else {
                Submitted::refused(matches!(status, 0x01 | 0x0B), format!("0x{status:08X}"), name)
            };
            assert_eq!(submitted(status, "id-1"), expected, "{name}");
        }
        // A vendor's own, 0x400 to 0x4FF.
        assert_eq!(submitted(0x4FF, ""), Submitted::refused(false, "0x000004FF", ""));
    }

    #[test]
    fn a_full_queue_and_a_throttle_ask_for_patience() {
        let patient: Vec<u32> = NAMES
            .iter()
            .map(|(status, _)| *status)
            .filter(|s| is_congestion(*s))
            .collect();
        assert_eq!(patient, [0x14, 0x58]);
    }

    #[test]
    fn a_validity_is_sixteen_characters_in_the_relative_form() {
        for (seconds, expected) in [
            (0, "000000000000000R"),
            (300, "000000000500000R"),
            (90_061, "000001010101000R"),
            (u32::MAX, "000028000000000R"),
        ] {
            assert_eq!(relative_time(seconds), expected);
            assert_eq!(expected.len(), 16);
        }
    }
}
