//! Writes a first corpus for every target: valid inputs, made here. Run in the folder `fuzz`.

use std::fs;
use std::path::Path;

use chrono::{TimeZone, Utc};
use dstu::cms::{Identification, Packaging, Template};
use dstu::container::seal;
use dstu::issuer::{Authority, Holder, Purpose, Validity};
use dstu::{Curve, Entropy, HashAlgorithm, LocalSigner, PrivateKey};

const PASSWORD: &str = "password";

fn put(target: &str, name: &str, octets: &[u8]) {
    let folder = Path::new("corpus").join(target);
    fs::create_dir_all(&folder).expect("the folder can be made");
    fs::write(folder.join(name), octets).expect("the seed can be written");
}

fn main() {
    let entropy = || Entropy::new([7; 32]);
    let moment = |year| Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).single().expect("a valid date");
    let validity = Validity { not_before: moment(2025), not_after: moment(2027) };
    let holder = Holder {
        common_name: "Вигаданенко".to_owned(),
        serial_number: "TINUA-0000000017".to_owned(),
        taxpayer_number: "0000000017".to_owned(),
        company_code: "00000024".to_owned(),
        ..Holder::default()
    };
    for (index, curve) in [Curve::M163, Curve::M257, Curve::M431].into_iter().enumerate() {
        let key = PrivateKey::generate(curve, &entropy()).expect("a key");
        for hash in [HashAlgorithm::Gost34311, HashAlgorithm::Kupyna256] {
            let authority = Authority::self_signed(key.clone(), &holder, validity, hash, &entropy()).expect("authority");
            let certificate = authority
                .issue(key.public_key(), &holder, Purpose::Signing, validity, &entropy())
                .expect("certificate");
            let name = format!("{index}-{hash:?}");
            put("certificate", &name, certificate.der());
            put("der", &name, certificate.der());
            let signer = LocalSigner::new(key.clone(), certificate.clone()).expect("signer");
            for (number, identification) in
                [Identification::IssuerAndSerial, Identification::KeyId].into_iter().enumerate()
            {
                let template = Template::new(&signer, identification).expect("template");
                let message = template
                    .sign(&signer, b"content", Packaging::Attached, Some(moment(2026)), &entropy())
                    .expect("message");
                put("cms", &format!("{name}-{number}"), &message);
            }
            put("pkcs12", &name, &seal::pkcs12(&[&key], &[&certificate], PASSWORD, &entropy()));
            let store = seal::jks(&[("alias", &key, &[&certificate])], PASSWORD, &entropy());
            put("jks", &name, &store[4..store.len() - 20]);
        }
        let name = index.to_string();
        put("pkcs8", &name, &seal::pkcs8(&key));
        put("pbes2", &name, &seal::pbes2(&key, PASSWORD, &entropy()));
        put("iit", &name, &seal::iit_key6(&key, PASSWORD));
    }
}
