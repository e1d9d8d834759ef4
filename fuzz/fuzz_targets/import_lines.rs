//! An import: cut the same wherever the pieces end, within its bound; every line is taken or refused.
#![no_main]

use countersign::http::fuzzing::{import_line, lines};
use libfuzzer_sys::fuzz_target;

/// As in an import, made small, so that lines are too long often.
const BYTES_MAX: usize = 512;

fuzz_target!(|data: &[u8]| {
    let Some((&size, stream)) = data.split_first() else {
        return;
    };
    let cut = lines(stream.chunks(usize::from(size).max(1)), BYTES_MAX);
    assert_eq!(cut, lines([stream].into_iter(), BYTES_MAX), "pieces of {size}");
    let ended = stream.iter().filter(|byte| **byte == b'\n').count();
    assert!((ended..=ended + 1).contains(&cut.len()));
    for line in cut.into_iter().flatten() {
        assert!(line.len() <= BYTES_MAX);
        import_line(&line);
    }
});
