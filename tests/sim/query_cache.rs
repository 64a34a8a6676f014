//! A cache of queries so simple that it can be seen to be right: whatever is written to a table drops all that
//! it holds of that table, and while a write is on its way, or in doubt, it holds nothing. With one thing left
//! out it is wrong, and the checker must notice; as it is, the checker must find nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use backend::{Backend, Call, Document, Failure, Outcome, Reply};
use base::{Clock, Drain, Instant};
use futures_util::{FutureExt, future::BoxFuture};
use model::{Effect, ErrorCode};
use serde_json::{Value, json};

use crate::{
    keys::TABLES,
    query::{Direction, Query, Select},
};

/// What such a cache may leave out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// It keeps what it holds for the TTL, whoever writes.
    IgnoresWrites,
    /// A write counts when it begins, and no more afterwards.
    CountsBeginningsOnly,
    /// What nobody knows the outcome of counts as not written.
    IgnoresDoubt,
    /// It asks lagging replicas right after a write.
    NeverSettles,
    /// It keeps what a global index showed right after a write.
    KeepsGlobalIndexes,
    /// It does not notice that indexes are dropped and made.
    IgnoresIndexes,
    /// It keeps what it holds for longer than a TTL.
    OutlivesTheTtl,
    /// It answers strong queries from what it holds.
    AnswersStrongReads,
    /// It takes queries in either direction for the same.
    IgnoresDirection,
    /// It takes all pages for the same.
    IgnoresPages,
    /// It takes a count for the rows that were counted.
    IgnoresSelect,
    /// It says of a hit what the origin said it consumed.
    SaysOldCapacity,
}

impl Flaw {
    pub(crate) const ALL: [Flaw; 12] = [
        Flaw::IgnoresWrites,
        Flaw::CountsBeginningsOnly,
        Flaw::IgnoresDoubt,
        Flaw::NeverSettles,
        Flaw::KeepsGlobalIndexes,
        Flaw::IgnoresIndexes,
        Flaw::OutlivesTheTtl,
        Flaw::AnswersStrongReads,
        Flaw::IgnoresDirection,
        Flaw::IgnoresPages,
        Flaw::IgnoresSelect,
        Flaw::SaysOldCapacity,
    ];
}

/// How long things last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spans {
    pub(crate) ttl: Duration,
    pub(crate) settle: Duration,
    pub(crate) doubt: Duration,
}

/// The cache, in front of a node to which everything but queries goes.
#[derive(Clone)]
pub(crate) struct SimpleQueryCache {
    node: Arc<dyn Backend>,
    origin: Arc<dyn Backend>,
    clock: Clock,
    drain: Drain,
    spans: Spans,
    flaw: Option<Flaw>,
    /// By table.
    held: Arc<Mutex<Vec<Held>>>,
}

/// What it holds of a table.
struct Held {
    entries: HashMap<String, Entry>,
    /// Moves with every write, when it begins and when it ends.
    version: u64,
    writes: u32,
    /// When the last write ended, or will have, if it is in doubt.
    written_at: Instant,
}

struct Entry {
    body: Value,
    until: Instant,
}

impl SimpleQueryCache {
    pub(crate) fn new(
        node: Arc<dyn Backend>,
        origin: Arc<dyn Backend>,
        (clock, drain): (Clock, Drain),
        spans: Spans,
        flaw: Option<Flaw>,
    ) -> SimpleQueryCache {
        let nothing = || Held { entries: HashMap::new(), version: 0, writes: 0, written_at: clock.now() };
        let held = Arc::new(Mutex::new(TABLES.iter().map(|_| nothing()).collect()));
        SimpleQueryCache { node, origin, clock, drain, spans, flaw, held }
    }

