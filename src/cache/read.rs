//! `GetItem` through the cache.

use std::{sync::Arc, time::Duration};

use backend::{Bypass, Call, Failure, FailureKind, Outcome, Reply};
use bytes::Bytes;
use model::call::GetItem;
use serde_json::json;

use crate::{
    Core,
    answer::{Consumed, GotItem, View, compose_item},
    coherence::{Rule, Sight},
    config::Mode,
    flight::{Boarded, Follower, Joining, Ticket},
    item::{Asked, Entry, Strength},
    schema::{Located, Table},
};

/// A read waits so long for its table to be described; then it passes by.
pub(crate) const LEARNING_PATIENCE: Duration = Duration::from_secs(1);

/// What a flight brings to everybody aboard.
#[derive(Debug, Clone)]
pub(crate) enum Arrival {
    /// The item, or its absence, with the answer that it came in.
    Item { entry: Arc<Entry>, is_stored: bool, reply: Reply },
    /// An answer that says nothing of the item: an error, or one of a shape that this version does not know.
    Other(Reply),
    /// No answer.
    Failed(Failure),
}

/// A read of one item that the cache may answer.
struct Reading<'a> {
    call: &'a Call,
    get: &'a GetItem,
    table: Arc<Table>,
    located: Located,
    view: View,
}

impl Core {
    /// A hit that needs nobody; `None` if it is none, or not known to be one yet.
    pub(crate) fn ready_item(&self, call: &Call, get: &GetItem) -> Option<Reply> {
        let table = self.catalog.known(&get.table_name)?;
        let reading = self.reading(call, get, View::of(get.projecting())?, table).ok()?;
        let entry = self.lookup(&reading.table, &reading.located)?;
        self.hit(&reading, &entry)
    }

    /// Answers a `GetItem` that may be answered from the cache.
    pub(crate) async fn get_item(self: &Arc<Self>, call: &Call, get: &GetItem) -> Result<Reply, Failure> {
        // Before anything else: what passes by for want of a schema may be asked more strongly than it came.
        let Some(view) = View::of(get.projecting()) else {
            return self.pass(call, None, Bypass::NotUnderstood).await;
        };
        let patience = call.deadline.min(self.clock.now() + LEARNING_PATIENCE);
        let Some(table) = self.catalog.learn(&get.table_name, patience).await else {
            return self.pass_settled(call, Bypass::SchemaUnknown).await;
        };
        let reading = match self.reading(call, get, view, Arc::clone(&table)) {
            Ok(reading) => reading,
            Err(why) => return self.pass(call, Some(&table), why).await,
        };
        if let Some(entry) = self.lookup(&reading.table, &reading.located) {
            return self.hit_or_pass(&reading, &entry).await;
        }
        self.fetch(reading).await
    }

