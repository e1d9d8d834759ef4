//! The whole world of a cash desk: gateway, agent and stand-in, each by itself, and the lines between them.

use super::agent::{Agent, Lines};
use super::gateway::{Gateway, Place};
use super::hours::Hours;
use super::own_address;
use super::papers::{Paper, Signatures, Step, Tally, sent};
use super::wire::{Deed, Seen, Wire};
use crate::agents::world::SHOP;
use crate::office::{REGISTER, StandIn, seller};
use sandbox::fiscal::{Control, RegisterState};
use serde_json::{Value, json};
use std::cell::Cell;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::runtime::Runtime;

/// Registers that the tax service knows: one for each fault of a test.
pub const REGISTERS: u64 = 40;

/// What differs between shops.
struct Opening<'a> {
    hours: Option<&'a Hours>,
    data: Option<&'a Path>,
    storage: &'a str,
    pushes: bool,
}

impl Default for Opening<'_> {
    fn default() -> Self {
        Self {
            hours: None,
            data: None,
            // Nothing set aside: the disk is the machine's own.
            storage: "reserve_bytes = 0",
            pushes: false,
        }
    }
}

pub struct Shop {
    pub gateway: Arc<Gateway>,
    pub agent: Arc<Agent>,
    pub stand_in: StandIn,
    /// From the gateway to the tax service.
    pub tax: Arc<Wire>,
    /// From the agent to the gateway.
    pub signing: Arc<Wire>,
    /// From the gateway to the agent, where that is pushed to.
    pub pushing: Option<Arc<Wire>>,
    pub signatures: Arc<Signatures>,
    pub token: String,
    taken: Cell<u64>,
    // Last: what runs on it is dropped before it.
    runtime: Option<Runtime>,
}

