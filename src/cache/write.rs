//! Writes through the cache: guarded, in a task of their own, the origin's word being final.

use std::{collections::BTreeMap, sync::Arc};

use backend::{Bypass, Call, Document, Failure, FailureKind, Outcome, Reply};
use base::Instant;
use bytes::Bytes;
use model::{
    Effect, WriteVerdict,
    call::{Request, ReturnValues},
};
use serde_json::{Value, json, value::RawValue};

use crate::{
    Core,
    answer::{processed_everything, updated_image},
    coherence::{Closed, Guard, Rule, Sight, Slot, Stamp, TooManyWrites, Verdict},
    entry::{Asked, Strength},
    fetch::{Landing, kept_item},
    indexes::{self, Changes, Touches},
    scope::{Content, Image, Scope},
};

/// What is taken off an answer before the client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trim {
    Nothing,
    /// The image that only this node asked for.
    Attributes,
}

impl Core {
    /// Forwards a write in a task of its own: a client that hangs up cancels nothing.
    pub(crate) async fn write(self: &Arc<Self>, call: Call, why: Bypass) -> Result<Reply, Failure> {
        let core = Arc::clone(self);
        let deadline = call.deadline;
        let task = self.drain.spawn(async move { core.perform(call, why).await });
        match self.clock.timeout_at(deadline, task).await {
            None => Err(Failure::deadline()),
            Some(Ok(result)) => result,
            Some(Err(died)) => Err(Failure::new(FailureKind::Internal, died.to_string())),
        }
    }

    async fn perform(self: Arc<Self>, call: Call, why: Bypass) -> Result<Reply, Failure> {
        let (call, trim) = self.ask_for_image(call);
        let scope = self.scope(&call);
        let too_many = |_| {
            self.metrics.refused_writes.inc();
            Failure::new(FailureKind::Overloaded, "too many writes of one slot under way")
        };
        let open = || self.open(&scope);
        let guard = match self.rules.hold(Rule::MoveBeforeForwarding) {
            true => Some(open().map_err(too_many)?),
            false => None,
        };
        self.forget_tables(&call, &scope);
        let sights: Vec<Sight> =
            scope.images.iter().map(|image| self.stamps.sight_of_table(image.table.slot)).collect();

        let asked_at = self.clock.now();
        // The origin has deadlines of its own; this one only keeps a guard from being held for ever.
        let latest = asked_at + self.doubt;
        let answered = self.clock.timeout_at(latest, self.origin.call(call.clone())).await;
        let result = answered.unwrap_or_else(|| Err(Failure::deadline()));

        let ending = ending(&result);
        let guard = match guard {
            Some(guard) => guard,
            None => open().map_err(too_many)?,
        };
        let closed = self.close(guard, ending, &call, &scope, &result);
        self.forget_tables(&call, &scope);
        if let (Ending::Applied, Ok(reply)) = (ending, &result) {
            self.keep_images(&call, scope.images.iter().zip(&sights), &closed, reply, asked_at);
        }
        let outcome = Outcome::Bypass(why);
        self.catalog.count(scope.table.as_deref(), call.target(), outcome);
        result.map(|reply| trim.applied_to(reply).with(outcome))
    }

    /// Ends a write: moves what it touched.
    fn close(
        &self,
        mut guard: Guard,
        ending: Ending,
        call: &Call,
        scope: &Scope,
        result: &Result<Reply, Failure>,
    ) -> BTreeMap<Slot, Closed> {
        let outdated = self.outdated(scope);
        match (ending, result) {
            (Ending::Applied, Ok(reply)) => {
                let touched = match (&scope.known[..], call.request()) {
                    ([table], Ok(request)) if !scope.indexes.is_empty() => {
                        indexes::touched(table, request, reply.body(), &scope.indexes, &self.stamps)
                    }
                    _ => scope.indexes.clone(),
                };
                guard.close(Verdict::Definite, touched.into_iter().chain(outdated))
            }
            (Ending::Refused, _) => guard.close(Verdict::Definite, []),
            _ => {
                self.metrics.doubtful_writes.inc();
                guard.late(outdated);
                guard.close(Verdict::Unknown, [])
            }
        }
    }

    /// The slots of tables that are known otherwise by now than when a write began.
    ///
    /// Race: an index is made, or a rule put into force, while the write is under way. What is stored since
    /// counts under slots of which the write knows nothing.
    pub(crate) fn outdated(&self, scope: &Scope) -> Vec<Slot> {
        let outdated = scope.known.iter().filter(|table| !self.catalog.is_current(table));
        outdated.map(|table| table.slot).collect()
    }

    /// Begins a write of everything in its scope.
    pub(crate) fn open(&self, scope: &Scope) -> Result<Guard, TooManyWrites> {
        let everything = scope.everything.then(|| self.stamps.every_table()).into_iter().flatten();
        let slots = scope.slots.iter().chain(scope.tables.keys()).copied();
        self.stamps.guard(slots.chain(everything), scope.indexes.iter().copied())
    }

