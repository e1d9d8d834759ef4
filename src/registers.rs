//! Cash registers, where there is a tax service to register with: their actors, and the face that cash desks speak to.

use crate::config::{Config, HOLD_MARGIN_SECONDS};
use crate::http::Gateway;
use crate::http::cashdesk::{Attempts, CashDesk, Renderer};
use actors::accounts::{Accounts, Caller};
use actors::clock::Clock;
use actors::idempotency::Running;
use actors::owners::Listener;
use actors::ports::{SignatureVerifier, SigningAgent, TaxService};
use actors::random::Randomness;
use actors::register::{RegisterLists, RegisterMetrics, RegisterService, Registers, World};
use actors::registry::Registry;
use actors::wheel::Wheel;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use storage::Store;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The period over which tries of a password are counted.
const TRIES_PERIOD: Duration = Duration::from_secs(60);

/// Asks the tax service, every so often, for each account's registers, one account after the other; what is asked in vain is asked again the
/// next time. Never ends.
pub(crate) async fn keep_in_step(gateway: Gateway, every: Duration) {
    loop {
        gateway.clock.sleep(every).await;
        let Some(face) = &gateway.cashdesk else { return };
        for (account, record) in face.accounts.accounts() {
            let caller = Caller {
                account,
                cashier: None,
            };
            let signer = face
                .accounts
                .signer(caller, None)
                .ok()
                .filter(|_| record.is_active);
            // An account whose agent is away would only be waited for.
            let Some(signer) = signer.filter(|signer| face.agents.agent_of(signer.key).is_some()) else {
                continue;
            };
            if let Err(reason) = face.lists.list(&signer, face.hold).await {
                tracing::warn!(%account, %reason, "an account's registers could not be brought in step with the tax service");
            }
        }
    }
}

/// What registers need of the gateway.
pub(crate) struct Needs {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) wheel: Wheel,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) accounts: Accounts,
    pub(crate) agents: Arc<dyn SigningAgent>,
    pub(crate) verifier: Arc<dyn SignatureVerifier>,
    pub(crate) tax: Arc<dyn TaxService>,
    pub(crate) owners: Arc<dyn Listener>,
    pub(crate) metrics: RegisterMetrics,
    pub(crate) tasks: TaskTracker,
    pub(crate) going_down: CancellationToken,
}

/// Starts the registry of registers.
///
/// # Errors
/// A sentence.
pub(crate) async fn start(
    config: &Config,
    needs: Needs,
) -> Result<(Arc<Registry<Registers>>, CashDesk), String> {
    let world = Arc::new(World {
        store: Arc::clone(&needs.store),
        wheel: needs.wheel,
        clock: Arc::clone(&needs.clock),
        randomness: Arc::clone(&needs.randomness),
        agents: Arc::clone(&needs.agents),
        verifier: Arc::clone(&needs.verifier),
        tax: Arc::clone(&needs.tax),
        owners: needs.owners,
        metrics: needs.metrics,
        tasks: needs.tasks,
        going_down: needs.going_down.clone(),
        registry: OnceLock::new(),
    });
    let kind = Registers(Arc::clone(&world));
    let registers = Registry::start(kind, Arc::clone(&needs.clock), config.cashdesk.queue_max).await;
    let registers = registers.map_err(|error| format!("actors: {error}"))?;
    let _ = world.registry.set(Arc::downgrade(&registers)); // set here and nowhere else
    let settings = &config.cashdesk;
    let drawings = match settings.drawings_max {
        0 => std::thread::available_parallelism().map_or(1, usize::from),
        most => most,
    };
    let receipts_url = settings.receipts_url.trim_end_matches('/');
    let face = CashDesk {
        accounts: needs.accounts.clone(),
        registers: RegisterService {
            registers: Arc::clone(&registers),
            store: needs.store,
            clock: Arc::clone(&needs.clock),
            randomness: Arc::clone(&needs.randomness),
            running: Running::default(),
            going_down: needs.going_down,
        },
        lists: RegisterLists {
            accounts: needs.accounts,
            agents: Arc::clone(&needs.agents),
            verifier: needs.verifier,
            tax: needs.tax,
            clock: Arc::clone(&needs.clock),
            randomness: needs.randomness,
        },
        agents: needs.agents,
        relays_keys: config.agents.relay_keys,
        hold: Duration::from_secs(settings.hold_seconds),
        hold_max: Duration::from_secs(
            config
                .limits
                .hold_seconds
                .saturating_sub(HOLD_MARGIN_SECONDS)
                .max(1),
        ),
        unheld_lifetime: Duration::from_secs(settings.unheld_seconds),
        receipts_url: (!receipts_url.is_empty()).then(|| receipts_url.to_owned()),
        renderer: Renderer::new(drawings, &settings.software),
        attempts: Attempts::new(needs.clock, settings.password_tries_max, TRIES_PERIOD),
    };
    Ok((registers, face))
}
