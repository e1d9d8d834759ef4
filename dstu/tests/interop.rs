//! Both ways with BouncyCastle and with Java's own key store, where they are installed (`scripts/interop.sh` does it).

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test stops where something is wrong"
)]

mod world;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dstu::cms::{Identification, Packaging, SignedData, Template, Verdict};
use dstu::container::{KeyRing, Password, seal};
use dstu::{Curve, Entropy, HashAlgorithm, LocalSigner, PrivateKey, PublicKey, Signature};
use world::{authority, moment, signing_key};

/// Where Debian puts the three archives.
const ARCHIVES: [&str; 3] = [
    "/usr/share/java/bcprov.jar",
    "/usr/share/java/bcpkix.jar",
    "/usr/share/java/bcutil.jar",
];
/// Known to `Interop.java`, too.
const STORE_PASSWORD: &str = "invented-password";
const CONTENT: &[u8] = b"<CHECK>interop</CHECK>";

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap())
        .collect()
}

/// Why the test cannot run here, if it cannot.
fn missing() -> Option<String> {
    // Running a source file needs the compiler, so a bare runtime is not enough.
    if Command::new("javac").arg("-version").output().is_err() {
        return Some("no Java development kit".to_owned());
    }
    ARCHIVES
        .iter()
        .find(|path| !Path::new(path).exists())
        .map(|path| format!("no {path}"))
}

#[test]
fn bouncycastle_accepts_ours_and_we_accept_bouncycastles() {
    if let Some(reason) = missing() {
        assert!(std::env::var_os("DSTU_INTEROP_REQUIRED").is_none(), "{reason}");
        println!("skipped: {reason} (scripts/interop.sh installs what is needed)");
        return;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("interop");
    fs::create_dir_all(&folder).unwrap();
    let signer = prepare(&folder);
    run_java(&folder);
    judge_signatures(&folder);
    judge_message(&folder);
    judge_stores(&folder, signer.key());
}

/// Writes what Java is to judge, and what it needs for its own.
fn prepare(folder: &Path) -> LocalSigner {
    let write = |name: &str, octets: &[u8]| fs::write(folder.join(name), octets).unwrap();
    let mut lines = String::new();
    for curve in Curve::ALL {
        for seed in 70..75 {
            let key = PrivateKey::generate(curve, &Entropy::new([seed; 32])).unwrap();
            let digest = HashAlgorithm::Gost34311.digest(&[&[seed]]);
            let signature = key
                .sign(&digest, &Entropy::new([seed; 32]))
                .unwrap()
                .to_little_endian();
            let public = hex(&key.public_key().to_compressed());
            lines += &format!(
                "{} {public} {} {}\n",
                curve.degree(),
                hex(&digest),
                hex(&signature)
            );
        }
    }
    write("ours.txt", lines.as_bytes());

    let authority = authority(HashAlgorithm::Gost34311);
    let (key, certificate) = signing_key(&authority, Curve::M257, 76);
    write("authority.der", authority.certificate().der());
    write("cert.der", certificate.der());
    write("public.bin", &key.public_key().to_compressed());
    write("secret.bin", &key.to_little_endian());
    write("secret.p8", &seal::pkcs8(&key));
    write("content.bin", CONTENT);
    let store = seal::jks(
        &[("sign", &key, &[&certificate])],
        STORE_PASSWORD,
        &Entropy::new([1; 32]),
    );
    write("ours.jks", &store);

    let signer = LocalSigner::new(key, certificate).unwrap();
    for (name, identification, packaging) in [
        (
            "attached.p7s",
            Identification::IssuerAndSerial,
            Packaging::Attached,
        ),
        ("key-id.p7s", Identification::KeyId, Packaging::Attached),
        (
            "detached.p7s",
            Identification::IssuerAndSerial,
            Packaging::Detached,
        ),
    ] {
        let template = Template::new(&signer, identification).unwrap();
        let entropy = Entropy::new([2; 32]);
        write(
            name,
            &template
                .sign(&signer, CONTENT, packaging, Some(moment(2026)), &entropy)
                .unwrap(),
        );
    }
    signer
}

fn run_java(folder: &Path) {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/Interop.java");
    let output = Command::new("java")
        .args(["-cp", &ARCHIVES.join(":"), source])
        .arg(folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "Java failed");
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines.iter().all(|line| line.starts_with("ok ")),
        "BouncyCastle refuses something"
    );
    // 50 signatures, the certificates, three messages, the key store.
    assert_eq!(lines.len(), 50 + 1 + 3 + 1);
}

fn judge_signatures(folder: &Path) {
    let text = fs::read_to_string(folder.join("theirs.txt")).unwrap();
    assert_eq!(text.lines().count(), 50);
    for line in text.lines() {
        let fields: Vec<&str> = line.split(' ').collect();
        let curve = Curve::of(fields[0].parse().unwrap()).unwrap();
        let public = PublicKey::from_compressed(curve, &unhex(fields[1])).unwrap();
        let signature = Signature::from_little_endian(curve, &unhex(fields[3])).unwrap();
        assert_eq!(public.verify(&unhex(fields[2]), &signature), Ok(()), "{line}");
    }
}

fn judge_message(folder: &Path) {
    let message = SignedData::from_der(&fs::read(folder.join("theirs.p7s")).unwrap()).unwrap();
    assert_eq!(message.content(), Some(CONTENT));
    let verdicts = message.verify(None, &[]);
    assert!(
        verdicts.len() == 1 && verdicts.iter().all(Verdict::holds),
        "{verdicts:?}"
    );
}

fn judge_stores(folder: &Path, key: &PrivateKey) {
    let octets = fs::read(folder.join("theirs.jks")).unwrap();
    let ring = KeyRing::open(&octets, &Password::new(STORE_PASSWORD)).unwrap();
    assert_eq!(ring.keys()[0].key.public_key(), key.public_key());
    assert_eq!(ring.keys()[0].name.as_deref(), Some("sign"));
    assert!(ring.key_of(&ring.certificates()[0]).is_some());

    let octets = fs::read(folder.join("theirs-key6.dat")).unwrap();
    let ring = KeyRing::open(&octets, &Password::new(STORE_PASSWORD)).unwrap();
    assert_eq!(ring.keys()[0].key.public_key(), key.public_key());
    assert_eq!(
        octets,
        seal::iit_key6(key, STORE_PASSWORD),
        "the format has no chance in it"
    );
}
