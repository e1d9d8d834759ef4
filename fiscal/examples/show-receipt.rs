//! Draws every view of one invented document of each kind into a folder.
//!
//! `cargo run -p fiscal --example show-receipt -- <folder>`

#![expect(clippy::print_stdout, reason = "a command line program speaks to its user")]

#[path = "../tests/view/samples.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod samples;

use fiscal::view::{Scale, Width};
use std::num::NonZeroU8;
use std::path::PathBuf;

const DOTS_A_MODULE: NonZeroU8 = NonZeroU8::new(6).expect("six");

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os().nth(1).ok_or("usage: show-receipt <folder>")?;
    let folder = PathBuf::from(folder);
    std::fs::create_dir_all(&folder)?;
    for (name, sample) in samples::all() {
        let view = sample.view();
        let write =
            |suffix: &str, content: &[u8]| std::fs::write(folder.join(format!("{name}{suffix}")), content);
        for width in [Width::PAPER_58_MM, Width::MIDDLE, Width::PAPER_80_MM] {
            let columns = width.columns();
            write(&format!("-{columns}.txt"), view.text(width).as_bytes())?;
            write(&format!("-{columns}.png"), &view.png(width, Scale::ONE)?)?;
            write(&format!("-{columns}.pdf"), &view.pdf(width))?;
        }
        write("-48@2.png", &view.png(Width::PAPER_80_MM, Scale::TWO)?)?;
        write(".html", view.html().as_bytes())?;
        if let Some(code) = view.code() {
            write("-qr.png", &code.png(DOTS_A_MODULE))?;
            write("-qr.txt", code.payload().as_bytes())?;
            write("-qr-drawn.txt", code.drawn().as_bytes())?;
        }
        println!("{name}: {}", view.link().unwrap_or("no link"));
    }
    Ok(())
}
