//! The nine bytes before a state: the deadline whose index row was written with it, so that a later step can take that row away.

const NONE: u8 = 0;
const DUE: u8 = 1;

const BYTES: usize = 9;

/// The header of a state, with room for so many bytes in all.
pub(super) fn begin(due_ms: Option<i64>, room: usize) -> Vec<u8> {
    let mut header = Vec::with_capacity(room);
    header.push(if due_ms.is_some() { DUE } else { NONE });
    header.extend_from_slice(&due_ms.unwrap_or_default().to_be_bytes());
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
