//! Asking for requests: one long poll after the other, for as many as there is room.

use super::Link;
use super::client::CallError;
use signing_protocol::ErrorCode;
use std::sync::Arc;

/// Polls until it is dropped.
pub async fn pull(link: Arc<Link>) {
    let mut backoff = link.backoff();
    loop {
        let room = link.room().await;
        match link.poll(room).await {
            Ok(()) => backoff.reset(),
            Err(_) => link.pause(&mut backoff).await, // counted and logged where the call was made
        }
    }
}

impl Link {
    /// How many more requests may be taken; waits for at least one.
    async fn room(&self) -> u32 {
        loop {
            let delivered = self.delivered.notified();
            let room = self.parts.settings.queue_max.saturating_sub(self.undelivered());
            if room > 0 {
                return u32::try_from(room).unwrap_or(u32::MAX);
            }
            delivered.await;
        }
    }

    async fn poll(self: &Arc<Self>, room: u32) -> Result<(), CallError> {
        let settings = &self.parts.settings;
        let max = settings.poll_requests_max.min(room);
        let wait = settings.poll_wait_seconds;
        let client = &self.parts.client;
        let polled = async {
            let secret = self.secret().await?;
            match client.poll(&secret, wait, max, self.session).await {
                Err(error) if error.is(ErrorCode::Unauthorized) => {
                    let secret = self.renewed(&secret).await?;
                    client.poll(&secret, wait, max, self.session).await
                }
                polled => polled,
            }
        };
        let polled = polled.await;
        self.note(&polled);
        let polled = polled?;
        if let Some(answer) = polled {
            self.saw_clock(answer.now);
            for request in answer.requests {
                self.take_pulled(request);
            }
        }
        Ok(())
    }
}
