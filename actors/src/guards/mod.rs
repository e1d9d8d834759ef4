//! What stands before operators: countries that are allowed, messages that are not too long, what partners may spend in a day, and ranges
//! of numbers that somebody is paid for. A refusal here is one by an operator to everybody else: nothing is sent, and no window is left.

mod store;

pub use store::{SpentRecord, sweep};

use crate::clock::{Clock, Moment, Now};
use crate::ids::{InvokerCode, MessageId};
use crate::metrics::Metrics;
use crate::phone::Phone;
use crate::ports::{DeliveryReport, Lookup, Message, Outcome, SmsSender};
use futures_util::future::BoxFuture;
use sms::spending::{Account, Charge, next_margin};
use sms::traffic::{Rule, Traffic, range_of};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use storage::Store;

/// Ranges of numbers that are watched at once; an operator has a few hundred. Numbers of others are watched together by their country's first
/// digit.
const RANGES_MAX: usize = 20_000;
/// How often counts of traffic are written: what a crash may forget of them.
const WRITE_EVERY: Duration = Duration::from_secs(10);

/// What is allowed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Digits that numbers may begin with, country code first; none listed allows all.
    pub allowed_prefixes: Vec<String>,
    /// Parts that a message may have.
    pub parts_max: u32,
    /// What a part costs, by the digits that a number begins with; 1 where none fits.
    pub prices: Vec<(String, u64)>,
    /// What a partner may spend in a day (UTC).
    pub daily_max: u64,
    /// The same for single partners.
    pub daily_max_of: HashMap<InvokerCode, u64>,
    /// How much is granted at once, beyond what is needed; up to a hundredth of the cap to those who spend fast. 0: nothing.
    pub margin: u64,
    /// When a range is suspicious.
    pub rule: Rule,
    /// Digits that make a range.
    pub range_digits: usize,
    /// Whether messages to suspicious ranges are refused, and not only counted.
    pub refuses_suspicious: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            allowed_prefixes: Vec::new(),
            parts_max: 3,
            prices: Vec::new(),
            daily_max: 100_000,
            daily_max_of: HashMap::new(),
            margin: 100,
            rule: Rule {
                sent_min: 50,
                verified_percent_min: 10,
            },
            range_digits: 6,
            refuses_suspicious: false,
        }
    }
}

/// The guards, over what they remember.
pub struct Guards {
    settings: Settings,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    metrics: Metrics,
    accounts: Mutex<Accounts>,
    /// One partner's grant is extended at a time.
    extending: tokio::sync::Mutex<()>,
    ranges: Mutex<Ranges>,
}

/// Of the day that it is.
#[derive(Default)]
struct Accounts {
    day: i64,
    of: HashMap<InvokerCode, Purse>,
}

/// A partner's account, and how it is filled.
struct Purse {
    account: Account,
    margin: u64,
    /// The last grant: when, and what was spent by then.
    granted: Option<(Moment, u64)>,
    /// Whether a grant is on its way that nobody waits for.
    is_filling: bool,
}

impl Purse {
    /// Fits the margin to what was spent since the last grant, before the next one is asked for.
    fn keep_pace(&mut self, now: Now, least: u64, cap: u64) {
        if let Some((last, spent_then)) = self.granted {
            let since = Duration::from_millis(u64::try_from(last.elapsed_ms(now)).unwrap_or(0));
            let spent = self.account.spent().saturating_sub(spent_then);
            self.margin = next_margin(self.margin, spent, since, least, cap);
        }
    }

    /// A grant of this size is on disk.
    fn filled(&mut self, granted: u64, now: Now) {
        self.account.extended(granted);
        self.granted = Some((Moment::at(now), self.account.spent()));
    }
}

#[derive(Default)]
struct Ranges {
    of: BTreeMap<String, Traffic>,
    changed: BTreeSet<String>,
    /// Those that are said to be suspicious already.
    said: BTreeSet<String>,
}

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn refused(permanent: bool, code: &str, text: &str) -> Outcome {
    Outcome::Refused {
        permanent,
        code: code.to_owned(),
        text: text.to_owned(),
    }
}

