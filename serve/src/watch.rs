//! The pure rules of a connection's time: where it stands, and until when it may stand there.

use std::time::Duration;

use tokio::time::Instant;

use crate::Limits;

/// Stands in for a deadline that the clock cannot express: nobody waits thirty years.
const NEVER: Duration = Duration::from_secs(30 * 365 * 86_400);

/// Where a connection stands. HTTP/1 handles one request at a time, so one phase describes it wholly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing was asked since the connection opened or since the last answer.
    Idle,
    /// Bytes of a request's head have arrived, not all of it.
    Head,
    /// A handler is at work.
    Busy,
    /// The answer's head is there, its body comes.
    Answering,
    /// The whole answer is in hyper's buffer, the client has yet to take it.
    Flushing,
}

/// The times of one connection.
#[derive(Debug)]
pub(crate) struct Watch {
    phase: Phase,
    /// Entry into the phase, or the last progress within it.
    since: Instant,
    /// When the handler got the request.
    began: Instant,
}

impl Watch {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            phase: Phase::Idle,
            since: now,
            began: now,
        }
    }

    pub(crate) fn phase(&self) -> Phase {
        self.phase
    }

    /// Whether a request is with the handler or its answer on the way.
    pub(crate) fn has_request(&self) -> bool {
        matches!(self.phase, Phase::Busy | Phase::Answering | Phase::Flushing)
    }

    /// Bytes came from the socket. Only the first ones of a head change anything: what arrives while a request is in
    /// hand is either its body, of which [`Self::body_moved`] tells, or a later request that waits its turn.
    pub(crate) fn bytes_read(&mut self, now: Instant) {
        if self.phase == Phase::Idle {
            self.enter(Phase::Head, now);
        }
    }

    /// The client took bytes of an answer (or of a 100 Continue, which changes nothing for the handler).
    pub(crate) fn bytes_written(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Answering | Phase::Flushing) {
            self.since = now;
        }
    }

    /// The head is complete and a handler has it.
    pub(crate) fn request_began(&mut self, now: Instant) {
        self.began = now;
        self.enter(Phase::Busy, now);
    }

    /// A piece of the request's body reached the handler.
    pub(crate) fn body_moved(&mut self, now: Instant, limits: &Limits) {
        if self.phase == Phase::Busy && now <= after(self.began, limits.upload_max) {
            self.since = now;
        }
    }

    /// The head of the answer is there.
    pub(crate) fn answered(&mut self, now: Instant) {
        self.enter(Phase::Answering, now);
    }

    /// The whole answer is in hyper's buffer, or what there was of it.
    pub(crate) fn answer_ended(&mut self, now: Instant) {
        if self.phase == Phase::Answering {
            self.enter(Phase::Flushing, now);
        }
    }

    /// hyper's buffer is empty.
    pub(crate) fn flushed(&mut self, now: Instant) {
        if self.phase == Phase::Flushing {
            self.enter(Phase::Idle, now);
        }
    }

    /// When the connection has stood here too long.
    pub(crate) fn deadline(&self, limits: &Limits) -> Instant {
        let patience = match self.phase {
            Phase::Idle => limits.keep_alive_idle,
            Phase::Head => limits.header_timeout,
            Phase::Busy | Phase::Answering | Phase::Flushing => limits.hold_max,
        };
        after(self.since, patience)
    }

    fn enter(&mut self, phase: Phase, now: Instant) {
        self.phase = phase;
        self.since = now;
    }
}

/// `instant + patience`, for any patience.
pub(crate) fn after(instant: Instant, patience: Duration) -> Instant {
    instant.checked_add(patience).unwrap_or_else(|| instant + NEVER)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seconds of [`limits`]: idle 75, head 10, hold 60, upload 900.
    fn limits() -> Limits {
        Limits {
            connections_max: 1,
            ..Limits::default()
        }
    }

    type Step = fn(&mut Watch, Instant);

    /// Applies `steps` (second, what happens) and tells the phase and the second of the deadline.
    fn run(steps: &[(u64, Step)]) -> (Phase, u64) {
        let start = Instant::now();
        let mut watch = Watch::new(start);
        for (second, step) in steps {
            step(&mut watch, start + Duration::from_secs(*second));
        }
        (watch.phase(), (watch.deadline(&limits()) - start).as_secs())
    }

    const READ: Step = Watch::bytes_read;
    const WRITTEN: Step = Watch::bytes_written;
    const BEGAN: Step = Watch::request_began;
    const BODY: Step = |watch, now| watch.body_moved(now, &limits());
    const ANSWERED: Step = Watch::answered;
    const ENDED: Step = Watch::answer_ended;
    const FLUSHED: Step = Watch::flushed;

    #[test]
    fn each_phase_has_its_own_patience() {
        type Row<'a> = (&'a str, &'a [(u64, Step)], (Phase, u64));
        let rows: &[Row<'_>] = &[
            ("a silent connection", &[], (Phase::Idle, 75)),
            ("a head that began", &[(5, READ)], (Phase::Head, 15)),
            ("a head that dribbles", &[(5, READ), (9, READ)], (Phase::Head, 15)),
            (
                "a request in a handler",
                &[(5, READ), (6, BEGAN)],
                (Phase::Busy, 66),
            ),
            (
                "a body that moves",
                &[(0, READ), (0, BEGAN), (50, BODY)],
                (Phase::Busy, 110),
            ),
            (
                "a later request's bytes",
                &[(0, READ), (0, BEGAN), (50, READ)],
                (Phase::Busy, 60),
            ),
            (
                "a 100 Continue",
                &[(0, READ), (0, BEGAN), (50, WRITTEN)],
                (Phase::Busy, 60),
            ),
            (
                "a body past upload_max",
                &[(0, BEGAN), (899, BODY), (901, BODY)],
                (Phase::Busy, 959),
            ),
            ("an answer", &[(0, BEGAN), (20, ANSWERED)], (Phase::Answering, 80)),
            (
                "an answer that is taken",
                &[(0, BEGAN), (20, ANSWERED), (30, WRITTEN)],
                (Phase::Answering, 90),
            ),
            (
                "a body after the answer",
                &[(0, BEGAN), (20, ANSWERED), (30, BODY)],
                (Phase::Answering, 80),
            ),
            (
                "a flush within an answer",
                &[(0, BEGAN), (20, ANSWERED), (21, FLUSHED)],
                (Phase::Answering, 80),
            ),
            (
                "a whole answer",
                &[(0, BEGAN), (20, ANSWERED), (21, ENDED)],
                (Phase::Flushing, 81),
            ),
            (
                "one that is taken",
                &[(0, BEGAN), (20, ANSWERED), (21, ENDED), (22, WRITTEN)],
                (Phase::Flushing, 82),
            ),
            (
                "after it",
                &[(0, BEGAN), (20, ANSWERED), (21, ENDED), (22, FLUSHED)],
                (Phase::Idle, 97),
            ),
            (
                "an end without an answer",
                &[(0, BEGAN), (21, ENDED)],
                (Phase::Busy, 60),
            ),
        ];
        for (what, steps, expected) in rows {
            assert_eq!(run(steps), *expected, "{what}");
        }
    }

    #[test]
    fn a_patience_without_end_does_not_overflow_the_clock() {
        let now = Instant::now();
        assert!(after(now, Duration::MAX) > now + Duration::from_secs(86_400));
    }
}
