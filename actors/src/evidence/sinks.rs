//! Checkpoints go where the gateway's keeper cannot take them back: somebody who holds one can show that a log was rewritten.

use super::EvidenceService;
use crate::directory::{Directory, SinkTarget};
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::time::Duration;

/// What carries a checkpoint out. The gateway's `outbound` implements it.
pub trait CheckpointSink: Send + Sync + 'static {
    /// Hands one over; repeating is harmless. The error is a sentence.
    fn push<'a>(&'a self, target: &'a SinkTarget, note: &'a str) -> BoxFuture<'a, Result<(), String>>;
}

/// How often the present head is kept, so that "at most a second old" holds for the kept one too.
const KEEP_EVERY: Duration = Duration::from_millis(500);

/// Keeps a checkpoint twice a second while the log grows, and pushes the newest one to every sink at most once in `every`. Ends with
/// the store.
pub async fn push_checkpoints(
    service: EvidenceService,
    directory: Directory,
    sink: std::sync::Arc<dyn CheckpointSink>,
    every: Duration,
) {
    let mut kept = None;
    let mut pushed: HashMap<String, u64> = HashMap::new();
    let mut next_push = service.clock().now().mono;
    loop {
        match service
            .checkpoints()
            .keep(service.store().as_ref(), &mut kept)
            .await
        {
            Ok(_) => {}
            Err(storage::Error::Closed | storage::Error::Poisoned { .. }) => return,
            Err(error) => tracing::warn!(%error, "a checkpoint could not be kept; the next look tries again"),
        }
        let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        service.metrics().size.set(gauge(service.tiles().durable()));
        service.metrics().checkpoint_size.set(gauge(kept.unwrap_or(0)));
        let now = service.clock().now().mono;
        if now >= next_push {
            next_push = now.plus(every);
            push_to_all(&service, &directory, sink.as_ref(), &mut pushed).await;
        }
        service.clock().sleep(KEEP_EVERY).await;
    }
}

async fn push_to_all(
    service: &EvidenceService,
    directory: &Directory,
    sink: &dyn CheckpointSink,
    pushed: &mut HashMap<String, u64>,
) {
    let sinks: Vec<(String, SinkTarget)> = {
        let snapshot = directory.snapshot();
        let sinks = snapshot.sinks();
        sinks
            .map(|(name, target)| (name.clone(), target.clone()))
            .collect()
    };
    if sinks.is_empty() {
        return;
    }
    let checkpoint = match service.checkpoints().current(0).await {
        Ok(checkpoint) => checkpoint,
        Err(error) => {
            tracing::warn!(%error, "there is no checkpoint to be pushed; the next look tries again");
            return;
        }
    };
    pushed.retain(|name, _| sinks.iter().any(|(known, _)| known == name));
    for (name, target) in sinks {
        if pushed.get(&name) == Some(&checkpoint.size) {
            continue;
        }
        match sink.push(&target, &checkpoint.note).await {
            Ok(()) => {
                service.metrics().sink_pushes.inc();
                pushed.insert(name, checkpoint.size);
            }
            Err(error) => {
                service.metrics().sink_failures.inc();
                tracing::warn!(
                    sink = name,
                    error,
                    "a sink did not take a checkpoint; the next round tries again"
                );
            }
        }
    }
}
