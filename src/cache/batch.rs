//! `BatchGetItem` through the cache: only the keys that miss go up.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use backend::{Answer, Bypass, Call, Document, Failure, FailureKind, OfTable, Outcome, Reply};
use bytes::Bytes;
use futures_util::future::try_join;
use model::{
    Item, TableRef,
    call::{BatchGetItem, KeysAndAttributes, Request, ReturnConsumedCapacity},
    limits,
};
use serde_json::{Map, json, value::RawValue};

use crate::{
    Core,
    answer::{BatchComposer, Consumed, GotBatch, View},
    check::says_the_same,
    coherence::{Rule, Sight},
    entry::{Asked, Entry, Strength, item_json},
    fetch::{Arrival, Landing, answered_in_trouble, failed_in_trouble, kept_item},
    flight::{Boarded, Follower, Ticket},
    metrics::Counted,
    read::LEARNING_PATIENCE,
    schema::{Located, Table},
};

/// What a batch wants of one table.
pub(crate) struct Wanted<'a> {
    name: &'a str,
    request: &'a KeysAndAttributes,
    pub(crate) table: Arc<Table>,
    view: View,
    pub(crate) keys: Vec<WantedKey<'a>>,
}

pub(crate) struct WantedKey<'a> {
    pub(crate) key: &'a Item,
    pub(crate) located: Located,
    state: State,
}

enum State {
    /// In the cache.
    Held(Arc<Entry>),
    /// To be asked for, for all who come aboard the flight meanwhile, if there is one.
    Missing { sight: Sight, strength: Strength, ticket: Option<Ticket<Arrival>> },
    /// Being asked for by somebody else.
    Boarded(Follower<Arrival>),
    /// Answered by the origin.
    Answered(Arc<Entry>),
    /// The origin did not get to it.
    Unprocessed,
}

/// Why a batch is not answered here.
pub(crate) enum Unservable {
    /// It is not understood, so it is forwarded as it came.
    AsItCame,
    /// It is understood, so that clients may rely on what it shows.
    Here(Bypass),
}

/// Whether readers of the keys of a batch come aboard flights.
#[derive(Clone, Copy)]
pub(crate) enum Boarding {
    Nobody,
    Everybody,
}

/// What the origin answered of one table, by the cache keys of its items.
struct Found<'a> {
    items: HashMap<Vec<u8>, &'a RawValue>,
    unprocessed: HashSet<Vec<u8>>,
}

/// What came of asking for what is missing.
enum Fetched {
    /// The origin's answer to the batch as it came.
    AsItCame(Reply),
    /// All there is to say besides the items.
    Parts(BatchComposer),
    /// An error of the origin's.
    Refused(Reply),
    NotUnderstood,
}

/// The keys of one call to the origin: those that must be read equally strongly.
struct Asking {
    strength: Strength,
    reply: Reply,
    asked: Asked,
}

impl Core {
    /// Answers a `BatchGetItem` of which some keys at least may be answered from the cache.
    pub(crate) async fn batch_get_item(
        self: &Arc<Self>,
        call: &Call,
        batch: &BatchGetItem,
    ) -> Result<Reply, Failure> {
        // Before anything else: what passes by for want of a schema may be asked more strongly than it came.
        let Some(views) = views(batch) else {
            return self.pass(call, None, Bypass::NotUnderstood).await;
        };
        let patience = call.deadline.min(self.clock.now() + LEARNING_PATIENCE);
        for (name, _) in &batch.request_items {
            if self.learn(name, patience).await.is_none() {
                return self.pass_settled(call, Bypass::SchemaUnknown).await;
            }
        }
        let wanted = match self.wanted(batch, views, Boarding::Nobody) {
            // DynamoDB: whether an answer names a table by the ARN that it was asked for by is not
            // documented.
            Ok(wanted) if wanted.iter().any(Wanted::is_named_by_arn) => {
                return self.pass_settled(call, Bypass::NotUnderstood).await;
            }
            Ok(wanted) => wanted,
            Err(why) => return self.pass_unservable(call, why).await,
        };
        if wanted.iter().all(Wanted::is_held) {
            let reply = compose(BatchComposer::default(), &wanted, batch.return_consumed_capacity);
            return match reply {
                Some(reply) => {
                    let ttl = self.shortest_ttl(&wanted);
                    Ok(self.counted(&wanted, reply, Outcome::Hit { ttl }))
                }
                None => self.pass_settled(call, Bypass::NotUnderstood).await,
            };
        }
        drop(wanted);
        // In a task of its own: others may be aboard when its reader leaves.
        let core = Arc::clone(self);
        let owned = call.clone();
        let task = self.drain.spawn(async move {
            match owned.request() {
                Ok(Request::BatchGetItem(batch)) => core.fetch_batch(&owned, batch).await,
                _ => core.pass(&owned, None, Bypass::NotUnderstood).await,
            }
        });
        match self.clock.timeout_at(call.deadline, task).await {
            None => Err(Failure::deadline()),
            Some(Ok(result)) => result,
            Some(Err(died)) => Err(Failure::new(FailureKind::Internal, died.to_string())),
        }
    }

