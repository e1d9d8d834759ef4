//! Shows what a key container holds: `inspect-key --key FILE --password PW`
//!
//! Prints curves and subject key ids, never a key.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program speaks to its user"
)]

mod arguments;

use std::process::ExitCode;

use arguments::{Arguments, Failure, read_file};
use dstu::HashAlgorithm;
use dstu::container::{KeyRing, Password};

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("inspect-key: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let arguments = Arguments::read(&["key", "password"], &["names"])?;
    let ring = KeyRing::open(
        &read_file(arguments.value("key")?)?,
        &Password::new(arguments.value("password")?),
    )?;
    for stored in ring.keys() {
        let public = stored.key.public_key();
        let name = match &stored.name {
            Some(name) if arguments.flag("names") => format!(", named {name}"),
            _ => String::new(),
        };
        println!("m = {}{name}", public.curve().degree());
        for hash in [HashAlgorithm::Gost34311, HashAlgorithm::Kupyna256] {
            println!("  subject key id ({hash:?}): {}", hex(&public.key_id(hash)));
        }
    }
    for certificate in ring.certificates() {
        let holder = certificate.subject().common_name().unwrap_or("-");
        let which = if ring.key_of(certificate).is_some() {
            "of a key here"
        } else {
            "of no key here"
        };
        println!("certificate {which}: {holder}, until {}", certificate.not_after());
    }
    Ok(())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}
