//! Signed messages: what is read can be judged.
#![no_main]

use dstu::cms::{SignedData, timestamp_time};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let _ = timestamp_time(data);
    let Ok(message) = SignedData::from_der(data) else { return };
    for content in [None, Some(&b"content"[..])] {
        let verdicts = message.verify(content, &[]);
        assert_eq!(verdicts.len(), message.signers().len());
    }
    for signer in message.signers() {
        let _ = signer.signing_time();
        if let Some(token) = signer.signature_timestamp().or(signer.content_timestamp()) {
            let _ = timestamp_time(token);
        }
    }
});
