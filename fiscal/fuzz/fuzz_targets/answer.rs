//! Answers: the first octet says of which command; whatever is read is written so that it reads the same.
#![no_main]

use fiscal::command::{
    Answered, DocumentAnswer, DocumentInfo, Documents, LastShiftTotals, Objects, Operators, RegisterState,
    RegisteredDevice, Schemas, SentDocument, SentPackage, Shifts,
};
use libfuzzer_sys::fuzz_target;

macro_rules! check {
    ($type:ty, $json:expr) => {
        if let Ok(answer) = Answered::<$type>::from_json($json) {
            let written = answer.to_json().expect("an answer can be written");
            assert_eq!(
                Answered::<$type>::from_json(&written).expect("it reads back"),
                answer
            );
        }
    };
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, json)) = data.split_first() else {
        return;
    };
    match kind % 12 {
        0 => check!(RegisterState, json),
        1 => check!(Documents, json),
        2 => check!(LastShiftTotals, json),
        3 => check!(Objects, json),
        4 => check!(Shifts, json),
        5 => check!(DocumentAnswer, json),
        6 => check!(DocumentInfo, json),
        7 => check!(Operators, json),
        8 => check!(RegisteredDevice, json),
        9 => check!(SentDocument, json),
        10 => check!(Schemas, json),
        _ => {
            check!(SentPackage, json);
            let _ = SentPackage::from_body(json);
        }
    }
});
