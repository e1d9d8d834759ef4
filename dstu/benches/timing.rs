//! Whether the time of signing tells fixed keys from random ones: a statistical test in the manner of "dudect"
//! (Reparaz, Balasch, Verbauwhede: Dude, is my code constant time?, 2017).
//!
//! `cargo bench -p dstu --bench timing [-- SAMPLES]`. Two classes of inputs, interleaved at random, are timed; Welch's
//! t compares their means, over all samples and after cropping the slow tails. |t| above 4.5 deserves a look, above
//! 10 it is a finding (exit code 1).
//!
//! - `key`: the whole of `sign` with a fixed key against random keys, digest and entropy always random. The nonce's
//!   candidates are drawn until one is in range, so the time varies, but not with the key.
//! - `scalar 1`: the ladder (making a public key) with the secret scalar 1 against random ones.

#![allow(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "statistics of at most some millions of samples, printed"
)]

use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use dstu::{Arithmetic, Curve, Entropy, PrivateKey};

/// Samples of each measurement; more find smaller leaks.
const SAMPLES: usize = 200_000;
/// Shares of the fastest samples that are looked at beside all of them.
const CROPS: [f64; 4] = [1.0, 0.9, 0.5, 0.1];
/// Beyond this the classes are different beyond doubt.
const LIMIT: f64 = 10.0;

/// A small generator (xorshift64*) with a printed seed: the test must be repeatable, not unpredictable.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn octets(&mut self) -> [u8; 32] {
        let mut octets = [0; 32];
        for chunk in octets.chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes());
        }
        octets
    }
}

/// Welch's t of two samples.
fn welch(classes: &[Vec<f64>; 2]) -> f64 {
    let moments = |values: &[f64]| {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    };
    let ((first, first_error), (second, second_error)) = (moments(&classes[0]), moments(&classes[1]));
    (first - second) / (first_error + second_error).sqrt()
}

/// Times `run` on inputs of the two classes; gives the worst |t|.
fn compare<I>(
    name: &str,
    samples: usize,
    chance: &mut Chance,
    mut input: impl FnMut(bool, &mut Chance) -> I,
    run: impl Fn(I),
) -> f64 {
    let mut timed = Vec::with_capacity(samples);
    // Inputs are made in blocks before the clock starts, so that making them does not warm the caches for one class.
    while timed.len() < samples {
        let block: Vec<(bool, I)> = (0..1000)
            .map(|_| {
                let class = chance.next() >> 63 == 1;
                (class, input(class, chance))
            })
            .collect();
        for (class, input) in block {
            let start = Instant::now();
            run(black_box(input));
            timed.push((class, start.elapsed().as_nanos() as f64));
        }
    }
    let mut sorted: Vec<f64> = timed.iter().map(|(_, time)| *time).collect();
    sorted.sort_by(f64::total_cmp);
    let mut worst = 0f64;
    print!("{name:34} median {:>7.0} ns  t:", sorted[sorted.len() / 2]);
    for crop in CROPS {
        let index = ((sorted.len() as f64 * crop) as usize).clamp(1, sorted.len()) - 1;
        let mut classes = [Vec::new(), Vec::new()];
        for (class, time) in timed.iter().filter(|(_, time)| *time <= sorted[index]) {
            classes[usize::from(*class)].push(*time);
        }
        let t = welch(&classes);
        worst = worst.max(t.abs());
        print!("  {t:+.2} ({:.0} %)", crop * 100.0);
    }
    println!();
    worst
}

fn random_key(curve: Curve, arithmetic: Arithmetic, chance: &mut Chance) -> PrivateKey {
    PrivateKey::generate(curve, &Entropy::new(chance.octets()))
        .expect("a key")
        .with_arithmetic(arithmetic)
}

/// Comparing octets until the first difference is found must be recognised as a leak.
fn control(samples: usize, chance: &mut Chance) -> f64 {
    let secret = [0xAAu8; 4096];
    compare(
        "control: a comparison that leaks",
        samples.min(20_000),
        chance,
        |class, chance| {
            if class {
                secret
            } else {
                [chance.octets()[0] | 1; 4096]
            }
        },
        |guess| {
            let pairs = secret.iter().zip(guess.iter());
            black_box(pairs.take_while(|(left, right)| left == right).count());
        },
    )
}

fn signing(curve: Curve, arithmetic: Arithmetic, samples: usize, chance: &mut Chance) -> f64 {
    let fixed = random_key(curve, arithmetic, chance);
    compare(
        &format!("sign {curve:?} {arithmetic:?}: key"),
        samples,
        chance,
        |class, chance| {
            // Both classes make a random key and move one into the block, so that their memory is equally fresh.
            let random = random_key(curve, arithmetic, chance);
            let key = if class { fixed.clone() } else { random };
            (key, chance.octets(), Entropy::new(chance.octets()))
        },
        |(key, digest, entropy)| {
            black_box(key.sign(&digest, &entropy).expect("a signature"));
        },
    )
}

fn ladder(curve: Curve, samples: usize, chance: &mut Chance) -> f64 {
    let mut one = vec![0; curve.scalar_octets()];
    one[0] = 1;
    compare(
        &format!("ladder {curve:?}: scalar 1"),
        samples,
        chance,
        |class, chance| {
            let random = random_key(curve, Arithmetic::Fastest, chance).to_little_endian();
            if class { one.clone() } else { random.to_vec() }
        },
        |octets| {
            black_box(PrivateKey::from_little_endian(curve, &octets).expect("a key"));
        },
    )
}

fn main() -> ExitCode {
    let samples = std::env::args().filter_map(|word| word.parse().ok()).next();
    let samples = samples.unwrap_or(SAMPLES);
    let mut chance = Chance(0x0123_4567_89AB_CDEF);
    println!("seed {:#018x}, {samples} samples each", chance.0);
    if control(samples, &mut chance) < LIMIT {
        println!("the control was not recognised: the measurement is worth nothing here");
        return ExitCode::FAILURE;
    }
    let mut worst = 0f64;
    for curve in [Curve::M257, Curve::M431] {
        for arithmetic in [Arithmetic::Fastest, Arithmetic::Portable] {
            worst = worst.max(signing(curve, arithmetic, samples, &mut chance));
        }
        worst = worst.max(ladder(curve, samples / 4, &mut chance));
    }
    println!("worst |t| {worst:.2}, limit {LIMIT}");
    if worst > LIMIT {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
