//! An operator that fails again and again rests for a while, so that messages go to the next at once instead of waiting for it.

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Failures in a row that open it; 0 never does.
    pub failures_max: u32,
    /// How long it stays open, in milliseconds; then one message tries.
    pub rest_ms: i64,
}

/// One operator's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Breaker {
    failures: u32,
    /// Until when it rests.
    open_until_ms: Option<i64>,
    /// One message is trying; if its word never comes, another may at this moment.
    trying_until_ms: Option<i64>,
}

/// What a message's outcome says of the operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// It works: it took the message, or refused it for the message's own fault.
    Well,
    /// It refused for a reason of its own, gave no answer, or could not be reached.
    Ill,
}

impl Breaker {
    /// Whether a message may go to the operator now; admitting the one that tries is remembered.
    pub fn admits(&mut self, rule: Rule, now_ms: i64) -> bool {
        let Some(until) = self.open_until_ms else {
            return true;
        };
        if now_ms < until || self.trying_until_ms.is_some_and(|trying| now_ms < trying) {
            return false;
        }
        self.trying_until_ms = Some(now_ms.saturating_add(rule.rest_ms));
        true
    }

    /// Whether it rests now.
    pub fn is_open(&self) -> bool {
        self.open_until_ms.is_some()
    }

    /// Takes an outcome in.
    pub fn record(&mut self, health: Health, rule: Rule, now_ms: i64) {
        match health {
            Health::Well => *self = Self::default(),
            Health::Ill => {
                self.failures = self.failures.saturating_add(1);
                if rule.failures_max > 0 && self.failures >= rule.failures_max {
                    self.open_until_ms = Some(now_ms.saturating_add(rule.rest_ms));
                    self.trying_until_ms = None;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: Rule = Rule {
        failures_max: 3,
        rest_ms: 30_000,
    };

    fn opened() -> Breaker {
        let mut breaker = Breaker::default();
        (0..3).for_each(|_| breaker.record(Health::Ill, RULE, 0));
        breaker
    }

    #[test]
    fn so_many_failures_in_a_row_open_it_and_a_success_between_them_does_not() {
        let mut breaker = Breaker::default();
        for health in [Health::Ill, Health::Ill, Health::Well, Health::Ill, Health::Ill] {
            breaker.record(health, RULE, 0);
            assert!(breaker.admits(RULE, 0));
        }
        breaker.record(Health::Ill, RULE, 0);
        assert!(!breaker.admits(RULE, 0) && breaker.is_open());
    }

    #[test]
    fn after_its_rest_one_message_tries_and_the_others_wait_for_its_word() {
        let mut breaker = opened();
        assert!(!breaker.admits(RULE, 29_999));
        assert!(breaker.admits(RULE, 30_000));
        assert!(!breaker.admits(RULE, 30_001), "one is enough");
        breaker.record(Health::Well, RULE, 30_002);
        assert!(breaker.admits(RULE, 30_003) && breaker.admits(RULE, 30_003) && !breaker.is_open());
    }

    #[test]
    fn a_trial_that_fails_is_another_rest() {
        let mut breaker = opened();
        assert!(breaker.admits(RULE, 30_000));
        breaker.record(Health::Ill, RULE, 31_000);
        assert!(!breaker.admits(RULE, 60_999));
        assert!(breaker.admits(RULE, 61_000));
    }

    #[test]
    fn a_trial_whose_word_never_comes_does_not_close_the_door_for_good() {
        let mut breaker = opened();
        assert!(breaker.admits(RULE, 30_000));
        assert!(!breaker.admits(RULE, 59_999));
        assert!(breaker.admits(RULE, 60_000));
    }

    #[test]
    fn a_rule_of_nought_never_opens() {
        let mut breaker = Breaker::default();
        let never = Rule {
            failures_max: 0,
            rest_ms: 1,
        };
        (0..1_000).for_each(|_| breaker.record(Health::Ill, never, 0));
        assert!(breaker.admits(never, 0));
    }
}
