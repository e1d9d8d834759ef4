//! The nine bytes before a state: the deadline whose index row was written with it, so that a later step can take that row away.

const NONE: u8 = 0;
const DUE: u8 = 1;

const BYTES: usize = 9;

/// The header of a state.
pub(super) fn of(due_ms: Option<i64>) -> [u8; BYTES] {
    let mut header = [NONE; BYTES];
    if let Some(due_ms) = due_ms {
        header[0] = DUE;
        header[1..].copy_from_slice(&due_ms.to_be_bytes());
    }
    header
}

/// The indexed deadline (milliseconds since 1970), and the state.
pub(super) fn take(value: &[u8]) -> storage::Result<(Option<i64>, &[u8])> {
    let corrupt = |detail: &str| storage::Error::Corrupt {
        what: "state header".to_owned(),
        detail: detail.to_owned(),
    };
    let (head, state) = value
        .split_at_checked(BYTES)
        .ok_or_else(|| corrupt("shorter than its header"))?;
    let due_ms = i64::from_be_bytes(head[1..].try_into().expect("split behind it"));
    match head[0] {
        NONE => Ok((None, state)),
        DUE => Ok((Some(due_ms), state)),
        _ => Err(corrupt("unknown header")),
    }
}

/// A state without its header, for whoever reads it without its machine.
pub(crate) fn state_of(value: &[u8]) -> storage::Result<&[u8]> {
    take(value).map(|(_, state)| state)
}
