//! How many durable commits a second this machine gives, beside a raw log on the same disk in the same run.
//!
//! `cargo run --release -p storage --example throughput [directory] [seconds per row]`

use std::{
    error::Error,
    fs::{File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use storage::{Batch, Key, SledOptions, SledStore, Store};
use tokio::sync::{mpsc, oneshot};

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// A typical record, and enough different keys that groups do not coalesce.
const VALUE_BYTES: usize = 205;
const KEYS: u64 = 100_000;

#[tokio::main]
async fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments
        .next()
        .map_or_else(|| PathBuf::from("target/throughput"), PathBuf::from);
    let seconds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let duration = Duration::from_secs(seconds);
    if directory.exists() {
        return Err(format!("{} exists; name a directory that does not", directory.display()).into());
    }
    std::fs::create_dir_all(&directory)?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{:>8} {:>12} {:>12} {:>7}",
        "writers", "store ops/s", "log ops/s", "part"
    )?;
    for writers in [1, 16, 256, 4_096] {
        let store = measure_store(&directory.join(format!("store-{writers}")), writers, duration).await?;
        let log = measure_log(&directory.join(format!("log-{writers}")), writers, duration).await?;
        writeln!(out, "{writers:>8} {store:>12.0} {log:>12.0} {:>7.2}", store / log)?;
    }
    std::fs::remove_dir_all(&directory)?;
    Ok(())
}

async fn measure_store(path: &Path, writers: u64, duration: Duration) -> Outcome<f64> {
    let store = SledStore::open(SledOptions::new(path))?;
    let writing = Arc::clone(&store);
    let rate = run(writers, duration, move |writer, round| {
        let store = Arc::clone(&writing);
        async move {
            let mut batch = Batch::default();
            batch.put(
                Key::table("probe").u64(spread(writer, round)).build(),
                vec![7; VALUE_BYTES],
            );
            store.commit(batch).await?;
            Ok(())
        }
    })
    .await?;
    store.close().await?;
    Ok(rate)
}

/// The physical limit: append, `fdatasync`, answer everybody.
async fn measure_log(path: &Path, writers: u64, duration: Duration) -> Outcome<f64> {
    let file = OpenOptions::new().create_new(true).append(true).open(path)?;
    let (sender, receiver) = mpsc::channel(16_384);
    let thread = std::thread::spawn(move || write_log(file, receiver));
    let rate = run(writers, duration, move |_, _| {
        let sender = sender.clone();
        async move {
            let (reply, answer) = oneshot::channel();
            sender.send(reply).await?;
            answer.await?;
            Ok(())
        }
    })
    .await?;
    thread.join().map_err(|_| "the log's thread panicked")??;
    Ok(rate)
}

fn write_log(mut file: File, mut receiver: mpsc::Receiver<oneshot::Sender<()>>) -> std::io::Result<()> {
    let mut group = Vec::new();
    while receiver.blocking_recv_many(&mut group, 8_192) > 0 {
        file.write_all(&vec![7; VALUE_BYTES * group.len()])?;
        file.sync_data()?;
        for reply in group.drain(..) {
            if reply.send(()).is_err() {
                return Err(std::io::Error::other("a writer left before its answer"));
            }
        }
    }
    Ok(())
}

/// Writers in closed loops; operations a second.
async fn run<F: Future<Output = Outcome<()>> + Send>(
    writers: u64,
    duration: Duration,
    operation: impl Fn(u64, u64) -> F + Send + Sync + Clone + 'static,
) -> Outcome<f64> {
    let done = Arc::new(AtomicU64::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let begun = Instant::now();
    let tasks: Vec<_> = (0..writers)
        .map(|writer| {
            let (operation, done, is_over) = (operation.clone(), Arc::clone(&done), Arc::clone(&is_over));
            tokio::spawn(async move {
                let mut round = 0;
                while !is_over.load(Ordering::Relaxed) {
                    operation(writer, round).await?;
                    done.fetch_add(1, Ordering::Relaxed);
                    round += 1;
                }
                Outcome::Ok(())
            })
        })
        .collect();
    tokio::time::sleep(duration).await;
    is_over.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate is printed without decimals")]
    let done = done.load(Ordering::Relaxed) as f64;
    Ok(done / begun.elapsed().as_secs_f64())
}

/// Spreads keys evenly and repeatably.
fn spread(writer: u64, round: u64) -> u64 {
    let mixed = (writer << 32 | round).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 20) % KEYS
}
