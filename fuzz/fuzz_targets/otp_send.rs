//! The body of `POST /api/v1/contract-otp/send`: taken or refused, and nothing else.
#![no_main]

use countersign::http::fuzzing::send;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let taken = send(body);
    assert!(!taken || body.contains(&b'{'), "only an object is a body");
});
