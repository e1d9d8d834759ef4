//! Checkpoints, receipts and bundles: what holds, and that every change of a byte is seen.

#![allow(clippy::unwrap_used)] // clippy sees a test only inside `#[test]`, and not in what tests share

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use evidence::checkpoint::{Head, Signer, Untrusted, Verifier};
use evidence::tree::{Frontier, fold, inclusion_parts, leaf_hash};
use evidence::{Bundle, Leaf, Receipt, Refuted, read_container};

const ORIGIN: &str = "countersign.example/evidence";

fn signer(seed: u8) -> Signer {
    Signer::from_seed(ORIGIN, &[seed; 32]).unwrap()
}

fn head(size: u64) -> Head {
    let mut frontier = Frontier::default();
    for index in 0..size {
        frontier.append(leaf_hash(&index.to_be_bytes()));
    }
    Head {
        origin: ORIGIN.to_owned(),
        size,
        root: frontier.root(),
    }
}

#[test]
fn a_checkpoint_is_what_its_key_says_and_changes_of_bytes_are_seen() {
    let (key, other) = (signer(1), signer(2));
    let head = head(7);
    let note = head.sign(std::slice::from_ref(&key));
    assert_eq!(
        Head::verified(&note, &[key.verifier().clone()]).as_ref(),
        Ok(&head)
    );
    assert_eq!(
        Head::verified(&note, &[other.verifier().clone()]),
        Err(Untrusted::Unsigned)
    );
    assert_eq!(Head::verified(&note, &[]), Err(Untrusted::Unsigned));
    for at in 0..note.len() {
        for bit in 0..8 {
            let mut bytes = note.clone().into_bytes();
            bytes[at] ^= 1 << bit;
            let Ok(changed) = String::from_utf8(bytes) else {
                continue;
            };
            assert!(
                Head::verified(&changed, &[key.verifier().clone()]).is_err(),
                "byte {at}: {changed}"
            );
        }
        assert!(
            note.is_char_boundary(at)
                .then(|| Head::verified(&note[..at], &[key.verifier().clone()]))
                .is_none_or(|cut| cut.is_err())
        );
    }
}

#[test]
fn a_checkpoint_of_two_keys_is_trusted_by_either_so_that_keys_can_change() {
    let (old, new, stranger) = (signer(1), signer(2), signer(3));
    let note = head(3).sign(&[new.clone(), old.clone()]);
    for known in [&old, &new] {
        assert!(Head::verified(&note, &[known.verifier().clone()]).is_ok());
    }
    // A false signature under a known key's name is not passed over.
    let forged = head(3).sign(&[stranger.clone(), old.clone()]);
    let id = |signer: &Signer| {
        signer
            .verifier()
            .to_string()
            .split('+')
            .nth(1)
            .unwrap()
            .to_owned()
    };
    assert_ne!(id(&stranger), id(&old));
    assert!(
        Head::verified(&forged, &[old.verifier().clone()]).is_ok(),
        "a stranger's is"
    );
    let cross = Signer::from_seed("another.log", &[1; 32]).unwrap();
    let note = head(3).sign(std::slice::from_ref(&cross));
    assert_eq!(
        Head::verified(&note, &[cross.verifier().clone()]),
        Err(Untrusted::OtherOrigin)
    );
}

/// Key, note and signature made by Go's `golang.org/x/mod/sumdb/note` and stated in its documentation.
#[test]
fn a_note_of_the_reference_implementation_is_read() {
    let key: Verifier = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
        .parse()
        .unwrap();
    assert_eq!(key.name(), "PeterNeumann");
    assert_eq!(
        key.to_string(),
        "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
    );
    let secret = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz";
    let signer: Signer = secret.parse().unwrap();
    assert_eq!(signer.verifier(), &key);
    assert_eq!(signer.secret_text(), secret);
    assert!(!format!("{signer:?}").contains("AYEKFALVFGyNhPJEMzD1QIDr"));
}

#[test]
fn what_is_no_key_is_refused() {
    let good = signer(1).verifier().to_string();
    let secret = signer(1).secret_text();
    for wrong in [
        "",
        "x",
        "a+b",
        &good.replace("countersign.example", "countersign example"),
        &good.replace("countersign.example", "another.example"),
        &good[..good.len() - 4],
        &secret,
    ] {
        assert!(wrong.parse::<Verifier>().is_err(), "{wrong}");
    }
    for wrong in [
        &good[..],
        &secret.replace("PRIVATE+", ""),
        &secret.replace("countersign.example", "another.example"),
    ] {
        assert!(wrong.parse::<Signer>().is_err());
    }
    assert!(Signer::from_seed("with space", &[0; 32]).is_none());
    assert!(Signer::from_seed("with+plus", &[0; 32]).is_none());
}

