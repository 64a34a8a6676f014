//! What the cache would do with a request now, and why, for an operator who wonders. It goes the way of a read, up to
//! where that would answer or ask.

use std::{sync::Arc, time::Duration};

use backend::{Bypass, Call, Outcome, Wire};
use base::{
    Action,
    units::{print_bytes, print_duration},
};
use bytes::Bytes;
use expr::{KeyRange, KeyTest};
use model::{Item, Target, call::BatchGetItem};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Core, Mode,
    answer::{Consumed, View},
    batch::{Boarding, Unservable, views},
    config::{Coherence, Rule, TableRule, Ttl},
    entry::{Entry, Strength},
    fetch::Reading,
    page::Page,
    plan::{Plan, plan},
    schema::{Located, Table},
};

/// Nothing is waited for, so that this only has to lie ahead.
const PATIENCE: Duration = Duration::from_secs(1);

/// Says what would become of a request.
pub(crate) struct Explain {
    pub(crate) core: Arc<Core>,
    pub(crate) mode: Mode,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    operation: String,
    request: Value,
}

/// What there is of an entry.
enum Holding {
    /// It counts.
    Fresh(Arc<Entry>),
    /// Its time is over.
    Expired(Arc<Entry>),
    /// Something moved its slots since: a write, a purge, news of its table.
    Overtaken(Arc<Entry>),
    /// Nothing.
    Nothing,
}

impl Action for Explain {
    fn name(&self) -> &'static str {
        "explain"
    }

    fn run(&self, request: &Value) -> Result<Value, String> {
        let request = Request::deserialize(request)
            .map_err(|_| r#"expected {"operation":"GetItem","request":{…}}"#.to_owned())?;
        let header = format!("DynamoDB_20120810.{}", request.operation);
        let target =
            Target::parse(&header).ok_or_else(|| format!("{} is no operation", request.operation))?;
        let wire = Wire { body: Bytes::from(request.request.to_string()), ..Wire::default() };
        let call = Call::from_client(target, wire, String::new(), self.core.clock.now() + PATIENCE);
        let mut answer = match self.mode {
            Mode::Off => bypass(Bypass::CacheOff),
            Mode::On | Mode::Shadow => self.core.explain(&call),
        };
        answer["operation"] = json!(request.operation);
        // What is said is what the cache would have done.
        if self.mode == Mode::Shadow {
            answer["shadow"] = json!(true);
        }
        Ok(answer)
    }
}

impl Core {
    fn explain(self: &Arc<Self>, call: &Call) -> Value {
        match plan(call) {
            Plan::Item(get) => {
                let Some(view) = View::of(get.projecting()) else { return bypass(Bypass::NotUnderstood) };
                let Some(table) = self.catalog.learn_soon(&get.table_name) else { return unlearnt() };
                let about = about(&table, None, &table.rule.get_item);
                let told = match self.item_reading(call, get, view, table) {
                    Ok(reading) => {
                        with(self.explain_reading(&reading), [("key", json!({ "item": get.key }))])
                    }
                    Err(why) => bypass(why),
                };
                with(told, about)
            }
            Plan::Page(asking) => {
                let Some(page) = Page::of(asking) else { return bypass(Bypass::NotUnderstood) };
                let Some(table) = self.catalog.learn_soon(asking.table_name()) else { return unlearnt() };
                let rule = asking.rule(&table.rule);
                let about = about(&table, asking.index_name(), rule);
                let key = key_of_page(&page, &table);
                let told = match self.page_reading(call, &page, table) {
                    Ok(reading) => with(self.explain_reading(&reading), [("key", key)]),
                    Err(why) => bypass(why),
                };
                with(told, about)
            }
            Plan::Items(batch) => self.explain_batch(batch),
            Plan::StrongItem(_) | Plan::StrongItems(_) => bypass(Bypass::StrongRead),
            Plan::Pass(why) | Plan::Write(why) => bypass(why),
        }
    }

