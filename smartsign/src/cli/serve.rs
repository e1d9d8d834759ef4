//! `smartsign serve`.

use sd_notify::NotifyState;
use smartsign::clock::{Clock, SystemClock};
use smartsign::config::{Config, Log, LogFormat};
use smartsign::run::{Listeners, open, start};
use std::io::IsTerminal as _;
use std::sync::Arc;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// The exit code of a process that a second signal ended.
const ENDED_AT_ONCE: i32 = 130;

/// Runs the agent until it is told to stop.
pub(super) fn serve(config: &Config) -> Result<(), String> {
    start_logging(&config.log)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let opened = open(config, &clock)?;
    super::runtime()?.block_on(async {
        let terminated = terminated()?;
        let listeners = Listeners::bind(config).await?;
        let api = listeners.api.local_addr().map_err(|error| error.to_string())?;
        tracing::info!(%api, "listening");
        let started = start(config, opened, clock, listeners)?;
        notify(NotifyState::Ready);
        started.run(terminated).await
    })
}

fn start_logging(log: &Log) -> Result<(), String> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|error| format!("log.filter: {error}"))?;
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stdout().is_terminal(),
    };
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(true);
    let started = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.compact().try_init()
    };
    started.map_err(|error| format!("logging: {error}"))
}

/// Begins to listen at once, so that a signal during the start is not lost. Completes at the first signal; from then on a second one ends
/// the process.
fn terminated() -> Result<impl Future<Output = ()>, String> {
    let unheard = |error| format!("signals cannot be awaited: {error}");
    let mut term = signal(SignalKind::terminate()).map_err(unheard)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(unheard)?;
    Ok(async move {
        either(&mut term, &mut interrupt).await;
        notify(NotifyState::Stopping);
        tokio::spawn(async move {
            either(&mut term, &mut interrupt).await;
            tracing::warn!("a second signal: ending at once; what was signed is remembered");
            std::process::exit(ENDED_AT_ONCE);
        });
    })
}

async fn either(term: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Tells systemd, where it asked to be told.
fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "systemd could not be told");
    }
}