impl Guards {
    /// Reads what earlier processes remembered.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(
        settings: Settings,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
    ) -> storage::Result<Arc<Self>> {
        let now_ms = clock.now().wall.timestamp_millis();
        let of = store::load_traffic(store.as_ref(), now_ms).await?;
        Ok(Arc::new(Self {
            settings,
            store,
            clock,
            metrics,
            accounts: Mutex::default(),
            extending: tokio::sync::Mutex::default(),
            ranges: Mutex::new(Ranges {
                of,
                ..Ranges::default()
            }),
        }))
    }

    /// A code that went to this number was verified.
    pub fn verified(&self, phone: &Phone) {
        let now_ms = self.now_ms();
        self.with_range(&self.range(phone), |traffic| traffic.verified(now_ms));
    }

    fn range(&self, phone: &Phone) -> String {
        range_of(phone.expose(), self.settings.range_digits)
    }

    /// What a partner has spent of what it may today.
    pub fn spent(&self, partner: InvokerCode) -> (u64, u64) {
        let day = self.now_ms().div_euclid(DAY_MS);
        let accounts = lock(&self.accounts);
        let account = accounts.of.get(&partner).filter(|_| accounts.day == day);
        (
            account.map_or(0, |purse| purse.account.spent()),
            self.cap(partner),
        )
    }

    fn now_ms(&self) -> i64 {
        self.clock.now().wall.timestamp_millis()
    }

    fn cap(&self, partner: InvokerCode) -> u64 {
        self.settings
            .daily_max_of
            .get(&partner)
            .copied()
            .unwrap_or(self.settings.daily_max)
    }

    fn price(&self, phone: &Phone) -> u64 {
        let digits = phone.expose().trim_start_matches('+');
        let fits = self
            .settings
            .prices
            .iter()
            .filter(|(prefix, _)| digits.starts_with(prefix.as_str()));
        fits.max_by_key(|(prefix, _)| prefix.len())
            .map_or(1, |(_, price)| *price)
    }

    fn with_range<T>(&self, range: &str, deed: impl FnOnce(&mut Traffic) -> T) -> T {
        let mut ranges = lock(&self.ranges);
        let is_room = ranges.of.len() < RANGES_MAX || ranges.of.contains_key(range);
        let together = (!is_room).then(|| range_of(range, 1));
        let range = together.as_deref().unwrap_or(range);
        if !ranges.changed.contains(range) {
            ranges.changed.insert(range.to_owned());
        }
        match ranges.of.get_mut(range) {
            Some(traffic) => deed(traffic),
            None => deed(ranges.of.entry(range.to_owned()).or_default()),
        }
    }

    /// Whether the message, to a number of this range, may go; what it costs, or why not.
    async fn admit(self: &Arc<Self>, message: &Message, range: &str, now_ms: i64) -> Result<u64, Outcome> {
        let phone = &message.destination;
        if !sms::routing::is_allowed(phone.expose(), &self.settings.allowed_prefixes) {
            return Err(self.kept("country", true, "messages to this country are not allowed"));
        }
        let parts = sms::segment::count(message.text.expose());
        if parts > self.settings.parts_max {
            return Err(self.kept("parts", true, "the message needs more parts than are allowed"));
        }
        if self.is_suspicious(range, now_ms) {
            self.metrics.suspicious.inc();
            if self.settings.refuses_suspicious {
                let text = "many codes go to numbers of this range, and few are verified";
                return Err(self.kept("traffic", false, text));
            }
        }
        let cost = self.price(phone).saturating_mul(u64::from(parts));
        self.charge(message.partner, cost).await.map(|()| cost)
    }

    fn kept(&self, guard: &str, permanent: bool, text: &str) -> Outcome {
        self.metrics.guarded.with_label_values(&[guard]).inc();
        refused(permanent, &format!("guard-{guard}"), text)
    }

    fn is_suspicious(&self, range: &str, now_ms: i64) -> bool {
        let mut ranges = lock(&self.ranges);
        let hour = ranges
            .of
            .get(range)
            .map(|traffic| traffic.hour(now_ms))
            .unwrap_or_default();
        let suspicious = hour.is_suspicious(self.settings.rule);
        let news = if suspicious {
            ranges.said.insert(range.to_owned())
        } else {
            ranges.said.remove(range)
        };
        if news && suspicious {
            let (sent, verified, refusing) = (hour.sent, hour.verified, self.settings.refuses_suspicious);
            tracing::warn!(
                range,
                sent,
                verified,
                refusing,
                "a range of numbers is suspicious: hardly any code is verified"
            );
        }
        suspicious
    }

    async fn charge(self: &Arc<Self>, partner: InvokerCode, cost: u64) -> Result<(), Outcome> {
        let full = || self.kept("spending", false, "the partner has spent what it may in a day");
        // The first round of a day may have to find the account; the day may end between two.
        for _ in 0..3 {
            let day = self.now_ms().div_euclid(DAY_MS);
            let settled = match self.pay(day, partner, cost) {
                Some(Charge::Extend(_)) | None => self.extend(day, partner, cost).await.map_err(|error| {
                    tracing::warn!(%error, "what a partner spends could not be remembered");
                    refused(false, "guard-spending", "what is spent cannot be remembered now")
                })?,
                settled => settled,
            };
            match settled {
                Some(Charge::Paid) => return Ok(()),
                Some(Charge::Capped) => return Err(full()),
                Some(Charge::Extend(_)) | None => {}
            }
        }
        Err(full())
    }

    /// Pays from what is granted; `None` where the account is not in memory. Where little is left, the next grant is begun, and nobody waits for it.
    fn pay(self: &Arc<Self>, day: i64, partner: InvokerCode, cost: u64) -> Option<Charge> {
        let mut accounts = lock(&self.accounts);
        if accounts.day != day {
            *accounts = Accounts {
                day,
                of: HashMap::new(),
            };
        }
        let (purse, cap) = (accounts.of.get_mut(&partner)?, self.cap(partner));
        let charge = purse.account.charge(cost, cap, purse.margin);
        let is_low = purse.account.ahead(cap, purse.margin).is_some();
        if charge == Charge::Paid && is_low && !purse.is_filling {
            purse.is_filling = true;
            tokio::spawn(Arc::clone(self).fill(day, partner));
        }
        Some(charge)
    }

    /// Grants ahead of need. A failure is told to the message that finds the grant used up.
    async fn fill(self: Arc<Self>, day: i64, partner: InvokerCode) {
        let _one = self.extending.lock().await;
        let (now, least, cap) = (self.clock.now(), self.settings.margin, self.cap(partner));
        let wanted = self.with_purse(day, partner, |purse| {
            purse.keep_pace(now, least, cap);
            purse.account.ahead(cap, purse.margin)
        });
        if let Some(wanted) = wanted.flatten()
            && let Err(error) = self.grant(day, partner, wanted, |_| ()).await
        {
            tracing::debug!(%error, "a grant ahead of need could not be written");
        }
        self.with_purse(day, partner, |purse| purse.is_filling = false);
    }

    /// Makes a larger grant durable, fills the purse with it, and does this before anybody else can spend of it.
    async fn grant<T>(
        &self,
        day: i64,
        partner: InvokerCode,
        granted: u64,
        deed: impl FnOnce(&mut Purse) -> T,
    ) -> storage::Result<Option<T>> {
        store::grant(self.store.as_ref(), day, partner, granted).await?;
        let now = self.clock.now();
        Ok(self.with_purse(day, partner, |purse| {
            purse.filled(granted, now);
            deed(purse)
        }))
    }

    fn with_purse<T>(&self, day: i64, partner: InvokerCode, deed: impl FnOnce(&mut Purse) -> T) -> Option<T> {
        let mut accounts = lock(&self.accounts);
        let is_today = accounts.day == day;
        accounts.of.get_mut(&partner).filter(|_| is_today).map(deed)
    }

    /// Finds an account (`None`), or charges it once a larger grant is durable: in one go, so that no other message can spend that grant between.
    async fn extend(&self, day: i64, partner: InvokerCode, cost: u64) -> storage::Result<Option<Charge>> {
        let _one = self.extending.lock().await;
        let (now, least, cap) = (self.clock.now(), self.settings.margin, self.cap(partner));
        let charge = |purse: &mut Purse| match purse.account.charge(cost, cap, purse.margin) {
            Charge::Extend(_) => {
                purse.keep_pace(now, least, cap);
                purse.account.charge(cost, cap, purse.margin)
            }
            settled => settled,
        };
        match self.with_purse(day, partner, charge) {
            None => {
                let granted = store::granted(self.store.as_ref(), day, partner).await?;
                let mut accounts = lock(&self.accounts);
                if accounts.day == day {
                    let purse = Purse {
                        account: Account::restored(granted),
                        margin: self.settings.margin,
                        granted: None,
                        is_filling: false,
                    };
                    accounts.of.insert(partner, purse);
                }
                Ok(None)
            }
            Some(Charge::Extend(granted)) => self.grant(day, partner, granted, charge).await,
            settled => Ok(settled),
        }
    }

    fn refund(&self, partner: InvokerCode, cost: u64) {
        if let Some(purse) = lock(&self.accounts).of.get_mut(&partner) {
            purse.account.refund(cost);
        }
    }

    /// Writes counts of traffic for ever.
    pub async fn write_for_ever(self: Arc<Self>) {
        loop {
            self.clock.sleep(WRITE_EVERY).await;
            if let Err(error) = self.write().await {
                if matches!(error, storage::Error::Closed) {
                    return;
                }
                tracing::warn!(%error, "counts of traffic could not be written; the next turn tries again");
            }
        }
    }

    /// Writes the counts that have changed since the last time.
    ///
    /// # Errors
    /// The store's; what could not be written is tried again the next time.
    pub async fn write(&self) -> storage::Result<()> {
        let now_ms = self.now_ms();
        let changed: Vec<(String, Traffic)> = {
            let mut ranges = lock(&self.ranges);
            let mut changed = std::mem::take(&mut ranges.changed);
            // Those that are over are forgotten here, and their rows taken away.
            let is_over = |(_, traffic): &(&String, &Traffic)| traffic.is_over(now_ms);
            changed.extend(ranges.of.iter().filter(is_over).map(|(range, _)| range.clone()));
            ranges.of.retain(|_, traffic| !traffic.is_over(now_ms));
            changed
                .into_iter()
                .map(|range| {
                    let traffic = ranges.of.get(&range).cloned().unwrap_or_default();
                    (range, traffic)
                })
                .collect()
        };
        let written = store::write_traffic(self.store.as_ref(), &changed, now_ms).await;
        if written.is_err() {
            let mut ranges = lock(&self.ranges);
            ranges.changed.extend(changed.into_iter().map(|(range, _)| range));
        }
        written
    }
}