    async fn pass_unservable(&self, call: &Call, why: Unservable) -> Result<Reply, Failure> {
        match why {
            Unservable::AsItCame => self.pass(call, None, Bypass::NotUnderstood).await,
            Unservable::Here(why) => self.pass_settled(call, why).await,
        }
    }

    /// Asks the origin for what is missing of a batch, and waits for what others are asking for.
    async fn fetch_batch(self: &Arc<Self>, call: &Call, batch: &BatchGetItem) -> Result<Reply, Failure> {
        let wanted = views(batch).ok_or(Unservable::AsItCame);
        let mut wanted = match wanted.and_then(|views| self.wanted(batch, views, Boarding::Everybody)) {
            Ok(wanted) => wanted,
            Err(why) => return self.pass_unservable(call, why).await,
        };
        let held = wanted.iter().flat_map(|wanted| &wanted.keys).filter(|key| key.is_held()).count();
        let fetched = self.fetch_missing(call, batch, &mut wanted).await;
        // Whoever is aboard a flight that brought nothing asks by themselves.
        for ticket in wanted.iter_mut().flat_map(|wanted| &mut wanted.keys).filter_map(WantedKey::take_ticket)
        {
            self.flights.give_up(&ticket);
        }
        match fetched {
            Ok(Fetched::AsItCame(reply)) => Ok(self.counted(&wanted, reply, Outcome::Miss)),
            Ok(Fetched::Parts(composer)) => {
                let is_asked = |key: &WantedKey<'_>| !key.is_held();
                let outcome = match (held, wanted.iter().flat_map(|wanted| &wanted.keys).any(is_asked)) {
                    (_, false) => Outcome::Hit { ttl: self.shortest_ttl(&wanted) },
                    (0, true) => Outcome::Miss,
                    (_, true) => Outcome::PartialHit,
                };
                match compose(composer, &wanted, batch.return_consumed_capacity) {
                    Some(reply) => Ok(self.counted(&wanted, reply, outcome)),
                    None => self.pass_settled(call, Bypass::NotUnderstood).await,
                }
            }
            Ok(Fetched::NotUnderstood) => self.pass_settled(call, Bypass::NotUnderstood).await,
            Ok(Fetched::Refused(reply)) if answered_in_trouble(&reply) => {
                let stale = self.stale_batch(&mut wanted, batch);
                Ok(stale.unwrap_or_else(|| self.counted(&wanted, reply, Outcome::MissNotStored)))
            }
            Ok(Fetched::Refused(reply)) => Ok(self.counted(&wanted, reply, Outcome::MissNotStored)),
            Err(failure) if failed_in_trouble(&failure) => {
                self.stale_batch(&mut wanted, batch).ok_or(failure)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn fetch_missing(
        &self,
        call: &Call,
        batch: &BatchGetItem,
        wanted: &mut [Wanted<'_>],
    ) -> Result<Fetched, Failure> {
        let asks_as_it_came = wanted.iter().all(|wanted| {
            wanted.view.is_whole()
                && wanted.asks_as_it_came()
                && wanted.keys.iter().all(WantedKey::is_missing)
        });
        if asks_as_it_came {
            self.depart(wanted);
            let asked = self.asked(Strength::Eventual);
            let reply = self.origin.call(call.clone()).await?;
            if reply.success().is_none() {
                return Ok(Fetched::Refused(reply));
            }
            if let Some(got) = GotBatch::read(reply.body()) {
                self.absorb(wanted, (&reply, &got), None, asked);
            }
            return Ok(Fetched::AsItCame(reply));
        }
        let mut composer = BatchComposer::default();
        // A second time for what others asked for in vain.
        for _ in 0..2 {
            self.depart(wanted);
            let (eventual, strong) = try_join(
                self.ask(call, batch, wanted, Strength::Eventual),
                self.ask(call, batch, wanted, Strength::Strong),
            )
            .await?;
            for Asking { strength, reply, asked } in eventual.into_iter().chain(strong) {
                if reply.success().is_none() {
                    return Ok(Fetched::Refused(reply));
                }
                let Some(got) = GotBatch::read(reply.body()) else { return Ok(Fetched::NotUnderstood) };
                if !self.absorb(wanted, (&reply, &got), Some(strength), asked) {
                    return Ok(Fetched::NotUnderstood);
                }
                for consumed in &got.consumed_capacity {
                    composer.consumed("", Consumed::Origin(consumed));
                }
            }
            self.await_others(call, wanted).await?;
        }
        Ok(Fetched::Parts(composer))
    }

    fn depart(&self, wanted: &mut [Wanted<'_>]) {
        for key in wanted.iter_mut().flat_map(|wanted| &mut wanted.keys) {
            if let State::Missing { ticket: Some(ticket), .. } = &mut key.state {
                self.flights.depart_at_once(ticket);
            }
        }
    }

    /// Waits for what others are asking for.
    async fn await_others(&self, call: &Call, wanted: &mut [Wanted<'_>]) -> Result<(), Failure> {
        for key in wanted.iter_mut().flat_map(|wanted| &mut wanted.keys) {
            let State::Boarded(follower) = &key.state else { continue };
            key.state = match self.arrival(follower.clone(), call).await? {
                Arrival::Entry { entry, .. } => State::Answered(entry),
                Arrival::Other(_) | Arrival::Failed(_) | Arrival::Nothing => {
                    let sight = self.stamps.sight(&key.located.place);
                    State::Missing { sight, strength: Strength::needed(&sight), ticket: None }
                }
            };
        }
        Ok(())
    }

    /// A batch out of entries that expired within their grace, if that is so of all that is missing.
    fn stale_batch(&self, wanted: &mut [Wanted<'_>], batch: &BatchGetItem) -> Option<Reply> {
        let now = self.clock.now();
        let mut age = None;
        for wanted in wanted.iter_mut() {
            for key in wanted.keys.iter_mut().filter(|key| !key.is_held()) {
                let may_be_stale = !wanted.request.is_strong();
                let entry = self.stale_entry(&wanted.table, &key.located).filter(|_| may_be_stale)?;
                // What came meanwhile is fresh.
                age = age.max(now.checked_duration_since(entry.life.expires_at));
                key.state = State::Held(entry);
            }
        }
        let reply = compose(BatchComposer::default(), wanted, batch.return_consumed_capacity)?;
        let outcome = match age {
            Some(age) => Outcome::StaleHit { age },
            None => Outcome::Hit { ttl: self.shortest_ttl(wanted) },
        };
        Some(self.counted(wanted, reply, outcome))
    }

    /// What a batch wants, and what of it is in the cache; `None` if it is not understood.
    pub(crate) fn unboarded<'a>(&self, batch: &'a BatchGetItem) -> Option<Vec<Wanted<'a>>> {
        self.wanted(batch, views(batch)?, Boarding::Nobody).ok()
    }

    /// Takes the origin's answer for all that is missing, if whole items were asked for.
    pub(crate) fn absorb_whole(
        &self,
        wanted: &mut Wanted<'_>,
        answer: (&Reply, &GotBatch<'_>),
        asked: Asked,
    ) -> Option<()> {
        if !wanted.view.is_whole() {
            return None;
        }
        self.absorb_table(wanted, answer, None, asked)
    }

    /// Finds every key of the batch, in the cache or not.
    pub(crate) fn wanted<'a>(
        &self,
        batch: &'a BatchGetItem,
        views: Vec<View>,
        boarding: Boarding,
    ) -> Result<Vec<Wanted<'a>>, Unservable> {
        let mut wanted = Vec::with_capacity(batch.request_items.len());
        let mut held_bytes = 0;
        for ((name, request), view) in batch.request_items.iter().zip(views) {
            let table = self.catalog.known(name).ok_or(Unservable::Here(Bypass::SchemaUnknown))?;
            if !(table.rule.batch_get_item.is_on() && table.rule.get_item.is_on()) {
                return Err(Unservable::Here(Bypass::TableCacheOff));
            }
            let mut seen = HashSet::new();
            let mut keys = Vec::with_capacity(request.keys.len());
            for key in &request.keys {
                let located =
                    table.locate_key(key, &self.stamps, self.rules).map_err(|_| Unservable::AsItCame)?;
                // DynamoDB: a key given twice is refused, as is an empty list.
                if !seen.insert(located.cache_key.clone()) {
                    return Err(Unservable::AsItCame);
                }
                let state = match boarding {
                    Boarding::Everybody if !request.is_strong() => self.board(&table, &located),
                    _ => self.state(&table, &located, request.is_strong()),
                };
                if let State::Held(entry) = &state {
                    held_bytes += entry.document.body.len();
                }
                keys.push(WantedKey { key, located, state });
            }
            wanted.push(Wanted { name, request, table, view, keys });
        }
        // DynamoDB: past 16 MB the rest of the keys come back unprocessed. Which ones is the origin's choice.
        match (wanted.is_empty(), held_bytes > limits::RESPONSE_BYTES_MAX) {
            (true, _) => Err(Unservable::AsItCame),
            (false, true) => Err(Unservable::Here(Bypass::NotUnderstood)),
            (false, false) => Ok(wanted),
        }
    }

    fn state(&self, table: &Table, located: &Located, is_strong: bool) -> State {
        if !is_strong && let Some(entry) = self.lookup(table, located) {
            return State::Held(entry);
        }
        let sight = self.stamps.sight(&located.place);
        let strength = if is_strong { Strength::Strong } else { Strength::needed(&sight) };
        State::Missing { sight, strength, ticket: None }
    }

    /// The same, together with whoever else misses the key.
    fn board(&self, table: &Table, located: &Located) -> State {
        let look = || match self.lookup(table, located) {
            Some(entry) => Ok(entry),
            None => Err(self.stamps.sight(&located.place)),
        };
        match self.flights.board(&located.cache_key, self.joining(), self.clock.now(), look) {
            Boarded::Landed(entry) => State::Held(entry),
            Boarded::Joined(follower) => State::Boarded(follower),
            Boarded::First(ticket, _, sight) => {
                State::Missing { sight, strength: Strength::needed(&sight), ticket: Some(ticket) }
            }
        }
    }

    /// Asks the origin for the missing keys of one strength, if there are any.
    async fn ask(
        &self,
        call: &Call,
        batch: &BatchGetItem,
        wanted: &[Wanted<'_>],
        strength: Strength,
    ) -> Result<Option<Asking>, Failure> {
        let mut tables = Map::new();
        for wanted in wanted {
            let keys: Vec<&Item> = wanted.missing(strength).map(|key| key.key).collect();
            if !keys.is_empty() {
                let is_strong = strength == Strength::Strong;
                tables.insert(wanted.name.to_owned(), json!({ "Keys": keys, "ConsistentRead": is_strong }));
            }
        }
        if tables.is_empty() {
            return Ok(None);
        }
        let mut body = json!({ "RequestItems": tables });
        if let Some(detail) = batch.return_consumed_capacity {
            body["ReturnConsumedCapacity"] = json!(detail.as_str());
        }
        let asked = self.asked(strength);
        let reply = self.origin.call(call.with_body(Bytes::from(body.to_string()))).await?;
        Ok(Some(Asking { strength, reply, asked }))
    }

    fn asked(&self, strength: Strength) -> Asked {
        Asked { strength, at: self.clock.now() }
    }

    /// Takes the origin's answer for the missing keys of one strength, or of all; false if it does not fit.
    fn absorb(
        &self,
        wanted: &mut [Wanted<'_>],
        answer: (&Reply, &GotBatch<'_>),
        asked_for: Option<Strength>,
        asked: Asked,
    ) -> bool {
        wanted.iter_mut().all(|wanted| self.absorb_table(wanted, answer, asked_for, asked).is_some())
    }

    fn absorb_table(
        &self,
        wanted: &mut Wanted<'_>,
        (reply, got): (&Reply, &GotBatch<'_>),
        asked_for: Option<Strength>,
        asked: Asked,
    ) -> Option<()> {
        let rules = &self.rules;
        let Found { items, unprocessed } = self.found(wanted, got)?;
        for key in &mut wanted.keys {
            let State::Missing { sight, strength, .. } = key.state else { continue };
            if asked_for.is_some_and(|asked_for| asked_for != strength) {
                continue;
            }
            let ticket = key.take_ticket();
            if unprocessed.contains(&key.located.cache_key) {
                ticket.iter().for_each(|ticket| self.flights.give_up(ticket));
                key.state = State::Unprocessed;
                if rules.hold(Rule::UnprocessedIsNotAbsent) {
                    continue;
                }
            }
            let item = items.get(&key.located.cache_key).copied();
            let asked = Asked { strength, ..asked };
            let (entry, is_stored) = match wanted.request.is_strong() {
                true => self.refresh(&wanted.table, &key.located, item, sight, asked),
                false => {
                    let (table, located) = (&*wanted.table, &key.located);
                    let landing = Landing::of_read(table, located, &table.rule.batch_get_item);
                    self.land(landing, kept_item(item.map(RawValue::get)), sight, asked)
                }
            };
            if !matches!(key.state, State::Unprocessed) {
                key.state = State::Answered(Arc::clone(&entry));
            }
            if let Some(ticket) = ticket {
                self.flights.arrive(ticket, Arrival::Entry { entry, is_stored, reply: reply.clone() });
            }
        }
        Some(())
    }

    /// Each key of a batch that the cache holds, with what it holds, and whether the origin's answer says the same;
    /// none of those that the origin left unprocessed, or of which only a part was asked for.
    pub(crate) fn compared<'w>(
        &self,
        wanted: &'w Wanted<'_>,
        got: &GotBatch<'_>,
    ) -> Vec<(&'w Located, &'w Arc<Entry>, bool)> {
        let Some(Found { items, unprocessed }) = self.found(wanted, got).filter(|_| wanted.view.is_whole())
        else {
            return vec![];
        };
        let held = wanted.keys.iter().filter_map(|key| match &key.state {
            State::Held(entry) if !unprocessed.contains(&key.located.cache_key) => {
                Some((&key.located, entry))
            }
            _ => None,
        });
        let compared = held.map(|(located, entry)| {
            let (shown, _) = kept_item(items.get(&located.cache_key).map(|raw| raw.get()));
            (located, entry, says_the_same(&entry.document.body, &shown.body))
        });
        compared.collect()
    }

    /// What the origin's answer says of a table, by the cache keys of items; `None` if it does not fit.
    fn found<'a>(&self, wanted: &Wanted<'_>, got: &GotBatch<'a>) -> Option<Found<'a>> {
        let Core { stamps, rules, .. } = self;
        let mut items = HashMap::new();
        let listed = got.responses.get(wanted.name);
        if listed.is_none() && wanted.is_named_by_arn() {
            return None;
        }
        for raw in listed.into_iter().flatten() {
            let item = model::json::item_from_slice(raw.get().as_bytes()).ok()?;
            let located = wanted.table.locate_item(&item, stamps, *rules).ok()?;
            items.insert(located.cache_key, *raw);
        }
        let mut unprocessed = HashSet::new();
        for key in got.unprocessed_keys.get(wanted.name).into_iter().flat_map(|left| &left.keys) {
            unprocessed.insert(wanted.table.locate_key(key, stamps, *rules).ok()?.cache_key);
        }
        Some(Found { items, unprocessed })
    }

    /// Passes a batch of strong reads by, and takes the answer as news.
    pub(crate) async fn strong_batch(
        self: &Arc<Self>,
        call: &Call,
        batch: &BatchGetItem,
    ) -> Result<Reply, Failure> {
        batch.request_items.iter().for_each(|(name, _)| drop(self.catalog.learn_soon(name)));
        let wanted = self.unboarded(batch);
        let asked = self.asked(Strength::Strong);
        let reply = self.pass(call, None, Bypass::StrongRead).await?;
        match (wanted, reply.success().and_then(|body| GotBatch::read(body))) {
            (Some(mut wanted), Some(got)) if self.rules.hold(Rule::StrongAnswersRefresh) => {
                for wanted in &mut wanted {
                    match wanted.view.is_whole() {
                        true if self.absorb_table(wanted, (&reply, &got), None, asked).is_some() => {}
                        true => self.contradict_unread(wanted.name, &wanted.request.keys),
                        // Parts of items cannot be told to belong to this key or that, so they may contradict
                        // any.
                        false => {
                            let keys = wanted.keys.iter().map(|key| &key.located);
                            let held = keys.filter(|located| self.lookup(&wanted.table, located).is_some());
                            self.stamps.touch(held.map(|located| located.place.own));
                        }
                    }
                }
            }
            _ if reply.success().is_some() => self.contradict_strong(batch),
            _ => {}
        }
        Ok(reply)
    }

    /// Drops whatever the strong part of a batch may have contradicted.
    pub(crate) fn contradict_strong(&self, batch: &BatchGetItem) {
        for (name, wanted) in batch.request_items.iter().filter(|(_, wanted)| wanted.is_strong()) {
            self.contradict_unread(name, &wanted.keys);
        }
    }

    fn shortest_ttl(&self, wanted: &[Wanted<'_>]) -> Duration {
        let now = self.clock.now();
        let keys = wanted.iter().flat_map(|wanted| &wanted.keys);
        let ttls = keys.filter_map(|key| match &key.state {
            State::Held(entry) => Some(entry.life.ttl(now)),
            _ => None,
        });
        ttls.min().unwrap_or_default()
    }

    fn counted(&self, wanted: &[Wanted<'_>], reply: Reply, outcome: Outcome) -> Reply {
        for wanted in wanted {
            let held = wanted.keys.iter().filter(|key| matches!(key.state, State::Held(_))).count();
            wanted.table.metrics.count(Counted::Items, outcome);
            wanted.table.metrics.key_hits.inc_by(held as u64);
            wanted.table.metrics.key_misses.inc_by((wanted.keys.len() - held) as u64);
        }
        reply.with(outcome)
    }
}

impl WantedKey<'_> {
    fn is_held(&self) -> bool {
        matches!(self.state, State::Held(_))
    }

    fn is_missing(&self) -> bool {
        matches!(self.state, State::Missing { .. })
    }

    fn take_ticket(&mut self) -> Option<Ticket<Arrival>> {
        match &mut self.state {
            State::Missing { ticket, .. } => ticket.take(),
            State::Held(_) | State::Boarded(_) | State::Answered(_) | State::Unprocessed => None,
        }
    }
}

impl<'a> Wanted<'a> {
    fn is_held(&self) -> bool {
        self.keys.iter().all(WantedKey::is_held)
    }

    /// Whether nothing that is missing has to be asked for strongly.
    pub(crate) fn is_settled(&self) -> bool {
        self.missing(Strength::Strong).next().is_none()
    }

    /// How many keys are in the cache, and how many are not.
    pub(crate) fn counts(&self) -> (u64, u64) {
        let held = self.keys.iter().filter(|key| key.is_held()).count();
        (held as u64, (self.keys.len() - held) as u64)
    }

    fn missing(&self, wanted: Strength) -> impl Iterator<Item = &WantedKey<'a>> {
        self.keys.iter().filter(move |key| match key.state {
            State::Missing { strength, .. } => strength == wanted,
            _ => false,
        })
    }

    fn is_named_by_arn(&self) -> bool {
        matches!(TableRef::parse(self.name), Some(TableRef::Arn { .. }))
    }

    /// Whether the client's own request asks for every key as strongly as it has to be.
    fn asks_as_it_came(&self) -> bool {
        let needless = if self.request.is_strong() { Strength::Eventual } else { Strength::Strong };
        self.missing(needless).next().is_none()
    }

    /// What the client has to ask for again, as it asked for it.
    fn left_over(&self) -> Option<String> {
        let is_left = |key: &&WantedKey<'_>| matches!(key.state, State::Unprocessed);
        let keys: Vec<Item> = self.keys.iter().filter(is_left).map(|key| key.key.clone()).collect();
        if keys.is_empty() {
            return None;
        }
        let left = self.request.of(keys);
        Some(serde_json::to_string(&left).expect("memory takes every write, and the names are strings"))
    }
}

/// What is wanted of the items of each table, if all of it is understood.
pub(crate) fn views(batch: &BatchGetItem) -> Option<Vec<View>> {
    batch.request_items.iter().map(|(_, wanted)| View::of(wanted.projecting())).collect()
}

fn compose(
    mut composer: BatchComposer,
    wanted: &[Wanted<'_>],
    capacity: Option<ReturnConsumedCapacity>,
) -> Option<Reply> {
    if matches!(capacity, None | Some(ReturnConsumedCapacity::None))
        && let Some(tables) = kept_whole(wanted)
    {
        let answer = Answer::Batch(backend::Batch::new(tables, compose_whole));
        return Some(Reply { answer, outcome: Outcome::PartialHit });
    }
    for wanted in wanted {
        let items = wanted.keys.iter().filter_map(|key| match &key.state {
            State::Held(entry) | State::Answered(entry) => entry.item_json(),
            State::Missing { .. } | State::Boarded(_) | State::Unprocessed => None,
        });
        composer.table(wanted.name, &wanted.view, items)?;
        if let Some(left) = wanted.left_over() {
            composer.unprocessed(wanted.name, &left);
        }
        if wanted.keys.iter().all(|key| matches!(key.state, State::Held(_))) {
            composer.consumed(wanted.name, Consumed::none(capacity));
        }
    }
    Some(Reply::document(composer.finish(), Outcome::PartialHit))
}

/// The documents of all keys, if all of them are kept and wanted whole, for a door that keeps forms of them.
fn kept_whole(wanted: &[Wanted<'_>]) -> Option<Vec<OfTable>> {
    let kept = |key: &WantedKey<'_>| match &key.state {
        State::Held(entry) | State::Answered(entry) if entry.document.has_form() => {
            Some(entry.document.clone())
        }
        _ => None,
    };
    let of_table = |wanted: &Wanted<'_>| {
        let documents: Option<Vec<_>> = wanted.keys.iter().map(kept).collect();
        Some((wanted.name.to_owned(), documents.filter(|_| wanted.view.is_whole())?))
    };
    wanted.iter().map(of_table).collect()
}

/// The answer out of such documents.
fn compose_whole(tables: &[OfTable]) -> Document {
    let mut composer = BatchComposer::default();
    for (name, documents) in tables {
        let items = documents.iter().filter_map(item_json);
        composer.table(name, &View::Whole, items).expect("a whole item need not be read");
    }
    composer.finish()
}
