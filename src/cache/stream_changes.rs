//! Changes that others wrote beside this node, as their tables' streams tell them: a record does what a write does,
//! but never stores.

use std::{
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use model::json::item_from_slice;

use crate::{
    Core,
    coherence::{Rule, Slot},
    config::{Coherence, RuleBook},
    entry::Entry,
    follow::{self, Change, Follower, Image, Sink},
    schema::{Index, Table},
};

/// Who hears of changes; the cache may be gone by then.
struct Ears(Weak<Core>);

impl Core {
    /// Gets ready to follow streams, which begins with the first read of a table whose rule asks for it.
    pub(crate) fn follow_streams(self: &Arc<Self>, poll_interval: Duration) {
        let parts = follow::Parts {
            origin: Arc::clone(&self.origin),
            sink: Arc::new(Ears(Arc::downgrade(self))),
            clock: self.clock.clone(),
            chance: self.chance.clone(),
            drain: self.drain.clone(),
            metrics: self.metrics.streams.clone(),
        };
        // A cache is put together once.
        let _ = self.follower.set(Follower::new(parts, follow::Config { poll_interval }));
    }

    /// Sees to it that the stream of a table is followed, if its rule asks for that.
    pub(crate) fn follow(&self, table: &Table) {
        if table.rule.coherence != Coherence::Stream || table.is_followed.swap(true, Ordering::Relaxed) {
            return;
        }
        if let Some(Err(follow::TooManyTables)) =
            self.follower.get().map(|follower| follower.follow(table.bare_name()))
        {
            tracing::warn!(table = table.bare_name(), "too many streams are followed, so this one is not");
        }
    }

    /// Stops following the tables whose rules no longer ask for it.
    pub(crate) fn unfollow(&self, book: &RuleBook) {
        for table in self.catalog.tables() {
            if book.of_table(table.bare_name()).coherence != Coherence::Stream
                && let Some(follower) = self.follower.get()
            {
                follower.forget(table.bare_name());
            }
        }
    }

    /// How it stands with following a table, in words for the report.
    pub(crate) fn following(&self, table: &Table) -> Option<String> {
        Some(match self.follower.get()?.state(table.bare_name())? {
            follow::State::Starting => "starting".to_owned(),
            follow::State::Following { lag } => format!("following, at most {lag:?} behind"),
            follow::State::Lost(why) => format!("not followed: {}", why.word()),
        })
    }

    pub(crate) fn hear(self: &Arc<Self>, name: &str, change: &Change) {
        if !self.rules.hold(Rule::RecordsMoveSlots) {
            return;
        }
        let table = self.catalog.learn_soon(name);
        let located = table.as_ref().map(|table| table.locate_key(&change.key, &self.stamps, self.rules));
        let (Some(table), Some(Ok(located))) = (table, located) else {
            return self.stamps.touch([self.stamps.table_slot(name)]);
        };
        let image = self.lookup(&table, &located).filter(|entry| entry.is_image);
        // What a write through this node left has moved everything once already, and what it touched is read
        // strongly for a while.
        if image.is_some_and(|image| shows(&image, &change.new)) {
            return;
        }
        let partition = table.partition_slot(&change.key, &self.stamps).ok();
        let indexes = table.global_indexes().flat_map(|index| self.changed_partitions(&table, index, change));
        // What a read brought falls even if it shows just this: were it evicted instead, a replica that lags would
        // be asked for it, and show what was there before.
        let own = std::iter::once(located.place.own);
        self.stamps.touch(own.chain(partition).chain(table.scan_slot).chain(indexes));
    }

    /// The partitions of an index that a change touched; the whole index, if the record does not tell.
    fn changed_partitions(&self, table: &Table, index: &Index, change: &Change) -> Vec<Slot> {
        let mut slots = Vec::new();
        for image in [&change.old, &change.new] {
            match image {
                Image::Hidden => return vec![index.slot],
                Image::Absent => {}
                Image::Item(item) => slots.extend(index.partition_slot(table, item, &self.stamps)),
            }
        }
        slots
    }
}

impl Sink for Ears {
    fn changed(&self, table: &str, change: &Change) {
        if let Some(core) = self.0.upgrade() {
            core.hear(table, change);
        }
    }

    fn lost_track(&self, table: &str) {
        if let Some(core) = self.0.upgrade().filter(|core| core.rules.hold(Rule::LostStreamsDrop)) {
            core.stamps.touch([core.stamps.table_slot(table)]);
        }
    }
}

/// Whether an entry shows the item of a record.
fn shows(entry: &Entry, image: &Image) -> bool {
    match image {
        Image::Hidden => false,
        Image::Absent => entry.is_negative,
        Image::Item(item) => {
            let shown = entry.item_json().map(item_from_slice);
            matches!(shown, Some(Ok(shown)) if shown == *item)
        }
    }
}
