//! The bodies of cash desks, behind a byte that says which: taken or refused, and what is taken is within its bounds.
#![no_main]

use countersign::http::fuzzing::cashdesk::{key, sale, service};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&kind, body)) = data.split_first() else {
        return;
    };
    match kind {
        b'f' => sale(body, true),
        b'c' => service(body, false),
        b'd' => service(body, true),
        b'k' => key(body),
        _ => sale(body, false),
    };
});
