//! `Query` and `Scan` through the cache.

use std::{sync::Arc, time::Duration};

use backend::{Bypass, Call, Failure, Reply};
use model::{IndexScope, Item};

use crate::{
    Core,
    coherence::{Place, Rule},
    config::Coherence,
    fetch::{Reading, Wants},
    page::{Asking, Page},
    read::LEARNING_PATIENCE,
    schema::{Index, Keeping, Located, RETRY_AFTER, Table},
};

/// What is known of indexes is looked at again after so long, since they may be replaced beside this node.
const AGAIN_AFTER: Duration = Duration::from_secs(60);

impl Core {
    /// A hit that needs nobody; `None` if it is none, or not known to be one yet.
    pub(crate) fn ready_page(self: &Arc<Self>, call: &Call, asking: Asking<'_>) -> Option<Reply> {
        let table = self.catalog.known(asking.table_name())?;
        let reading = self.page_reading(call, &Page::of(asking)?, table).ok()?;
        let entry = self.lookup(&reading.table, &reading.located)?;
        self.hit(&reading, &entry)
    }

    /// Answers a query or a scan that may be answered from the cache.
    pub(crate) async fn page(self: &Arc<Self>, call: &Call, asking: Asking<'_>) -> Result<Reply, Failure> {
        let Some(page) = Page::of(asking) else {
            return self.pass(call, None, Bypass::NotUnderstood).await;
        };
        let patience = call.deadline.min(self.clock.now() + LEARNING_PATIENCE);
        let Some(table) = self.learn(asking.table_name(), patience).await else {
            return self.pass(call, None, Bypass::SchemaUnknown).await;
        };
        match self.page_reading(call, &page, Arc::clone(&table)) {
            Ok(reading) => self.serve(reading).await,
            Err(why) => self.pass(call, Some(&table), why).await,
        }
    }

    pub(crate) fn page_reading<'a>(
        self: &Arc<Self>,
        call: &'a Call,
        page: &Page<'a>,
        table: Arc<Table>,
    ) -> Result<Reading<'a>, Bypass> {
        let asking = page.asking;
        let index = match asking.index_name() {
            None => None,
            Some(name) => {
                let index = table.index(name).filter(|index| index.definition.is_active);
                // It may have been made beside this node, or made again, or be about to become readable.
                self.catalog.look_again(&table, if index.is_some() { AGAIN_AFTER } else { RETRY_AFTER });
                Some(index.ok_or(Bypass::SchemaUnknown)?)
            }
        };
        let scope = index.map(|index| index.definition.scope);
        if !asking.rule(&table.rule).is_on() {
            return Err(Bypass::TableCacheOff);
        }
        let (located, until) = match asking.start() {
            // A later page counts as long as the first one does, behind which it was read.
            Some(start) if table.rule.consistent_pages => {
                let first = self.locate_page(page, &table, index, None)?;
                let first = self.lookup(&table, &first).ok_or(Bypass::FirstPageUnknown)?;
                let located = self.locate_page(page, &table, index, Some((start, first.serial)))?;
                (located, Some(first.life.expires_at))
            }
            start => (self.locate_page(page, &table, index, start.map(|start| (start, 0)))?, None),
        };
        Ok(Reading { call, table, located, wants: Wants::Page { asking, scope }, until })
    }

    /// Finds the first page of a result, or the page that starts there, behind the first page of this serial
    /// number.
    fn locate_page(
        &self,
        page: &Page<'_>,
        table: &Table,
        index: Option<&Index>,
        start: Option<(&Item, u64)>,
    ) -> Result<Located, Bypass> {
        let asking = page.asking;
        let key = match index {
            None => table.key_schema(),
            Some(index) => index.definition.key_schema.as_ref().ok_or(Bypass::NotUnderstood)?,
        };
        let range = match asking {
            Asking::Query(_) => Some(page.range(key).ok_or(Bypass::NotUnderstood)?),
            Asking::Scan(_) => None,
        };
        let question =
            page.question(range.as_ref(), start.map(|(start, _)| start)).ok_or(Bypass::NotCached)?;
        let keeping = if range.is_some() { Keeping::Queries } else { Keeping::Scans };
        let mut cache_key = table.cache_key(keeping);
        cache_key.extend_from_slice(&self.index_key(index).to_le_bytes());
        cache_key.extend_from_slice(&start.map_or(0, |(_, serial)| serial).to_le_bytes());
        match self.rules.hold(Rule::WholeQuestions) {
            true => cache_key.extend_from_slice(&question),
            false => cache_key.push(question.iter().fold(0, |sum, byte| sum ^ byte) & 1),
        }

        let is_global = |index: &&Index| index.definition.scope == IndexScope::Global;
        let global = index.filter(is_global);
        let own = match &range {
            // What no write ends lives until its table is another one.
            _ if table.rule.coherence == Coherence::Ttl => table.slot,
            Some(range) => {
                let mut partition = Vec::new();
                range.partition.iter().for_each(|value| model::encode_component(value, &mut partition));
                let index = global.map(|index| index.definition.name.as_str());
                self.stamps.partition_slot(table.bare_name(), index, &partition)
            }
            // Without a slot of scans no rule keeps any.
            None => table.scan_slot.ok_or(Bypass::TableCacheOff)?,
        };
        // What no write ends depends on no index either.
        let index = global.filter(|_| table.rule.coherence != Coherence::Ttl).map(|index| index.slot);
        Ok(Located { cache_key, place: Place { own, index, table: table.slot } })
    }

    /// What tells the entries of an index from those of all others; 0 is the table itself.
    fn index_key(&self, index: Option<&Index>) -> u32 {
        match index {
            None => 0,
            Some(index) if self.rules.hold(Rule::IndexesHaveGenerations) => index.number,
            Some(index) => crc32fast::hash(index.definition.name.as_bytes()) | 1,
        }
    }
}
