//! Who tells callers what came of their operations.
//!
//! A thread outside the runtime that answers one caller wakes one of its threads, which serves that caller and sleeps again, before the next is
//! answered: with two processors a group of sixty took five milliseconds to be told, and one processor slept meanwhile. So the answers of a group go into the
//! runtime together, as one task, and are told there, where a wake-up is a place in a queue.

use tokio::runtime::{Handle, RuntimeFlavor};

use crate::group::Answer;

/// Fewer are told as well one by one: a task for them would cost what it spares.
const MANY: usize = 16;

/// Tells callers, in the runtime where there is one.
pub(crate) struct Teller(Option<Handle>);

impl Teller {
    /// A runtime without threads of its own is not used: it may stand still while whoever asked waits elsewhere.
    pub(crate) fn new(runtime: Option<Handle>) -> Teller {
        Teller(runtime.filter(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread))
    }

    /// Tells all of them, soon.
    pub(crate) fn tell(&self, answers: Vec<Answer>) {
        let answers = Untold(answers);
        match &self.0 {
            Some(runtime) if answers.0.len() >= MANY => drop(runtime.spawn(async move { drop(answers) })),
            _ => drop(answers),
        }
    }
}

/// Answers that are told when this goes, so that nobody waits for ever where the runtime ends and drops its tasks.
struct Untold(Vec<Answer>);

impl Drop for Untold {
    fn drop(&mut self) {
        self.0.drain(..).for_each(Answer::send);
    }
}
