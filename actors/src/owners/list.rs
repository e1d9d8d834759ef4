//! Lists of an account's events: what is owed, what was delivered, what was given up; the oldest first.

use super::records::{Ending, KeptRecord, OwedRecord, OwnerEvent};
use super::{Owners, rows, rules};
use crate::ids::AccountId;
use fiscal::RegisterNumber;
use storage::record::decode;
use uuid::Uuid;

/// Where an event stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// It is to be posted.
    Owed {
        /// Not before this moment, in milliseconds since 1970; 0 before the first post.
        due_ms: i64,
    },
    /// It came to its end then, in milliseconds since 1970.
    Ended(Ending, i64),
}

/// An event of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// It.
    pub event: OwnerEvent,
    /// Where it stands.
    pub place: Place,
    /// How often it was posted; of one that is owed, in vain.
    pub tries: u32,
    /// The status of the last answer that did not take it.
    pub status: Option<u16>,
}

/// Which events are wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted {
    /// Those that are owed.
    pub owed: bool,
    /// Those that were delivered.
    pub delivered: bool,
    /// Those that were given up.
    pub given_up: bool,
    /// Of this register alone.
    pub register: Option<RegisterNumber>,
    /// That happened at this moment or later, in milliseconds since 1970.
    pub since_ms: Option<i64>,
    /// Behind this one: the last of the page before.
    pub after: Option<Uuid>,
    /// At most so many.
    pub limit: usize,
}

impl Wanted {
    fn after(&self) -> u128 {
        let since = self.since_ms.map_or(0, rules::below);
        since.max(self.after.map_or(0, |id| id.as_u128()))
    }

    fn takes(&self, event: &OwnerEvent) -> bool {
        let is_of = self.register.is_none_or(|register| register == event.register);
        is_of && event.id.as_u128() > self.after()
    }
}

impl Owners {
    /// Events of an account, by their ids.
    ///
    /// # Errors
    /// The store's.
    pub async fn events(&self, account: AccountId, wanted: &Wanted) -> storage::Result<Vec<Listed>> {
        let mut found = Vec::new();
        if wanted.owed {
            self.list_owed(account, wanted, &mut found).await?;
        }
        let endings = [
            (Ending::Delivered, wanted.delivered),
            (Ending::GivenUp, wanted.given_up),
        ];
        for (ending, _) in endings.into_iter().filter(|(_, is_wanted)| *is_wanted) {
            self.list_kept(account, ending, wanted, &mut found).await?;
        }
        found.sort_unstable_by_key(|listed| listed.event.id);
        found.truncate(wanted.limit);
        Ok(found)
    }

    /// All of it is looked through: what is owed lies by register, and is bounded.
    async fn list_owed(
        &self,
        account: AccountId,
        wanted: &Wanted,
        found: &mut Vec<Listed>,
    ) -> storage::Result<()> {
        let prefix = rows::owed_prefix(account, wanted.register);
        rows::each(self.store(), prefix, |row| {
            let record: OwedRecord = decode(&row.stored.value)?;
            let owed = record.left().iter().enumerate();
            found.extend(
                owed.filter(|(_, event)| wanted.takes(event))
                    .map(|(index, event)| Listed {
                        event: event.clone(),
                        place: Place::Owed {
                            due_ms: record.due_ms,
                        },
                        // Those behind the first were not posted yet.
                        tries: if index == 0 { record.tries } else { 0 },
                        status: record.status.filter(|_| index == 0),
                    }),
            );
            Ok(())
        })
        .await
    }

    async fn list_kept(
        &self,
        account: AccountId,
        ending: Ending,
        wanted: &Wanted,
        found: &mut Vec<Listed>,
    ) -> storage::Result<()> {
        let (mut after, mut left) = (wanted.after(), wanted.limit);
        loop {
            let page = rows::kept_after(self.store(), account, ending, after, storage::SCAN_MAX).await?;
            let Some(last) = page.last().map(|record| record.event.id.as_u128()) else {
                return Ok(());
            };
            let own = page.into_iter().filter(|record| wanted.takes(&record.event));
            let before = found.len();
            found.extend(own.take(left).map(|record: KeptRecord| Listed {
                event: record.event,
                place: Place::Ended(ending, record.ended_ms),
                tries: record.tries,
                status: record.status,
            }));
            left -= found.len() - before;
            if left == 0 {
                return Ok(());
            }
            after = last;
        }
    }
}