    fn reading<'a>(
        &self,
        call: &'a Call,
        get: &'a GetItem,
        view: View,
        table: Arc<Table>,
    ) -> Result<Reading<'a>, Bypass> {
        if table.rule.mode == Mode::Off {
            return Err(Bypass::TableCacheOff);
        }
        let located =
            table.locate_key(&get.key, &self.stamps, self.rules).map_err(|_| Bypass::NotUnderstood)?;
        Ok(Reading { call, get, table, located, view })
    }

    fn hit(&self, reading: &Reading<'_>, entry: &Entry) -> Option<Reply> {
        let consumed = Consumed::none(reading.get.return_consumed_capacity);
        let document = compose_item(entry, &reading.view, &reading.get.table_name, consumed)?;
        let ttl = entry.ttl(self.clock.now());
        let outcome = match entry.is_absent() {
            true => Outcome::NegativeHit { ttl },
            false => Outcome::Hit { ttl },
        };
        reading.table.metrics.count(outcome);
        Some(Reply::document(document, outcome))
    }

    async fn hit_or_pass(&self, reading: &Reading<'_>, entry: &Entry) -> Result<Reply, Failure> {
        match self.hit(reading, entry) {
            Some(reply) => Ok(reply),
            None => self.pass_settled(reading.call, Bypass::NotUnderstood).await,
        }
    }

    /// The entry of a key, if it still counts: it is fresh, and no write has moved its slots.
    pub(crate) fn lookup(&self, table: &Table, located: &Located) -> Option<Arc<Entry>> {
        let entry = self.items.get(&located.cache_key)?;
        let counts =
            entry.is_fresh(self.clock.now()) && entry.stamp == self.stamps.current(located.slot, table.slot);
        counts.then_some(entry)
    }

    /// Asks the origin, together with whoever else misses the same item.
    async fn fetch(self: &Arc<Self>, reading: Reading<'_>) -> Result<Reply, Failure> {
        let Reading { call, get, table, located, view } = &reading;
        let hold = |rule| self.rules.hold(rule);
        let joining = match (hold(Rule::FlightsJoinUnderTheirWord), hold(Rule::DoubtfulFlightsClose)) {
            (true, true) => Joining::IfAsGood,
            (true, false) => Joining::UnderTheSameWord,
            (false, _) => Joining::Always,
        };
        let look = || match self.lookup(table, located) {
            Some(entry) => Ok(entry),
            None => Err(self.stamps.sight(located.slot, table.slot)),
        };
        let (boarded, sight) = match self.flights.board(&located.cache_key, joining, look) {
            Ok(entry) => return self.hit_or_pass(&reading, &entry).await,
            Err(boarded) => boarded,
        };
        let (follower, is_first) = match boarded {
            Boarded::First(ticket, follower) => {
                self.take_off(ticket, call, get, view, (table, located), sight);
                (follower, true)
            }
            Boarded::Joined(follower) => (follower, false),
        };
        self.metrics.flights.set(self.flights.count() as i64);
        match self.arrival(follower, call).await? {
            Arrival::Failed(failure) => {
                table.metrics.count(Outcome::MissNotStored);
                Err(failure)
            }
            Arrival::Item { entry, is_stored, reply } if is_first => {
                let outcome = if is_stored { Outcome::Miss } else { Outcome::MissNotStored };
                self.first(&reading, &entry, reply, outcome).await
            }
            Arrival::Item { entry, .. } => self.shared(&reading, Some(&entry), Outcome::Collapsed).await,
            // An error of the origin's is shared with the followers of this flight, and never stored.
            Arrival::Other(reply) if (is_first && view.is_whole()) || reply.success().is_none() => {
                let outcome = if is_first { Outcome::MissNotStored } else { Outcome::Collapsed };
                table.metrics.count(outcome);
                Ok(reply.with(outcome))
            }
            Arrival::Other(_) => self.shared(&reading, None, Outcome::MissNotStored).await,
        }
    }

    async fn arrival(&self, follower: Follower<Arrival>, call: &Call) -> Result<Arrival, Failure> {
        let arrival = self.clock.timeout_at(call.deadline, follower.arrival()).await;
        arrival
            .ok_or_else(Failure::deadline)?
            .ok_or_else(|| Failure::new(FailureKind::Internal, "a flight ended without an arrival"))
    }

    /// The reader whose miss began the flight gets the origin's own answer, if that is what it asked for.
    async fn first(
        &self,
        reading: &Reading<'_>,
        entry: &Entry,
        reply: Reply,
        outcome: Outcome,
    ) -> Result<Reply, Failure> {
        if reading.view.is_whole() {
            reading.table.metrics.count(outcome);
            return Ok(reply.with(outcome));
        }
        let got = GotItem::read(reply.body());
        let consumed = match got.and_then(|got| got.consumed_capacity) {
            Some(consumed) => Consumed::Origin(consumed),
            None => Consumed::Unsaid,
        };
        match compose_item(entry, &reading.view, &reading.get.table_name, consumed) {
            Some(document) => {
                reading.table.metrics.count(outcome);
                Ok(Reply::document(document, outcome))
            }
            None => self.pass_settled(reading.call, Bypass::NotUnderstood).await,
        }
    }

    /// A reader who shares what another's read brought consumed nothing; what cannot be shared is asked for
    /// again.
    async fn shared(
        &self,
        reading: &Reading<'_>,
        entry: Option<&Entry>,
        outcome: Outcome,
    ) -> Result<Reply, Failure> {
        let consumed = Consumed::none(reading.get.return_consumed_capacity);
        let compose = |entry| compose_item(entry, &reading.view, &reading.get.table_name, consumed);
        match entry.and_then(compose) {
            Some(document) => {
                reading.table.metrics.count(outcome);
                Ok(Reply::document(document, outcome))
            }
            None => self.pass_settled(reading.call, Bypass::NotUnderstood).await,
        }
    }

    /// Sends a flight on its way, in a task of its own: its first reader may leave.
    fn take_off(
        self: &Arc<Self>,
        mut ticket: Ticket<Arrival>,
        call: &Call,
        get: &GetItem,
        view: &View,
        (table, located): (&Arc<Table>, &Located),
        sight: Sight,
    ) {
        let strength = Strength::needed(&sight);
        let call = match view.is_whole() && strength == Strength::Eventual {
            true => call.clone(),
            false => call.with_body(fill_body(get, strength)),
        };
        let core = Arc::clone(self);
        let table = Arc::clone(table);
        let (cache_key, slot) = (located.cache_key.clone(), located.slot);
        self.drain.spawn(async move {
            core.flights.depart(&mut ticket).await;
            let call = call.until(core.clock.now() + core.fill_timeout);
            let asked = Asked { strength, at: core.clock.now() };
            let answer = core.clock.timeout_at(call.deadline, core.origin.call(call.clone())).await;
            let arrival = match answer.unwrap_or_else(|| Err(Failure::deadline())) {
                Err(failure) => Arrival::Failed(failure),
                Ok(reply) => {
                    core.catalog.observe(call.target(), table.bare_name(), &reply);
                    let got = reply.success().and_then(|body| GotItem::read(body));
                    match got
                        .map(|got| core.land(&table, &Located { cache_key, slot }, got.item, sight, asked))
                    {
                        Some((entry, is_stored)) => Arrival::Item { entry, is_stored, reply },
                        None => Arrival::Other(reply),
                    }
                }
            };
            core.flights.arrive(ticket, arrival);
            core.metrics.flights.set(core.flights.count() as i64);
        });
    }

    /// Passes a strong read by, and takes its answer as news.
    pub(crate) async fn strong_item(&self, call: &Call, get: &GetItem) -> Result<Reply, Failure> {
        let table = self.catalog.learn_soon(&get.table_name).filter(|table| table.rule.mode == Mode::On);
        let view = View::of(get.projecting());
        let reading =
            table.clone().zip(view).and_then(|(table, view)| self.reading(call, get, view, table).ok());
        let Some(reading) = reading else {
            let reply = self.pass(call, table.as_deref(), Bypass::StrongRead).await?;
            self.contradict_unread(&get.table_name, std::slice::from_ref(&get.key));
            return Ok(reply);
        };
        let sight = self.stamps.sight(reading.located.slot, reading.table.slot);
        let asked = Asked { strength: Strength::Strong, at: self.clock.now() };
        let reply = self.pass(call, Some(&reading.table), Bypass::StrongRead).await?;
        if let Some(got) = reply.success().and_then(|body| GotItem::read(body))
            && self.rules.hold(Rule::StrongAnswersRefresh)
        {
            match &reading.view {
                View::Whole => {
                    self.refresh(&reading.table, &reading.located, got.item, sight, asked);
                }
                // It shows a part only, so it cannot replace the entry; but it may show that the entry is
                // old.
                View::Projected(_) => {
                    let entry = self.lookup(&reading.table, &reading.located);
                    if entry.is_some_and(|entry| !reading.view.agrees(&entry, got.item)) {
                        self.contradict(&reading.located);
                    }
                }
            }
        }
        Ok(reply)
    }
}

/// The request of a fill: the whole item, whatever part of it the reader wants.
fn fill_body(get: &GetItem, strength: Strength) -> Bytes {
    let mut body = json!({ "TableName": get.table_name, "Key": get.key });
    if strength == Strength::Strong {
        body["ConsistentRead"] = json!(true);
    }
    if let Some(detail) = get.return_consumed_capacity {
        body["ReturnConsumedCapacity"] = json!(detail.as_str());
    }
    Bytes::from(body.to_string())
}
