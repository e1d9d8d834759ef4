//! Writes one of every document, random ones, and every official sample written again: `make-documents FOLDER
//! [RANDOM] [SEED]`
//!
//! The files are for a validator (`fiscal/scripts/schemas.sh`): `check-*.xml`, `zrep-*.xml` and
//! `ticket-*.xml`, each named so for the schema that it must keep. With COUNTERSIGN_FIXTURES set, the samples
//! that can be read are written again, too.

#![expect(clippy::print_stdout, reason = "a command line program speaks to its user")]

mod documents;

use documents::every_document;
use fiscal::generate::Generator;
use fiscal::{Document, Kind};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(
        arguments
            .next()
            .ok_or("usage: make-documents FOLDER [RANDOM] [SEED]")?,
    );
    let random: u64 = arguments.next().map_or(Ok(1000), |text| text.parse())?;
    let seed: u64 = arguments.next().map_or(Ok(1), |text| text.parse())?;
    fs::create_dir_all(&folder)?;

    let (documents, tickets) = every_document()?;
    for (name, document) in &documents {
        write(&folder, &format!("made-{name}"), document)?;
    }
    for (name, ticket) in &tickets {
        fs::write(folder.join(format!("ticket-made-{name}.xml")), ticket.to_xml()?)?;
    }
    let mut generator = Generator::new(seed);
    let mut damaged = 0;
    for number in 0..random {
        let document = generator.document();
        write(&folder, &format!("random-{number}"), &document)?;
        damaged += write_damaged(&folder, number, &document.to_xml()?)?;
        fs::write(
            folder.join(format!("ticket-random-{number}.xml")),
            generator.ticket().to_xml()?,
        )?;
    }
    let samples = match std::env::var_os("COUNTERSIGN_FIXTURES") {
        Some(fixtures) => write_samples(&folder, &Path::new(&fixtures).join("fiscal/samples"))?,
        None => 0,
    };
    println!(
        "{} documents and {} tickets by hand, {random} random ones of each (seed {seed}), {damaged} of them damaged and \
         still read, {samples} samples written again",
        documents.len(),
        tickets.len()
    );
    Ok(())
}

fn write(folder: &Path, name: &str, document: &Document) -> Result<(), Box<dyn Error>> {
    let schema = if matches!(document.kind, Kind::ZReport(_)) {
        "zrep"
    } else {
        "check"
    };
    Ok(fs::write(
        folder.join(format!("{schema}-{name}.xml")),
        document.to_xml()?,
    )?)
}

/// A document with one octet changed, here and there in it; the first ten that are still read are written.
fn write_damaged(folder: &Path, number: u64, xml: &[u8]) -> Result<usize, Box<dyn Error>> {
    let mut written = 0;
    for attempt in 0..200 {
        // A prime stride visits places all over the document.
        let place = (attempt * 7919 + usize::try_from(number)?) % xml.len();
        let mut changed = xml.to_vec();
        changed[place] = b"0-. +/<"[attempt % 7];
        let Ok(document) = Document::from_xml(&changed) else {
            continue;
        };
        if changed != xml && written < 10 {
            let schema = if matches!(document.kind, Kind::ZReport(_)) {
                "zrep"
            } else {
                "check"
            };
            fs::write(
                folder.join(format!("{schema}-damaged-{number}-{written}.xml")),
                changed,
            )?;
            written += 1;
        }
    }
    Ok(written)
}

/// What a sample says that can be read; those that the schema refuses cannot.
fn write_samples(folder: &Path, samples: &Path) -> Result<usize, Box<dyn Error>> {
    let mut written = 0;
    for entry in fs::read_dir(samples)? {
        if let Ok(document) = Document::from_xml(&fs::read(entry?.path())?) {
            write(folder, &format!("sample-{written}"), &document)?;
            written += 1;
        }
    }
    Ok(written)
}
