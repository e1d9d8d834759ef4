//! The codec: bytes make a record or an error; what was read is written and read again as the same.
#![no_main]

use actors::directory::records::{ContractTypeRecord, CustomerRecord, InvokerRecord};
use actors::idempotency::Reservation;
use actors::machines::otp::BookRecord;
use libfuzzer_sys::fuzz_target;
use storage::record::{Record, decode, encode};

fn round_trip<R: Record>(bytes: &[u8]) {
    let Ok(record) = decode::<R>(bytes) else { return };
    // Numbers may have been written longer than they need be, so that the first bytes may differ; an older version may grow.
    let written = encode(&record).expect("what was read can be written");
    assert!(written.len() <= bytes.len() || bytes[0] != R::VERSION);
    let again = decode::<R>(&written).expect("what was written can be read");
    assert_eq!(encode(&again).expect("and written again"), written);
}

fuzz_target!(|data: &[u8]| {
    let Some((&kind, bytes)) = data.split_first() else {
        return;
    };
    match kind % 5 {
        0 => round_trip::<BookRecord<'_>>(bytes),
        1 => round_trip::<Reservation>(bytes),
        2 => round_trip::<InvokerRecord>(bytes),
        3 => round_trip::<ContractTypeRecord>(bytes),
        _ => round_trip::<CustomerRecord>(bytes),
    }
});
