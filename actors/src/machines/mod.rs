//! Pure rules: what to remember and what to do, decided from a state, a command and a moment.
//!
//! Nothing here reads a clock, draws a random number, or does I/O. A shell (see [`crate::durable`]) makes the decision durable
//! before it carries out a single effect.

pub mod evidence;
pub mod otp;
pub mod register;

use crate::clock::{Moment, Now};

/// A set of rules over one state. The whole interface between rules and the world.
pub trait Machine {
    /// What is asked. Everything random (codes, ids) is inside it already.
    type Command;
    /// A fact to remember.
    type Event;
    /// A deed to be done once the facts are durable.
    type Effect;

    /// Judges a command. Changes nothing.
    fn decide(&self, command: Self::Command, now: Now) -> Decision<Self::Event, Self::Effect>;
    /// Takes a fact in. Never fails, never decides.
    fn apply(&mut self, event: &Self::Event);
    /// When somebody must knock if nobody else does.
    fn next_deadline(&self) -> Option<Moment>;
}

/// What a machine wants: facts to be remembered first, deeds to be done after.
#[derive(Debug)]
pub struct Decision<Event, Effect> {
    /// In the order in which they happened.
    pub events: Vec<Event>,
    /// In the order in which they are to be begun.
    pub effects: Vec<Effect>,
}

impl<Event, Effect> Decision<Event, Effect> {
    /// Nothing to remember, nothing to do.
    pub fn nothing() -> Self {
        Self {
            events: Vec::new(),
            effects: Vec::new(),
        }
    }

    /// Nothing to remember, one thing to do.
    pub fn only(effect: Effect) -> Self {
        Self {
            events: Vec::new(),
            effects: vec![effect],
        }
    }
}
