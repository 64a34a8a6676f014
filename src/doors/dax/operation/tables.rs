//! The keys of tables, without which no item can be read or written: learnt by `DescribeTable`.
//!
//! DAX: clients remember keys for a minute, or for ever. What is remembered here is looked up again every few seconds
//! while it goes on to be used, sooner if an operation fails in a way that may come of it, and behind everybody's back
//! either way: until the origin says that there is no such table, what is known is as good as it was.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::Duration,
};

use backend::{Backend, Call, Failure, FailureKind};
use base::{Announcement, Clock, Drain, Instant};
use bytes::Bytes;
use model::{ApiError, ErrorCode, TableDefinition, Target};

use super::refused::Refused;

/// A table that is made again with other keys is known as it was for so long at most, if nothing tells before.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// The same where something tells. Not at once: it mostly comes of the mistake of a client, which makes it again and
/// again, and nobody else is to pay for it.
const DOUBTED_LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);
/// For a table to be described, at least.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(10);
/// Tables remembered at once.
const TABLES_MAX: usize = 10_000;

/// What is known of tables, by the names that clients have for them.
pub(super) struct Tables {
    backend: Arc<dyn Backend>,
    clock: Clock,
    drain: Drain,
    known: RwLock<HashMap<String, Known>>,
}

/// What is known under a name.
#[derive(Debug)]
struct Known {
    table: Option<Arc<TableDefinition>>,
    /// The description that is under way.
    learning: Option<Announcement<Described>>,
    /// When the last description was asked for.
    asked_at: Instant,
    look_again_at: Instant,
}

type Described = Result<Arc<TableDefinition>, Refused>;

impl Known {
    fn learning(&self) -> Option<&Announcement<Described>> {
        // Whoever was to describe it may have died.
        self.learning.as_ref().filter(|learning| learning.is_awaited())
    }
}

impl Tables {
    pub(super) fn new(backend: Arc<dyn Backend>, clock: Clock, drain: Drain) -> Tables {
        Tables { backend, clock, drain, known: RwLock::default() }
    }

    /// A table, described if need be: once, for all who ask meanwhile.
    ///
    /// # Errors
    /// What the origin says of the table, in the words that it has for operations on items.
    pub(super) async fn learn(self: &Arc<Self>, name: &str, deadline: Instant) -> Described {
        let known = |known: &Known| known.table.clone().map(|table| (table, known.look_again_at));
        let known = self.read().get(name).and_then(known);
        if let Some((table, look_again_at)) = known {
            if self.clock.now() >= look_again_at {
                self.look_again(name);
            }
            return Ok(table);
        }
        let learning = match self.first_look(name, deadline) {
            Ok(table) => return Ok(table),
            Err(learning) => learning,
        };
        let died = || Failure::new(FailureKind::Internal, "nobody describes the table any more");
        let described = match self.clock.timeout_at(deadline, learning.heard()).await {
            Some(described) => described.unwrap_or_else(|| Err(Refused::Failure(died()))),
            None => Err(Refused::Failure(Failure::deadline())),
        };
        described.map_err(Refused::before_asking)
    }

    /// Learns what an operation on tables came to.
    pub(super) fn hear(self: &Arc<Self>, refused: &Refused, names: &[&str]) {
        if refused.is_of_no_table() {
            self.forget(names);
        } else if refused.may_be_of_other_keys() {
            self.doubt(names);
        }
    }

    /// Forgets tables, so that they are described before anything else is asked of them.
    fn forget(&self, names: &[&str]) {
        let mut known = self.write();
        names.iter().for_each(|name| drop(known.remove(*name)));
    }

    /// Looks at tables again soon.
    fn doubt(self: &Arc<Self>, names: &[&str]) {
        for name in names {
            if let Some(known) = self.write().get_mut(*name) {
                let soon = known.asked_at + DOUBTED_LOOK_AGAIN_AFTER;
                known.look_again_at = known.look_again_at.min(soon);
            }
            self.look_again(name);
        }
    }

