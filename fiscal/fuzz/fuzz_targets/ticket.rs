//! Tickets: whatever is read has a verdict, and reads the same when windows-1251 can carry it.
#![no_main]

use fiscal::{Ticket, Verdict};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(ticket) = Ticket::from_xml(data) else {
        return;
    };
    assert_ne!(ticket.check(&ticket.uid, ticket.local_number), Verdict::OfAnother);
    if let Ok(written) = ticket.to_xml() {
        assert_eq!(Ticket::from_xml(&written).as_ref(), Ok(&ticket));
    }
});
