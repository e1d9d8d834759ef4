//! Signs a file as CAdES-BES:
//! `sign --key FILE --password PW --cert FILE --in FILE --out FILE [--detached] [--key-id]`

mod arguments;

use std::process::ExitCode;

use arguments::{Arguments, Failure, read_file};
use chrono::{DateTime, Utc};
use dstu::cms::{Identification, Packaging, Template};
use dstu::container::{KeyRing, Password};
use dstu::{Certificate, Entropy, LocalSigner};

#[expect(clippy::print_stderr, reason = "a command line program speaks to its user")]
fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sign: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let arguments = Arguments::read(&["key", "password", "cert", "in", "out"], &["detached", "key-id"])?;
    let ring = KeyRing::open(
        &read_file(arguments.value("key")?)?,
        &Password::new(arguments.value("password")?),
    )?;
    let certificate = Certificate::read(&read_file(arguments.value("cert")?)?)?;
    let key = ring
        .key_of(&certificate)
        .ok_or("the certificate belongs to none of the container's keys")?
        .clone();
    let moment = now();
    warn_of_dates(&certificate, moment);

    let signer = LocalSigner::new(key, certificate)?;
    let by_key_id = arguments.flag("key-id");
    let identification = if by_key_id {
        Identification::KeyId
    } else {
        Identification::IssuerAndSerial
    };
    let packaging = if arguments.flag("detached") {
        Packaging::Detached
    } else {
        Packaging::Attached
    };
    let template = Template::new(&signer, identification)?;
    let content = read_file(arguments.value("in")?)?;
    let message = template.sign(
        &signer,
        &content,
        packaging,
        Some(moment),
        &Entropy::from_system()?,
    )?;
    let output = arguments.value("out")?;
    std::fs::write(output, message).map_err(|error| format!("{output}: {error}"))?;
    Ok(())
}

/// An expired certificate signs all the same: whether that counts is the receiver's business.
#[expect(clippy::print_stderr, reason = "a command line program speaks to its user")]
fn warn_of_dates(certificate: &Certificate, moment: DateTime<Utc>) {
    if !certificate.is_valid_at(moment) {
        let (start, end) = (certificate.not_before(), certificate.not_after());
        eprintln!("sign: warning: the certificate is valid from {start} until {end} only");
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a program of its own, with no other clock"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}
