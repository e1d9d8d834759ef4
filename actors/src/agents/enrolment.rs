//! How an agent makes itself known, and is known again by its secret.

use super::book::{Change, Unfit};
use super::records::{AgentRecord, EnrolledRecord};
use super::{Agents, CHALLENGE_LIFETIME, Refused};
use chrono::TimeDelta;
use signing_protocol::{
    AgentId, AgentSecret, Challenge, ChallengeRequest, Connection, Enrolment, EnrolmentAnswer, ErrorCode,
    LicenceToken, Purpose, Statement,
};
use std::sync::Arc;
use zeroize::Zeroizing;

/// A program's name and version.
const PROGRAM_CHARACTERS_MAX: usize = 200;

impl Agents {
    /// Whose secret this is. The agent is seen by it.
    ///
    /// # Errors
    /// `unauthorized`; `licence-refused` where the agent is switched off, or the licence of its enrolment does not hold.
    pub fn authenticate(&self, secret: &AgentSecret) -> Result<AgentId, Refused> {
        let unknown = || {
            Refused::new(
                ErrorCode::Unauthorized,
                "send the secret of the last enrolment as `Authorization: Bearer <secret>`",
            )
        };
        let agent = self.book.agent_of_secret(&secret.digest()).ok_or_else(unknown)?;
        let record = self.book.agent(agent).ok_or_else(unknown)?;
        let now = self.now();
        let refused = |detail: &str| Err(Refused::new(ErrorCode::LicenceRefused, detail));
        if !record.is_active {
            return refused("the agent is switched off");
        }
        let Some(licence) = record.enrolled_licence() else {
            return refused("the licence of the enrolment is not known any more; install the current one");
        };
        if licence.revoked_ms.is_some() {
            return refused("the licence was revoked");
        }
        if !licence.holds_at(now.wall.timestamp_millis()) {
            return refused("the licence is out of time");
        }
        self.desk(agent).state().life.saw(now);
        Ok(agent)
    }

    /// A nonce. An agent that is not in the book gets one too, and cannot use it.
    ///
    /// # Errors
    /// No random numbers.
    pub fn challenge(&self, asked: ChallengeRequest) -> Result<Challenge, Refused> {
        let now = self.now();
        let nonce = self
            .challenges()
            .give(asked.agent, asked.purpose, now, self.random()?);
        let lifetime = TimeDelta::from_std(CHALLENGE_LIFETIME).unwrap_or_default();
        Ok(Challenge {
            nonce,
            expires: now.wall + lifetime,
        })
    }

    /// Enrols an agent: its secret before is known no longer.
    ///
    /// # Errors
    /// `licence-refused`, `challenge-expired`, `invalid-body`, `too-many-requests`, `unavailable`.
    pub async fn enrol(&self, enrolment: &Enrolment) -> Result<EnrolmentAnswer, Refused> {
        let enrolled = self.judge_and_enrol(enrolment).await;
        let outcome = match &enrolled {
            Ok(_) => "enrolled",
            Err(refused) => refused.code.slug(),
        };
        self.metrics.enrolments.with_label_values(&[outcome]).inc();
        match &enrolled {
            Ok(answer) => tracing::info!(agent = %answer.agent, "an agent enrolled"),
            Err(refused) => {
                tracing::warn!(agent = %enrolment.statement.agent, %refused, "an enrolment is refused");
            }
        }
        enrolled
    }

    async fn judge_and_enrol(&self, enrolment: &Enrolment) -> Result<EnrolmentAnswer, Refused> {
        let statement = &enrolment.statement;
        let agent = statement.agent;
        let expired =
            |error: super::challenge::Expired| Refused::new(ErrorCode::ChallengeExpired, error.to_string());
        self.challenges()
            .judge(&statement.nonce, agent, Purpose::Enrolment, self.now())
            .map_err(expired)?;
        let record = self.judge_licence(enrolment)?;
        let licence = record.current_licence().expect("judged as the current one").id;
        let push_url = self.judge_connection(statement)?;
        let desk = self.desk(agent);
        let taken = desk.state().enrolments.take(self.now());
        taken.map_err(Refused::too_often)?;
        self.challenges()
            .spend(&statement.nonce, agent, Purpose::Enrolment, self.now())
            .map_err(expired)?;
        let random = Zeroizing::new(self.random::<32>()?);
        let secret = AgentSecret::from_random(&random);
        let now = self.now();
        let enrolled = EnrolledRecord {
            licence,
            secret_digest: secret.digest(),
            push_url,
            program: statement.program.clone(),
            at_ms: now.wall.timestamp_millis(),
        };
        match self.book.apply(Change::Enrol { agent, enrolled }).await? {
            Ok(()) => {}
            Err(Unfit::NotFound) => return Err(not_in_the_book()),
            Err(unfit) => return Err(Refused::new(ErrorCode::InvalidBody, unfit.to_string())),
        }
        desk.state().life.saw(now);
        self.push_all(&desk);
        Ok(EnrolmentAnswer::new(statement, secret, &self.keys.signing))
    }

    /// The licence holds for this instance, is the agent's current one and not revoked.
    fn judge_licence(&self, enrolment: &Enrolment) -> Result<Arc<AgentRecord>, Refused> {
        let refused = |detail: String| Refused::new(ErrorCode::LicenceRefused, detail);
        enrolment
            .verify(&self.keys.trusted(), self.now().wall)
            .map_err(|fault| refused(fault.to_string()))?;
        let statement = &enrolment.statement;
        let record = self.book.agent(statement.agent).ok_or_else(not_in_the_book)?;
        if !record.is_active {
            return Err(refused("the agent is switched off".to_owned()));
        }
        let LicenceToken(token) = &statement.licence;
        match record.current_licence() {
            Some(current) if current.token != token.trim() => {
                Err(refused("this is not the agent's current licence".to_owned()))
            }
            Some(current) if current.revoked_ms.is_some() => {
                Err(refused("the licence was revoked".to_owned()))
            }
            Some(_) => Ok(record),
            None => Err(refused("no licence of this agent is known here".to_owned())),
        }
    }

    fn judge_connection(&self, statement: &Statement) -> Result<Option<String>, Refused> {
        let unfit = |detail: String| Refused::new(ErrorCode::InvalidBody, detail);
        let program = statement.program.chars();
        if statement.program.chars().any(char::is_control) || program.count() > PROGRAM_CHARACTERS_MAX {
            return Err(unfit(format!(
                "program: at most {PROGRAM_CHARACTERS_MAX} characters"
            )));
        }
        match &statement.connection {
            Connection::Pull => Ok(None),
            Connection::Push { url } => {
                self.pusher
                    .check(url)
                    .map_err(|error| unfit(format!("connection.url: {error}")))?;
                Ok(Some(url.trim_end_matches('/').to_owned()))
            }
        }
    }
}

fn not_in_the_book() -> Refused {
    Refused::new(ErrorCode::LicenceRefused, "this agent is not known here")
}
