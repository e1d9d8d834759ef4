//! Certificates, DER and PEM: what is read can be asked for everything.
#![no_main]

use dstu::Certificate;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(certificate) = Certificate::read(data) else { return };
    let _ = certificate.signature_algorithm();
    let _ = (certificate.taxpayer_number(), certificate.company_code(), certificate.is_authority());
    if let Ok(key) = certificate.public_key() {
        let _ = certificate.verify_signature(key);
        assert_eq!(Some(key), dstu::PublicKey::from_compressed(key.curve(), &key.to_compressed()).ok().as_ref());
    }
});
