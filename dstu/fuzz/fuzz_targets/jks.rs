//! Java key stores. The store's check is computed here, so that the fuzzer gets past it.
#![no_main]

use dstu::container::{KeyRing, Password};
use libfuzzer_sys::fuzz_target;
use sha1::{Digest, Sha1};

fuzz_target!(|data: &[u8]| {
    let mut store = vec![0xFE, 0xED, 0xFE, 0xED];
    store.extend_from_slice(data);
    let mut hash = Sha1::new();
    hash.update("password".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<u8>>());
    hash.update(b"Mighty Aphrodite");
    hash.update(&store);
    store.extend_from_slice(&hash.finalize());
    let _ = KeyRing::open(&store, &Password::new("password"));
});
