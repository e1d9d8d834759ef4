//! Phone numbers: a number that is taken is in E.164, and taking it again gives the same.
#![no_main]

use actors::phone::Phone;
use libfuzzer_sys::fuzz_target;
use phonenumber::country::Id;

fuzz_target!(|text: &str| {
    for region in [Id::IR, Id::UA] {
        let Ok(phone) = Phone::mobile(text, region) else {
            continue;
        };
        let digits = phone
            .expose()
            .strip_prefix('+')
            .expect("E.164 begins with a plus");
        assert!((3..=15).contains(&digits.len()), "{digits}");
        assert!(digits.bytes().all(|byte| byte.is_ascii_digit()), "{digits}");
        assert_eq!(Phone::mobile(phone.expose(), region).as_ref(), Ok(&phone));
    }
});