    fn explain_reading(&self, reading: &Reading<'_>) -> Value {
        let holding = self.holding(&reading.table, &reading.located);
        if let Holding::Fresh(entry) = &holding
            && reading.wants.compose(entry, Consumed::Unsaid).is_none()
        {
            return bypass(Bypass::NotUnderstood);
        }
        let sight = self.stamps.sight(&reading.located.place);
        let told = self.tell(&holding);
        match holding {
            Holding::Fresh(_) => told,
            // What a read would do that has to ask.
            _ => {
                let asked = strength(reading.strength(&sight));
                with(told, [("origin_is_asked", json!(asked)), ("answer_may_be_kept", json!(sight.may_land))])
            }
        }
    }

    fn explain_batch(self: &Arc<Self>, batch: &BatchGetItem) -> Value {
        let Some(views) = views(batch) else { return bypass(Bypass::NotUnderstood) };
        let learnt = batch.request_items.iter().map(|(name, _)| self.catalog.learn_soon(name));
        // All of them are to be learnt, also behind one that is not known.
        if learnt.collect::<Vec<_>>().iter().any(Option::is_none) {
            return unlearnt();
        }
        let wanted = match self.wanted(batch, views, Boarding::Nobody) {
            Ok(wanted) => wanted,
            Err(Unservable::AsItCame) => return bypass(Bypass::NotUnderstood),
            Err(Unservable::Here(why)) => return bypass(why),
        };
        let tables = wanted.iter().map(|wanted| {
            let keys = wanted.keys.iter().map(|key| {
                let told = self.tell(&self.holding(&wanted.table, &key.located));
                with(told, [("key", json!({ "item": key.key }))])
            });
            let keys: Vec<Value> = keys.collect();
            with(json!({ "keys": keys }), about(&wanted.table, None, &wanted.table.rule.batch_get_item))
        });
        json!({ "tables": tables.collect::<Vec<_>>() })
    }

    fn holding(&self, table: &Table, located: &Located) -> Holding {
        if let Some(entry) = self.lookup(table, located) {
            return Holding::Fresh(entry);
        }
        match (self.untouched(table, located), table.shelf.get(&located.cache_key)) {
            (Some(entry), _) => Holding::Expired(entry),
            (None, Some(entry)) => Holding::Overtaken(entry),
            (None, None) => Holding::Nothing,
        }
    }

    fn tell(&self, holding: &Holding) -> Value {
        let now = self.clock.now();
        let entry = |entry: &Entry| {
            json!({
                "age": printed(now.saturating_duration_since(entry.asked.at)),
                "fresh_for": printed(entry.life.ttl(now)),
                "may_stand_in_for": printed(entry.life.grace(now)),
                "bytes": entry.document.body.len(),
                "origin_was_asked": strength(entry.asked.strength),
            })
        };
        let (answered_by, why, because, held) = match holding {
            Holding::Fresh(held) => {
                let ttl = held.life.ttl(now);
                let outcome =
                    if held.is_negative { Outcome::NegativeHit { ttl } } else { Outcome::Hit { ttl } };
                ("cache", outcome.word(), "it is held, fresh, and nothing has moved its stamp", Some(held))
            }
            Holding::Expired(held) => ("origin", "expired", "its time to live is over", Some(held)),
            Holding::Overtaken(held) => {
                let because = "a write that may have changed it, a purge, or news of its table came later";
                ("origin", "written-since", because, Some(held))
            }
            Holding::Nothing => {
                ("origin", "not-held", "it was never asked for, was not kept, or has been evicted", None)
            }
        };
        let told = json!({ "answered_by": answered_by, "why": why, "because": because });
        match held {
            Some(held) => with(told, [("entry", entry(held))]),
            None => told,
        }
    }
}

fn with<'a>(mut told: Value, members: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    for (name, value) in members {
        told[name] = value;
    }
    told
}

