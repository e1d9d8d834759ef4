//! Telling the gateway of the keys, and that the agent lives.

use super::Link;
use signing_protocol::{METHOD_LOAD, REPORT_SECONDS_DEFAULT, Report, ReportAnswer, routes};
use std::sync::Arc;
use std::time::Duration;

/// Reports until it is dropped.
pub async fn report(link: Arc<Link>) {
    let mut backoff = link.backoff();
    loop {
        match link.report_once().await {
            Some(next) => {
                backoff.reset();
                tokio::select! {
                    () = tokio::time::sleep(next) => {}
                    () = link.keys_changed.notified() => {}
                }
            }
            None => link.pause(&mut backoff).await,
        }
    }
}

impl Link {
    /// When the next one is due; none where the call failed.
    async fn report_once(&self) -> Option<Duration> {
        // Enrolled first, so that the report is of the moment at which it is sent.
        let called: Result<ReportAnswer, _> = match self.secret().await {
            Ok(_) => self.post(routes::REPORTS, &self.current()).await,
            Err(error) => {
                let failed = Err(error);
                self.note(&failed);
                failed
            }
        };
        let answer = called.ok()?; // counted and logged where the call was made
        self.saw_clock(answer.now);
        let seconds = match answer.next_seconds {
            0 => REPORT_SECONDS_DEFAULT,
            seconds => seconds.clamp(5, 3_600),
        };
        Some(Duration::from_secs(u64::from(seconds)))
    }

    fn current(&self) -> Report {
        Report {
            session: self.session,
            program: crate::PROGRAM.to_owned(),
            now: self.parts.clock.now(),
            keys: self.parts.keys.list(),
            waiting: u32::try_from(self.parts.desk.in_work()).unwrap_or(u32::MAX),
            signatures: self.parts.metrics.signatures.get(),
            methods: vec![METHOD_LOAD.to_owned()],
        }
    }
}
