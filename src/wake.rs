//! What happens by itself in a gateway: deadlines wake their actors, idle actors leave memory.

use actors::clock::Clock;
use actors::customer::{CustomerMessage, Customers};
use actors::register::{RegisterMessage, Registers};
use actors::registry::Registry;
use actors::wheel::DueKey;
use actors::windows::ClosedWindows;
use std::sync::Arc;
use std::time::Duration;

/// How often idle actors are looked for.
const IDLE_SWEEP: Duration = Duration::from_secs(30);

/// Wakes whoever has a deadline.
pub(crate) fn waking(
    customers: &Arc<Registry<Customers>>,
    registers: Option<&Arc<Registry<Registers>>>,
) -> impl Fn(DueKey) + Send + 'static {
    let customers = Arc::downgrade(customers);
    let registers = registers.map(Arc::downgrade);
    move |due| match (due, &registers) {
        (DueKey::Customer(id), _) => {
            let customers = customers.upgrade();
            customers
                .into_iter()
                .for_each(|customers| customers.tell(id, CustomerMessage::Wake));
        }
        (DueKey::Register(register), Some(registers)) => {
            let registers = registers.upgrade();
            registers
                .into_iter()
                .for_each(|registers| registers.tell(register, RegisterMessage::Wake));
        }
        // An open shift closes nowhere then: whoever turned the tax service off must know.
        (DueKey::Register(register), None) => {
            tracing::error!(%register, "a register has a deadline, and no registers are served: set tax.url");
        }
    }
}

pub(crate) async fn sweep_idle_registers(
    registers: Arc<Registry<Registers>>,
    clock: Arc<dyn Clock>,
    idle: Duration,
) {
    loop {
        clock.sleep(IDLE_SWEEP.min(idle)).await;
        registers.sweep_idle(idle);
    }
}

pub(crate) async fn sweep_idle(
    customers: Arc<Registry<Customers>>,
    windows: Arc<ClosedWindows>,
    clock: Arc<dyn Clock>,
    idle: Duration,
) {
    loop {
        clock.sleep(IDLE_SWEEP.min(idle)).await;
        customers.sweep_idle(idle);
        windows.sweep(clock.now());
    }
}
