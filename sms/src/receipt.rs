//! The text of an SMPP delivery receipt (SMPP 3.4, appendix B): `id:… sub:001 dlvrd:001 submit date:… done date:… stat:DELIVRD err:000 text:…`.

use crate::{Fate, Named, Report};

/// What a receipt says. `receipted_id` and `state` come from the parameters `receipted_message_id` and `message_state` where the operator sends
/// them; they win over the text, whose form is each vendor's own. `None` where it names no message or says no state.
pub fn read(text: &str, receipted_id: Option<&str>, state: Option<u8>) -> Option<Report> {
    let id = receipted_id
        .map(str::trim)
        .filter(|id| !id.is_empty())
        .or_else(|| field(text, "id:"))?;
    let stat = field(text, "stat:");
    let fate = match state {
        Some(state) => fate_of_state(state)?,
        None => fate_of_stat(stat?)?,
    };
    let error = field(text, "err:").filter(|error| error.bytes().any(|octet| octet != b'0'));
    let code = match (stat, error) {
        (Some(stat), Some(error)) => format!("{stat} {error}"),
        (Some(stat), None) => stat.to_owned(),
        (None, _) => format!("state {}", state.unwrap_or_default()),
    };
    Some(Report {
        named: Named::Theirs(id.to_owned()),
        fate,
        code: code.chars().take(40).collect(),
    })
}

/// The word behind a label that begins the text or follows a space; case does not matter.
fn field<'a>(text: &'a str, label: &str) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    // The message's own first words come last, and may look like anything.
    let end = lower.find(" text:").unwrap_or(lower.len());
    let begins = |at: &usize| *at == 0 || lower.as_bytes()[*at - 1] == b' ';
    let at = lower[..end].match_indices(label).map(|(at, _)| at).find(begins)?;
    let value = text[at + label.len()..end].split(' ').next()?;
    Some(value).filter(|value| !value.is_empty())
}

/// SMPP 3.4, 5.2.28.
fn fate_of_state(state: u8) -> Option<Fate> {
    match state {
        1 | 6 => Some(Fate::OnItsWay),
        2 => Some(Fate::Delivered),
        3 | 4 | 5 | 8 => Some(Fate::Failed),
        // 7 is "unknown": the operator cannot say.
        _ => None,
    }
}

fn fate_of_stat(stat: &str) -> Option<Fate> {
    match stat.to_ascii_uppercase().as_str() {
        "DELIVRD" => Some(Fate::Delivered),
        "EXPIRED" | "DELETED" | "UNDELIV" | "REJECTD" => Some(Fate::Failed),
        "ENROUTE" | "ACCEPTD" => Some(Fate::OnItsWay),
        // UNKNOWN and vendors' own.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const USUAL: &str = "id:0a1b2c sub:001 dlvrd:001 submit date:2511220319 done date:2511220320 stat:DELIVRD err:000 text:id:x stat:UNDELIV";

    fn report(id: &str, fate: Fate, code: &str) -> Option<Report> {
        Some(Report {
            named: Named::Theirs(id.to_owned()),
            fate,
            code: code.to_owned(),
        })
    }

    #[test]
    fn the_usual_receipt_is_read_and_the_quoted_text_is_not() {
        assert_eq!(
            read(USUAL, None, None),
            report("0a1b2c", Fate::Delivered, "DELIVRD")
        );
    }

    #[test]
    fn every_state_has_its_meaning_in_words_and_in_numbers() {
        for (stat, state, fate) in [
            ("ENROUTE", 1, Some(Fate::OnItsWay)),
            ("DELIVRD", 2, Some(Fate::Delivered)),
            ("EXPIRED", 3, Some(Fate::Failed)),
            ("DELETED", 4, Some(Fate::Failed)),
            ("UNDELIV", 5, Some(Fate::Failed)),
            ("ACCEPTD", 6, Some(Fate::OnItsWay)),
            ("UNKNOWN", 7, None),
            ("REJECTD", 8, Some(Fate::Failed)),
        ] {
            let text = format!("id:1 stat:{stat} err:000");
            assert_eq!(read(&text, None, None).map(|report| report.fate), fate, "{stat}");
            assert_eq!(
                read("", Some("1"), Some(state)).map(|report| report.fate),
                fate,
                "{state}"
            );
        }
    }

    #[test]
    fn the_parameters_win_over_the_text() {
        assert_eq!(
            read(USUAL, Some("77"), Some(5)),
            report("77", Fate::Failed, "DELIVRD")
        );
        assert_eq!(
            read("nothing of the kind", Some("77"), Some(2)),
            report("77", Fate::Delivered, "state 2")
        );
        assert_eq!(
            read(USUAL, Some(" "), None).unwrap().named,
            Named::Theirs("0a1b2c".to_owned())
        );
    }

    #[test]
    fn vendors_spellings_are_read() {
        let text = "ID:42 SUB:1 DLVRD:0 SUBMIT DATE:x DONE DATE:y STAT:undeliv ERR:12 TEXT:";
        assert_eq!(read(text, None, None), report("42", Fate::Failed, "undeliv 12"));
    }

    #[test]
    fn a_receipt_without_an_id_or_a_state_is_none() {
        for text in [
            "",
            "id: stat:DELIVRD",
            "stat:DELIVRD",
            "id:1",
            "hello",
            "void:1 stat:DELIVRD",
        ] {
            assert_eq!(read(text, None, None), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(text in any::<String>(), id in proptest::option::of(any::<String>()), state in any::<Option<u8>>()) {
            let _ = read(&text, id.as_deref(), state);
        }
    }
}