    async fn query(&self, call: Call) -> Result<Reply, Failure> {
        let mut request: Value = serde_json::from_slice(&call.wire().body).expect("clients send JSON");
        let query = Query::asked(&request);
        if query.is_strong && self.flaw != Some(Flaw::AnswersStrongReads) {
            return self.origin.call(call).await;
        }
        let name = self.name_of(&query);
        let asked_at = self.clock.now();
        let (version, is_quiet, unwritten_for) = {
            let held = &self.held()[query.table];
            let is_quiet = (held.writes == 0 || self.flaw == Some(Flaw::CountsBeginningsOnly))
                && held.written_at <= asked_at;
            if let Some(entry) = held.entries.get(&name).filter(|entry| is_quiet && asked_at < entry.until) {
                return Ok(self.hit(&query, entry.body.clone()));
            }
            (held.version, is_quiet, asked_at.saturating_duration_since(held.written_at))
        };
        let is_settled = unwritten_for >= self.spans.settle || self.flaw == Some(Flaw::NeverSettles);
        if !query.is_global() && !is_settled {
            request["ConsistentRead"] = json!(true);
        }
        let reply = self.origin.call(call.with_body(request.to_string().into())).await?;
        let ttl = self.spans.ttl * if self.flaw == Some(Flaw::OutlivesTheTtl) { 3 } else { 1 };
        let keep = match query.is_global() && self.flaw != Some(Flaw::KeepsGlobalIndexes) {
            true => ttl.min(unwritten_for),
            false => ttl,
        };
        let held = &mut self.held()[query.table];
        if is_quiet && held.version == version && reply.success().is_some() {
            let body = serde_json::from_slice(reply.body()).expect("the origin answers in JSON");
            held.entries.insert(name, Entry { body, until: asked_at + keep });
        }
        // Without quiet it is not known how strongly to ask, so this promises nothing.
        Ok(if is_quiet { reply.with(Outcome::Miss) } else { reply })
    }

    /// What it keeps an answer under: what was meant, whatever the spelling.
    fn name_of(&self, query: &Query) -> String {
        let mut named = query.clone();
        match self.flaw {
            Some(Flaw::IgnoresDirection) => named.direction = Direction::Forward,
            Some(Flaw::IgnoresPages) => named.start = None,
            Some(Flaw::IgnoresSelect) => named.select = Select::Whole,
            Some(Flaw::AnswersStrongReads) => named.is_strong = false,
            _ => {}
        }
        named.to_string()
    }

    fn hit(&self, query: &Query, mut body: Value) -> Reply {
        if query.capacity.is_some() && self.flaw != Some(Flaw::SaysOldCapacity) {
            body["ConsumedCapacity"]["CapacityUnits"] = json!(0.0);
        }
        let document = Document::new(body.to_string().into());
        Reply::document(document, Outcome::Hit { ttl: Duration::ZERO })
    }

    async fn write(self, call: Call) -> Result<Reply, Failure> {
        let body = String::from_utf8_lossy(&call.wire().body).into_owned();
        let names_none = !TABLES.iter().any(|table| body.contains(table.name));
        let is_written = |table: &usize| names_none || body.contains(TABLES[*table].name);
        let tables: Vec<usize> = (0..TABLES.len()).filter(is_written).collect();
        for table in &tables {
            let held = &mut self.held()[*table];
            held.writes += 1;
            held.forget(self.flaw);
        }
        let answer = self.node.call(call).await;
        let is_over = answer.as_ref().is_ok_and(is_definite) || self.flaw == Some(Flaw::IgnoresDoubt);
        let ended_at = self.clock.now() + if is_over { Duration::ZERO } else { self.spans.doubt };
        for table in &tables {
            let held = &mut self.held()[*table];
            held.writes -= 1;
            held.written_at = held.written_at.max(ended_at);
            if self.flaw != Some(Flaw::CountsBeginningsOnly) {
                held.forget(self.flaw);
            }
        }
        answer
    }

    fn held(&self) -> MutexGuard<'_, Vec<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_write(&self, call: &Call) -> bool {
        if call.target().word() == "UpdateTable" {
            return self.flaw != Some(Flaw::IgnoresIndexes);
        }
        let effect = call.target().known().map(|operation| operation.effect);
        !matches!(effect, Some(Effect::Reads | Effect::Administers))
    }
}

impl Backend for SimpleQueryCache {
    fn ready(&self, call: &Call) -> Option<Reply> {
        self.node.ready(call)
    }

    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Failure>> {
        if matches!(call.target().word(), "Query" | "Scan") {
            return self.query(call).boxed();
        }
        if !self.is_write(&call) {
            return self.node.call(call);
        }
        // Whoever waits no longer stops nothing: the write goes on.
        let writing = self.drain.spawn(self.clone().write(call));
        async move { writing.await.expect("writes do not panic") }.boxed()
    }
}

impl Held {
    fn forget(&mut self, flaw: Option<Flaw>) {
        if flaw != Some(Flaw::IgnoresWrites) {
            self.version += 1;
            self.entries.clear();
        }
    }
}

/// Whether it is known what became of a write.
fn is_definite(reply: &Reply) -> bool {
    let body: Value = serde_json::from_slice(reply.body()).unwrap_or_default();
    let code = body["__type"].as_str().and_then(ErrorCode::from_type);
    reply.success().is_some()
        || (reply.status() == 400 && code != Some(ErrorCode::TransactionInProgressException))
}
