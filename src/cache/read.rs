//! `GetItem` through the cache.

use std::{sync::Arc, time::Duration};

use backend::{Bypass, Call, Failure, Reply};
use model::call::GetItem;

use crate::{
    Core,
    answer::{GotItem, View},
    coherence::Rule,
    entry::{Asked, Strength},
    fetch::{Reading, Wants},
    schema::Table,
};

/// A read waits so long for its table to be described; then it passes by.
pub(crate) const LEARNING_PATIENCE: Duration = Duration::from_secs(1);

impl Core {
    /// A hit that needs nobody; `None` if it is none, or not known to be one yet.
    pub(crate) fn ready_item(self: &Arc<Self>, call: &Call, get: &GetItem) -> Option<Reply> {
        let table = self.catalog.known(&get.table_name)?;
        let reading = self.item_reading(call, get, View::of(get.projecting())?, table).ok()?;
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
        let Some(table) = self.learn(&get.table_name, patience).await else {
            return self.pass_settled(call, Bypass::SchemaUnknown).await;
        };
        match self.item_reading(call, get, view, Arc::clone(&table)) {
            Ok(reading) => self.serve(reading).await,
            Err(why) => self.pass(call, Some(&table), why).await,
        }
    }

    pub(crate) fn item_reading<'a>(
        &self,
        call: &'a Call,
        get: &'a GetItem,
        view: View,
        table: Arc<Table>,
    ) -> Result<Reading<'a>, Bypass> {
        if !table.rule.get_item.is_on() {
            return Err(Bypass::TableCacheOff);
        }
        let located =
            table.locate_key(&get.key, &self.stamps, self.rules).map_err(|_| Bypass::NotUnderstood)?;
        Ok(Reading { call, table, located, wants: Wants::Item { get, view }, until: None })
    }

    /// Passes a strong read by, and takes its answer as news.
    pub(crate) async fn strong_item(&self, call: &Call, get: &GetItem) -> Result<Reply, Failure> {
        let table = self.catalog.learn_soon(&get.table_name).filter(|table| table.rule.get_item.is_on());
        let view = View::of(get.projecting());
        let reading =
            table.clone().zip(view).and_then(|(table, view)| self.item_reading(call, get, view, table).ok());
        let Some(reading) = reading else {
            let reply = self.pass(call, table.as_deref(), Bypass::StrongRead).await?;
            self.contradict_unread(&get.table_name, std::slice::from_ref(&get.key));
            return Ok(reply);
        };
        let sight = self.stamps.sight(&reading.located.place);
        let asked = Asked { strength: Strength::Strong, at: self.clock.now() };
        let reply = self.pass(call, Some(&reading.table), Bypass::StrongRead).await?;
        if let Some(got) = reply.success().and_then(|body| GotItem::read(body))
            && self.rules.hold(Rule::StrongAnswersRefresh)
            && let Wants::Item { view, .. } = &reading.wants
        {
            match view {
                View::Whole => {
                    self.refresh(&reading.table, &reading.located, got.item, sight, asked);
                }
                // It shows a part only, so it cannot replace the entry; but it may show that the entry is
                // old.
                View::Projected(_) => {
                    let entry = self.lookup(&reading.table, &reading.located);
                    if entry.is_some_and(|entry| !view.agrees(&entry, got.item)) {
                        self.contradict(&reading.located);
                    }
                }
            }
        }
        Ok(reply)
    }
}
