//! Commands: whatever is read is written so that it reads the same.
#![no_main]

use fiscal::command::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(request) = Request::from_json(data) else {
        return;
    };
    let written = request.to_json().expect("a request can be written");
    assert_eq!(Request::from_json(&written).expect("it reads back"), request);
});
