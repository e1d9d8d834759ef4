//! Signatures of documents, checked with `dstu` by what the tax service's description asks of their form.

use super::machine::{Opened, Signatures, Who};
use chrono::{DateTime, Utc};
use dstu::Certificate;
use dstu::certificate::KeyUsage;
use dstu::cms::{Error, SignedData};

/// Checks real signatures.
///
/// Who issued a certificate, and whether it was revoked, is not asked: a stand-in has no authorities. Its registry is what a signer must
/// stand in.
#[derive(Clone, Copy, Debug, Default)]
pub struct DstuSignatures;

impl Signatures for DstuSignatures {
    fn open(&self, signed: &[u8], at: DateTime<Utc>) -> Result<Opened, String> {
        let message = SignedData::from_der(signed).map_err(|error: Error| {
            format!("Помилка перевірки підпису: не є підписаним повідомленням ({error})")
        })?;
        let content = message
            .content()
            .ok_or("Помилка перевірки підпису: підписаний вміст відсутній")?;
        let [certificate] = message.certificates() else {
            return Err(format!(
                "Помилка перевірки підпису: повідомлення повинно містити лише сертифікат підписувача, а містить {}",
                message.certificates().len()
            ));
        };
        let verdicts = message.verify(None, &[]);
        let [verdict] = verdicts.as_slice() else {
            return Err(format!(
                "Помилка перевірки підпису: підписів {}, а повинен бути один",
                verdicts.len()
            ));
        };
        if verdict.signer.content_timestamp().is_some() {
            return Err("Помилка перевірки підпису: атрибут content-time-stamp не допускається".to_owned());
        }
        if !verdict.holds() {
            return Err("Помилка перевірки підпису: підпис не відповідає вмісту або сертифікату".to_owned());
        }
        check_certificate(certificate, at)?;
        let signer =
            who(certificate).ok_or("Помилка перевірки підпису: сертифікат без ідентифікатора ключа")?;
        Ok(Opened {
            content: content.to_vec(),
            signer,
        })
    }
}

fn check_certificate(certificate: &Certificate, at: DateTime<Utc>) -> Result<(), String> {
    if !certificate.is_valid_at(at) {
        return Err(format!(
            "Строк чинності сертифіката закінчився або не настав: {} – {}",
            certificate.not_before(),
            certificate.not_after()
        ));
    }
    if certificate
        .key_usage()
        .is_some_and(|usage: KeyUsage| !usage.signs())
    {
        return Err("Сертифікат не призначений для підпису".to_owned());
    }
    Ok(())
}

/// Who a certificate is of; none without a key's identifier.
pub fn who(certificate: &Certificate) -> Option<Who> {
    let id = certificate.subject_key_id()?;
    let text = |text: Option<&str>| text.map(str::to_owned);
    Some(Who {
        name: text(certificate.subject().common_name()).unwrap_or_default(),
        tax_number: text(certificate.taxpayer_number()),
        company_code: text(certificate.company_code()),
        key_id: id.iter().map(|octet| format!("{octet:02x}")).collect(),
    })
}
