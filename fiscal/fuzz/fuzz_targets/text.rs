//! Small texts: refusals, amounts, moments, letters.
#![no_main]

use fiscal::command::ServerTime;
use fiscal::{Course, LocalMoment, Money, Price, Quantity, Rejection, TaxLetters};
use libfuzzer_sys::fuzz_target;

macro_rules! check {
    ($type:ty, $text:expr) => {
        if let Ok(value) = $text.parse::<$type>() {
            assert_eq!(value.to_string().parse(), Ok(value));
        }
    };
}

fuzz_target!(|text: &str| {
    if let Some(rejection) = Rejection::from_body(text) {
        assert_eq!(
            Rejection::from_body(&rejection.to_body()),
            Some(rejection.clone())
        );
        let _ = rejection.expected_local_number();
    }
    check!(Money, text);
    check!(Price, text);
    check!(Quantity, text);
    check!(Course, text);
    check!(ServerTime, text);
    let _ = text.parse::<TaxLetters>();
    if let Some((date, time)) = text.split_once(' ')
        && let Ok(moment) = LocalMoment::from_parts(date, time)
    {
        assert_eq!(
            (moment.date_text().as_str(), moment.time_text().as_str()),
            (date, time)
        );
    }
});