/// A sender behind the guards.
pub struct Guarded {
    /// The guards.
    pub guards: Arc<Guards>,
    /// Who sends what they admit.
    pub inner: Arc<dyn SmsSender>,
}

impl SmsSender for Guarded {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn send(&self, message: Message) -> BoxFuture<'_, Outcome> {
        Box::pin(async move {
            let (partner, range) = (message.partner, self.guards.range(&message.destination));
            let now_ms = self.guards.now_ms();
            let cost = match self.guards.admit(&message, &range, now_ms).await {
                Ok(cost) => cost,
                Err(refused) => return refused,
            };
            // Counted before: a message that nobody waits for any more has gone all the same.
            self.guards.with_range(&range, |traffic| traffic.sent(now_ms));
            let outcome = self.inner.send(message).await;
            if let Outcome::Refused { .. } = outcome {
                self.guards.refund(partner, cost);
                self.guards.with_range(&range, |traffic| traffic.unsent(now_ms));
            }
            outcome
        })
    }

    fn lookup(&self, message: MessageId, deadline: Duration) -> BoxFuture<'_, Lookup> {
        self.inner.lookup(message, deadline)
    }

    fn poll(&self, operator: &str, ids: &[String], deadline: Duration) -> BoxFuture<'_, Vec<DeliveryReport>> {
        self.inner.poll(operator, ids, deadline)
    }
}
