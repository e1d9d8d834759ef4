//! A person uses a tool: go and see, go offline, come back.

use super::super::command::{Effect, Event, Tool};
use super::super::state::{Link, Purpose};
use super::turn::Turn;
use crate::ids::RequestId;

impl Turn {
    pub(super) fn tool(&mut self, request: RequestId, tool: Tool) {
        let taken = match tool {
            Tool::GoOffline => self.go_offline(),
            Tool::GoOnline => self.core().away.is_some() && self.stay(false),
            Tool::Resynchronise => self.resynchronise(),
        };
        self.act(Effect::Resolved { request, taken });
    }

    /// Asks where the register stands, at once if somebody is known whose key can sign the question and nothing is under way; otherwise the
    /// next operation asks. One that is offline looks whether the tax service is back.
    fn resynchronise(&mut self) -> bool {
        if matches!(self.core().link, Link::Manual(_)) {
            return false;
        }
        if let Some(away) = &self.core().away {
            return !away.stays && self.stay(false);
        }
        self.note(Event::Unsettled);
        let signer = self.core().signer.clone().filter(|_| !self.book.is_busy());
        if let Some(signer) = signer {
            let until = self.moment().plus(self.query_signature_max());
            self.put_query(Purpose::Synchronise, &signer, until);
        }
        true
    }
}
