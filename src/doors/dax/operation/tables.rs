//! The keys of tables, without which no item can be read or written: learnt by `DescribeTable`.
//!
//! DAX: clients remember keys for a minute, or for ever. What is remembered here is looked up again every few seconds,
//! while it goes on to be used, and is forgotten once the origin says something that makes it doubtful.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use backend::{Backend, Call};
use base::{Clock, Drain, Instant};
use bytes::Bytes;
use model::{ApiError, ErrorCode, IndexScope, KeySchema, TableDefinition, Target};

use super::refused::Refused;

/// A table that is made again with other keys is known as it was for so long at most, if nothing tells before.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(5);
/// For the table to be described behind everybody's back.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(10);
/// Tables remembered at once.
const TABLES_MAX: usize = 10_000;

/// Key schemas by the names that clients have for tables.
pub(super) struct Tables {
    backend: Arc<dyn Backend>,
    clock: Clock,
    drain: Drain,
    known: RwLock<HashMap<String, Known>>,
}

#[derive(Debug, Clone)]
struct Known {
    schema: Arc<KeySchema>,
    /// The names of its local indexes.
    local_indexes: Arc<[String]>,
    look_again_at: Instant,
}

impl Tables {
    pub(super) fn new(backend: Arc<dyn Backend>, clock: Clock, drain: Drain) -> Tables {
        Tables { backend, clock, drain, known: RwLock::default() }
    }

    /// The keys of a table, described if need be.
    ///
    /// # Errors
    /// What the origin says of the table, in the words that it has for operations on items.
    pub(super) async fn learn(
        self: &Arc<Self>,
        name: &str,
        deadline: Instant,
    ) -> Result<Arc<KeySchema>, Refused> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        match known {
            Some(Known { schema, look_again_at, .. }) => {
                if self.clock.now() >= look_again_at {
                    self.look_again(name);
                }
                Ok(schema)
            }
            None => self.describe(name, deadline).await.map_err(Refused::before_asking),
        }
    }

    /// Whether a table, which was learnt before, has a local index of this name.
    pub(super) fn has_local_index(&self, table: &str, index: &str) -> bool {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.get(table).is_some_and(|known| known.local_indexes.iter().any(|name| name == index))
    }

    /// Forgets tables, so that they are described before anything else is asked of them.
    pub(super) fn forget(&self, names: &[&str]) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        names.iter().for_each(|name| drop(known.remove(*name)));
    }

    fn look_again(self: &Arc<Self>, name: &str) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let now = self.clock.now();
        // Race: several find it due at once, and one of them looks.
        match known.get_mut(name) {
            Some(known) if now >= known.look_again_at => known.look_again_at = now + LOOK_AGAIN_AFTER,
            _ => return,
        }
        let (tables, name) = (Arc::clone(self), name.to_owned());
        self.drain.spawn(async move {
            let deadline = tables.clock.now() + DESCRIBE_TIMEOUT;
            // While the origin does not answer, what is known is as good as it was.
            if let Err(Refused::Error(_)) = tables.describe(&name, deadline).await {
                tables.forget(&[&name]);
            }
        });
    }

    async fn describe(&self, name: &str, deadline: Instant) -> Result<Arc<KeySchema>, Refused> {
        let body = serde_json::json!({ "TableName": name }).to_string();
        let call = Call::internal(Target::of("DescribeTable"), Bytes::from(body), deadline);
        let answer = self.clock.timeout_at(deadline, self.backend.call(call)).await;
        let reply = answer.unwrap_or_else(|| Err(backend::Failure::deadline())).map_err(Refused::Failure)?;
        let Some(body) = reply.success() else { return Err(as_of_items(Refused::of_origin(&reply))) };
        let definition = TableDefinition::from_description(body).ok_or_else(|| {
            ApiError::upstream(
                ErrorCode::InternalServerError,
                "the origin's description of the table is unknown",
            )
        })?;
        let schema = Arc::new(definition.key_schema);
        let local = definition.indexes.into_iter().filter(|index| index.scope == IndexScope::Local);
        let local_indexes = local.map(|index| index.name).collect();
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= TABLES_MAX && !known.contains_key(name) {
            known.clear();
        }
        let look_again_at = self.clock.now() + LOOK_AGAIN_AFTER;
        known.insert(name.to_owned(), Known { schema: Arc::clone(&schema), local_indexes, look_again_at });
        Ok(schema)
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
