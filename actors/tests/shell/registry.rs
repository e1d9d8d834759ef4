//! The registry of actors, on its own.

use actors::registry::{Busy, Kind, Observed, Registry, Slot};
use actors::testing::ManualClock;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Actors that do nothing, and how many were started.
#[derive(Default)]
struct Idlers(Arc<AtomicUsize>);

struct Idler;

impl Kind for Idlers {
    type Id = u8;
    type Message = ();
    type Actor = Idler;

    fn actor(&self) -> Idler {
        Idler
    }

    fn leave_if_idle() {}

    fn observe(&self, observed: Observed) {
        if observed == Observed::Started {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Actor for Idler {
    type Msg = ();
    type State = Slot;
    type Arguments = (u8, Slot);

    async fn pre_start(&self, _: ActorRef<()>, (_, slot): (u8, Slot)) -> Result<Slot, ActorProcessingErr> {
        Ok(slot)
    }

    async fn handle(&self, _: ActorRef<()>, (): (), slot: &mut Slot) -> Result<(), ActorProcessingErr> {
        slot.taken();
        Ok(())
    }
}

#[test]
fn what_is_told_while_the_runtime_goes_down_is_given_up_rather_than_tried_for_ever() {
    let runtime = Runtime::new().unwrap();
    let handle = runtime.handle().clone();
    let started = Arc::new(AtomicUsize::new(0));
    let kind = Idlers(Arc::clone(&started));
    let registry = runtime
        .block_on(Registry::start(kind, Arc::new(ManualClock::default()), 8))
        .unwrap();
    let _entered = handle.enter();
    assert!(registry.ask(1, ()).is_ok());
    assert_eq!(started.load(Ordering::Relaxed), 1);
    runtime.shutdown_timeout(Duration::from_secs(30));

    registry.tell(2, ());
    assert!(matches!(registry.ask(3, ()), Err(Busy(()))));
    assert!(
        started.load(Ordering::Relaxed) > 3,
        "each was tried more than once"
    );
}