impl Drop for Shop {
    fn drop(&mut self) {
        // What is left of a line may hold the gateway, too.
        self.gateway.kill();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Shop {
    pub fn open() -> Self {
        Self::open_all(&Opening::default(), |_| ())
    }

    /// The same by these clocks.
    pub fn open_by(hours: &Hours) -> Self {
        let opening = Opening {
            hours: Some(hours),
            ..Opening::default()
        };
        Self::open_all(&opening, |_| ())
    }

    /// Its agent does not ask for requests: the gateway pushes them.
    pub fn open_pushed() -> Self {
        let opening = Opening {
            pushes: true,
            ..Opening::default()
        };
        Self::open_all(&opening, |_| ())
    }

    /// Its gateway's data elsewhere, with more lines of its section `[storage]`; its tax service with other settings.
    pub fn open_with(
        data: Option<&Path>,
        storage: &str,
        change: impl FnOnce(&mut sandbox::fiscal::Settings),
    ) -> Self {
        let opening = Opening {
            data,
            storage,
            ..Opening::default()
        };
        Self::open_all(&opening, change)
    }

    fn open_all(opening: &Opening<'_>, change: impl FnOnce(&mut sandbox::fiscal::Settings)) -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime = builder.worker_threads(4).enable_all().build().unwrap();
        let hours = opening.hours;
        let clock: Arc<dyn sandbox::fiscal::Clock> = match hours {
            Some(hours) => Arc::clone(&hours.tax_service) as _,
            None => Arc::new(sandbox::fiscal::SystemClock),
        };
        let stand_in = runtime.block_on(StandIn::start_by(clock, REGISTERS, change));
        let at = stand_in.url.strip_prefix("http://").unwrap().parse().unwrap();
        let lay = |to| Arc::new(Wire::lay(runtime.handle(), to));
        let tax = lay(at);
        let gateway = Arc::new(Gateway::start(&Place {
            tax_url: &tax.url(),
            data: opening.data,
            storage: opening.storage,
            clock: hours.map(|hours| &hours.gateway),
        }));
        let signing = lay(gateway.agents);
        let listens = opening.pushes.then(own_address);
        let pushing = listens.map(lay);
        let lines = Lines {
            to_gateway: signing.url(),
            to_agent: pushing.as_ref().map(|line| line.url()).zip(listens),
        };
        let (agent, token) = Agent::start(&gateway, lines, hours.map(|hours| &hours.agent));
        Self {
            gateway,
            agent: Arc::new(agent),
            stand_in,
            tax,
            signing,
            pushing,
            signatures: Arc::default(),
            token,
            taken: Cell::new(0),
            runtime: Some(runtime),
        }
    }

    /// Another register of the shop, with these settings in place of its own. It does not close by itself, so that midnight spoils no test.
    pub fn register(&self, settings: &Value) -> u64 {
        let index = self.taken.replace(self.taken.get() + 1);
        assert!(index < REGISTERS, "the tax service knows so many registers");
        let mut all = json!({ "auto_close_minutes": 0, "offline_after_seconds": 0 });
        for (name, value) in settings.as_object().unwrap() {
            all[name] = value.clone();
        }
        let seller = seller();
        let row = json!({
            "account": SHOP, "name": format!("Каса {}", 1 + index), "cash_desk": 1 + index, "tax_number": seller.tax_number,
            "organisation": seller.organisation, "point": seller.point, "address": seller.address, "settings": all,
        });
        let number = REGISTER + index;
        self.gateway
            .supported("PUT", &format!("/registers/{number}"), Some(&row), 200);
        number
    }

    /// Arms a fault of the tax service.
    pub fn arm(&self, control: Control) {
        self.stand_in.server.arm(control).unwrap();
    }

    /// What the tax service has of a register.
    pub fn registered(&self, register: u64) -> RegisterState {
        let registers = self.stand_in.server.state().registers;
        let found = registers.into_iter().find(|found| found.num_fiscal == register);
        found.expect("the tax service knows it")
    }

    /// From now on the gateway is killed at each of these moments, in this order: whoever calls it starts it again.
    pub fn kill_at(&self, moments: impl IntoIterator<Item = (Paper, Step)>) -> Arc<Kills> {
        self.kill(Kills::of(&self.gateway, moments))
    }

    /// The same, each up to so much later: the gateway goes on meanwhile with whatever needs nobody else, and dies at any commit of it.
    pub fn kill_soon_after(
        &self,
        moments: impl IntoIterator<Item = (Paper, Step)>,
        random: &mut fastrand::Rng,
    ) -> Arc<Kills> {
        let mut kills = Kills::of(&self.gateway, moments);
        kills.later = Some(Mutex::new(random.fork()));
        self.kill(kills)
    }

    /// The agent is killed at each of these moments, alone or with the gateway, and started again.
    pub fn kill_agent_at(
        &self,
        moments: impl IntoIterator<Item = (Paper, Step)>,
        with_gateway: bool,
    ) -> Arc<Kills> {
        let mut kills = Kills::of(&self.gateway, moments);
        kills.agent = Some(Arc::clone(&self.agent));
        kills.spares_gateway = !with_gateway;
        self.kill(kills)
    }

    fn kill(&self, kills: Kills) -> Arc<Kills> {
        let kills = Arc::new(kills);
        let (own, signatures) = (Arc::clone(&kills), Arc::clone(&self.signatures));
        self.watch_signatures(move |seen| own.look(&signatures.of(seen)));
        let own = Arc::clone(&kills);
        self.tax.watch(move |seen| own.look(&[sent(seen)]));
        kills
    }

    /// From now on this says what becomes of what gateway and agent say to each other, whoever begins.
    pub fn watch_signatures(&self, watch: impl Fn(&Seen<'_>) -> Deed + Send + Sync + 'static) {
        let watch = Arc::new(watch);
        for line in std::iter::once(&self.signing).chain(&self.pushing) {
            let watch = Arc::clone(&watch);
            line.watch(move |seen| watch(seen));
        }
    }

    /// The lines carry again what they are given.
    pub fn leave(&self) {
        self.tax.leave();
        self.signing.leave();
        self.pushing.iter().for_each(|line| line.leave());
    }
}

/// How much later than its moment a kill comes at most: what the gateway does by itself, a handful of commits, is done within.
const LATER_MAX_MICROSECONDS: u64 = 15_000;

/// Moments at which something is killed.
pub struct Kills {
    due: Mutex<VecDeque<(Paper, Step)>>,
    made: Mutex<Tally>,
    gateway: Arc<Gateway>,
    spares_gateway: bool,
    agent: Option<Arc<Agent>>,
    later: Option<Mutex<fastrand::Rng>>,
}

impl Kills {
    fn of(gateway: &Arc<Gateway>, moments: impl IntoIterator<Item = (Paper, Step)>) -> Self {
        Self {
            due: Mutex::new(moments.into_iter().collect()),
            made: Mutex::default(),
            gateway: Arc::clone(gateway),
            spares_gateway: false,
            agent: None,
            later: None,
        }
    }

    /// Kills where the next moment is among these.
    pub fn look(&self, seen: &[(Paper, Step)]) -> Deed {
        // Held until it is dead: nothing else may pass meanwhile for the next moment.
        let mut due = self.due.lock().unwrap();
        let Some(next) = due.front().copied().filter(|next| seen.contains(next)) else {
            return Deed::Pass;
        };
        due.pop_front();
        if let Some(later) = &self.later {
            let microseconds = later.lock().unwrap().u64(..LATER_MAX_MICROSECONDS);
            // Nothing is waited for: when exactly it dies is left to chance.
            std::thread::park_timeout(Duration::from_micros(microseconds));
        }
        if !self.spares_gateway {
            self.gateway.kill();
        }
        if let Some(agent) = &self.agent {
            agent.kill();
            agent.start_again();
        }
        *self.made.lock().unwrap().entry(next).or_default() += 1;
        Deed::Cut
    }

    /// Moments that did not come yet. A kill that is under way is waited for, and what it left dead runs again.
    pub fn left(&self) -> Vec<(Paper, Step)> {
        let left = self.due.lock().unwrap().iter().copied().collect();
        self.gateway.start_again();
        left
    }

    /// Which were made, and how often.
    pub fn made(&self) -> Tally {
        self.made.lock().unwrap().clone()
    }
}