#[test]
fn malformed_notes_are_named_so() {
    let key = signer(1);
    let keys = [key.verifier().clone()];
    let good = head(7).sign(std::slice::from_ref(&key));
    for wrong in [
        String::new(),
        "\n\n".to_owned(),
        good.replace('\n', "\r\n"),
        good.replace("\n7\n", "\n07\n"),
        good.replace("\n7\n", "\n+7\n"),
        good.replace("\n7\n", "\n18446744073709551616\n"),
        good.replace("\n\n", "\n"),
        good.replace('\u{2014}', "-"),
        format!("{good}{}", "x".repeat(20_000)),
    ] {
        assert!(
            matches!(Head::verified(&wrong, &keys), Err(Untrusted::Malformed(_))),
            "{wrong:.100}"
        );
    }
    // Extension lines are signed, and passed over.
    assert_eq!(Head::verified(&good, &keys), Ok(head(7)));
}

/// Leaves of containers, and the receipts of some.
fn log() -> (Vec<Leaf>, Vec<Receipt>, Signer) {
    let leaves: Vec<Leaf> = (0..5_u8)
        .map(|number| {
            let body = format!(r#"{{"ClientIntegrationId":"c","ContractId":{number},"SignDate":"01.01.2024","UserSignKey":"0001"}}"#);
            Leaf {
                salt: [number; 16],
                recorded_seconds: 1_704_067_200,
                integration: "sample".to_owned(),
                version: 1,
                container: read_container(body.as_bytes()).content.unwrap(),
            }
        })
        .collect();
    let mut frontier = Frontier::default();
    let hashes: Vec<_> = leaves.iter().map(Leaf::hash).collect();
    for hash in &hashes {
        frontier.append(*hash);
    }
    let head = Head {
        origin: ORIGIN.to_owned(),
        size: 5,
        root: frontier.root(),
    };
    let note = head.sign(&[signer(1)]);
    let subtree = |node: &evidence::tree::Node| {
        let mut part = Frontier::default();
        let (from, to) = (node.index << node.level, (node.index + 1) << node.level);
        for index in from..to {
            part.append(hashes[usize::try_from(index).unwrap()]);
        }
        part.root()
    };
    let receipts = (0..5_u64).map(|index| {
        let parts = inclusion_parts(index, 5).unwrap();
        let path: Vec<_> = parts
            .iter()
            .map(|part| fold(&part.iter().map(subtree).collect::<Vec<_>>()))
            .collect();
        Receipt::new(
            hashes[usize::try_from(index).unwrap()],
            index,
            &path,
            note.clone(),
        )
    });
    let receipts = receipts.collect();
    (leaves, receipts, signer(1))
}

#[test]
fn a_receipt_holds_and_fails_after_any_change() {
    let (_, receipts, key) = log();
    let keys = [key.verifier().clone()];
    for receipt in receipts {
        assert_eq!(receipt.verify(&keys).map(|head| head.size), Ok(5));
        let mut other = receipt.clone();
        other.index = (other.index + 1) % 5;
        assert_eq!(other.verify(&keys), Err(Refuted::NotIncluded));
        for place in 0..receipt.path.len() {
            let mut other = receipt.clone();
            let digit = if other.path[place].starts_with('0') {
                "1"
            } else {
                "0"
            };
            other.path[place].replace_range(..1, digit);
            assert_eq!(other.verify(&keys), Err(Refuted::NotIncluded));
            other.path[place].pop();
            assert_eq!(other.verify(&keys), Err(Refuted::NotAHash));
        }
        let json = serde_json::to_string(&receipt).unwrap();
        assert_eq!(serde_json::from_str::<Receipt>(&json).unwrap(), receipt);
    }
}

#[test]
fn a_bundle_holds_offline_and_says_in_plain_words_what_does_not() {
    let (leaves, receipts, key) = log();
    let keys = [key.verifier().clone()];
    let bundle = Bundle::new(leaves.iter().map(Leaf::bytes).zip(receipts));
    let report = bundle.verify(&keys);
    assert!(report.holds());
    let text = report.to_string();
    assert!(
        text.contains("All 5 containers") && text.contains("entry 5: contract 4 of client \"c\", version 1"),
        "{text}"
    );
    assert!(!text.contains("0001"), "the key is not shown: {text}");

    // Any bit of any container.
    let bytes = leaves[2].bytes();
    for at in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[at / 8] ^= 1 << (at % 8);
        let mut other = bundle.clone();
        other.entries[2].leaf = BASE64_STANDARD.encode(changed);
        let report = other.verify(&keys);
        assert!(!report.holds());
        let held: Vec<bool> = report
            .findings
            .iter()
            .map(|found| found.outcome.is_ok())
            .collect();
        assert_eq!(held, [true, true, false, true, true]);
    }
    let mut other = bundle.clone();
    other.entries.swap_remove(0);
    other.entries[0].receipt = bundle.entries[0].receipt.clone();
    assert!(other.verify(&keys).to_string().contains("was changed"));
    let mut other = bundle.clone();
    other.entries[1].leaf = "no base64!".to_owned();
    assert!(
        other
            .verify(&keys)
            .to_string()
            .contains("4 of 5 containers are proved")
    );
    assert!(!bundle.verify(&[signer(9).verifier().clone()]).holds());
    let empty = Bundle::new([]);
    assert!(!empty.verify(&keys).holds());
    let mut other = bundle;
    other.format = "another".to_owned();
    assert!(!other.verify(&keys).holds());
}
