//! SIGTERM and SIGINT: the first asks to go down in order, the second ends at once.

use sd_notify::NotifyState;
use std::process::exit;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code of a process that a second signal ended.
const ENDED_AT_ONCE: i32 = 130;

/// Begins to listen at once, so that a signal during the start is not lost. Completes at the first signal; from then on a
/// second one ends the process.
pub(super) fn terminated() -> impl Future<Output = ()> {
    let signals =
        signal(SignalKind::terminate()).and_then(|term| Ok((term, signal(SignalKind::interrupt())?)));
    async move {
        let (mut term, mut interrupt) = match signals {
            Ok(signals) => signals,
            Err(error) => {
                tracing::error!(%error, "signals cannot be awaited; only SIGKILL will end this process");
                return std::future::pending().await;
            }
        };
        either(&mut term, &mut interrupt).await;
        notify(&[NotifyState::Stopping]);
        tokio::spawn(async move {
            either(&mut term, &mut interrupt).await;
            tracing::warn!("a second signal: ending at once; what was acknowledged is durable");
            exit(ENDED_AT_ONCE);
        });
    }
}

async fn either(term: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Tells systemd, where it asked to be told.
pub(super) fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd could not be told");
    }
}
