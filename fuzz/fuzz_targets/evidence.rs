//! What comes from outside, or from a file: bodies, leaves, checkpoints, keys, bundles. Nothing panics; what is read is written the same.
#![no_main]

use evidence::checkpoint::{Head, Signer, Verifier};
use evidence::{Bundle, Leaf, read_container, read_identity};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((&kind, bytes)) = data.split_first() else {
        return;
    };
    let keys = [Signer::from_seed("log", &[1; 32])
        .expect("a name")
        .verifier()
        .clone()];
    match kind % 4 {
        0 => {
            if let Ok(container) = read_container(bytes).content {
                let leaf = Leaf {
                    salt: [0; 16],
                    recorded_seconds: 0,
                    integration: "fuzz".to_owned(),
                    version: 1,
                    container,
                };
                assert_eq!(
                    Leaf::from_bytes(&leaf.bytes()).expect("what was written can be read"),
                    leaf
                );
            }
            let _ = read_identity(bytes).content.is_ok();
        }
        1 => {
            if let Ok(leaf) = Leaf::from_bytes(bytes) {
                assert_eq!(leaf.bytes(), bytes, "one encoding of each leaf");
            }
        }
        2 => {
            let Ok(text) = std::str::from_utf8(bytes) else {
                return;
            };
            assert!(Head::verified(text, &keys).is_err(), "nobody signs by chance");
            if let Ok(key) = text.parse::<Verifier>() {
                assert_eq!(key.to_string().parse::<Verifier>(), Ok(key));
            }
        }
        _ => {
            if let Ok(bundle) = serde_json::from_slice::<Bundle>(bytes) {
                assert!(!bundle.verify(&keys).holds());
            }
        }
    }
});
