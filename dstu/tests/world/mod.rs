//! An invented authority and an invented cashier.

#![allow(dead_code, reason = "not every test uses every part")]

use chrono::{DateTime, TimeZone, Utc};
use dstu::issuer::{Authority, Holder, Purpose, Validity};
use dstu::{Certificate, Curve, Entropy, HashAlgorithm, PrivateKey};

pub(crate) const PASSWORD: &str = "не справжній пароль";

pub(crate) fn moment(year: i32) -> DateTime<Utc> {
    Utc.with_ymd_and_hms(year, 3, 1, 12, 0, 0).unwrap()
}

pub(crate) fn validity() -> Validity {
    Validity {
        not_before: moment(2025),
        not_after: moment(2027),
    }
}

pub(crate) fn key(curve: Curve, seed: u8) -> PrivateKey {
    PrivateKey::generate(curve, &Entropy::new([seed; 32])).unwrap()
}

pub(crate) fn authority(hash: HashAlgorithm) -> Authority {
    let holder = Holder {
        common_name: "Вигаданий центр сертифікації".to_owned(),
        organization: "ТОВ «Вигадка»".to_owned(),
        serial_number: "UA-00000000-0001".to_owned(),
        locality: "Київ".to_owned(),
        ..Holder::default()
    };
    let key = key(Curve::M257, 1);
    Authority::self_signed(key, &holder, validity(), hash, &Entropy::new([2; 32])).unwrap()
}

pub(crate) fn cashier() -> Holder {
    Holder {
        common_name: "Вигаданенко Вигадана Вигадівна".to_owned(),
        surname: "Вигаданенко".to_owned(),
        given_name: "Вигадана Вигадівна".to_owned(),
        title: "касир".to_owned(),
        organization: "ТОВ «Неіснуюча крамниця»".to_owned(),
        locality: "Львів".to_owned(),
        serial_number: "TINUA-0000000017".to_owned(),
        taxpayer_number: "0000000017".to_owned(),
        company_code: "00000024".to_owned(),
    }
}

/// A cashier's signing key with its certificate.
pub(crate) fn signing_key(authority: &Authority, curve: Curve, seed: u8) -> (PrivateKey, Certificate) {
    let key = key(curve, seed);
    let entropy = Entropy::new([seed; 32]);
    let certificate = authority
        .issue(
            key.public_key(),
            &cashier(),
            Purpose::Signing,
            validity(),
            &entropy,
        )
        .unwrap();
    (key, certificate)
}
