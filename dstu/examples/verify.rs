//! Judges every signature of a message: `verify --in FILE [--content FILE]`
//!
//! Exit code 0 only if there is a signature and every one holds. Trust, dates and timestamps are printed, not judged.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line program speaks to its user"
)]

mod arguments;

use std::process::ExitCode;

use arguments::{Arguments, Failure, read_file};
use dstu::Certificate;
use dstu::cms::{Check, SignedData, Verdict, timestamp_time};

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("verify: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<bool, Failure> {
    let arguments = Arguments::read(&["in", "content"], &[])?;
    let message = SignedData::from_der(&read_file(arguments.value("in")?)?)?;
    let content = arguments.optional("content").map(read_file).transpose()?;
    let verdicts = message.verify(content.as_deref(), &[]);
    for (index, verdict) in verdicts.iter().enumerate() {
        print_verdict(index + 1, verdict);
    }
    if verdicts.is_empty() {
        println!("no signature");
    }
    Ok(!verdicts.is_empty() && verdicts.iter().all(Verdict::holds))
}

fn print_verdict(number: usize, verdict: &Verdict<'_>) {
    println!(
        "signature {number}: {}",
        if verdict.holds() { "holds" } else { "DOES NOT HOLD" }
    );
    print_check("content type", &verdict.content_type);
    print_check("message digest", &verdict.message_digest);
    match &verdict.signing_certificate {
        Some(check) => print_check("signing certificate", check),
        None => println!("  signing certificate: not referred to"),
    }
    print_check("signature over the attributes as received", &verdict.signature);
    if let Some(certificate) = verdict.certificate {
        print_certificate(certificate);
    }
    match verdict.signer.signing_time() {
        Some(moment) => println!("  signing time (the signer's claim): {moment}"),
        None => println!("  signing time: none"),
    }
    for (name, token) in [
        ("content", verdict.signer.content_timestamp()),
        ("signature", verdict.signer.signature_timestamp()),
    ] {
        match token.map(timestamp_time) {
            Some(Ok(moment)) => println!("  timestamp of the {name} (not judged): {moment}"),
            Some(Err(error)) => println!("  timestamp of the {name}: unreadable, {error}"),
            None => {}
        }
    }
}

fn print_check(name: &str, check: &Check) {
    match check {
        Ok(()) => println!("  {name}: ok"),
        Err(failure) => println!("  {name}: FAILED, {failure}"),
    }
}

fn print_certificate(certificate: &Certificate) {
    let text = |value: Option<&str>| value.unwrap_or("-").to_owned();
    println!("  signer: {}", text(certificate.subject().common_name()));
    println!("  taxpayer number: {}", text(certificate.taxpayer_number()));
    println!("  company code: {}", text(certificate.company_code()));
    println!(
        "  issued by (trust not judged): {}",
        text(certificate.issuer().common_name())
    );
    println!(
        "  valid (not judged): {} until {}",
        certificate.not_before(),
        certificate.not_after()
    );
}