    /// A table that is made, dropped or filled begins a new life, and so does an index: what was known of it
    /// is learnt again.
    fn forget_tables(&self, call: &Call, scope: &Scope) {
        let effect = call.target().known().map(|row| row.effect);
        let is_guarded =
            |name: &str| scope.everything || scope.tables.values().any(|guarded| guarded == name);
        match (effect, &scope.updated) {
            (Some(Effect::ReplacesIndexes), Some(updated)) => {
                let is_updated = |index: &str| updated.indexes.iter().any(|name| name == index);
                self.catalog.retire_indexes(&|name| name == updated.bare_name, &is_updated);
                self.catalog.learn_again(&|name| name == updated.bare_name);
            }
            (Some(Effect::ReplacesIndexes), None) => {
                self.catalog.retire_indexes(&is_guarded, &|_| true);
                self.catalog.learn_again(&is_guarded);
            }
            (None | Some(Effect::ReplacesTables), _) => self.catalog.forget(&is_guarded),
            _ => {}
        }
    }

    /// Has a write answered with what it replaces or leaves, although its client does not care, where the rule
    /// of its table says so: then it is known which results of indexes it changes.
    fn ask_for_image(self: &Arc<Self>, call: Call) -> (Call, Trim) {
        let (table_name, key, values) = match call.request() {
            Ok(Request::PutItem(put)) => (&put.table_name, &put.item.attributes, put.return_values),
            Ok(Request::DeleteItem(delete)) => (&delete.table_name, &delete.key, delete.return_values),
            Ok(Request::UpdateItem(update)) => (&update.table_name, &update.key, update.return_values),
            _ => return (call, Trim::Nothing),
        };
        let table = self.catalog.known(table_name).filter(|table| table.rule.asks_for_images);
        let (Some(table), None | Some(ReturnValues::None)) = (table, values) else {
            return (call, Trim::Nothing);
        };
        let changes = match call.request() {
            Ok(Request::UpdateItem(update)) => Changes::of(update),
            _ => Changes::Anything,
        };
        let touches_any = |index| changes.touches(&table, index, key, &self.stamps) == Touches::AnyPartition;
        if !table.global_indexes().any(touches_any) {
            return (call, Trim::Nothing);
        }
        let values = if matches!(changes, Changes::Anything) { "ALL_OLD" } else { "ALL_NEW" };
        match serde_json::from_slice::<Value>(&call.wire().body) {
            Ok(mut body) => {
                body["ReturnValues"] = json!(values);
                (call.with_body(Bytes::from(body.to_string())), Trim::Attributes)
            }
            Err(_) => (call, Trim::Nothing),
        }
    }

    /// Stores what the write left, where no other write overlapped it.
    fn keep_images<'a>(
        &self,
        call: &Call,
        images: impl Iterator<Item = (&'a Image, &'a Sight)>,
        closed: &BTreeMap<Slot, Closed>,
        reply: &Reply,
        asked_at: Instant,
    ) {
        if call.target().word() == "BatchWriteItem" && !processed_everything(reply.body()) {
            return;
        }
        for (image, sight) in images {
            let own = image.located.place.own;
            let word = match closed.get(&own) {
                Some(Closed::Alone(word)) => *word,
                _ if !self.rules.hold(Rule::ImagesOnlyAlone) => self.stamps.word(own),
                _ => continue,
            };
            let item = match &image.content {
                Content::Put(item) => Some(&**item),
                Content::Absent => None,
                Content::Answered => match updated_image(reply.body()) {
                    Some(item) => Some(item),
                    None => continue,
                },
                Content::Unknown => continue,
            };
            let sight = Sight { stamp: Stamp::of_image(word, sight.stamp.table()), ..*sight };
            let asked = Asked { strength: Strength::Strong, at: asked_at };
            let (table, located) = (&*image.table, &image.located);
            let read = Landing::of_read(table, located, &table.rule.get_item);
            let landing = Landing { is_image: true, ..read };
            let (_, is_stored) = self.land(landing, kept_item(item.map(RawValue::get)), sight, asked);
            self.metrics.images.inc_by(u64::from(is_stored));
        }
    }
}

/// How a write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The origin says that it was done, at least in part.
    Applied,
    /// The origin says that it was not done, or it never got there.
    Refused,
    /// It may have been applied, or may yet be.
    Unknown,
}

fn ending(result: &Result<Reply, Failure>) -> Ending {
    let verdict = match result {
        Ok(reply) if reply.status().is_success() => return Ending::Applied,
        Ok(reply) => reply.verdict(),
        Err(failure) => failure.verdict(),
    };
    match verdict {
        WriteVerdict::NotApplied => Ending::Refused,
        WriteVerdict::Unknown => Ending::Unknown,
    }
}

impl Trim {
    fn applied_to(self, reply: Reply) -> Reply {
        let body = match self {
            Trim::Attributes if reply.success().is_some() => serde_json::from_slice::<Value>(reply.body()),
            _ => return reply,
        };
        let Ok(Value::Object(mut members)) = body else { return reply };
        members.remove("Attributes");
        let document = Document::new(Bytes::from(Value::Object(members).to_string()));
        Reply::document(document, reply.outcome)
    }
}