/// Whose rule holds, and which.
fn about(table: &Table, index: Option<&str>, rule: &Rule) -> [(&'static str, Value); 3] {
    [
        ("table", json!(table.bare_name())),
        ("index", json!(index)),
        ("rule", with(rule_of_table(&table.rule), rule_of_operation(rule))),
    ]
}

fn rule_of_table(rule: &TableRule) -> Value {
    let coherence = match rule.coherence {
        Coherence::Write => "write",
        Coherence::Ttl => "ttl",
        Coherence::Stream => "stream",
    };
    json!({
        "coherence": coherence,
        "consistent_pages": rule.consistent_pages,
        "ask_for_images": rule.asks_for_images,
        "ttl_attribute": rule.ttl_attribute,
        "verify": rule.verify,
    })
}

fn rule_of_operation(rule: &Rule) -> [(&'static str, Value); 5] {
    let ttl = |ttl: Ttl| match ttl {
        Ttl::Off => "off".to_owned(),
        Ttl::For(span) => printed(span),
        Ttl::Forever => "forever".to_owned(),
    };
    let entry_bytes_max = match rule.entry_bytes_max {
        u64::MAX => "none".to_owned(),
        bytes => print_bytes(bytes),
    };
    let grace = if rule.stale_grace.is_zero() { "off".to_owned() } else { printed(rule.stale_grace) };
    [
        ("ttl", json!(ttl(rule.ttl))),
        ("negative_ttl", json!(ttl(rule.negative_ttl))),
        ("entry_bytes_max", json!(entry_bytes_max)),
        ("stale_grace", json!(grace)),
        ("refresh_ahead", json!(rule.refresh_ahead)),
    ]
}

/// What tells the entry of a page from others: equal for requests that mean the same.
fn key_of_page(page: &Page<'_>, table: &Table) -> Value {
    let index = page.asking.index_name();
    let schema = match index {
        None => Some(table.key_schema()),
        Some(name) => table.index(name).and_then(|index| index.definition.key_schema.as_ref()),
    };
    let range = schema.and_then(|schema| page.range(schema));
    let rest = page.rest().and_then(|rest| serde_json::from_str::<Value>(&rest).ok());
    let start: Option<&Item> = page.asking.start();
    json!({ "range": range.as_ref().map(key_of_range), "asked": rest, "start": start })
}

fn key_of_range(range: &KeyRange) -> Value {
    let sort = match &range.sort {
        None => None,
        Some(KeyTest::Equal(value)) => Some(json!({ "equal_to": **value })),
        Some(KeyTest::Less(value)) => Some(json!({ "less_than": **value })),
        Some(KeyTest::AtMost(value)) => Some(json!({ "at_most": **value })),
        Some(KeyTest::More(value)) => Some(json!({ "more_than": **value })),
        Some(KeyTest::AtLeast(value)) => Some(json!({ "at_least": **value })),
        Some(KeyTest::Between(low, high)) => Some(json!({ "between": [**low, **high] })),
        Some(KeyTest::BeginsWith(prefix)) => Some(json!({ "begins_with": **prefix })),
        Some(KeyTest::NotIndexable) => Some(json!("nothing")),
    };
    json!({ "partition": range.partition, "sort_prefix": range.sort_prefix, "sort": sort })
}

fn bypass(why: Bypass) -> Value {
    json!({ "answered_by": "origin", "why": why.word(), "because": because(why) })
}

/// Whoever asks again soon finds it known, if it can be.
fn unlearnt() -> Value {
    with(bypass(Bypass::SchemaUnknown), [("ask_again", json!(true))])
}

fn because(why: Bypass) -> &'static str {
    match why {
        Bypass::Write => "it may write; the origin decides, and what it may change no longer counts",
        Bypass::StrongRead => "a strong read is the origin's; what it answers is news for the cache",
        Bypass::TransactionalRead => "a transaction shows one moment of all its items, which no entry knows",
        Bypass::PartiQl => "reads of PartiQL are not cached",
        Bypass::NotCached => "reads of this kind are not cached",
        Bypass::NotUnderstood => "it is not fully understood, or the origin may refuse it",
        Bypass::UnknownOperation => "the operation is not known here, and is guarded like a write",
        Bypass::SchemaUnknown => "the keys of the table, or of the index, are not known by now",
        Bypass::CacheOff => "cache.mode is off",
        Bypass::TableCacheOff => "the rule says that it is not cached",
        Bypass::FirstPageUnknown => "pages are kept with their first page, and that is not held",
        Bypass::Shadow => "cache.mode is shadow",
        Bypass::Refused => "it is refused by this node",
    }
}

fn strength(strength: Strength) -> &'static str {
    match strength {
        Strength::Eventual => "eventually",
        Strength::Strong => "strongly",
    }
}

/// To the millisecond: more is noise.
fn printed(span: Duration) -> String {
    print_duration(Duration::from_millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)))
}
