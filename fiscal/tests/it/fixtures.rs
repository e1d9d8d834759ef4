//! Where the official files are, and how their content is compared.

use quick_xml::Reader;
use quick_xml::events::Event;
use std::path::PathBuf;

/// The folder of the fiscal fixtures, or a message that the test skips itself.
pub fn folder(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("COUNTERSIGN_FIXTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/fixtures"),
        PathBuf::from,
    );
    let folder = root.join("fiscal").join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!(
        "skipped: no fixtures at {} (set COUNTERSIGN_FIXTURES)",
        folder.display()
    );
    None
}

/// All leaves of a document in windows-1251 in their order, each with its path: `CHECKBODY/ROW1/NAME`. Read
/// by itself, so that it can judge the package's reader.
pub fn leaves(xml: &[u8]) -> Vec<(String, String)> {
    let text = encoding_rs::WINDOWS_1251.decode_without_bom_handling(xml).0;
    let mut reader = Reader::from_str(&text);
    reader.config_mut().expand_empty_elements = true;
    let mut path: Vec<String> = Vec::new();
    let mut found = Vec::new();
    let mut is_leaf = false;
    let mut content = String::new();
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(start) => {
                let number = start
                    .attributes()
                    .flatten()
                    .find(|one| one.key.as_ref() == b"ROWNUM");
                let number = number
                    .map(|one| String::from_utf8_lossy(&one.value).into_owned())
                    .unwrap_or_default();
                path.push(format!(
                    "{}{number}",
                    String::from_utf8_lossy(start.name().as_ref())
                ));
                is_leaf = true;
                content.clear();
            }
            Event::Text(part) => content.push_str(&part.xml10_content().expect("text")),
            Event::GeneralRef(reference) => match reference.resolve_char_ref().expect("a reference") {
                Some(character) => content.push(character),
                None => content.push(match &*reference {
                    b"amp" => '&',
                    b"lt" => '<',
                    b"gt" => '>',
                    b"quot" => '"',
                    b"apos" => '\'',
                    other => panic!("entity {other:?}"),
                }),
            },
            Event::End(_) => {
                if is_leaf {
                    found.push((path[1..].join("/"), content.clone()));
                }
                is_leaf = false;
                path.pop();
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}
