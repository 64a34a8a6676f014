//! `BatchGetItem` through the cache: only the keys that miss go up.

use std::{collections::HashSet, sync::Arc};

use backend::{Bypass, Call, Failure, Outcome, Reply};
use bytes::Bytes;
use futures_util::future::try_join;
use model::{
    Item, TableRef,
    call::{BatchGetItem, KeysAndAttributes, ReturnConsumedCapacity},
    limits,
};
use serde_json::{Map, json, value::RawValue};

use crate::{
    Core,
    answer::{BatchComposer, Consumed, GotBatch, View},
    coherence::{Rule, Sight},
    entry::{Asked, Entry, Strength},
    fetch::{Landing, kept_item},
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
    /// To be asked for.
    Missing { sight: Sight, strength: Strength },
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
            if self.catalog.learn(name, patience).await.is_none() {
                return self.pass_settled(call, Bypass::SchemaUnknown).await;
            }
        }
        let mut wanted = match self.wanted(batch, views) {
            // DynamoDB: whether an answer names a table by the ARN that it was asked for by is not
            // documented.
            Ok(wanted) if wanted.iter().any(Wanted::is_named_by_arn) => {
                return self.pass_settled(call, Bypass::NotUnderstood).await;
            }
            Ok(wanted) => wanted,
            Err(Unservable::AsItCame) => return self.pass(call, None, Bypass::NotUnderstood).await,
            Err(Unservable::Here(why)) => return self.pass_settled(call, why).await,
        };
        let missing = |strength| {
            let keys = wanted.iter().flat_map(|wanted| &wanted.keys);
            keys.filter(|key| matches!(key.state, State::Missing { strength: s, .. } if s == strength))
                .count()
        };
        let (eventual, strong) = (missing(Strength::Eventual), missing(Strength::Strong));
        let held = wanted.iter().map(|wanted| wanted.keys.len()).sum::<usize>() - eventual - strong;

        let asks_as_it_came =
            held == 0 && wanted.iter().all(|wanted| wanted.view.is_whole() && wanted.asks_as_it_came());
        if asks_as_it_came {
            let asked = self.asked(Strength::Eventual);
            let reply = self.origin.call(call.clone()).await?;
            if let Some(got) = reply.success().and_then(|body| GotBatch::read(body)) {
                self.absorb(&mut wanted, &got, None, asked);
            }
            return Ok(self.counted(&wanted, reply, Outcome::Miss));
        }

        let (eventual, strong) = try_join(
            self.ask(call, batch, &wanted, Strength::Eventual, eventual),
            self.ask(call, batch, &wanted, Strength::Strong, strong),
        )
        .await?;
        let mut composer = BatchComposer::default();
        for asking in eventual.iter().chain(&strong) {
            if asking.reply.success().is_none() {
                return Ok(self.counted(&wanted, asking.reply.clone(), Outcome::MissNotStored));
            }
            let Some(got) = GotBatch::read(asking.reply.body()) else {
                return self.pass_settled(call, Bypass::NotUnderstood).await;
            };
            if !self.absorb(&mut wanted, &got, Some(asking.strength), asking.asked) {
                return self.pass_settled(call, Bypass::NotUnderstood).await;
            }
            for consumed in &got.consumed_capacity {
                composer.consumed("", Consumed::Origin(consumed));
            }
        }
        let outcome = match (held, eventual.is_some() || strong.is_some()) {
            (_, false) => Outcome::Hit { ttl: self.shortest_ttl(&wanted) },
            (0, true) => Outcome::Miss,
            (_, true) => Outcome::PartialHit,
        };
        match compose(composer, &wanted, batch.return_consumed_capacity) {
            Some(reply) => Ok(self.counted(&wanted, reply, outcome)),
            None => self.pass_settled(call, Bypass::NotUnderstood).await,
        }
    }

    /// Finds every key of the batch, in the cache or not.
    pub(crate) fn wanted<'a>(
        &self,
        batch: &'a BatchGetItem,
        views: Vec<View>,
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
                let state = self.state(&table, &located, request.is_strong());
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
        State::Missing { sight, strength }
    }

    /// Asks the origin for the missing keys of one strength, if there are any.
    async fn ask(
        &self,
        call: &Call,
        batch: &BatchGetItem,
        wanted: &[Wanted<'_>],
        strength: Strength,
        keys: usize,
    ) -> Result<Option<Asking>, Failure> {
        if keys == 0 {
            return Ok(None);
        }
        let mut tables = Map::new();
        for wanted in wanted {
            let keys: Vec<&Item> = wanted.missing(strength).map(|key| key.key).collect();
            if !keys.is_empty() {
                let is_strong = strength == Strength::Strong;
                tables.insert(wanted.name.to_owned(), json!({ "Keys": keys, "ConsistentRead": is_strong }));
            }
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
        got: &GotBatch<'_>,
        asked_for: Option<Strength>,
        asked: Asked,
    ) -> bool {
        wanted.iter_mut().all(|wanted| self.absorb_table(wanted, got, asked_for, asked).is_some())
    }

    fn absorb_table(
        &self,
        wanted: &mut Wanted<'_>,
        got: &GotBatch<'_>,
        asked_for: Option<Strength>,
        asked: Asked,
    ) -> Option<()> {
        let Core { stamps, rules, .. } = self;
        let mut items: std::collections::HashMap<Vec<u8>, &RawValue> = std::collections::HashMap::new();
        let listed = got.responses.get(wanted.name);
        if listed.is_none() && wanted.is_named_by_arn() {
            return None;
        }
        for raw in listed.into_iter().flatten() {
            let item = model::json::item_from_slice(raw.get().as_bytes()).ok()?;
            let located = wanted.table.locate_item(&item, stamps, *rules).ok()?;
            items.insert(located.cache_key, raw);
        }
        let mut unprocessed = HashSet::new();
        for key in got.unprocessed_keys.get(wanted.name).into_iter().flat_map(|left| &left.keys) {
            unprocessed.insert(wanted.table.locate_key(key, stamps, *rules).ok()?.cache_key);
        }
        for key in &mut wanted.keys {
            let State::Missing { sight, strength } = key.state else { continue };
            if asked_for.is_some_and(|asked_for| asked_for != strength) {
                continue;
            }
            if unprocessed.contains(&key.located.cache_key) {
                key.state = State::Unprocessed;
                if rules.hold(Rule::UnprocessedIsNotAbsent) {
                    continue;
                }
            }
            let item = items.get(&key.located.cache_key).copied();
            let asked = Asked { strength, ..asked };
            let (entry, _) = match wanted.request.is_strong() {
                true => self.refresh(&wanted.table, &key.located, item, sight, asked),
                false => {
                    let (table, located) = (&*wanted.table, &key.located);
                    let landing = Landing { table, located, rule: &table.rule.batch_get_item, until: None };
                    self.land(landing, kept_item(item.map(RawValue::get)), sight, asked)
                }
            };
            if !matches!(key.state, State::Unprocessed) {
                key.state = State::Answered(entry);
            }
        }
        Some(())
    }

    /// Passes a batch of strong reads by, and takes the answer as news.
    pub(crate) async fn strong_batch(
        self: &Arc<Self>,
        call: &Call,
        batch: &BatchGetItem,
    ) -> Result<Reply, Failure> {
        batch.request_items.iter().for_each(|(name, _)| drop(self.catalog.learn_soon(name)));
        let wanted = views(batch).ok_or(Unservable::AsItCame).and_then(|views| self.wanted(batch, views));
        let asked = self.asked(Strength::Strong);
        let reply = self.pass(call, None, Bypass::StrongRead).await?;
        match (wanted, reply.success().and_then(|body| GotBatch::read(body))) {
            (Ok(mut wanted), Some(got)) if self.rules.hold(Rule::StrongAnswersRefresh) => {
                for wanted in &mut wanted {
                    match wanted.view.is_whole() {
                        true if self.absorb_table(wanted, &got, None, asked).is_some() => {}
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

    fn shortest_ttl(&self, wanted: &[Wanted<'_>]) -> std::time::Duration {
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

impl<'a> Wanted<'a> {
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
    for wanted in wanted {
        let entries = wanted.keys.iter().filter_map(|key| match &key.state {
            State::Held(entry) | State::Answered(entry) => Some(&**entry),
            State::Missing { .. } | State::Unprocessed => None,
        });
        composer.table(wanted.name, &wanted.view, entries)?;
        if let Some(left) = wanted.left_over() {
            composer.unprocessed(wanted.name, &left);
        }
        if wanted.keys.iter().all(|key| matches!(key.state, State::Held(_))) {
            composer.consumed(wanted.name, Consumed::none(capacity));
        }
    }
    Some(Reply::document(composer.finish(), Outcome::PartialHit))
}
