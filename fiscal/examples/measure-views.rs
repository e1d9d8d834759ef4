//! Measures how many views a second one core draws of a receipt of three rows.
//!
//! `cargo run --release -p fiscal --example measure-views` prints the median of several runs, with the least and the most.

#![expect(clippy::print_stdout, reason = "a command line program speaks to its user")]

#[path = "../tests/view/samples.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod samples;

use fiscal::view::{Scale, View, Width};
use std::hint::black_box;
use std::time::Instant;

/// Odd, so that a median is one of them.
const RUNS: usize = 9;

fn main() {
    let (_, sample) = samples::all().swap_remove(0);
    let width = Width::PAPER_80_MM;
    let view = || sample.view();
    report("texts of 48 columns", 4_000, view, |view| view.text(width).len());
    report("QR codes", 100, view, |view| {
        view.code().map_or(0, |code| code.modules())
    });
    report("pages of HTML", 100, view, |view| view.html().len());
    report("PDFs", 100, view, |view| view.pdf(width).len());
    report("pictures of 576 dots", 40, view, |view| {
        view.png(width, Scale::ONE).map_or(0, |png| png.len())
    });
    report("pictures of 1152 dots", 20, view, |view| {
        view.png(width, Scale::TWO).map_or(0, |png| png.len())
    });
}

/// Draws it some times, several times over, and prints how many a second, and how large one is.
fn report(name: &str, times: u32, view: impl Fn() -> View, draw: impl Fn(&View) -> usize) {
    let octets = draw(&view());
    let mut rates: Vec<f64> = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..times {
                black_box(draw(&black_box(view())));
            }
            f64::from(times) / start.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    let (least, median, most) = (rates[0], rates[RUNS / 2], rates[RUNS - 1]);
    println!("{median:>8.0} a second (from {least:.0} to {most:.0}): {name}, {octets} octets each");
}
