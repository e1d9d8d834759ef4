//! The body of `POST /api/v1/contract-otp/verify`: taken or refused, and nothing else.
#![no_main]

use countersign::http::fuzzing::verify;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let taken = verify(body);
    assert!(!taken || body.contains(&b'{'), "only an object is a body");
});
