//! Invented people with real keys.

use chrono::{DateTime, TimeZone, Utc};
use dstu::cms::{Identification, Packaging, Template};
use dstu::issuer::{Authority, Holder, Purpose, Validity};
use dstu::{Curve, Entropy, HashAlgorithm, LocalSigner, PrivateKey};
use sandbox::fiscal::machine::Who;

/// A person's key with its certificate.
pub(crate) struct Key {
    signer: LocalSigner,
    template: Template,
}

fn year(year: i32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, 1, 1, 0, 0, 0).unwrap()
}

impl Key {
    /// The key of this seed, certified for a taxpayer from 2025 to 2028.
    pub(crate) fn new(seed: u8, tax_number: &str) -> Self {
        Self::valid(seed, tax_number, 2025, 2028)
    }

    pub(crate) fn valid(seed: u8, tax_number: &str, from: i32, until: i32) -> Self {
        let entropy = Entropy::new([seed; 32]);
        let generate = |seed| PrivateKey::generate(Curve::M257, &Entropy::new([seed; 32])).unwrap();
        let validity = Validity {
            not_before: year(from),
            not_after: year(until),
        };
        let holder = |common_name: &str, taxpayer_number: &str| Holder {
            common_name: common_name.to_owned(),
            taxpayer_number: taxpayer_number.to_owned(),
            ..Holder::default()
        };
        let name = holder("Вигаданий центр сертифікації", "");
        let hash = HashAlgorithm::Gost34311;
        let authority = Authority::self_signed(generate(255), &name, validity, hash, &entropy).unwrap();
        let key = generate(seed);
        let person = holder("Вигаданенко Вигадана", tax_number);
        let certificate = authority
            .issue(key.public_key(), &person, Purpose::Signing, validity, &entropy)
            .unwrap();
        let signer = LocalSigner::new(key, certificate).unwrap();
        let template = Template::new(&signer, Identification::KeyId).unwrap();
        Self { signer, template }
    }

    pub(crate) fn sign(&self, content: &[u8]) -> Vec<u8> {
        let entropy = Entropy::new([7; 32]);
        self.template
            .sign(&self.signer, content, Packaging::Attached, None, &entropy)
            .unwrap()
    }

    pub(crate) fn who(&self) -> Who {
        sandbox::fiscal::who(dstu::Signer::certificate(&self.signer)).unwrap()
    }
}
