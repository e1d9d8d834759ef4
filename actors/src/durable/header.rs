//! The nine bytes before a state: the deadline whose index row was written with it, so that a later step can take that row away.

const NONE: u8 = 0;
const DUE: u8 = 1;

/// A state with its header.
pub(super) fn put(due_ms: Option<i64>, state: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(9 + state.len());
    value.push(if due_ms.is_some() { DUE } else { NONE });
    value.extend_from_slice(&due_ms.unwrap_or(0).to_be_bytes());
    value.extend_from_slice(state);
    value
}

/// The indexed deadline (milliseconds since 1970), and the state.
pub(super) fn take(value: &[u8]) -> storage::Result<(Option<i64>, &[u8])> {
    let corrupt = |detail: &str| storage::Error::Corrupt {
        what: "state header".to_owned(),
        detail: detail.to_owned(),
    };
    let (head, state) = value
        .split_at_checked(9)
        .ok_or_else(|| corrupt("shorter than its header"))?;
    let due_ms = i64::from_be_bytes(head[1..].try_into().expect("split at nine"));
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
