//! Packages (section 1.8): read, signed, sent in order, the next only after the one before was accepted.

use super::super::answer::DocumentFacts;
use super::super::away::{Away, Homeward, Package, PackageRefusal};
use super::super::command::{Content, Effect, Event};
use super::super::note::Note;
use super::super::request::Signer;
use super::super::state::Purpose;
use super::turn::Turn;
use crate::ids::SignatureRequestId;
use crate::ports::Packed;
use fiscal::{ErrorCode, LocalNumber, OfflineSession, Rejection};

impl Turn {
    pub(super) fn read_package(&mut self) {
        let Some(away) = self.away() else { return };
        self.step(Homeward::Reading);
        self.act(Effect::ReadPackage { first: away.due() });
    }

    /// What is next of the session was read.
    pub(super) fn package_read(
        &mut self,
        first: LocalNumber,
        count: u64,
        signer: Option<Signer>,
        is_all: bool,
    ) {
        let Some(away) = self.away() else {
            return self.count(Note::Stray);
        };
        if away.step != Homeward::Reading || first != away.due() {
            return self.count(Note::Stray);
        }
        if is_all && !away.chain.ended() {
            // A person who wants the register offline may have said so meanwhile.
            return if away.stays {
                self.rest(false);
            } else {
                self.step(Homeward::Ending);
            };
        }
        let Some(signer) = signer else {
            return self.rest(true);
        };
        let package = Package {
            first,
            count,
            has_end: away.chain.ended() && count >= away.undelivered(),
        };
        let request = SignatureRequestId(self.draw.home_request);
        let until = self.moment().plus(self.query_signature_max());
        self.step(Homeward::Signing {
            package,
            request,
            until,
        });
        self.sign_home(&signer, request, Content::Package(package), until);
    }

    pub(super) fn post_package(&mut self, package: Package, request: SignatureRequestId, cms: Vec<u8>) {
        let within = self.post_max();
        self.step(Homeward::Sending {
            package,
            request,
            until: self.moment().plus(within),
        });
        self.act(Effect::PostPackage {
            package: request,
            cms,
            within,
        });
    }

    /// What the tax service said of a package.
    pub(super) fn packed(&mut self, wanted: SignatureRequestId, packed: Packed) {
        let step = self.core().away.as_ref().map(|away| away.step.clone());
        let package = match step {
            Some(Homeward::Sending { package, request, .. }) if request == wanted => package,
            _ => return self.count(Note::Stray),
        };
        match packed {
            Packed::Accepted(session) => self.delivered(package.count, session),
            Packed::NotSent(_) => self.rest_unsent(),
            Packed::Rejected(rejection) if rejection.code == ErrorCode::CryptographyError => {
                self.rest_unsent();
            }
            Packed::Rejected(rejection) => self.package_rejected(&rejection),
            Packed::Unknown(_) => self.rest(true),
        }
    }

    /// Perhaps an earlier sending of the same was faster than its answer: what the tax service has tells.
    fn package_rejected(&mut self, rejection: &Rejection) {
        let Some(mut away) = self.away() else { return };
        away.rejected = Some(PackageRefusal {
            code: rejection.code.code(),
            text: super::finish::cut(&rejection.text),
        });
        self.note(Event::AwaySet(away));
        self.put_home(Purpose::Return);
    }

    /// The tax service has these documents. With the end among them the register is online again.
    pub(super) fn delivered(&mut self, count: u64, session: Option<OfflineSession>) {
        let Some(away) = self.away() else { return };
        self.note(Event::Delivered {
            first: away.due(),
            count,
            revoked: revoked(&away).map(Box::new),
        });
        self.count(Note::Delivered(count));
        let is_whole = away.delivered.saturating_add(count) >= away.chain.length();
        if !(is_whole && away.chain.ended()) {
            return self.read_package();
        }
        self.note(Event::Returned {
            offline: session,
            used: self.used_with(&away.chain),
        });
        self.count(Note::OfflineEnded(away.chain.length()));
    }
}

/// What the first document of a session revoked: known not to count, from its delivery on.
fn revoked(away: &Away) -> Option<DocumentFacts> {
    let flight = away.doubtful.as_ref().filter(|_| away.revokes)?;
    Some(flight.facts(None))
}
