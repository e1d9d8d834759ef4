//! Operations a second on one core: median, and range over the rounds. `cargo bench -p dstu [filter]`.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement stops where something is wrong"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use chrono::{TimeZone, Utc};
use dstu::cms::{Identification, Packaging, SignedData, Template};
use dstu::container::{KeyRing, Password, seal};
use dstu::issuer::{Authority, Holder, Purpose, Validity};
use dstu::{Arithmetic, Curve, Entropy, HashAlgorithm, LocalSigner, PrivateKey, PublicKey};

/// Rounds of a measurement; the median of nine is calm on a shared machine.
const ROUNDS: usize = 9;
/// Length of a round.
const ROUND: Duration = Duration::from_millis(200);

fn measure(name: &str, unit: &str, per_run: f64, mut run: impl FnMut()) {
    let filter = std::env::args()
        .nth(1)
        .filter(|argument| !argument.starts_with('-'));
    if filter.is_some_and(|filter| !name.contains(&filter)) {
        return;
    }
    let mut rates: Vec<f64> = (0..=ROUNDS)
        .map(|_| {
            let (start, mut runs) = (Instant::now(), 0u32);
            while start.elapsed() < ROUND {
                run();
                runs += 1;
            }
            f64::from(runs) * per_run / start.elapsed().as_secs_f64()
        })
        .skip(1) // the first round warms tables and caches
        .collect();
    rates.sort_by(f64::total_cmp);
    println!(
        "{name:44} {:>10.0} {unit}  ({:.0} to {:.0})",
        rates[ROUNDS / 2],
        rates[0],
        rates[ROUNDS - 1]
    );
}

/// A key with a certificate of an invented authority.
fn signer(hash: HashAlgorithm, arithmetic: Arithmetic) -> LocalSigner {
    let moment = |year| {
        Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0)
            .single()
            .expect("a valid date")
    };
    let validity = Validity {
        not_before: moment(2025),
        not_after: moment(2027),
    };
    let holder = Holder {
        common_name: "Вигаданенко Вигадана Вигадівна".to_owned(),
        organization: "ТОВ «Неіснуюча крамниця»".to_owned(),
        taxpayer_number: "0000000017".to_owned(),
        ..Holder::default()
    };
    let key = PrivateKey::generate(Curve::M257, &Entropy::new([7; 32]))
        .unwrap()
        .with_arithmetic(arithmetic);
    let authority =
        Authority::self_signed(key.clone(), &holder, validity, hash, &Entropy::new([1; 32])).unwrap();
    let certificate = authority
        .issue(
            key.public_key(),
            &holder,
            Purpose::Signing,
            validity,
            &Entropy::new([2; 32]),
        )
        .unwrap();
    LocalSigner::new(key, certificate).unwrap()
}

/// A whole attached message over 2 KiB, with and without the signer's check of its own signature.
fn measure_messages() {
    let content = vec![0x5A; 2048];
    for hash in [HashAlgorithm::Gost34311, HashAlgorithm::Kupyna256] {
        for arithmetic in [Arithmetic::Fastest, Arithmetic::Portable] {
            for self_check in [true, false] {
                let signer = signer(hash, arithmetic).with_self_check(self_check);
                let template = Template::new(&signer, Identification::IssuerAndSerial).unwrap();
                let sign = || {
                    let entropy = Entropy::from_system().unwrap();
                    template
                        .sign(&signer, black_box(&content), Packaging::Attached, None, &entropy)
                        .unwrap()
                };
                let checked = if self_check { ", self-check" } else { "" };
                measure(
                    &format!("CMS 2 KiB {hash:?} {arithmetic:?}{checked}"),
                    "/s",
                    1.0,
                    || {
                        black_box(sign());
                    },
                );
            }
        }
        let signer = signer(hash, Arithmetic::Fastest);
        let template = Template::new(&signer, Identification::IssuerAndSerial).unwrap();
        let octets = template
            .sign(
                &signer,
                &content,
                Packaging::Attached,
                None,
                &Entropy::new([3; 32]),
            )
            .unwrap();
        measure(&format!("read and verify CMS 2 KiB {hash:?}"), "/s", 1.0, || {
            let message = SignedData::from_der(black_box(&octets)).unwrap();
            assert!(message.verify(None, &[])[0].holds());
        });
    }
}

fn measure_containers() {
    let key = PrivateKey::generate(Curve::M257, &Entropy::new([7; 32])).unwrap();
    let entropy = || Entropy::new([3; 32]);
    let containers = [
        ("Key-6.dat", seal::iit_key6(&key, "password")),
        ("PBES2", seal::pbes2(&key, "password", &entropy())),
        ("PKCS #12", seal::pkcs12(&[&key], &[], "password", &entropy())),
        ("JKS", seal::jks(&[("key", &key, &[])], "password", &entropy())),
    ];
    for (name, octets) in containers {
        measure(&format!("open {name}"), "/s", 1.0, || {
            black_box(KeyRing::open(black_box(&octets), &Password::new("password")).unwrap());
        });
    }
}

fn main() {
    println!("accelerated: {}", Arithmetic::Fastest.is_accelerated());
    let digest = HashAlgorithm::Gost34311.digest(&[b"a message"]);
    for curve in [Curve::M257, Curve::M431, Curve::M163, Curve::M367] {
        for arithmetic in [Arithmetic::Fastest, Arithmetic::Portable] {
            let key = PrivateKey::generate(curve, &Entropy::new([7; 32]))
                .unwrap()
                .with_arithmetic(arithmetic);
            let signature = key.sign(&digest, &Entropy::new([8; 32])).unwrap();
            measure(&format!("sign {curve:?} {arithmetic:?}"), "/s", 1.0, || {
                black_box(key.sign(black_box(&digest), &Entropy::new([9; 32])).unwrap());
            });
            measure(&format!("verify {curve:?} {arithmetic:?}"), "/s", 1.0, || {
                key.public_key()
                    .verify(black_box(&digest), black_box(&signature))
                    .unwrap();
            });
        }
        let compressed = PrivateKey::generate(curve, &Entropy::new([7; 32]))
            .unwrap()
            .public_key()
            .to_compressed();
        measure(
            &format!("read and validate a public key {curve:?}"),
            "/s",
            1.0,
            || {
                black_box(PublicKey::from_compressed(curve, black_box(&compressed)).unwrap());
            },
        );
    }
    measure_messages();
    measure_containers();
    let data = vec![0x5A; 65_536];
    for hash in [HashAlgorithm::Gost34311, HashAlgorithm::Kupyna256] {
        measure(&format!("hash {hash:?}"), "MB/s", 0.065_536, || {
            black_box(hash.digest(&[black_box(&data)]));
        });
    }
}
