//! PKCS #12, with and without its message authentication code.
#![no_main]

use dstu::container::{KeyRing, Password, seal};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(ring) = KeyRing::open(data, &Password::new("password")) else { return };
    for stored in ring.keys() {
        // What was opened can be written and opened again.
        let again = KeyRing::open(&seal::pkcs8(&stored.key), &Password::new("")).expect("our own key opens");
        assert_eq!(again.keys()[0].key.public_key(), stored.key.public_key());
    }
});