    /// The description of a table that is not known, unless it is by now.
    fn first_look(
        self: &Arc<Self>,
        name: &str,
        deadline: Instant,
    ) -> Result<Arc<TableDefinition>, Announcement<Described>> {
        let mut names = self.write();
        let known = names.get(name);
        if let Some(table) = known.and_then(|known| known.table.as_ref()) {
            return Ok(Arc::clone(table));
        }
        match known.and_then(Known::learning) {
            Some(learning) => Err(learning.clone()),
            // Who comes later may have more time.
            None => Err(self.begin(&mut names, name, deadline.max(self.clock.now() + DESCRIBE_TIMEOUT))),
        }
    }

    /// Looks at a table again, if it is time.
    fn look_again(self: &Arc<Self>, name: &str) {
        let mut names = self.write();
        let now = self.clock.now();
        // Race: several find it due at once, and one of them looks.
        if names.get(name).is_some_and(|known| now >= known.look_again_at && known.learning().is_none()) {
            self.begin(&mut names, name, now + DESCRIBE_TIMEOUT);
        }
    }

    fn begin(
        self: &Arc<Self>,
        names: &mut HashMap<String, Known>,
        name: &str,
        deadline: Instant,
    ) -> Announcement<Described> {
        if names.len() >= TABLES_MAX && !names.contains_key(name) {
            names.clear();
        }
        let (tell, learning) = Announcement::new();
        let asked_at = self.clock.now();
        let table = names.get(name).and_then(|known| known.table.clone());
        let look_again_at = asked_at + LOOK_AGAIN_AFTER;
        let known = Known { table, learning: Some(learning.clone()), asked_at, look_again_at };
        names.insert(name.to_owned(), known);
        let (tables, name, ours) = (Arc::clone(self), name.to_owned(), learning.clone());
        self.drain.spawn(async move {
            let described = tables.describe(&name, deadline).await;
            tables.note(&name, &ours, &described);
            // Nobody may be left to hear it.
            drop(tell.send(described));
        });
        learning
    }

    /// Notes what came of a description.
    fn note(&self, name: &str, ours: &Announcement<Described>, described: &Described) {
        let mut names = self.write();
        let is_ours = |known: &Known| known.learning.as_ref().is_some_and(|learning| learning.is(ours));
        // Race: the table was dropped while it was being described, and forgotten. Then this may be the old one.
        let Some(known) = names.get_mut(name).filter(|known| is_ours(known)) else { return };
        known.learning = None;
        match described {
            Ok(table) => known.table = Some(Arc::clone(table)),
            Err(refused) => {
                if refused.is_of_no_table() || known.table.is_none() {
                    names.remove(name);
                }
            }
        }
    }

    async fn describe(&self, name: &str, deadline: Instant) -> Described {
        let body = serde_json::json!({ "TableName": name }).to_string();
        let call = Call::internal(Target::of("DescribeTable"), Bytes::from(body), deadline);
        let answer = self.clock.timeout_at(deadline, self.backend.call(call)).await;
        let reply = answer.unwrap_or_else(|| Err(Failure::deadline())).map_err(Refused::Failure)?;
        let Some(body) = reply.success() else { return Err(as_of_items(Refused::of_origin(&reply))) };
        let definition = TableDefinition::from_description(body).ok_or_else(|| {
            ApiError::upstream(
                ErrorCode::InternalServerError,
                "the origin's description of the table is unknown",
            )
        })?;
        Ok(Arc::new(definition))
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<String, Known>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, HashMap<String, Known>> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// DynamoDB: operations on items do not name the table that is not there; descriptions do.
fn as_of_items(refused: Refused) -> Refused {
    match refused {
        Refused::Error(mut answer) if answer.error.code == ErrorCode::ResourceNotFoundException => {
            answer.error.message = "Requested resource not found".to_owned();
            Refused::Error(answer)
        }
        other => other,
    }
}

#[cfg(test)]
mod tests;
